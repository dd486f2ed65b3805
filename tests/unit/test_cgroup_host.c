/* SPDX-License-Identifier: Apache-2.0 */
/* The cgroups of a machine, from the texts of all kinds of machines. */
#include "cgroup/host.c"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static const struct cgroup_hierarchy *hierarchy(
	const struct cgroup_host *host, const char *controllers)
{
	for (size_t i = 0; i < host->count; i++) {
		if (str_eq(host->hierarchies[i].controllers, controllers))
			return &host->hierarchies[i];
	}
	fail_msg("no hierarchy \"%s\"", controllers);
	return NULL;
}

static void assert_hierarchy(const struct cgroup_host *host, const char *controllers,
	const char *mount_point, const char *own_path)
{
	const struct cgroup_hierarchy *h = hierarchy(host, controllers);
	assert_string_equal(h->mount_point, mount_point);
	assert_string_equal(h->own_path, own_path);
}

/* Each v1 controller mounted by itself, and an unused v2 tree. */
static void hybrid_single(void **state)
{
	struct cgroup_host host;
	int r = cgroup_host_parse(
		"23 27 0:22 / /sys rw,relatime - sysfs sysfs rw\n"
		"27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard\n"
		"31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n"
		"32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu\n"
		"33 31 0:30 / /sys/fs/cgroup/cpuacct rw,relatime - cgroup cgroup rw,cpuacct\n"
		"34 31 0:31 / /sys/fs/cgroup/cpuset rw,relatime - cgroup cgroup rw,cpuset\n"
		"35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n"
		"40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,name=systemd\n"
		"41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n",
		"11:pids:/\n10:net_cls,net_prio:/\n9:name=systemd:/\n4:memory:/api/47bf\n"
		"3:cpuset:/\n2:cpuacct:/\n1:cpu:/\n0::/\n",
		&host);
	assert_int_equal(r, 0);
	assert_false(host.is_unified);
	assert_int_equal(host.count, 6);
	assert_hierarchy(&host, "cpu", "/sys/fs/cgroup/cpu", "/");
	assert_hierarchy(&host, "cpuacct", "/sys/fs/cgroup/cpuacct", "/");
	assert_hierarchy(&host, "memory", "/sys/fs/cgroup/memory", "/api/47bf");
	assert_hierarchy(&host, "name=systemd", "/sys/fs/cgroup/systemd", "/");
	assert_string_equal(host.hierarchies[5].controllers, "");
	assert_string_equal(host.hierarchies[5].mount_point, "/sys/fs/cgroup/unified");
	assert_string_equal(host.controllers, "memory,cpuset,cpuacct,cpu");
	assert_string_equal(host.unreachable, "pids,net_cls,net_prio");
	assert_true(cgroup_has_controller(&host, "cpu"));
	assert_false(cgroup_has_controller(&host, "pids"));
	assert_false(cgroup_has_controller(&host, "devices"));
}

/* systemd mounts cpu and cpuacct together. The order of the mount's options may differ from the
 * kernel's. */
