/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names and limits of a container in systemd: its unit and the slice around it. systemd keeps its
 * own copy of the limits and may write them to the group's files again (daemon-reload), so it is
 * told what the files say.
 */
#include "runtime/groups.h"
#include "base/err.h"
#include "base/str.h"
#include "dbus/dbus.h"

#include <ctype.h>
#include <errno.h>

enum {
	UNIT_NAME_MAX = 255,
	PROCESSORS_MAX = 8192, /* bits in a set of processors or memory nodes */
	QUOTA_STEP_US = 10000, /* systemd keeps whole hundredths of a processor */
	VERSION_WITH_IDLE = 252,
};

static const char slice_suffix[] = ".slice";

/* The unit names that systemd allows. */
static bool is_unit_name(const char *name)
{
	size_t len = strlen(name);
	bool is_right = len > 0 && len <= UNIT_NAME_MAX && name[0] != '.';
	for (size_t i = 0; is_right && i < len; i++)
		is_right = isalnum((unsigned char)name[i]) || strchr(":-_.\\", name[i]);
	return is_right;
}

/* "a-b.slice" lies in "a.slice", so no part may be empty. "-.slice" is the root slice. */
static bool is_slice_name(const char *name)
{
	return is_unit_name(name) && str_suffix(name, slice_suffix) && name[0] != '-' &&
		!strstr(name, "--") && !strstr(name, "-.slice");
}

static int slice_check(const char *name)
{
	if (str_eq(name, "-.slice") || is_slice_name(name))
		return 0;
	return err_say(
		-EINVAL, "config.json: linux.cgroupsPath: \"%s\" is no slice of systemd", name);
}

int runtime_unit_parse(
	const char *text, const char *id, bool is_user, struct arena *a, struct runtime_unit *out)
{
	auto_free char *copy = mem_strdup(text && *text ? text : "::");
	char *rest = copy;
	const char *slice = str_cut(&rest, ':'), *prefix = str_cut(&rest, ':'), *name = rest;
	if (!name || strchr(name, ':'))
		return err_say(-EINVAL,
			"config.json: linux.cgroupsPath: \"%s\" is not \"slice:prefix:name\", as "
			"the cgroup manager systemd wants it",
			text);
	bool is_default = !text || !*text;
	*out = (struct runtime_unit){
		.slice = arena_str(a,
			*slice		  ? slice
				: is_user ? "user.slice"
					  : "system.slice"),
		.is_slice = str_suffix(name, slice_suffix),
	};
	out->name = out->is_slice ? arena_str(a, name)
				  : arena_printf(a, "%s-%s.scope", is_default ? "husk" : prefix,
					    is_default ? id : name);
	int r = slice_check(out->slice);
	if (r == 0 && out->is_slice)
		r = slice_check(out->name);
	if (r == 0 && !is_unit_name(out->name))
		return err_say(-EINVAL,
			"config.json: linux.cgroupsPath: \"%s\" is no name of a unit of systemd",
			out->name);
	return r;
}

static void slice_path(const char *slice, struct buf *out)
{
	size_t len = strlen(slice) - strlen(slice_suffix);
	if (str_eq(slice, "-.slice"))
		return;
	for (size_t i = 1; i <= len; i++)
		if (i == len || slice[i] == '-')
			buf_addf(out, "%.*s%s/", (int)i, slice, slice_suffix);
}

const char *runtime_unit_path(const struct runtime_unit *unit, struct arena *a)
{
	auto_buf struct buf path = BUF_INIT;
	slice_path(unit->is_slice ? unit->name : unit->slice, &path);
	if (unit->is_slice)
		path.data[path.len - 1] = '\0';
	return arena_printf(a, "%s%s", path.data, unit->is_slice ? "" : unit->name);
}

static void property_begin(struct dbus_writer *w, const char *name, const char *type)
{
	dbus_put_struct(w);
	dbus_put_string(w, name);
	dbus_put_signature(w, type);
}

static void property_u64(struct dbus_writer *w, const char *name, uint64_t value)
{
	property_begin(w, name, "t");
	dbus_put_u64(w, value);
}

/* "max" is the greatest number. */
static int number_parse(const char *text, uint64_t *out)
{
	*out = UINT64_MAX;
	return str_eq(text, "max") ? 0 : parse_u64(text, out);
}

