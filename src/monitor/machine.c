/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Supervising one process: a loop that only finds the cell of a table.
 *
 *            payload ended    outputs drained    deadline
 * RUNNING    -> DRAINING      (stays)            -
 * DRAINING   -               -> ENDED            -> ENDED
 *
 * A payload may close its output long before it ends, and may leave a background process that holds it open after;
 * so its end and the end of its output are two events, and the second is waited for at most DRAIN_MS.
 *
 * Channels carry bytes from a source to a sink with one bounded buffer each: a full buffer stops reading its source and
 * nothing else. What the payload wrote goes to the log at once, whether or not the user's side takes it. The user's fds
 * share their file description with a shell, so they are never made non-blocking: a sink is written when epoll says
 * so, at most PIPE_BUF at a time; files, which epoll does not know, are read and written right away.
 */
#include "monitor/monitor.h"
#include "base/err.h"
#include "sys/calls.h"
#include "sys/fd.h"
#include "sys/loop.h"
#include "sys/term.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>

enum { DRAIN_MS = 2000, CHANNEL_BYTES = 16384, CHANNELS = 3 };
enum channel_kind { CHANNEL_STDOUT, CHANNEL_STDERR, CHANNEL_STDIN };

struct channel {
	int source, sink; /* -EBADF: ended, or none */
	bool source_is_plain, sink_is_plain;
	size_t begin, end; /* what is in data and not yet written */
	char data[CHANNEL_BYTES];
};

enum state { STATE_RUNNING, STATE_DRAINING, STATE_ENDED, STATE_COUNT };
enum event { EVENT_PAYLOAD_ENDED, EVENT_DRAINED, EVENT_DEADLINE, EVENT_COUNT };

struct machine {
	struct monitor *monitor;
	struct loop *loop;
	enum state state;
	int code;
	int signal_fd;
	struct channel channels[CHANNELS];
};

typedef int (*transition)(struct machine *m);

static bool is_drained(const struct machine *m)
{
	for (int i = CHANNEL_STDOUT; i <= CHANNEL_STDERR; i++)
		if (m->channels[i].source >= 0 || m->channels[i].begin < m->channels[i].end)
			return false;
	return true;
}

static int on_deadline(void *context, int id, unsigned events);

static int collect(struct machine *m)
{
	int code = process_wait(m->monitor->pidfd);
	if (code < 0)
		return err_new(code, "wait for the payload");
	m->code = code;
	loop_forget(m->loop, m->monitor->pidfd);
	m->state = STATE_DRAINING;
	int r = loop_timer(m->loop, DRAIN_MS, on_deadline, m);
	return r < 0 ? err_new(r, "set the deadline for the last output") : 0;
}

static int finish(struct machine *m)
{
	m->state = STATE_ENDED;
	loop_quit(m->loop, 0);
	return 0;
}

static int stay(struct machine *m)
{
	return 0;
}

static const transition transitions[STATE_COUNT][EVENT_COUNT] = {
	[STATE_RUNNING] = {[EVENT_PAYLOAD_ENDED] = collect, [EVENT_DRAINED] = stay, [EVENT_DEADLINE] = stay},
	[STATE_DRAINING] = {[EVENT_PAYLOAD_ENDED] = stay, [EVENT_DRAINED] = finish, [EVENT_DEADLINE] = finish},
	[STATE_ENDED] = {[EVENT_PAYLOAD_ENDED] = stay, [EVENT_DRAINED] = stay, [EVENT_DEADLINE] = stay},
};

static int happened(struct machine *m, enum event event)
{
	int r = transitions[m->state][event](m);
	if (r < 0)
		return r;
	return event == EVENT_PAYLOAD_ENDED && is_drained(m) ? transitions[m->state][EVENT_DRAINED](m) : 0;
}

static int on_deadline(void *context, int id, unsigned events)
{
	return happened(context, EVENT_DEADLINE);
}

static int on_payload(void *context, int fd, unsigned events)
{
	return happened(context, EVENT_PAYLOAD_ENDED);
}

