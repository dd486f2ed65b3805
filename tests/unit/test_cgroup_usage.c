/* SPDX-License-Identifier: Apache-2.0 */
/* Every number in the files of both versions, and files in another format than the kernel's. */
#include "cgroup/usage.c"

#include "sys/fd.h"
#include "test_cgroup_temp.h"

static struct cgroup *open_group(void)
{
	struct cgroup *g;
	assert_int_equal(cgroup_open(&fake_host, "c1", &g), 0);
	return g;
}

static void assert_counter(const struct cgroup_counter *c, uint64_t usage, uint64_t max,
	uint64_t limit, uint64_t failures)
{
	assert_int_equal(c->usage, usage);
	assert_int_equal(c->max, max);
	assert_int_equal(c->limit, limit);
	assert_int_equal(c->failures, failures);
}

static void assert_disk(const struct cgroup_disk_count *c, uint32_t major, uint32_t minor,
	const char *operation, uint64_t value)
{
	assert_int_equal(c->major, major);
	assert_int_equal(c->minor, minor);
	assert_string_equal(c->operation, operation);
	assert_int_equal(c->value, value);
}

static void unified_usage(void **state)
{
	auto_arena struct arena a = ARENA_INIT;
	struct cgroup_usage u;

	fake_unified();
	fake_mkdir("tree/c1");
	auto_of(cgroup) struct cgroup *g = open_group();
	/* A missing file means that nothing is used. */
	assert_int_equal(cgroup_usage_load(g, &a, &u), 0);
	assert_counter(&u.memory, 0, 0, 0, 0);
	assert_int_equal(u.memory_stat.count + u.disk_bytes.count + u.pages.count, 0);

	fake_write("tree/c1/cpu.stat",
		"usage_usec 12\nuser_usec 7\nsystem_usec 5\nnr_periods 3\nnr_throttled 2\n"
		"throttled_usec 9\n");
	fake_write("tree/c1/memory.current", "1000\n");
	fake_write("tree/c1/memory.peak", "1500\n");
	fake_write("tree/c1/memory.max", "2000\n");
	fake_write("tree/c1/memory.events", "low 0\nhigh 0\nmax 4\noom 0\noom_kill 0\n");
	fake_write("tree/c1/memory.swap.current", "10\n");
	fake_write("tree/c1/memory.swap.max", "0\n");
	fake_write("tree/c1/memory.swap.events", "high 0\nmax 6\nfail 0\n");
	fake_write("tree/c1/memory.stat", "anon 600\nfile 300\nkernel 100\n");
	fake_write("tree/c1/pids.current", "4\n");
	fake_write("tree/c1/pids.max", "max\n");
	fake_write("tree/c1/io.stat",
		"8:0 rbytes=4096 wbytes=1 rios=2 wios=3 dbytes=5 dios=6\n8:16 \n"
		"259:1 rbytes=7 cost.usage=99\n");
	fake_write("tree/c1/hugetlb.2MB.current", "4194304\n");
	fake_write("tree/c1/hugetlb.2MB.max", "8388608\n");
	fake_write("tree/c1/hugetlb.2MB.events", "max 1\n");
	fake_write("tree/c1/hugetlb.2MB.rsvd.current", "77\n");
	fake_write("tree/c1/hugetlb.1GB.current", "0\n");
	fake_write("tree/c1/hugetlb.1GB.max", "max\n");
	assert_int_equal(cgroup_usage_load(g, &a, &u), 0);
	assert_int_equal(u.cpu_ns, 12000);
	assert_int_equal(u.cpu_user_ns, 7000);
	assert_int_equal(u.cpu_kernel_ns, 5000);
	assert_int_equal(u.periods, 3);
	assert_int_equal(u.throttled_periods, 2);
	assert_int_equal(u.throttled_ns, 9000);
	assert_int_equal(u.processors_ns.count, 0);
	assert_counter(&u.memory, 1000, 1500, 2000, 4);
	assert_counter(&u.swap, 1010, 0, 2000, 6); /* together with memory */
	assert_counter(&u.kernel, 100, 0, 0, 0);
	assert_int_equal(u.cache_bytes, 300);
	assert_int_equal(u.memory_stat.count, 3);
	assert_string_equal(u.memory_stat.items[2].key, "kernel");
	assert_int_equal(u.memory_stat.items[2].value, 100);
	assert_int_equal(u.pids, 4);
	assert_int_equal(u.pids_limit, UINT64_MAX);
	assert_int_equal(u.disk_bytes.count, 4);
	assert_disk(&u.disk_bytes.items[0], 8, 0, "Read", 4096);
	assert_disk(&u.disk_bytes.items[1], 8, 0, "Write", 1);
	assert_disk(&u.disk_bytes.items[2], 8, 0, "Discard", 5);
	assert_disk(&u.disk_bytes.items[3], 259, 1, "Read", 7);
	assert_int_equal(u.disk_operations.count, 3);
	assert_disk(&u.disk_operations.items[2], 8, 0, "Discard", 6);
	assert_int_equal(u.pages.count, 2);
	assert_string_equal(u.pages.items[0].size, "1GB");
	assert_counter(&u.pages.items[0].counter, 0, 0, UINT64_MAX, 0);
	assert_string_equal(u.pages.items[1].size, "2MB");
	assert_counter(&u.pages.items[1].counter, 4194304, 0, 8388608, 1);

	/* If memory or swap has no limit, their sum has none. */
	fake_write("tree/c1/memory.max", "max\n");
	assert_int_equal(cgroup_usage_load(g, &a, &u), 0);
	assert_int_equal(u.memory.limit, UINT64_MAX);
	assert_int_equal(u.swap.limit, UINT64_MAX);
	fake_write("tree/c1/memory.max", "5\n");
	fake_write("tree/c1/memory.swap.max", "max\n");
	assert_int_equal(cgroup_usage_load(g, &a, &u), 0);
	assert_int_equal(u.swap.limit, UINT64_MAX);
}

