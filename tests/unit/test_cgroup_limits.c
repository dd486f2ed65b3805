/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes that the files of both versions get for each limit, and their order. */
#include "cgroup/limits.c"

#include "sys/fd.h"
#include "test_cgroup_temp.h"

/* Makes a group with these (empty) files in every hierarchy. */
static struct cgroup *group_with(const char *const *files, size_t count)
{
	struct cgroup *g;

	assert_int_equal(cgroup_create(&fake_host, "husk-1/c1", &g), 0);
	for (size_t i = 0; i < count; i++)
		fake_write(files[i], "");
	return g;
}

#define GROUP_WITH(...) \
	group_with((const char *const[]){__VA_ARGS__}, \
		sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

static void all_limits(struct fake_plan *p)
{
	fake_plan_init(p);
	fake_limit(p, CGROUP_MEMORY_SWAP, 300, 0, NULL, "--memory-swap");
	fake_limit(p, CGROUP_MEMORY_MAX, 100, 0, NULL, "-m");
	fake_limit(p, CGROUP_MEMORY_LOW, 50, 0, NULL, "--memory-reservation");
	fake_limit(p, CGROUP_CPU_MAX, 50000, 100000, NULL, "--cpus");
	fake_limit(p, CGROUP_CPU_WEIGHT, 1024, 0, NULL, "--cpu-shares");
	fake_limit(p, CGROUP_CPUSET_CPUS, 0, 0, "1", "--cpuset-cpus");
	fake_limit(p, CGROUP_CPUSET_MEMS, 0, 0, "0", "--cpuset-mems");
	fake_limit(p, CGROUP_PIDS_MAX, 64, 0, NULL, "--pids-limit");
}

#define V2 "tree/husk-1/c1/"

/* The tree's own files already exist, so that no controller needs to be enabled. */
static struct cgroup *unified_group(void)
{
	fake_unified();
	fake_mkdir("tree/husk-1");
	return GROUP_WITH(V2 "memory.max", V2 "memory.low", V2 "cpu.max", V2 "cpu.weight",
		V2 "cpuset.cpus", V2 "cpuset.mems", V2 "pids.max");
}

static void unified_files(void **state)
{
	auto_of(cgroup) struct cgroup *g = unified_group();
	auto_of(fake_plan) struct fake_plan p;

	fake_write(V2 "memory.swap.max", "");
	all_limits(&p);
	assert_int_equal(fake_apply(&p, g), 0);
	assert_file(V2 "memory.max", "100");
	assert_file(V2 "memory.swap.max", "200"); /* the part of the sum that is left for swap */
	assert_file(V2 "memory.low", "50");
	assert_file(V2 "cpu.max", "50000 100000");
	assert_file(V2 "cpu.weight", "100");
	assert_file(V2 "cpuset.cpus", "1");
	assert_file(V2 "cpuset.mems", "0");
	assert_file(V2 "pids.max", "64");
}

static void unified_unlimited(void **state)
{
	auto_of(cgroup) struct cgroup *g = unified_group();
	auto_of(fake_plan) struct fake_plan p;

	fake_plan_init(&p);
	fake_limit(&p, CGROUP_MEMORY_MAX, -1, 0, NULL, NULL);
	fake_limit(&p, CGROUP_MEMORY_SWAP, -1, 0, NULL, NULL); /* its file is missing */
	fake_limit(&p, CGROUP_CPU_MAX, -1, 0, NULL, NULL);
	fake_limit(&p, CGROUP_PIDS_MAX, 3, 0, NULL, NULL);
	fake_limit(&p, CGROUP_PIDS_MAX, -1, 0, NULL, NULL); /* the later one is used */
	fake_write("tree/cgroup.subtree_control", "");
	fake_write("tree/husk-1/cgroup.subtree_control", "");
	assert_int_equal(fake_apply(&p, g), 0);
	assert_file(V2 "memory.max", "max");
	assert_file(V2 "cpu.max", "max");
	assert_file(V2 "pids.max", "max");
}

static void missing_swap(void **state)
{
	auto_of(cgroup) struct cgroup *g = unified_group();

	fake_write("tree/cgroup.subtree_control", "");
	fake_write("tree/husk-1/cgroup.subtree_control", "");
	auto_of(fake_plan) struct fake_plan by_default, asked;
	fake_plan_init(&by_default);
	fake_limit(&by_default, CGROUP_MEMORY_MAX, 100, 0, NULL, "-m");
	fake_limit(&by_default, CGROUP_MEMORY_SWAP, 100, 0, NULL, "default");
	assert_int_equal(fake_apply(&by_default, g), 0);
	/* Before that, the limit tried to get the file by enabling controllers. */
	assert_file("tree/cgroup.subtree_control", "+cpuset +cpu +io +memory +pids");
	assert_file("tree/husk-1/cgroup.subtree_control", "+cpuset +cpu +io +memory +pids");

	fake_plan_init(&asked);
	fake_limit(&asked, CGROUP_MEMORY_MAX, 100, 0, NULL, "-m");
	fake_limit(&asked, CGROUP_MEMORY_SWAP, 100, 0, NULL, "--memory-swap");
	assert_int_equal(fake_apply(&asked, g), -EOPNOTSUPP);
	assert_non_null(strstr(err_text(), "does not count swap"));
	assert_non_null(strstr(err_text(), "limit memory and swap together to 100B (100 bytes): "));
}

static void senseless_swap(void **state)
{
	auto_of(cgroup) struct cgroup *g = unified_group();
	auto_of(fake_plan) struct fake_plan alone, below;

	fake_write(V2 "memory.swap.max", "");
	fake_plan_init(&alone);
	fake_limit(&alone, CGROUP_MEMORY_SWAP, 100, 0, NULL, "--memory-swap");
	assert_int_equal(fake_apply(&alone, g), -EINVAL);
	assert_non_null(strstr(err_text(), "needs a limit of memory"));
	fake_plan_init(&below);
	fake_limit(&below, CGROUP_MEMORY_SWAP, 99, 0, NULL, "--memory-swap");
	fake_limit(&below, CGROUP_MEMORY_MAX, 100, 0, NULL, "-m");
	assert_int_equal(fake_apply(&below, g), -EINVAL);
	assert_non_null(strstr(err_text(), "below memory alone"));
	assert_file(V2 "memory.swap.max", "");
}

static void missing_file(void **state)
{
	fake_unified();
	fake_mkdir("tree/husk-1");
	auto_of(cgroup) struct cgroup *g = GROUP_WITH(V2 "memory.max");
	auto_of(fake_plan) struct fake_plan p;

	fake_write("tree/cgroup.subtree_control", "");
	fake_write("tree/husk-1/cgroup.subtree_control", "");
	fake_plan_init(&p);
	fake_limit(&p, CGROUP_PIDS_MAX, 64, 0, NULL, "default");
	assert_int_equal(fake_apply(&p, g), -EOPNOTSUPP);
	assert_string_equal(err_text(),
		"allow at most 64 processes: the kernel has no pids.max here; drop "
		"--pids-limit");
}

/* Every limit alone, on both versions. Without a file name, that version refuses the limit. */
static const struct row_case {
	enum cgroup_limit limit;
	int64_t value, second;
	const char *text;
	const char *v1_file, *v1_text, *v2_file, *v2_text;
} row_cases[] = {
	{CGROUP_MEMORY_MAX, 100, 0, NULL, "memory/husk-1/c1/memory.limit_in_bytes", "100",
		V2 "memory.max", "100"},
	{CGROUP_MEMORY_MAX, -1, 1, NULL, "memory/husk-1/c1/memory.limit_in_bytes", "-1",
		V2 "memory.max", "max"},
	{CGROUP_MEMORY_SWAP, -1, 0, NULL, "memory/husk-1/c1/memory.memsw.limit_in_bytes", "-1",
		V2 "memory.swap.max", "max"},
	{CGROUP_MEMORY_LOW, 50, 0, NULL, "memory/husk-1/c1/memory.soft_limit_in_bytes", "50",
		V2 "memory.low", "50"},
	{CGROUP_MEMORY_KERNEL_TCP, 70, 0, NULL, "memory/husk-1/c1/memory.kmem.tcp.limit_in_bytes",
		"70", NULL, NULL},
	{CGROUP_MEMORY_SWAPPINESS, 0, 0, NULL, "memory/husk-1/c1/memory.swappiness", "0", NULL,
		NULL},
	{CGROUP_MEMORY_OOM_DISABLE, 1, 0, NULL, "memory/husk-1/c1/memory.oom_control", "1", NULL,
		NULL},
	{CGROUP_CPU_MAX, 5000, 0, NULL, "cpu/husk-1/c1/cpu.cfs_quota_us", "5000", V2 "cpu.max",
		"5000"},
	{CGROUP_CPU_MAX, -1, 20000, NULL, "cpu/husk-1/c1/cpu.cfs_period_us", "20000", V2 "cpu.max",
		"max 20000"},
	{CGROUP_CPU_PERIOD, 50000, 0, NULL, "cpu/husk-1/c1/cpu.cfs_period_us", "50000",
		V2 "cpu.max", "max 50000"},
	{CGROUP_CPU_BURST, 0, 0, NULL, "cpu/husk-1/c1/cpu.cfs_burst_us", "0", V2 "cpu.max.burst",
		"0"},
	{CGROUP_CPU_WEIGHT, 2000, 0, NULL, "cpu/husk-1/c1/cpu.shares", "2000", V2 "cpu.weight",
		"170"},
	{CGROUP_CPU_IDLE, 1, 0, NULL, "cpu/husk-1/c1/cpu.idle", "1", V2 "cpu.idle", "1"},
	{CGROUP_CPU_RT_PERIOD, 1000000, 0, NULL, "cpu/husk-1/c1/cpu.rt_period_us", "1000000", NULL,
		NULL},
	{CGROUP_CPU_RT_RUNTIME, 9500, 0, NULL, "cpu/husk-1/c1/cpu.rt_runtime_us", "9500", NULL,
		NULL},
	{CGROUP_CPUSET_CPUS, 0, 0, "0-1,3", "cpuset/husk-1/c1/cpuset.cpus", "0-1,3",
		V2 "cpuset.cpus", "0-1,3"},
	{CGROUP_CPUSET_MEMS, 0, 0, "0", "cpuset/husk-1/c1/cpuset.mems", "0", V2 "cpuset.mems", "0"},
	{CGROUP_PIDS_MAX, 64, 0, NULL, "pids/husk-1/c1/pids.max", "64", V2 "pids.max", "64"},
	{CGROUP_PIDS_MAX, -1, 0, NULL, "pids/husk-1/c1/pids.max", "max", V2 "pids.max", "max"},
	{CGROUP_BLKIO_WEIGHT, 750, 0, NULL, "blkio/husk-1/c1/blkio.weight", "750", V2 "io.weight",
		"default 7475"},
	{CGROUP_BLKIO_LEAF_WEIGHT, 10, 0, NULL, "blkio/husk-1/c1/blkio.leaf_weight", "10", NULL,
		NULL},
	{CGROUP_BLKIO_WEIGHT_DEVICE, 10, 0, "8:0", "blkio/husk-1/c1/blkio.weight_device", "8:0 10",
		V2 "io.weight", "8:0 1"},
	{CGROUP_BLKIO_LEAF_WEIGHT_DEVICE, 500, 0, "8:0", "blkio/husk-1/c1/blkio.leaf_weight_device",
		"8:0 500", NULL, NULL},
	{CGROUP_BLKIO_READ_BPS, 1048576, 0, "8:0", "blkio/husk-1/c1/blkio.throttle.read_bps_device",
		"8:0 1048576", V2 "io.max", "8:0 rbps=1048576"},
	{CGROUP_BLKIO_WRITE_BPS, 0, 0, "8:16", "blkio/husk-1/c1/blkio.throttle.write_bps_device",
		"8:16 0", V2 "io.max", "8:16 wbps=max"},
	{CGROUP_BLKIO_READ_IOPS, 7, 0, "8:0", "blkio/husk-1/c1/blkio.throttle.read_iops_device",
		"8:0 7", V2 "io.max", "8:0 riops=7"},
	{CGROUP_BLKIO_WRITE_IOPS, 9, 0, "8:0", "blkio/husk-1/c1/blkio.throttle.write_iops_device",
		"8:0 9", V2 "io.max", "8:0 wiops=9"},
	{CGROUP_HUGETLB, 4194304, 0, "2MB", "hugetlb/husk-1/c1/hugetlb.2MB.limit_in_bytes",
		"4194304", V2 "hugetlb.2MB.max", "4194304"},
	{CGROUP_RDMA, 2, 2000, "mlx4_0", "rdma/husk-1/c1/rdma.max",
		"mlx4_0 hca_handle=2 hca_object=2000", V2 "rdma.max",
		"mlx4_0 hca_handle=2 hca_object=2000"},
	{CGROUP_RDMA, -1, 3, "mlx4_0", "rdma/husk-1/c1/rdma.max", "mlx4_0 hca_object=3",
		V2 "rdma.max", "mlx4_0 hca_object=3"},
	{CGROUP_RDMA, 0, -1, "mlx4_0", "rdma/husk-1/c1/rdma.max", "mlx4_0 hca_handle=0",
		V2 "rdma.max", "mlx4_0 hca_handle=0"},
	{CGROUP_NET_CLASS, 1048577, 0, NULL, "net_cls/husk-1/c1/net_cls.classid", "1048577", NULL,
		NULL},
	{CGROUP_NET_PRIORITY, 5, 0, "eth0", "net_prio/husk-1/c1/net_prio.ifpriomap", "eth0 5", NULL,
		NULL},
	{CGROUP_UNIFIED, 0, 0, "memory.high=4096", NULL, NULL, V2 "memory.high", "4096"},
};

static void assert_row(
	struct cgroup *g, const struct row_case *c, const char *file, const char *text)
{
	auto_of(fake_plan) struct fake_plan p;

	fake_plan_init(&p);
	fake_limit(&p, c->limit, c->value, c->second, c->text, "config.json");
	if (file)
		fake_write(file, "");
	int r = fake_apply(&p, g);
	if (!file) {
		assert_int_equal(r, -EOPNOTSUPP);
		assert_non_null(strstr(err_text(), "has no linux.resources."));
		return;
	}
	if (r < 0)
		fail_msg("limit %d: %s", c->limit, err_text());
	assert_file(file, text);
	/* The file is removed, so that it does not disturb another case. */
	assert_int_equal(unlink(fake_path(file)), 0);
}

static void every_row_unified(void **state)
{
	auto_of(cgroup) struct cgroup *g = unified_group();
	uint64_t seen = 0;

	fake_write("tree/cgroup.subtree_control", "");
	fake_write("tree/husk-1/cgroup.subtree_control", "");
	for (size_t i = 0; i < sizeof(row_cases) / sizeof(row_cases[0]); i++) {
		assert_row(g, &row_cases[i], row_cases[i].v2_file, row_cases[i].v2_text);
		seen |= 1ULL << row_cases[i].limit;
	}
	for (int limit = 1; limit < CGROUP_LIMIT_COUNT; limit++)
		assert_true(seen >> limit & 1);
}

/* Every limit is in the order once. */
static void order_is_whole(void **state)
{
	uint64_t seen = 0;

	for (size_t i = 0; i < sizeof(limit_order) / sizeof(limit_order[0]); i++) {
		assert_false(seen >> limit_order[i].first & 1);
		seen |= 1ULL << limit_order[i].first;
		assert_true(!limit_order[i].second || !(seen >> limit_order[i].second & 1));
		seen |= limit_order[i].second ? 1ULL << limit_order[i].second : 0;
	}
	assert_int_equal(seen, (1ULL << CGROUP_LIMIT_COUNT) - 2);
}

/* All rows with different keys are written. If two have one key, the last one is used. */
static void keyed_rows(void **state)
{
	auto_of(cgroup) struct cgroup *g = unified_group();
	auto_of(fake_plan) struct fake_plan p;

	fake_write(V2 "io.max", "");
	fake_write(V2 "hugetlb.2MB.max", "");
	fake_write(V2 "hugetlb.2MB.rsvd.max", "");
	fake_write(V2 "hugetlb.1GB.max", "");
	fake_write("tree/cgroup.subtree_control", "");
	fake_write("tree/husk-1/cgroup.subtree_control", "");
	fake_plan_init(&p);
	fake_limit(&p, CGROUP_HUGETLB, 1, 0, "2MB", NULL);
	fake_limit(&p, CGROUP_HUGETLB, 2, 0, "1GB", NULL);
	fake_limit(&p, CGROUP_HUGETLB, 3, 0, "2MB", NULL);
	assert_int_equal(fake_apply(&p, g), 0);
	assert_file(V2 "hugetlb.2MB.max", "3");
	assert_file(V2 "hugetlb.2MB.rsvd.max", "3");
	assert_file(V2 "hugetlb.1GB.max", "2");
}

/* BFQ's file has version 1's scale, and is preferred. */
static void bfq_weight(void **state)
{
	auto_of(cgroup) struct cgroup *g = unified_group();
	auto_of(fake_plan) struct fake_plan all, one, none;

	fake_write(V2 "io.bfq.weight", "");
	fake_write(V2 "io.weight", "");
	fake_plan_init(&all);
	fake_limit(&all, CGROUP_BLKIO_WEIGHT, 750, 0, NULL, NULL);
	assert_int_equal(fake_apply(&all, g), 0);
	assert_file(V2 "io.bfq.weight", "750");
	fake_write(V2 "io.bfq.weight", "");
	fake_plan_init(&one);
	fake_limit(&one, CGROUP_BLKIO_WEIGHT_DEVICE, 333, 0, "8:0", NULL);
	assert_int_equal(fake_apply(&one, g), 0);
	assert_file(V2 "io.bfq.weight", "8:0 333");
	assert_file(V2 "io.weight", "");

	unlink(fake_path(V2 "io.bfq.weight"));
	unlink(fake_path(V2 "io.weight"));
	fake_write("tree/cgroup.subtree_control", "");
	fake_write("tree/husk-1/cgroup.subtree_control", "");
	fake_plan_init(&none);
	fake_limit(&none, CGROUP_BLKIO_WEIGHT, 750, 0, NULL, "config.json");
	assert_int_equal(fake_apply(&none, g), -EOPNOTSUPP);
	assert_string_equal(err_text(),
		"weigh disks with 750 of 1000: the kernel has no io.weight "
		"here; drop linux.resources.blockIO.weight");
}

/* An update changes only what it is given: quota and period may each come alone. */
static void update_of_cpu(void **state)
{
	auto_of(cgroup) struct cgroup *g = unified_group();
	auto_of(fake_plan) struct fake_plan quota, period;

	fake_write(V2 "cpu.max", "30000 100000\n");
	fake_plan_init(&period);
	fake_limit(&period, CGROUP_CPU_PERIOD, 40000, 0, NULL, NULL);
	assert_int_equal(fake_apply(&period, g), 0);
	/* The fake has no kernel that truncates the file. */
	auto_buf struct buf got = BUF_INIT;
	assert_int_equal(file_read_at(AT_FDCWD, fake_path(V2 "cpu.max"), 100, &got), 0);
	assert_int_equal(memcmp(got.data, "30000 40000", strlen("30000 40000")), 0);

	fake_write(V2 "cpu.max", "");
	fake_plan_init(&quota);
	fake_limit(&quota, CGROUP_CPU_MAX, 5000, 0, NULL, NULL);
	assert_int_equal(fake_apply(&quota, g), 0);
	assert_file(V2 "cpu.max", "5000");
}

/* The sum of memory and swap without memory: the present memory limit is used. */
static void update_of_swap(void **state)
{
	auto_of(cgroup) struct cgroup *g = unified_group();
	auto_of(fake_plan) struct fake_plan p, below, unlimited;

	fake_write(V2 "memory.swap.max", "");
	fake_write(V2 "memory.max", "100\n");
	fake_plan_init(&p);
	fake_limit(&p, CGROUP_MEMORY_SWAP, 250, 0, NULL, NULL);
	assert_int_equal(fake_apply(&p, g), 0);
	assert_file(V2 "memory.swap.max", "150");
	assert_file(V2 "memory.max", "100\n");
	fake_plan_init(&below);
	fake_limit(&below, CGROUP_MEMORY_SWAP, 99, 0, NULL, NULL);
	assert_int_equal(fake_apply(&below, g), -EINVAL);
	fake_write(V2 "memory.max", "max\n");
	fake_plan_init(&unlimited);
	fake_limit(&unlimited, CGROUP_MEMORY_SWAP, 300, 0, NULL, NULL);
	assert_int_equal(fake_apply(&unlimited, g), -EINVAL);
	assert_non_null(strstr(err_text(), "needs a limit of memory"));
}

/* checkBeforeUpdate: without the check, v2 would kill processes. */
static void memory_in_use(void **state)
{
	auto_of(cgroup) struct cgroup *g = unified_group();
	static const struct {
		int64_t bytes, second;
		int r;
	} cases[] = {{500, 0, 0}, {500, 1, -EBUSY}, {1000, 1, -EBUSY}, {1001, 1, 0}, {-1, 1, 0}};

	fake_write(V2 "memory.current", "1000\n");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_of(fake_plan) struct fake_plan p;
		fake_write(V2 "memory.max", "");
		fake_plan_init(&p);
		fake_limit(&p, CGROUP_MEMORY_MAX, cases[i].bytes, cases[i].second, NULL, NULL);
		assert_int_equal(fake_apply(&p, g), cases[i].r);
		if (cases[i].r < 0) {
			assert_non_null(strstr(err_text(), "1000 bytes are in use"));
			assert_file(V2 "memory.max", "");
		}
	}
	fake_write(V2 "memory.current", "many\n");
	auto_of(fake_plan) struct fake_plan unreadable;
	fake_plan_init(&unreadable);
	fake_limit(&unreadable, CGROUP_MEMORY_MAX, 500, 1, NULL, NULL);
	assert_int_equal(fake_apply(&unreadable, g), -EINVAL);
	assert_non_null(strstr(err_text(), "memory.current"));
}

