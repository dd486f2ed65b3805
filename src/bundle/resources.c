/* SPDX-License-Identifier: Apache-2.0 */
/* linux.resources: rows for the cgroup's table of limits, and the rules of devices. */
#include "bundle/internal.h"
#include "base/str.h"
#include "cgroup/cgroup.h"

#include <errno.h>

enum { RULES_MAX = 4096, PERIOD_DEFAULT_US = 100000 };

static void limit_add(struct bundle_reader *r, enum cgroup_limit limit, int64_t value,
	int64_t second, const char *text)
{
	struct oci_limit *row = arena_push(r->a, &r->spec->limits);
	*row = (struct oci_limit){limit, value, second, text, BUNDLE_ORIGIN};
}

/* A number that may be missing, or be what engines write for "not set": 0. */
static int number_read(struct bundle_reader *r, const struct json_cursor *c, const char *key,
	enum cgroup_limit limit)
{
	int64_t value = 0;
	int result = json_opt_i64(c, key, &value);
	if (result > 0 && value != 0)
		limit_add(r, limit, value, 0, NULL);
	return result < 0 ? result : 0;
}

static int memory_read(struct bundle_reader *r, const struct json_cursor *c)
{
	/* kernel and useHierarchy mean nothing to today's kernels, and engines send them. */
	static const struct bundle_field refused[] = {{"kernelTCP", NULL},
		{"disableOOMKiller", NULL}, {"swappiness", NULL}, {"checkBeforeUpdate", NULL}, {0}};
	int result = bundle_object_read(r, c, refused);
	if (result == 0)
		result = number_read(r, c, "limit", CGROUP_MEMORY_MAX);
	if (result == 0)
		result = number_read(r, c, "swap", CGROUP_MEMORY_SWAP);
	return result < 0 ? result : number_read(r, c, "reservation", CGROUP_MEMORY_LOW);
}

static int cpuset_read(struct bundle_reader *r, const struct json_cursor *c, const char *key,
	enum cgroup_limit limit)
{
	const char *text = "";
	int result = json_opt_string(c, key, r->a, &text);
	if (result > 0 && *text)
		limit_add(r, limit, 0, 0, text);
	return result < 0 ? result : 0;
}

static int cpu_read(struct bundle_reader *r, const struct json_cursor *c)
{
	static const struct bundle_field refused[] = {{"burst", NULL}, {"realtimeRuntime", NULL},
		{"realtimePeriod", NULL}, {"idle", NULL}, {0}};
	int64_t quota = 0;
	uint64_t period = 0;
	int result = bundle_object_read(r, c, refused);
	if (result == 0)
		result = number_read(r, c, "shares", CGROUP_CPU_WEIGHT);
	if (result == 0)
		result = cpuset_read(r, c, "cpus", CGROUP_CPUSET_CPUS);
	if (result == 0)
		result = cpuset_read(r, c, "mems", CGROUP_CPUSET_MEMS);
	if (result == 0)
		result = json_opt_i64(c, "quota", &quota);
	if (result >= 0)
		result = json_opt_u64(c, "period", &period);
	if (result >= 0 && period > INT64_MAX)
		return json_err(c, -ERANGE, "the period is too long");
	if (result >= 0 && (quota || period))
		limit_add(r, CGROUP_CPU_MAX, quota ? quota : -1,
			period ? (int64_t)period : PERIOD_DEFAULT_US, NULL);
	return result < 0 ? result : 0;
}

static int pids_read(struct bundle_reader *r, const struct json_cursor *c)
{
	int result = json_need_object(c);
	return result < 0 ? result : number_read(r, c, "limit", CGROUP_PIDS_MAX);
}

/* -1 or nothing: any. */
static int device_number(const struct json_cursor *c, const char *key, int32_t *out)
{
	int64_t number = -1;
	int result = json_opt_i64(c, key, &number);
	if (result >= 0 && (number < -1 || number > INT32_MAX))
		return json_err(c, -ERANGE, "\"%s\" is not a device number", key);
	*out = (int32_t)number;
	return result < 0 ? result : 0;
}

static int rule_read(struct bundle_reader *r, const struct json_cursor *c)
{
	const char *type = "a";
	struct oci_device_rule rule = {.access = "rwm", .origin = BUNDLE_ORIGIN};
	int result = json_need_object(c);
	if (result >= 0)
		result = json_opt_bool(c, "allow", &rule.is_allowed);
	if (result >= 0)
		result = json_opt_string(c, "type", r->a, &type);
	if (result >= 0)
		result = json_opt_string(c, "access", r->a, &rule.access);
	if (result >= 0)
		result = device_number(c, "major", &rule.major);
	if (result >= 0)
		result = device_number(c, "minor", &rule.minor);
	if (result < 0)
		return result;
	type = *type ? type : "a";
	if (strlen(type) != 1 || !strchr("abc", *type))
		return json_err(c, -EINVAL, "\"%s\" is not a type of device: a, b or c", type);
	if (strspn(rule.access, "rwm") != strlen(rule.access) || strlen(rule.access) > 3)
		return json_err(c, -EINVAL, "\"%s\" is not an access of r, w and m", rule.access);
	rule.access = *rule.access ? rule.access : "rwm";
	rule.type = *type;
	*(struct oci_device_rule *)arena_push(r->a, &r->spec->device_rules) = rule;
	return 0;
}

static int rules_read(struct bundle_reader *r, const struct json_cursor *c)
{
	return bundle_array_read(r, c, RULES_MAX, rule_read);
}

static const struct bundle_field resources_fields[] = {
	{"devices", rules_read},
	{"memory", memory_read},
	{"cpu", cpu_read},
	{"pids", pids_read},
	{"blockIO", NULL},
	{"hugepageLimits", NULL},
	{"network", NULL},
	{"rdma", NULL},
	{"unified", NULL},
	{0},
};

int bundle_resources_read(struct bundle_reader *r, const struct json_cursor *c)
{
	return bundle_object_read(r, c, resources_fields);
}
