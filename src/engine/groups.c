/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cgroups of an instance: husk-INSTANCE/ID for each container, husk-INSTANCE/monitors for their monitors, which so
 * are outside of every container's limits and of the caller's session. Whoever enters the monitors' group holds the
 * lock of the state directory shared; whoever makes it or removes it, once it is empty, holds it alone.
 */
#include "engine/internal.h"
#include "base/err.h"
#include "sys/lock.h"

#include <errno.h>

static const char lock_name[] = "lock"; /* there since the boot: a full disk does not matter */

enum { ENTER_TRIES = 5 };

void container_cgroup_path(const struct engine *e, const char *id, struct buf *out)
{
	buf_addf(out, "husk-%s/%s", e->instance, id);
}

/* A group with somebody in it needs not be made. */
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

/* Whoever leaves a group last tries after everybody else: so each waits for its turn, and none trusts another's. */
int instance_groups_remove(const struct engine *e)
{
	auto_close int alone = lock_file_at(e->state_fd, lock_name, true);
	if (alone < 0)
		return err_new(alone, "lock the cgroups of the instance");
	int r = empty_parent_remove(e, "monitors/none");
	fd_replace(&alone, -EBADF);
	return r < 0 ? r : empty_parent_remove(e, "none");
}
