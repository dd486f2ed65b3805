/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Input and output of a payload: this process's own 0, 1 and 2 and the fds that it was told to
 * keep, or a terminal, whose other side is sent over a socket to the program that asked for it.
 * Waiting in the foreground is done by the monitor's code.
 */
#include "runtime/internal.h"
#include "base/err.h"
#include "base/str.h"
#include "monitor/monitor.h"
#include "sys/calls.h"
#include "sys/file.h"
#include "sys/socket.h"
#include "sys/term.h"

#include <errno.h>
#include <fcntl.h>

void runtime_child_close(struct runtime_child *child)
{
	fd_replace(&child->pidfd, -EBADF);
	fd_replace(&child->console_fd, -EBADF);
	notify_close(&child->notify);
}

static int terminal_check(const struct runtime_stdio *stdio, bool has_terminal)
{
	if (has_terminal && stdio->is_detached && !stdio->console_socket)
		return err_say(-EINVAL,
			"cannot allocate tty if runc will detach without setting console socket");
	if (!has_terminal && stdio->console_socket)
		return err_say(-EINVAL,
			"cannot use console socket if runc will not detach or allocate tty");
	return 0;
}

/* An fd that was inherited over an execve is not close-on-exec. An fd that this program has opened
 * since then always is. Such an fd can have this number if the caller has fewer fds open than it
 * says. */
static int kept_dup(int number)
{
	int flags = sys_fcntl(number, F_GETFD, 0);
	if (flags >= 0 && flags & FD_CLOEXEC)
		return -EBADF;
	return flags < 0 ? flags : fd_dup(number);
}

static int kept_take(uint32_t count, struct launch *launch)
{
	if (count > LAUNCH_KEEP_MAX)
		return err_say(-E2BIG, "--preserve-fds %u: at most %d can be kept", count,
			LAUNCH_KEEP_MAX);
	for (uint32_t i = 0; i < count; i++) {
		int fd = kept_dup((int)(3 + i));
		if (fd < 0)
			return err_new(fd, "--preserve-fds: file descriptor %u", 3 + i);
		launch->slots[SLOT_KEEP_FIRST + i] = fd;
	}
	return 0;
}

int runtime_stdio_prepare(
	const struct runtime_stdio *stdio, bool has_terminal, struct launch *launch)
{
	int r = terminal_check(stdio, has_terminal);
	for (int i = 0; i < 3 && r == 0 && !has_terminal; i++) {
		launch->stdio[i] = fd_dup(i);
		if (launch->stdio[i] < 0)
			r = err_new(launch->stdio[i], "take the standard streams");
	}
	if (r == 0 && has_terminal && !stdio->console_socket)
		term_get_size(0, &launch->rows, &launch->columns);
	return r < 0 ? r : kept_take(stdio->kept_fds, launch);
}

/* As containerd and conmon receive it: one message on a stream socket, with the fd and a name that
 * is not used. */
static int fd_hand_over(const char *path, const char *what, int fd)
{
	int r = socket_stream_give(path, what, fd);
	return r < 0 ? err_new(r, "send %s to %s", what, path) : 0;
}

static int pid_write(const char *path, pid_t pid)
{
	char text[16];
	int len = fmt(text, "%d", pid);
	int r = len < 0 ? len : file_replace_at(AT_FDCWD, path, text, (size_t)len, 0644, false);
	return r < 0 ? err_new(r, "write the pid file %s", path) : 0;
}

int runtime_stdio_report(const struct runtime_stdio *stdio, const struct launch *launch)
{
	int r = 0;
	if (stdio->console_socket && launch->console_fd >= 0)
		r = fd_hand_over(stdio->console_socket, "/dev/console", launch->console_fd);
	if (r == 0 && stdio->pidfd_socket)
		r = fd_hand_over(stdio->pidfd_socket, "pidfd", launch->pidfd);
	if (r == 0 && stdio->pid_file)
		r = pid_write(stdio->pid_file, launch->pid);
	return r;
}

void runtime_hold_signals(void)
{
	monitor_signals_hold();
}

int runtime_wait(struct runtime_child *child, int *out_code)
{
	bool has_console = child->console_fd >= 0;
	struct monitor m = {
		.pidfd = child->pidfd,
		.console_fd = child->console_fd,
		.output_fds = {-EBADF, -EBADF},
		.input_fd = -EBADF,
		.user_in = has_console ? 0 : -EBADF,
		.user_out = has_console ? 1 : -EBADF,
		.user_err = -EBADF,
		.notify = child->notify.payload_fd >= 0 ? &child->notify : NULL,
		.forwards_signals = true,
	};
	return monitor_run(&m, out_code);
}
