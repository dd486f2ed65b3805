/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers of both versions' files. */
#include "cgroup/stats.c"

#include "sys/fd.h"
#include "test_cgroup_temp.h"

static void parses(void **state)
{
	static const struct {
		const char *text, *key;
		int r;
		uint64_t value;
	} cases[] = {
		{"4096\n", NULL, 0, 4096},
		{"max\n", NULL, 0, 0},
		{"9223372036854771712\n", NULL, 0, 0},
		{"9223372036854710272\n", NULL, 0, 0}, /* pages of 64 KiB */
		{"1099511627776\n", NULL, 0, 1099511627776},
		{"usage_usec 7\nuser_usec 5\n", "usage_usec", 0, 7},
		{"usage_usec 7\nuser_usec 5\n", "user_usec", 0, 5},
		{"oom 3\noom_kill 2\noom_group_kill 0\n", "oom_kill", 0, 2},
		{"oom_kill_disable 0\nunder_oom 0\noom_kill 1\n", "oom_kill", 0, 1},
		{"oom_kill_disable 0\nunder_oom 0\n", "oom_kill", -ENODATA, 0},
		{"oom_kill\n", "oom_kill", -ENODATA, 0},
		{"", "oom_kill", -ENODATA, 0},
		{"", NULL, -EBADMSG, 0},
		{"-1\n", NULL, -EBADMSG, 0},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_free char *text = mem_strdup(cases[i].text);
		uint64_t value = 0;
		assert_int_equal(stat_parse(text, cases[i].key, 0, &value), cases[i].r);
		if (cases[i].r == 0)
			assert_int_equal(value, cases[i].value);
	}
}

static void unified_stats(void **state)
{
	struct cgroup *g = NULL;
	struct cgroup_stats stats;

	fake_unified();
	fake_mkdir("tree/c1");
	assert_int_equal(cgroup_open(&fake_host, "c1", &g), 0);
	auto_of(cgroup) struct cgroup *closed = g;
	assert_int_equal(cgroup_stats_load(g, &stats), 0);
	assert_int_equal(stats.memory_bytes, 0);
	fake_write("tree/c1/memory.current", "1000\n");
	fake_write("tree/c1/memory.max", "2000\n");
	fake_write("tree/c1/memory.events", "low 0\noom 1\noom_kill 3\n");
	fake_write("tree/c1/cpu.stat", "usage_usec 12\n");
	fake_write("tree/c1/pids.current", "4\n");
	fake_write("tree/c1/pids.max", "max\n");
	assert_int_equal(cgroup_stats_load(g, &stats), 0);
	const struct cgroup_stats expected = {1000, 2000, 12000, 4, 0, 3};
	assert_memory_equal(&stats, &expected, sizeof(stats));
	fake_write("tree/c1/memory.events", "oom_kill many\n");
	uint64_t kills = 5;
	auto_close int oom = cgroup_oom_open(g);
	assert_int_equal(cgroup_oom_kills(oom, &kills), -EBADMSG);
	assert_int_equal(kills, 5);
	assert_int_equal(unlink(fake_path("tree/c1/memory.events")), 0);
	assert_int_equal(cgroup_oom_open(g), -EBADF);
	assert_int_equal(cgroup_oom_kills(-EBADF, &kills), -EBADF);
}

static void legacy_stats(void **state)
{
	struct cgroup *g = NULL;
	struct cgroup_stats stats;

	fake_hierarchy("memory", "memory", "/");
	fake_hierarchy("cpu,cpuacct", "cpu", "/");
	fake_mkdir("memory/c1");
	fake_mkdir("cpu/c1");
	assert_int_equal(cgroup_open(&fake_host, "c1", &g), 0);
	auto_of(cgroup) struct cgroup *closed = g;
	fake_write("memory/c1/memory.usage_in_bytes", "1000\n");
	fake_write("memory/c1/memory.limit_in_bytes", "9223372036854771712\n");
	fake_write("memory/c1/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n");
	fake_write("cpu/c1/cpuacct.usage", "123456789\n");
	assert_int_equal(cgroup_stats_load(g, &stats), 0);
	const struct cgroup_stats expected = {1000, 0, 123456789, 0, 0, 1};
	assert_memory_equal(&stats, &expected, sizeof(stats));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parses),
		cmocka_unit_test_setup_teardown(unified_stats, fake_setup, fake_teardown),
		cmocka_unit_test_setup_teardown(legacy_stats, fake_setup, fake_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
