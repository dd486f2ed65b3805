/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Supervising one process: a loop that looks up each event in a table.
 *
 *           payload ended  drained   deadline     signal             resize          child
 * RUNNING   -> DRAINING    stays     stays        to the payload     terminal's size traced no more
 * DRAINING  stays          -> ENDED  -> FLUSHING  ends it if it may  stays           stays
 * FLUSHING  stays          -> ENDED  stays        ends it if it may  stays           stays
 * ENDED     stays          stays     stays        stays              stays           stays
 *
 * A payload may close its output long before it ends, or leave a background process that holds it
 * open. So the end of the payload and the end of its output are two events. The loop waits for the
 * second at most DRAIN_MS; then it reads only what was written by that time. A user's side that is
 * slow (a pager) still gets all of that, however long it takes: this is the state FLUSHING. ^C ends
 * it, also a ^C that came before the payload had ended.
 *
 * Invariants: the payload is waited for exactly once, by collect; its pidfd is watched only while
 * it runs; the user's terminal is raw exactly while machine_run is on the stack.
 */
#include "monitor/internal.h"
#include "base/str.h"
#include "sys/calls.h"
#include "sys/fd.h"
#include "sys/notify.h"
#include "sys/signal.h"
#include "sys/term.h"

#include <errno.h>
#include <signal.h>

enum { DRAIN_MS = 2000 };

enum state { STATE_RUNNING, STATE_DRAINING, STATE_FLUSHING, STATE_ENDED, STATE_COUNT };

enum event {
	EVENT_PAYLOAD_ENDED,
	EVENT_DRAINED,
	EVENT_DEADLINE,
	EVENT_SIGNAL,
	EVENT_RESIZE,
	EVENT_CHILD, /* SIGCHLD: perhaps a stop; the pidfd reports the end */
	EVENT_COUNT
};

struct machine {
	struct monitor *monitor;
	struct loop *loop;
	enum state state;
	int code;
	uint64_t drain_ms;
	int signal; /* the signal of EVENT_SIGNAL */
	bool is_asked_to_end; /* by a signal that was forwarded */
	int slave_fd; /* held open: the payload may close its terminal and open it again */
	struct relays relays;
};

typedef int (*transition)(struct machine *m);

static int on_deadline(void *context, int id, unsigned events);

static int stay(struct machine *m)
{
	return 0;
}

static int finish(struct machine *m)
{
	m->state = STATE_ENDED;
	loop_quit(m->loop, 0);
	return 0;
}

static int collect(struct machine *m)
{
	/* An adopted payload has another parent; older kernels give the exit code only to that. */
	bool is_adopted = m->monitor->is_adopted;
	int code = is_adopted ? process_exit_code(m->monitor->pidfd)
			      : process_wait(m->monitor->pidfd);
	if (code < 0 && !is_adopted)
		return err_new(code, "wait for the payload");
	m->code = code < 0 ? -1 : code;
	m->state = STATE_DRAINING;
	loop_forget(m->loop, m->monitor->pidfd);
	fd_replace(&m->slave_fd, -EBADF);
	int r = relays_stop_input(&m->relays);
	if (r < 0)
		return r;
	if (m->monitor->ended)
		m->monitor->ended(m->monitor->context, m->code);
	if (relays_are_drained(&m->relays))
		return finish(m);
	r = loop_timer(m->loop, m->drain_ms, on_deadline, m);
	return r < 0 ? err_new(r, "set the deadline for the last output") : 0;
}

/* After a signal that asks for the end, a user's side that takes nothing is not waited for any
 * longer. */
static int limit(struct machine *m)
{
	if (m->is_asked_to_end)
		return finish(m);
	m->state = STATE_FLUSHING;
	return relays_limit_output(&m->relays);
}

static bool is_end(int signal)
{
	return signal == SIGHUP || signal == SIGINT || signal == SIGQUIT || signal == SIGTERM;
}

static int forward(struct machine *m)
{
	m->is_asked_to_end |= is_end(m->signal);
	sys_pidfd_send_signal(m->monitor->pidfd, m->signal);
	return 0;
}

/* A payload that calls PTRACE_TRACEME makes this process its tracer, and would stop for ever at its
 * next signal or execve. */
static int trace_leave(struct machine *m)
{
	process_trace_leave();
	return 0;
}

/* The payload has ended, so a signal that asks for an end is meant for this process. */
static int hurry(struct machine *m)
{
	return is_end(m->signal) ? finish(m) : 0;
}

static int resize(struct machine *m)
{
	const struct monitor *x = m->monitor;
	uint16_t rows, columns;
	if (x->console_fd < 0)
		return 0;
	if ((x->user_in >= 0 && term_get_size(x->user_in, &rows, &columns) == 0) ||
		(x->user_out >= 0 && term_get_size(x->user_out, &rows, &columns) == 0))
		term_set_size(x->console_fd, rows, columns);
	return 0;
}

