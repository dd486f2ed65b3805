/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Relays carry bytes from a source to a sink with one bounded buffer each: a full buffer stops the
 * reading of its own source and nothing else. The payload's output goes to the log at once, whether
 * or not the user's side takes it. If the user's side closes an output, the payload gets a closed
 * pipe too, as in any pipeline: `husk run X yes | head` ends. The user's fds share their file
 * description with a shell, so they are never made non-blocking. They are written when epoll
 * reports room, at most PIPE_BUF at a time: a pipe that reports room has room for that. Files,
 * which epoll refuses, never block, and are read and written at once. The payload's side is our
 * own, and non-blocking.
 */
#include "monitor/internal.h"
#include "sys/calls.h"
#include "sys/fd.h"

#include <asm/ioctls.h>
#include <errno.h>
#include <limits.h>

/* A line without a newline, such as a prompt, is in the log after this time. */
enum { PARTIAL_MS = 100 };

static bool is_empty(const struct relay *c)
{
	return c->begin == c->end;
}

bool relays_are_drained(const struct relays *r)
{
	for (int i = RELAY_STDOUT; i <= RELAY_STDERR; i++)
		if (r->rows[i].source || !is_empty(&r->rows[i]))
			return false;
	return true;
}

static void end_forget(struct relays *r, struct relay_end *e)
{
	if (e && e->events) {
		loop_forget(r->loop, e->fd);
		e->events = 0;
	}
}

/* The source has ended or is gone. The payload's stdin is closed too, after it has taken all. */
static void source_end(struct relays *r, struct relay *c)
{
	end_forget(r, c->source);
	c->source = NULL;
	if (c == &r->rows[RELAY_STDIN] && is_empty(c) && r->monitor->console_fd < 0) {
		end_forget(r, c->sink);
		c->sink = NULL;
		fd_replace(&r->monitor->input_fd, -EBADF);
	}
}

/* The sink is gone: buffered bytes are dropped. */
static void sink_end(struct relays *r, struct relay *c)
{
	end_forget(r, c->sink);
	c->sink = NULL;
	c->begin = c->end = 0;
	if (c == &r->rows[RELAY_STDIN])
		source_end(r, c);
}

/* A terminal cannot be closed in one direction: from now on its output goes only to the log. */
static void pipe_break(struct relays *r, struct relay *c)
{
	if (c == &r->rows[RELAY_STDIN] || r->monitor->console_fd >= 0)
		return;
	source_end(r, c);
	fd_replace(&r->monitor->output_fds[c == &r->rows[RELAY_STDERR]], -EBADF);
}

static int on_partial(void *context, int id, unsigned events)
{
	struct relays *r = context;
	r->has_flush_timer = false;
	monitor_log_flush(r->monitor->log);
	return 0;
}

static void log_write(struct relays *r, const struct relay *c)
{
	struct monitor_log *log = r->monitor->log;
	if (!log)
		return;
	bool is_stderr = c == &r->rows[RELAY_STDERR];
	monitor_log_write(log, is_stderr ? MONITOR_STDERR : MONITOR_STDOUT, c->data, c->end);
	if (monitor_log_has_partial(log) && !r->has_flush_timer)
		r->has_flush_timer = loop_timer(r->loop, PARTIAL_MS, on_partial, r) >= 0;
}

static void relay_fill(struct relays *r, struct relay *c)
{
	size_t want = c->left < RELAY_BYTES ? (size_t)c->left : RELAY_BYTES;
	ssize_t n = sys_read(c->source->fd, c->data, want);
	if (n == -EAGAIN)
		return;
	if (n <= 0) { /* EIO: a terminal whose other side is closed */
		source_end(r, c);
		return;
	}
	c->begin = 0;
	c->end = (size_t)n;
	if (c->left != UINT64_MAX)
		c->left -= (uint64_t)n;
	if (c != &r->rows[RELAY_STDIN])
		log_write(r, c);
	if (!c->sink)
		c->end = 0;
	if (c->left == 0)
		source_end(r, c);
}

static void relay_flush(struct relays *r, struct relay *c)
{
	size_t size = c->end - c->begin;
	if (!c->sink->is_plain && size > PIPE_BUF)
		size = PIPE_BUF;
	ssize_t n = sys_write(c->sink->fd, c->data + c->begin, size);
	if (n == -EAGAIN)
		return;
	if (n < 0) {
		sink_end(r, c);
		pipe_break(r, c);
		return;
	}
	c->begin += (size_t)n;
	if (is_empty(c) && !c->source)
		source_end(r, c);
}

static int on_end(void *context, int fd, unsigned events);

/* Watches an end for the events that its relays need now. If they need none, the end is not
 * watched: epoll would report a hangup for ever that no relay can act on. */
