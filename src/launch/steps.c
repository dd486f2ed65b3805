/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The steps of a plan, as one table in the order of execution. The printer walks it to show what
 * would be done. Init walks it to do its part. A failure names its row by the same number. launch.c
 * does the host steps in this order without the table, because it hands whole sections to one
 * mechanism.
 */
#include "launch/init.h"
#include "base/str.h"

#include <inttypes.h>
#include <sys/mount.h>

static bool is_run(const struct flat *plan)
{
	return plan_head(plan)->kind == PLAN_KIND_RUN;
}

/* An exec joins all namespaces of its container; a new container joins those that it shares. */
static bool joins_namespaces(const struct flat *plan)
{
	for (uint32_t i = 0; i < flat_count(plan, PLAN_NAMESPACE); i++)
		if (((const struct ns_row *)flat_row(plan, PLAN_NAMESPACE, i))->mode ==
			NS_MODE_JOIN)
			return true;
	return false;
}

static bool has_flag(const struct flat *plan, uint32_t flag)
{
	return plan_head(plan)->flags & flag;
}

static bool joins_cgroup(const struct flat *plan)
{
	return has_flag(plan, PLAN_JOINS_CGROUP);
}

static bool runs_in_cgroup(const struct flat *plan)
{
	return is_run(plan) && joins_cgroup(plan);
}

static bool execs_in_cgroup(const struct flat *plan)
{
	return !is_run(plan) && joins_cgroup(plan);
}

static bool has_cgroup_namespace(const struct flat *plan)
{
	for (uint32_t i = 0; i < flat_count(plan, PLAN_NAMESPACE); i++) {
		const struct ns_row *ns = flat_row(plan, PLAN_NAMESPACE, i);
		if (ns->kind == NS_CGROUP && ns->mode == NS_MODE_NEW)
			return true;
	}
	return false;
}

static bool has_terminal(const struct flat *plan)
{
	return has_flag(plan, PLAN_TERMINAL);
}

static bool has_hooks(const struct flat *plan)
{
	return is_run(plan) && has_flag(plan, PLAN_HOOKS);
}

static bool is_labelled(const struct flat *plan)
{
	const struct plan_process_row *process = plan_process(plan);
	return process->labels[SEC_LABEL_APPARMOR] || process->labels[SEC_LABEL_SELINUX];
}

static bool runs_labelled(const struct flat *plan)
{
	return is_run(plan) && is_labelled(plan);
}

static bool execs_labelled(const struct flat *plan)
{
	return !is_run(plan) && is_labelled(plan);
}

static bool has_clocks(const struct flat *plan)
{
	return flat_count(plan, PLAN_CLOCK) > 0;
}

static bool has_loopback(const struct flat *plan)
{
	return has_flag(plan, PLAN_LOOPBACK);
}

static bool has_hostname(const struct flat *plan)
{
	return plan_head(plan)->hostname || plan_head(plan)->domainname;
}

static bool has_user(const struct flat *plan)
{
	return plan_user_mode(plan) != 0;
}

/* startContainer hooks are programs of the container: they run under its filter. */
static bool filters_hooks(const struct flat *plan)
{
	return plan_process(plan)->seccomp.size && flat_count(plan, PLAN_HOOK) > 0;
}

static bool filters_last(const struct flat *plan)
{
	return plan_process(plan)->seccomp.size && flat_count(plan, PLAN_HOOK) == 0;
}

static bool is_exec(const struct flat *plan)
{
	return !is_run(plan);
}

static bool has_reaper(const struct flat *plan)
{
	return has_flag(plan, PLAN_REAPER);
}

static void describe_cgroup_create(const struct flat *plan, const void *row, struct buf *out)
{
	buf_addf(out, "make cgroup %s",
		flat_str(plan, ((const struct plan_head_row *)row)->cgroup_path));
}

static void describe_limit(const struct flat *plan, const void *row, struct buf *out)
{
	cgroup_row_describe(plan, row, out);
}

static void describe_device_rule(const struct flat *plan, const void *row, struct buf *out)
{
	cgroup_device_describe(plan, row, out);
}

static void describe_layer(const struct flat *plan, const void *row, struct buf *out)
{
	buf_addf(out, "open layer %s", flat_str(plan, ((const struct plan_text_row *)row)->text));
}

static void describe_root(const struct flat *plan, const void *row, struct buf *out)
{
	const struct plan_head_row *head = row;
	if (!head->upper && flat_count(plan, PLAN_LAYER) == 1) {
		buf_adds(out, "take it as the root");
		return;
	}
	buf_addf(out, "assemble the root: overlay of %u layer%s", flat_count(plan, PLAN_LAYER),
		flat_count(plan, PLAN_LAYER) == 1 ? "" : "s");
	if (head->upper)
		buf_addf(out, ", writes to %s%s", flat_str(plan, head->upper),
			head->flags & PLAN_ROOT_VOLATILE ? " (volatile)" : "");
}

