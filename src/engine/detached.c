/* SPDX-License-Identifier: Apache-2.0 */
/* A container in the background: handing it to its monitor. */
#include "engine/internal.h"
#include "monitor/monitor.h"

/* The payload may end before its row says "running". Then `husk _ended` of its monitor found
 * nothing to collect, so the end is collected here. */
static int ended_collect(struct engine *e, const char *id, int run_dir)
{
	struct monitor_exit record;
	return monitor_exit_load(run_dir, &record) == 0 ? container_ended(e, id) : 0;
}

/* Starts the monitor with init as its child. Objects that are only needed for this are closed
 * afterwards. */
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
		r = started_record(s, &monitor.process, &payload);
	return r < 0 ? r : ended_collect(s->e, s->c->id, run_dir);
}
