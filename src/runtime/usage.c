/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a container uses, as `events` prints it. The names are runc's, which existing readers
 * expect. A number that runc leaves out when it is 0 is left out here as well. "No limit" is the
 * number that the kernel reports on cgroup version 1, or UINT64_MAX on version 2.
 */
#include "runtime/internal.h"
#include "base/json.h"

#define UNLIMITED_V1 UINT64_C(0x7ffffffffffff000)

static void put_some(struct json_writer *w, const char *key, uint64_t value)
{
	if (value)
		json_put_u64(w, key, value);
}

static void put_processors(struct json_writer *w, const struct cgroup_usage *u)
{
	json_open_object(w, "cpu");
	json_open_object(w, "usage");
	put_some(w, "total", u->cpu_ns);
	if (u->processors_ns.count) {
		json_open_array(w, "percpu");
		for (size_t i = 0; i < u->processors_ns.count; i++)
			json_put_u64(w, NULL, u->processors_ns.items[i]);
		json_close_array(w);
	}
	json_put_u64(w, "kernel", u->cpu_kernel_ns);
	json_put_u64(w, "user", u->cpu_user_ns);
	json_close_object(w);
	json_open_object(w, "throttling");
	put_some(w, "periods", u->periods);
	put_some(w, "throttledPeriods", u->throttled_periods);
	put_some(w, "throttledTime", u->throttled_ns);
	json_close_object(w);
	json_close_object(w);
}

static void put_counter(
	struct json_writer *w, const char *key, const struct cgroup_counter *c, bool is_unified)
{
	bool is_unlimited = c->limit == UINT64_MAX && !is_unified;
	json_open_object(w, key);
	json_put_u64(w, "limit", is_unlimited ? UNLIMITED_V1 : c->limit);
	put_some(w, "usage", c->usage);
	put_some(w, "max", c->max);
	json_put_u64(w, "failcnt", c->failures);
	json_close_object(w);
}

static void put_memory(struct json_writer *w, const struct cgroup_usage *u, bool is_unified)
{
	json_open_object(w, "memory");
	put_some(w, "cache", u->cache_bytes);
	put_counter(w, "usage", &u->memory, is_unified);
	put_counter(w, "swap", &u->swap, is_unified);
	put_counter(w, "kernel", &u->kernel, is_unified);
	put_counter(w, "kernelTCP", &u->kernel_tcp, is_unified);
	if (u->memory_stat.count) {
		json_open_object(w, "raw");
		for (size_t i = 0; i < u->memory_stat.count; i++)
			json_put_u64(w, u->memory_stat.items[i].key, u->memory_stat.items[i].value);
		json_close_object(w);
	}
	json_close_object(w);
}

static void put_disks(
	struct json_writer *w, const char *key, const struct cgroup_disk_count *items, size_t count)
{
	if (count == 0)
		return;
	json_open_array(w, key);
	for (size_t i = 0; i < count; i++) {
		json_open_object(w, NULL);
		put_some(w, "major", items[i].major);
		put_some(w, "minor", items[i].minor);
		json_put_string(w, "op", items[i].operation);
		put_some(w, "value", items[i].value);
		json_close_object(w);
	}
	json_close_array(w);
}

static void put_pages(struct json_writer *w, const struct cgroup_usage *u)
{
	json_open_object(w, "hugetlb");
	for (size_t i = 0; i < u->pages.count; i++) {
		const struct cgroup_page_count *pages = &u->pages.items[i];
		json_open_object(w, pages->size);
		put_some(w, "usage", pages->counter.usage);
		put_some(w, "max", pages->counter.max);
		json_put_u64(w, "failcnt", pages->counter.failures);
		json_close_object(w);
	}
	json_close_object(w);
}

void runtime_usage_put(
	struct json_writer *w, const char *key, const struct cgroup_usage *u, bool is_unified)
{
	json_open_object(w, key);
	put_processors(w, u);
	put_memory(w, u, is_unified);
	json_open_object(w, "pids");
	put_some(w, "current", u->pids);
	put_some(w, "limit", u->pids_limit == UINT64_MAX ? 0 : u->pids_limit);
	json_close_object(w);
	json_open_object(w, "blkio");
	put_disks(w, "ioServiceBytesRecursive", u->disk_bytes.items, u->disk_bytes.count);
	put_disks(w, "ioServicedRecursive", u->disk_operations.items, u->disk_operations.count);
	json_close_object(w);
	put_pages(w, u);
	json_open_object(w, "intel_rdt");
	json_close_object(w);
	json_put_null(w, "network_interfaces"); /* a runtime knows no network that an engine made */
	json_close_object(w);
}
