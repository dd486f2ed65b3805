/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Supervision with real pipes, terminals and children: above all, no byte is lost and nothing waits
 * forever.
 */
#include "monitor/machine.c"

#include "test_sys_temp.h"

#include "sys/signal.h"
#include "sys/socket.h"

#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/wait.h>

enum { OUT_MAX = 1 << 20, SHORT_MS = 300 };

struct scene {
	struct monitor m;
	pid_t pid;
	int stdio[3]; /* the payload's ends */
	int user[3]; /* the far ends of the user's streams */
};

static void scene_init(struct scene *s)
{
	*s = (struct scene){
		.m = {.pidfd = -EBADF,
			.console_fd = -EBADF,
			.output_fds = {-EBADF, -EBADF},
			.input_fd = -EBADF,
			.user_in = -EBADF,
			.user_out = -EBADF,
			.user_err = -EBADF},
		.stdio = {-EBADF, -EBADF, -EBADF},
		.user = {-EBADF, -EBADF, -EBADF},
	};
}

static void pipe_make(int *read_end, int *write_end)
{
	int pair[2];
	assert_int_equal(sys_pipe(pair), 0);
	*read_end = pair[0];
	*write_end = pair[1];
}

static void scene_pipes(struct scene *s)
{
	pipe_make(&s->m.output_fds[0], &s->stdio[1]);
	pipe_make(&s->m.output_fds[1], &s->stdio[2]);
	pipe_make(&s->stdio[0], &s->m.input_fd);
}

static void scene_close(struct scene *s)
{
	int *all[] = {&s->m.pidfd, &s->m.console_fd, &s->m.output_fds[0], &s->m.output_fds[1],
		&s->m.input_fd, &s->m.user_in, &s->m.user_out, &s->m.user_err, &s->stdio[0],
		&s->stdio[1], &s->stdio[2], &s->user[0], &s->user[1], &s->user[2]};
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		fd_replace(all[i], -EBADF);
	monitor_log_close(s->m.log);
}

/* Starts a payload that is a shell script. */
static void scene_start(struct scene *s, const char *script)
{
	s->pid = fork();
	assert_true(s->pid >= 0);
	if (s->pid == 0) {
		signal_reset(UINT64_MAX);
		for (int i = 0; i < 3; i++)
			if (s->stdio[i] >= 0)
				dup2(s->stdio[i], i);
		fd_close_from(3);
		execl("/bin/sh", "sh", "-c", script, NULL);
		_exit(127);
	}
	for (int i = 0; i < 3; i++)
		fd_replace(&s->stdio[i], -EBADF);
	s->m.pidfd = sys_pidfd_open(s->pid, 0);
	assert_true(s->m.pidfd >= 0);
}

static void assert_drained(int fd, const char *expected)
{
	auto_buf struct buf text = BUF_INIT;
	assert_int_equal(fd_read_all(fd, OUT_MAX, &text), 0);
	assert_string_equal(text.data, expected);
}

static int run(struct scene *s)
{
	int code = -1;
	assert_int_equal(supervise(&s->m, SHORT_MS, &code), 0);
	return code;
}

static void test_table_is_complete(void **state)
{
	for (int i = 0; i < STATE_COUNT; i++)
		for (int j = 0; j < EVENT_COUNT; j++)
			assert_non_null(transitions[i][j]);
}

static void test_streams_and_code(void **state)
{
	struct scene s;
	scene_init(&s);
	scene_pipes(&s);
	pipe_make(&s.user[1], &s.m.user_out);
	pipe_make(&s.user[2], &s.m.user_err);
	assert_int_equal(monitor_log_open(temp_fd, OUT_MAX, 3, &s.m.log), 0);
	scene_start(&s, "echo out; echo err >&2; printf tail; exit 42");
	int before = temp_count_fds();
	assert_int_equal(run(&s), 42);
	assert_int_equal(temp_count_fds(), before - 1); /* payload's stdin: write end closed */
	fd_replace(&s.m.user_out, -EBADF);
	fd_replace(&s.m.user_err, -EBADF);
	assert_drained(s.user[1], "out\ntail");
	assert_drained(s.user[2], "err\n");
	scene_close(&s);
	auto_buf struct buf log = BUF_INIT;
	assert_int_equal(file_read_at(temp_fd, "log", OUT_MAX, &log), 0);
	assert_non_null(strstr(log.data, "stdout F out\n"));
	assert_non_null(strstr(log.data, "stderr F err\n"));
	assert_non_null(strstr(log.data, "stdout P tail\n"));
}

