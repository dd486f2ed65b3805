/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Limits and device rules as a plan has them. Part of cgroup.h. */
#include "base/buf.h"
#include "base/flat.h"
#include "oci/oci.h"

#include <stdbool.h>
#include <stdint.h>

/* A limit in a plan, as linux.resources of the OCI specification has it. The number is `value`
 * unless something else is said; -1 is unlimited, if a limit can be. A row "per KEY" may occur once
 * for each key, which is its text; of other rows the last one counts. A limit with "v1:" cannot be
 * expressed in version 2. */
enum cgroup_limit {
	CGROUP_MEMORY_MAX =
		1, /* bytes; second 1: refuse a limit that is not above the use (v1 always does) */
	CGROUP_MEMORY_SWAP, /* bytes of memory and swap together (as Docker); second: as above */
	CGROUP_MEMORY_LOW, /* reservation, bytes */
	CGROUP_CPU_MAX, /* quota in us; second: period in us, 0: the period stays */
	CGROUP_CPU_WEIGHT, /* v1 shares 2..262144, translated on v2 */
	CGROUP_CPUSET_CPUS, /* text */
	CGROUP_CPUSET_MEMS, /* text */
	CGROUP_PIDS_MAX,
	CGROUP_CPU_PERIOD, /* us, and the quota stays as it is */
	CGROUP_CPU_BURST, /* us [5.14] */
	CGROUP_CPU_IDLE, /* 0 or 1 [5.15] */
	CGROUP_CPU_RT_PERIOD, /* v1: us */
	CGROUP_CPU_RT_RUNTIME, /* v1: us */
	CGROUP_MEMORY_KERNEL_TCP, /* v1: bytes */
	CGROUP_MEMORY_SWAPPINESS, /* v1: 0..100 */
	CGROUP_MEMORY_OOM_DISABLE, /* v1: 1 */
	CGROUP_BLKIO_WEIGHT, /* 10..1000; on v2 BFQ's, or translated for io.cost */
	CGROUP_BLKIO_LEAF_WEIGHT, /* v1: 10..1000, of kernels before 5.0 */
	CGROUP_BLKIO_WEIGHT_DEVICE, /* per "MAJOR:MINOR" */
	CGROUP_BLKIO_LEAF_WEIGHT_DEVICE, /* v1: per "MAJOR:MINOR" */
	/* per "MAJOR:MINOR": bytes a second, 0 unlimited; so are the next three */
	CGROUP_BLKIO_READ_BPS,
	CGROUP_BLKIO_WRITE_BPS,
	CGROUP_BLKIO_READ_IOPS,
	CGROUP_BLKIO_WRITE_IOPS,
	CGROUP_HUGETLB, /* bytes, per size of page as the kernel names it: "2MB" */
	CGROUP_RDMA, /* handles, second: objects; -1: not limited here; per device */
	CGROUP_NET_CLASS, /* v1: class id */
	CGROUP_NET_PRIORITY, /* v1: per interface */
	/* v2 only: text "FILE=TEXT", written as it is, by lines, after all others */
	CGROUP_UNIFIED,
	CGROUP_LIMIT_COUNT
};

struct cgroup_row {
	uint32_t origin;
	uint32_t limit;
	int64_t value;
	int64_t second;
	uint32_t text;
	uint32_t reserved;
};

/* A device rule: v1 devices.allow/deny lines, or one eBPF program of all rules on v2. */
struct cgroup_device_row {
	uint32_t origin;
	uint32_t is_allowed;
	uint32_t type; /* 'a', 'b', 'c' */
	int32_t major, minor; /* -1: any */
	uint32_t access; /* bits: 1 r, 2 w, 4 m */
};

struct cgroup_host;

/* Is this limit possible here? -EINVAL for a value that no kernel takes. -EOPNOTSUPP with the name
 * of the missing controller, or with the version that cannot express the limit, and the remedy. */
int cgroup_limit_check(const struct cgroup_host *host, const struct oci_limit *limit);
/* The least and the greatest value of a limit. Silent. */
void cgroup_limit_range(enum cgroup_limit limit, int64_t *out_min, int64_t *out_max);
/* May CGROUP_UNIFIED write to a file of this name? Not outside of the group, and not to a file that
 * moves, stops or kills processes. Silent. */
bool cgroup_unified_is_setting(const char *name);
void cgroup_row_describe(const struct flat *plan, const struct cgroup_row *row, struct buf *out);
void cgroup_device_describe(
	const struct flat *plan, const struct cgroup_device_row *row, struct buf *out);
