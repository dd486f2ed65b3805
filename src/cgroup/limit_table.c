/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of limits: everything about a limit is in its row, with a side for each cgroup version.
 * The specification counts as version 1 does. The functions that make the text of a file translate
 * what version 2 counts differently, with the formulas of runc. A side without a controller: that
 * version cannot express the limit.
 */
#include "cgroup/cgroup.h"
#include "cgroup/internal.h"

#include "base/err.h"
#include "base/str.h"
#include "sys/file.h"

#include <errno.h>
#include <inttypes.h>

enum {
	SHARES_MIN = 2,
	SHARES_MAX = 262144,
	WEIGHT_MIN = 1,
	WEIGHT_MAX = 10000,
	BLKIO_MIN = 10,
	BLKIO_MAX = 1000,
	NUMBER_MAX = 64, /* bytes of a file with one number */
};

static int write_number(const struct cgroup_limit_value *value, struct buf *out)
{
	buf_addf(out, "%" PRId64, value->row->value);
	return 0;
}

static int write_number_or_max(const struct cgroup_limit_value *value, struct buf *out)
{
	if (value->row->value >= 0)
		return write_number(value, out);
	buf_adds(out, "max");
	return 0;
}

/* "8:0 100" */
static int write_keyed(const struct cgroup_limit_value *value, struct buf *out)
{
	buf_addf(out, "%s %" PRId64, value->text, value->row->value);
	return 0;
}

static int write_text(const struct cgroup_limit_value *value, struct buf *out)
{
	if (!value->text || !*value->text)
		return err_say(-EINVAL, "a list of numbers is missing");
	buf_adds(out, value->text);
	return 0;
}

/* The number in a file of the group; -1 if the file says that there is no limit. -ENOENT. */
static int number_read(int fd, const char *name, int64_t *out)
{
	auto_buf struct buf text = BUF_INIT;
	uint64_t number;

	int r = file_read_at(fd, name, NUMBER_MAX, &text);
	if (r < 0)
		return r;
	text.data[strcspn(text.data, "\n")] = '\0';
	if (str_eq(text.data, "max")) {
		*out = -1;
		return 0;
	}
	r = parse_u64(text.data, &number);
	*out = r < 0 || number >= CGROUP_UNLIMITED_V1 ? -1 : (int64_t)number;
	return r;
}

/* v1 refuses a limit that is not above the use; v2 would begin to kill. */
static int use_check(const struct cgroup_limit_value *value)
{
	int64_t in_use = 0;

	if (!value->is_unified || !value->row->second || value->row->value < 0)
		return 0;
	int r = number_read(value->fd, "memory.current", &in_use);
	if (r < 0 && r != -ENOENT)
		return err_new(r, "read memory.current");
	if (r == 0 && value->row->value <= in_use)
		return err_say(-EBUSY,
			"%" PRId64 " bytes are in use, and a check before the change is wanted",
			in_use);
	return 0;
}

static int write_memory(const struct cgroup_limit_value *value, struct buf *out)
{
	int r = use_check(value);
	return r < 0 ? r : write_number_or_max(value, out);
}

/* Memory and swap together, as Docker and v1 count. The limit may not be below memory's limit: the
 * one that is given with it, or the one in force. */
static int swap_check(const struct cgroup_limit_value *value, int64_t *out_memory_bytes)
{
	int64_t bytes = value->memory_bytes;

	if (value->row->value < 0)
		return 0;
	if (bytes == 0 &&
		number_read(value->fd, value->is_unified ? "memory.max" : "memory.limit_in_bytes",
			&bytes) < 0)
		bytes = 0;
	if (bytes <= 0)
		return err_say(-EINVAL, "a limit of memory and swap needs a limit of memory (-m)");
	if (value->row->value < bytes)
		return err_say(
			-EINVAL, "memory and swap together cannot be limited below memory alone");
	*out_memory_bytes = bytes;
	return use_check(value);
}

static int write_swap_v1(const struct cgroup_limit_value *value, struct buf *out)
{
	int64_t memory_bytes;

	int r = swap_check(value, &memory_bytes);
	return r < 0 ? r : write_number(value, out);
}

static int write_swap_v2(const struct cgroup_limit_value *value, struct buf *out)
{
	int64_t memory_bytes = 0;

	int r = swap_check(value, &memory_bytes);
	if (r < 0 || value->row->value < 0)
		return r < 0 ? r : write_number_or_max(value, out);
	buf_addf(out, "%" PRId64, value->row->value - memory_bytes);
	return 0;
}

/* Writes nothing if the period is to stay as it is. */
static int write_period(const struct cgroup_limit_value *value, struct buf *out)
{
	if (value->row->second > 0)
		buf_addf(out, "%" PRId64, value->row->second);
	return 0;
}