static void hybrid_systemd(void **state)
{
	struct cgroup_host host;
	int r = cgroup_host_parse(
		"22 1 8:1 / / rw shared:1 - ext4 /dev/sda1 rw\n"
		"24 22 0:21 / /sys rw,nosuid shared:7 - sysfs sysfs rw\n"
		"30 24 0:25 / /sys/fs/cgroup ro,nosuid shared:9 - tmpfs tmpfs ro,mode=755\n"
		"31 30 0:26 / /sys/fs/cgroup/unified rw,nosuid shared:10 - cgroup2 cgroup2 "
		"rw,nsdelegate\n"
		"32 30 0:27 / /sys/fs/cgroup/systemd rw shared:11 - cgroup cgroup "
		"rw,xattr,name=systemd\n"
		"35 30 0:30 / /sys/fs/cgroup/cpu,cpuacct rw shared:15 master:3 - cgroup cgroup "
		"rw,cpuacct,cpu\n"
		"36 30 0:31 / /sys/fs/cgroup/net_cls,net_prio rw shared:16 - cgroup cgroup "
		"rw,net_cls,net_prio\n",
		"5:net_cls,net_prio:/\n4:cpu,cpuacct:/user.slice\n"
		"1:name=systemd:/user.slice/user-0.slice/session-1.scope\n"
		"0::/user.slice/user-0.slice/session-1.scope\n",
		&host);
	assert_int_equal(r, 0);
	assert_false(host.is_unified);
	assert_int_equal(host.count, 4);
	assert_hierarchy(&host, "cpu,cpuacct", "/sys/fs/cgroup/cpu,cpuacct", "/user.slice");
	assert_hierarchy(&host, "name=systemd", "/sys/fs/cgroup/systemd",
		"/user.slice/user-0.slice/session-1.scope");
	assert_hierarchy(
		&host, "", "/sys/fs/cgroup/unified", "/user.slice/user-0.slice/session-1.scope");
	assert_string_equal(host.controllers, "net_cls,net_prio,cpu,cpuacct");
	assert_true(cgroup_has_controller(&host, "cpu"));
	assert_true(cgroup_has_controller(&host, "cpuacct"));
	assert_false(cgroup_has_controller(&host, "systemd"));
}

static void unified_systemd(void **state)
{
	struct cgroup_host host;
	int r = cgroup_host_parse(
		"24 22 0:21 / /sys rw - sysfs sysfs rw\n"
		"30 24 0:25 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:4 "
		"- cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot\n",
		"0::/user.slice/user-1000.slice/session-3.scope\n", &host);
	assert_int_equal(r, 0);
	assert_true(host.is_unified);
	assert_int_equal(host.count, 1);
	assert_hierarchy(
		&host, "", "/sys/fs/cgroup", "/user.slice/user-1000.slice/session-3.scope");
	assert_string_equal(host.controllers, "");

	char controllers[] = "cpuset cpu io memory hugetlb pids\n";
	unified_controllers_parse(&host, controllers);
	assert_string_equal(host.controllers, "cpuset,cpu,io,memory,hugetlb,pids");
	assert_true(cgroup_has_controller(&host, "pids"));
	assert_true(cgroup_has_controller(&host, "devices"));
	assert_true(cgroup_has_controller(&host, "freezer"));
	assert_false(cgroup_has_controller(&host, "rdma"));
	assert_false(cgroup_has_controller(&host, "cpus"));
}

static void unified_without_controllers(void **state)
{
	struct cgroup_host host;
	int r = cgroup_host_parse(
		"30 24 0:25 / /sys/fs/cgroup rw - cgroup2 none rw\n", "0::/\n", &host);
	assert_int_equal(r, 0);
	assert_true(host.is_unified);
	char controllers[] = "\n";
	unified_controllers_parse(&host, controllers);
	assert_string_equal(host.controllers, "");
	assert_false(cgroup_has_controller(&host, "memory"));
}

/* systemd's name=systemd beside a v2 tree that has all the controllers. */
static void unified_with_named(void **state)
{
	struct cgroup_host host;
	int r = cgroup_host_parse(
		"30 24 0:25 / /sys/fs/cgroup rw - cgroup2 none rw\n"
		"31 24 0:26 / /run/systemd rw - cgroup none rw,xattr,name=systemd\n",
		"1:name=systemd:/\n0::/\n", &host);
	assert_int_equal(r, 0);
	assert_true(host.is_unified);
	assert_int_equal(host.count, 2);
	assert_string_equal(host.hierarchies[1].controllers, "");
}

/* /proc/self/cgroup has "0::/" although no v2 tree is mounted, and also a v1 hierarchy that is not
 * mounted. */
static void legacy(void **state)
{
	struct cgroup_host host;
	int r = cgroup_host_parse("35 30 0:30 / /cg/memory rw - cgroup none rw,memory\n",
		"3:cpuset:/\n2:memory:/\n0::/\n", &host);
	assert_int_equal(r, 0);
	assert_false(host.is_unified);
	assert_int_equal(host.count, 1);
	assert_hierarchy(&host, "memory", "/cg/memory", "/");
	assert_string_equal(host.controllers, "memory");
}