static void test_killed(void **state)
{
	struct scene s;
	scene_init(&s);
	scene_start(&s, "kill -KILL $$");
	assert_int_equal(run(&s), 128 + SIGKILL);
	scene_close(&s);
}

/* A child that writes and ends at once, a thousand times: every byte must arrive. */
static void test_short_lives(void **state)
{
	for (int i = 0; i < 1000; i++) {
		struct scene s;
		scene_init(&s);
		pipe_make(&s.m.output_fds[0], &s.stdio[1]);
		pipe_make(&s.user[1], &s.m.user_out);
		char text[32];
		fmt(text, "life %d\nand its end", i);
		s.pid = fork();
		assert_true(s.pid >= 0);
		if (s.pid == 0)
			_exit(write(s.stdio[1], text, strlen(text)) == (ssize_t)strlen(text) ? 7
											     : 1);
		fd_replace(&s.stdio[1], -EBADF);
		s.m.pidfd = sys_pidfd_open(s.pid, 0);
		assert_int_equal(run(&s), 7);
		fd_replace(&s.m.user_out, -EBADF);
		assert_drained(s.user[1], text);
		scene_close(&s);
	}
}

/* A background process holds the output open: what it writes in time is relayed, and after that the
 * monitor does not wait for it. */
static void test_background(void **state)
{
	struct scene s;
	scene_init(&s);
	scene_pipes(&s);
	pipe_make(&s.user[1], &s.m.user_out);
	scene_start(&s, "(sleep 0.1; echo late; exec sleep 2) & echo main; exit 3");
	uint64_t begin = clock_boot_ms();
	assert_int_equal(run(&s), 3);
	uint64_t took = clock_boot_ms() - begin;
	assert_true(took >= SHORT_MS && took < SHORT_MS + 1000);
	fd_replace(&s.m.user_out, -EBADF);
	assert_drained(s.user[1], "main\nlate\n");
	scene_close(&s);
}

/* Starts a process that reads slowly and reports how many bytes it read. */
static pid_t slow_reader(int fd, int wait_ms, int report_fd, int to_close)
{
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid > 0)
		return pid;
	close(to_close);
	clock_sleep_ms((uint64_t)wait_ms);
	char data[4096];
	uint32_t total = 0;
	ssize_t n;
	while ((n = sys_read(fd, data, sizeof(data))) > 0)
		total += (uint32_t)n;
	_exit(write(report_fd, &total, sizeof(total)) == sizeof(total) ? 0 : 1);
}

/* A pager that starts to read only after the payload has ended, and after the deadline, still gets
 * everything. */
static void test_slow_user(void **state)
{
	struct scene s;
	int report_read, report_write;
	scene_init(&s);
	pipe_make(&s.m.output_fds[0], &s.stdio[1]);
	pipe_make(&s.user[1], &s.m.user_out);
	pipe_make(&report_read, &report_write);
	assert_int_equal(monitor_log_open(temp_fd, OUT_MAX, 3, &s.m.log), 0);
	pid_t reader = slow_reader(s.user[1], SHORT_MS + 200, report_write, s.m.user_out);
	/* More than the user's pipe holds, less than both pipes and the relay hold. */
	scene_start(&s, "head -c 120000 /dev/zero | tr '\\0' x");
	assert_int_equal(run(&s), 0);
	fd_replace(&s.m.user_out, -EBADF);
	uint32_t total = 0;
	assert_int_equal(read(report_read, &total, sizeof(total)), sizeof(total));
	assert_int_equal(total, 120000);
	assert_int_equal(waitpid(reader, NULL, 0), reader);
	close(report_read);
	close(report_write);
	scene_close(&s);
}

