/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The way of sd_notify(3) messages from a payload to the service manager. Only states of the
 * service pass, as the table in notify.c has them. Silent, -errno.
 */
#include "base/cleanup.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum {
	NOTIFY_BYTES = 4096, /* the longest message that systemd reads */
	NOTIFY_MAIN = 24 /* "\nMAINPID=" and a number */
};

struct loop;
struct notify {
	int payload_fd; /* where the payload's messages arrive; -EBADF: there is no such way */
	int manager_fd; /* connected to the service manager */
	/* Private. */
	struct loop *loop;
	pid_t main_pid;
	bool is_ready, ends_loop, kept_is_ready;
	size_t kept;
	char text[NOTIFY_BYTES + NOTIFY_MAIN];
};
#define NOTIFY_INIT \
	{ \
		.payload_fd = -EBADF, .manager_fd = -EBADF \
	}
void notify_close(struct notify *n);
AUTO_STRUCT(notify, struct notify, notify_close)
/* For a process that ends before the payload does: returns when the manager has been told of the
 * readiness, and with it that main_pid is the service's main process, or when the payload has
 * ended. */
int notify_wait(struct notify *n, int payload_pidfd, pid_t main_pid);

/* Passes on what arrives while the loop runs, and what has arrived at this moment. */
int notify_begin(struct notify *n, struct loop *loop);
void notify_drain(struct notify *n);