/* clang-format off */
static const transition transitions[STATE_COUNT][EVENT_COUNT] = {
	[STATE_RUNNING] = {
		[EVENT_PAYLOAD_ENDED] = collect,
		[EVENT_DRAINED] = stay,
		[EVENT_DEADLINE] = stay,
		[EVENT_SIGNAL] = forward,
		[EVENT_RESIZE] = resize,
		[EVENT_CHILD] = trace_leave,
	},
	[STATE_DRAINING] = {
		[EVENT_PAYLOAD_ENDED] = stay,
		[EVENT_DRAINED] = finish,
		[EVENT_DEADLINE] = limit,
		[EVENT_SIGNAL] = hurry,
		[EVENT_RESIZE] = stay,
		[EVENT_CHILD] = stay,
	},
	[STATE_FLUSHING] = {
		[EVENT_PAYLOAD_ENDED] = stay,
		[EVENT_DRAINED] = finish,
		[EVENT_DEADLINE] = stay,
		[EVENT_SIGNAL] = hurry,
		[EVENT_RESIZE] = stay,
		[EVENT_CHILD] = stay,
	},
	[STATE_ENDED] = {
		[EVENT_PAYLOAD_ENDED] = stay,
		[EVENT_DRAINED] = stay,
		[EVENT_DEADLINE] = stay,
		[EVENT_SIGNAL] = stay,
		[EVENT_RESIZE] = stay,
		[EVENT_CHILD] = stay,
	},
};
/* clang-format on */

static int happened(struct machine *m, enum event event)
{
	return transitions[m->state][event](m);
}

static int on_deadline(void *context, int id, unsigned events)
{
	return happened(context, EVENT_DEADLINE);
}

static int on_payload(void *context, int fd, unsigned events)
{
	return happened(context, EVENT_PAYLOAD_ENDED);
}

static int on_drained(void *context)
{
	return happened(context, EVENT_DRAINED);
}

static int on_signal(void *context, int fd, unsigned events)
{
	struct machine *m = context;
	int r = 0;
	while (r == 0 && (m->signal = loop_signal_next(fd)) > 0)
		r = happened(m,
			m->signal == SIGWINCH	       ? EVENT_RESIZE
				: m->signal == SIGCHLD ? EVENT_CHILD
						       : EVENT_SIGNAL);
	return r;
}

/* Every signal goes to the payload, except those about this process: its children, its broken
 * pipes, its own faults and limits, and its place at the terminal (with SIGTTIN blocked, reading in
 * the background would look like the end of input instead of stopping). SIGWINCH is received, and
 * becomes a size. */
static bool is_forwarded(int number)
{
	static const int own[] = {SIGCHLD, SIGPIPE, SIGKILL, SIGSTOP, SIGTTIN, SIGTTOU, SIGURG,
		SIGXFSZ, SIGXCPU, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS};
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		if (own[i] == number)
			return false;
	return number < 32 || number >= SIGRTMIN; /* libc uses those between */
}

static void signals_list(int out[static NSIG + 1])
{
	int count = 0;
	for (int i = 1; i <= SIGRTMAX; i++)
		if (is_forwarded(i))
			out[count++] = i;
	out[count] = 0;
}

void monitor_signals_hold(void)
{
	int list[NSIG + 1];
	signals_list(list);
	signal_block(list);
}

static int signals_open(bool is_forwarding)
{
	int list[NSIG + 2] = {SIGCHLD};
	if (is_forwarding)
		signals_list(list + 1);
	return loop_signal_fd(list);
}

static int machine_run(struct machine *m, int signal_fd)
{
	int r = loop_watch(m->loop, m->monitor->pidfd, LOOP_READ, on_payload, m);
	if (r == 0)
		r = loop_watch(m->loop, signal_fd, LOOP_READ, on_signal, m);
	if (r == 0 && m->monitor->notify)
		r = notify_begin(m->monitor->notify, m->loop);
	if (r < 0)
		return err_new(r, "watch the payload");
	r = happened(m, EVENT_RESIZE);
	/* For a stop of the payload before this process received signals. */
	if (r == 0)
		r = happened(m, EVENT_CHILD);
	if (r == 0)
		r = relays_begin(&m->relays);
	if (r < 0)
		return r;
	r = loop_run(m->loop);
	if (m->monitor->notify)
		notify_drain(m->monitor->notify);
	if (r < 0 && err_code() != r)
		return err_new(r, "supervise the payload");
	return r;
}

static int supervise(struct monitor *monitor, uint64_t drain_ms, int *out_code)
{
	auto_close int signal_fd = signals_open(monitor->forwards_signals);
	if (signal_fd < 0)
		return err_new(signal_fd, "receive signals");
	/* Not zeroed: most of it is buffers, and memory that is never touched costs nothing. */
	auto_free struct machine *m = mem_resize(NULL, 1, sizeof(*m));
	m->monitor = monitor;
	m->code = -1;
	m->signal = 0;
	m->is_asked_to_end = false;
	m->slave_fd = -EBADF;
	m->relays.has_flush_timer = false;
	m->state = STATE_RUNNING;
	m->drain_ms = drain_ms;
	int r = loop_new(&m->loop);
	if (r < 0)
		return err_new(r, "make the loop");
	m->relays.monitor = monitor;
	m->relays.loop = m->loop;
	m->relays.drained = on_drained;
	m->relays.context = m;

	if (monitor->console_fd >= 0)
		m->slave_fd = term_open_slave(monitor->console_fd);
	struct termios saved;
	bool is_raw = monitor->console_fd >= 0 && monitor->user_in >= 0 &&
		term_raw(monitor->user_in, &saved) == 0;
	r = machine_run(m, signal_fd);
	if (is_raw)
		term_restore(monitor->user_in, &saved);
	loop_free(m->loop);
	fd_replace(&m->slave_fd, -EBADF);
	if (r < 0)
		return r;
	*out_code = m->code;
	return 0;
}

int monitor_run(struct monitor *m, int *out_code)
{
	return supervise(m, DRAIN_MS, out_code);
}
