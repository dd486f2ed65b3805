/* SPDX-License-Identifier: Apache-2.0 */
/* The log writer: its lines, its rotation, and its behaviour without free space. */
#include "monitor/log.c"

#include "test_sys_temp.h"

#include <sys/resource.h>

enum { PLENTY = 1 << 20 };

/* A log file's content without the times: every line must begin with a time. */
static void content(const char *name, struct buf *out)
{
	auto_buf struct buf raw = BUF_INIT;
	assert_int_equal(file_read_at(temp_fd, name, PLENTY, &raw), 0);
	char *rest = raw.data;
	for (;;) {
		char *line = str_cut(&rest, '\n');
		if (!rest) {
			assert_string_equal(line, ""); /* the last line is complete */
			return;
		}
		assert_true(strlen(line) > 31);
		assert_int_equal(line[10], 'T');
		assert_int_equal(line[19], '.');
		assert_int_equal(line[29], 'Z');
		assert_int_equal(line[30], ' ');
		buf_addf(out, "%s\n", line + 31);
	}
}

static void assert_content(const char *name, const char *expected)
{
	auto_buf struct buf text = BUF_INIT;
	content(name, &text);
	assert_string_equal(text.data, expected);
}

static struct monitor_log *log_new(uint64_t max_bytes, unsigned max_files)
{
	struct monitor_log *log = NULL;
	assert_int_equal(monitor_log_open(temp_fd, max_bytes, max_files, &log), 0);
	return log;
}

static void put(struct monitor_log *log, const char *text)
{
	monitor_log_write(log, MONITOR_STDOUT, text, strlen(text));
}

static void test_lines(void **state)
{
	struct monitor_log *log = log_new(PLENTY, 3);
	put(log, "one\ntwo\n\nthr");
	monitor_log_write(log, MONITOR_STDERR, "bad\n", 4);
	assert_true(monitor_log_has_partial(log));
	put(log, "ee\n");
	assert_false(monitor_log_has_partial(log));
	put(log, "prompt> ");
	monitor_log_flush(log);
	put(log, "answer\n");
	put(log, "last");
	monitor_log_close(log);
	assert_content("log",
		"stdout F one\nstdout F two\nstdout F \nstderr F bad\nstdout F three\n"
		"stdout P prompt> \nstdout F answer\nstdout P last\n");
	struct stat info;
	assert_int_equal(sys_stat_at(temp_fd, "log", 0, &info), 0);
	assert_int_equal(info.st_mode & 07777, 0600);
}

static void test_long_lines(void **state)
{
	auto_buf struct buf text = BUF_INIT;
	auto_buf struct buf expected = BUF_INIT;
	for (int i = 0; i < MONITOR_LINE_MAX; i++)
		buf_addc(&text, 'x');
	buf_addf(&expected, "stdout P %s\nstdout F tail\nstdout F %s\nstdout F \n", text.data,
		text.data);
	struct monitor_log *log = log_new(PLENTY, 3);
	put(log, text.data);
	put(log, "tail\n");
	buf_addc(&text, '\n');
	put(log, text.data); /* just fits */
	put(log, "\n");
	monitor_log_close(log);
	assert_content("log", expected.data);
}

/* However the text is cut into pieces, the lines are the same. */
static void test_pieces(void **state)
{
	static const char text[] = "alpha\nbeta\n\n\ngamma delta\nepsilon\n";
	static const char expected[] = "stdout F alpha\nstdout F beta\nstdout F \nstdout F \n"
				       "stdout F gamma delta\nstdout F epsilon\n";
	for (size_t step = 1; step < sizeof(text); step++) {
		struct monitor_log *log = log_new(PLENTY, 3);
		for (size_t at = 0; at < sizeof(text) - 1; at += step) {
			size_t left = sizeof(text) - 1 - at;
			monitor_log_write(
				log, MONITOR_STDOUT, text + at, left < step ? left : step);
		}
		monitor_log_close(log);
		assert_content("log", expected);
		assert_int_equal(sys_unlink_at(temp_fd, "log", 0), 0);
	}
}

