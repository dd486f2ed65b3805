/* SPDX-License-Identifier: Apache-2.0 */
/* Names of units and slices as in runc and systemd, and limits as properties. */
#include "runtime/unit.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static void test_names(void **state)
{
	static const struct {
		const char *text, *name, *slice, *path;
		bool is_user;
	} rows[] = {
		{NULL, "husk-id1.scope", "system.slice", "system.slice/husk-id1.scope", false},
		{"", "husk-id1.scope", "user.slice", "user.slice/husk-id1.scope", true},
		{"system.slice:docker:abc", "docker-abc.scope", "system.slice",
			"system.slice/docker-abc.scope", false},
		{":libpod:abc", "libpod-abc.scope", "user.slice", "user.slice/libpod-abc.scope",
			true},
		{"machine-libpod_pod_1.slice:libpod:x", "libpod-x.scope",
			"machine-libpod_pod_1.slice",
			"machine.slice/machine-libpod_pod_1.slice/libpod-x.scope", false},
		{"a-b-c.slice:p:x", "p-x.scope", "a-b-c.slice",
			"a.slice/a-b.slice/a-b-c.slice/p-x.scope", false},
		{"-.slice:p:x", "p-x.scope", "-.slice", "p-x.scope", false},
		{"a.slice::x", "-x.scope", "a.slice", "a.slice/-x.scope", false},
		{"::a-b.slice", "a-b.slice", "system.slice", "a.slice/a-b.slice", false},
	};
	auto_arena struct arena a = ARENA_INIT;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct runtime_unit unit;
		assert_int_equal(
			runtime_unit_parse(rows[i].text, "id1", rows[i].is_user, &a, &unit), 0);
		assert_string_equal(unit.name, rows[i].name);
		assert_string_equal(unit.slice, rows[i].slice);
		assert_string_equal(runtime_unit_path(&unit, &a), rows[i].path);
	}
}

static void test_no_names(void **state)
{
	static const char *const texts[] = {"/a/b", "a", "a.slice:b", "a.slice:b:c:d", "a:b:c",
		".slice:b:c", "a-.slice:b:c", "-a.slice:b:c", "a--b.slice:b:c", "a/b.slice:b:c",
		"../a.slice:b:c", "a.slice:b:c/d", "a.slice:b:c d", "a.slice:b:c\n", "a.slice:.:c",
		"a.slice:b:c@1", "::-.slice.slice", "::a--b.slice", "a.slice:b:\xc3\xa4"};
	auto_arena struct arena a = ARENA_INIT;
	struct runtime_unit unit;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_int_equal(runtime_unit_parse(texts[i], "id1", false, &a, &unit), -EINVAL);
		assert_non_null(strstr(err_text(), "config.json: linux.cgroupsPath: "));
	}
	char id[UNIT_NAME_MAX + 1];
	memset(id, 'a', sizeof(id) - 1);
	id[sizeof(id) - 1] = '\0';
	assert_int_equal(runtime_unit_parse(NULL, id, false, &a, &unit), -EINVAL);
	assert_int_equal(runtime_unit_parse(NULL, "a+b", false, &a, &unit), -EINVAL);
}

static void assert_limit(
	const char *file, const char *text, unsigned version, const struct dbus_writer *wanted)
{
	auto_of(dbus_writer) struct dbus_writer got = DBUS_WRITER_INIT;
	runtime_unit_limit(&got, version, file, text);
	assert_int_equal(got.bytes.len, wanted->bytes.len);
	assert_memory_equal(got.bytes.data, wanted->bytes.data, wanted->bytes.len);
}

static void test_numbers(void **state)
{
	static const struct {
		const char *file, *text, *property;
		uint64_t value;
	} rows[] = {
		{"memory.max", "67108864", "MemoryMax", 67108864},
		{"memory.max", "max", "MemoryMax", UINT64_MAX},
		{"memory.high", "1", "MemoryHigh", 1},
		{"memory.low", "2", "MemoryLow", 2},
		{"memory.min", "3", "MemoryMin", 3},
		{"memory.swap.max", "0", "MemorySwapMax", 0},
		{"pids.max", "20", "TasksMax", 20},
		{"cpu.weight", "100", "CPUWeight", 100},
		{"cpu.idle", "1", "CPUWeight", 0},
		{"io.bfq.weight", "10", "IOWeight", 10},
		{"io.bfq.weight", "100", "IOWeight", 100},
		{"io.bfq.weight", "1000", "IOWeight", 10000},
		{"cpu.max", "50000", "CPUQuotaPerSecUSec", 500000},
		{"cpu.max", "max", "CPUQuotaPerSecUSec", UINT64_MAX},
		{"cpu.max", "1", "CPUQuotaPerSecUSec", 10000},
		{"cpu.max", "12345", "CPUQuotaPerSecUSec", 130000},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		auto_of(dbus_writer) struct dbus_writer wanted = DBUS_WRITER_INIT;
		property_u64(&wanted, rows[i].property, rows[i].value);
		assert_limit(rows[i].file, rows[i].text, 252, &wanted);
	}
}

static void test_period(void **state)
{
	auto_of(dbus_writer) struct dbus_writer wanted = DBUS_WRITER_INIT;
	property_u64(&wanted, "CPUQuotaPerSecUSec", 2000000);
	property_u64(&wanted, "CPUQuotaPeriodUSec", 25000);
	assert_limit("cpu.max", "50000 25000", 252, &wanted);
}

static void test_sets(void **state)
{
	auto_of(dbus_writer) struct dbus_writer wanted = DBUS_WRITER_INIT;
	property_begin(&wanted, "AllowedCPUs", "ay");
	dbus_put_bytes(&wanted, (const char[]){(char)0x8b, 1}, 2);
	assert_limit("cpuset.cpus", "0-1,3,7-8", 252, &wanted);
	auto_of(dbus_writer) struct dbus_writer node = DBUS_WRITER_INIT;
	property_begin(&node, "AllowedMemoryNodes", "ay");
	dbus_put_bytes(&node, (const char[]){1}, 1);
	assert_limit("cpuset.mems", "0", 252, &node);
}

/* Values that systemd does not know or would misunderstand are not sent to it. Only the cgroup file
 * gets them. */
static void test_nothing(void **state)
{
	static const struct {
		const char *file, *text;
	} rows[] = {
		{"memory.oom.group", "1"},
		{"io.bfq.weight", "8:0 100"},
		{"io.max", "8:0 rbps=1"},
		{"hugetlb.2MB.max", "0"},
		{"cpu.max", ""},
		{"cpu.max", "a b"},
		{"cpu.max", "1 0"},
		{"cpu.max", "1 2 3"},
		{"cpu.max", "18446744073709551614 2"},
		{"cpu.idle", "0"},
		{"memory.max", "1g"},
		{"cpuset.cpus", ""},
		{"cpuset.cpus", "3-1"},
		{"cpuset.cpus", "0-8192"},
		{"cpuset.cpus", "0-99999999"},
		{"cpuset.cpus", "0-"},
		{"cpuset.cpus", "0-7:1/2"},
	};
	auto_of(dbus_writer) struct dbus_writer none = DBUS_WRITER_INIT;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_limit(rows[i].file, rows[i].text, 252, &none);
	assert_limit("cpu.idle", "1", 251, &none); /* 0 was not a valid weight */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_no_names),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_period),
		cmocka_unit_test(test_sets),
		cmocka_unit_test(test_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
