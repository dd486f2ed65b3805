/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The messages between host and init; their order is in sync.c. */
#include "launch/internal.h"

/* Messages. sync.c says which side sends which, and with how many fds; anything else is -EPROTO. */
enum sync_type {
	SYNC_NONE,
	SYNC_BEGIN, /* host -> init: the start packet: plan and slots */
	SYNC_MAPPED, /* host -> init before its execve: the ids of its user namespace are mapped */
	SYNC_CHILD, /* joining process -> host: the pidfd of the process that goes on */
	SYNC_BORN, /* host -> that process, in a pid namespace: it may go on */
	SYNC_CONSOLE, /* init -> host: the pty master */
	SYNC_HOOKS, /* init -> host: the root is set up but not entered: run the hooks */
	SYNC_HOOKED,
	SYNC_READY, /* init -> host: everything but the payload is done */
	SYNC_START, /* host -> init, with the fd of the report */
	SYNC_LISTENER, /* init -> host: the listener of its filter */
	SYNC_LISTENING,
	SYNC_FAILED, /* init -> host: step and trail; after START it is in the report */
	SYNC_COUNT,
	SYNC_EXECUTES = SYNC_COUNT /* in the report only: the next call is the execve */
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
/* Receives a message. If it has more fds than its rule allows it is refused, and all its fds are
 * closed. A FAILED message becomes the trail: its code is returned and *out has step and phase. End
 * of file is -ECONNRESET. */
int sync_receive(int fd, struct sync_message *out, int *fds, size_t *fd_count);
/* Receives and insists on one type. */
int sync_expect(int fd, enum sync_type type, struct sync_message *out, int *fds, size_t *fd_count);
/* The same for a message without fds, by read(2), which a filter rather allows than recvmsg(2). */
int sync_await(int fd, enum sync_type type);

/*
 * The report: one message in memory that host and init share from START on. Init's filter may
 * refuse every system call, but not a write to memory. It is read when init's socket has ended.
 */
int sync_report_make(void);
int sync_report_map(int fd, struct sync_message **out);
/* `message` is FAILED, or EXECUTES without an error. */
void sync_report_write(struct sync_message *report, const struct sync_message *message);
/* As sync_receive: a FAILED report becomes the trail. 0: init had begun its execve. -ECONNABORTED:
 * init ended before that, without a report. */
int sync_report_read(int fd, struct sync_message *out);
