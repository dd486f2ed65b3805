/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a payload tells the service manager with sd_notify(3). The payload is not trusted: a service
 * manager would let the service's main process name another main process, keep fds, or let further
 * processes speak for it. So only the states of the table below are passed on, and never fds.
 *
 * A message that the manager has no room for is kept, and until it is sent nothing more is read:
 * the payload's own queue then fills, and the payload waits as it would for the manager itself.
 */
#include "sys/notify.h"
#include "base/str.h"
#include "sys/fd.h"
#include "sys/loop.h"
#include "sys/socket.h"

#include <stdio.h>

enum {
	TURN_MESSAGES = 16, /* then the loop's other fds have their turn */
	DRAIN_MESSAGES = 1024, /* more than the kernel queues (net.unix.max_dgram_qlen) */
};

static const char *const passed_states[] = {"READY", "RELOADING", "STOPPING", "STATUS", "ERRNO",
	"BUSERROR", "EXIT_STATUS", "WATCHDOG", "WATCHDOG_USEC", "EXTEND_TIMEOUT_USEC",
	"MONOTONIC_USEC"};

void notify_close(struct notify *n)
{
	fd_replace(&n->payload_fd, -EBADF);
	fd_replace(&n->manager_fd, -EBADF);
}

static bool is_passed(const char *line, size_t len)
{
	const char *end = memchr(line, '=', len);
	size_t name = end ? (size_t)(end - line) : 0;
	if (memchr(line, 0, len))
		return false;
	for (size_t i = 0; i < sizeof(passed_states) / sizeof(passed_states[0]); i++)
		if (strlen(passed_states[i]) == name && memcmp(passed_states[i], line, name) == 0)
			return true;
	return false;
}

/* Writes the lines of a message that pass; returns their size. Larger messages do not pass. */
static size_t filter(
	const char *text, size_t size, char out[static NOTIFY_BYTES], bool *out_is_ready)
{
	size_t len = 0;
	*out_is_ready = false;
	for (size_t at = 0; at < size && size <= NOTIFY_BYTES;) {
		const char *line = text + at, *end = memchr(line, '\n', size - at);
		size_t line_len = end ? (size_t)(end - line) : size - at;
		at += line_len + 1;
		if (!is_passed(line, line_len))
			continue;
		*out_is_ready |= line_len == strlen("READY=1") &&
			memcmp(line, "READY=1", line_len) == 0;
		if (len > 0)
			out[len++] = '\n';
		memcpy(out + len, line, line_len);
		len += line_len;
	}
	return len;
}

/* Sends what is kept. -EAGAIN: the manager has no room. A manager that has gone is not told. */
static int kept_send(struct notify *n)
{
	int r = n->kept ? socket_datagram_send(n->manager_fd, n->text, n->kept) : 0;
	if (r == -EAGAIN)
		return r;
	n->is_ready |= n->kept_is_ready;
	n->kept = 0;
	n->kept_is_ready = false;
	return 0;
}

/* The main process is told together with the readiness: the manager then watches that process. */
static void main_process_tell(struct notify *n)
{
	int len = snprintf(
		n->text + n->kept, sizeof(n->text) - n->kept, "\nMAINPID=%d", n->main_pid);
	n->kept += (size_t)len;
}

/* Passes on at most so many messages. -EAGAIN: the manager has no room. */
static int pass(struct notify *n, int messages)
{
	int r = kept_send(n);
	for (; r == 0 && messages > 0; messages--) {
		char text[NOTIFY_BYTES];
		ssize_t size = socket_datagram_receive(n->payload_fd, text, sizeof(text));
		if (size < 0)
			return 0;
		n->kept = filter(text, (size_t)size, n->text, &n->kept_is_ready);
		if (n->kept_is_ready && n->main_pid > 0)
			main_process_tell(n);
		r = kept_send(n);
	}
	return r;
}

static int on_message(void *context, int fd, unsigned events)
{
	struct notify *n = context;
	bool is_full = pass(n, TURN_MESSAGES) == -EAGAIN;
	if (n->is_ready && n->ends_loop)
		loop_quit(n->loop, 0);
	loop_forget(n->loop, is_full ? n->payload_fd : n->manager_fd);
	return loop_watch(n->loop, is_full ? n->manager_fd : n->payload_fd,
		is_full ? LOOP_WRITE : LOOP_READ, on_message, n);
}

int notify_begin(struct notify *n, struct loop *loop)
{
	n->loop = loop;
	return on_message(n, n->payload_fd, LOOP_READ);
}

void notify_drain(struct notify *n)
{
	pass(n, DRAIN_MESSAGES);
}

static int on_end(void *context, int fd, unsigned events)
{
	loop_quit(context, 0);
	return 0;
}

int notify_wait(struct notify *n, int payload_pidfd, pid_t main_pid)
{
	struct loop *loop = NULL;
	n->main_pid = main_pid;
	n->ends_loop = true;
	int r = loop_new(&loop);
	if (r == 0)
		r = loop_watch(loop, payload_pidfd, LOOP_READ, on_end, loop);
	if (r == 0)
		r = notify_begin(n, loop);
	if (r == 0)
		r = loop_run(loop);
	notify_drain(n);
	loop_free(loop);
	return r < 0 ? r : 0;
}
