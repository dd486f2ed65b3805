/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log reader: tails over rotated files, and following a writer that rotates the files
 * meanwhile.
 */
#include "monitor/log_read.c"

#include "test_sys_temp.h"

#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>

struct seen {
	struct buf text;
	int lines;
	int stop_after;
	int asked;
	pid_t writer;
	atomic_int *progress; /* of the reader, which a writing child sees; or NULL */
};

static int see(void *context, const struct monitor_log_line *line)
{
	struct seen *s = context;
	assert_int_equal(strlen(line->time), 30);
	if (line->stream == MONITOR_STDERR)
		buf_adds(&s->text, "E:");
	buf_add(&s->text, line->text, line->size);
	if (line->has_newline)
		buf_addc(&s->text, '\n');
	if (s->progress)
		atomic_store(s->progress, s->lines + 1);
	return ++s->lines == s->stop_after ? -ECANCELED : 0;
}

static bool at_once(void *context)
{
	((struct seen *)context)->asked++;
	return true;
}

/* Ends when the writing child has ended; reaps the child. */
static bool with_writer(void *context)
{
	struct seen *s = context;
	if (s->writer > 0 && waitpid(s->writer, NULL, WNOHANG) == s->writer)
		s->writer = 0;
	return s->writer == 0;
}

static void assert_read(uint64_t tail, const char *expected)
{
	struct seen s = {.text = BUF_INIT};
	assert_int_equal(monitor_log_read(temp_fd, tail, false, see, at_once, &s), 0);
	assert_string_equal(s.text.data, expected);
	buf_release(&s.text);
}

#define T "2026-11-22T10:00:00.000000000Z "

static void test_tail(void **state)
{
	assert_read(UINT64_MAX, "");
	assert_read(5, "");
	temp_write("log.2", T "stdout F 1\n" T "stderr F 2\n");
	temp_write("log.1", T "stdout P 3a\n" T "stdout F 3b\n");
	temp_write("log", T "stdout F 4\n" T "stdout F \n");
	assert_read(UINT64_MAX, "1\nE:2\n3a3b\n4\n\n");
	assert_read(100, "1\nE:2\n3a3b\n4\n\n");
	assert_read(2, "4\n\n");
	assert_read(3, "3a3b\n4\n\n");
	assert_read(4, "E:2\n3a3b\n4\n\n");
	assert_read(5, "1\nE:2\n3a3b\n4\n\n");
	assert_read(0, "");
}

/* A line has a beginning and an end, however many pieces it has, and whatever the other stream
 * writes meanwhile. */
static void test_tail_of_pieces(void **state)
{
	temp_write("log.1", T "stdout F 1\n" T "stdout P 2a\n" T "stderr P 3a\n");
	temp_write("log",
		T "stdout P 2b\n" T "stdout F 2c\n" T "stderr F 3b\n" T "stdout P 4a\n" T
		  "stderr F 5\n" T "stdout P 4b\n");
	assert_read(UINT64_MAX, "1\n2aE:3a2b2c\nE:3b\n4aE:5\n4b");
	assert_read(1, "E:5\n");
	assert_read(2, "4aE:5\n4b");
	assert_read(3, "E:3aE:3b\n4aE:5\n4b");
	assert_read(4, "2aE:3a2b2c\nE:3b\n4aE:5\n4b");
}

/* The fastest possible writer: each line that is read writes another one. */
static int see_and_write(void *context, const struct monitor_log_line *line)
{
	static const char more[] = T "stdout F more\n";
	auto_close int fd = openat(temp_fd, "log", O_WRONLY | O_APPEND);
	assert_int_equal(write(fd, more, sizeof(more) - 1), sizeof(more) - 1);
	return see(context, line);
}

static void test_end_of_a_growing_log(void **state)
{
	for (int tail = 1; tail < 3; tail++) {
		struct seen s = {.text = BUF_INIT, .stop_after = 1000};
		temp_write("log", T "stdout F 1\n" T "stdout F 2\n");
		assert_int_equal(monitor_log_read(temp_fd, tail == 1 ? 1 : UINT64_MAX, false,
					 see_and_write, at_once, &s),
			0);
		assert_string_equal(s.text.data, tail == 1 ? "2\n" : "1\n2\n");
		buf_release(&s.text);
	}
}

/* Text that is not a record is skipped, and does not count as a line of the tail. */
static void test_damaged(void **state)
{
	temp_write("log.1", T "stdout F 1\n" T "stdout F half");
	temp_write("log",
		"\nnonsense\n" T "stdxxx F no\n" T "stdout\n" T "stdout X no\n" T "stdout F 2\n"
		"2026");
	assert_read(UINT64_MAX, "1\n2\n");
	assert_read(1, "2\n");
	assert_read(2, "1\n2\n");

	auto_buf struct buf huge = BUF_INIT;
	for (int i = 0; i < 300000; i++)
		buf_addc(&huge, 'x');
	buf_adds(&huge, "\n" T "stdout F 3\n");
	temp_write("log", huge.data);
	assert_read(1, "3\n");
}