static void legacy_usage(void **state)
{
	auto_arena struct arena a = ARENA_INIT;
	struct cgroup_usage u;
	static const char *const names[] = {"memory", "cpu", "cpuacct", "pids", "blkio", "hugetlb"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char path[32];
		fake_hierarchy(names[i], names[i], "/");
		fmt(path, "%s/c1", names[i]);
		fake_mkdir(path);
	}
	auto_of(cgroup) struct cgroup *g = open_group();
	fake_write("cpuacct/c1/cpuacct.usage", "123456789\n");
	fake_write("cpuacct/c1/cpuacct.usage_user", "100\n");
	fake_write("cpuacct/c1/cpuacct.usage_sys", "200\n");
	fake_write("cpuacct/c1/cpuacct.usage_percpu", "11 0 22 \n");
	fake_write("cpu/c1/cpu.stat", "nr_periods 1\nnr_throttled 2\nthrottled_time 3\n");
	fake_write("memory/c1/memory.usage_in_bytes", "1000\n");
	fake_write("memory/c1/memory.max_usage_in_bytes", "1100\n");
	fake_write("memory/c1/memory.limit_in_bytes", "9223372036854771712\n");
	fake_write("memory/c1/memory.failcnt", "5\n");
	fake_write("memory/c1/memory.memsw.usage_in_bytes", "1200\n");
	fake_write("memory/c1/memory.memsw.limit_in_bytes", "5000\n");
	fake_write("memory/c1/memory.kmem.usage_in_bytes", "50\n");
	fake_write("memory/c1/memory.kmem.tcp.usage_in_bytes", "60\n");
	fake_write("memory/c1/memory.stat", "cache 70\nrss 80\n");
	fake_write("pids/c1/pids.current", "3\n");
	fake_write("pids/c1/pids.max", "9\n");
	fake_write("blkio/c1/blkio.throttle.io_service_bytes_recursive",
		"8:0 Read 4096\n8:0 Total 4096\nTotal 4096\n");
	fake_write("blkio/c1/blkio.throttle.io_serviced_recursive", "8:0 Read 1\nTotal 1\n");
	fake_write("hugetlb/c1/hugetlb.2MB.usage_in_bytes", "1\n");
	fake_write("hugetlb/c1/hugetlb.2MB.max_usage_in_bytes", "2\n");
	fake_write("hugetlb/c1/hugetlb.2MB.limit_in_bytes", "3\n");
	fake_write("hugetlb/c1/hugetlb.2MB.failcnt", "4\n");
	assert_int_equal(cgroup_usage_load(g, &a, &u), 0);
	assert_int_equal(u.cpu_ns, 123456789);
	assert_int_equal(u.cpu_user_ns, 100);
	assert_int_equal(u.cpu_kernel_ns, 200);
	assert_int_equal(u.throttled_ns, 3);
	assert_int_equal(u.processors_ns.count, 3);
	assert_int_equal(u.processors_ns.items[2], 22);
	assert_counter(&u.memory, 1000, 1100, UINT64_MAX, 5);
	assert_counter(&u.swap, 1200, 0, 5000, 0);
	assert_int_equal(u.kernel.usage, 50);
	assert_int_equal(u.kernel_tcp.usage, 60);
	assert_int_equal(u.cache_bytes, 70);
	assert_int_equal(u.memory_stat.count, 2);
	assert_int_equal(u.pids_limit, 9);
	assert_int_equal(u.disk_bytes.count, 2);
	assert_disk(&u.disk_bytes.items[1], 8, 0, "Total", 4096);
	assert_int_equal(u.disk_operations.count, 1);
	assert_int_equal(u.pages.count, 1);
	assert_counter(&u.pages.items[0].counter, 1, 2, 3, 4);

	/* BFQ's numbers are preferred. */
	fake_write("blkio/c1/blkio.bfq.io_service_bytes_recursive", "8:0 Read 5\nTotal 5\n");
	assert_int_equal(cgroup_usage_load(g, &a, &u), 0);
	assert_int_equal(u.disk_bytes.count, 1);
	assert_disk(&u.disk_bytes.items[0], 8, 0, "Read", 5);
}

