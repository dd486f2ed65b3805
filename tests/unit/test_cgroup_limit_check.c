/* SPDX-License-Identifier: Apache-2.0 */
/* Limits as text, and what is refused when a plan is made. */
#include "cgroup/limit_check.c"

#include "test_cgroup_temp.h"

static void assert_described(enum cgroup_limit limit, int64_t value, int64_t second,
	const char *text, const char *sentence)
{
	auto_of(fake_plan) struct fake_plan p;
	auto_buf struct buf out = BUF_INIT;

	fake_plan_init(&p);
	fake_limit(&p, limit, value, second, text, NULL);
	fake_plan_open(&p);
	cgroup_row_describe(&p.flat, flat_row(&p.flat, FAKE_LIMITS, 0), &out);
	assert_string_equal(out.data, sentence);
}

static void sentences(void **state)
{
	assert_described(
		CGROUP_MEMORY_MAX, 104857600, 0, NULL, "limit memory to 100MiB (104857600 bytes)");
	assert_described(CGROUP_MEMORY_MAX, -1, 0, NULL, "do not limit memory");
	assert_described(CGROUP_MEMORY_SWAP, 209715200, 0, NULL,
		"limit memory and swap together to 200MiB (209715200 bytes)");
	assert_described(CGROUP_MEMORY_SWAP, -1, 0, NULL, "do not limit swap");
	assert_described(
		CGROUP_MEMORY_LOW, 1048576, 0, NULL, "reserve memory of 1MiB (1048576 bytes)");
	assert_described(
		CGROUP_CPU_MAX, 50000, 100000, NULL, "limit cpu to 50000 of every 100000 us");
	assert_described(CGROUP_CPU_MAX, -1, 100000, NULL, "do not limit cpu");
	assert_described(CGROUP_CPU_WEIGHT, 512, 0, NULL, "weigh cpu with 512 shares");
	assert_described(CGROUP_CPUSET_CPUS, 0, 0, "0-1", "run on cpus 0-1");
	assert_described(CGROUP_CPUSET_MEMS, 0, 0, "0", "use memory of nodes 0");
	assert_described(CGROUP_PIDS_MAX, 64, 0, NULL, "allow at most 64 processes");
	assert_described(CGROUP_PIDS_MAX, -1, 0, NULL, "do not limit processes");
	assert_described(CGROUP_CPU_MAX, 50000, 0, NULL, "limit cpu to 50000 of every period");
	assert_described(CGROUP_BLKIO_READ_BPS, 1048576, 0, "8:0",
		"read at most 1MiB (1048576 bytes) a second from disk 8:0");
	assert_described(
		CGROUP_HUGETLB, 0, 0, "2MB", "limit memory in pages of 2MB to 0B (0 bytes)");
	assert_described(CGROUP_RDMA, 2, -1, "mlx4_0",
		"limit handles (2) and objects (unlimited) of RDMA device mlx4_0");
	assert_described(CGROUP_RDMA, -1, 7, "mlx4_0", "limit objects (7) of RDMA device mlx4_0");
	assert_described(CGROUP_UNIFIED, 0, 0, "memory.high=1\x1b[2J",
		"write memory.high=1\\x1b[2J to the cgroup");
	assert_described(CGROUP_LIMIT_COUNT, 0, 0, NULL, "an unknown limit");
}

static void checks(void **state)
{
	struct cgroup_host host = {.controllers = "memory,cpu", .count = 1};
	struct oci_limit row = {.limit = CGROUP_MEMORY_MAX, .value = 1};

	assert_int_equal(cgroup_limit_check(&host, &row), 0);
	row.value = -2;
	assert_int_equal(cgroup_limit_check(&host, &row), -EINVAL);
	row = (struct oci_limit){.limit = CGROUP_PIDS_MAX, .value = 64};
	assert_int_equal(cgroup_limit_check(&host, &row), -EOPNOTSUPP);
	assert_string_equal(err_text(),
		"the kernel has no cgroup controller \"pids\" here; mount it or drop --pids-limit");
	row.limit = CGROUP_LIMIT_COUNT;
	assert_int_equal(cgroup_limit_check(&host, &row), -EINVAL);
	row.limit = 0;
	assert_int_equal(cgroup_limit_check(&host, &row), -EINVAL);
}

