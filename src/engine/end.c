/* SPDX-License-Identifier: Apache-2.0 */
/* The end of a container: what the kernel and the disk hold of it is given back. */
#include "engine/internal.h"
#include "base/err.h"
#include "base/log.h"
#include "monitor/monitor.h"
#include "sys/file.h"
#include "sys/lock.h"
#include "sys/process.h"

#include <errno.h>

enum { WAITER_PATIENCE_MS = 1000, COLLECT_STEP_MS = 10 };

/* What the kernel still has of a container: processes, cgroup, and what the network leased. Twice is fine. */
int container_release(struct engine *e, const char *id)
{
	auto_buf struct buf path = BUF_INIT;
	container_cgroup_path(e, id, &path);
	auto_of(cgroup) struct cgroup *group = NULL;
	int r = cgroup_open(&e->cgroup, path.data, &group);
	if (r == 0)
		r = cgroup_kill_all(group);
	if (r == 0)
		r = cgroup_remove(&e->cgroup, path.data);
	if (r < 0 && r != -ENOENT)
		return r;
	return instance_groups_remove(e);
}

int container_forget(struct engine *e, const char *id, const char *name)
{
	int r = name && name[0] != '\0' ? name_release(e, name, id) : name_release_all(e, id);
	if (r < 0)
		return r;
	auto_buf struct buf path = BUF_INIT;
	buf_addf(&path, "containers/%s", id);
	/* In this order: who waits for the lock, which is in the second, finds no container to make it again for. */
	r = file_remove_tree_at(e->root_fd, path.data);
	if (r == 0)
		r = file_remove_tree_at(e->state_fd, path.data);
	return r < 0 ? err_new(r, "remove the files of container %.12s", id) : 0;
}

int container_erase(struct engine *e, const char *id, const char *name)
{
	int r = anonymous_remove(e, id);
	return r < 0 ? r : container_forget(e, id, name);
}

/* `husk wait` holds the file `wait` shared until it has read the exit record; a --rm container stays for it that long,
 * which is a moment. */
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

/* Gives back what the kernel and the disk hold of an ended container. The caller has its lock. */
static int collect_locked(struct engine *e, const char *id, struct summary *summary)
{
	int r = network_detach(e, id);
	if (r == 0)
		r = container_release(e, id);
	if (r < 0)
		return r;
	if (summary->flags & SUMMARY_AUTO_REMOVE) {
		auto_close int pending = pending_try(e, id);
		waiters_pass(e, id);
		r = container_erase(e, id, summary->name);
		if (r == 0)
			pending_end(e, id, &pending);
		return r;
	}
	if (summary->finished_ns == 0)
		summary->finished_ns = clock_real_ns();
	return summary_store(e, id, summary);
}

/* 1 when there was something to collect. */
int collect(struct engine *e, const char *id)
{
	auto_close int lock = container_lock(e, id);
	if (lock == -ENOENT)
		return 0; /* somebody else was faster */
	if (lock < 0)
		return lock;
	struct summary stored, now;
	if (summary_read(e, id, &stored) < 0 || container_summary(e, id, &now) < 0)
		return 0;
	if (stored.state != CONTAINER_RUNNING || now.state != CONTAINER_EXITED)
		return 0;
	int r = collect_locked(e, id, &now);
	return r < 0 ? r : 1;
}

int container_ended(struct engine *e, const char *id)
{
	int r = collect(e, id);
	return r < 0 ? r : instance_groups_remove(e); /* its monitor has just left them */
}

/* As a monitor would write it, for those who wait. */
static void exit_tell(struct engine *e, const char *id, int code, bool is_oom)
{
	struct monitor_exit record = {.code = code,
		.flags = is_oom ? MONITOR_EXIT_OOM : 0,
		.finished_ns = clock_real_ns()};
	auto_close int run_dir = container_run_dir_open(e, id);
	if (run_dir >= 0 && monitor_exit_store(run_dir, &record) < 0)
		log_warn("%s", err_text());
}

/* The end as this process saw it. */
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
	int r = network_detach(e, c->id);
	if (r == 0)
		r = container_release(e, c->id);
	if (r < 0)
		return r;
	if (c->is_auto_remove) {
		waiters_pass(e, c->id);
		return container_erase(e, c->id, c->name);
	}
	struct summary summary;
	r = summary_read(e, c->id, &summary);
	if (r < 0)
		return err_new(r, "read the summary of container %.12s", c->id);
	summary.state = CONTAINER_EXITED;
	summary.exit_code = code;
	summary.finished_ns = clock_real_ns();
	summary.flags |= is_oom ? SUMMARY_OOM_KILLED : 0;
	return summary_store(e, c->id, &summary);
}

/* A mistake leaves nothing. A command that is missing or not executable is the container's own affair: without --rm it
 * stays, created and never started, as with Docker. The trail is kept; an error means that something is left. */
int failed(struct engine *e, const struct container *c, enum launch_phase phase)
{
	struct err_packet trail;
	err_pack(&trail);
	int r = network_abandon(e, c->id);
	if (r == 0)
		r = container_release(e, c->id);
	struct summary summary;
	bool stays = phase == LAUNCH_PHASE_EXEC && !c->is_auto_remove;
	if (r == 0 && stays)
		r = summary_read(e, c->id, &summary);
	if (r == 0 && stays) {
		summary.state = CONTAINER_CREATED;
		summary.flags |= SUMMARY_STAYS;
		r = summary_store(e, c->id, &summary);
	} else if (r == 0) {
		r = container_erase(e, c->id, c->name);
	}
	if (r == 0 && trail.code == -ECONNRESET) /* the monitor has died */
		r = instance_groups_sweep(e);
	if (r < 0)
		log_warn("after a failure: %s", err_text());
	err_unpack(&trail);
	return r;
}

/* As it was before. The trail is kept; an error means that something is left. */
int start_failed(struct engine *e, const char *id, const struct summary *before)
{
	struct err_packet trail;
	err_pack(&trail);
	int r = network_abandon(e, id);
	if (r == 0)
		r = container_release(e, id);
	if (r == 0)
		r = summary_store(e, id, before);
	if (r == 0 && trail.code == -ECONNRESET)
		r = instance_groups_sweep(e);
	if (r < 0)
		log_warn("after a failure: %s", err_text());
	err_unpack(&trail);
	return r;
}
