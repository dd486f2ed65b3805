/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pseudo terminals.
 */
#include "sys/term.c"

#include "test_sys_temp.h"

#include <stdlib.h>
#include <sys/wait.h>

static int master = -1;

static int pty_setup(void **state)
{
	master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	return master < 0;
}

static int pty_teardown(void **state)
{
	return close(master);
}

static void test_raw(void **state)
{
	int slave = term_open_slave(master);
	assert_true(slave >= 0);
	assert_int_equal(fcntl(slave, F_GETFD), FD_CLOEXEC);
	assert_true(term_is(slave));
	struct termios saved, now;
	assert_int_equal(term_raw(slave, &saved), 0);
	tcgetattr(slave, &now);
	assert_false(now.c_lflag & (ICANON | ECHO | ISIG));
	assert_true(saved.c_lflag & ICANON);
	assert_int_equal(term_restore(slave, &saved), 0);
	tcgetattr(slave, &now);
	assert_true(now.c_lflag & ICANON);
	close(slave);
}

static void test_size(void **state)
{
	uint16_t rows = 0, columns = 0;
	int slave = term_open_slave(master);
	assert_int_equal(term_set_size(master, 43, 132), 0);
	assert_int_equal(term_get_size(slave, &rows, &columns), 0);
	assert_int_equal(rows, 43);
	assert_int_equal(columns, 132);
	close(slave);
}

static void test_controlling(void **state)
{
	pid_t pid = fork();
	if (pid == 0) {
		int slave = term_open_slave(master);
		if (setsid() < 0 || open("/dev/tty", O_RDWR) >= 0)
			_exit(1);
		if (term_set_controlling(slave) < 0)
			_exit(2);
		_exit(open("/dev/tty", O_RDWR) >= 0 ? 0 : 3);
	}
	int status;
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
}

static void test_no_terminal(void **state)
{
	struct termios saved;
	uint16_t rows, columns;
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	assert_false(term_is(fd));
	assert_false(term_is(-1));
	assert_int_equal(term_raw(fd, &saved), -ENOTTY);
	assert_int_equal(term_get_size(fd, &rows, &columns), -ENOTTY);
	assert_int_equal(term_set_size(fd, 1, 1), -ENOTTY);
	assert_int_equal(term_open_slave(fd), -ENOTTY);
	assert_int_equal(term_set_controlling(fd), -ENOTTY);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_raw),
		cmocka_unit_test(test_size),
		cmocka_unit_test(test_controlling),
		cmocka_unit_test(test_no_terminal),
	};
	return cmocka_run_group_tests(tests, pty_setup, pty_teardown);
}