static void nothing_mounted(void **state)
{
	struct cgroup_host host;
	int r = cgroup_host_parse(
		"22 1 8:1 / / rw - ext4 /dev/sda1 rw\n", "3:cpuset:/\n0::/\n", &host);
	assert_int_equal(r, -EOPNOTSUPP);
	assert_non_null(strstr(err_text(), "no cgroup file system is mounted"));
	assert_int_equal(cgroup_host_parse("", "", &host), -EOPNOTSUPP);
	assert_int_equal(
		cgroup_host_parse("nonsense\n - \n1 2\n", "::\n:\nx\n7:\n", &host), -EOPNOTSUPP);
}

/* In a container without a cgroup namespace the mount's root is the container's group. */
static void in_container(void **state)
{
	struct cgroup_host host;
	int r = cgroup_host_parse(
		"80 70 0:30 /docker/c0ffee /sys/fs/cgroup/memory ro,nosuid - cgroup cgroup "
		"rw,memory\n"
		"81 70 0:31 /docker/c0ffee /sys/fs/cgroup/pids ro - cgroup cgroup rw,pids\n"
		"82 70 0:31 /docker/c0ffee /mnt/pids rw - cgroup cgroup rw,pids\n"
		"83 70 0:32 /docker/c0ffee /sys/fs/cgroup/cpu ro - cgroup cgroup rw,cpu\n"
		"84 70 0:33 /.. /sys/fs/cgroup/devices rw - cgroup cgroup rw,devices\n",
		"6:devices:/\n5:cpu:/docker/c0ffee2\n4:memory:/docker/c0ffee/inner\n3:pids:/docker/"
		"c0ffee\n",
		&host);
	assert_int_equal(r, 0);
	assert_hierarchy(&host, "memory", "/sys/fs/cgroup/memory", "/inner");
	assert_hierarchy(&host, "pids", "/mnt/pids", "/"); /* the mount that is writable */
	assert_hierarchy(
		&host, "cpu", "/sys/fs/cgroup/cpu", "/"); /* a sibling with the same prefix */
	assert_hierarchy(&host, "devices", "/sys/fs/cgroup/devices", "/");
}

static void several_mounts(void **state)
{
	struct cgroup_host host;
	int r = cgroup_host_parse(
		"60 50 0:25 /x /a/part rw - cgroup2 none rw\n"
		"61 50 0:25 / "
		"/a/very/long/path/of/some/container/that/has/the/tree/mounted/in/it/cgroup rw"
		" - cgroup2 none rw\n"
		"62 50 0:25 / /a\\040whole\\134one rw - cgroup2 none rw\n"
		"63 50 0:25 / /later rw - cgroup2 none rw\n",
		"0::/\n", &host);
	assert_int_equal(r, 0);
	assert_int_equal(host.count, 1);
	assert_hierarchy(&host, "", "/a whole\\one", "/");
}

/* v1 mounted over a v2 tree: the mounts beneath cannot be reached. */
static void hidden_mounts(void **state)
{
	static const char over[] = "24 22 0:21 / /sys rw - sysfs sysfs rw\n"
				   "30 24 0:25 / /sys/fs/cgroup rw - cgroup2 none rw\n"
				   "50 30 0:40 / /sys/fs/cgroup rw - tmpfs none rw\n"
				   "51 50 0:41 / /sys/fs/cgroup/pids rw - cgroup none rw,pids\n";
	static const char over_tree[] =
		"24 22 0:21 / /sys rw - sysfs sysfs rw\n"
		"30 24 0:25 / /sys/fs/cgroup rw - tmpfs none rw\n"
		"31 30 0:26 / /sys/fs/cgroup/pids rw - cgroup none rw,pids\n"
		"32 30 0:27 / /sys/fs/cgroup/unified rw - cgroup2 none rw\n"
		"50 30 0:40 / /sys/fs/cgroup rw - cgroup2 none rw\n";
	static const char over_sys[] = "24 22 0:21 / /sys rw - sysfs sysfs rw\n"
				       "30 24 0:25 / /sys/fs/cgroup rw - cgroup2 none rw\n"
				       "60 24 0:50 / /sys rw - sysfs sysfs rw\n";
	struct cgroup_host host;

	assert_int_equal(cgroup_host_parse(over, "1:pids:/\n0::/\n", &host), 0);
	assert_int_equal(host.count, 1);
	assert_hierarchy(&host, "pids", "/sys/fs/cgroup/pids", "/");
	assert_int_equal(cgroup_host_parse(over_tree, "1:pids:/\n0::/\n", &host), 0);
	assert_true(host.is_unified);
	assert_int_equal(host.count, 1);
	assert_hierarchy(&host, "", "/sys/fs/cgroup", "/");
	assert_int_equal(cgroup_host_parse(over_sys, "0::/\n", &host), -EOPNOTSUPP);
}

