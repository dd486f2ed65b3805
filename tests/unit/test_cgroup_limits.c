/* SPDX-License-Identifier: Apache-2.0 */
/* Limits as sentences and as the bytes that both versions of the files get. */
#include "cgroup/limits.c"

#include "sys/fd.h"
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
}

static void checks(void **state)
{
	struct cgroup_host host = {.controllers = "memory,cpu", .count = 1};
	struct cgroup_row row = {.limit = CGROUP_MEMORY_MAX, .value = 1};

	assert_int_equal(cgroup_limit_check(&host, &row), 0);
	row.value = -2;
	assert_int_equal(cgroup_limit_check(&host, &row), -EINVAL);
	row = (struct cgroup_row){.limit = CGROUP_PIDS_MAX, .value = 64};
	assert_int_equal(cgroup_limit_check(&host, &row), -EOPNOTSUPP);
	assert_string_equal(err_text(),
		"the kernel has no cgroup controller \"pids\" here; mount it or drop --pids-limit");
	row.limit = CGROUP_LIMIT_COUNT;
	assert_int_equal(cgroup_limit_check(&host, &row), -EINVAL);
	row.limit = 0;
	assert_int_equal(cgroup_limit_check(&host, &row), -EINVAL);
	for (uint32_t limit = 1; limit < CGROUP_LIMIT_COUNT; limit++) {
		assert_non_null(limit_infos[limit].describe);
		assert_non_null(limit_infos[limit].v1[0].write);
		assert_non_null(limit_infos[limit].v2[0].write);
	}
}

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

/* The tree's own files exist already, so that nothing needs to be enabled. */
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
	assert_file(V2 "memory.swap.max", "200"); /* what is left of both for swap */
	assert_file(V2 "memory.low", "50");
	assert_file(V2 "cpu.max", "50000 100000");
	assert_file(V2 "cpu.weight", "39");
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
	fake_limit(&p, CGROUP_PIDS_MAX, -1, 0, NULL, NULL); /* the later one */
	fake_write("tree/cgroup.subtree_control", "");
	fake_write("tree/husk-1/cgroup.subtree_control", "");
	assert_int_equal(fake_apply(&p, g), 0);
	assert_file(V2 "memory.max", "max");
	assert_file(V2 "cpu.max", "max 100000");
	assert_file(V2 "pids.max", "max");
}

/* Shares 2, 1024 and 262144 are weights 1, 39 and 10000; beyond them nothing changes. */
static void weights(void **state)
{
	static const struct {
		int64_t shares;
		const char *weight;
	} cases[] = {{0, "1"}, {2, "1"}, {1024, "39"}, {262144, "10000"}, {9999999, "10000"}};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_buf struct buf out = BUF_INIT;
		struct cgroup_row row = {.limit = CGROUP_CPU_WEIGHT, .value = cases[i].shares};
		write_weight(&(struct limit_value){.row = &row}, &out);
		assert_string_equal(out.data, cases[i].weight);
	}
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
	/* It had tried to get the file by enabling controllers. */
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
		cmocka_unit_test(sentences),
		cmocka_unit_test(checks),
		cmocka_unit_test(weights),
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
