/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loop: above all, callbacks that remove each other's sources.
 */
#include "sys/loop.c"

#include "test_sys_temp.h"

static struct loop *l;
static int pipes[4][2];
static int calls;

static int loop_setup(void **state)
{
	calls = 0;
	for (int i = 0; i < 4; i++)
		if (sys_pipe(pipes[i]) < 0)
			return -1;
	return loop_new(&l);
}

static int loop_teardown(void **state)
{
	loop_free(l);
	for (int i = 0; i < 4; i++) {
		fd_close(pipes[i][0]);
		fd_close(pipes[i][1]);
	}
	return 0;
}

static int quit(void *context, int fd, unsigned events)
{
	calls++;
	loop_quit(l, 7);
	return 0;
}

static int count(void *context, int fd, unsigned events)
{
	calls++;
	return 0;
}

static int fail_callback(void *context, int fd, unsigned events)
{
	return -EXFULL;
}

static void fill(int i)
{
	assert_int_equal(sys_write(pipes[i][1], "x", 1), 1);
}

static int take(void *context, int fd, unsigned events)
{
	char c;
	*(unsigned *)context |= events;
	calls++;
	if (events & LOOP_READ)
		return sys_read(fd, &c, 1) < 0 ? -EIO : 0;
	return loop_forget(l, fd);
}

static void test_read_and_hangup(void **state)
{
	unsigned seen = 0;
	assert_int_equal(loop_watch(l, pipes[0][0], LOOP_READ, take, &seen), 0);
	fill(0);
	assert_true(loop_timer(l, 20, quit, NULL) >= 0);
	assert_int_equal(loop_run(l), 7);
	assert_int_equal(seen, LOOP_READ);
	assert_int_equal(calls, 2);

	/* Only the hangup. */
	fill(0);
	seen = 0;
	assert_int_equal(loop_watch(l, pipes[0][0], 0, take, &seen), 0);
	assert_true(loop_timer(l, 10, quit, NULL) >= 0);
	assert_int_equal(loop_run(l), 7);
	assert_int_equal(seen, 0);
	fd_replace(&pipes[0][1], -EBADF);
	assert_true(loop_timer(l, 10, quit, NULL) >= 0);
	assert_int_equal(loop_run(l), 7);
	assert_int_equal(seen, LOOP_HANGUP);
}

static void test_write_and_failure(void **state)
{
	assert_int_equal(loop_watch(l, pipes[0][1], LOOP_WRITE, fail_callback, NULL), 0);
	assert_int_equal(loop_run(l), -EXFULL);
	assert_int_equal(loop_forget(l, pipes[0][1]), 0);
	assert_int_equal(loop_forget(l, pipes[0][1]), -ENOENT);
	assert_int_equal(loop_watch(l, -1, LOOP_READ, count, NULL), -EBADF);
	assert_int_equal(loop_watch(l, 999, LOOP_READ, count, NULL), -EBADF);
	assert_int_equal(loop_watch(l, temp_fd, LOOP_READ, count, NULL), -EPERM);
	loop_quit(l, 3);
	assert_int_equal(loop_run(l), 3);
}

/* The first callback forgets and closes all sources, whose events are in the same turn. */
static int murder(void *context, int fd, unsigned events)
{
	calls++;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(loop_forget(l, pipes[i][0]), 0);
		fd_replace(&pipes[i][0], -EBADF);
	}
	return 0;
}

static void test_forget_others(void **state)
{
	for (int i = 0; i < 3; i++) {
		fill(i);
		assert_int_equal(loop_watch(l, pipes[i][0], LOOP_READ, murder, NULL), 0);
	}
	assert_true(loop_timer(l, 10, quit, NULL) >= 0);
	assert_int_equal(loop_run(l), 7);
	assert_int_equal(calls, 2);
}

/* A new source gets the slot and the number of a forgotten one. The new source has nothing to
 * read. */
static int reincarnate(void *context, int fd, unsigned events)
{
	calls++;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(loop_forget(l, pipes[i][0]), 0);
		int number = pipes[i][0];
		fd_close(number);
		assert_int_equal(fcntl(pipes[3][0], F_DUPFD_CLOEXEC, number), number);
		assert_int_equal(loop_watch(l, number, LOOP_READ, fail_callback, NULL), 0);
	}
	return 0;
}

static void test_reuse_of_number(void **state)
{
	for (int i = 0; i < 3; i++) {
		fill(i);
		assert_int_equal(loop_watch(l, pipes[i][0], LOOP_READ, reincarnate, NULL), 0);
	}
	assert_true(loop_timer(l, 10, quit, NULL) >= 0);
	assert_int_equal(loop_run(l), 7);
	assert_int_equal(calls, 2);
}

