/* SPDX-License-Identifier: Apache-2.0 */
/* Device rules as sentences and as lines for v1. */
#include "cgroup/devices.c"

#include "test_cgroup_temp.h"

static struct cgroup_device_row rule(
	bool is_allowed, char type, int major, int minor, uint32_t access)
{
	return (struct cgroup_device_row){.is_allowed = is_allowed,
		.type = (uint32_t)type,
		.major = major,
		.minor = minor,
		.access = access};
}

static void sentences(void **state)
{
	static const char *const sentences[] = {"allow device c 1:3 rwm", "deny device a *:* rwm",
		"allow device b 8:* r", "deny device c *:7 wm"};
	const struct cgroup_device_row rules[] = {rule(true, 'c', 1, 3, 7),
		rule(false, 'a', -1, -1, 7), rule(true, 'b', 8, -1, 1), rule(false, 'c', -1, 7, 6)};
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		auto_buf struct buf out = BUF_INIT;
		cgroup_device_describe(NULL, &rules[i], &out);
		assert_string_equal(out.data, sentences[i]);
	}
}

static struct cgroup *legacy_group(void)
{
	struct cgroup *g = NULL;

	fake_hierarchy("devices", "devices", "/");
	fake_mkdir("devices/c1");
	fake_write("devices/c1/devices.allow", "");
	fake_write("devices/c1/devices.deny", "");
	assert_int_equal(cgroup_open(&fake_host, "c1", &g), 0);
	return g;
}

static void lines(void **state)
{
	auto_of(cgroup) struct cgroup *g = legacy_group();
	const struct cgroup_device_row rules[] = {rule(false, 'a', -1, -1, 7),
		rule(true, 'c', 1, 3, 7), rule(true, 'c', 136, -1, 3), rule(true, 'a', 7, 1, 1),
		rule(false, 'b', 7, 2, 2)};

	assert_int_equal(cgroup_devices_apply(g, rules, 5), 0);
	/* To the kernel "a 7:1 r" would mean every device. */
	assert_file("devices/c1/devices.allow", "c 1:3 rwm\nc 136:* rw\nb 7:1 r\nc 7:1 r\n");
	assert_file("devices/c1/devices.deny", "a\nb 7:2 w\n");
}

static void denied_first(void **state)
{
	auto_of(cgroup) struct cgroup *g = legacy_group();
	const struct cgroup_device_row rules[] = {rule(true, 'c', 1, 3, 7)};

	assert_int_equal(cgroup_devices_apply(g, rules, 0), 0);
	assert_file("devices/c1/devices.deny", "");
	assert_int_equal(cgroup_devices_apply(g, rules, 1), 0);
	assert_file("devices/c1/devices.deny", "a\n");
	assert_file("devices/c1/devices.allow", "c 1:3 rwm\n");
}

static void bad_rules(void **state)
{
	auto_of(cgroup) struct cgroup *g = legacy_group();
	const struct cgroup_device_row rules[] = {
		rule(true, 'x', 1, 3, 7), rule(true, 'c', 1, 3, 0), rule(true, 'c', 1, 3, 8)};

	for (size_t i = 0; i < 3; i++)
		assert_int_equal(cgroup_devices_apply(g, &rules[i], 1), -EINVAL);
	assert_file("devices/c1/devices.deny", "");
	assert_int_equal(unlink(fake_path("devices/c1/devices.allow")), 0);
	const struct cgroup_device_row good = rule(true, 'c', 1, 3, 7);
	assert_int_equal(cgroup_devices_apply(g, &good, 1), -ENOENT);
	assert_file("devices/c1/devices.deny", "");
}

static void nothing_for_devices(void **state)
{
	struct cgroup *g = NULL;
	const struct cgroup_device_row good = rule(true, 'c', 1, 3, 7);

	fake_hierarchy("memory", "memory", "/");
	fake_mkdir("memory/c1");
	assert_int_equal(cgroup_open(&fake_host, "c1", &g), 0);
	assert_int_equal(cgroup_devices_apply(g, &good, 1), -EOPNOTSUPP);
	cgroup_close(g);
}

#define FAKE(test) cmocka_unit_test_setup_teardown(test, fake_setup, fake_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(sentences), FAKE(lines),
		FAKE(denied_first), FAKE(bad_rules), FAKE(nothing_for_devices)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