/* The user's end is closed: the payload gets a closed pipe, as in any pipeline, instead of writing
 * forever. */
static void test_user_gone(void **state)
{
	struct scene s;
	scene_init(&s);
	pipe_make(&s.m.output_fds[0], &s.stdio[1]);
	pipe_make(&s.user[1], &s.m.user_out);
	fd_replace(&s.user[1], -EBADF);
	assert_int_equal(monitor_log_open(temp_fd, OUT_MAX, 3, &s.m.log), 0);
	scene_start(&s, "while :; do echo line; done");
	assert_int_equal(run(&s), 128 + SIGPIPE);
	scene_close(&s);
}

static void test_input(void **state)
{
	struct scene s;
	scene_init(&s);
	scene_pipes(&s);
	pipe_make(&s.m.user_in, &s.user[0]);
	pipe_make(&s.user[1], &s.m.user_out);
	scene_start(&s, "cat; echo end; exit 4");
	assert_int_equal(write(s.user[0], "some input\n", 11), 11);
	fd_replace(&s.user[0], -EBADF);
	assert_int_equal(run(&s), 4);
	assert_int_equal(s.m.input_fd, -EBADF);
	fd_replace(&s.m.user_out, -EBADF);
	assert_drained(s.user[1], "some input\nend\n");
	scene_close(&s);
}

/* epoll does not support files: files as input and output, larger than every buffer. */
static void test_files(void **state)
{
	struct scene s;
	auto_buf struct buf big = BUF_INIT, copy = BUF_INIT;
	for (int i = 0; i < 30000; i++)
		buf_addf(&big, "%06d\n", i);
	temp_write("in", big.data);
	temp_write("copy", "");
	scene_init(&s);
	scene_pipes(&s);
	s.m.user_in = openat(temp_fd, "in", O_RDONLY | O_CLOEXEC);
	s.m.user_out = openat(temp_fd, "copy", O_WRONLY | O_CLOEXEC);
	scene_start(&s, "cat");
	assert_int_equal(run(&s), 0);
	assert_int_equal(fcntl(s.m.user_out, F_GETFL) & O_NONBLOCK, 0);
	scene_close(&s);
	assert_int_equal(file_read_at(temp_fd, "copy", OUT_MAX, &copy), 0);
	assert_string_equal(copy.data, big.data);
}

/* A payload that does not read must not block its own output, and its end must not wait for the
 * input. */
static void test_input_not_taken(void **state)
{
	struct scene s;
	scene_init(&s);
	scene_pipes(&s);
	s.m.user_in = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	pipe_make(&s.user[1], &s.m.user_out);
	scene_start(&s, "sleep 0.1; echo ok; exit 6");
	assert_int_equal(run(&s), 6);
	fd_replace(&s.m.user_out, -EBADF);
	assert_drained(s.user[1], "ok\n");
	scene_close(&s);
}

static void test_signals(void **state)
{
	const struct {
		const char *name;
		int number;
	} rows[] = {{"TERM", SIGTERM}, {"INT", SIGINT}, {"HUP", SIGHUP}, {"USR1", SIGUSR1},
		{"34", SIGRTMIN}};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct scene s;
		char script[128];
		scene_init(&s);
		scene_pipes(&s);
		pipe_make(&s.user[1], &s.m.user_out);
		s.m.forwards_signals = true;
		/* The payload signals its parent once its trap is set. A signal that comes early
		 * waits in the signalfd. */
		fmt(script,
			"trap 'echo got; exit 9' %s; kill -%s $PPID; while :; do sleep 0.02; done",
			rows[i].name, rows[i].name);
		sigset_t set;
		sigemptyset(&set);
		sigaddset(&set, rows[i].number);
		sigprocmask(SIG_BLOCK, &set, NULL);
		scene_start(&s, script);
		assert_int_equal(run(&s), 9);
		fd_replace(&s.m.user_out, -EBADF);
		assert_drained(s.user[1], "got\n");
		scene_close(&s);
	}
}

