/* SPDX-License-Identifier: Apache-2.0 */
/* no_new_privs and the session keyring, each in a child. */
#include "sec/self.c"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

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

static int body_no_new_privs(void)
{
	if (sys_prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 0)
		return 77;
	if (sec_no_new_privs() != 0 || sec_no_new_privs() != 0)
		return 1;
	return sys_prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? 99 : 2;
}

static long session_keyring(void)
{
	return syscall(SYS_keyctl, 0 /* KEYCTL_GET_KEYRING_ID */, -3 /* session */, 0);
}

static int body_keyring(void)
{
	long before = session_keyring();
	if (before < 0)
		return 77; /* no keyrings here, or keyctl is refused by an outer sandbox */
	if (sec_keyring_new() != 0)
		return 1;
	return session_keyring() > 0 && session_keyring() != before ? 99 : 2;
}

/* An outer sandbox that refuses keyctl, or a kernel without keyrings: there is nothing to
 * protect. */
static int body_keyring_refused(void)
{
	return liar_load(SYS_keyctl, EPERM) == 0 && sec_keyring_new() == 0 ? 99 : 1;
}

static int body_keyring_absent(void)
{
	return liar_load(SYS_keyctl, ENOSYS) == 0 && sec_keyring_new() == 0 ? 99 : 1;
}

/* Otherwise the process would keep the caller's keyring. */
static int body_keyring_quota(void)
{
	if (liar_load(SYS_keyctl, EDQUOT) != 0 || sec_keyring_new() != -EDQUOT)
		return 1;
	return strstr(err_text(), "kernel.keys.maxkeys") ? 99 : 2;
}

static void test_no_new_privs(void **state)
{
	int code = in_child(body_no_new_privs);
	if (code == 77) {
		print_message("already set for this test\n");
		skip();
	}
	assert_int_equal(code, 99);
}

static void test_keyring_failures(void **state)
{
	assert_int_equal(in_child(body_keyring_refused), 99);
	assert_int_equal(in_child(body_keyring_absent), 99);
	assert_int_equal(in_child(body_keyring_quota), 99);
}

static void test_keyring(void **state)
{
	int code = in_child(body_keyring);
	if (code == 77) {
		print_message("no keyrings\n");
		skip();
	}
	assert_int_equal(code, 99);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_new_privs),
		cmocka_unit_test(test_keyring),
		cmocka_unit_test(test_keyring_failures),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
