/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All that the kernel counts of a group: a table of single numbers with a column per cgroup
 * version, and the files of many lines. The result has the shape of version 1, which readers of
 * `events --stats` know.
 */
#include "cgroup/cgroup.h"
#include "cgroup/internal.h"

#include "base/err.h"
#include "base/str.h"
#include "sys/file.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

#define USAGE_OF(controller, member) controller, offsetof(struct cgroup_usage, member)
#define NONE \
	{ \
		NULL, NULL, 0 \
	}

static const struct cgroup_stat_info number_infos[] = {
	{USAGE_OF("cpuacct", cpu_ns), {"cpuacct.usage", NULL, 1}, {"cpu.stat", "usage_usec", 1000}},
	{USAGE_OF("cpuacct", cpu_user_ns), {"cpuacct.usage_user", NULL, 1},
		{"cpu.stat", "user_usec", 1000}},
	{USAGE_OF("cpuacct", cpu_kernel_ns), {"cpuacct.usage_sys", NULL, 1},
		{"cpu.stat", "system_usec", 1000}},
	{USAGE_OF("cpu", periods), {"cpu.stat", "nr_periods", 1}, {"cpu.stat", "nr_periods", 1}},
	{USAGE_OF("cpu", throttled_periods), {"cpu.stat", "nr_throttled", 1},
		{"cpu.stat", "nr_throttled", 1}},
	{USAGE_OF("cpu", throttled_ns), {"cpu.stat", "throttled_time", 1},
		{"cpu.stat", "throttled_usec", 1000}},
	{USAGE_OF("memory", memory.usage), {"memory.usage_in_bytes", NULL, 1},
		{"memory.current", NULL, 1}},
	{USAGE_OF("memory", memory.max), {"memory.max_usage_in_bytes", NULL, 1},
		{"memory.peak", NULL, 1}},
	{USAGE_OF("memory", memory.limit), {"memory.limit_in_bytes", NULL, 1},
		{"memory.max", NULL, 1}},
	{USAGE_OF("memory", memory.failures), {"memory.failcnt", NULL, 1},
		{"memory.events", "max", 1}},
	{USAGE_OF("memory", swap.usage), {"memory.memsw.usage_in_bytes", NULL, 1},
		{"memory.swap.current", NULL, 1}},
	{USAGE_OF("memory", swap.max), {"memory.memsw.max_usage_in_bytes", NULL, 1}, NONE},
	{USAGE_OF("memory", swap.limit), {"memory.memsw.limit_in_bytes", NULL, 1},
		{"memory.swap.max", NULL, 1}},
	{USAGE_OF("memory", swap.failures), {"memory.memsw.failcnt", NULL, 1},
		{"memory.swap.events", "max", 1}},
	{USAGE_OF("memory", kernel.usage), {"memory.kmem.usage_in_bytes", NULL, 1},
		{"memory.stat", "kernel", 1}},
	{USAGE_OF("memory", kernel.max), {"memory.kmem.max_usage_in_bytes", NULL, 1}, NONE},
	{USAGE_OF("memory", kernel.limit), {"memory.kmem.limit_in_bytes", NULL, 1}, NONE},
	{USAGE_OF("memory", kernel.failures), {"memory.kmem.failcnt", NULL, 1}, NONE},
	{USAGE_OF("memory", kernel_tcp.usage), {"memory.kmem.tcp.usage_in_bytes", NULL, 1}, NONE},
	{USAGE_OF("memory", kernel_tcp.max), {"memory.kmem.tcp.max_usage_in_bytes", NULL, 1}, NONE},
	{USAGE_OF("memory", kernel_tcp.limit), {"memory.kmem.tcp.limit_in_bytes", NULL, 1}, NONE},
	{USAGE_OF("memory", kernel_tcp.failures), {"memory.kmem.tcp.failcnt", NULL, 1}, NONE},
	{USAGE_OF("memory", cache_bytes), {"memory.stat", "cache", 1}, {"memory.stat", "file", 1}},
	{USAGE_OF("pids", pids), {"pids.current", NULL, 1}, {"pids.current", NULL, 1}},
	{USAGE_OF("pids", pids_limit), {"pids.max", NULL, 1}, {"pids.max", NULL, 1}},
};

/* The first of two v1 files that exists is read: BFQ's counts what passes its scheduler, the other
 * what passes the throttle. */
static const char *const disk_files[][2] = {
	{"blkio.bfq.io_service_bytes_recursive", "blkio.throttle.io_service_bytes_recursive"},
	{"blkio.bfq.io_serviced_recursive", "blkio.throttle.io_serviced_recursive"},
};

