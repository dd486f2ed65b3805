/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who makes a container's cgroup, and takes it away: one table of managers. state.json says which one it was, and that
 * counts from then on, whatever later commands are told.
 */
#include "lifecycle/groups.h"
#include "base/err.h"
#include "base/log.h"
#include "base/str.h"
#include "dbus/dbus.h"

#include <errno.h>
#include <linux/capability.h>

void lifecycle_group_close(struct lifecycle_group *g)
{
	if (g->placeholder >= 0)
		process_kill(take_fd(&g->placeholder));
	fd_replace(&g->pipe, -EBADF);
	dbus_close(g->systemd);
	g->systemd = NULL;
}

static int cgroupfs_place(struct lifecycle_group *g)
{
	bool is_named = g->spec->cgroup_path && *g->spec->cgroup_path;
	const char *path = is_named ? g->spec->cgroup_path + strspn(g->spec->cgroup_path, "/")
				    : g->state->id;
	g->spec->cgroup_path = arena_str(g->arena, path);
	return lifecycle_rootless_cgroup(g->spec, &g->l->cgroup, is_named);
}

static int cgroupfs_remove(struct lifecycle *l, const struct lifecycle_state *state)
{
	return *state->cgroup_path ? cgroup_remove(&l->cgroup, state->cgroup_path) : 0;
}

/* Rules of devices are about nodes beyond those that the container is given; without CAP_MKNOD it cannot make one. */
static int disabled_place(struct lifecycle_group *g)
{
	struct oci_spec *spec = g->spec;
	if (spec->limits.count)
		return err_say(-EINVAL,
			"config.json: linux.resources: limits need a cgroup, and the cgroup "
			"manager \"disabled\" makes none");
	if (spec->device_rules.count && spec->process.caps_bounding & 1ull << CAP_MKNOD)
		return err_say(-EINVAL,
			"config.json: linux.resources.devices: rules need a cgroup, and the cgroup "
			"manager \"disabled\" makes none; without CAP_MKNOD they are not needed");
	spec->device_rules.count = 0;
	spec->cgroup_path = NULL;
	return 0;
}

static int nothing_remove(struct lifecycle *l, const struct lifecycle_state *state)
{
	return 0;
}

static const struct {
	int (*place)(struct lifecycle_group *g);
	/* NULL: the launch makes the group, and nothing is to be done. */
	int (*make)(struct lifecycle_group *g, struct launch *launch);
	int (*loosen)(struct lifecycle_group *g, struct launch *launch);
	int (*settle)(struct lifecycle_group *g, struct launch *launch);
	int (*update)(struct lifecycle *l, const struct lifecycle_state *state,
		const struct oci_spec *spec, struct cgroup *group);
	int (*remove)(struct lifecycle *l, const struct lifecycle_state *state);
} managers[LIFECYCLE_MANAGER_COUNT] = {
	[LIFECYCLE_CGROUPFS] = {.place = cgroupfs_place, .remove = cgroupfs_remove},
	[LIFECYCLE_SYSTEMD] = {lifecycle_scope_place, lifecycle_scope_make, lifecycle_scope_loosen,
		lifecycle_scope_settle, lifecycle_scope_update, lifecycle_scope_remove},
	[LIFECYCLE_DISABLED] = {.place = disabled_place, .remove = nothing_remove},
};

int lifecycle_group_place(struct lifecycle_group *g)
{
	g->state->manager = g->l->manager;
	g->state->unit = "";
	int r = managers[g->state->manager].place(g);
	g->state->cgroup_path = r == 0 && g->spec->cgroup_path ? g->spec->cgroup_path : "";
	return r;
}

int lifecycle_group_launch(struct lifecycle_group *g, struct launch *launch)
{
	typeof(managers[0]) *manager = &managers[g->state->manager];
	int r = manager->make ? manager->make(g, launch) : 0;
	if (r == 0)
		r = launch_prepare(launch);
	if (r == 0 && manager->loosen)
		r = manager->loosen(g, launch);
	if (r == 0)
		r = launch_start(launch);
	return r == 0 && manager->settle ? manager->settle(g, launch) : r;
}

int lifecycle_group_update(struct lifecycle *l, const struct lifecycle_state *state,
	const struct oci_spec *spec, struct cgroup *group)
{
	int r = plan_limits_apply(spec, &l->cgroup, group);
	typeof(managers[0]) *manager = &managers[state->manager];
	return r == 0 && manager->update ? manager->update(l, state, spec, group) : r;
}

int lifecycle_group_remove(struct lifecycle *l, const struct lifecycle_state *state)
{
	return managers[state->manager].remove(l, state);
}
