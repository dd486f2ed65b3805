/* SPDX-License-Identifier: Apache-2.0 */
/* User, group and supplementary groups: privileged children set them, and compare them with what
 * the kernel reports. */
#include "sec/ids.c"

#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "sec_liar.h"

static int in_child(int (*body)(void))
{
	int status;
	pid_t pid = fork();
	if (pid == 0)
		_exit(body());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int body_exact(void)
{
	static const gid_t groups[] = {30, 10, 20, 10};
	static const gid_t sorted[] = {10, 10, 20, 30};
	gid_t got[8];

	if (sec_ids_set(1234, 5678, groups, 4) != 0)
		return 1;
	if (getgroups(8, got) != 4 || memcmp(got, sorted, sizeof(sorted)) != 0)
		return 2;
	return getuid() == 1234 && geteuid() == 1234 && getgid() == 5678 && getegid() == 5678 ? 99
											      : 3;
}

static int body_no_groups(void)
{
	static const gid_t before[] = {1, 2, 3};
	if (sys_setgroups(3, before) != 0 || sec_ids_set(1, 1, NULL, 0) != 0)
		return 1;
	return getgroups(0, NULL) == 0 ? 99 : 2;
}

/* Without privilege: the present values are success, anything else is -EPERM. */
static int body_unprivileged(void)
{
	static const gid_t other[] = {7};
	if (sec_ids_set(1234, 1234, NULL, 0) != 0)
		return 1;
	if (sec_ids_set(1234, 1234, NULL, 0) != 0)
		return 2;
	if (sec_ids_set(1234, 1234, other, 1) != -EPERM)
		return 3;
	if (!strstr(err_text(), "set 1 supplementary groups"))
		return 4;
	if (sec_ids_set(1234, 4321, NULL, 0) != -EPERM || !strstr(err_text(), "become group 4321"))
		return 5;
	if (sec_ids_set(4321, 1234, NULL, 0) != -EPERM || !strstr(err_text(), "become user 4321"))
		return 6;
	return 99;
}

static int own_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t n = write(fd, text, strlen(text));
	close(fd);
	return n == (ssize_t)strlen(text) ? 0 : -1;
}

/* A user namespace as an unprivileged user gets it: no process may set groups there, not even an
 * empty list. */
static int body_groups_denied(void)
{
	static const gid_t before[] = {1, 2, 3}, other[] = {7};
	if (sys_setgroups(3, before) != 0 || unshare(CLONE_NEWUSER) != 0 ||
		own_write("/proc/self/setgroups", "deny") != 0 ||
		own_write("/proc/self/uid_map", "0 0 1") != 0 ||
		own_write("/proc/self/gid_map", "0 0 1") != 0)
		return 1;
	if (sec_ids_set(0, 0, NULL, 0) != -EPERM)
		return 2;
	if (sec_ids_set_mapped(0, 0, other, 1) != -EPERM)
		return 3;
	if (sec_ids_set_mapped(0, 0, NULL, 0) != 0)
		return 4;
	const struct cap_header header = {.version = 0x20080522};
	const struct cap_data none[2] = {0};
	if (sys_capset(&header, none) != 0 || sec_ids_set_mapped(0, 0, NULL, 0) != -EPERM)
		return 5;
	return 99;
}

/* The kernel reports success without doing anything. */
static int body_lied_to(void)
{
	static const gid_t groups[] = {7};
	if (liar_load(SYS_setgroups, 0) < 0 || liar_load(SYS_setresuid, 0) < 0)
		return 1;
	if (sec_ids_set(0, 0, groups, 1) != -EPERM ||
		!strstr(err_text(), "other supplementary groups"))
		return 2;
	gid_t own[GROUPS_MAX];
	int count = getgroups(GROUPS_MAX, own);
	if (count < 0 || sec_ids_set(1234, 0, own, (size_t)count) != -EPERM)
		return 3;
	return strstr(err_text(), "another user or group") ? 99 : 4;
}

static void test_ids(void **state)
{
	if (geteuid() != 0) {
		print_message("needs privilege\n");
		skip();
	}
	assert_int_equal(in_child(body_exact), 99);
	assert_int_equal(in_child(body_no_groups), 99);
	assert_int_equal(in_child(body_unprivileged), 99);
	assert_int_equal(in_child(body_groups_denied), 99);
	assert_int_equal(in_child(body_lied_to), 99);
}

static void test_compare(void **state)
{
	gid_t own[GROUPS_MAX + 1];
	int count = getgroups(GROUPS_MAX, own);

	assert_true(count >= 0);
	assert_int_equal(groups_are(own, (size_t)count), 1);
	own[count] = 4000000;
	assert_int_equal(groups_are(own, (size_t)count + 1), 0);
	if (count > 0) {
		own[0] = 4000000;
		assert_int_equal(groups_are(own, (size_t)count), 0);
	}
}

static void test_too_many(void **state)
{
	static gid_t many[GROUPS_MAX + 1];
	assert_int_equal(sec_ids_set(getuid(), getgid(), many, GROUPS_MAX + 1), -EINVAL);
	assert_non_null(strstr(err_text(), "4097 supplementary groups"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_compare),
		cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_ids),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
