/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* All that the kernel counts of a group, as `events --stats` shows it. Part of cgroup.h. */
#include "base/arena.h"

#include <stdbool.h>
#include <stdint.h>

struct cgroup;

/* A resource in bytes. What the version does not count is 0; limit UINT64_MAX: none. */
struct cgroup_counter {
	uint64_t usage, max, limit, failures;
};

/* A line of memory.stat. */
struct cgroup_pair {
	const char *key;
	uint64_t value;
};

struct cgroup_disk_count {
	uint32_t major, minor;
	const char *operation; /* "Read", "Write", "Discard", and on v1 "Sync", "Async", "Total" */
	uint64_t value;
};

struct cgroup_page_count {
	const char *size; /* "2MB" */
	struct cgroup_counter counter;
};

#define CGROUP_LIST(type) \
	struct { \
		type *items; \
		size_t count; \
	}

struct cgroup_usage {
	uint64_t cpu_ns, cpu_user_ns, cpu_kernel_ns;
	uint64_t periods, throttled_periods, throttled_ns;
	CGROUP_LIST(uint64_t) processors_ns; /* of each processor, only v1 */
	struct cgroup_counter memory, swap; /* swap: memory and swap together, as v1 counts */
	struct cgroup_counter kernel, kernel_tcp; /* v1; v2 has only the usage of kernel */
	uint64_t cache_bytes;
	CGROUP_LIST(struct cgroup_pair) memory_stat; /* as the kernel has it, in its order */
	uint64_t pids, pids_limit; /* pids_limit UINT64_MAX: none */
	CGROUP_LIST(struct cgroup_disk_count) disk_bytes;
	CGROUP_LIST(struct cgroup_disk_count) disk_operations;
	CGROUP_LIST(struct cgroup_page_count) pages;
};

/* Numbers and lists without a controller or a file stay 0 and empty. Strings and lists are in the
 * arena. */
int cgroup_usage_load(const struct cgroup *g, struct arena *a, struct cgroup_usage *out);
