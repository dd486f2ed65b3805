/* SPDX-License-Identifier: Apache-2.0 */
/* What one more process takes over from the plan of its container: no file is read again, and no
 * part of the confinement is forgotten. */
#include "launch/internal.h"

#include <stddef.h>

const char *plan_listener(const struct flat *plan, const char **out_metadata)
{
	*out_metadata = flat_str(plan, plan_process(plan)->listener_metadata);
	return flat_str(plan, plan_process(plan)->listener_path);
}

/* Takes only the settings that belong to the container; the others belong to each process. */
static void sched_inherit(const struct flat *plan, const struct sec_sched_row *row, struct arena *a,
	struct oci_spec *out)
{
	if (row->kind != SEC_SCHED_MEMORY && row->kind != SEC_SCHED_PERSONALITY)
		return;
	struct oci_sched *sched = arena_push(a, &out->scheds);
	*sched = (struct oci_sched){.kind = row->kind,
		.mode = row->mode,
		.flags = row->flags,
		.mask = row->mask.size ? flat_bytes(plan, row->mask) : NULL,
		.mask_words = row->mask.size / sizeof(sched->mask[0]),
		.origin = "container"};
}

void plan_inherit(const struct flat *plan, struct arena *a, struct oci_spec *out)
{
	for (uint32_t i = 0; i < flat_count(plan, PLAN_NAMESPACE); i++) {
		const struct ns_row *row = flat_row(plan, PLAN_NAMESPACE, i);
		struct oci_namespace *ns = arena_push(a, &out->namespaces);
		*ns = (struct oci_namespace){
			ns_info[row->kind].oci_name, "of the container", "container"};
	}
	for (uint32_t i = 0; i < flat_count(plan, PLAN_SCHED); i++)
		sched_inherit(plan, flat_row(plan, PLAN_SCHED, i), a, out);
	const struct plan_process_row *process = plan_process(plan);
	out->process.seccomp = process->seccomp.size ? flat_bytes(plan, process->seccomp) : NULL;
	out->process.seccomp_size = process->seccomp.size;
	out->process.seccomp_flags = process->seccomp_flags;
	out->process.seccomp_name = flat_str(plan, process->seccomp_name);
	out->process.listener.path = flat_str(plan, process->listener_path);
	out->process.listener.metadata = flat_str(plan, process->listener_metadata);
	out->cgroup_path = flat_str(plan, plan_head(plan)->cgroup_path);
	out->keeps_keyring = plan_head(plan)->flags & PLAN_KEEPS_KEYRING;
}
