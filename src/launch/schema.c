/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a plan file looks like: for each section its row, and where the row refers to strings and
 * blobs. flat_open checks those; plan_open checks the numbers that later index tables. Here are
 * also questions that several files ask of a plan.
 */
#include "launch/internal.h"
#include "base/err.h"

#include <errno.h>
#include <stddef.h>

#define SECTION(label, type, ...) \
	{ \
		.name = label, .row_size = sizeof(struct type), __VA_ARGS__ \
	}
#define AT(type, field) offsetof(struct type, field)

static const struct flat_section_schema plan_sections[PLAN_SECTION_COUNT] = {
	[PLAN_HEAD] = SECTION("head", plan_head_row, .string_count = 6,
		.strings = {AT(plan_head_row, hostname), AT(plan_head_row, domainname),
			AT(plan_head_row, cgroup_path), AT(plan_head_row, upper),
			AT(plan_head_row, work), AT(plan_head_row, root_point)}),
	[PLAN_NAMESPACE] = SECTION("namespace", ns_row, .string_count = 2,
		.strings = {AT(ns_row, origin), AT(ns_row, path)}),
	[PLAN_IDMAP] = SECTION(
		"idmap", ns_idmap_row, .string_count = 1, .strings = {AT(ns_idmap_row, origin)}),
	[PLAN_CLOCK] = SECTION("clock", plan_clock_row, .string_count = 2,
		.strings = {AT(plan_clock_row, origin), AT(plan_clock_row, name)}),
	[PLAN_CGROUP] = SECTION("cgroup", cgroup_row, .string_count = 2,
		.strings = {AT(cgroup_row, origin), AT(cgroup_row, text)}),
	[PLAN_CGROUP_DEVICE] = SECTION("device rule", cgroup_device_row, .string_count = 1,
		.strings = {AT(cgroup_device_row, origin)}),
	[PLAN_LAYER] = SECTION("layer", plan_text_row, .string_count = 3,
		.strings = {AT(plan_text_row, origin), AT(plan_text_row, text),
			AT(plan_text_row, value)}),
	[PLAN_MOUNT] = SECTION("mount", mount_row, .string_count = 6,
		.strings = {AT(mount_row, origin), AT(mount_row, target), AT(mount_row, source),
			AT(mount_row, fstype), AT(mount_row, data), AT(mount_row, label)}),
	[PLAN_MOUNT_IDMAP] = SECTION("idmap of a mount", ns_idmap_row, .string_count = 1,
		.strings = {AT(ns_idmap_row, origin)}),
	[PLAN_NODE] = SECTION("node", mount_node_row, .string_count = 3,
		.strings = {AT(mount_node_row, origin), AT(mount_node_row, path),
			AT(mount_node_row, target)}),
	[PLAN_GUARD] = SECTION("guard", mount_guard_row, .string_count = 2,
		.strings = {AT(mount_guard_row, origin), AT(mount_guard_row, path)}),
	[PLAN_SYSCTL] = SECTION("sysctl", sec_sysctl_row, .string_count = 3,
		.strings = {AT(sec_sysctl_row, origin), AT(sec_sysctl_row, key),
			AT(sec_sysctl_row, value)}),
	[PLAN_RLIMIT] = SECTION("rlimit", sec_rlimit_row, .string_count = 1,
		.strings = {AT(sec_rlimit_row, origin)}),
	[PLAN_SCHED] = SECTION("scheduling", sec_sched_row, .string_count = 1,
		.strings = {AT(sec_sched_row, origin)}, .blob_count = 1,
		.blobs = {AT(sec_sched_row, mask)}),
	[PLAN_PROCESS] = SECTION("process", plan_process_row, .string_count = 8,
		.strings = {AT(plan_process_row, cwd), AT(plan_process_row, user_name),
			AT(plan_process_row, seccomp_name), AT(plan_process_row, listener_path),
			AT(plan_process_row, listener_metadata),
			AT(plan_process_row, labels[SEC_LABEL_NONE]),
			AT(plan_process_row, labels[SEC_LABEL_APPARMOR]),
			AT(plan_process_row, labels[SEC_LABEL_SELINUX])},
		.blob_count = 1, .blobs = {AT(plan_process_row, seccomp)}),
	[PLAN_GROUP] = SECTION("group", plan_group_row),
	[PLAN_ARG] = SECTION("argument", plan_text_row, .string_count = 3,
		.strings = {AT(plan_text_row, origin), AT(plan_text_row, text),
			AT(plan_text_row, value)}),
	[PLAN_ENV] = SECTION("environment", plan_text_row, .string_count = 3,
		.strings = {AT(plan_text_row, origin), AT(plan_text_row, text),
			AT(plan_text_row, value)}),
	[PLAN_NETWORK] = SECTION("network", plan_text_row, .string_count = 3,
		.strings = {AT(plan_text_row, origin), AT(plan_text_row, text),
			AT(plan_text_row, value)}),
	[PLAN_NET_DEVICE] = SECTION("network device", plan_text_row, .string_count = 3,
		.strings = {AT(plan_text_row, origin), AT(plan_text_row, text),
			AT(plan_text_row, value)}),
	[PLAN_HOOK] = SECTION(
		"hook", plan_hook_row, .string_count = 1, .strings = {AT(plan_hook_row, path)}),
	[PLAN_HOOK_WORD] = SECTION("word of a hook", plan_text_row, .string_count = 3,
		.strings = {AT(plan_text_row, origin), AT(plan_text_row, text),
			AT(plan_text_row, value)}),
};