static void describe_namespace(const struct flat *plan, const void *row, struct buf *out)
{
	const struct ns_row *ns = row;
	bool is_inits = ns->kind == NS_CGROUP || (ns->kind == NS_TIME && has_clocks(plan));
	if (ns->mode == NS_MODE_NEW)
		buf_addf(out, "new %s namespace%s", ns_info[ns->kind].oci_name,
			is_inits ? ", made by init" : "");
	else
		buf_addf(out, "open %s namespace %s, for init to join", ns_info[ns->kind].oci_name,
			flat_str(plan, ns->path));
}

static void describe_idmap(const struct flat *plan, const void *row, struct buf *out)
{
	const struct ns_idmap_row *map = row;
	buf_addf(out, "map %s %u to %u on the host, %u of them", map->is_gid ? "gid" : "uid",
		map->inner, map->outer, map->count);
}

static void describe_identity(const struct flat *plan, const void *row, struct buf *out)
{
	buf_adds(out, "become root of the user namespace");
}

static void describe_net_device(const struct flat *plan, const void *row, struct buf *out)
{
	const struct plan_text_row *device = row;
	buf_addf(out, "move network device %s into the container, as %s",
		flat_str(plan, device->text), flat_str(plan, device->value));
}

static void describe_clocks(const struct flat *plan, const void *row, struct buf *out)
{
	buf_adds(out, "make the time namespace");
	for (uint32_t i = 0; i < flat_count(plan, PLAN_CLOCK); i++) {
		const struct plan_clock_row *clock = flat_row(plan, PLAN_CLOCK, i);
		buf_addf(out, ", %s %+" PRId64 ".%09u s", flat_str(plan, clock->name),
			clock->seconds, clock->nanoseconds);
	}
}

static void describe_network(const struct flat *plan, const void *row, struct buf *out)
{
	const struct plan_text_row *text = row;
	buf_addf(out, "%s", flat_str(plan, text->text));
	if (text->value)
		buf_addf(out, " %s", flat_str(plan, text->value));
}

static void describe_attach_root(const struct flat *plan, const void *row, struct buf *out)
{
	const char *point = flat_str(plan, ((const struct plan_head_row *)row)->root_point);
	buf_addf(out, "attach the root in the new mount namespace%s%s", point ? ", at " : "",
		point ? point : "");
}

static void describe_mount(const struct flat *plan, const void *row, struct buf *out)
{
	mount_row_describe(plan, row, out);
}

static void describe_node(const struct flat *plan, const void *row, struct buf *out)
{
	mount_node_describe(plan, row, out);
}

static void describe_guard(const struct flat *plan, const void *row, struct buf *out)
{
	mount_guard_describe(plan, row, out);
}

static void describe_terminal(const struct flat *plan, const void *row, struct buf *out)
{
	buf_adds(out, "open a terminal, /dev/console");
}

static void describe_loopback(const struct flat *plan, const void *row, struct buf *out)
{
	buf_adds(out, "bring up lo");
}

static void describe_hostname(const struct flat *plan, const void *row, struct buf *out)
{
	const struct plan_head_row *head = row;
	if (head->hostname)
		buf_addf(out, "set hostname %s", flat_str(plan, head->hostname));
	if (head->domainname)
		buf_addf(out, "%sset domain name %s", head->hostname ? ", " : "",
			flat_str(plan, head->domainname));
}

static void describe_sysctl(const struct flat *plan, const void *row, struct buf *out)
{
	sec_sysctl_describe(plan, row, out);
}

static void describe_cwd(const struct flat *plan, const void *row, struct buf *out)
{
	buf_addf(out, "open working directory %s",
		flat_str(plan, ((const struct plan_process_row *)row)->cwd));
}

static void describe_enter_root(const struct flat *plan, const void *row, struct buf *out)
{
	const struct plan_head_row *head = row;
	if (head->flags & PLAN_ROOT_READONLY)
		buf_adds(out, "make the root read-only, ");
	buf_adds(out,
		head->flags & PLAN_NO_PIVOT ? "chroot to the root over /"
					    : "pivot_root, drop the old root");
	const char *whole = head->root_propagation & MS_REC ? " with all below" : "";
	if (head->root_propagation & MS_SHARED)
		buf_addf(out, ", make it shared%s", whole);
	if (head->root_propagation & MS_UNBINDABLE)
		buf_addf(out, ", make it unbindable%s", whole);
}