static int end_watch(struct relays *r, struct relay_end *e)
{
	unsigned events = 0;
	for (int i = 0; i < RELAY_COUNT; i++) {
		const struct relay *c = &r->rows[i];
		if (c->source == e && is_empty(c))
			events |= LOOP_READ;
		if (c->sink == e && !is_empty(c))
			events |= LOOP_WRITE;
	}
	if (events == e->events || e->is_plain)
		return 0;
	if (events == 0) {
		end_forget(r, e);
		return 0;
	}
	int result = loop_watch(r->loop, e->fd, events, on_end, r);
	if (result == -EPERM) {
		e->is_plain = true;
		return 0;
	}
	e->events = result < 0 ? e->events : events;
	return result < 0 ? err_new(result, "watch fd %d", e->fd) : 0;
}

/* Moves data from and to files, which never block; false when there was nothing to move. */
static bool relay_move(struct relays *r, struct relay *c)
{
	if (!is_empty(c) && c->sink && c->sink->is_plain)
		relay_flush(r, c);
	else if (is_empty(c) && c->source && c->source->is_plain)
		relay_fill(r, c);
	else
		return false;
	return true;
}

static int ends_watch(struct relays *r)
{
	int result = 0;
	for (int i = 0; i < 2 * RELAY_COUNT && result == 0; i++)
		if (r->ends[i].fd >= 0)
			result = end_watch(r, &r->ends[i]);
	return result;
}

/* Ends only the input: a terminal that took it is still read. */
int relays_stop_input(struct relays *r)
{
	sink_end(r, &r->rows[RELAY_STDIN]);
	return ends_watch(r);
}

static int relays_update(struct relays *r)
{
	bool is_moving;
	do {
		int result = ends_watch(r);
		is_moving = false;
		if (result < 0)
			return result;
		for (int i = 0; i < RELAY_COUNT; i++)
			is_moving = relay_move(r, &r->rows[i]) || is_moving;
	} while (is_moving);
	return relays_are_drained(r) ? r->drained(r->context) : 0;
}

static int on_end(void *context, int fd, unsigned events)
{
	struct relays *r = context;
	for (int i = 0; i < RELAY_COUNT; i++) {
		struct relay *c = &r->rows[i];
		if (c->source && c->source->fd == fd && is_empty(c) &&
			events & (LOOP_READ | LOOP_HANGUP))
			relay_fill(r, c);
		else if (c->sink && c->sink->fd == fd && !is_empty(c) &&
			events & (LOOP_WRITE | LOOP_HANGUP))
			relay_flush(r, c);
	}
	return relays_update(r);
}

int relays_limit_output(struct relays *r)
{
	for (int i = RELAY_STDOUT; i <= RELAY_STDERR; i++) {
		struct relay *c = &r->rows[i];
		int pending = 0;
		if (!c->source)
			continue;
		if (sys_ioctl(c->source->fd, FIONREAD, &pending) == 0 && pending > 0)
			c->left = (uint64_t)pending;
		else
			source_end(r, c);
	}
	return relays_update(r);
}

/* The relay_end of this fd; another relay may use it already. */
static struct relay_end *end_of(struct relays *r, int fd)
{
	struct relay_end *e = r->ends;
	if (fd < 0)
		return NULL;
	while (e->fd >= 0 && e->fd != fd)
		e++;
	e->fd = fd;
	return e;
}

int relays_begin(struct relays *r)
{
	const struct monitor *m = r->monitor;
	bool has_console = m->console_fd >= 0;
	const int fds[RELAY_COUNT][2] = {
		[RELAY_STDOUT] = {has_console ? m->console_fd : m->output_fds[0], m->user_out},
		[RELAY_STDERR] = {has_console ? -EBADF : m->output_fds[1], m->user_err},
		[RELAY_STDIN] = {m->user_in, has_console ? m->console_fd : m->input_fd},
	};
	const int own_fds[] = {m->console_fd, m->output_fds[0], m->output_fds[1], m->input_fd};
	for (size_t i = 0; i < sizeof(own_fds) / sizeof(own_fds[0]); i++) {
		int result = own_fds[i] < 0 ? 0 : fd_set_nonblock(own_fds[i], true);
		if (result < 0)
			return err_new(result, "prepare fd %d", own_fds[i]);
	}
	for (int i = 0; i < 2 * RELAY_COUNT; i++)
		r->ends[i] = (struct relay_end){.fd = -EBADF};
	for (int i = 0; i < RELAY_COUNT; i++) {
		r->rows[i].left = UINT64_MAX;
		r->rows[i].data = r->data[i];
		r->rows[i].begin = r->rows[i].end = 0;
		r->rows[i].source = end_of(r, fds[i][0]);
		r->rows[i].sink = r->rows[i].source ? end_of(r, fds[i][1]) : NULL;
	}
	if (!r->rows[RELAY_STDIN].sink)
		r->rows[RELAY_STDIN].source = NULL;
	return relays_update(r);
}
