/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linux.intelRdt: a class of resctrl, and its schemata as one list of lines, in the order in which
 * they are written.
 */
#include "bundle/internal.h"
#include "base/str.h"

#include <errno.h>

enum { RDT_NAME_MAX = 255, RDT_LINES_MAX = 64 };

/* A class is a directory of resctrl whose name the kernel does not use. "/" is resctrl's root, the
 * default class. */
static int class_check(const struct json_cursor *c, const char *name)
{
	static const char *const taken[] = {".", "..", "info", "mon_data", "mon_groups"};
	bool is_right = *name && strlen(name) <= RDT_NAME_MAX && !strpbrk(name, "/\n");
	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]) && is_right; i++)
		is_right = !str_eq(name, taken[i]);
	return is_right || str_eq(name, "/")
		? 0
		: json_err(c, -EINVAL, "\"%s\" is not a name of a class", name);
}

/* Each line is RESOURCE:VALUES. Only the kernel can check the values. */
static int lines_add(struct bundle_reader *r, const struct json_cursor *c, const char *text,
	struct oci_rdt *out, bool has_bandwidth)
{
	size_t size = strlen(text) + 1;
	char *rest = memcpy(arena_new(r->a, size), text, size);
	for (char *line = str_cut(&rest, '\n'); line; line = str_cut(&rest, '\n')) {
		const char *start = line + strspn(line, " \t");
		if (*start == '\0' || (has_bandwidth && str_prefix(start, "MB:")))
			continue;
		if (!strchr(start, ':'))
			return json_err(c, -EINVAL, "\"%s\" is not as L3:0=f;1=f", start);
		if (out->schemata.count == RDT_LINES_MAX)
			return json_err(c, -EINVAL, "more than %d lines", RDT_LINES_MAX);
		*arena_push(r->a, &out->schemata) = start;
	}
	return 0;
}

static int schema_read(struct bundle_reader *r, const struct json_cursor *c, const char *key,
	struct oci_rdt *out, bool has_bandwidth)
{
	struct json_cursor field;
	const char *text;
	if (!json_field(c, key, &field))
		return 0;
	int result = json_string(&field, r->a, &text);
	return result < 0 ? result : lines_add(r, &field, text, out, has_bandwidth);
}

static int schemata_read(struct bundle_reader *r, const struct json_cursor *c, struct oci_rdt *out)
{
	struct json_cursor field, bandwidth;
	bool has_bandwidth = json_field(c, "memBwSchema", &bandwidth);
	int result = schema_read(r, c, "l3CacheSchema", out, has_bandwidth);
	if (result == 0)
		result = schema_read(r, c, "memBwSchema", out, false);
	if (result < 0 || !json_field(c, "schemata", &field))
		return result;
	int count = json_count(&field);
	for (int i = 0; i < count && result == 0; i++) {
		struct json_cursor item = json_item(&field, (size_t)i);
		const char *text;
		result = json_string(&item, r->a, &text);
		if (result == 0)
			result = lines_add(r, &item, text, out, false);
	}
	return count < 0 ? count : result;
}

int bundle_rdt_read(struct bundle_reader *r, const struct json_cursor *c)
{
	/* enableCMT and enableMBM (before 1.3) asked for single counters. A monitoring group has
	 * all counters. */
	static const char *const switches[] = {"enableMonitoring", "enableCMT", "enableMBM"};
	struct oci_rdt *rdt = arena_new(r->a, sizeof(*rdt));
	struct json_cursor name;
	*rdt = (struct oci_rdt){0};
	int result = json_need_object(c);
	if (result == 0)
		result = json_opt_string(c, "closID", r->a, &rdt->class_name);
	if (result > 0 && json_field(c, "closID", &name))
		result = class_check(&name, rdt->class_name);
	for (size_t i = 0; i < sizeof(switches) / sizeof(switches[0]) && result >= 0; i++) {
		bool is_on = false;
		result = json_opt_bool(c, switches[i], &is_on);
		rdt->is_monitored |= is_on;
	}
	if (result >= 0)
		result = schemata_read(r, c, rdt);
	r->spec->rdt = rdt;
	return result < 0 ? result : 0;
}
