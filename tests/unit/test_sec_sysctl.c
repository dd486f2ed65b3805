/* SPDX-License-Identifier: Apache-2.0 */
/* Which kernel parameters a container may set, and setting them below a procfs. Attempts to leave
 * it are refused. */
#include "sec/sysctl.c"

#include "sys/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { ALL = CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS };

struct case_of_check {
	const char *key, *value;
	uint64_t flags;
	int code;
};

static const struct case_of_check cases[] = {
	{"net.ipv4.ip_forward", "1", ALL, 0},
	{"net/ipv4/ip_forward", "1", ALL, 0},
	{"net.ipv4.ping_group_range", "0 2147483647", CLONE_NEWNET, 0},
	{"net.ipv4.conf.eth0/100.forwarding", "1", ALL, 0},
	{"net.ipv4.ip_forward", "1", ALL & ~CLONE_NEWNET, -EPERM},
	{"net.ipv4.ip_forward", "1", 0, -EPERM},
	{"kernel.shmmax", "1", CLONE_NEWIPC, 0},
	{"kernel.shmmax", "1", CLONE_NEWNET, -EPERM},
	{"kernel.msgmnb", "1", ALL, 0},
	{"kernel.sem", "250 32000 32 128", ALL, 0},
	{"kernel.semx", "1", ALL, -EPERM},
	{"fs.mqueue.msg_max", "10", ALL, 0},
	{"fs.mqueue.msg_max", "10", CLONE_NEWUTS, -EPERM},
	{"fs.mqueue", "10", ALL, -EPERM},
	{"fs.file-max", "10", ALL, -EPERM},
	{"kernel.hostname", "x", CLONE_NEWUTS, 0},
	{"kernel.domainname", "x", CLONE_NEWUTS, 0},
	{"kernel.hostname", "x", CLONE_NEWIPC, -EPERM},
	{"kernel.hostname2", "x", ALL, -EPERM},
	{"kernel.core_pattern", "|/x", ALL, -EPERM},
	{"kernel/core_pattern", "|/x", ALL, -EPERM},
	{"user.max_user_namespaces", "1", ALL | CLONE_NEWUSER, -EPERM},
	{"vm.overcommit_memory", "1", ALL, -EPERM},
	{"net", "1", ALL, -EPERM},
	{"network.x", "1", ALL, -EPERM},
	/* Grammar. */
	{"net/../kernel/core_pattern", "x", ALL, -EINVAL},
	{"net..kernel", "x", ALL, -EINVAL},
	{"net./kernel", "x", ALL, -EINVAL},
	{"net.//.//kernel", "x", ALL, -EINVAL},
	{"/net/ipv4", "x", ALL, -EINVAL},
	{".net", "x", ALL, -EINVAL},
	{"net.", "x", ALL, -EINVAL},
	{"net/ipv4/", "x", ALL, -EINVAL},
	{"", "x", ALL, -EINVAL},
	{"-net.x", "x", ALL, -EINVAL},
	{"net.IPV4", "x", ALL, -EINVAL},
	{"net.ipv4 ", "x", ALL, -EINVAL},
	{"net.ipv4=1", "x", ALL, -EINVAL},
	/* Values. */
	{"kernel.shmmax", "1+kernel.core_pattern=|/x", ALL,
		0}, /* a single value, which the kernel refuses */
	{"kernel.shmmax", "1\nkernel.core_pattern=x", ALL, -EINVAL},
	{"kernel.shmmax", "1\t2", ALL, -EINVAL},
	{"kernel.shmmax", "1\x7f", ALL, -EINVAL},
	{"kernel.shmmax", "", ALL, -EINVAL},
};

static void test_check(void **state)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct case_of_check *c = &cases[i];
		int r = sec_sysctl_check(c->key, c->value, c->flags);
		if (r != c->code)
			fail_msg("%s=%s: %d, not %d", c->key, c->value, r, c->code);
		if (r < 0)
			assert_int_equal(err_code(), r);
	}
	assert_int_equal(sec_sysctl_check("net.x", "1", CLONE_NEWUTS), -EPERM);
	assert_string_equal(err_text(),
		"sysctl net.x is the host's: the container shares its network namespace");
}

static void test_lengths(void **state)
{
	char key[SYSCTL_KEY_MAX + 2], value[SYSCTL_VALUE_MAX + 2];

	memset(key, 'a', sizeof(key));
	memcpy(key, "net.", 4);
	key[SYSCTL_KEY_MAX] = '\0';
	assert_int_equal(sec_sysctl_check(key, "1", ALL), 0);
	key[SYSCTL_KEY_MAX] = 'a';
	key[SYSCTL_KEY_MAX + 1] = '\0';
	assert_int_equal(sec_sysctl_check(key, "1", ALL), -EINVAL);

	memset(value, '1', sizeof(value));
	value[SYSCTL_VALUE_MAX] = '\0';
	assert_int_equal(sec_sysctl_check("net.x", value, ALL), 0);
	value[SYSCTL_VALUE_MAX] = '1';
	value[SYSCTL_VALUE_MAX + 1] = '\0';
	assert_int_equal(sec_sysctl_check("net.x", value, ALL), -EINVAL);
}