static int write_cpu_max(const struct cgroup_limit_value *value, struct buf *out)
{
	write_number_or_max(value, out);
	if (value->row->second > 0)
		buf_addf(out, " %" PRId64, value->row->second);
	return 0;
}

/* v2 has quota and period in one file, and the quota, which comes first, may not be left out. */
static int write_period_alone(const struct cgroup_limit_value *value, struct buf *out)
{
	auto_buf struct buf text = BUF_INIT;

	int r = file_read_at(value->fd, "cpu.max", NUMBER_MAX, &text);
	if (r < 0 && r != -ENOENT && r != -EBADF) /* there is no group yet */
		return err_new(r, "read cpu.max");
	text.data[strcspn(text.data, " \n")] = '\0';
	buf_addf(out, "%s %" PRId64, *text.data ? text.data : "max", value->row->value);
	return 0;
}

static int64_t shares_of(const struct cgroup_row *row)
{
	int64_t shares = row->value < SHARES_MIN ? SHARES_MIN : row->value;
	return shares > SHARES_MAX ? SHARES_MAX : shares;
}

static int write_shares(const struct cgroup_limit_value *value, struct buf *out)
{
	buf_addf(out, "%" PRId64, shares_of(value->row));
	return 0;
}

/* Computed bit by bit: one function is no reason to link libm. x >= 1. */
static double log2_of(double x)
{
	double log = 0;

	for (; x >= 2; x /= 2)
		log += 1;
	for (double bit = 0.5; bit > 1e-14; bit /= 2) {
		x *= x;
		if (x >= 2) {
			x /= 2;
			log += bit;
		}
	}
	return log;
}

/* Maps shares 2..262144 to weights 1..10000, and the default 1024 to the default 100: the least
 * weight not below 10^((l^2 + 125 l) / 612 - 7/34) with l = log2(shares), as runc since 1.3.2 and
 * crun since 1.23. Their earlier formula, a straight line, gave 39 for 1024, less than half of what
 * all other groups have. */