/* Written after all others, line by line. An empty value clears the file. */
static void unified_rows(void **state)
{
	auto_of(cgroup) struct cgroup *g = unified_group();
	auto_of(fake_plan) struct fake_plan p;

	fake_write(V2 "memory.high", "");
	fake_write(V2 "io.max", "");
	fake_plan_init(&p);
	fake_limit(&p, CGROUP_UNIFIED, 0, 0, "memory.max=7", NULL);
	fake_limit(&p, CGROUP_UNIFIED, 0, 0, "cpuset.cpus=", NULL);
	fake_limit(&p, CGROUP_UNIFIED, 0, 0, "memory.high=max\n", NULL);
	fake_limit(&p, CGROUP_UNIFIED, 0, 0, "io.max=8:0 rbps=1\n\n8:16 rbps=22", NULL);
	fake_limit(&p, CGROUP_MEMORY_MAX, 5, 0, NULL, NULL);
	assert_int_equal(fake_apply(&p, g), 0);
	assert_file(V2 "memory.max", "7");
	assert_file(V2 "cpuset.cpus", "\n");
	assert_file(V2 "memory.high", "max");
	assert_file(V2 "io.max", "8:16 rbps=22"); /* the last write; the fake keeps only that */
}

/* A plan cannot name a file outside its group, nor one that moves or kills processes. */
static void files_of_the_group(void **state)
{
	static const struct {
		enum cgroup_limit limit;
		const char *text;
	} cases[] = {
		{CGROUP_UNIFIED, "../memory.max=1"},
		{CGROUP_UNIFIED, "/etc/passwd=1"},
		{CGROUP_UNIFIED, "cgroup.procs=1"},
		{CGROUP_UNIFIED, "cgroup.kill=1"},
		{CGROUP_UNIFIED, "cgroup.subtree_control=-memory"},
		{CGROUP_UNIFIED, "tasks=1"},
		{CGROUP_UNIFIED, "memory.max"},
		{CGROUP_UNIFIED, "=1"},
		{CGROUP_UNIFIED, ""},
		{CGROUP_UNIFIED, NULL},
		{CGROUP_HUGETLB, "../../x"},
		{CGROUP_HUGETLB, ""},
		{CGROUP_HUGETLB, NULL},
		{CGROUP_BLKIO_READ_BPS, NULL},
	};
	auto_of(cgroup) struct cgroup *g = unified_group();

	fake_write("tree/memory.max", "");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_of(fake_plan) struct fake_plan p;
		fake_plan_init(&p);
		fake_limit(&p, cases[i].limit, 1, 0, cases[i].text, NULL);
		if (fake_apply(&p, g) != -EINVAL)
			fail_msg("case %zu", i);
	}
	assert_file("tree/memory.max", "");
}