static void describe_cgroup_join(const struct flat *plan, const void *row, struct buf *out)
{
	buf_adds(out,
		((const struct plan_head_row *)row)->kind == PLAN_KIND_EXEC
			? "move into the container's cgroup"
			: "move into the cgroup");
}

static void describe_cgroup_namespace(const struct flat *plan, const void *row, struct buf *out)
{
	buf_adds(out, "make the cgroup namespace");
}

static void describe_join(const struct flat *plan, const void *row, struct buf *out)
{
	const struct plan_head_row *head = row;
	buf_adds(out,
		head->kind == PLAN_KIND_EXEC ? "join all namespaces of the container"
					     : "join the namespaces that are shared");
}

static void describe_hooks(const struct flat *plan, const void *row, struct buf *out)
{
	buf_adds(out, "wait for the hooks of the host");
}

static void describe_wait_start(const struct flat *plan, const void *row, struct buf *out)
{
	buf_adds(out, "report ready, wait for the start signal");
}

static void describe_rlimit(const struct flat *plan, const void *row, struct buf *out)
{
	sec_rlimit_describe(plan, row, out);
}

static void describe_sched(const struct flat *plan, const void *row, struct buf *out)
{
	sec_sched_describe(plan, row, out);
}

static void describe_process(const struct flat *plan, const void *row, struct buf *out)
{
	const struct plan_process_row *process = row;
	bool has_session = is_run(plan), has_keyring = !has_flag(plan, PLAN_KEEPS_KEYRING);
	buf_addf(out, "%s%s%s%s%sumask %04o", has_session || has_keyring ? "new " : "",
		has_session ? "session" : "", has_session && has_keyring ? " and " : "",
		has_keyring ? "keyring" : "", has_session || has_keyring ? ", " : "",
		process->umask);
	if (has_flag(plan, PLAN_OOM_SCORE))
		buf_addf(out, ", oom_score_adj %d", process->oom_score_adj);
	if (has_flag(plan, PLAN_NO_NEW_PRIVS))
		buf_adds(out, ", no_new_privs");
}

static void describe_seccomp(const struct flat *plan, const void *row, struct buf *out)
{
	const struct plan_process_row *process = row;
	const char *name = flat_str(plan, process->seccomp_name);
	buf_addf(out, "load seccomp profile %s", name ? name : "given");
	if (plan_has_listener(plan))
		buf_addf(out, ", its listener goes to %s", flat_str(plan, process->listener_path));
}

static void describe_credentials(const struct flat *plan, const void *row, struct buf *out)
{
	const struct plan_process_row *process = row;
	buf_addf(out, "become uid %u gid %u", process->uid, process->gid);
	if (flat_count(plan, PLAN_GROUP)) {
		buf_adds(out, " groups");
		for (uint32_t i = 0; i < flat_count(plan, PLAN_GROUP); i++) {
			const struct plan_group_row *group = flat_row(plan, PLAN_GROUP, i);
			buf_addf(out, "%s%u", i ? "," : " ", group->gid);
		}
	}
	buf_adds(out, ", capabilities ");
	if (process->caps.bounding)
		sec_caps_describe(process->caps.bounding, out);
	else
		buf_adds(out, "none");
}

static void describe_label_open(const struct flat *plan, const void *row, struct buf *out)
{
	buf_adds(out, "open what takes the label");
}

static void describe_label(const struct flat *plan, const void *row, struct buf *out)
{
	const struct plan_process_row *process = row;
	const char *separator = "";
	for (uint32_t kind = 0; kind < SEC_LABEL_COUNT; kind++) {
		if (!process->labels[kind])
			continue;
		buf_addf(out, "%s%s label %s", separator, sec_label_name(kind),
			flat_str(plan, process->labels[kind]));
		separator = ", ";
	}
}

static void describe_start_hook(const struct flat *plan, const void *row, struct buf *out)
{
	buf_addf(out, "run the hook %s", flat_str(plan, ((const struct plan_hook_row *)row)->path));
}

static void describe_payload(const struct flat *plan, const void *row, struct buf *out)
{
	buf_adds(out, "close what is left open, signals as they were");
}

static void describe_birth(const struct flat *plan, const void *row, struct buf *out)
{
	if (plan_joined_row(plan, NS_PID))
		buf_adds(out, "enter the pid namespace, ");
	buf_adds(out, "new session");
}

static void describe_reaper(const struct flat *plan, const void *row, struct buf *out)
{
	buf_adds(out, "stay as PID 1 and reap, go on in a child");
}

