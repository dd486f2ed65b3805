/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is needed of limits before they are written: whether this machine can express one, its name,
 * and its sentence in a plan.
 */
#include "cgroup/cgroup.h"
#include "cgroup/internal.h"

#include "base/err.h"
#include "base/str.h"

#include <errno.h>
#include <inttypes.h>

void cgroup_limit_name(
	const struct cgroup_limit_info *info, const char *origin, char out[static CGROUP_NAME_MAX])
{
	bool is_option = info->option && (!origin || *origin == '-' || str_eq(origin, "default"));
	fmt_n(out, CGROUP_NAME_MAX, "%s%s", is_option ? "" : "linux.resources.",
		is_option ? info->option : info->field);
}

void cgroup_limit_range(enum cgroup_limit limit, int64_t *out_min, int64_t *out_max)
{
	const struct cgroup_limit_info *info = cgroup_limit_info(limit);

	*out_min = info->min;
	*out_max = info->max;
}

static bool is_core_setting(const char *name)
{
	static const char *const settings[] = {
		"cgroup.max.depth", "cgroup.max.descendants", "cgroup.pressure"};

	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
		if (str_eq(name, settings[i]))
			return true;
	}
	return false;
}

bool cgroup_unified_is_setting(const char *name)
{
	if (name[0] == '.' || !strchr(name, '.') || strpbrk(name, "/=*\n"))
		return false;
	return !str_prefix(name, "cgroup.") || is_core_setting(name);
}

static int unified_check(const struct cgroup_host *host, const char *text)
{
	char name[CGROUP_NAME_MAX], controller[CGROUP_NAME_MAX];
	size_t len = text ? strcspn(text, "=") : 0;

	if (len == 0 || !text[len] || fmt(name, "%.*s", (int)len, text) < 0)
		return err_say(-EINVAL, "linux.resources.unified: no name of a file");
	if (!cgroup_unified_is_setting(name))
		return err_say(-EINVAL,
			"linux.resources.unified: \"%s\" is not a file of settings of a group",
			name);
	if (!host->is_unified)
		return err_say(-EOPNOTSUPP,
			"cgroup version 1 has no linux.resources.unified; drop \"%s\"", name);
	fmt(controller, "%.*s", (int)strcspn(name, "."), name);
	if (!is_core_setting(name) && !cgroup_has_controller(host, controller))
		return err_say(-EOPNOTSUPP,
			"the kernel has no cgroup controller \"%s\" here; mount it or drop "
			"\"%s\" of linux.resources.unified",
			controller, name);
	return 0;
}

int cgroup_limit_check(const struct cgroup_host *host, const struct oci_limit *limit)
{
	const struct cgroup_limit_info *info = cgroup_limit_info(limit->limit);
	char name[CGROUP_NAME_MAX];

	if (!info)
		return err_say(-EINVAL, "there is no cgroup limit %" PRIu32, limit->limit);
	if (limit->limit == CGROUP_UNIFIED)
		return unified_check(host, limit->text);
	cgroup_limit_name(info, limit->origin, name);
	if (limit->value < info->min || limit->value > info->max)
		return err_say(-EINVAL, "%s: %" PRId64 " is out of range", name, limit->value);
	if (info->is_keyed && (!limit->text || !*limit->text || strchr(limit->text, '/')))
		return err_say(-EINVAL, "%s: it is not said for what", name);
	const char *controller = (host->is_unified ? &info->v2 : &info->v1)->controller;
	if (!controller)
		return err_say(-EOPNOTSUPP, "cgroup version %d has no %s; drop it",
			host->is_unified ? 2 : 1, name);
	if (!cgroup_has_controller(host, controller))
		return err_say(-EOPNOTSUPP,
			"the kernel has no cgroup controller \"%s\" here; mount it or drop %s",
			controller, name);
	return 0;
}

static void add_number(int64_t number, struct buf *out)
{
	if (number < 0)
		buf_adds(out, "unlimited");
	else
		buf_addf(out, "%" PRId64, number);
}

static void add_part(char part, const struct cgroup_row *row, const char *text, struct buf *out)
{
	char size[16];

	if (part == 'b') {
		format_size(size, (uint64_t)row->value);
		buf_addf(out, "%s (%" PRId64 " bytes)", size, row->value);
	} else if (part == 'n') {
		add_number(row->value, out);
	} else if (part == 's') {
		add_number(row->second, out);
	} else if (part == 'p' && row->second > 0) {
		buf_addf(out, "%" PRId64 " us", row->second);
	} else if (part == 'p') {
		buf_adds(out, "period");
	} else {
		buf_add_escaped(out, text ? text : "?");
	}
}

void cgroup_row_describe(const struct flat *plan, const struct cgroup_row *row, struct buf *out)
{
	const struct cgroup_limit_info *info = cgroup_limit_info(row->limit);

	if (!info) {
		buf_adds(out, "an unknown limit");
		return;
	}
	const char *text = flat_str(plan, row->text);
	const char *at = row->value < 0 && info->says_unlimited ? info->says_unlimited : info->says;
	for (const char *dollar; (dollar = strchr(at, '$')); at = dollar + 2) {
		buf_add(out, at, (size_t)(dollar - at));
		add_part(dollar[1], row, text, out);
	}
	buf_adds(out, at);
}