static void legacy_hosts(void)
{
	fake_hierarchy("memory", "memory", "/");
	fake_hierarchy("cpu,cpuacct", "cpu", "/");
	fake_hierarchy("cpuset", "cpuset", "/");
	fake_hierarchy("pids", "pids", "/");
	fake_mkdir("memory/husk-1");
	fake_mkdir("cpu/husk-1");
	fake_mkdir("cpuset/husk-1");
	fake_mkdir("pids/husk-1");
}

static void legacy_files(void **state)
{
	legacy_hosts();
	auto_of(cgroup) struct cgroup *g = GROUP_WITH("memory/husk-1/c1/memory.limit_in_bytes",
		"memory/husk-1/c1/memory.memsw.limit_in_bytes",
		"memory/husk-1/c1/memory.soft_limit_in_bytes", "cpu/husk-1/c1/cpu.cfs_quota_us",
		"cpu/husk-1/c1/cpu.cfs_period_us", "cpu/husk-1/c1/cpu.shares",
		"cpuset/husk-1/c1/cpuset.cpus", "cpuset/husk-1/c1/cpuset.mems",
		"pids/husk-1/c1/pids.max");
	auto_of(fake_plan) struct fake_plan p;

	all_limits(&p);
	assert_int_equal(fake_apply(&p, g), 0);
	assert_file("memory/husk-1/c1/memory.limit_in_bytes", "100");
	assert_file("memory/husk-1/c1/memory.memsw.limit_in_bytes", "300"); /* both together */
	assert_file("memory/husk-1/c1/memory.soft_limit_in_bytes", "50");
	assert_file("cpu/husk-1/c1/cpu.cfs_quota_us", "50000");
	assert_file("cpu/husk-1/c1/cpu.cfs_period_us", "100000");
	assert_file("cpu/husk-1/c1/cpu.shares", "1024");
	assert_file("cpuset/husk-1/c1/cpuset.cpus", "1");
	assert_file("cpuset/husk-1/c1/cpuset.mems", "0");
	assert_file("pids/husk-1/c1/pids.max", "64");
}