static void test_stop(void **state)
{
	temp_write("log", T "stdout F 1\n" T "stdout F 2\n" T "stdout F 3\n");
	struct seen s = {.text = BUF_INIT, .stop_after = 2};
	int before = temp_count_fds();
	assert_int_equal(monitor_log_read(temp_fd, UINT64_MAX, true, see, at_once, &s), -ECANCELED);
	assert_string_equal(s.text.data, "1\n2\n");
	assert_int_equal(s.asked, 0);
	assert_int_equal(temp_count_fds(), before);
	buf_release(&s.text);
}

/* The writer makes files of 50 lines and keeps FILES_MAX of them. It is never more than half of
 * that ahead of the reader, however long the reader has to wait for its turn. */
static void writer_main(int lines, const atomic_int *progress)
{
	struct monitor_log *log = NULL;
	if (monitor_log_open(temp_fd, 50 * 50, FILES_MAX, &log) < 0)
		_exit(1);
	for (int i = 0; i < lines; i++) {
		char line[16];
		fmt(line, "line %05d\n", i);
		monitor_log_write(log, MONITOR_STDOUT, line, strlen(line));
		while (progress && i - atomic_load(progress) > FILES_MAX * 50 / 2)
			clock_sleep_ms(1);
	}
	monitor_log_close(log);
	_exit(0);
}

static void test_follow_across_rotations(void **state)
{
	enum { LINES = 2000 };
	struct seen s = {.text = BUF_INIT};
	s.progress = mmap(NULL, sizeof(*s.progress), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(s.progress, MAP_FAILED);
	s.writer = fork();
	assert_true(s.writer >= 0);
	if (s.writer == 0)
		writer_main(LINES, s.progress);
	assert_int_equal(monitor_log_read(temp_fd, UINT64_MAX, true, see, with_writer, &s), 0);
	assert_true(temp_exists("log.5"));
	assert_int_equal(s.lines, LINES);
	char *rest = s.text.data;
	for (int i = 0; i < LINES; i++) {
		char line[16];
		fmt(line, "line %05d", i);
		assert_string_equal(str_cut(&rest, '\n'), line);
	}
	munmap(s.progress, sizeof(*s.progress));
	buf_release(&s.text);
}

/* At first there is no file, then there is one. What is written before the writer ends is still
 * read. */
static void test_follow_from_nothing(void **state)
{
	struct seen s = {.text = BUF_INIT};
	s.writer = fork();
	assert_true(s.writer >= 0);
	if (s.writer == 0) {
		clock_sleep_ms(30);
		writer_main(3, NULL);
	}
	assert_int_equal(monitor_log_read(temp_fd, 0, true, see, with_writer, &s), 0);
	assert_string_equal(s.text.data, "line 00000\nline 00001\nline 00002\n");
	buf_release(&s.text);
}

/* The writer's last line comes after all others have been read, and just before its end. */
static bool last_line_and_end(void *context)
{
	temp_write("log", T "stdout F 1\n" T "stdout F last\n");
	return true;
}

static void test_follow_to_the_last_line(void **state)
{
	struct seen s = {.text = BUF_INIT};
	temp_write("log", T "stdout F 1\n");
	assert_int_equal(
		monitor_log_read(temp_fd, UINT64_MAX, true, see, last_line_and_end, &s), 0);
	assert_string_equal(s.text.data, "1\nlast\n");
	buf_release(&s.text);
}

/* More rotations than there are files: the reader continues with the oldest file that is left. */
static void test_overtaken(void **state)
{
	temp_write("log", T "stdout F old\n");
	int fd = number_open(temp_fd, 0);
	assert_true(fd >= 0);
	struct seen s = {.text = BUF_INIT};
	struct reading r = {.each = see, .context = &s, .pending = BUF_INIT};
	assert_int_equal(file_read_on(&r, fd), 0);
	assert_int_equal(unlinkat(temp_fd, "log", 0), 0);
	temp_write("log.1", T "stdout F newer\n");
	temp_write("log", T "stdout F newest\n");
	assert_int_equal(follow(&r, temp_fd, &fd, at_once), 0);
	assert_string_equal(s.text.data, "old\nnewer\nnewest\n");
	fd_close(fd);
	buf_release(&r.pending);
	buf_release(&s.text);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, temp_setup, temp_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_tail),
		TEST(test_tail_of_pieces),
		TEST(test_end_of_a_growing_log),
		TEST(test_damaged),
		TEST(test_stop),
		TEST(test_follow_across_rotations),
		TEST(test_follow_from_nothing),
		TEST(test_follow_to_the_last_line),
		TEST(test_overtaken),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