/* The keys of a line of v2's io.stat. */
static const struct {
	const char *key, *operation;
	bool is_bytes;
} disk_keys[] = {
	{"rbytes", "Read", true},
	{"wbytes", "Write", true},
	{"dbytes", "Discard", true},
	{"rios", "Read", false},
	{"wios", "Write", false},
	{"dios", "Discard", false},
};

/* 1 and the text of a file, 0 when there is no such controller or file. */
static int text_read(
	const struct cgroup *g, const char *controller, const char *name, struct buf *out)
{
	int fd = cgroup_dir_find(g, controller);
	int r = fd < 0 ? -ENOENT : file_read_at(fd, name, CGROUP_FILE_MAX, out);

	if (r == -ENOENT)
		return 0;
	return r < 0 ? err_new(r, "read %s of cgroup %s", name, g->path) : 1;
}

static int text_error(const struct cgroup *g, const char *name)
{
	return err_say(-EBADMSG, "%s of cgroup %s is not as the kernel writes it", name, g->path);
}

static int memory_stat_read(const struct cgroup *g, struct arena *a, struct cgroup_usage *out)
{
	auto_buf struct buf text = BUF_INIT;

	int r = text_read(g, "memory", "memory.stat", &text);
	if (r <= 0)
		return r;
	char *rest = text.data;
	for (char *line; (line = str_cut(&rest, '\n'));) {
		uint64_t number;
		char *value = line;
		const char *key = str_cut(&value, ' ');
		if (!*line)
			continue;
		if (!value || parse_u64(value, &number) < 0)
			return text_error(g, "memory.stat");
		*arena_push(a, &out->memory_stat) = (struct cgroup_pair){arena_str(a, key), number};
	}
	return 0;
}

/* "1234 0 0 \n": trailing zeros are of processors that the machine could have. */
static int processors_read(const struct cgroup *g, struct arena *a, struct cgroup_usage *out)
{
	auto_buf struct buf text = BUF_INIT;

	int r = g->is_unified ? 0 : text_read(g, "cpuacct", "cpuacct.usage_percpu", &text);
	if (r <= 0)
		return r;
	text.data[strcspn(text.data, "\n")] = '\0';
	char *rest = text.data;
	for (char *word; (word = str_cut(&rest, ' '));) {
		uint64_t number;
		if (!*word)
			continue;
		if (parse_u64(word, &number) < 0)
			return text_error(g, "cpuacct.usage_percpu");
		*arena_push(a, &out->processors_ns) = number;
	}
	return 0;
}

/* "8:16" */
static int device_parse(char *text, struct cgroup_disk_count *out)
{
	char *minor = text;
	const char *major = str_cut(&minor, ':');

	return minor && parse_u32(major, &out->major) == 0 && parse_u32(minor, &out->minor) == 0
		? 0
		: -EBADMSG;
}

/* "8:0 Read 4096", and in the end "Total 4096" of all devices. */
static int disk_line_v1(char *line, struct arena *a, void *list)
{
	CGROUP_LIST(struct cgroup_disk_count) *counts = list;
	struct cgroup_disk_count count;
	char *rest = line;
	char *device = str_cut(&rest, ' ');
	const char *operation = str_cut(&rest, ' ');

	if (str_eq(device, "Total"))
		return 0;
	if (!rest || device_parse(device, &count) < 0 || parse_u64(rest, &count.value) < 0)
		return -EBADMSG;
	count.operation = arena_str(a, operation);
	struct cgroup_disk_count *item = arena_push(a, counts);
	*item = count;
	return 0;
}

static int disks_read_v1(
	const struct cgroup *g, const char *const names[2], struct arena *a, void *list)
{
	auto_buf struct buf text = BUF_INIT;
	const char *name = names[0];

	int r = text_read(g, "blkio", name, &text);
	if (r == 0) {
		name = names[1];
		r = text_read(g, "blkio", name, &text);
	}
	char *rest = text.data;
	for (char *line; r > 0 && (line = str_cut(&rest, '\n'));) {
		if (*line && disk_line_v1(line, a, list) < 0)
			return text_error(g, name);
	}
	return r < 0 ? r : 0;
}

/* "rbytes=4096" of one device; other keys (cost.usage, ...) are passed over. */
static int disk_word_v2(
	char *word, struct cgroup_disk_count count, struct arena *a, struct cgroup_usage *out)
{
	char *value = word;
	const char *key = str_cut(&value, '=');

	for (size_t i = 0; i < sizeof(disk_keys) / sizeof(disk_keys[0]); i++) {
		if (!str_eq(disk_keys[i].key, key))
			continue;
		if (!value || parse_u64(value, &count.value) < 0)
			return -EBADMSG;
		count.operation = disk_keys[i].operation;
		struct cgroup_disk_count *item = disk_keys[i].is_bytes
			? arena_push(a, &out->disk_bytes)
			: arena_push(a, &out->disk_operations);
		*item = count;
	}
	return 0;
}

