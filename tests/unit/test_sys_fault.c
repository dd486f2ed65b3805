/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fault table itself, also in builds whose wrappers do not use it.
 */
#ifndef HUSK_FAULTS
#define HUSK_FAULTS
#endif
#include "sys/fault.c"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>
#include <sys/wait.h>
#include <unistd.h>

static void load(const char *text)
{
	plan = (struct fault_plan){0};
	fault_read(&plan, text);
}

static void test_nth(void **state)
{
	load("open_tree:2:EPERM");
	assert_int_equal(fault_hit("open_tree"), 0);
	assert_int_equal(fault_hit("open"), 0);
	assert_int_equal(fault_hit("open_tree_more"), 0);
	assert_int_equal(fault_hit("open_tree"), -EPERM);
	assert_int_equal(fault_hit("open_tree"), 0);
}

static void test_all(void **state)
{
	load("openat2:0:ENOSYS");
	assert_int_equal(fault_hit("openat2"), -ENOSYS);
	assert_int_equal(fault_hit("openat2"), -ENOSYS);
	load("openat2:0:5");
	assert_int_equal(fault_hit("openat2"), -EIO);
	load(NULL);
	assert_int_equal(fault_hit("openat2"), 0);
	load("");
	assert_int_equal(fault_hit("openat2"), 0);
}

static void test_broken_aborts(void **state)
{
	static const char *const broken[] = {"openat2", ":1:EPERM", "openat2:1", "openat2:x:EPERM",
		"openat2:1:", "openat2:1:ENOPE"};
	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		int status;
		pid_t pid = fork();
		if (pid == 0) {
			signal(SIGABRT, SIG_DFL);
			load(broken[i]);
			_exit(0);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nth),
		cmocka_unit_test(test_all),
		cmocka_unit_test(test_broken_aborts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