const struct flat_schema plan_schema = {
	.magic = "huskplan",
	.version = 1 << 16,
	.section_count = PLAN_SECTION_COUNT,
	.sections = plan_sections,
};

/* Every string that a step dereferences must be there, and every kind must be in its table. */
static bool namespace_is_right(const void *data)
{
	const struct ns_row *row = data;
	return row->kind < NS_COUNT && row->slot < SLOT_MAX;
}

static bool clock_is_right(const void *data)
{
	return ((const struct plan_clock_row *)data)->name;
}

static bool mount_is_right(const void *data)
{
	const struct mount_row *row = data;
	bool is_named = row->kind != MOUNT_KIND_NEW || row->fstype;
	return row->kind && row->kind <= MOUNT_KIND_MAX && row->target && is_named &&
		row->slot < SLOT_MAX;
}

static bool node_is_right(const void *data)
{
	const struct mount_node_row *row = data;
	bool has_target = row->kind != MOUNT_NODE_LINK || row->target;
	return row->kind && row->kind <= MOUNT_NODE_LINK && row->path && has_target;
}

static bool guard_is_right(const void *data)
{
	return ((const struct mount_guard_row *)data)->path;
}

static bool sysctl_is_right(const void *data)
{
	const struct sec_sysctl_row *row = data;
	return row->key && row->value;
}

static bool limit_is_right(const void *data)
{
	const struct cgroup_row *row = data;
	return row->limit && row->limit < CGROUP_LIMIT_COUNT;
}

static bool sched_is_right(const void *data)
{
	const struct sec_sched_row *row = data;
	return row->kind && row->kind < SEC_SCHED_KIND_COUNT && row->mask.size % 8 == 0 &&
		row->mask.size <= SEC_SCHED_MASK_BITS / 8;
}

static bool hook_is_right(const void *data)
{
	const struct plan_hook_row *row = data;
	return row->path && row->arg_count <= PLAN_HOOK_WORDS_MAX &&
		row->env_count <= PLAN_HOOK_WORDS_MAX;
}

static bool text_is_right(const void *data)
{
	return ((const struct plan_text_row *)data)->text;
}

static bool device_is_right(const void *data)
{
	const struct plan_text_row *row = data;
	return row->text && row->value;
}

