/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes and removes a container's cgroup: one table of cgroup managers. state.json says which
 * manager made the group. That manager is used from then on, whatever later commands are told.
 */
#include "runtime/groups.h"
#include "base/err.h"
#include "base/log.h"
#include "base/str.h"
#include "dbus/dbus.h"
#include "sys/path.h"

#include <errno.h>
#include <linux/capability.h>

void runtime_group_close(struct runtime_group *g)
{
	if (g->placeholder >= 0)
		process_kill(take_fd(&g->placeholder));
	fd_replace(&g->pipe, -EBADF);
	dbus_close(g->systemd);
	g->systemd = NULL;
}

static int cgroupfs_place(struct runtime_group *g)
{
	auto_buf struct buf path = BUF_INIT;
	path_clean(&path, g->spec->cgroup_path ? g->spec->cgroup_path : "");
	bool is_named = path.len > 1; /* more than "/" */
	g->spec->cgroup_path = arena_str(g->arena, is_named ? path.data + 1 : g->state->id);
	return runtime_rootless_cgroup(g->spec, &g->rt->cgroup, is_named);
}

static int cgroupfs_remove(struct runtime *rt, const struct runtime_state *state)
{
	return *state->cgroup_path ? cgroup_remove(&rt->cgroup, state->cgroup_path) : 0;
}

/* Device rules are about nodes beyond those that the container is given. Without CAP_MKNOD the
 * container cannot make such nodes, so the rules can be left out. */
static int disabled_place(struct runtime_group *g)
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

static int nothing_remove(struct runtime *rt, const struct runtime_state *state)
{
	return 0;
}

static const struct {
	int (*place)(struct runtime_group *g);
	/* NULL: the launch makes the group; this step does nothing. */
	int (*make)(struct runtime_group *g, struct launch *launch);
	int (*loosen)(struct runtime_group *g, struct launch *launch);
	int (*settle)(struct runtime_group *g, struct launch *launch);
	int (*update)(struct runtime *rt, const struct runtime_state *state,
		const struct oci_spec *spec, struct cgroup *group);
	int (*remove)(struct runtime *rt, const struct runtime_state *state);
} managers[RUNTIME_MANAGER_COUNT] = {
	[RUNTIME_CGROUPFS] = {.place = cgroupfs_place, .remove = cgroupfs_remove},
	[RUNTIME_SYSTEMD] = {runtime_scope_place, runtime_scope_make, runtime_scope_loosen,
		runtime_scope_settle, runtime_scope_update, runtime_scope_remove},
	[RUNTIME_DISABLED] = {.place = disabled_place, .remove = nothing_remove},
};

int runtime_group_place(struct runtime_group *g)
{
	g->state->manager = g->rt->manager;
	g->state->unit = "";
	int r = managers[g->state->manager].place(g);
	g->state->cgroup_path = r == 0 && g->spec->cgroup_path ? g->spec->cgroup_path : "";
	return r;
}

int runtime_group_launch(struct runtime_group *g, struct launch *launch)
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

int runtime_group_update(struct runtime *rt, const struct runtime_state *state,
	const struct oci_spec *spec, struct cgroup *group)
{
	int r = plan_limits_apply(spec, &rt->cgroup, group);
	typeof(managers[0]) *manager = &managers[state->manager];
	return r == 0 && manager->update ? manager->update(rt, state, spec, group) : r;
}

int runtime_group_remove(struct runtime *rt, const struct runtime_state *state)
{
	return managers[state->manager].remove(rt, state);
}
