/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kill, delete, pause and resume. Signals are sent through pidfds or the cgroup, never to a bare
 * pid.
 */
#include "runtime/groups.h"
#include "base/err.h"
#include "base/log.h"
#include "base/str.h"
#include "runtime/rdt.h"
#include "sys/calls.h"
#include "sys/file.h"
#include "sys/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>

enum { END_PATIENCE_MS = 10000 };

int runtime_group_open(struct runtime *rt, const struct runtime_state *state, struct cgroup **out)
{
	int r = *state->cgroup_path ? cgroup_open(&rt->cgroup, state->cgroup_path, out) : -ENOENT;
	return r == -ENOENT ? err_say(r, "container \"%s\" has no cgroup", state->id) : r;
}

int runtime_pids(struct runtime *rt, const char *id, pid_t **out_pids, size_t *out_count)
{
	auto_arena struct arena a = ARENA_INIT;
	auto_of(cgroup) struct cgroup *group = NULL;
	struct runtime_state state;
	int r = runtime_state(rt, id, &a, &state);
	if (r == 0)
		r = runtime_group_open(rt, &state, &group);
	return r < 0 ? r : cgroup_pids(group, out_pids, out_count);
}

/* A pid from the list may belong to another process by now, so it must still be in the group after
 * its pidfd was opened. If the pid is in both lists, the pidfd is that of a process of the
 * container, as the group belongs to the container alone. */
static int group_signal(struct cgroup *group, int number)
{
	auto_free pid_t *pids = NULL;
	size_t count;
	int r = cgroup_pids(group, &pids, &count);
	for (size_t i = 0; r >= 0 && i < count; i++) {
		auto_close int pidfd = pids[i] > 0 ? sys_pidfd_open(pids[i], 0) : -ESRCH;
		auto_free pid_t *now = NULL;
		size_t now_count = 0;
		if (pidfd < 0 || cgroup_pids(group, &now, &now_count) < 0)
			continue;
		for (size_t j = 0; j < now_count; j++)
			if (now[j] == pids[i])
				sys_pidfd_send_signal(pidfd, number);
	}
	return r;
}

static int kill_all(struct runtime *rt, const struct runtime_state *state, int number)
{
	auto_of(cgroup) struct cgroup *group = NULL;
	int r = runtime_group_open(rt, state, &group);
	if (r < 0)
		return r;
	return number == SIGKILL ? cgroup_kill_all(group) : group_signal(group, number);
}

/* On cgroup version 1 a frozen process does not die even of SIGKILL, so the group is thawed after
 * the signal. A killed process then runs no further instruction. */
static int killed_thaw(struct runtime *rt, const struct runtime_state *state)
{
	auto_of(cgroup) struct cgroup *group = NULL;
	if (!*state->cgroup_path || cgroup_open(&rt->cgroup, state->cgroup_path, &group) < 0)
		return 0;
	return cgroup_is_frozen(group) ? cgroup_thaw(group) : 0;
}

/* Does the end of its first process leave other processes of the container? The kernel ends those
 * of a pid namespace with its first process. */
static bool outlives_first(int dir, const struct runtime_state *state)
{
	auto_arena struct arena a = ARENA_INIT;
	struct oci_spec spec;
	if (!*state->cgroup_path || runtime_config_load(dir, state, &a, &spec) < 0)
		return false;
	for (size_t i = 0; i < spec.namespaces.count; i++)
		if (str_eq(spec.namespaces.items[i].type, "pid"))
			return spec.namespaces.items[i].path != NULL;
	return true;
}

static int kill_first(const struct runtime_state *state, int number)
{
	auto_close int pidfd = process_open(&state->process);
	int r = pidfd < 0 ? pidfd : sys_pidfd_send_signal(pidfd, number);
	if (r == -ESRCH)
		return err_say(r, "container not running");
	return r < 0 ? err_new(r, "send the signal") : 0;
}

int runtime_kill(struct runtime *rt, const char *id, int signal, bool is_for_all)
{
	auto_arena struct arena a = ARENA_INIT;
	struct runtime_state state;
	int r = runtime_kernel_check(KERNEL_SIGNALS);
	if (r == 0)
		r = runtime_state(rt, id, &a, &state);
	if (r < 0)
		return r;
	auto_close int dir = signal == SIGKILL && !is_for_all ? runtime_dir_open(rt, id) : -EBADF;
	r = is_for_all ? kill_all(rt, &state, signal) : kill_first(&state, signal);
	if (r == 0 && dir >= 0 && outlives_first(dir, &state)) {
		r = kill_all(rt, &state, signal);
		r = r == -ENOENT ? 0 : r; /* deleted meanwhile, since its first process has ended */
	}
	return r == 0 && signal == SIGKILL ? killed_thaw(rt, &state) : r;
}