static bool is_empty(const struct channel *c)
{
	return c->begin == c->end;
}

/* The source has nothing more, or is gone. Standard input ends for the payload too, once all of it was taken. */
static void source_end(struct machine *m, struct channel *c)
{
	loop_forget(m->loop, c->source);
	c->source = -EBADF;
	if (c == &m->channels[CHANNEL_STDIN] && is_empty(c) && m->monitor->console_fd < 0) {
		loop_forget(m->loop, c->sink);
		c->sink = -EBADF;
		fd_replace(&m->monitor->input_fd, -EBADF);
	}
}

/* Nobody takes it any more: what is buffered is dropped. The log still gets all of it. */
static void sink_end(struct machine *m, struct channel *c)
{
	loop_forget(m->loop, c->sink);
	c->sink = -EBADF;
	c->begin = c->end = 0;
	if (c == &m->channels[CHANNEL_STDIN] && c->source >= 0)
		source_end(m, c);
}

static void channel_fill(struct machine *m, struct channel *c)
{
	ssize_t n = sys_read(c->source, c->data, sizeof(c->data));
	if (n == -EAGAIN)
		return;
	if (n <= 0) { /* a terminal whose other side is closed says EIO */
		source_end(m, c);
		return;
	}
	c->begin = 0;
	c->end = (size_t)n;
	if (c != &m->channels[CHANNEL_STDIN] && m->monitor->log)
		monitor_log_write(m->monitor->log,
			c == &m->channels[CHANNEL_STDERR] ? MONITOR_STDERR : MONITOR_STDOUT, c->data, (size_t)n);
	if (c->sink < 0)
		c->end = 0;
}

static void channel_flush(struct machine *m, struct channel *c)
{
	size_t size = c->end - c->begin;
	ssize_t n = sys_write(c->sink, c->data + c->begin, size < PIPE_BUF ? size : PIPE_BUF);
	if (n == -EAGAIN)
		return;
	if (n < 0) {
		sink_end(m, c);
		return;
	}
	c->begin += (size_t)n;
	if (is_empty(c) && c->source < 0)
		source_end(m, c);
}

static int on_channel(void *context, int fd, unsigned events);

static int watch(struct machine *m, int fd, unsigned events, bool *out_is_plain)
{
	if (events == 0) {
		loop_forget(m->loop, fd);
		return 0;
	}
	int r = loop_watch(m->loop, fd, events, on_channel, m);
	if (r == -EPERM) {
		*out_is_plain = true;
		return 0;
	}
	return r < 0 ? err_new(r, "watch fd %d", fd) : 0;
}

/* A console is the source of one channel and the sink of another: one registration for both. */
static unsigned wanted_events(const struct machine *m, int fd)
{
	unsigned events = 0;
	for (int i = 0; i < CHANNELS; i++) {
		const struct channel *c = &m->channels[i];
		if (c->source == fd && is_empty(c))
			events |= LOOP_READ;
		if (c->sink == fd && !is_empty(c))
			events |= LOOP_WRITE;
	}
	return events;
}

/* Moves what needs no waiting, then asks epoll for the rest. */
static int channels_update(struct machine *m)
{
	for (int i = 0; i < CHANNELS; i++) {
		struct channel *c = &m->channels[i];
		for (;;) {
			if (!is_empty(c) && c->sink >= 0 && c->sink_is_plain)
				channel_flush(m, c);
			else if (is_empty(c) && c->source >= 0 && c->source_is_plain)
				channel_fill(m, c);
			else
				break;
		}
		int r = c->source >= 0 ? watch(m, c->source, wanted_events(m, c->source), &c->source_is_plain) : 0;
		if (r == 0 && c->sink >= 0)
			r = watch(m, c->sink, wanted_events(m, c->sink), &c->sink_is_plain);
		if (r < 0)
			return r;
		bool is_just_known = (c->source >= 0 && c->source_is_plain && is_empty(c)) ||
			(c->sink >= 0 && c->sink_is_plain && !is_empty(c));
		if (is_just_known)
			i--; /* epoll does not take it: once more, right away */
	}
	return is_drained(m) ? happened(m, EVENT_DRAINED) : 0;
}

