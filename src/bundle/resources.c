/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linux.resources: rows for the cgroup's table of limits, and the device rules. Whether this
 * machine supports them is not checked here. Where engines write 0 for "not set", 0 means "not
 * set", as in runc.
 */
#include "bundle/internal.h"
#include "base/log.h"
#include "base/str.h"
#include "cgroup/cgroup.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

enum { RULES_MAX = 4096, DEVICES_MAX = 4096, INTERFACE_MAX = 15, RDMA_NAME_MAX = 63 };

/* A number that becomes one row. */
struct number_field {
	const char *key;
	enum cgroup_limit limit;
	bool is_zero_set; /* 0 is a valid value */
	bool is_negative_unlimited; /* numbers below -1 as well */
};

static struct oci_limit *limit_add(
	struct bundle_reader *r, enum cgroup_limit limit, int64_t value, const char *text)
{
	struct oci_limit *row = arena_push(r->a, &r->spec->limits);
	*row = (struct oci_limit){limit, value, 0, text, BUNDLE_ORIGIN};
	return row;
}

/* An integer within the range of a limit: 1 when it was there. */
static int value_read(
	const struct json_cursor *c, const char *key, enum cgroup_limit limit, int64_t *out)
{
	int64_t min, max, value;
	struct json_cursor field;

	int result = json_opt_i64(c, key, &value);
	if (result <= 0)
		return result;
	cgroup_limit_range(limit, &min, &max);
	if (value && (value < min || value > max) && json_field(c, key, &field))
		return max == INT64_MAX
			? json_err(&field, -ERANGE, "%" PRId64 " is below %" PRId64, value, min)
			: json_err(&field, -ERANGE,
				  "%" PRId64 " is not between %" PRId64 " and %" PRId64, value, min,
				  max);
	*out = value;
	return 1;
}

static int numbers_read(
	struct bundle_reader *r, const struct json_cursor *c, const struct number_field *fields)
{
	int result = json_need_object(c);

	for (const struct number_field *field = fields; result >= 0 && field->key; field++) {
		int64_t value = 0;
		result = field->is_negative_unlimited
			? json_opt_i64(c, field->key, &value)
			: value_read(c, field->key, field->limit, &value);
		if (field->is_negative_unlimited && value < 0)
			value = -1;
		if (result > 0 && (value || field->is_zero_set))
			limit_add(r, field->limit, value, NULL);
	}
	return result < 0 ? result : 0;
}

/* A number that must be there. */
static int need_u64(const struct json_cursor *c, const char *key, uint64_t max, uint64_t *out)
{
	struct json_cursor field;

	int result = json_opt_u64(c, key, out);
	if (result == 0)
		return json_err(c, -EINVAL, "\"%s\" is missing", key);
	if (result > 0 && *out > max && json_field(c, key, &field))
		return json_err(&field, -ERANGE, "%" PRIu64 " is above %" PRIu64, *out, max);
	return result < 0 ? result : 0;
}

/* Current kernels ignore kernel and useHierarchy, but engines send them. */
static int kernel_ignore(const struct json_cursor *c)
{
	int64_t value = 0;

	int result = json_opt_i64(c, "kernel", &value);
	if (result > 0 && value)
		log_debug("linux.resources.memory.kernel is ignored: no kernel limits it apart "
			  "since 6.1");
	return result < 0 ? result : 0;
}

