/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The data and fds that every monitor gets, for a container that starts and for one that is
 * adopted.
 */
#include "engine/internal.h"
#include "base/err.h"
#include "base/str.h"
#include "monitor/monitor.h"

#include <errno.h>

int monitor_begin_fill(const struct engine *e, const char *id, struct monitor_begin *out)
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

/* Fills in the monitor's program, its group, and the group that it came from. Returns the lock of
 * the monitors' group. */
int parts_fill(const struct engine *e, struct monitor_parts *parts, struct cgroup_entry *group,
	struct cgroup_entry *home)
{
	auto_close int lock = monitors_group_open(e, group);
	int r = lock < 0 ? lock : cgroup_entry_open(&e->cgroup, NULL, home);
	parts->program = MONITOR_PATH;
	parts->group = group;
	parts->home = home;
	return r < 0 ? r : take_fd(&lock);
}