static void own_path_limits(void **state)
{
	static const char mounts[] = "30 24 0:25 / /sys/fs/cgroup rw - cgroup2 none rw\n";
	struct cgroup_host host;
	char self[700] = "0::/";

	assert_int_equal(cgroup_host_parse(mounts, "0::/../outside\n", &host), 0);
	assert_hierarchy(&host, "", "/sys/fs/cgroup", "/");
	memset(self + 4, 'x', 600);
	assert_int_equal(cgroup_host_parse(mounts, self, &host), -ENAMETOOLONG);
}

static void places(void **state)
{
	struct cgroup_hierarchy h = {.mount_point = "/m", .own_path = "/a/b"};
	char path[CGROUP_PATH_MAX];

	assert_int_equal(cgroup_place(&h, false, "husk-1/x", path), 0);
	assert_string_equal(path, "/m/husk-1/x");
	assert_int_equal(cgroup_place(&h, true, "husk-1/x", path), 0);
	assert_string_equal(path, "/m/a/b/husk-1/x");
	fmt(h.own_path, "/");
	assert_int_equal(cgroup_place(&h, true, "x", path), 0);
	assert_string_equal(path, "/m/x");
	auto_free char *long_path = mem_new(CGROUP_PATH_MAX);
	memset(long_path, 'y', CGROUP_PATH_MAX - 1);
	assert_int_equal(cgroup_place(&h, false, long_path, path), -ENAMETOOLONG);
}

/* A machine with only the v2 tree has one line. Only a complete line is accepted without reading
 * the mounts. */
static void unified_alone(void **state)
{
	static const char *const others[] = {"", "0::/a", "0::\n", "0::a\n", "0::/a\n1:cpu:/\n",
		"1:name=systemd:/\n0::/\n", "0::/a (deleted)\n"};
	struct cgroup_hierarchy h;
	assert_true(unified_parse("0::/a/b\n", &h));
	assert_string_equal(h.own_path, "/a/b");
	assert_true(unified_parse("0::/\n", &h));
	assert_string_equal(h.own_path, "/");
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_false(unified_parse(others[i], &h));
}

/* The cgroups of any machine can be read. */
static void this_machine(void **state)
{
	struct cgroup_host host;
	int r = cgroup_host_load(&host);
	if (r == -EOPNOTSUPP)
		skip();
	assert_int_equal(r, 0);
	assert_true(host.count > 0);
	assert_int_equal(host.hierarchies[0].mount_point[0], '/');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hybrid_single),
		cmocka_unit_test(hybrid_systemd),
		cmocka_unit_test(unified_systemd),
		cmocka_unit_test(unified_without_controllers),
		cmocka_unit_test(unified_with_named),
		cmocka_unit_test(legacy),
		cmocka_unit_test(nothing_mounted),
		cmocka_unit_test(in_container),
		cmocka_unit_test(several_mounts),
		cmocka_unit_test(hidden_mounts),
		cmocka_unit_test(own_path_limits),
		cmocka_unit_test(places),
		cmocka_unit_test(unified_alone),
		cmocka_unit_test(this_machine),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