/* After the payload's end a signal that asks for an end ends the wait for its background processes.
 * Here one of these sends it when the payload was waited for, and holds the output open until
 * nobody reads it. */
static void test_signal_while_draining(void **state)
{
	static const char *const names[] = {"HUP", "INT", "QUIT", "TERM"};
	enum { LONG_MS = 10000 };
	monitor_signals_hold();
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct scene s;
		char script[160];
		scene_init(&s);
		scene_pipes(&s);
		s.m.forwards_signals = true;
		fmt(script,
			"P=$PPID; (while kill -0 $$; do sleep 0.01; done 2>/dev/null; "
			"kill -%s $P; while echo; do sleep 0.1; done) & exit 0",
			names[i]);
		scene_start(&s, script);
		uint64_t begin = clock_boot_ms();
		int code = -1;
		assert_int_equal(supervise(&s.m, LONG_MS, &code), 0);
		assert_int_equal(code, 0);
		assert_true(clock_boot_ms() - begin < LONG_MS);
		scene_close(&s);
	}
}

static void test_what_is_forwarded(void **state)
{
	static const int no[] = {SIGCHLD, SIGPIPE, SIGKILL, SIGSTOP, SIGTTIN, SIGTTOU, 32, 33};
	static const int yes[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGCONT, SIGALRM,
		SIGABRT, SIGWINCH, SIGUSR2};
	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++)
		assert_false(is_forwarded(no[i]));
	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++)
		assert_true(is_forwarded(yes[i]));
	assert_true(is_forwarded(SIGRTMIN) && is_forwarded(SIGRTMAX));
}

static int terminal_open(int *out_slave)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(master >= 0);
	*out_slave = term_open_slave(master);
	assert_true(*out_slave >= 0);
	return master;
}

/* Two terminals: the payload's console, and the user's terminal. The console gets its size, and its
 * settings are restored at the end. */
static void test_console(void **state)
{
	struct scene s;
	int user_slave, slave;
	scene_init(&s);
	s.user[0] = terminal_open(&user_slave);
	s.m.console_fd = terminal_open(&slave);
	s.m.user_in = user_slave;
	pipe_make(&s.user[1], &s.m.user_out);
	assert_int_equal(term_set_size(user_slave, 33, 77), 0);
	for (int i = 0; i < 3; i++)
		s.stdio[i] = fd_dup(slave);
	fd_close(slave);
	struct termios before, after;
	assert_int_equal(tcgetattr(user_slave, &before), 0);
	scene_start(&s, "stty -echo; read line; echo \"<$line>\"; stty size; exit 8");
	assert_int_equal(write(s.user[0], "typed\r", 6), 6);
	assert_int_equal(run(&s), 8);
	assert_int_equal(tcgetattr(user_slave, &after), 0);
	assert_int_equal(before.c_lflag, after.c_lflag);
	assert_int_equal(before.c_iflag, after.c_iflag);
	assert_int_equal(before.c_oflag, after.c_oflag);
	fd_replace(&s.m.user_out, -EBADF);
	auto_buf struct buf text = BUF_INIT;
	assert_int_equal(fd_read_all(s.user[1], OUT_MAX, &text), 0);
	assert_non_null(strstr(text.data, "<typed>\r\n33 77\r\n"));
	scene_close(&s);
}

/* For a process that is not a child, no exit code is invented. */
static void test_not_a_child(void **state)
{
	struct scene s;
	int code = 77;
	scene_init(&s);
	int report_read, report_write;
	pipe_make(&report_read, &report_write);
	pid_t middle = fork();
	if (middle == 0) {
		pid_t grandchild = fork();
		if (grandchild == 0) {
			clock_sleep_ms(50);
			_exit(0);
		}
		_exit(write(report_write, &grandchild, sizeof(grandchild)) < 0);
	}
	pid_t pid;
	assert_int_equal(read(report_read, &pid, sizeof(pid)), sizeof(pid));
	assert_int_equal(waitpid(middle, NULL, 0), middle);
	s.m.pidfd = sys_pidfd_open(pid, 0);
	assert_true(s.m.pidfd >= 0);
	assert_int_equal(monitor_run(&s.m, &code), -ECHILD);
	assert_int_equal(code, 77);
	assert_non_null(strstr(err_text(), "wait for the payload"));
	close(report_read);
	close(report_write);
	scene_close(&s);
}

