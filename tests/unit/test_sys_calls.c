/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the wrappers add to the system calls: error signs, close-on-exec, bounds.
 */
#include "sys/calls.c"

#include "test_sys_temp.h"

#include "sys/fd.h"

#include <sys/resource.h>

static void test_cloexec(void **state)
{
	int fds[6], pair[2];
	assert_int_equal(sys_pipe(pair), 0);
	fds[0] = pair[0];
	fds[1] = pair[1];
	fds[2] = sys_open_at(temp_fd, ".", O_RDONLY, 0);
	fds[3] = sys_openat2(temp_fd, ".", O_PATH, 0, RESOLVE_IN_ROOT);
	fds[4] = sys_memfd_create("test", 0);
	fds[5] = sys_pidfd_open(getpid(), 0);
	for (int i = 0; i < 6; i++) {
		assert_true(fds[i] >= 0);
		assert_int_equal(fcntl(fds[i], F_GETFD), FD_CLOEXEC);
		close(fds[i]);
	}
}

static void test_failures(void **state)
{
	char text[16];
	struct stat info;
	uint64_t value;
	assert_int_equal(sys_open_at(temp_fd, "missing", O_RDONLY, 0), -ENOENT);
	assert_int_equal(sys_openat2(temp_fd, "missing", O_RDONLY, 0, 0), -ENOENT);
	assert_int_equal(sys_openat2(temp_fd, ".", O_RDONLY, 0, 1ULL << 60), -EINVAL);
	assert_int_equal(sys_stat_at(temp_fd, "missing", 0, &info), -ENOENT);
	assert_int_equal(sys_stat_fd(-1, &info), -EBADF);
	assert_int_equal(sys_fs_magic(-1, &value), -EBADF);
	assert_int_equal(sys_read(-1, text, 1), -EBADF);
	assert_int_equal(sys_write(-1, text, 1), -EBADF);
	assert_int_equal(sys_truncate_fd(temp_fd, UINT64_MAX), -EFBIG);
	assert_int_equal(sys_fcntl(-1, F_GETFD, 0), -EBADF);
	assert_int_equal(sys_chdir("/nowhere/at/all"), -ENOENT);
	assert_int_equal(sys_setns(temp_fd, 0), -EINVAL);
	assert_int_equal(
		sys_mount_setattr(-1, "", AT_EMPTY_PATH, &(struct mount_attr){.attr_set = 1}),
		-EBADF);
	assert_int_equal(sys_fsopen("no such file system", 0), geteuid() == 0 ? -ENODEV : -EPERM);
}

static void test_readlink_bounds(void **state)
{
	char out[8];
	assert_int_equal(symlinkat("1234567", temp_fd, "seven"), 0);
	assert_int_equal(symlinkat("12345678", temp_fd, "eight"), 0);
	assert_int_equal(sys_readlink_at(temp_fd, "seven", out, sizeof(out)), 7);
	assert_string_equal(out, "1234567");
	assert_int_equal(sys_readlink_at(temp_fd, "eight", out, sizeof(out)), -ENAMETOOLONG);
	assert_string_equal(out, "1234567");
	assert_int_equal(sys_readlink_at(temp_fd, "missing", out, sizeof(out)), -ENOENT);
	assert_string_equal(out, "");
	assert_int_equal(sys_readlink_at(temp_fd, "seven", out, 0), -ENAMETOOLONG);
}

static void test_values(void **state)
{
	uint64_t soft = 0, hard = 0, magic = 0;
	struct rlimit limit;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_int_equal(sys_getrlimit(RLIMIT_NOFILE, &soft, &hard), 0);
	assert_int_equal(soft, limit.rlim_cur);
	assert_int_equal(hard, limit.rlim_max);
	assert_int_equal(sys_setrlimit(RLIMIT_NOFILE, soft - 1, hard), 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_int_equal(limit.rlim_cur, soft - 1);
	assert_int_equal(sys_setrlimit(RLIMIT_NOFILE, soft, hard), 0);

	auto_close int proc = sys_open_at(AT_FDCWD, "/proc", O_RDONLY, 0);
	assert_int_equal(sys_fs_magic(proc, &magic), 0);
	assert_int_equal(magic, 0x9fa0);

	char directory[64], small[2];
	assert_int_equal(sys_fchdir(temp_fd), 0);
	assert_int_equal(sys_getcwd(directory, sizeof(directory)), 0);
	assert_string_equal(directory, temp_path);
	assert_int_equal(sys_getcwd(small, sizeof(small)), -ENAMETOOLONG);
	assert_int_equal(sys_chdir("/"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cloexec),
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_readlink_bounds),
		cmocka_unit_test(test_values),
	};
	return cmocka_run_group_tests(tests, temp_setup, temp_teardown);
}
