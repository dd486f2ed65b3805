/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Running a helper program of the host (newuidmap, criu, ...) as if from a clean shell: no
 * environment but PATH, no fds beyond 0, 1 and 2, default signals, current directory /. A request
 * may choose another environment and directory.
 */
#include "sys/process.h"

#include "base/str.h"
#include "sys/calls.h"
#include "sys/internal.h"
#include "sys/signal.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { OUTPUT_MAX = 64 * 1024 };

static const char *const run_environment[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL};

/* In a user namespace the program becomes root, if the namespace has a root. */
static int namespaces_enter(const struct process_request *request)
{
	int r = sys_setns(request->join_pidfd, request->join_flags);
	if (r < 0 || !(request->join_flags & CLONE_NEWUSER))
		return r;
	r = sys_setresgid(0);
	if (r == 0 || r == -EINVAL)
		r = sys_setresuid(0);
	return r == -EINVAL ? 0 : r;
}

/* Runs in the child: prepares its fds, namespaces, directory and signals. */
static int run_prepare(const struct process_request *request, int output_fd)
{
	auto_close int null_fd = request->stdin_fd >= 0
		? -EBADF
		: sys_open_at(AT_FDCWD, "/dev/null", O_RDONLY, 0);
	if (request->stdin_fd < 0 && null_fd < 0)
		return null_fd;
	int r = fd_place(request->stdin_fd >= 0 ? request->stdin_fd : null_fd, 0);
	if (null_fd == 0)
		null_fd = -EBADF;
	if (r == 0)
		r = fd_place(output_fd, 1);
	if (r == 0)
		r = fd_place(output_fd, 2);
	if (r == 0 && request->join_pidfd >= 0)
		r = namespaces_enter(request);
	/* A process group of its own, so that the processes which the program started end with
	 * it. */
	if (r == 0 && request->timeout_ms) {
		r = sys_setsid();
		r = r < 0 ? r : 0;
	}
	if (r == 0)
		r = request->cwd_fd >= 0 ? sys_fchdir(request->cwd_fd) : sys_chdir("/");
	if (r == 0)
		r = fd_cloexec_from(3);
	if (r < 0)
		return r;

	/* execve keeps ignored signals ignored and blocked signals blocked. */
	signal_reset(UINT64_MAX);
	return 0;
}

static _Noreturn void run_child(const struct process_request *request, int output_fd, int report_fd)
{
	int32_t code = run_prepare(request, output_fd);
	if (code == 0)
		code = sys_execve_at(AT_FDCWD, request->path, (char *const *)request->argv,
			(char *const *)request->env, 0);
	sys_write(report_fd, &code, sizeof(code));
	_exit(127);
}

/* Makes a child with a pidfd; 0 in the child. */
static int run_fork(int *out_pidfd)
{
	int pidfd = -EBADF;
	struct clone_args args = {
		.flags = CLONE_PIDFD,
		.pidfd = (uintptr_t)&pidfd,
		.exit_signal = SIGCHLD,
	};
	int pid = sys_clone3(&args);
	if (pid == -ENOSYS) {
		/* Before 5.3, or behind a seccomp filter that cannot look into clone3's
		 * arguments. */
		pid = sys_result(fork());
		if (pid > 0)
			pidfd = sys_pidfd_open(pid, 0);
		if (pid > 0 && pidfd < 0) {
			kill(pid, SIGKILL);
			waitpid(pid, NULL, 0);
			return pidfd;
		}
	}
	if (pid > 0)
		*out_pidfd = pidfd;
	return pid;
}

/* Reads what the pipe holds; 0 at the end of the pipe or when it is empty. Output beyond the
 * limit is read and dropped, so that the program neither blocks nor dies because of it. */
static ssize_t run_take(int output_fd, size_t before, struct buf *out)
{
	char chunk[4096];
	ssize_t count = sys_read(output_fd, chunk, sizeof(chunk));
	if (count <= 0)
		return count == -EAGAIN ? 0 : count;
	size_t room = OUTPUT_MAX - (out->len - before);
	buf_add(out, chunk, (size_t)count < room ? (size_t)count : room);
	return count;
}

