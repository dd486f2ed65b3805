/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Naming processes and waiting for them.
 */
#include "sys/process.c"

#include "test_sys_temp.h"

#include <sys/resource.h>
#include <sys/syscall.h>

static int start(int (*body)(void), pid_t *out_pid)
{
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(body());
	*out_pid = pid;
	int pidfd = sys_pidfd_open(pid, 0);
	assert_true(pidfd >= 0);
	assert_true(fcntl(pidfd, F_GETFD) & FD_CLOEXEC);
	return pidfd;
}

static int sleeping(void)
{
	pause();
	return 0;
}

static int leaving(void)
{
	return 42;
}

static void test_pid_of_pidfd(void **state)
{
	pid_t pid;
	int pidfd = start(sleeping, &pid);
	assert_int_equal(process_pid(pidfd), pid);
	process_kill(pidfd);

	pidfd = start(leaving, &pid);
	assert_int_equal(process_wait(pidfd), 42);
	assert_int_equal(process_pid(pidfd), -ESRCH);
	fd_close(pidfd);

	auto_close int other = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_int_equal(process_pid(other), -ESRCH);
	assert_int_equal(process_pid(-EBADF), -ENOENT);
}

static void test_parse_stat(void **state)
{
	static const char rest[] = " 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 %d 18 987654 19 20";
	static const struct {
		const char *begin;
		int threads, result;
	} rows[] = {
		{"7 (sh) S", 1, 0},
		{"7 (a b) c) (d)) R", 1, 0},
		{"7 () ) S 9 9 9 9 9 9 9 9) D", 1, 0},
		{"7 (z) Z", 1, -ESRCH},
		{"7 (z) Z", 2, 0},
		{"7 (x) X", 1, -ESRCH},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char line[256], tail[128];
		struct stat_line found = {0};
		assert_true(fmt(tail, rest, rows[i].threads) >= 0);
		assert_true(fmt(line, "%s%s", rows[i].begin, tail) >= 0);
		assert_int_equal(process_parse_stat(line, &found), rows[i].result);
		assert_int_equal(found.start_ticks, 987654);
		assert_int_equal(found.parent, 1);
	}
	static const char *const broken[] = {
		"", "7 (sh", "7 (sh)", "7 (sh) S 1 2", "7 (sh) S 1 2 3 4 5 6 "};
	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		char line[64];
		struct stat_line found;
		assert_true(fmt(line, "%s", broken[i]) >= 0);
		assert_int_equal(process_parse_stat(line, &found), -EPROTO);
	}
}

static void test_identify(void **state)
{
	struct process_id self, again;
	prctl(PR_SET_NAME, "a) R 1 (b");
	assert_int_equal(process_identify(getpid(), &self), 0);
	assert_int_equal(self.pid, getpid());
	assert_true(self.start_ticks > 0);
	assert_true(process_is_alive(&self));
	assert_int_equal(process_parent(&self), getppid());
	assert_int_equal(process_identify(getpid(), &again), 0);
	assert_memory_equal(&self, &again, sizeof(self));

	/* The pid belongs to another process by now. */
	again.start_ticks++;
	assert_int_equal(process_open(&again), -ESRCH);
	assert_false(process_is_alive(&again));
	again.pid = 0;
	assert_int_equal(process_open(&again), -ESRCH);
	assert_int_equal(process_identify(-1, &again), -ESRCH);
	assert_int_equal(process_identify(0x7ffffffe, &again), -ESRCH);
}

/* Without a free descriptor nothing can be learned about a process: it may live. */
static void test_unknown_is_alive(void **state)
{
	struct process_id self = {0};
	struct rlimit before, none;
	assert_int_equal(process_identify(getpid(), &self), 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = (struct rlimit){.rlim_cur = 0, .rlim_max = before.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	int r = process_identify(getpid(), &self);
	bool is_alive = process_is_alive(&self);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(r, -EMFILE);
	assert_true(is_alive);
}

static void test_zombie_is_gone(void **state)
{
	pid_t pid;
	int pidfd = start(leaving, &pid);
	assert_int_equal(process_wait_gone(pidfd, 5000), 0);
	struct process_id id = {.pid = pid};
	assert_int_equal(process_identify(pid, &id), -ESRCH);
	assert_int_equal(process_open(&id), -ESRCH);
	assert_int_equal(process_wait(pidfd), 42);
	assert_int_equal(process_wait(pidfd), -ECHILD);
	fd_close(pidfd);
}

static void on_alarm(int number)
{
	(void)number;
}

static void test_wait(void **state)
{
	pid_t pid;
	auto_close int pidfd = start(sleeping, &pid);
	uint64_t before = clock_boot_ms();
	assert_int_equal(process_wait_gone(pidfd, 30), -ETIMEDOUT);
	assert_true(clock_boot_ms() - before >= 30);

	/* Signals end neither a wait nor a sleep early. */
	struct sigaction action = {.sa_handler = on_alarm};
	sigaction(SIGALRM, &action, NULL);
	ualarm(5000, 5000);
	before = clock_boot_ms();
	assert_int_equal(process_wait_gone(pidfd, 40), -ETIMEDOUT);
	assert_true(clock_boot_ms() - before >= 40);
	before = clock_boot_ms();
	clock_sleep_ms(40);
	assert_true(clock_boot_ms() - before >= 39);
	ualarm(0, 0);

	siginfo_t info;
	assert_int_equal(sys_wait_pidfd(pidfd, WEXITED | WNOHANG, &info), 0);
	assert_int_equal(info.si_pid, 0);
	assert_int_equal(sys_pidfd_send_signal(pidfd, SIGTERM), 0);
	assert_int_equal(process_wait(pidfd), 128 + SIGTERM);
	assert_int_equal(process_wait_gone(-1, 0), -ETIMEDOUT);
	assert_int_equal(process_wait_gone(900, 0), -EBADF);
}

static void test_kill(void **state)
{
	pid_t pid;
	{
		auto_kill int pidfd = start(sleeping, &pid);
		assert_int_equal(kill(pid, 0), 0);
	}
	assert_int_equal(kill(pid, 0), -1);
	process_kill(-EBADF);
}

static void test_clone3(void **state)
{
	int pidfd = -1;
	struct clone_args args = {
		.flags = CLONE_PIDFD, .pidfd = (uintptr_t)&pidfd, .exit_signal = SIGCHLD};
	int pid = sys_clone3(&args);
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(getpid() == (pid_t)syscall(SYS_getpid) ? 7 : 8);
	assert_int_equal(process_wait(pidfd), 7);
	fd_close(pidfd);
	args.flags = CLONE_VM;
	assert_int_equal(sys_clone3(&args), -EINVAL);
}

static void test_host(void **state)
{
	char id[37], again[37];
	assert_int_equal(process_boot_id(id), 0);
	assert_int_equal(process_boot_id(again), 0);
	assert_int_equal(strlen(id), 36);
	assert_string_equal(id, again);
	assert_true(clock_real_ns() > 1600000000ULL * 1000000000ULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse_stat),
		cmocka_unit_test(test_pid_of_pidfd),
		cmocka_unit_test(test_identify),
		cmocka_unit_test(test_unknown_is_alive),
		cmocka_unit_test(test_zombie_is_gone),
		cmocka_unit_test(test_wait),
		cmocka_unit_test(test_kill),
		cmocka_unit_test(test_clone3),
		cmocka_unit_test(test_host),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
