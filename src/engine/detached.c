/* SPDX-License-Identifier: Apache-2.0 */
/* A container in the background: handing it to its monitor, and giving it a new one when that was killed. */
#include "engine/internal.h"
#include "base/err.h"
#include "base/log.h"
#include "base/str.h"
#include "monitor/monitor.h"
#include "sys/lock.h"

#include <errno.h>

static int monitor_begin_fill(const struct engine *e, const char *id, struct monitor_begin *out)
{
	*out = (struct monitor_begin){
		.log_bytes = MONITOR_LOG_BYTES, .log_files = MONITOR_LOG_FILES};
	if (fmt(out->id, "%s", id) < 0 || fmt(out->engine_path, "%s", HUSK_BINDIR "/husk") < 0 ||
		fmt(out->init_path, "%s", INIT_PATH) < 0 ||
		fmt(out->root_path, "%s", e->root_path) < 0 ||
		fmt(out->state_path, "%s", e->state_path) < 0)
		return err_say(
			-ENAMETOOLONG, "a path of this installation is too long for a monitor");
	return 0;
}

/* What a monitor is given besides: where it lives and where it came from. Returns the lock of its group. */
static int parts_fill(const struct engine *e, struct monitor_parts *parts,
	struct cgroup_entry *group, struct cgroup_entry *home)
{
	auto_close int lock = monitors_group_open(e, group);
	int r = lock < 0 ? lock : cgroup_entry_open(&e->cgroup, NULL, home);
	parts->program = MONITOR_PATH;
	parts->group = group;
	parts->home = home;
	return r < 0 ? r : take_fd(&lock);
}

/* A payload may have ended before its row said that it runs: then whoever came to collect it found nothing. */
static int ended_collect(struct engine *e, const char *id, int run_dir)
{
	struct monitor_exit record;
	return monitor_exit_load(run_dir, &record) == 0 ? container_ended(e, id) : 0;
}

/* The monitor with init as its child. What is only needed for this is closed when it is done. */
static int monitor_start(struct engine *e, const struct container *c, int run_dir, struct launch *l,
	struct monitor_handle *out)
{
	struct monitor_begin begin;
	int r = monitor_begin_fill(e, c->id, &begin);
	if (r < 0)
		return r;
	begin.has_stdin = c->process.has_stdin;
	auto_close int dir = container_dir_open(e, c->id);
	auto_close int oom = cgroup_oom_open(l->cgroup);
	cgroup_close(take_ptr(&l->cgroup));
	auto_of(cgroup_entry) struct cgroup_entry group = CGROUP_ENTRY_INIT,
						  home = CGROUP_ENTRY_INIT;
	struct monitor_parts parts = {.begin = &begin,
		.run_directory_fd = run_dir,
		.log_directory_fd = dir,
		.oom_fd = oom};
	auto_close int lock = parts_fill(e, &parts, &group, &home);
	return lock < 0 ? lock : monitor_spawn(&parts, l, out);
}

int detached_run(struct start *s)
{
	struct launch *l = &s->launch;
	auto_close int run_dir = container_run_dir_open(s->e, s->c->id);
	auto_of(monitor_handle) struct monitor_handle monitor = MONITOR_HANDLE_INIT;
	struct process_id payload;
	int r = monitor_start(s->e, s->c, run_dir, l, &monitor);
	if (r == 0)
		r = network_attach(s->e, s->c, l->pid);
	if (r == 0)
		r = payload_identify(l, &payload);
	if (r == 0)
		r = monitor_go(&monitor, &l->phase);
	if (r == 0)
		r = summary_running(s, &monitor.process, &payload);
	return r < 0 ? r : ended_collect(s->e, s->c->id, run_dir);
}

/* The same for a process that runs already. */
static int adopt(struct engine *e, const char *id, int run_dir, struct summary *summary)
{
	auto_close int dir = container_dir_open(e, id);
	auto_close int pidfd = container_process_open(id, summary);
	if (dir < 0 || pidfd < 0)
		return dir < 0 ? -ESRCH : pidfd;
	struct monitor_begin begin;
	auto_buf struct buf path = BUF_INIT;
	container_cgroup_path(e, id, &path);
	auto_of(cgroup) struct cgroup *cgroup = NULL;
	int r = monitor_begin_fill(e, id, &begin);
	if (r == 0)
		r = cgroup_open(&e->cgroup, path.data, &cgroup);
	if (r < 0)
		return r;
	auto_close int oom = cgroup_oom_open(cgroup);
	auto_of(cgroup_entry) struct cgroup_entry group = CGROUP_ENTRY_INIT,
						  home = CGROUP_ENTRY_INIT;
	struct monitor_parts parts = {.begin = &begin,
		.run_directory_fd = run_dir,
		.log_directory_fd = dir,
		.oom_fd = oom};
	auto_close int lock = parts_fill(e, &parts, &group, &home);
	return lock < 0 ? lock : monitor_adopt(&parts, pidfd, &summary->monitor);
}

/* A container in the background without a terminal outlives its monitor: the first command that meets it gives it a new
 * one. Whoever else has its lock is at work on it already. */
static int orphan_adopt(struct engine *e, const char *id, struct summary *summary)
{
	auto_close int run_dir = container_run_dir_open(e, id);
	auto_close int lock = run_dir < 0 ? run_dir : lock_file_at(run_dir, "lock", false);
	if (lock < 0)
		return 0;
	struct summary stored;
	if (summary_read(e, id, &stored) < 0 || stored.monitor.pid != summary->monitor.pid)
		return 0;
	int r = adopt(e, id, run_dir, &stored);
	if (r == -ESRCH)
		return 0; /* it has ended, or was removed, meanwhile */
	if (r == 0)
		r = summary_store(e, id, &stored);
	if (r < 0)
		return err_wrap(r, "give container %.12s a new monitor", id);
	summary->monitor = stored.monitor;
	log_debug("container %s has a new monitor", id);
	return 0;
}

int container_settle(struct engine *e, const char *id, struct summary *summary)
{
	bool is_dead = summary->flags & SUMMARY_UNCOLLECTED;
	bool is_adoptable = summary->state == CONTAINER_RUNNING && summary->monitor.pid &&
		summary->flags & SUMMARY_DETACHED &&
		!(summary->flags & (SUMMARY_TTY | SUMMARY_WATCHED));
	if ((!is_dead && !is_adoptable) || process_is_alive(&summary->monitor))
		return 0;
	return is_dead ? container_ended(e, id) : orphan_adopt(e, id, summary);
}