static int memory_read(struct bundle_reader *r, const struct json_cursor *c)
{
	static const struct number_field fields[] = {
		{"reservation", CGROUP_MEMORY_LOW, false, false},
		{"kernelTCP", CGROUP_MEMORY_KERNEL_TCP, false, false},
		{"swappiness", CGROUP_MEMORY_SWAPPINESS, true, false},
		{0},
	};
	int64_t limit = 0, swap = 0;
	bool is_oom_disabled = false, is_checked = false, is_hierarchy;

	int result = numbers_read(r, c, fields);
	if (result >= 0)
		result = value_read(c, "limit", CGROUP_MEMORY_MAX, &limit);
	if (result >= 0)
		result = value_read(c, "swap", CGROUP_MEMORY_SWAP, &swap);
	if (result >= 0)
		result = kernel_ignore(c);
	if (result >= 0)
		result = json_opt_bool(c, "useHierarchy", &is_hierarchy);
	if (result >= 0)
		result = json_opt_bool(c, "disableOOMKiller", &is_oom_disabled);
	if (result >= 0)
		result = json_opt_bool(c, "checkBeforeUpdate", &is_checked);
	if (result < 0)
		return result;
	/* On v1 memory cannot be unlimited while the limit of memory and swap together stays. */
	if (limit < 0 && !swap)
		swap = -1;
	if (limit)
		limit_add(r, CGROUP_MEMORY_MAX, limit, NULL)->second = is_checked;
	if (swap)
		limit_add(r, CGROUP_MEMORY_SWAP, swap, NULL)->second = is_checked;
	if (is_oom_disabled)
		limit_add(r, CGROUP_MEMORY_OOM_DISABLE, 1, NULL);
	return 0;
}

/* "0-2,7"; an empty string asks for nothing. */
static int cpuset_read(struct bundle_reader *r, const struct json_cursor *c, const char *key,
	enum cgroup_limit limit)
{
	enum { CPU_MAX = 65535 };
	const char *text = "";
	struct json_cursor field;

	int result = json_opt_string(c, key, r->a, &text);
	if (result <= 0 || !*text)
		return result;
	if (parse_ranges(text, CPU_MAX) < 0 && json_field(c, key, &field))
		return json_err(&field, -EINVAL, "\"%s\" is not a list of numbers", text);
	limit_add(r, limit, 0, text);
	return 0;
}

static int cpu_read(struct bundle_reader *r, const struct json_cursor *c)
{
	static const struct number_field fields[] = {
		{"shares", CGROUP_CPU_WEIGHT, false, false},
		{"burst", CGROUP_CPU_BURST, true, false},
		{"idle", CGROUP_CPU_IDLE, true, false},
		{"realtimeRuntime", CGROUP_CPU_RT_RUNTIME, false, false},
		{"realtimePeriod", CGROUP_CPU_RT_PERIOD, false, false},
		{0},
	};
	int64_t quota = 0, period = 0;

	int result = numbers_read(r, c, fields);
	if (result >= 0)
		result = cpuset_read(r, c, "cpus", CGROUP_CPUSET_CPUS);
	if (result >= 0)
		result = cpuset_read(r, c, "mems", CGROUP_CPUSET_MEMS);
	if (result >= 0)
		result = json_opt_i64(c, "quota", &quota);
	if (result >= 0)
		result = value_read(c, "period", CGROUP_CPU_PERIOD, &period);
	if (result < 0)
		return result;
	if (quota)
		limit_add(r, CGROUP_CPU_MAX, quota < 0 ? -1 : quota, NULL)->second = period;
	else if (period)
		limit_add(r, CGROUP_CPU_PERIOD, period, NULL);
	return 0;
}

/* 0 asks for nothing: engines before runtime-spec 1.3 use it for "no limit", and their containers
 * would not work with a limit of one task. */
static int pids_read(struct bundle_reader *r, const struct json_cursor *c)
{
	static const struct number_field fields[] = {{"limit", CGROUP_PIDS_MAX, false, true}, {0}};
	return numbers_read(r, c, fields);
}

/* Writes major and minor as "8:16". */
static int device_key_read(struct bundle_reader *r, const struct json_cursor *c, const char **out)
{
	uint64_t major = 0, minor = 0;

	int result = json_need_object(c);
	if (result >= 0)
		result = need_u64(c, "major", UINT32_MAX, &major);
	if (result >= 0)
		result = need_u64(c, "minor", UINT32_MAX, &minor);
	*out = arena_printf(r->a, "%" PRIu64 ":%" PRIu64, major, minor);
	return result < 0 ? result : 0;
}