static int text_add(void *context, const char *file, const char *text)
{
	buf_addf(context, "%s=%s\n", file, text);
	return 0;
}

/* A program that keeps settings beside the files is told the same values that the files would get.
 * The group need not exist. */
static void texts_of_rows(void **state)
{
	auto_of(fake_plan) struct fake_plan p;
	auto_buf struct buf texts = BUF_INIT;

	all_limits(&p);
	fake_limit(&p, CGROUP_PIDS_MAX, 65, 0, NULL, "--pids-limit"); /* the last one is used */
	fake_limit(&p, CGROUP_CPU_PERIOD, 20000, 0, NULL, "update");
	fake_limit(&p, CGROUP_MEMORY_SWAPPINESS, 1, 0, NULL, "oci"); /* only of version 1 */
	fake_limit(&p, CGROUP_UNIFIED, 0, 0, "memory.high=7", "oci");
	fake_limit(&p, CGROUP_UNIFIED, 0, 0, "nothing", "oci");
	fake_plan_open(&p);
	assert_int_equal(cgroup_texts_each(NULL, &p.flat, flat_row(&p.flat, FAKE_LIMITS, 0),
				 flat_count(&p.flat, FAKE_LIMITS), text_add, &texts),
		0);
	assert_string_equal(texts.data,
		"cpuset.mems=0\ncpuset.cpus=1\ncpu.weight=100\ncpu.max=max 20000\n"
		"cpu.max=50000 100000\npids.max=65\nmemory.low=50\nmemory.max=100\n"
		"memory.swap.max=200\nmemory.high=7\n");
}