/* Closed without having been forgotten, then watched under the same number. */
static void test_closed_silently(void **state)
{
	int number = pipes[0][0];
	unsigned seen = 0;
	assert_int_equal(loop_watch(l, number, LOOP_READ, fail_callback, NULL), 0);
	fd_close(number);
	assert_int_equal(fcntl(pipes[1][0], F_DUPFD_CLOEXEC, number), number);
	assert_int_equal(loop_watch(l, number, LOOP_READ, take, &seen), 0);
	fill(1);
	assert_true(loop_timer(l, 10, quit, NULL) >= 0);
	assert_int_equal(loop_run(l), 7);
	assert_int_equal(seen, LOOP_READ);
	fd_close(number);
	assert_int_equal(loop_forget(l, number), 0);
	pipes[0][0] = -EBADF;
}

static char order[8], late[] = "n";

static int append(void *context, int id, unsigned events)
{
	order[calls++] = *(const char *)context;
	return 0;
}

static int append_and_cancel(void *context, int id, unsigned events)
{
	/* The timer's own id is no longer valid. */
	assert_int_equal(loop_timer_cancel(l, id), -ENOENT);
	assert_int_equal(loop_timer_cancel(l, *(int *)context), 0);
	order[calls++] = '!';
	/* This timer runs in the next turn, even if it is due at once. */
	assert_true(loop_timer(l, 0, append, late) >= 0);
	return 0;
}

static void test_timers(void **state)
{
	memset(order, 0, sizeof(order));
	int victim = loop_timer(l, 12, append, (char[]){"v"});
	assert_true(loop_timer(l, 25, append, (char[]){"c"}) >= 0);
	assert_true(loop_timer(l, 5, append, (char[]){"a"}) >= 0);
	assert_true(loop_timer(l, 5, append, (char[]){"b"}) >= 0);
	assert_true(loop_timer(l, 9, append_and_cancel, &victim) >= 0);
	assert_true(loop_timer(l, 40, quit, NULL) >= 0);
	assert_true(loop_timer(l, UINT64_MAX, append, (char[]){"x"}) >= 0);
	uint64_t before = clock_boot_ms();
	assert_int_equal(loop_run(l), 7);
	assert_true(clock_boot_ms() - before >= 40);
	assert_string_equal(order, "ab!nc");
	assert_int_equal(loop_timer_cancel(l, victim), -ENOENT);
	assert_int_equal(loop_timer_cancel(l, -5), -ENOENT);
	assert_int_equal(loop_timer_cancel(l, 0), -ENOENT);
}

static void test_full_table(void **state)
{
	for (int i = 0; i < LOOP_SOURCES_MAX; i++)
		assert_true(loop_timer(l, 1000, count, NULL) >= 0);
	assert_int_equal(loop_timer(l, 1000, count, NULL), -ENOSPC);
	assert_int_equal(loop_watch(l, pipes[0][0], LOOP_READ, count, NULL), -ENOSPC);
}

static int on_signal(void *context, int fd, unsigned events)
{
	int number = loop_signal_next(fd);
	assert_int_equal(loop_signal_next(fd), -EAGAIN);
	loop_quit(l, number);
	return 0;
}

static void test_signals(void **state)
{
	static const int signals[] = {SIGUSR1, SIGUSR2, 0}, wrong[] = {999, 0};
	assert_int_equal(loop_signal_fd(wrong), -EINVAL);
	auto_close int fd = loop_signal_fd(signals);
	assert_true(fd >= 0);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(loop_watch(l, fd, LOOP_READ, on_signal, NULL), 0);
	kill(getpid(), SIGUSR2);
	assert_int_equal(loop_run(l), SIGUSR2);
}

#define LOOP_TEST(f) cmocka_unit_test_setup_teardown(f, loop_setup, loop_teardown)

int main(void)
{
	loop_free(NULL);
	const struct CMUnitTest tests[] = {
		LOOP_TEST(test_read_and_hangup),
		LOOP_TEST(test_write_and_failure),
		LOOP_TEST(test_forget_others),
		LOOP_TEST(test_reuse_of_number),
		LOOP_TEST(test_closed_silently),
		LOOP_TEST(test_timers),
		LOOP_TEST(test_full_table),
		LOOP_TEST(test_signals),
	};
	return cmocka_run_group_tests(tests, temp_setup, temp_teardown);
}
