/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The epoll loop. A source is a slot of a table and a generation. If the slot was forgotten or
 * given to another source meanwhile, the generation that the kernel reports does not match, and
 * the event is dropped. So callbacks may forget and close anything while events are handed out.
 * Timers share one timerfd, because epoll's own timeout stops while the machine is suspended.
 */
#include "sys/loop.h"

#include "base/buf.h"
#include "sys/calls.h"
#include "sys/fault.h"
#include "sys/fd.h"
#include "sys/internal.h"
#include "sys/process.h"
#include "sys/signal.h"

#include <limits.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum source_kind { SOURCE_NONE, SOURCE_FD, SOURCE_TIMER };

enum { GENERATION_MAX = INT_MAX / LOOP_SOURCES_MAX };

struct loop_source {
	enum source_kind kind;
	uint32_t generation;
	int fd;
	unsigned events;
	uint64_t due_ms;
	/* Of timers: a timer that is made while timers run waits for the next turn. */
	uint64_t sequence;
	loop_callback callback;
	void *context;
};

struct loop {
	int epoll_fd, timer_fd;
	uint64_t armed_ms; /* what timer_fd is set to; 0 when it is off */
	uint64_t sequence;
	bool is_quitting;
	int code;
	struct loop_source sources[LOOP_SOURCES_MAX];
};

static const struct {
	unsigned loop;
	uint32_t epoll;
} loop_event_names[] = {
	{LOOP_READ, EPOLLIN},
	{LOOP_WRITE, EPOLLOUT},
	{LOOP_HANGUP, EPOLLHUP | EPOLLERR},
};

enum { EVENT_NAMES = sizeof(loop_event_names) / sizeof(loop_event_names[0]) };

/* The key that the kernel returns with an event of a source. The timerfd has generation 0, which
 * no slot has. */
static uint64_t source_key(const struct loop *l, const struct loop_source *s)
{
	return (uint64_t)s->generation << 32 | (uint64_t)(s - l->sources);
}

static struct loop_source *source_of_key(struct loop *l, uint64_t key)
{
	struct loop_source *s = &l->sources[(uint32_t)key % LOOP_SOURCES_MAX];
	return s->kind != SOURCE_NONE && s->generation == key >> 32 ? s : NULL;
}

static struct loop_source *source_find_fd(struct loop *l, int fd)
{
	for (int i = 0; i < LOOP_SOURCES_MAX; i++)
		if (l->sources[i].kind == SOURCE_FD && l->sources[i].fd == fd)
			return &l->sources[i];
	return NULL;
}

/* A free slot, in its next generation. */
static struct loop_source *source_new(struct loop *l, enum source_kind kind)
{
	for (int i = 0; i < LOOP_SOURCES_MAX; i++) {
		struct loop_source *s = &l->sources[i];
		if (s->kind != SOURCE_NONE)
			continue;
		*s = (struct loop_source){
			.kind = kind,
			.generation = s->generation % (GENERATION_MAX - 1) + 1,
			.fd = -EBADF,
		};
		return s;
	}
	return NULL;
}

static int loop_control(struct loop *l, int operation, int fd, unsigned events, uint64_t key)
{
	struct epoll_event event = {.data.u64 = key};
	for (int i = 0; i < EVENT_NAMES; i++)
		if (events & loop_event_names[i].loop)
			event.events |= loop_event_names[i].epoll;
	int fault = fault_hit("epoll_ctl");
	return fault ? fault : sys_result(epoll_ctl(l->epoll_fd, operation, fd, &event));
}

int loop_new(struct loop **out)
{
	int fault = fault_hit("epoll_create");
	auto_close int epoll_fd = fault ? fault : sys_result(epoll_create1(EPOLL_CLOEXEC));
	if (epoll_fd < 0)
		return epoll_fd;
	fault = fault_hit("timerfd_create");
	auto_close int timer_fd = fault
		? fault
		: sys_result(timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK));
	if (timer_fd < 0)
		return timer_fd;

	auto_free struct loop *l = mem_new(sizeof(*l));
	l->epoll_fd = epoll_fd;
	int r = loop_control(l, EPOLL_CTL_ADD, timer_fd, LOOP_READ, 0);
	if (r < 0)
		return r;
	l->epoll_fd = take_fd(&epoll_fd);
	l->timer_fd = take_fd(&timer_fd);
	*out = take_ptr(&l);
	return 0;
}

void loop_free(struct loop *l)
{
	if (!l)
		return;
	fd_close(l->epoll_fd);
	fd_close(l->timer_fd);
	free(l);
}

int loop_watch(struct loop *l, int fd, unsigned events, loop_callback callback, void *context)
{
	if (fd < 0)
		return -EBADF;
	struct loop_source *s = source_find_fd(l, fd);
	int r = s ? loop_control(l, EPOLL_CTL_MOD, fd, events, source_key(l, s)) : -ENOENT;
	if (r == -ENOENT) {
		/* The fd is new, or its number is that of a watched fd that was closed without
		 * loop_forget. */
		if (s)
			s->kind = SOURCE_NONE;
		s = source_new(l, SOURCE_FD);
		if (!s)
			return -ENOSPC;
		r = loop_control(l, EPOLL_CTL_ADD, fd, events, source_key(l, s));
		if (r < 0)
			s->kind = SOURCE_NONE;
	}
	if (r < 0)
		return r;
	s->fd = fd;
	s->events = events;
	s->callback = callback;
	s->context = context;
	return 0;
}