static void every_row_legacy(void **state)
{
	static const char *const names[] = {"memory", "cpu", "cpuset", "pids", "blkio", "hugetlb",
		"rdma", "net_cls", "net_prio"};
	struct cgroup *made;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		fake_hierarchy(names[i], names[i], "/");
	fake_mkdir("cpuset/husk-1"); /* exists, so it need not inherit anything */
	assert_int_equal(cgroup_create(&fake_host, "husk-1/c1", &made), 0);
	auto_of(cgroup) struct cgroup *g = made;
	for (size_t i = 0; i < sizeof(row_cases) / sizeof(row_cases[0]); i++) {
		const struct row_case *c = &row_cases[i];
		/* On version 1 quota and period are two files. */
		if (c->limit == CGROUP_CPU_MAX && c->second)
			fake_write("cpu/husk-1/c1/cpu.cfs_quota_us", "");
		assert_row(g, c, c->v1_file, c->v1_text);
	}
}

static void legacy_without_controller(void **state)
{
	fake_hierarchy("memory", "memory", "/");
	fake_mkdir("memory/husk-1");
	auto_of(cgroup) struct cgroup *g = GROUP_WITH("memory/husk-1/c1/memory.limit_in_bytes");
	auto_of(fake_plan) struct fake_plan p;

	fake_plan_init(&p);
	fake_limit(&p, CGROUP_PIDS_MAX, 64, 0, NULL, "default");
	assert_int_equal(fake_apply(&p, g), -EOPNOTSUPP);
	assert_non_null(strstr(err_text(), "\"pids\""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(order_is_whole),
		cmocka_unit_test_setup_teardown(every_row_unified, fake_setup, fake_teardown),
		cmocka_unit_test(texts_of_rows),
		cmocka_unit_test_setup_teardown(every_row_legacy, fake_setup, fake_teardown),
		cmocka_unit_test_setup_teardown(keyed_rows, fake_setup, fake_teardown),
		cmocka_unit_test_setup_teardown(bfq_weight, fake_setup, fake_teardown),
		cmocka_unit_test_setup_teardown(update_of_cpu, fake_setup, fake_teardown),
		cmocka_unit_test_setup_teardown(update_of_swap, fake_setup, fake_teardown),
		cmocka_unit_test_setup_teardown(memory_in_use, fake_setup, fake_teardown),
		cmocka_unit_test_setup_teardown(unified_rows, fake_setup, fake_teardown),
		cmocka_unit_test_setup_teardown(files_of_the_group, fake_setup, fake_teardown),
		cmocka_unit_test_setup_teardown(unified_files, fake_setup, fake_teardown),
		cmocka_unit_test_setup_teardown(unified_unlimited, fake_setup, fake_teardown),
		cmocka_unit_test_setup_teardown(missing_swap, fake_setup, fake_teardown),
		cmocka_unit_test_setup_teardown(senseless_swap, fake_setup, fake_teardown),
		cmocka_unit_test_setup_teardown(missing_file, fake_setup, fake_teardown),
		cmocka_unit_test_setup_teardown(legacy_files, fake_setup, fake_teardown),
		cmocka_unit_test_setup_teardown(
			legacy_without_controller, fake_setup, fake_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