/* Files of the group whose content is not the kernel's. */
static void broken_files(void **state)
{
	static const struct {
		const char *name, *text;
	} cases[] = {
		{"memory.stat", "anon\n"},
		{"memory.stat", "anon -1\n"},
		{"memory.stat", "anon 1 2\n"},
		{"memory.current", "many\n"},
		{"cpu.stat", "usage_usec x\n"},
		{"io.stat", "8 rbytes=1\n"},
		{"io.stat", "x:y rbytes=1\n"},
		{"io.stat", "8:0 rbytes\n"},
		{"io.stat", "8:0 rbytes=\n"},
		{"hugetlb.2MB.current", "\n"},
	};
	fake_unified();
	fake_mkdir("tree/c1");
	auto_of(cgroup) struct cgroup *g = open_group();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_arena struct arena a = ARENA_INIT;
		struct cgroup_usage u = {.cpu_ns = 7};
		char path[64];
		fmt(path, "tree/c1/%s", cases[i].name);
		fake_write(path, cases[i].text);
		if (cgroup_usage_load(g, &a, &u) != -EBADMSG)
			fail_msg("%s: %s", cases[i].name, cases[i].text);
		assert_non_null(strstr(err_text(), cases[i].name));
		assert_int_equal(u.cpu_ns, 7); /* untouched */
		assert_int_equal(unlink(fake_path(path)), 0);
	}
}

static void broken_legacy_files(void **state)
{
	static const struct {
		const char *name, *text;
	} cases[] = {
		{"blkio.throttle.io_serviced_recursive", "8:0 Read\n"},
		{"blkio.throttle.io_serviced_recursive", "8 Read 1\n"},
		{"blkio.throttle.io_serviced_recursive", "8:0 Read x\n"},
		{"cpuacct.usage_percpu", "1 x\n"},
	};
	fake_hierarchy("cpuacct,blkio", "both", "/");
	fake_mkdir("both/c1");
	auto_of(cgroup) struct cgroup *g = open_group();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_arena struct arena a = ARENA_INIT;
		struct cgroup_usage u;
		char path[64];
		fmt(path, "both/c1/%s", cases[i].name);
		fake_write(path, cases[i].text);
		assert_int_equal(cgroup_usage_load(g, &a, &u), -EBADMSG);
		assert_non_null(strstr(err_text(), cases[i].name));
		assert_int_equal(unlink(fake_path(path)), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(unified_usage, fake_setup, fake_teardown),
		cmocka_unit_test_setup_teardown(legacy_usage, fake_setup, fake_teardown),
		cmocka_unit_test_setup_teardown(broken_files, fake_setup, fake_teardown),
		cmocka_unit_test_setup_teardown(broken_legacy_files, fake_setup, fake_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