/* "8:0 rbytes=4096 wbytes=0 rios=1 ...", and "8:16 \n" for a device that is not counted. */
static int disks_read_v2(const struct cgroup *g, struct arena *a, struct cgroup_usage *out)
{
	auto_buf struct buf text = BUF_INIT;

	int r = text_read(g, "io", "io.stat", &text);
	if (r <= 0)
		return r;
	char *rest = text.data;
	for (char *line; (line = str_cut(&rest, '\n'));) {
		struct cgroup_disk_count count = {0};
		char *words = line;
		char *device = str_cut(&words, ' ');
		if (*device && device_parse(device, &count) < 0)
			return text_error(g, "io.stat");
		for (char *word; (word = str_cut(&words, ' '));) {
			if (disk_word_v2(word, count, a, out) < 0)
				return text_error(g, "io.stat");
		}
	}
	return 0;
}

static int disks_read(const struct cgroup *g, struct arena *a, struct cgroup_usage *out)
{
	if (g->is_unified)
		return disks_read_v2(g, a, out);
	int r = disks_read_v1(g, disk_files[0], a, &out->disk_bytes);
	return r < 0 ? r : disks_read_v1(g, disk_files[1], a, &out->disk_operations);
}

/* Adds the counter of one page size. */
static int pages_add(
	const struct cgroup *g, const char *size, struct arena *a, struct cgroup_usage *out)
{
	enum { MEMBERS = 4 };
	static const size_t members[MEMBERS] = {offsetof(struct cgroup_counter, usage),
		offsetof(struct cgroup_counter, max), offsetof(struct cgroup_counter, limit),
		offsetof(struct cgroup_counter, failures)};
	static const char *const v1[MEMBERS] = {
		"usage_in_bytes", "max_usage_in_bytes", "limit_in_bytes", "failcnt"};
	static const char *const v2[MEMBERS] = {"current", NULL, "max", "events"};
	struct cgroup_counter counter = {0};

	for (size_t i = 0; i < MEMBERS; i++) {
		const char *suffix = g->is_unified ? v2[i] : v1[i];
		const char *name = suffix ? arena_printf(a, "hugetlb.%s.%s", size, suffix) : NULL;
		const char *key = suffix && str_eq(suffix, "events") ? "max" : NULL;
		struct cgroup_stat_info info = {
			"hugetlb", members[i], {name, key, 1}, {name, key, 1}};
		int r = cgroup_stat_read(g, &info, UINT64_MAX, &counter);
		if (r < 0)
			return r;
	}
	struct cgroup_page_count *item = arena_push(a, &out->pages);
	*item = (struct cgroup_page_count){arena_str(a, size), counter};
	return 0;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The sizes that the group has files for: "hugetlb.SIZE.usage_in_bytes", "hugetlb.SIZE.current". */
static int pages_read(const struct cgroup *g, struct arena *a, struct cgroup_usage *out)
{
	auto_strvec struct strvec names = STRVEC_INIT;
	const char *suffix = g->is_unified ? "current" : "usage_in_bytes";
	int fd = cgroup_dir_find(g, "hugetlb");
	int r = fd < 0 ? 0 : file_list_at(fd, ".", &names);

	if (r < 0)
		return err_new(r, "list cgroup %s", g->path);
	if (names.count)
		qsort(names.items, names.count, sizeof(*names.items), compare_names);
	for (size_t i = 0; r >= 0 && i < names.count; i++) {
		char *rest = names.items[i];
		const char *controller = str_cut(&rest, '.');
		const char *size = str_cut(&rest, '.');
		if (str_eq(controller, "hugetlb") && rest && str_eq(rest, suffix))
			r = pages_add(g, size, a, out);
	}
	return r < 0 ? r : 0;
}

/* v2 counts swap without memory; the result has both together. */
static void swap_join(struct cgroup_usage *usage)
{
	usage->swap.usage += usage->memory.usage;
	if (usage->swap.limit != UINT64_MAX)
		usage->swap.limit = usage->memory.limit == UINT64_MAX
			? UINT64_MAX
			: usage->swap.limit + usage->memory.limit;
}

int cgroup_usage_load(const struct cgroup *g, struct arena *a, struct cgroup_usage *out)
{
	struct cgroup_usage usage = {0};
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(number_infos) / sizeof(number_infos[0]); i++)
		r = cgroup_stat_read(g, &number_infos[i], UINT64_MAX, &usage);
	if (r == 0)
		r = processors_read(g, a, &usage);
	if (r == 0)
		r = memory_stat_read(g, a, &usage);
	if (r == 0)
		r = disks_read(g, a, &usage);
	if (r == 0)
		r = pages_read(g, a, &usage);
	if (r < 0)
		return r;
	if (g->is_unified)
		swap_join(&usage);
	*out = usage;
	return 0;
}
