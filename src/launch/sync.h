/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The messages between host and init; their order is in sync.c. */
#include "launch/internal.h"

/* Messages. The table in sync.c says who may send which, with how many fds; anything else is -EPROTO. */
enum sync_type {
	SYNC_NONE,
	SYNC_BEGIN, /* host -> init: the start packet: plan and slots */
	SYNC_MAPPED, /* host -> init before its execve: it has a user namespace, and ids in it */
	SYNC_CHILD, /* who joined a user or pid namespace -> host: the pidfd of the process that goes on */
	SYNC_CONSOLE, /* init -> host: the pty master */
	SYNC_HOOKS, /* init -> host: furnished, not entered: run the hooks */
	SYNC_HOOKED,
	SYNC_READY, /* init -> host: everything but the payload is done */
	SYNC_START,
	SYNC_LISTENER, /* init -> host: what its filter notifies of */
	SYNC_LISTENING,
	SYNC_FAILED, /* init -> host: step and trail */
	SYNC_COUNT
};

struct sync_message {
	uint32_t type;
	uint32_t step; /* FAILED: where; CHILD: the pid */
	uint32_t phase; /* FAILED: enum launch_phase */
	uint32_t reserved;
	uint64_t slots[SLOT_WORDS]; /* BEGIN: which slots are among the fds, after the plan */
	struct err_packet error;
};

int sync_send(int fd, const struct sync_message *message, const int *fds, size_t fd_count);
/* Receives; an fd beyond those the rule allows is refused, and no fd of what is refused is left. A FAILED message
 * becomes the trail: its code is returned and *out has step and phase. End of file is -ECONNRESET. */
int sync_receive(int fd, struct sync_message *out, int *fds, size_t *fd_count);
/* Receives and insists on one type. */
int sync_expect(int fd, enum sync_type type, struct sync_message *out, int *fds, size_t *fd_count);