/* What the payload wrote is in the log before the exit record says that it has ended: here the
 * last line, which has no newline, is written when the log is closed. */
static void test_log_before_exit(void **state)
{
	struct monitor_begin begin = {.id = "id",
		.engine_path = "/bin/true",
		.log_bytes = OUT_MAX,
		.log_files = 3,
		.is_adoption = 1};
	struct monitor_message message;
	struct scene s;
	int pair[2];
	size_t none = 0;

	assert_int_equal(socket_pair(pair), 0);
	scene_init(&s);
	pipe_make(&s.stdio[0], &s.m.input_fd);
	assert_int_equal(mkfifoat(temp_fd, "out", 0600), 0);
	assert_int_equal(mkfifoat(temp_fd, "err", 0600), 0);
	s.stdio[1] = openat(temp_fd, "out", O_RDWR | O_CLOEXEC);
	s.stdio[2] = openat(temp_fd, "err", O_RDWR | O_CLOEXEC);
	scene_start(&s, "read line; printf tail");
	pid_t monitor = fork();
	assert_true(monitor >= 0);
	if (monitor == 0)
		_exit(monitor_main("id", pair[1]) < 0);
	close(pair[1]);
	const int fds[] = {temp_fd, temp_fd, s.m.pidfd};
	assert_int_equal(socket_send(pair[0], &begin, sizeof(begin), fds, 3), 0);
	assert_int_equal(
		socket_receive(pair[0], &message, sizeof(message), NULL, &none), sizeof(message));
	assert_int_equal(message.type, MONITOR_RUNNING);

	char path[80], events[1024];
	int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	fmt(path, "%s/log", temp_path);
	int log_closed = inotify_add_watch(watch, path, IN_CLOSE_WRITE);
	assert_true(log_closed > 0 && inotify_add_watch(watch, temp_path, IN_MOVED_TO) > 0);
	fd_replace(&s.m.input_fd, -EBADF);
	assert_int_equal(waitpid(monitor, NULL, 0), monitor);
	assert_true(read(watch, events, sizeof(events)) > 0);
	struct inotify_event first;
	memcpy(&first, events, sizeof(first));
	assert_int_equal(first.wd, log_closed);
	auto_buf struct buf log = BUF_INIT;
	assert_int_equal(file_read_at(temp_fd, "log", OUT_MAX, &log), 0);
	assert_non_null(strstr(log.data, "stdout P tail\n"));

	close(watch);
	close(pair[0]);
	assert_int_equal(waitpid(s.pid, NULL, 0), s.pid);
	scene_close(&s);
}

int main(void)
{
	signal_ignore_writes();
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table_is_complete),
		cmocka_unit_test_setup_teardown(test_streams_and_code, temp_setup, temp_teardown),
		cmocka_unit_test(test_killed),
		cmocka_unit_test(test_short_lives),
		cmocka_unit_test(test_background),
		cmocka_unit_test_setup_teardown(test_slow_user, temp_setup, temp_teardown),
		cmocka_unit_test_setup_teardown(test_user_gone, temp_setup, temp_teardown),
		cmocka_unit_test(test_input),
		cmocka_unit_test_setup_teardown(test_files, temp_setup, temp_teardown),
		cmocka_unit_test(test_input_not_taken),
		cmocka_unit_test(test_signals),
		cmocka_unit_test(test_signal_while_draining),
		cmocka_unit_test(test_what_is_forwarded),
		cmocka_unit_test(test_console),
		cmocka_unit_test(test_not_a_child),
		cmocka_unit_test_setup_teardown(test_log_before_exit, temp_setup, temp_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