static bool (*const row_rules[PLAN_SECTION_COUNT])(const void *row) = {
	[PLAN_NAMESPACE] = namespace_is_right,
	[PLAN_CLOCK] = clock_is_right,
	[PLAN_CGROUP] = limit_is_right,
	[PLAN_LAYER] = text_is_right,
	[PLAN_MOUNT] = mount_is_right,
	[PLAN_NODE] = node_is_right,
	[PLAN_GUARD] = guard_is_right,
	[PLAN_SYSCTL] = sysctl_is_right,
	[PLAN_SCHED] = sched_is_right,
	[PLAN_ARG] = text_is_right,
	[PLAN_ENV] = text_is_right,
	[PLAN_NETWORK] = text_is_right,
	[PLAN_NET_DEVICE] = device_is_right,
	[PLAN_HOOK] = hook_is_right,
	[PLAN_HOOK_WORD] = text_is_right,
};

static int rows_check(const struct flat *plan)
{
	for (uint32_t section = 0; section < PLAN_SECTION_COUNT; section++)
		for (uint32_t i = 0; row_rules[section] && i < flat_count(plan, section); i++)
			if (!row_rules[section](flat_row(plan, section, i)))
				return err_say(-EBADMSG,
					"plan: row %u of section %s is out of range", i,
					plan_sections[section].name);
	return 0;
}

/* Checks that the words of each hook are there. */
static int hooks_check(const struct flat *plan)
{
	uint64_t words = flat_count(plan, PLAN_HOOK_WORD);
	for (uint32_t i = 0; i < flat_count(plan, PLAN_HOOK); i++) {
		const struct plan_hook_row *row = flat_row(plan, PLAN_HOOK, i);
		if ((uint64_t)row->first + row->arg_count + row->env_count > words)
			return err_say(-EBADMSG, "plan: words of hook %u are missing", i);
	}
	return 0;
}

int plan_open(struct flat *out, const void *data, size_t size)
{
	struct flat plan;
	int r = flat_open(&plan, &plan_schema, data, size);
	if (r < 0)
		return r;
	if (flat_count(&plan, PLAN_HEAD) != 1 || flat_count(&plan, PLAN_PROCESS) != 1)
		return err_say(-EBADMSG, "plan: exactly one head and one process are needed");

	const struct plan_head_row *head = plan_head(&plan);
	if (head->kind != PLAN_KIND_RUN && head->kind != PLAN_KIND_EXEC)
		return err_say(-EBADMSG, "plan: unknown kind %u", head->kind);
	if (flat_count(&plan, PLAN_ARG) == 0 || !plan_process(&plan)->cwd)
		return err_say(-EBADMSG, "plan: a process needs arguments and a working directory");
	r = rows_check(&plan);
	if (r == 0)
		r = hooks_check(&plan);
	if (r < 0)
		return r;
	*out = plan;
	return 0;
}

const struct ns_row *plan_user_row(const struct flat *plan)
{
	for (uint32_t i = 0; i < flat_count(plan, PLAN_NAMESPACE); i++) {
		const struct ns_row *row = flat_row(plan, PLAN_NAMESPACE, i);
		if (row->kind == NS_USER)
			return row;
	}
	return NULL;
}

const struct ns_row *plan_joined_row(const struct flat *plan, enum ns_kind kind)
{
	for (uint32_t i = 0; i < flat_count(plan, PLAN_NAMESPACE); i++) {
		const struct ns_row *row = flat_row(plan, PLAN_NAMESPACE, i);
		if (row->kind == kind && row->mode == NS_MODE_JOIN)
			return row;
	}
	return NULL;
}

enum ns_mode plan_user_mode(const struct flat *plan)
{
	const struct ns_row *row = plan_user_row(plan);
	return row && plan_head(plan)->kind == PLAN_KIND_RUN ? (enum ns_mode)row->mode : 0;
}