static void test_paths(void **state)
{
	char path[SYSCTL_PATH_MAX];

	assert_int_equal(path_of("net.ipv4.conf.eth0/100.forwarding", path), 0);
	assert_string_equal(path, "net/ipv4/conf/eth0.100/forwarding");
	assert_int_equal(path_of("net/ipv4/conf/eth0.100/forwarding", path), 0);
	assert_string_equal(path, "net/ipv4/conf/eth0.100/forwarding");
	assert_int_equal(path_of("single", path), 0);
	assert_string_equal(path, "single");
}

/* A plan of one row. */
enum { SECTION_SYSCTL, SECTION_COUNT };
static const struct flat_section_schema sections[] = {
	{"sysctl", sizeof(struct sec_sysctl_row), 2,
		{offsetof(struct sec_sysctl_row, key), offsetof(struct sec_sysctl_row, value)}, 0,
		{0}},
};
static const struct flat_schema schema = {"TESTFLT", 1 << 16, SECTION_COUNT, sections};

static const struct sec_sysctl_row *plan_one(
	struct buf *bytes, struct flat *plan, const char *key, const char *value)
{
	struct flat_builder b;
	flat_builder_init(&b, &schema);
	struct sec_sysctl_row *row = flat_add(&b, SECTION_SYSCTL);
	uint32_t key_at = flat_string(&b, key), value_at = flat_string(&b, value);
	row->key = key_at;
	row->value = value_at;
	buf_clear(bytes);
	flat_finish(&b, bytes);
	flat_builder_release(&b);
	assert_int_equal(flat_open(plan, &schema, bytes->data, bytes->len), 0);
	return flat_row(plan, SECTION_SYSCTL, 0);
}

static void test_describe(void **state)
{
	auto_buf struct buf bytes = BUF_INIT, out = BUF_INIT;
	struct flat plan;
	const struct sec_sysctl_row *row = plan_one(
		&bytes, &plan, "net.ipv4.ping_group_range", "0 2147483647");

	sec_sysctl_describe(&plan, row, &out);
	assert_string_equal(out.data, "set sysctl net.ipv4.ping_group_range = 0 2147483647");
}

/* In a child with its own namespaces and its own procfs. */
static int body_set(void)
{
	auto_buf struct buf bytes = BUF_INIT, text = BUF_INIT;
	struct flat plan;

	auto_close int fs = sys_fsopen("proc", 1 /* FSOPEN_CLOEXEC */);
	if (fs < 0 || sys_fsconfig(fs, 6 /* FSCONFIG_CMD_CREATE */, NULL, NULL, 0) < 0)
		return 1;
	auto_close int proc = sys_fsmount(fs, 1 /* FSMOUNT_CLOEXEC */, 0);
	if (proc < 0)
		return 2;
	if (sec_sysctl_set(proc, &plan, plan_one(&bytes, &plan, "kernel.shmmni", "1234")) != 0)
		return 3;
	if (file_read_at(proc, "sys/kernel/shmmni", 64, &text) < 0 || !str_eq(text.data, "1234\n"))
		return 4;
	if (sec_sysctl_set(proc, &plan, plan_one(&bytes, &plan, "net/ipv4/ip_forward", "1")) != 0)
		return 5;
	if (sec_sysctl_set(proc, &plan, plan_one(&bytes, &plan, "net.no_such", "1")) != -ENOENT)
		return 6;
	if (!strstr(err_text(), "set sysctl net.no_such = 1"))
		return 7;
	if (sec_sysctl_set(proc, &plan, plan_one(&bytes, &plan, "kernel.shmmni", "x")) != -EINVAL)
		return 8;
	if (sec_sysctl_set(proc, &plan, plan_one(&bytes, &plan, "net/../x", "1")) != -EINVAL)
		return 9;
	return 99;
}

static void test_set(void **state)
{
	int status;
	pid_t pid = fork();
	if (pid == 0)
		_exit(sys_unshare(ALL | CLONE_NEWNS) < 0 ? 77 : body_set());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77) {
		print_message("needs privilege\n");
		skip();
	}
	assert_int_equal(WEXITSTATUS(status), 99);
}

/* Links below the fd are refused, wherever they point. */
static void test_links(void **state)
{
	char root[] = "/tmp/test_sec_sysctl_XXXXXX";
	auto_buf struct buf text = BUF_INIT;

	assert_non_null(mkdtemp(root));
	auto_close int fd = file_open_dir_at(AT_FDCWD, root);
	assert_true(fd >= 0);
	assert_int_equal(file_create_at(fd, "real", "old", 3, 0600), 0);
	assert_int_equal(sys_symlink_at("real", fd, "link"), 0);
	assert_int_equal(sys_symlink_at("..", fd, "up"), 0);
	assert_int_equal(write_beneath(fd, "link", "new"), -ELOOP);
	assert_int_equal(write_beneath(fd, "up/x", "new"), -ELOOP);
	assert_int_equal(write_beneath(fd, "../x", "new"), -EXDEV);
	assert_int_equal(write_beneath(fd, "/etc/passwd", "new"), -EXDEV);
	assert_int_equal(write_beneath(fd, "absent", "new"), -ENOENT);
	assert_int_equal(write_beneath(fd, "real", "new"), 0);
	assert_true(file_read_at(fd, "real", 64, &text) >= 0);
	assert_string_equal(text.data, "new");
	assert_int_equal(file_remove_tree_at(AT_FDCWD, root), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_describe),
		cmocka_unit_test(test_set),
		cmocka_unit_test(test_links),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
