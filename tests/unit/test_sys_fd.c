/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Owning, moving, filling and clearing fds. The variants without close_range are called directly.
 */
#include "sys/fd.c"

#include "test_sys_temp.h"

#include <sys/wait.h>

static int in_child(int (*body)(void))
{
	int status;
	pid_t pid = fork();
	if (pid == 0)
		_exit(body());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int open_standard(void)
{
	close(0);
	close(2);
	if (fd_open_standard() < 0)
		return 1;
	if (fcntl(0, F_GETFD) != 0 || fcntl(2, F_GETFD) != 0)
		return 2;
	struct stat null, info;
	stat("/dev/null", &null);
	fstat(2, &info);
	return info.st_rdev == null.st_rdev ? 0 : 3;
}

static int close_all_walking(void)
{
	int fd = fcntl(0, F_DUPFD, 500);
	for (int i = 0; i < 300; i++)
		(void)!dup(0);
	if (fd_walk_open(4, fd_walk_close) < 0)
		return 1;
	if (fcntl(fd, F_GETFD) >= 0)
		return 2;
	for (int i = 4; i < 600; i++)
		if (fcntl(i, F_GETFD) >= 0)
			return 3;
	return fcntl(1, F_GETFD) < 0;
}

static int cloexec_from(void)
{
	int fd = fcntl(0, F_DUPFD, 500);
	if (fcntl(fd, F_GETFD) != 0 || fd_cloexec_from(500) < 0 || fcntl(fd, F_GETFD) != FD_CLOEXEC)
		return 1;
	fcntl(fd, F_SETFD, 0);
	if (fd_walk_open(500, fd_walk_cloexec) < 0 || fcntl(fd, F_GETFD) != FD_CLOEXEC)
		return 2;
	return fd_close_from(500) < 0 || fcntl(fd, F_GETFD) >= 0;
}

static void test_processes(void **state)
{
	assert_int_equal(in_child(open_standard), 0);
	assert_int_equal(in_child(close_all_walking), 0);
	assert_int_equal(in_child(cloexec_from), 0);
}

static void test_place_and_flags(void **state)
{
	auto_close int fd = fd_dup(0);
	assert_true(fd > 2);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(fd_place(fd, 400), 0);
	assert_int_equal(fcntl(400, F_GETFD), 0);
	assert_int_equal(fd_set_cloexec(400, 1), 0);
	assert_int_equal(fcntl(400, F_GETFD), FD_CLOEXEC);
	assert_int_equal(fd_place(400, 400), 0);
	assert_int_equal(fcntl(400, F_GETFD), 0);
	fd_close(400);
	assert_int_equal(fd_place(400, 401), -EBADF);
	assert_int_equal(fd_place(400, 400), -EBADF);
	assert_int_equal(fd_dup(400), -EBADF);
	fd_close(-EBADF);

	int moved = take_fd(&fd);
	assert_int_equal(fd, -EBADF);
	fd_replace(&fd, moved);
	fd_replace(&fd, fd);
	assert_true(fcntl(fd, F_GETFD) >= 0);
}

static void test_nonblock(void **state)
{
	int fds[2];
	assert_int_equal(sys_pipe(fds), 0);
	assert_int_equal(fd_set_nonblock(fds[0], 1), 0);
	char c;
	assert_int_equal(sys_read(fds[0], &c, 1), -EAGAIN);
	assert_int_equal(fd_set_nonblock(fds[0], 0), 0);
	assert_false(fcntl(fds[0], F_GETFL) & O_NONBLOCK);
	fd_close(fds[0]);
	fd_close(fds[1]);
}

/* Pieces that arrive one after another. */
static void test_full(void **state)
{
	int fds[2];
	assert_int_equal(sys_pipe(fds), 0);
	pid_t pid = fork();
	if (pid == 0) {
		char data[1000];
		memset(data, 'x', sizeof(data));
		close(fds[0]);
		for (int i = 0; i < 200; i++)
			if (fd_write_full(fds[1], data, sizeof(data)) < 0)
				_exit(1);
		_exit(0);
	}
	fd_close(fds[1]);
	static char got[150000];
	assert_int_equal(fd_read_full(fds[0], got, sizeof(got)), sizeof(got));
	assert_int_equal(fd_read_full(fds[0], got, sizeof(got)), 50000);
	assert_int_equal(fd_read_full(fds[0], got, sizeof(got)), 0);
	fd_close(fds[0]);
	int status;
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
	assert_int_equal(fd_read_full(400, got, 1), -EBADF);
	assert_int_equal(fd_write_full(400, got, 1), -EBADF);
}

static void test_unread(void **state)
{
	int ends[2];
	assert_int_equal(pipe(ends), 0);
	assert_false(fd_is_unread(ends[1]));
	close(ends[0]);
	assert_true(fd_is_unread(ends[1]));
	close(ends[1]);
	assert_false(fd_is_unread(-1));
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	assert_true(full >= 0);
	assert_false(fd_is_unread(full));
	close(full);
}

static void test_read_all(void **state)
{
	static const size_t sizes[] = {0, 1, READ_FIRST - 1, READ_FIRST, READ_FIRST + 1, 100000};
	static char data[100000];
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (char)('a' + i % 26);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		auto_buf struct buf out = BUF_INIT;
		auto_close int fd = fd_memfd_sealed("test", data, sizes[i]);
		assert_true(fd >= 0);
		assert_int_equal(fd_read_all(fd, sizes[i], &out), 0);
		assert_int_equal(out.len, sizes[i]);
		assert_memory_equal(out.data, data, sizes[i]);
		if (sizes[i] == 0)
			continue;
		lseek(fd, 0, SEEK_SET);
		buf_clear(&out);
		buf_adds(&out, "kept");
		assert_int_equal(fd_read_all(fd, sizes[i] - 1, &out), -EFBIG);
		assert_string_equal(out.data, "kept");
	}
	auto_buf struct buf out = BUF_INIT;
	assert_int_equal(fd_read_all(400, 10, &out), -EBADF);
	assert_string_equal(out.data, "");
}

static void test_memfd_and_map(void **state)
{
	auto_close int fd = fd_memfd_sealed("test", "content", 7);
	assert_true(fd >= 0);
	assert_int_equal(sys_write(fd, "x", 1), -EPERM);
	assert_int_equal(sys_truncate_fd(fd, 3), -EPERM);
	assert_int_equal(sys_fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE), -EPERM);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	const void *data = NULL;
	size_t size = 0;
	assert_int_equal(fd_map(fd, &data, &size), 0);
	assert_int_equal(size, 7);
	assert_memory_equal(data, "content", 7);
	fd_unmap(data, size);
	fd_unmap(NULL, 0);
	auto_close int empty = fd_memfd_sealed("test", "", 0);
	assert_int_equal(fd_map(empty, &data, &size), -EINVAL);
	assert_int_equal(fd_map(400, &data, &size), -EBADF);
	assert_string_equal(PROC_FD_PATH(123), "/proc/self/fd/123");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_processes),
		cmocka_unit_test(test_place_and_flags),
		cmocka_unit_test(test_nonblock),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_unread),
		cmocka_unit_test(test_read_all),
		cmocka_unit_test(test_memfd_and_map),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