static int end_first(struct runtime *rt, const struct runtime_state *state)
{
	auto_close int pidfd = process_open(&state->process);
	if (pidfd == -ESRCH)
		return 0;
	int r = pidfd < 0 ? pidfd : sys_pidfd_send_signal(pidfd, SIGKILL);
	if (r < 0 && r != -ESRCH)
		return err_new(r, "kill process %d", state->process.pid);
	r = killed_thaw(rt, state);
	if (r < 0)
		return r;
	r = process_wait_gone(pidfd, END_PATIENCE_MS);
	return r < 0 ? err_new(r, "wait for the end of process %d", state->process.pid) : 0;
}

/* Kills what is left in the cgroup as well: the first process of a container that shares a pid
 * namespace leaves its children behind. */
static int end_all(struct runtime *rt, const struct runtime_state *state)
{
	int r = state->process.pid ? end_first(rt, state) : 0;
	if (r < 0 || !*state->cgroup_path)
		return r;
	auto_of(cgroup) struct cgroup *group = NULL;
	r = cgroup_open(&rt->cgroup, state->cgroup_path, &group);
	if (r == 0)
		r = cgroup_kill_all(group);
	return r == -ENOENT ? 0 : r;
}

static void poststop(int dir, struct runtime_state *state)
{
	auto_arena struct arena a = ARENA_INIT;
	struct oci_spec spec;
	int r = runtime_config_load(dir, state, &a, &spec);
	state->status = RUNTIME_STOPPED;
	if (r == 0)
		r = runtime_hooks(&spec, OCI_HOOK_POSTSTOP, state, -EBADF);
	if (r < 0)
		log_warn("%s", err_text());
}

/* For a state that cannot be read: the plan says in which cgroup the container was. */
static int unread_end(struct runtime *rt, int dir, const char *id)
{
	auto_buf struct buf text = BUF_INIT;
	struct flat plan;
	struct runtime_state state = {.id = id};
	int r = file_read_at(dir, "plan", PLAN_BYTES_MAX, &text);
	if (r < 0 || plan_open(&plan, text.data, text.len) < 0)
		return 0; /* the cgroup is unknown */
	state.cgroup_path = plan_cgroup_path(&plan);
	r = end_all(rt, &state);
	return r == 0 && *state.cgroup_path ? cgroup_remove(&rt->cgroup, state.cgroup_path) : r;
}

static int delete_locked(struct runtime *rt, int dir, const char *id, bool is_forced)
{
	auto_arena struct arena a = ARENA_INIT;
	struct runtime_state state;
	int r = runtime_state_load(dir, id, &a, &state);
	if (r == -ENOENT)
		return runtime_dir_remove(rt, id); /* left by a create that died */
	if (r < 0 && !is_forced)
		return r;
	if (r < 0) {
		log_warn("%s", err_text());
		if (unread_end(rt, dir, id) < 0)
			log_warn("%s", err_text());
		return runtime_dir_remove(rt, id);
	}
	runtime_state_find(dir, &state);
	if (!is_forced && state.status != RUNTIME_STOPPED && state.status != RUNTIME_CREATED)
		return err_say(-EBUSY, "cannot delete container %s that is not stopped: %s", id,
			runtime_status_words[state.status]);
	r = end_all(rt, &state);
	if (r == 0)
		r = runtime_group_remove(rt, &state);
	if (r == 0)
		r = runtime_rdt_remove(&state);
	if (r < 0)
		return r;
	poststop(dir, &state);
	return runtime_dir_remove(rt, id);
}

int runtime_delete(struct runtime *rt, const char *id, bool is_forced)
{
	int r = runtime_kernel_check(KERNEL_SIGNALS);
	if (r < 0)
		return r;
	auto_close int dir = runtime_dir_open(rt, id);
	if (dir == -ENOENT && is_forced)
		return 0;
	auto_close int lock = dir < 0 ? dir : runtime_dir_lock(dir, true);
	if (lock == -ENOENT && is_forced)
		return 0;
	if (lock < 0)
		return lock;
	return delete_locked(rt, dir, id, is_forced);
}

static int running_group(struct runtime *rt, const char *id, enum runtime_status wanted,
	const char *verb, struct cgroup **out)
{
	auto_arena struct arena a = ARENA_INIT;
	struct runtime_state state;
	int r = runtime_state(rt, id, &a, &state);
	if (r < 0)
		return r;
	bool is_created = state.status == RUNTIME_CREATED && wanted == RUNTIME_RUNNING;
	if (state.status != wanted && !is_created)
		return err_say(-EINVAL, "cannot %s container \"%s\": it is %s", verb, id,
			runtime_status_words[state.status]);
	return runtime_group_open(rt, &state, out);
}

int runtime_pause(struct runtime *rt, const char *id)
{
	auto_of(cgroup) struct cgroup *group = NULL;
	int r = running_group(rt, id, RUNTIME_RUNNING, "pause", &group);
	return r < 0 ? r : cgroup_freeze(group);
}

int runtime_resume(struct runtime *rt, const char *id)
{
	auto_of(cgroup) struct cgroup *group = NULL;
	int r = running_group(rt, id, RUNTIME_PAUSED, "resume", &group);
	return r < 0 ? r : cgroup_thaw(group);
}