static int64_t weight_of(int64_t shares)
{
	static const double log2_of_ten = 3.32192809488736234787, rounding = 1e-11;
	double l = log2_of((double)shares);
	double wanted = ((l * l + 125 * l) / 612 - 7.0 / 34) * log2_of_ten;
	int64_t low = WEIGHT_MIN, high = WEIGHT_MAX;

	while (low < high) {
		int64_t middle = (low + high) / 2;
		if (log2_of((double)middle) + rounding >= wanted)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

static int write_weight(const struct cgroup_limit_value *value, struct buf *out)
{
	buf_addf(out, "%" PRId64, weight_of(shares_of(value->row)));
	return 0;
}

/* Maps 10..1000 to 1..10000 of io.cost, for all devices or one. */
static int write_io_weight(const struct cgroup_limit_value *value, struct buf *out)
{
	buf_addf(out, "%s %" PRId64, value->text ? value->text : "default",
		1 + (value->row->value - BLKIO_MIN) * 9999 / (BLKIO_MAX - BLKIO_MIN));
	return 0;
}

/* "8:0 rbps=1048576". In v1 0 means no limit; v2 does not take 0. */
static int write_io_max(const struct cgroup_limit_value *value, struct buf *out)
{
	static const char *const words[] = {
		[CGROUP_BLKIO_READ_BPS] = "rbps",
		[CGROUP_BLKIO_WRITE_BPS] = "wbps",
		[CGROUP_BLKIO_READ_IOPS] = "riops",
		[CGROUP_BLKIO_WRITE_IOPS] = "wiops",
	};
	buf_addf(out, "%s %s=", value->text, words[value->row->limit]);
	if (value->row->value > 0)
		return write_number(value, out);
	buf_adds(out, "max");
	return 0;
}

static int write_rdma(const struct cgroup_limit_value *value, struct buf *out)
{
	if (value->row->value < 0 && value->row->second < 0)
		return 0;
	buf_adds(out, value->text);
	if (value->row->value >= 0)
		buf_addf(out, " hca_handle=%" PRId64, value->row->value);
	if (value->row->second >= 0)
		buf_addf(out, " hca_object=%" PRId64, value->row->second);
	return 0;
}

#define ONE(controller, name, write) \
	{ \
		controller, false, \
		{ \
			{ \
				name, write, false \
			} \
		} \
	}
#define NUMBER(controller, name) ONE(controller, name, write_number)
#define KEYED(controller, name) ONE(controller, name, write_keyed)
#define BOTH(controller, first, first_write, second, second_write) \
	{ \
		controller, false, \
		{ \
			{first, first_write, false}, \
			{ \
				second, second_write, false \
			} \
		} \
	}
/* The second file is used if the kernel has no file of the first name. */
#define EITHER(controller, first, first_write, second, second_write) \
	{ \
		controller, true, \
		{ \
			{first, first_write, false}, \
			{ \
				second, second_write, false \
			} \
		} \
	}
#define HUGETLB(suffix) \
	{ \
		"hugetlb", false, \
		{ \
			{"hugetlb.*." suffix, write_number, false}, \
			{ \
				"hugetlb.*.rsvd." suffix, write_number, true \
			} \
		} \
	}

/* option, field; sides; least, greatest; per key; sentence, and the sentence for -1. In a sentence
 * $b is the value as a size, $n as a number, $s the second value, $p the period, $t the text. */
static const struct cgroup_limit_info limit_infos[CGROUP_LIMIT_COUNT] = {
	[CGROUP_MEMORY_MAX] = {"--memory", "memory.limit",
		NUMBER("memory", "memory.limit_in_bytes"),
		ONE("memory", "memory.max", write_memory), -1, INT64_MAX, false,
		"limit memory to $b", "do not limit memory"},
	[CGROUP_MEMORY_SWAP] = {"--memory-swap", "memory.swap",
		ONE("memory", "memory.memsw.limit_in_bytes", write_swap_v1),
		ONE("memory", "memory.swap.max", write_swap_v2), -1, INT64_MAX, false,
		"limit memory and swap together to $b", "do not limit swap"},
	[CGROUP_MEMORY_LOW] = {"--memory-reservation", "memory.reservation",
		NUMBER("memory", "memory.soft_limit_in_bytes"),
		ONE("memory", "memory.low", write_number_or_max), -1, INT64_MAX, false,
		"reserve memory of $b", "reserve all memory"},
	[CGROUP_CPU_MAX] = {"--cpus", "cpu.quota",
		BOTH("cpu", "cpu.cfs_period_us", write_period, "cpu.cfs_quota_us", write_number),
		ONE("cpu", "cpu.max", write_cpu_max), -1, INT64_MAX, false,
		"limit cpu to $n of every $p", "do not limit cpu"},
	[CGROUP_CPU_WEIGHT] = {"--cpu-shares", "cpu.shares", ONE("cpu", "cpu.shares", write_shares),
		ONE("cpu", "cpu.weight", write_weight), 0, INT64_MAX, false,
		"weigh cpu with $n shares", NULL},
	[CGROUP_CPUSET_CPUS] = {"--cpuset-cpus", "cpu.cpus",
		ONE("cpuset", "cpuset.cpus", write_text), ONE("cpuset", "cpuset.cpus", write_text),
		INT64_MIN, INT64_MAX, false, "run on cpus $t", NULL},
	[CGROUP_CPUSET_MEMS] = {"--cpuset-mems", "cpu.mems",
		ONE("cpuset", "cpuset.mems", write_text), ONE("cpuset", "cpuset.mems", write_text),
		INT64_MIN, INT64_MAX, false, "use memory of nodes $t", NULL},
	[CGROUP_PIDS_MAX] = {"--pids-limit", "pids.limit",
		ONE("pids", "pids.max", write_number_or_max),
		ONE("pids", "pids.max", write_number_or_max), -1, INT64_MAX, false,
		"allow at most $n processes", "do not limit processes"},
	[CGROUP_CPU_PERIOD] = {NULL, "cpu.period", NUMBER("cpu", "cpu.cfs_period_us"),
		ONE("cpu", "cpu.max", write_period_alone), 1, INT64_MAX, false,
		"count cpu in periods of $n us", NULL},
	[CGROUP_CPU_BURST] = {NULL, "cpu.burst", NUMBER("cpu", "cpu.cfs_burst_us"),
		NUMBER("cpu", "cpu.max.burst"), 0, INT64_MAX, false,
		"save up at most $n us of unused cpu", NULL},
	[CGROUP_CPU_IDLE] = {NULL, "cpu.idle", NUMBER("cpu", "cpu.idle"), NUMBER("cpu", "cpu.idle"),
		0, 1, false, "set the idle policy of cpu to $n", NULL},
	[CGROUP_CPU_RT_PERIOD] = {NULL, "cpu.realtimePeriod", NUMBER("cpu", "cpu.rt_period_us"),
		{0}, 1, INT64_MAX, false, "count realtime cpu in periods of $n us", NULL},
	[CGROUP_CPU_RT_RUNTIME] = {NULL, "cpu.realtimeRuntime", NUMBER("cpu", "cpu.rt_runtime_us"),
		{0}, -1, INT64_MAX, false, "limit realtime cpu to $n us of every period",
		"do not limit realtime cpu"},
	[CGROUP_MEMORY_KERNEL_TCP] = {NULL, "memory.kernelTCP",
		NUMBER("memory", "memory.kmem.tcp.limit_in_bytes"), {0}, -1, INT64_MAX, false,
		"limit memory of TCP buffers to $b", "do not limit memory of TCP buffers"},
	[CGROUP_MEMORY_SWAPPINESS] = {NULL, "memory.swappiness",
		NUMBER("memory", "memory.swappiness"), {0}, 0, 100, false,
		"swap with eagerness $n of 100", NULL},
	[CGROUP_MEMORY_OOM_DISABLE] = {NULL, "memory.disableOOMKiller",
		NUMBER("memory", "memory.oom_control"), {0}, 1, 1, false,
		"do not kill when memory runs out", NULL},
	[CGROUP_BLKIO_WEIGHT] = {NULL, "blockIO.weight",
		EITHER("blkio", "blkio.bfq.weight", write_number, "blkio.weight", write_number),
		EITHER("io", "io.bfq.weight", write_number, "io.weight", write_io_weight),
		BLKIO_MIN, BLKIO_MAX, false, "weigh disks with $n of 1000", NULL},
	[CGROUP_BLKIO_LEAF_WEIGHT] = {NULL, "blockIO.leafWeight",
		NUMBER("blkio", "blkio.leaf_weight"), {0}, BLKIO_MIN, BLKIO_MAX, false,
		"weigh disks of the group itself with $n of 1000", NULL},
	[CGROUP_BLKIO_WEIGHT_DEVICE] = {NULL, "blockIO.weightDevice",
		EITHER("blkio", "blkio.bfq.weight_device", write_keyed, "blkio.weight_device",
			write_keyed),
		EITHER("io", "io.bfq.weight", write_keyed, "io.weight", write_io_weight), BLKIO_MIN,
		BLKIO_MAX, true, "weigh disk $t with $n of 1000", NULL},
	[CGROUP_BLKIO_LEAF_WEIGHT_DEVICE] = {NULL, "blockIO.weightDevice.leafWeight",
		KEYED("blkio", "blkio.leaf_weight_device"), {0}, BLKIO_MIN, BLKIO_MAX, true,
		"weigh disk $t of the group itself with $n of 1000", NULL},
	[CGROUP_BLKIO_READ_BPS] = {NULL, "blockIO.throttleReadBpsDevice",
		KEYED("blkio", "blkio.throttle.read_bps_device"), ONE("io", "io.max", write_io_max),
		0, INT64_MAX, true, "read at most $b a second from disk $t", NULL},
	[CGROUP_BLKIO_WRITE_BPS] = {NULL, "blockIO.throttleWriteBpsDevice",
		KEYED("blkio", "blkio.throttle.write_bps_device"),
		ONE("io", "io.max", write_io_max), 0, INT64_MAX, true,
		"write at most $b a second to disk $t", NULL},
	[CGROUP_BLKIO_READ_IOPS] = {NULL, "blockIO.throttleReadIOPSDevice",
		KEYED("blkio", "blkio.throttle.read_iops_device"),
		ONE("io", "io.max", write_io_max), 0, INT64_MAX, true,
		"read at most $n times a second from disk $t", NULL},
	[CGROUP_BLKIO_WRITE_IOPS] = {NULL, "blockIO.throttleWriteIOPSDevice",
		KEYED("blkio", "blkio.throttle.write_iops_device"),
		ONE("io", "io.max", write_io_max), 0, INT64_MAX, true,
		"write at most $n times a second to disk $t", NULL},
	[CGROUP_HUGETLB] = {NULL, "hugepageLimits", HUGETLB("limit_in_bytes"), HUGETLB("max"), 0,
		INT64_MAX, true, "limit memory in pages of $t to $b", NULL},
	[CGROUP_RDMA] = {NULL, "rdma", ONE("rdma", "rdma.max", write_rdma),
		ONE("rdma", "rdma.max", write_rdma), -1, INT32_MAX, true,
		"limit handles ($n) and objects ($s) of RDMA device $t",
		"limit objects ($s) of RDMA device $t"},
	[CGROUP_NET_CLASS] = {NULL, "network.classID", NUMBER("net_cls", "net_cls.classid"), {0}, 0,
		UINT32_MAX, false, "mark packets with class $n", NULL},
	[CGROUP_NET_PRIORITY] = {NULL, "network.priorities",
		KEYED("net_prio", "net_prio.ifpriomap"), {0}, 0, UINT32_MAX, true,
		"send with priority $n on interface $t", NULL},
	[CGROUP_UNIFIED] = {NULL, "unified", {0}, ONE("", "", write_text), INT64_MIN, INT64_MAX,
		true, "write $t to the cgroup", NULL},
};

const struct cgroup_limit_info *cgroup_limit_info(uint32_t limit)
{
	return limit > 0 && limit < CGROUP_LIMIT_COUNT ? &limit_infos[limit] : NULL;
}