static void put_number(
	struct dbus_writer *w, const char *property, const char *text, unsigned version)
{
	uint64_t value;
	if (number_parse(text, &value) == 0)
		property_u64(w, property, value);
}

/* BFQ has 1..1000 for all disks. systemd has 1..10000, and writes both weight files from its value.
 * The result is the value that systemd converts back to this weight. */
static void put_disk_weight(
	struct dbus_writer *w, const char *property, const char *text, unsigned version)
{
	uint64_t weight;
	if (parse_u64(text, &weight) == 0 && weight >= 1 && weight <= 1000)
		property_u64(w, property, weight <= 100 ? weight : 100 + (weight - 100) * 11);
}

/* "QUOTA [PERIOD]" as time in each second, rounded up: less than a step would become 0, which means
 * no limit. */
static void put_quota(
	struct dbus_writer *w, const char *property, const char *text, unsigned version)
{
	auto_free char *copy = mem_strdup(text);
	char *rest = copy;
	const char *first = str_cut(&rest, ' ');
	uint64_t quota, period = 100000;
	if (number_parse(first, &quota) < 0 || (rest && parse_u64(rest, &period) < 0))
		return;
	if (quota != UINT64_MAX) {
		if (period == 0 || quota > UINT64_MAX / 2000000)
			return;
		quota = quota * 1000000 / period;
		quota = (quota + QUOTA_STEP_US - 1) / QUOTA_STEP_US * QUOTA_STEP_US;
	}
	property_u64(w, property, quota);
	if (rest)
		property_u64(w, "CPUQuotaPeriodUSec", period);
}

/* "0-3,7" as bits, the first in the first byte. False: not a list of numbers, or a number is too
 * large. */
static bool set_parse(const char *text, unsigned char bits[static PROCESSORS_MAX / 8])
{
	auto_free char *copy = mem_strdup(text);
	char *rest = copy;
	for (char *part; (part = str_cut(&rest, ','));) {
		char *end = part;
		uint32_t first, last;
		if (parse_u32(str_cut(&end, '-'), &first) < 0)
			return false;
		last = first;
		if ((end && parse_u32(end, &last) < 0) || last >= PROCESSORS_MAX || first > last)
			return false;
		for (uint32_t i = first; i <= last; i++)
			bits[i / 8] |= (unsigned char)(1u << i % 8);
	}
	return true;
}

static void put_set(struct dbus_writer *w, const char *property, const char *text, unsigned version)
{
	unsigned char bits[PROCESSORS_MAX / 8] = {0};
	if (!set_parse(text, bits))
		return;
	size_t len = sizeof(bits);
	while (len > 0 && bits[len - 1] == 0)
		len--;
	property_begin(w, property, "ay");
	dbus_put_bytes(w, bits, len);
}

/* The lowest weight. Older versions neither know nor write it. */
static void put_idle(
	struct dbus_writer *w, const char *property, const char *text, unsigned version)
{
	if (version >= VERSION_WITH_IDLE && str_eq(text, "1"))
		property_u64(w, property, 0);
}

void runtime_unit_limit(
	struct dbus_writer *properties, unsigned version, const char *file, const char *text)
{
	static const struct {
		const char *file, *property;
		void (*put)(struct dbus_writer *w, const char *property, const char *text,
			unsigned version);
	} rows[] = {
		{"memory.max", "MemoryMax", put_number},
		{"memory.high", "MemoryHigh", put_number},
		{"memory.low", "MemoryLow", put_number},
		{"memory.min", "MemoryMin", put_number},
		{"memory.swap.max", "MemorySwapMax", put_number},
		{"pids.max", "TasksMax", put_number},
		{"cpu.weight", "CPUWeight", put_number},
		{"cpu.idle", "CPUWeight", put_idle},
		{"cpu.max", "CPUQuotaPerSecUSec", put_quota},
		{"io.bfq.weight", "IOWeight", put_disk_weight},
		{"cpuset.cpus", "AllowedCPUs", put_set},
		{"cpuset.mems", "AllowedMemoryNodes", put_set},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (str_eq(rows[i].file, file))
			rows[i].put(properties, rows[i].property, text, version);
}
