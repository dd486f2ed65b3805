/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of a container, for all cases: the kernel's objects are given back, first the network,
 * then processes and cgroup. Then either the container stays and its row says why it ended, or all
 * its files are removed.
 */
#include "engine/internal.h"
#include "base/err.h"
#include "base/log.h"
#include "monitor/monitor.h"
#include "sys/file.h"
#include "sys/lock.h"
#include "sys/process.h"

#include <errno.h>

enum { WAITER_PATIENCE_MS = 1000, COLLECT_STEP_MS = 10 };

static const struct {
	bool is_unsure; /* more may be leased than was recorded */
	bool awaits_waiters; /* before its files are removed */
	enum container_event event; /* the event for its row, if the container stays */
} rules[] = {
	[END_EXIT] = {.awaits_waiters = true, .event = CONTAINER_EVENT_EXIT},
	[END_FAILURE] = {.is_unsure = true, .event = CONTAINER_EVENT_START_FAILED},
	[END_SWEEP] = {.is_unsure = true, .event = CONTAINER_EVENT_EXIT},
	[END_REMOVAL] = {0},
};

/* Ends a container's processes and removes its cgroup. */
static int cgroup_release(struct engine *e, const char *id, struct cgroup *open_already)
{
	auto_buf struct buf path = BUF_INIT;
	container_cgroup_path(e, id, &path);
	auto_of(cgroup) struct cgroup *group = NULL;
	int r = open_already ? 0 : cgroup_open(&e->cgroup, path.data, &group);
	if (r == 0)
		r = cgroup_kill_all(open_already ? open_already : group);
	if (r == 0)
		r = cgroup_remove(&e->cgroup, path.data);
	if (r < 0 && r != -ENOENT)
		return r;
	return instance_groups_remove(e);
}

/* Removes a container's name and files. */
static int files_remove(struct engine *e, const char *id, const char *name)
{
	int r = name && name[0] != '\0' ? name_release(e, name, id) : name_release_all(e, id);
	if (r < 0)
		return r;
	auto_buf struct buf path = BUF_INIT;
	buf_addf(&path, "containers/%s", id);
	/* In this order: a command that waits for the lock (in the second directory) then finds no
	 * container, and does not make the lock again. */
	r = file_remove_tree_at(e->root_fd, path.data);
	if (r == 0)
		r = file_remove_tree_at(e->state_fd, path.data);
	return r < 0 ? err_new(r, "remove the files of container %.12s", id) : 0;
}

/* `husk wait` holds a shared lock on the file `wait` until it has read the exit record. A --rm
 * container waits that long, a short moment, before its files are removed. */
static void waiters_pass(struct engine *e, const char *id)
{
	auto_close int run_dir = container_run_dir_open(e, id);
	uint64_t deadline = clock_boot_ms() + WAITER_PATIENCE_MS;
	while (run_dir >= 0 && clock_boot_ms() < deadline) {
		auto_close int alone = lock_file_at(run_dir, "wait", false);
		if (alone != -EWOULDBLOCK)
			return;
		clock_sleep_ms(COLLECT_STEP_MS);
	}
}

int container_end(struct engine *e, const struct end *end)
{
	int r = rules[end->kind].is_unsure ? network_abandon(e, end->id)
					   : network_detach(e, end->id);
	if (r == 0)
		r = cgroup_release(e, end->id, end->group);
	if (r < 0)
		return r;
	if (end->stays)
		return end->facts ? container_change(e, end->id, rules[end->kind].event, end->facts)
				  : 0;
	if (rules[end->kind].awaits_waiters)
		waiters_pass(e, end->id);
	if (!end->keeps_volumes)
		r = anonymous_remove(e, end->id);
	return r < 0 ? r : files_remove(e, end->id, end->name);
}

int collect(struct engine *e, const char *id)
{
	auto_close int lock = container_lock(e, id);
	if (lock == -ENOENT)
		return 0; /* another command has removed it */
	if (lock < 0)
		return lock;
	struct summary now;
	if (container_summary(e, id, &now) < 0 || !(now.flags & SUMMARY_UNCOLLECTED))
		return 0;
	const struct container_facts facts = {.exit_code = now.exit_code,
		.finished_ns = now.finished_ns,
		.is_oom_killed = now.flags & SUMMARY_OOM_KILLED};
	const struct end end = {.kind = END_EXIT,
		.id = id,
		.name = now.name,
		.stays = !(now.flags & SUMMARY_AUTO_REMOVE),
		.facts = &facts};
	auto_close int pending = end.stays ? -EBADF : pending_try(e, id);
	int r = container_end(e, &end);
	if (r == 0)
		pending_end(e, id, &pending);
	return r < 0 ? r : 1;
}

int container_ended(struct engine *e, const char *id)
{
	int r = collect(e, id);
	return r < 0 ? r : instance_groups_remove(e); /* its monitor has just left these groups */
}

/* Writes the exit record, as a monitor would, for the processes that wait. */
static void exit_tell(struct engine *e, const char *id, int code, bool is_oom)
{
	struct monitor_exit record = {.code = code,
		.flags = is_oom ? MONITOR_EXIT_OOM : 0,
		.finished_ns = clock_real_ns()};
	auto_close int run_dir = container_run_dir_open(e, id);
	if (run_dir >= 0 && monitor_exit_store(run_dir, &record) < 0)
		log_warn("%s", err_text());
}

/* Records the end that this process saw. */
int foreground_ended(struct engine *e, const struct container *c, const struct launch *l, int code)
{
	auto_close int lock = container_lock(e, c->id);
	if (lock == -ENOENT)
		return 0; /* removed by another command meanwhile */
	if (lock < 0)
		return lock;
	auto_close int oom = cgroup_oom_open(l->cgroup);
	uint64_t oom_kills = 0;
	bool is_oom = cgroup_oom_kills(oom, &oom_kills) == 0 && oom_kills > 0;
	exit_tell(e, c->id, code, is_oom);
	const struct container_facts facts = {.exit_code = code, .is_oom_killed = is_oom};
	const struct end end = {.kind = END_EXIT,
		.id = c->id,
		.name = c->name,
		.stays = !c->is_auto_remove,
		.facts = &facts,
		.group = l->cgroup};
	return container_end(e, &end);
}

int start_failed(struct engine *e, const struct container *c, bool stays)
{
	struct err_packet trail;
	err_pack(&trail);
	const struct end end = {.kind = END_FAILURE,
		.id = c->id,
		.name = c->name,
		.stays = stays,
		.facts = &(const struct container_facts){.exit_code = -1}};
	int r = container_end(e, &end);
	if (r == 0 && trail.code == -ECONNRESET) /* the monitor has died */
		r = instance_groups_sweep(e);
	if (r < 0)
		log_warn("after a failure: %s", err_text());
	err_unpack(&trail);
	return r;
}
