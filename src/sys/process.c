/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Identifying processes by pid and start time, and waiting for them by pidfd; clocks. Running
 * helper programs is in process_run.c, signal names are in process_signal.c.
 */
#include "sys/process.h"

#include "base/str.h"
#include "sys/calls.h"
#include "sys/file.h"
#include "sys/internal.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Fields of /proc/PID/stat as proc(5) numbers them. */
enum { STAT_STATE = 3, STAT_PARENT = 4, STAT_THREADS = 20, STAT_START = 22, FDINFO_MAX = 4096 };

struct stat_line {
	pid_t parent;
	uint64_t start_ticks;
};

/* Reads the line of /proc/PID/stat. The second field is a name that the program chooses, and may
 * hold blanks and parentheses. No field after it holds any, so fields are counted from the last
 * parenthesis. */
static int process_parse_stat(char *line, struct stat_line *out)
{
	char *rest = strrchr(line, ')');
	if (!rest || rest[1] != ' ')
		return -EPROTO;
	rest += 2;

	char state = 0;
	uint64_t threads = 0;
	uint32_t parent = 0;
	for (int field = STAT_STATE; field <= STAT_START; field++) {
		char *word = str_cut(&rest, ' ');
		if (!word || !*word)
			return -EPROTO;
		if (field == STAT_STATE)
			state = *word;
		if (field == STAT_PARENT && parse_u32(word, &parent) < 0)
			return -EPROTO;
		if (field == STAT_THREADS && parse_u64(word, &threads) < 0)
			return -EPROTO;
		if (field == STAT_START && parse_u64(word, &out->start_ticks) < 0)
			return -EPROTO;
	}
	out->parent = (pid_t)parent;
	/* A thread group leader that has ended while its threads run is in state Z too, but the
	 * process lives. */
	if (state == 'X' || state == 'x' || (state == 'Z' && threads <= 1))
		return -ESRCH;
	return 0;
}

static int stat_read(pid_t pid, struct stat_line *out)
{
	char path[32], line[1024];
	if (pid <= 0)
		return -ESRCH;
	int r = fmt(path, "/proc/%d/stat", pid);
	if (r < 0)
		return r;
	auto_close int fd = sys_open_at(AT_FDCWD, path, O_RDONLY, 0);
	if (fd < 0)
		return fd == -ENOENT ? -ESRCH : fd;
	/* One read is enough: the kernel gives the line as a whole. */
	ssize_t len = sys_read(fd, line, sizeof(line) - 1);
	if (len < 0)
		return (int)len;
	line[len] = '\0';
	return process_parse_stat(line, out);
}

int process_identify(pid_t pid, struct process_id *out)
{
	struct stat_line line = {0};
	int r = stat_read(pid, &line);
	if (r == 0)
		*out = (struct process_id){.pid = pid, .start_ticks = line.start_ticks};
	return r;
}

int process_pid(int pidfd)
{
	char path[40];
	auto_buf struct buf text = BUF_INIT;
	fmt(path, "/proc/self/fdinfo/%d", pidfd);
	int r = file_read(path, FDINFO_MAX, &text);
	if (r < 0)
		return r;
	char *rest = text.data;
	for (char *line = str_cut(&rest, '\n'); line; line = str_cut(&rest, '\n')) {
		const char *value = str_after(line, "Pid:\t");
		uint32_t pid;
		/* -1: the process has ended; 0: it is in another pid namespace. */
		if (value)
			return parse_u32(value, &pid) == 0 && pid > 0 ? (int)pid : -ESRCH;
	}
	return -ESRCH;
}

int process_open(const struct process_id *id)
{
	if (id->pid <= 0)
		return -ESRCH;
	/* The pidfd is opened before the comparison: the process that has the pid now is that of
	 * the pidfd, or the process of the pidfd is gone. */
	auto_close int pidfd = sys_pidfd_open(id->pid, 0);
	if (pidfd < 0)
		/* EINVAL (ENOENT from 6.15 on): the number belongs to a thread by now. */
		return pidfd == -EINVAL || pidfd == -ENOENT ? -ESRCH : pidfd;
	struct process_id now = {0};
	int r = process_identify(id->pid, &now);
	if (r < 0)
		return r;
	return now.start_ticks == id->start_ticks ? take_fd(&pidfd) : -ESRCH;
}

