/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Does what killed monitors could not do: a running container gets a new monitor, and an ended
 * container gives back what it had.
 */
#include "engine/internal.h"
#include "base/err.h"
#include "base/json.h"
#include "base/log.h"
#include "monitor/monitor.h"
#include "sys/lock.h"

#include <errno.h>

/* Starts a monitor for a process that already runs. */
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

/* A container in the background without a terminal outlives its monitor: the first command that
 * finds this starts a new monitor. If the container's lock is taken, another command is doing that
 * already. */
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
	const struct container_facts facts = {.monitor = stored.monitor};
	if (r == 0)
		r = container_change(e, id, CONTAINER_EVENT_ADOPT, &facts);
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

/* Settles all containers. A failure of one is only a warning. */
int containers_settle(struct engine *e)
{
	auto_of(container_list) struct container_list list = {0};
	int r = container_list(e, &list);
	for (size_t i = 0; i < list.count; i++) {
		struct summary summary;
		if (container_summary(e, list.ids[i], &summary) == 0 &&
			container_settle(e, list.ids[i], &summary) < 0)
			log_warn("%s", err_text());
	}
	return r;
}
