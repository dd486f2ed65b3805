/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Running helper programs.
 */
#include "sys/process_run.c"

#include "test_sys_temp.h"

#define SHELL(script) ((const char *const[]){"/bin/sh", "-c", (script), NULL})

static void test_output(void **state)
{
	int before = temp_count_fds();
	auto_buf struct buf out = BUF_INIT;
	buf_adds(&out, "kept:");
	assert_int_equal(process_run(SHELL("echo out; echo err >&2; exit 3"), &out), 3);
	assert_string_equal(out.data, "kept:out\nerr\n");
	assert_int_equal(process_run(SHELL("kill -9 $$"), &out), 128 + 9);
	assert_int_equal(temp_count_fds(), before);
}

static void test_surroundings(void **state)
{
	auto_buf struct buf out = BUF_INIT;
	setenv("HUSK_TEST_SECRET", "leaked", 1);
	signal(SIGTERM, SIG_IGN);
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	int leaked = open("/dev/null", O_RDONLY);
	assert_true(leaked >= 0);
	const char *const environment[] = {"/usr/bin/env", NULL};
	assert_int_equal(process_run(environment, &out), 0);
	assert_string_equal(out.data, "PATH=/usr/sbin:/usr/bin:/sbin:/bin\n");
	buf_clear(&out);
	assert_int_equal(
		process_run(
			SHELL("pwd; read line; set -- /proc/self/fd/*; echo $#;"
			      "while read key value; do case $key in Sig[BI]*) echo $key $value;;"
			      "esac; done </proc/self/status"),
			&out),
		0);
	/* 0, 1, 2 and the fd that reads the directory. */
	assert_string_equal(out.data, "/\n4\nSigBlk: 0000000000000000\nSigIgn: 0000000000000000\n");
	close(leaked);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static void test_bounded(void **state)
{
	auto_buf struct buf out = BUF_INIT;
	assert_int_equal(process_run(SHELL("head -c 300000 /dev/zero; exit 5"), &out), 5);
	assert_int_equal(out.len, OUTPUT_MAX);
}

/* A daemon that keeps the pipe open does not block the caller. */
static void test_daemon(void **state)
{
	auto_buf struct buf out = BUF_INIT;
	uint64_t before = clock_boot_ms();
	assert_int_equal(process_run(SHELL("sleep 3 & echo started"), &out), 0);
	assert_string_equal(out.data, "started\n");
	assert_true(clock_boot_ms() - before < 2000);
}

static void test_failures(void **state)
{
	auto_buf struct buf out = BUF_INIT;
	int before = temp_count_fds();
	const char *const relative[] = {"sh", NULL}, *const none[] = {NULL};
	const char *const missing[] = {"/nowhere/at/all", NULL}, *const directory[] = {"/", NULL};
	assert_int_equal(process_run(relative, &out), -EINVAL);
	assert_int_equal(process_run(none, &out), -EINVAL);
	assert_int_equal(process_run(missing, &out), -ENOENT);
	assert_int_equal(process_run(directory, &out), -EACCES);
	assert_int_equal(temp_count_fds(), before);
	siginfo_t info;
	assert_int_equal(waitid(P_ALL, 0, &info, WEXITED | WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_output),
		cmocka_unit_test(test_surroundings),
		cmocka_unit_test(test_bounded),
		cmocka_unit_test(test_daemon),
		cmocka_unit_test(test_failures),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