/* Every limit has a name, a text, a range and at least one version that knows it. */
static void whole_table(void **state)
{
	for (uint32_t limit = 1; limit < CGROUP_LIMIT_COUNT; limit++) {
		const struct cgroup_limit_info *info = cgroup_limit_info(limit);
		int64_t min, max;
		assert_non_null(info->field);
		assert_non_null(info->says);
		assert_true(info->v1.controller || info->v2.controller);
		assert_true(!info->v1.controller || info->v1.files[0].write);
		assert_true(!info->v2.controller || info->v2.files[0].write);
		cgroup_limit_range(limit, &min, &max);
		assert_true(min <= max);
		/* -1 has a text of its own where it would otherwise be "limit to -1". */
		assert_true(min != -1 || info->says_unlimited);
	}
	assert_null(cgroup_limit_info(0));
	assert_null(cgroup_limit_info(CGROUP_LIMIT_COUNT));
}

static void names(void **state)
{
	static const struct {
		enum cgroup_limit limit;
		const char *origin, *name;
	} cases[] = {
		{CGROUP_PIDS_MAX, NULL, "--pids-limit"},
		{CGROUP_PIDS_MAX, "default", "--pids-limit"},
		{CGROUP_PIDS_MAX, "--pids-limit", "--pids-limit"},
		{CGROUP_PIDS_MAX, "config.json", "linux.resources.pids.limit"},
		{CGROUP_CPU_BURST, NULL, "linux.resources.cpu.burst"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char name[CGROUP_NAME_MAX];
		cgroup_limit_name(cgroup_limit_info(cases[i].limit), cases[i].origin, name);
		assert_string_equal(name, cases[i].name);
	}
}

#define V1_HOST "memory,cpu,cpuset,pids,blkio,hugetlb,rdma,net_cls,net_prio"
#define V2_HOST "memory,cpu,cpuset,pids,io,hugetlb,rdma"

/* One message for each version. NULL: the limit is possible. */
static void refusals(void **state)
{
	static const struct {
		struct oci_limit limit;
		const char *v1, *v2;
	} cases[] = {
		{{CGROUP_CPU_BURST, 5, 0, NULL, "config.json"}, NULL, NULL},
		{{CGROUP_CPU_IDLE, 2, 0, NULL, "config.json"},
			"linux.resources.cpu.idle: 2 is out of range",
			"linux.resources.cpu.idle: 2 is out of range"},
		{{CGROUP_MEMORY_SWAPPINESS, 60, 0, NULL, "config.json"}, NULL,
			"cgroup version 2 has no linux.resources.memory.swappiness; drop it"},
		{{CGROUP_MEMORY_SWAPPINESS, 101, 0, NULL, "config.json"},
			"linux.resources.memory.swappiness: 101 is out of range",
			"linux.resources.memory.swappiness: 101 is out of range"},
		{{CGROUP_MEMORY_OOM_DISABLE, 1, 0, NULL, "config.json"}, NULL,
			"cgroup version 2 has no linux.resources.memory.disableOOMKiller; drop it"},
		{{CGROUP_CPU_RT_RUNTIME, 1, 0, NULL, "config.json"}, NULL,
			"cgroup version 2 has no linux.resources.cpu.realtimeRuntime; drop it"},
		{{CGROUP_NET_CLASS, 1, 0, NULL, "config.json"}, NULL,
			"cgroup version 2 has no linux.resources.network.classID; drop it"},
		{{CGROUP_BLKIO_WEIGHT, 9, 0, NULL, "config.json"},
			"linux.resources.blockIO.weight: 9 is out of range",
			"linux.resources.blockIO.weight: 9 is out of range"},
		{{CGROUP_BLKIO_READ_BPS, 1, 0, NULL, "config.json"},
			"linux.resources.blockIO.throttleReadBpsDevice: it is not said for what",
			"linux.resources.blockIO.throttleReadBpsDevice: it is not said for what"},
		{{CGROUP_HUGETLB, 1, 0, "../2MB", "config.json"},
			"linux.resources.hugepageLimits: it is not said for what",
			"linux.resources.hugepageLimits: it is not said for what"},
		{{CGROUP_UNIFIED, 0, 0, "memory.high=1", "config.json"},
			"cgroup version 1 has no linux.resources.unified; drop \"memory.high\"",
			NULL},
		{{CGROUP_UNIFIED, 0, 0, "cgroup.max.depth=1", "config.json"},
			"cgroup version 1 has no linux.resources.unified; drop "
			"\"cgroup.max.depth\"",
			NULL},
		{{CGROUP_UNIFIED, 0, 0, "misc.max=x", "config.json"},
			"cgroup version 1 has no linux.resources.unified; drop \"misc.max\"",
			"the kernel has no cgroup controller \"misc\" here; mount it or drop "
			"\"misc.max\" of linux.resources.unified"},
		{{CGROUP_UNIFIED, 0, 0, "cgroup.procs=1", "config.json"},
			"linux.resources.unified: \"cgroup.procs\" is not a file of settings of a "
			"group",
			"linux.resources.unified: \"cgroup.procs\" is not a file of settings of a "
			"group"},
		{{CGROUP_UNIFIED, 0, 0, "memory.high", "config.json"},
			"linux.resources.unified: no name of a file",
			"linux.resources.unified: no name of a file"},
		{{CGROUP_UNIFIED, 0, 0, NULL, "config.json"},
			"linux.resources.unified: no name of a file",
			"linux.resources.unified: no name of a file"},
	};
	static const struct cgroup_host hosts[] = {
		{.controllers = V1_HOST, .count = 1},
		{.controllers = V2_HOST, .count = 1, .is_unified = true},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (size_t host = 0; host < 2; host++) {
			const char *words = host ? cases[i].v2 : cases[i].v1;
			int r = cgroup_limit_check(&hosts[host], &cases[i].limit);
			if (!words && r < 0)
				fail_msg("case %zu: %s", i, err_text());
			if (words) {
				assert_true(r == -EINVAL || r == -EOPNOTSUPP);
				assert_string_equal(err_text(), words);
			}
		}
	}
}

static void missing_controllers(void **state)
{
	static const struct cgroup_host host = {.controllers = "memory", .count = 1};
	struct oci_limit limit = {CGROUP_BLKIO_WEIGHT, 100, 0, NULL, "config.json"};

	assert_int_equal(cgroup_limit_check(&host, &limit), -EOPNOTSUPP);
	assert_string_equal(err_text(),
		"the kernel has no cgroup controller \"blkio\" here; mount "
		"it or drop linux.resources.blockIO.weight");
}

static void settings(void **state)
{
	static const char *const good[] = {
		"memory.high", "io.max", "cgroup.max.descendants", "hugetlb.2MB.max"};
	static const char *const bad[] = {"", "memory", "tasks", ".x", "..", "../memory.max",
		"a/b.c", "memory.high=", "memory.*", "memory.high\n", "cgroup.procs",
		"cgroup.threads", "cgroup.type", "cgroup.kill", "cgroup.freeze",
		"cgroup.subtree_control"};
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(cgroup_unified_is_setting(good[i]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(cgroup_unified_is_setting(bad[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sentences),
		cmocka_unit_test(checks),
		cmocka_unit_test(whole_table),
		cmocka_unit_test(names),
		cmocka_unit_test(refusals),
		cmocka_unit_test(missing_controllers),
		cmocka_unit_test(settings),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