bool process_is_alive(const struct process_id *id)
{
	/* No pidfd is needed: nothing is done to the process after the answer. */
	struct process_id now = {0};
	int r = process_identify(id->pid, &now);
	/* A process that cannot be examined (EMFILE) is not taken for dead. */
	return r < 0 ? r != -ESRCH : now.start_ticks == id->start_ticks;
}

int process_parent(const struct process_id *id)
{
	struct stat_line now = {0};
	int r = stat_read(id->pid, &now);
	if (r < 0)
		return r;
	return now.start_ticks == id->start_ticks ? now.parent : -ESRCH;
}

void process_kill(int pidfd)
{
	if (pidfd < 0)
		return;
	siginfo_t info;
	int r = sys_pidfd_send_signal(pidfd, SIGKILL);
	/* The wait for a process that could not be killed might never end. */
	if (r == 0 || r == -ESRCH)
		sys_wait_pidfd(pidfd, WEXITED, &info);
	fd_close(pidfd);
}

int process_wait(int pidfd)
{
	siginfo_t info;
	int r = sys_wait_pidfd(pidfd, WEXITED, &info);
	if (r < 0)
		return r;
	return info.si_code == CLD_EXITED ? info.si_status & 0xff : 128 + info.si_status;
}

int process_exit_code(int pidfd)
{
	enum { STEP_MS = 5 };
	int status, r = sys_pidfd_exit_status(pidfd, &status);
	/* The kernel keeps the status from the moment that the parent reaps the process. */
	for (int waited = 0; r == -ENODATA && waited < REAPED_MS; waited += STEP_MS) {
		clock_sleep_ms(STEP_MS);
		r = sys_pidfd_exit_status(pidfd, &status);
	}
	if (r < 0)
		return r;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void process_trace_leave(void)
{
	siginfo_t info;
	while (sys_wait_stopped(&info) == 0 && info.si_pid > 0) {
		int signal = info.si_status & 0xff;
		if (info.si_code == CLD_TRAPPED)
			sys_ptrace_detach(info.si_pid, signal == SIGTRAP ? 0 : signal);
	}
}

int process_wait_gone(int pidfd, uint64_t timeout_ms)
{
	uint64_t now = clock_boot_ms();
	uint64_t end = timeout_ms > UINT64_MAX - now ? UINT64_MAX : now + timeout_ms;
	for (;;) {
		struct pollfd wait = {.fd = pidfd, .events = POLLIN};
		uint64_t left = end > now ? end - now : 0;
		int r = sys_poll(&wait, 1, left > INT_MAX ? INT_MAX : (int)left);
		if (r < 0 && r != -EINTR)
			return r;
		if (r > 0)
			return wait.revents & POLLNVAL ? -EBADF : 0;
		now = clock_boot_ms();
		if (now >= end && r == 0)
			return -ETIMEDOUT;
	}
}

int process_boot_id(char out[static 37])
{
	auto_close int fd = sys_open_at(AT_FDCWD, "/proc/sys/kernel/random/boot_id", O_RDONLY, 0);
	ssize_t n = fd < 0 ? fd : sys_read(fd, out, 36);
	out[36] = '\0';
	return n < 0 ? (int)n : n == 36 ? 0 : -EPROTO;
}

unsigned process_cpus(void)
{
	cpu_set_t cpus;
	int r = sched_getaffinity(0, sizeof(cpus), &cpus);
	return r < 0 ? 1 : (unsigned)CPU_COUNT(&cpus);
}

uint64_t clock_boot_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

uint64_t clock_real_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

void clock_sleep_ms(uint64_t ms)
{
	struct timespec left = {
		.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};
	/* clock_nanosleep returns the error code itself, and sets `left` to the remaining time. */
	while (clock_nanosleep(CLOCK_MONOTONIC, 0, &left, &left) == EINTR)
		continue;
}

/* _exit(2) of the C library would make the refused call again and again. */
_Noreturn void process_exit(int code)
{
	syscall(SYS_exit_group, code);
	__builtin_trap();
}