static int on_channel(void *context, int fd, unsigned events)
{
	struct machine *m = context;
	for (int i = 0; i < CHANNELS; i++) {
		struct channel *c = &m->channels[i];
		if (c->source == fd && is_empty(c) && events & (LOOP_READ | LOOP_HANGUP))
			channel_fill(m, c);
		else if (c->sink == fd && !is_empty(c) && events & (LOOP_WRITE | LOOP_HANGUP))
			channel_flush(m, c);
	}
	return channels_update(m);
}

static void size_copy(const struct machine *m)
{
	uint16_t rows, columns;
	if (m->monitor->console_fd >= 0 && m->monitor->user_in >= 0 &&
		term_get_size(m->monitor->user_in, &rows, &columns) == 0)
		term_set_size(m->monitor->console_fd, rows, columns);
}

static int on_signal(void *context, int fd, unsigned events)
{
	struct machine *m = context;
	int number;
	while ((number = loop_signal_next(fd)) > 0) {
		if (number == SIGWINCH)
			size_copy(m);
		else
			sys_pidfd_send_signal(m->monitor->pidfd, number);
	}
	return 0;
}

static const int forwarded_signals[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGALRM, SIGCONT, SIGWINCH, 0};

static void channels_init(struct machine *m)
{
	const struct monitor *x = m->monitor;
	bool has_console = x->console_fd >= 0;
	const int ends[CHANNELS][2] = {
		[CHANNEL_STDOUT] = {has_console ? x->console_fd : x->output_fds[0], x->user_out},
		[CHANNEL_STDERR] = {has_console ? -EBADF : x->output_fds[1], x->user_err},
		[CHANNEL_STDIN] = {x->user_in, has_console ? x->console_fd : x->input_fd},
	};
	for (int i = 0; i < CHANNELS; i++) {
		m->channels[i].source = ends[i][0];
		m->channels[i].sink = ends[i][1];
		m->channels[i].begin = m->channels[i].end = 0;
		m->channels[i].source_is_plain = m->channels[i].sink_is_plain = false;
	}
	if (m->channels[CHANNEL_STDIN].sink < 0)
		m->channels[CHANNEL_STDIN].source = -EBADF;
}

static int machine_run(struct machine *m)
{
	int r = loop_watch(m->loop, m->monitor->pidfd, LOOP_READ, on_payload, m);
	if (r == 0 && m->monitor->forwards_signals) {
		m->signal_fd = loop_signal_fd(forwarded_signals);
		r = m->signal_fd < 0 ? m->signal_fd : loop_watch(m->loop, m->signal_fd, LOOP_READ, on_signal, m);
	}
	if (r < 0)
		return err_new(r, "watch the payload");
	size_copy(m);
	r = channels_update(m);
	return r < 0 ? r : loop_run(m->loop);
}

int monitor_run(struct monitor *monitor, int *out_code)
{
	static struct machine machine; /* too large for a stack, and there is one a process */
	struct machine *m = &machine;
	m->monitor = monitor;
	m->state = STATE_RUNNING;
	m->signal_fd = -EBADF;
	channels_init(m);
	for (int i = 0; i < 2; i++)
		if (monitor->output_fds[i] >= 0)
			fd_set_nonblock(monitor->output_fds[i], true);
	int r = loop_new(&m->loop);
	if (r < 0)
		return err_new(r, "make the loop");

	struct termios saved;
	bool is_raw = monitor->console_fd >= 0 && monitor->user_in >= 0 && term_raw(monitor->user_in, &saved) == 0;
	r = machine_run(m);
	if (is_raw)
		term_restore(monitor->user_in, &saved);
	loop_free(m->loop);
	fd_replace(&m->signal_fd, -EBADF);
	if (r < 0)
		return r;
	*out_code = m->code;
	return 0;
}