static int weight_device_read(struct bundle_reader *r, const struct json_cursor *c)
{
	int64_t weight = 0, leaf_weight = 0;
	const char *key;

	int result = device_key_read(r, c, &key);
	int has_weight = result < 0 ? result
				    : value_read(c, "weight", CGROUP_BLKIO_WEIGHT_DEVICE, &weight);
	int has_leaf_weight = has_weight < 0
		? has_weight
		: value_read(c, "leafWeight", CGROUP_BLKIO_LEAF_WEIGHT_DEVICE, &leaf_weight);
	if (has_leaf_weight < 0)
		return has_leaf_weight;
	if (!has_weight && !has_leaf_weight)
		return json_err(c, -EINVAL, "\"weight\" and \"leafWeight\" are missing");
	if (weight)
		limit_add(r, CGROUP_BLKIO_WEIGHT_DEVICE, weight, key);
	if (leaf_weight)
		limit_add(r, CGROUP_BLKIO_LEAF_WEIGHT_DEVICE, leaf_weight, key);
	return 0;
}

static int throttle_read(
	struct bundle_reader *r, const struct json_cursor *c, enum cgroup_limit limit)
{
	const char *key;
	uint64_t rate = 0;

	int result = device_key_read(r, c, &key);
	if (result >= 0)
		result = need_u64(c, "rate", INT64_MAX, &rate);
	if (result >= 0)
		limit_add(r, limit, (int64_t)rate, key);
	return result < 0 ? result : 0;
}

static int read_bps_read(struct bundle_reader *r, const struct json_cursor *c)
{
	return throttle_read(r, c, CGROUP_BLKIO_READ_BPS);
}

static int write_bps_read(struct bundle_reader *r, const struct json_cursor *c)
{
	return throttle_read(r, c, CGROUP_BLKIO_WRITE_BPS);
}

static int read_iops_read(struct bundle_reader *r, const struct json_cursor *c)
{
	return throttle_read(r, c, CGROUP_BLKIO_READ_IOPS);
}

static int write_iops_read(struct bundle_reader *r, const struct json_cursor *c)
{
	return throttle_read(r, c, CGROUP_BLKIO_WRITE_IOPS);
}

/* Reads an array below `c` that may be missing. */
static int items_read(
	struct bundle_reader *r, const struct json_cursor *c, const struct bundle_field *field)
{
	struct json_cursor items;
	return json_field(c, field->key, &items)
		? bundle_array_read(r, &items, DEVICES_MAX, field->read)
		: 0;
}

static int block_read(struct bundle_reader *r, const struct json_cursor *c)
{
	static const struct number_field numbers[] = {
		{"weight", CGROUP_BLKIO_WEIGHT, false, false},
		{"leafWeight", CGROUP_BLKIO_LEAF_WEIGHT, false, false},
		{0},
	};
	static const struct bundle_field arrays[] = {
		{"weightDevice", weight_device_read},
		{"throttleReadBpsDevice", read_bps_read},
		{"throttleWriteBpsDevice", write_bps_read},
		{"throttleReadIOPSDevice", read_iops_read},
		{"throttleWriteIOPSDevice", write_iops_read},
	};
	int result = numbers_read(r, c, numbers);
	for (size_t i = 0; result >= 0 && i < sizeof(arrays) / sizeof(arrays[0]); i++)
		result = items_read(r, c, &arrays[i]);
	return result;
}

/* [1-9][0-9]*[KMG]B */
static bool is_page_size(const char *text)
{
	size_t digits = strspn(text, "0123456789");
	return digits && digits < 10 && text[0] != '0' && text[digits] &&
		strchr("KMG", text[digits]) && str_eq(text + digits + 1, "B");
}

static int hugepage_read(struct bundle_reader *r, const struct json_cursor *c)
{
	const char *size;
	uint64_t limit = 0;

	int result = bundle_need_string(r, c, "pageSize", &size);
	if (result >= 0 && !is_page_size(size))
		return json_err(c, -EINVAL, "\"%s\" is not a size of page as \"2MB\" is", size);
	if (result >= 0)
		result = need_u64(c, "limit", INT64_MAX, &limit);
	if (result >= 0)
		limit_add(r, CGROUP_HUGETLB, (int64_t)limit, size);
	return result < 0 ? result : 0;
}

static int hugepages_read(struct bundle_reader *r, const struct json_cursor *c)
{
	return bundle_array_read(r, c, DEVICES_MAX, hugepage_read);
}

