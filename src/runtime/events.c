/* SPDX-License-Identifier: Apache-2.0 */
/*
 * events: reports what a container uses, once or repeatedly, and each time that the container ran
 * out of memory, until its first process has ended. Each line is one JSON document.
 */
#include "runtime/internal.h"
#include "base/err.h"
#include "base/json.h"
#include "sys/calls.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>

struct observation {
	const struct runtime_events *request;
	struct runtime *rt;
	struct cgroup *group;
	struct cgroup_oom_watch memory;
	int pidfd;
};

static void observation_release(struct observation *o)
{
	cgroup_close(o->group);
	cgroup_oom_watch_close(&o->memory);
	fd_replace(&o->pidfd, -EBADF);
}
AUTO_STRUCT(observation, struct observation, observation_release)

static int tell(struct observation *o, const char *type, const struct cgroup_usage *usage)
{
	auto_buf struct buf text = BUF_INIT;
	struct json_writer w = {.out = &text};
	json_open_object(&w, NULL);
	json_put_string(&w, "type", type);
	json_put_string(&w, "id", o->request->id);
	if (usage)
		runtime_usage_put(&w, "data", usage, o->rt->cgroup.is_unified);
	json_close_object(&w);
	return o->request->tell(o->request->context, text.data);
}

static int tell_usage(struct observation *o)
{
	auto_arena struct arena a = ARENA_INIT;
	struct cgroup_usage usage;
	int r = cgroup_usage_load(o->group, &a, &usage);
	return r < 0 ? r : tell(o, "stats", &usage);
}

static int tell_memory(struct observation *o)
{
	int r = cgroup_oom_watch_take(&o->memory);
	return r > 0 ? tell(o, "oom", NULL) : r;
}

/* Returns 1 when the container has ended, 0 when the next numbers are due or something happened. */
static int happening_await(struct observation *o, uint64_t until_ms)
{
	uint64_t now = clock_boot_ms(), left = until_ms > now ? until_ms - now : 0;
	struct pollfd fds[] = {{.fd = o->memory.fd, .events = o->memory.events},
		{.fd = o->pidfd, .events = POLLIN}};
	int r = sys_poll(fds, 2, left > INT_MAX ? INT_MAX : (int)left);
	return r < 0 ? err_new(r, "wait for events of container \"%s\"", o->request->id)
		     : fds[1].revents != 0;
}

static int observe(struct observation *o)
{
	uint64_t interval = o->request->interval_ms, next = clock_boot_ms() + interval;
	for (;;) {
		int is_over = happening_await(o, next);
		int r = is_over < 0 ? is_over : tell_memory(o);
		if (r < 0 || is_over)
			return r;
		if (clock_boot_ms() < next)
			continue;
		next += interval;
		r = tell_usage(o);
		if (r < 0)
			return r;
	}
}

static int observation_begin(struct observation *o, const struct runtime_state *state)
{
	o->pidfd = state->status == RUNTIME_STOPPED ? -ESRCH : process_open(&state->process);
	if (o->pidfd < 0)
		return err_say(-ESRCH, "container \"%s\" is not running", o->request->id);
	int r = runtime_group_open(o->rt, state, &o->group);
	return r < 0 || o->request->is_once ? r : cgroup_oom_watch_open(o->group, &o->memory);
}

int runtime_events(struct runtime *rt, const struct runtime_events *request)
{
	auto_arena struct arena a = ARENA_INIT;
	auto_of(observation) struct observation o = {.request = request,
		.rt = rt,
		.memory = {.fd = -EBADF, .file_fd = -EBADF, .dir_fd = -EBADF},
		.pidfd = -EBADF};
	struct runtime_state state;
	int r = runtime_state(rt, request->id, &a, &state);
	if (r == 0)
		r = observation_begin(&o, &state);
	if (r < 0)
		return r;
	return request->is_once ? tell_usage(&o) : observe(&o);
}
