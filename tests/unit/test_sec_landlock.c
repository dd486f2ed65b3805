/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Landlock in a child: what may only be read, what may be written too, and what is beneath no rule.
 */
#include "sec/landlock.c"

#include <sys/prctl.h>
#include <sys/wait.h>

#include "test_sys_temp.h"

enum { RIGHT = 99, NO_LANDLOCK = 77 };

static int opened(const char *path, int flags)
{
	auto_close int fd = sys_open_at(temp_fd, path, flags, 0);
	return fd < 0 ? fd : 0;
}

static int body(void)
{
	auto_close int readonly = sys_open_at(temp_fd, "readonly", O_PATH, 0);
	auto_close int writable = sys_open_at(temp_fd, "writable", O_PATH, 0);
	const struct sec_landlock_rule rules[] = {
		{.fd = readonly, .is_readonly = true}, {.fd = writable}};
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return 1;
	int r = sec_landlock(&(struct sec_landlock){rules, 2, false});
	if (r != 1)
		return r == 0 ? NO_LANDLOCK : 2;
	if (opened("readonly/file", O_RDONLY) != 0 || opened("writable/file", O_RDWR) != 0)
		return 3;
	if (opened("other", O_RDONLY) != -EACCES)
		return 4;
	if (opened("readonly/file", O_WRONLY) != -EACCES)
		return 5;
	if (sys_mkdir_at(temp_fd, "readonly/new", 0700) != -EACCES ||
		sys_unlink_at(temp_fd, "readonly/file", 0) != -EACCES)
		return 6;
	return RIGHT;
}

static void test_rules(void **state)
{
	int status;
	assert_int_equal(mkdirat(temp_fd, "readonly", 0700), 0);
	assert_int_equal(mkdirat(temp_fd, "writable", 0700), 0);
	temp_write("readonly/file", "");
	temp_write("writable/file", "");
	temp_write("other", "");
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(body());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == NO_LANDLOCK)
		skip();
	assert_int_equal(WEXITSTATUS(status), RIGHT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules),
	};
	return cmocka_run_group_tests(tests, temp_setup, temp_teardown);
}