static void describe_exec(const struct flat *plan, const void *row, struct buf *out)
{
	buf_adds(out, "execute");
	for (uint32_t i = 0; i < flat_count(plan, PLAN_ARG); i++) {
		buf_addc(out, ' ');
		buf_adds(out,
			flat_str(plan,
				((const struct plan_text_row *)flat_row(plan, PLAN_ARG, i))->text));
	}
	buf_addf(out, " (%u environment variables)", flat_count(plan, PLAN_ENV));
}

const struct step_kind step_kinds[] = {
	{STEP_HOST, PLAN_LAYER, NULL, describe_layer, NULL},
	{STEP_HOST, PLAN_HEAD, is_run, describe_root, NULL},
	{STEP_HOST, PLAN_HEAD, runs_in_cgroup, describe_cgroup_create, NULL},
	{STEP_HOST, PLAN_CGROUP, NULL, describe_limit, NULL},
	{STEP_HOST, PLAN_CGROUP_DEVICE, NULL, describe_device_rule, NULL},
	{STEP_HOST, PLAN_NAMESPACE, NULL, describe_namespace, NULL},
	{STEP_HOST, PLAN_IDMAP, NULL, describe_idmap, NULL},
	{STEP_HOST, PLAN_HEAD, has_user, describe_identity, NULL},
	{STEP_HOST, PLAN_NETWORK, NULL, describe_network, NULL},
	{STEP_HOST, PLAN_NET_DEVICE, NULL, describe_net_device, NULL},
	{STEP_INIT, PLAN_HEAD, execs_in_cgroup, describe_cgroup_join, step_cgroup_join},
	{STEP_INIT, PLAN_PROCESS, execs_labelled, describe_label_open, step_label_open},
	{STEP_INIT, PLAN_HEAD, joins_namespaces, describe_join, step_namespaces},
	{STEP_INIT, PLAN_PROCESS, runs_labelled, describe_label_open, step_label_open},
	{STEP_INIT, PLAN_HEAD, is_run, describe_attach_root, step_root},
	{STEP_INIT, PLAN_MOUNT, NULL, describe_mount, step_mount},
	{STEP_INIT, PLAN_NODE, NULL, describe_node, step_node},
	{STEP_INIT, PLAN_HEAD, has_terminal, describe_terminal, step_terminal},
	{STEP_INIT, PLAN_HEAD, has_clocks, describe_clocks, step_clocks},
	{STEP_INIT, PLAN_HEAD, has_loopback, describe_loopback, step_loopback},
	{STEP_INIT, PLAN_HEAD, has_hostname, describe_hostname, step_hostname},
	{STEP_INIT, PLAN_SYSCTL, NULL, describe_sysctl, step_sysctl},
	{STEP_INIT, PLAN_HEAD, runs_in_cgroup, describe_cgroup_join, step_cgroup_join},
	{STEP_INIT, PLAN_HEAD, has_cgroup_namespace, describe_cgroup_namespace,
		step_cgroup_namespace},
	{STEP_INIT, PLAN_GUARD, NULL, describe_guard, step_guard},
	{STEP_INIT, PLAN_HEAD, has_hooks, describe_hooks, step_hooks},
	{STEP_INIT, PLAN_PROCESS, NULL, describe_cwd, step_cwd},
	{STEP_INIT, PLAN_HEAD, is_run, describe_enter_root, step_enter_root},
	{STEP_INIT, PLAN_HEAD, NULL, describe_wait_start, step_wait_start},
	{STEP_INIT, PLAN_RLIMIT, NULL, describe_rlimit, step_rlimit},
	{STEP_INIT, PLAN_SCHED, NULL, describe_sched, step_sched},
	{STEP_INIT, PLAN_PROCESS, NULL, describe_process, step_process},
	{STEP_INIT, PLAN_PROCESS, NULL, describe_credentials, step_credentials},
	{STEP_INIT, PLAN_PROCESS, filters_hooks, describe_seccomp, step_seccomp},
	{STEP_INIT, PLAN_HOOK, NULL, describe_start_hook, step_start_hook},
	{STEP_INIT, PLAN_PROCESS, is_labelled, describe_label, step_label},
	{STEP_INIT, PLAN_PROCESS, NULL, describe_payload, step_payload},
	{STEP_INIT, PLAN_PROCESS, filters_last, describe_seccomp, step_seccomp},
	{STEP_INIT, PLAN_PROCESS, is_exec, describe_birth, step_birth},
	{STEP_INIT, PLAN_PROCESS, has_reaper, describe_reaper, step_reaper},
	{STEP_INIT, PLAN_PROCESS, NULL, describe_exec, step_exec},
};
const size_t step_kind_count = sizeof(step_kinds) / sizeof(step_kinds[0]);

uint32_t step_rows(const struct flat *plan, const struct step_kind *kind)
{
	return kind->is_wanted && !kind->is_wanted(plan) ? 0 : flat_count(plan, kind->section);
}
