/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole files: bounds, replacing, and what a failure leaves behind.
 */
#include "sys/file.c"

#include "test_sys_temp.h"

static void expect_text(const char *path, const char *text)
{
	auto_buf struct buf got = BUF_INIT;
	assert_int_equal(file_read_at(temp_fd, path, 1000, &got), 0);
	assert_string_equal(got.data, text);
}

static void test_read(void **state)
{
	temp_write("read", "12345");
	expect_text("read", "12345");
	auto_buf struct buf got = BUF_INIT;
	buf_adds(&got, "kept");
	assert_int_equal(file_read_at(temp_fd, "read", 4, &got), -EFBIG);
	assert_string_equal(got.data, "kept");
	assert_int_equal(file_read_at(temp_fd, "read", 5, &got), 0);
	assert_string_equal(got.data, "kept12345");
	assert_int_equal(symlinkat("read", temp_fd, "read_link"), 0);
	assert_int_equal(file_read_at(temp_fd, "read_link", 9, &got), -ELOOP);
	assert_int_equal(file_read_at(temp_fd, "missing", 9, &got), -ENOENT);
	assert_int_equal(file_read_at(temp_fd, ".", 9, &got), -EISDIR);
	assert_string_equal(got.data, "kept12345");
}

static void test_read_named(void **state)
{
	auto_buf struct buf got = BUF_INIT;
	temp_write("read_named", "12345");
	assert_int_equal(symlinkat("read_named", temp_fd, "read_named_link"), 0);
	char link[sizeof(temp_path) + 16];
	snprintf(link, sizeof(link), "%s/read_named_link", temp_path);
	assert_int_equal(file_read(link, 9, &got), 0);
	assert_string_equal(got.data, "12345");
	assert_int_equal(file_read(link, 2, &got), -EFBIG);
	assert_int_equal(file_read("/nonexistent/file", 9, &got), -ENOENT);
}

static void test_write(void **state)
{
	temp_write("write", "");
	assert_int_equal(file_write_at(temp_fd, "write", "max"), 0);
	expect_text("write", "max");
	assert_int_equal(file_write_at(temp_fd, "write_missing", "max"), -ENOENT);
	assert_false(temp_exists("write_missing"));
	assert_int_equal(file_write_at(AT_FDCWD, "/dev/full", "x"), -ENOSPC);
}

static void test_create(void **state)
{
	mode_t old = umask(077);
	struct stat info;
	assert_int_equal(file_create_at(temp_fd, "created", "abc", 3, 0644), 0);
	umask(old);
	assert_int_equal(fstatat(temp_fd, "created", &info, 0), 0);
	assert_int_equal(info.st_mode & 07777, 0644);
	expect_text("created", "abc");
	assert_int_equal(file_create_at(temp_fd, "created", "x", 1, 0644), -EEXIST);
	expect_text("created", "abc");
	assert_int_equal(symlinkat("target", temp_fd, "create_link"), 0);
	assert_int_equal(file_create_at(temp_fd, "create_link", "x", 1, 0644), -EEXIST);
	assert_false(temp_exists("target"));
}

static void test_replace(void **state)
{
	assert_int_equal(mkdirat(temp_fd, "r", 0700), 0);
	assert_int_equal(file_replace_at(temp_fd, "r/one", "first", 5, 0640, false), 0);
	expect_text("r/one", "first");
	assert_int_equal(file_replace_at(temp_fd, "r/one", "second", 6, 0600, true), 0);
	expect_text("r/one", "second");
	assert_int_equal(file_replace_at(temp_fd, "top", "", 0, 0600, true), 0);
	expect_text("top", "");

	/* A leftover of a dead process with this pid is skipped. */
	char name[64];
	snprintf(name, sizeof(name), "r/.new.%d.0", getpid());
	temp_write(name, "leftover");
	assert_int_equal(file_replace_at(temp_fd, "r/one", "third", 5, 0600, false), 0);
	expect_text("r/one", "third");
	expect_text(name, "leftover");
	assert_int_equal(unlinkat(temp_fd, name, 0), 0);
}

static void test_replace_fails_clean(void **state)
{
	assert_int_equal(mkdirat(temp_fd, "f", 0700), 0);
	assert_int_equal(mkdirat(temp_fd, "f/dir", 0700), 0);
	assert_int_equal(file_replace_at(temp_fd, "f/dir", "x", 1, 0600, false), -EISDIR);
	assert_int_equal(file_replace_at(temp_fd, "nowhere/x", "x", 1, 0600, true), -ENOENT);
	auto_strvec struct strvec names = STRVEC_INIT;
	assert_int_equal(file_list_at(temp_fd, "f", &names), 0);
	assert_int_equal(names.count, 1);
	assert_string_equal(names.items[0], "dir");
}

static void test_dirs(void **state)
{
	assert_int_equal(file_make_dirs_at(temp_fd, "d/e//f/", 0700), 0);
	assert_int_equal(file_make_dirs_at(temp_fd, "d/e//f/", 0700), 0);
	assert_true(temp_exists("d/e/f"));
	temp_write("d/file", "");
	assert_int_equal(file_make_dirs_at(temp_fd, "d/file", 0700), -ENOTDIR);
	assert_int_equal(file_make_dirs_at(temp_fd, "d/file/x", 0700), -ENOTDIR);
	assert_int_equal(file_make_dirs_at(temp_fd, "", 0700), -ENOENT);
	char path[128];
	snprintf(path, sizeof(path), "%s/abs/one/two", temp_path);
	assert_int_equal(file_make_dirs_at(AT_FDCWD, path, 0700), 0);
	assert_true(temp_exists("abs/one/two"));

	int fd = file_make_dir_open_at(temp_fd, "opened", 0700);
	assert_true(fd > 2);
	fd_close(fd);
	fd = file_make_dir_open_at(temp_fd, "opened", 0700);
	assert_true(fd > 2);
	fd_close(fd);
	assert_int_equal(symlinkat("opened", temp_fd, "opened_link"), 0);
	assert_int_equal(file_make_dir_open_at(temp_fd, "opened_link", 0700), -ENOTDIR);
	assert_int_equal(file_open_dir_at(temp_fd, "d/file"), -ENOTDIR);
}

static void test_list_many(void **state)
{
	assert_int_equal(mkdirat(temp_fd, "many", 0700), 0);
	char name[300];
	for (int i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "many/%0200d", i);
		temp_write(name, "");
	}
	auto_strvec struct strvec names = STRVEC_INIT;
	assert_int_equal(file_list_at(temp_fd, "many", &names), 0);
	assert_int_equal(names.count, 300);
	strvec_each (item, &names)
		assert_true(**item != '.');
	assert_int_equal(file_list_at(temp_fd, "nothing", &names), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_read_named),
		cmocka_unit_test(test_write),
		cmocka_unit_test(test_create),
		cmocka_unit_test(test_replace),
		cmocka_unit_test(test_replace_fails_clean),
		cmocka_unit_test(test_dirs),
		cmocka_unit_test(test_list_many),
	};
	return cmocka_run_group_tests(tests, temp_setup, temp_teardown);
}
