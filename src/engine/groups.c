/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cgroups of an instance: husk-INSTANCE/ID for each container, and husk-INSTANCE/monitors for
 * their monitors, which are thereby outside of every container's limits and of the caller's
 * session. A command that puts a monitor into that group holds the lock of the state directory
 * shared. A command that makes the group, or removes the empty group, holds the lock alone.
 */
#include "engine/internal.h"
#include "base/err.h"
#include "sys/lock.h"
#include "sys/process.h"

#include <errno.h>

/* made at the first command after the boot: a full disk does not matter */
static const char lock_name[] = "lock";

enum { ENTER_TRIES = 5, ORPHAN_PATIENCE_MS = 1000, ORPHAN_STEP_MS = 10 };

void container_cgroup_path(const struct engine *e, const char *id, struct buf *out)
{
	buf_addf(out, "husk-%s/%s", e->instance, id);
}

/* If another command has made the group, that is success. */
static int monitors_make(const struct engine *e, const char *path)
{
	auto_close int alone = lock_file_at(e->state_fd, lock_name, true);
	if (alone < 0)
		return err_new(alone, "lock the cgroups of the instance");
	auto_of(cgroup) struct cgroup *group = NULL;
	int r = cgroup_create(&e->cgroup, path, &group);
	return r == -EEXIST ? 0 : r;
}

int monitors_group_open(const struct engine *e, struct cgroup_entry *out)
{
	auto_buf struct buf path = BUF_INIT;
	container_cgroup_path(e, "monitors", &path);
	int r = -ENOENT;
	for (int i = 0; r == -ENOENT && i < ENTER_TRIES; i++) {
		auto_close int lock = lock_shared_at(e->state_fd, lock_name);
		if (lock < 0)
			return err_new(lock, "lock the cgroups of the instance");
		r = cgroup_entry_open(&e->cgroup, path.data, out);
		if (r == 0)
			return take_fd(&lock);
		if (r != -ENOENT)
			return r;
		fd_replace(&lock, -EBADF);
		int made = monitors_make(e, path.data);
		if (made < 0)
			return made;
	}
	return r;
}

static int empty_parent_remove(const struct engine *e, const char *below)
{
	auto_buf struct buf path = BUF_INIT;
	container_cgroup_path(e, below, &path);
	return cgroup_remove_empty_parent(&e->cgroup, path.data);
}

/* Every process that leaves a group tries to remove it. They do so one after the other under the
 * lock, so the last one succeeds. */
int instance_groups_remove(const struct engine *e)
{
	auto_close int alone = lock_file_at(e->state_fd, lock_name, true);
	if (alone < 0)
		return err_new(alone, "lock the cgroups of the instance");
	int r = empty_parent_remove(e, "monitors/none");
	fd_replace(&alone, -EBADF);
	return r < 0 ? r : empty_parent_remove(e, "none");
}

static bool monitors_group_exists(const struct engine *e)
{
	auto_buf struct buf path = BUF_INIT;
	container_cgroup_path(e, "monitors", &path);
	auto_of(cgroup) struct cgroup *group = NULL;
	return cgroup_open(&e->cgroup, path.data, &group) == 0;
}

/* Is there a monitor whose end will remove the groups? */
static bool any_monitor_lives(struct engine *e)
{
	auto_of(container_list) struct container_list list = {0};
	if (container_list(e, &list) < 0)
		return false;
	for (size_t i = 0; i < list.count; i++) {
		struct summary summary;
		if (summary_read(e, list.ids[i], &summary) == 0 &&
			summary.state == CONTAINER_RUNNING && summary.flags & SUMMARY_DETACHED &&
			process_is_alive(&summary.monitor))
			return true;
	}
	return false;
}

int instance_groups_sweep(struct engine *e)
{
	uint64_t deadline = clock_boot_ms() + ORPHAN_PATIENCE_MS;
	for (;;) {
		int r = instance_groups_remove(e);
		if (r < 0 || !monitors_group_exists(e) || any_monitor_lives(e) ||
			clock_boot_ms() >= deadline)
			return r;
		clock_sleep_ms(ORPHAN_STEP_MS);
	}
}