int loop_forget(struct loop *l, int fd)
{
	struct loop_source *s = source_find_fd(l, fd);
	if (!s)
		return -ENOENT;
	s->kind = SOURCE_NONE;
	/* An fd that was closed before is not in the epoll set any more. */
	int r = loop_control(l, EPOLL_CTL_DEL, fd, 0, 0);
	return r == -EBADF || r == -ENOENT ? 0 : r;
}

/* The timer that is due first, among those older than `sequence`. */
static struct loop_source *timer_first(struct loop *l, uint64_t sequence)
{
	struct loop_source *first = NULL;
	for (int i = 0; i < LOOP_SOURCES_MAX; i++) {
		struct loop_source *s = &l->sources[i];
		if (s->kind == SOURCE_TIMER && s->sequence < sequence &&
			(!first || s->due_ms < first->due_ms ||
				(s->due_ms == first->due_ms && s->sequence < first->sequence)))
			first = s;
	}
	return first;
}

/* Sets the timerfd to the timer that is due first. */
static int timer_arm(struct loop *l)
{
	const struct loop_source *first = timer_first(l, UINT64_MAX);
	uint64_t due_ms = first ? first->due_ms : 0;
	if (due_ms == l->armed_ms)
		return 0;
	struct itimerspec when = {
		.it_value =
			{
				.tv_sec = (time_t)(due_ms / 1000),
				.tv_nsec = (long)(due_ms % 1000) * 1000000,
			},
	};
	int r = fault_hit("timerfd_settime");
	if (r == 0)
		r = sys_result(timerfd_settime(l->timer_fd, TFD_TIMER_ABSTIME, &when, NULL));
	if (r == 0)
		l->armed_ms = due_ms;
	return r;
}

int loop_timer(struct loop *l, uint64_t after_ms, loop_callback callback, void *context)
{
	struct loop_source *s = source_new(l, SOURCE_TIMER);
	if (!s)
		return -ENOSPC;
	/* Rounded up, so never early. A longer time is cut to the longest that a timerfd can
	 * wait. */
	uint64_t due_ms = clock_boot_ms() + 1, most_ms = (uint64_t)INT64_MAX / 1000000 - due_ms;
	s->due_ms = due_ms + (after_ms < most_ms ? after_ms : most_ms);
	s->sequence = l->sequence++;
	s->callback = callback;
	s->context = context;
	return (int)(s->generation * LOOP_SOURCES_MAX + (uint32_t)(s - l->sources));
}

int loop_timer_cancel(struct loop *l, int id)
{
	if (id < 0)
		return -ENOENT;
	struct loop_source *s = &l->sources[id % LOOP_SOURCES_MAX];
	if (s->kind != SOURCE_TIMER || s->generation != (uint32_t)id / LOOP_SOURCES_MAX)
		return -ENOENT;
	s->kind = SOURCE_NONE;
	return 0;
}

/* Calls back all timers that are due. */
static int loop_run_timers(struct loop *l)
{
	/* A timerfd stops being readable when it is read or armed again. Here it is armed again. */
	uint64_t now_ms = clock_boot_ms(), sequence = l->sequence;
	l->armed_ms = UINT64_MAX;
	while (!l->is_quitting) {
		struct loop_source *s = timer_first(l, sequence);
		if (!s || s->due_ms > now_ms)
			break;
		int id = (int)(s->generation * LOOP_SOURCES_MAX + (uint32_t)(s - l->sources));
		s->kind = SOURCE_NONE;
		int r = s->callback(s->context, id, 0);
		if (r < 0)
			return r;
	}
	return 0;
}

static int loop_run_event(struct loop *l, const struct epoll_event *event)
{
	if (event->data.u64 == 0)
		return loop_run_timers(l);
	struct loop_source *s = source_of_key(l, event->data.u64);
	if (!s)
		return 0;

	/* Events that the source no longer wants, because a callback of this turn changed it, are
	 * dropped. */
	unsigned events = 0;
	for (int i = 0; i < EVENT_NAMES; i++)
		if (event->events & loop_event_names[i].epoll)
			events |= loop_event_names[i].loop;
	events &= s->events | LOOP_HANGUP;
	return events ? s->callback(s->context, s->fd, events) : 0;
}

int loop_run(struct loop *l)
{
	struct epoll_event events[LOOP_SOURCES_MAX];
	while (!l->is_quitting) {
		int r = timer_arm(l);
		if (r < 0)
			return r;
		r = fault_hit("epoll_wait");
		if (r == 0)
			r = SYS_RETRIED(epoll_wait(l->epoll_fd, events, LOOP_SOURCES_MAX, -1));
		if (r < 0)
			return r;
		for (int i = 0, count = r; i < count && !l->is_quitting; i++) {
			r = loop_run_event(l, &events[i]);
			if (r < 0)
				return r;
		}
	}
	l->is_quitting = false;
	return l->code;
}

void loop_quit(struct loop *l, int code)
{
	l->is_quitting = true;
	l->code = code;
}

int loop_signal_fd(const int *signals)
{
	const int *first = signals;
	sigset_t set;
	sigemptyset(&set);
	for (; *signals; signals++)
		if (sigaddset(&set, *signals) < 0)
			return -errno;
	int r = fault_hit("signalfd");
	if (r < 0)
		return r;
	auto_close int fd = sys_result(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
	if (fd < 0)
		return fd;
	signal_block(first);
	return take_fd(&fd);
}

int loop_signal_next(int fd)
{
	struct signalfd_siginfo info;
	ssize_t count = sys_read(fd, &info, sizeof(info));
	if (count < 0)
		return (int)count;
	return count == sizeof(info) ? (int)info.ssi_signo : -EIO;
}