static void test_rotation(void **state)
{
	struct monitor_log *log = log_new(4096, 3);
	auto_buf struct buf all = BUF_INIT;
	for (int i = 0; i < 500; i++)
		buf_addf(&all, "line %04d\n", i);
	put(log, all.data);
	monitor_log_close(log);

	auto_buf struct buf kept = BUF_INIT;
	static const char *const names[] = {"log.2", "log.1", "log"};
	for (int i = 0; i < 3; i++) {
		struct stat info;
		assert_int_equal(sys_stat_at(temp_fd, names[i], 0, &info), 0);
		assert_true(info.st_size <= 4096);
		content(names[i], &kept);
	}
	assert_false(temp_exists("log.3"));
	/* The kept files are the end of the text, without a gap. */
	int first;
	assert_int_equal(sscanf(kept.data, "stdout F line %d", &first), 1);
	char *rest = kept.data;
	for (int i = first; i < 500; i++) {
		char line[32];
		fmt(line, "stdout F line %04d", i);
		assert_string_equal(str_cut(&rest, '\n'), line);
	}
	assert_string_equal(rest, "");
	assert_true(first < 400);
}

static void test_one_file(void **state)
{
	struct monitor_log *log = log_new(100, 1);
	for (int i = 0; i < 10; i++)
		put(log, "0123456789012345678901234567890123456789\n");
	monitor_log_close(log);
	assert_content("log", "stdout F 0123456789012345678901234567890123456789\n");
	assert_false(temp_exists("log.1"));
}

/* A reopened log appends, after ending a half record of the first run. */
static void test_reopen(void **state)
{
	struct monitor_log *log = log_new(PLENTY, 3);
	put(log, "first\n");
	monitor_log_close(log);
	int fd = openat(temp_fd, "log", O_WRONLY | O_APPEND | O_CLOEXEC);
	assert_int_equal(write(fd, "2026-11-22T10:00:00.000000000Z stdout F hal", 43), 43);
	close(fd);
	log = log_new(PLENTY, 3);
	put(log, "second\n");
	monitor_log_close(log);
	assert_content("log", "stdout F first\nstdout F hal\nstdout F second\n");
}

/* RLIMIT_FSIZE stands for a full disk: writes beyond it are short, then fail with EFBIG. */
static void test_no_room(void **state)
{
	struct monitor_log *log = log_new(PLENTY, 3);
	put(log, "before\n");
	struct rlimit old;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	const struct rlimit small = {120, old.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	put(log, "fits\nthis one is too long for what is left of it\n"); /* about 46 bytes each */
	put(log, "12345\n");
	assert_int_equal(log->lost, 43 + 5);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	put(log, "after\n");
	assert_int_equal(log->lost, 0);
	monitor_log_close(log);
	assert_content("log",
		"stdout F before\nstdout F fits\nstderr F [48 bytes lost]\nstdout F after\n");
}

static void test_no_directory_any_more(void **state)
{
	struct monitor_log *log = log_new(60, 2);
	put(log, "one\n");
	assert_int_equal(sys_unlink_at(temp_fd, "log", 0), 0);
	assert_int_equal(rmdir(temp_path), 0);
	put(log, "two that needs another file\n");
	put(log, "three that needs another file\n");
	assert_true(log->lost > 0);
	monitor_log_close(log);
	assert_int_equal(mkdir(temp_path, 0700), 0);
}

static void test_refused(void **state)
{
	struct monitor_log *log = NULL;
	int before = temp_count_fds();
	assert_int_equal(symlinkat("/etc/passwd", temp_fd, "log"), 0);
	assert_int_equal(monitor_log_open(temp_fd, PLENTY, 3, &log), -ELOOP);
	assert_null(log);
	assert_int_equal(temp_count_fds(), before);
	monitor_log_close(NULL);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, temp_setup, temp_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_lines),
		TEST(test_long_lines),
		TEST(test_pieces),
		TEST(test_rotation),
		TEST(test_one_file),
		TEST(test_reopen),
		TEST(test_no_room),
		TEST(test_no_directory_any_more),
		TEST(test_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