/* The timeout for poll(2); -1 without a deadline. */
static int run_time_left(uint64_t deadline)
{
	uint64_t now = deadline ? clock_boot_ms() : 0;
	if (deadline == 0)
		return -1;
	return now >= deadline ? 0 : deadline - now > INT_MAX ? INT_MAX : (int)(deadline - now);
}

/* Collects output until the program ends, and does not wait for the end of the pipe: a daemon
 * that the program left behind may hold the pipe for ever. */
static int run_collect(int pidfd, int output_fd, uint64_t timeout_ms, struct buf *out)
{
	size_t before = out->len;
	uint64_t deadline = timeout_ms ? clock_boot_ms() + timeout_ms : 0;
	struct pollfd waits[2] = {
		{.fd = output_fd, .events = POLLIN},
		{.fd = pidfd, .events = POLLIN},
	};
	while (!waits[1].revents) {
		int left = run_time_left(deadline);
		int r = left == 0 ? 0 : sys_poll(waits, 2, left);
		if (r == -EINTR)
			continue;
		if (r <= 0)
			return r < 0 ? r : -ETIMEDOUT;
		if (!waits[0].revents)
			continue;
		ssize_t count = run_take(output_fd, before, out);
		if (count < 0)
			return (int)count;
		if (count == 0 && waits[0].revents & POLLHUP)
			waits[0].fd = -1;
	}
	/* What the program wrote before it ended. This is bounded, as such a daemon may go on
	 * writing. */
	for (size_t taken = 0; taken <= OUTPUT_MAX;) {
		ssize_t count = run_take(output_fd, before, out);
		if (count <= 0)
			return (int)count;
		taken += (size_t)count;
	}
	return 0;
}

int process_run_request(const struct process_request *request, struct buf *out)
{
	if (!request->path || request->path[0] != '/')
		return -EINVAL;

	/* All fds must be above 2: fd_place must not overwrite one of them. */
	int output[2], report[2];
	int r = sys_pipe(output);
	if (r < 0)
		return r;
	auto_close int output_read = output[0], output_write = output[1];
	r = sys_pipe(report);
	if (r < 0)
		return r;
	auto_close int report_read = report[0], report_write = report[1];
	if (output_read <= 2 || output_write <= 2 || report_read <= 2 || report_write <= 2)
		return -EBADF;

	auto_kill int pidfd = -EBADF;
	int pid = run_fork(&pidfd);
	if (pid < 0)
		return pid;
	if (pid == 0)
		run_child(request, output_write, report_write);
	fd_replace(&output_write, -EBADF);
	fd_replace(&report_write, -EBADF);

	/* execve closes the report pipe: nothing to read means that the program runs. */
	int32_t code;
	ssize_t count = fd_read_full(report_read, &code, sizeof(code));
	if (count == sizeof(code))
		return code < 0 ? code : -EPROTO;
	r = count < 0 ? (int)count : fd_set_nonblock(output_read, 1);
	if (r == 0)
		r = run_collect(pidfd, output_read, request->timeout_ms, out);
	if (r == -ETIMEDOUT)
		kill(-pid, SIGKILL); /* no other process gets this pid before the wait */
	if (r < 0)
		return r;
	r = process_wait(pidfd);
	if (r >= 0)
		fd_close(take_fd(&pidfd));
	return r;
}

bool process_find(const char *name, char out[static PATH_MAX])
{
	const char *path = getenv("PATH");
	if (strchr(name, '/'))
		return fmt_n(out, PATH_MAX, "%s", name) >= 0 && name[0] == '/' &&
			sys_access_at(AT_FDCWD, name, X_OK, 0) == 0;
	for (const char *end; path && *path; path = *end ? end + 1 : NULL) {
		end = strchrnul(path, ':');
		if (*path == '/' &&
			fmt_n(out, PATH_MAX, "%.*s/%s", (int)(end - path), path, name) >= 0 &&
			sys_access_at(AT_FDCWD, out, X_OK, 0) == 0)
			return true;
	}
	return false;
}

int process_run(const char *const argv[], struct buf *out)
{
	struct process_request request = {
		.path = argv[0],
		.argv = argv,
		.env = run_environment,
		.stdin_fd = -EBADF,
		.cwd_fd = -EBADF,
		.join_pidfd = -EBADF,
	};
	return process_run_request(&request, out);
}
