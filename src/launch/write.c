/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plan as text: one numbered line a step, with the side that does it, the sentence, and the
 * origin. An error names its step by the same number.
 */
#include "launch/internal.h"

#include <stddef.h>
#include <string.h>

/* A row that has an origin has it first. */
static const char *row_origin(const struct flat *plan, enum plan_section section, const void *row)
{
	if (section == PLAN_HEAD || section == PLAN_PROCESS || section == PLAN_GROUP ||
		section == PLAN_HOOK)
		return NULL;
	uint32_t origin;
	memcpy(&origin, row, sizeof(origin));
	return flat_str(plan, origin);
}

_Static_assert(offsetof(struct ns_row, origin) == 0 && offsetof(struct ns_idmap_row, origin) == 0 &&
		offsetof(struct plan_clock_row, origin) == 0 &&
		offsetof(struct cgroup_row, origin) == 0 &&
		offsetof(struct cgroup_device_row, origin) == 0 &&
		offsetof(struct mount_row, origin) == 0 &&
		offsetof(struct mount_node_row, origin) == 0 &&
		offsetof(struct mount_guard_row, origin) == 0 &&
		offsetof(struct sec_sysctl_row, origin) == 0 &&
		offsetof(struct sec_rlimit_row, origin) == 0 &&
		offsetof(struct sec_sched_row, origin) == 0 &&
		offsetof(struct plan_text_row, origin) == 0,
	"row_origin reads the first field");

static const char *role_name(const struct step_kind *kind)
{
	return kind->role == STEP_HOST ? "host" : "init";
}

/* Names and paths may come from anywhere: they are escaped, so that none can control a terminal or
 * begin a line of its own. */
static void add_sentence(
	const struct flat *plan, const struct step_kind *kind, const void *row, struct buf *out)
{
	auto_buf struct buf sentence = BUF_INIT;
	kind->describe(plan, row, &sentence);
	buf_add_escaped(out, sentence.data);
}

static uint32_t step_total(const struct flat *plan)
{
	uint32_t total = 0;
	for (size_t i = 0; i < step_kind_count; i++)
		total += step_rows(plan, &step_kinds[i]);
	return total;
}

void plan_write(const struct flat *plan, struct buf *out)
{
	uint32_t number = 0;
	for (size_t i = 0; i < step_kind_count; i++) {
		const struct step_kind *kind = &step_kinds[i];
		uint32_t rows = step_rows(plan, kind);
		for (uint32_t j = 0; j < rows; j++) {
			const void *row = flat_row(plan, kind->section, j);
			const char *origin = row_origin(plan, kind->section, row);
			buf_addf(out, "%3u  %s  ", ++number, role_name(kind));
			add_sentence(plan, kind, row, out);
			if (origin)
				buf_addf(out, "  [%s]", origin);
			buf_addc(out, '\n');
		}
	}
}

void plan_step_describe(const struct flat *plan, uint32_t step, struct buf *out)
{
	uint32_t before = 0;
	for (size_t i = 0; i < step_kind_count; i++) {
		const struct step_kind *kind = &step_kinds[i];
		uint32_t rows = step_rows(plan, kind);
		if (step <= before || step > before + rows) {
			before += rows;
			continue;
		}
		buf_addf(out, "step %u of %u, in %s: ", step, step_total(plan), role_name(kind));
		add_sentence(plan, kind, flat_row(plan, kind->section, step - before - 1), out);
		return;
	}
}
