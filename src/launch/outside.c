/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a container has that is not its own: a checkpoint and a restore need it. The kernel shows
 * everything else in the container itself.
 */
#include "launch/internal.h"
#include "base/err.h"

#include <errno.h>
#include <string.h>

static int namespaces_check(const struct flat *plan, bool *out_has_cgroup)
{
	for (uint32_t i = 0; i < flat_count(plan, PLAN_NAMESPACE); i++) {
		const struct ns_row *row = flat_row(plan, PLAN_NAMESPACE, i);
		bool may_join = row->kind == NS_NET || row->kind == NS_PID || row->kind == NS_IPC ||
			row->kind == NS_UTS;
		*out_has_cgroup = *out_has_cgroup || row->kind == NS_CGROUP;
		if (row->kind == NS_USER || row->kind == NS_TIME)
			return err_say(-EOPNOTSUPP,
				"a container with a %s namespace of its own cannot be checkpointed",
				ns_info[row->kind].oci_name);
		if (row->mode == NS_MODE_JOIN && !may_join)
			return err_say(-EOPNOTSUPP,
				"a container that joins a %s namespace cannot be checkpointed",
				ns_info[row->kind].oci_name);
	}
	return 0;
}

/* Refuses settings that criu does not save, or was not seen to save: they would be lost
 * unnoticed. */
static int process_check(const struct flat *plan)
{
	if (plan_process(plan)->listener_path)
		return err_say(-EOPNOTSUPP,
			"a container whose seccomp filter has a listener cannot be checkpointed");
	for (uint32_t i = 0; i < flat_count(plan, PLAN_SCHED); i++) {
		const struct sec_sched_row *row = flat_row(plan, PLAN_SCHED, i);
		if (row->kind == SEC_SCHED_POLICY)
			continue;
		auto_buf struct buf words = BUF_INIT;
		sec_sched_describe(plan, row, &words);
		return err_say(
			-EOPNOTSUPP, "a container with %s cannot be checkpointed", words.data);
	}
	return 0;
}

static void outside_add(struct arena *a, struct plan_outside *out, const char *target,
	const char *source, bool is_mask)
{
	struct plan_outside_mount *mount = arena_push(a, &out->mounts);
	*mount = (struct plan_outside_mount){target, source, is_mask};
}

int plan_outside_find(const struct flat *plan, struct arena *a, struct plan_outside *out)
{
	bool has_cgroup = false;
	*out = (struct plan_outside){0};
	int r = namespaces_check(plan, &has_cgroup);
	if (r == 0)
		r = process_check(plan);
	if (r == 0 && flat_count(plan, PLAN_NET_DEVICE))
		r = err_say(-EOPNOTSUPP,
			"interfaces of the host in a container cannot be checkpointed");
	for (uint32_t i = 0; r == 0 && i < flat_count(plan, PLAN_MOUNT); i++) {
		const struct mount_row *row = flat_row(plan, PLAN_MOUNT, i);
		const char *target = flat_str(plan, row->target),
			   *fstype = flat_str(plan, row->fstype);
		if (row->kind != MOUNT_KIND_BIND)
			continue;
		if (row->flags & (MOUNT_IDMAP | MOUNT_IDMAP_RECURSIVE))
			r = err_say(-EOPNOTSUPP,
				"the mapped ids of mount %s cannot be checkpointed", target);
		else if (!fstype)
			outside_add(a, out, target, flat_str(plan, row->source), false);
		else if (!has_cgroup || strcmp(fstype, "cgroup2") != 0)
			r = err_say(-EOPNOTSUPP,
				"the cgroups at %s are the host's: only those of version 2, in a "
				"cgroup "
				"namespace of its own, can be checkpointed",
				target);
	}
	for (uint32_t i = 0; r == 0 && i < flat_count(plan, PLAN_GUARD); i++) {
		const struct mount_guard_row *row = flat_row(plan, PLAN_GUARD, i);
		if (row->kind == MOUNT_GUARD_MASK)
			outside_add(a, out, flat_str(plan, row->path), "/dev/null", true);
	}
	return r;
}

const char *plan_cgroup_path(const struct flat *plan)
{
	const char *path = flat_str(plan, plan_head(plan)->cgroup_path);
	return path ? path : "";
}