/* A single word in a line of a kernel file. */
static bool is_word(const char *text, size_t max)
{
	size_t len = strlen(text);

	for (const char *at = text; *at; at++) {
		if (*at <= ' ' || *at == '/' || *at == 0x7f)
			return false;
	}
	return len > 0 && len <= max;
}

static int priority_read(struct bundle_reader *r, const struct json_cursor *c)
{
	const char *name;
	uint64_t priority = 0;

	int result = bundle_need_string(r, c, "name", &name);
	if (result >= 0 && !is_word(name, INTERFACE_MAX))
		return json_err(c, -EINVAL, "\"%s\" is not a name of an interface", name);
	if (result >= 0)
		result = need_u64(c, "priority", UINT32_MAX, &priority);
	if (result >= 0)
		limit_add(r, CGROUP_NET_PRIORITY, (int64_t)priority, name);
	return result < 0 ? result : 0;
}

static int network_read(struct bundle_reader *r, const struct json_cursor *c)
{
	static const struct number_field numbers[] = {
		{"classID", CGROUP_NET_CLASS, false, false}, {0}};
	static const struct bundle_field priorities = {"priorities", priority_read};
	int result = numbers_read(r, c, numbers);
	return result < 0 ? result : items_read(r, c, &priorities);
}

static int rdma_device_read(const char *key, const struct json_cursor *c, void *context)
{
	struct bundle_reader *r = context;
	uint32_t handles = 0, objects = 0;

	int result = is_word(key, RDMA_NAME_MAX)
		? json_need_object(c)
		: json_err(c, -EINVAL, "this is not a name of an RDMA device");
	int has_handles = result < 0 ? result : bundle_u32(c, "hcaHandles", &handles);
	int has_objects = has_handles < 0 ? has_handles : bundle_u32(c, "hcaObjects", &objects);
	if (has_objects < 0)
		return has_objects;
	if (handles > INT32_MAX || objects > INT32_MAX)
		return json_err(c, -ERANGE, "a number is above %d", INT32_MAX);
	if (!has_handles && !has_objects)
		return json_err(c, -EINVAL, "\"hcaHandles\" and \"hcaObjects\" are missing");
	limit_add(r, CGROUP_RDMA, has_handles ? (int64_t)handles : -1, arena_str(r->a, key))
		->second = has_objects ? (int64_t)objects : -1;
	return 0;
}

static int rdma_read(struct bundle_reader *r, const struct json_cursor *c)
{
	return json_each(c, rdma_device_read, r);
}

static int setting_read(const char *key, const struct json_cursor *c, void *context)
{
	struct bundle_reader *r = context;
	const char *value;

	if (!cgroup_unified_is_setting(key))
		return json_err(c, -EINVAL, "this is not a file of settings of a cgroup");
	int result = json_string(c, r->a, &value);
	if (result >= 0)
		limit_add(r, CGROUP_UNIFIED, 0, arena_printf(r->a, "%s=%s", key, value));
	return result < 0 ? result : 0;
}

static int compare_settings(const void *a, const void *b)
{
	const char *x = ((const struct oci_limit *)a)->text;
	const char *y = ((const struct oci_limit *)b)->text;
	size_t x_len = strcspn(x, "="), y_len = strcspn(y, "=");
	int order = memcmp(x, y, x_len < y_len ? x_len : y_len);
	return order ? order : (x_len > y_len) - (x_len < y_len);
}

/* The settings are sorted by name, so that the same document always has the same effect. */
static int unified_read(struct bundle_reader *r, const struct json_cursor *c)
{
	size_t before = r->spec->limits.count;

	int result = json_each(c, setting_read, r);
	size_t count = r->spec->limits.count - before;
	if (result >= 0 && count > 1)
		qsort(r->spec->limits.items + before, count, sizeof(struct oci_limit),
			compare_settings);
	return result;
}

/* -1 or a missing number matches any number. */
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
	{"blockIO", block_read},
	{"hugepageLimits", hugepages_read},
	{"network", network_read},
	{"rdma", rdma_read},
	{"unified", unified_read},
	{0},
};

int bundle_resources_read(struct bundle_reader *r, const struct json_cursor *c)
{
	return bundle_object_read(r, c, resources_fields);
}
