/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Locks between processes.
 */
#include "sys/lock.c"

#include "sys/process.h"
#include "test_sys_temp.h"

#include <signal.h>
#include <sys/wait.h>

static void test_file(void **state)
{
	int lock = lock_file_at(temp_fd, "lock", false);
	assert_true(lock >= 0);
	assert_int_equal(lock_file_at(temp_fd, "lock", false), -EWOULDBLOCK);
	fd_close(lock);
	lock = lock_file_at(temp_fd, "lock", true);
	assert_true(lock >= 0);
	assert_int_equal(fcntl(lock, F_GETFD), FD_CLOEXEC);
	fd_close(lock);
	assert_int_equal(symlinkat("elsewhere", temp_fd, "link"), 0);
	assert_int_equal(lock_file_at(temp_fd, "link", false), -ELOOP);
	assert_false(temp_exists("elsewhere"));
	assert_int_equal(lock_file_at(temp_fd, "no/where", false), -ENOENT);
}

static void test_holder_dies(void **state)
{
	int ready[2];
	assert_int_equal(pipe(ready), 0);
	pid_t pid = fork();
	if (pid == 0) {
		int lock = lock_file_at(temp_fd, "lock", true);
		(void)!write(ready[1], lock >= 0 ? "1" : "0", 1);
		pause();
		_exit(0);
	}
	char c = 0;
	assert_int_equal(read(ready[0], &c, 1), 1);
	assert_int_equal(c, '1');
	assert_int_equal(lock_file_at(temp_fd, "lock", false), -EWOULDBLOCK);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	auto_close int lock = lock_file_at(temp_fd, "lock", false);
	assert_true(lock >= 0);
	close(ready[0]);
	close(ready[1]);
}

/* Until the process sleeps or has ended. */
static void await_sleep(pid_t pid)
{
	char path[32];
	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	for (;;) {
		auto_buf struct buf line = BUF_INIT;
		assert_int_equal(file_read(path, 4096, &line), 0);
		if (strstr(line.data, ") S ") || strstr(line.data, ") Z "))
			return;
		usleep(1000);
	}
}

static int take(bool is_shared)
{
	return is_shared ? lock_shared_at(temp_fd, "vanishing")
			 : lock_file_at(temp_fd, "vanishing", true);
}

/* A process that waited for a file which the lock holder removed takes the new file, not the old
 * inode. */
static void unlinked_meanwhile(bool is_shared)
{
	int lock = lock_file_at(temp_fd, "vanishing", true);
	assert_true(lock >= 0);
	pid_t pid = fork();
	if (pid == 0) {
		close(lock);
		int own = take(is_shared);
		_exit(own >= 0 && lock_is_current(temp_fd, "vanishing", own) == 1 ? 0 : 1);
	}
	await_sleep(pid);
	assert_int_equal(unlinkat(temp_fd, "vanishing", 0), 0);
	assert_int_equal(lock_is_current(temp_fd, "vanishing", lock), 0);
	fd_close(lock);
	int status;
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
	assert_true(temp_exists("vanishing"));
}

static void test_unlinked_meanwhile(void **state)
{
	unlinked_meanwhile(false);
	unlinked_meanwhile(true);
}

static void test_gate(void **state)
{
	int places[3];
	assert_int_equal(lock_gate_at(temp_fd, "gate", 0, 0), -EINVAL);
	for (int i = 0; i < 3; i++) {
		places[i] = lock_gate_at(temp_fd, "gate", 3, 5000);
		assert_true(places[i] >= 0);
	}
	uint64_t before = clock_boot_ms();
	assert_int_equal(lock_gate_at(temp_fd, "gate", 3, 50), -ETIMEDOUT);
	assert_in_range(clock_boot_ms() - before, 50, 2000);
	pid_t pid = fork();
	if (pid == 0) {
		/* The places belong to the parent: their open files are shared. */
		for (int i = 0; i < 3; i++)
			close(places[i]);

		_exit(lock_gate_at(temp_fd, "gate", 3, 5000) >= 0 ? 0 : 1);
	}
	int status;
	usleep(50000);
	assert_int_equal(waitpid(pid, &status, WNOHANG), 0);
	for (int i = 0; i < 3; i++)
		close(places[i]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_holder_dies),
		cmocka_unit_test(test_unlinked_meanwhile),
		cmocka_unit_test(test_gate),
	};
	return cmocka_run_group_tests(tests, temp_setup, temp_teardown);
}
