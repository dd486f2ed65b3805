/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process that `run` and `enter` fork, and waiting for it.
 *
 *   parent: fork ... (id maps are written) ... go --->  child: waits for go, prepares itself, execs
 *           end of file: the command runs     <---      exec, or a packet with what failed
 */
#include "ns/internal.h"

#include "base/err.h"
#include "sys/calls.h"
#include "sys/fd.h"
#include "sys/loop.h"
#include "sys/process.h"
#include "sys/socket.h"

#include <errno.h>
#include <linux/sched.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

enum { EXIT_HUSK = 125 };

struct failure {
	struct err_packet error;
	int32_t exit_code;
};

int ns_child_fork(struct ns_child *child)
{
	int pair[2];
	int r = socket_pair(pair);
	if (r < 0)
		return err_new(r, "make a socket pair");
	auto_close int parent_end = pair[0], child_end = pair[1];

	sigset_t waiting;
	sigemptyset(&waiting);
	sigaddset(&waiting, SIGINT);
	sigaddset(&waiting, SIGTERM);
	sigprocmask(SIG_BLOCK, &waiting, &child->mask);

	struct clone_args args = {
		.flags = CLONE_PIDFD,
		.pidfd = (uintptr_t)&child->pidfd,
		.exit_signal = SIGCHLD,
	};
	r = sys_clone3(&args);
	if (r < 0) {
		sigprocmask(SIG_SETMASK, &child->mask, NULL);
		return r == -ENOMEM ? err_say(r,
					      "no new process: the first process of the pid "
					      "namespace has ended")
				    : err_new(r, "fork");
	}
	if (r == 0) {
		child->pidfd = -EBADF;
		child->fd = take_fd(&child_end);
		return 0;
	}
	child->fd = take_fd(&parent_end);
	return 1;
}

int ns_child_await(const struct ns_child *child)
{
	char leave;
	ssize_t count = socket_receive(child->fd, &leave, 1, NULL, NULL);
	return count == 1 ? 0 : err_say(-ECONNRESET, "husk has ended before its command began");
}

void ns_child_fail(const struct ns_child *child, int code)
{
	struct failure failure = {.exit_code = code};
	err_pack(&failure.error);
	socket_send(child->fd, &failure, sizeof(failure), NULL, 0);
	_exit(code);
}

int ns_child_release(const struct ns_child *child, int *out_code)
{
	struct failure failure;
	*out_code = EXIT_HUSK;
	int r = socket_send(child->fd, "", 1, NULL, 0);
	ssize_t count = r < 0 ? r
			      : socket_receive(child->fd, &failure, sizeof(failure), NULL, NULL);
	/* A reset means that the child was killed before it executed: its exit code says so. */
	if (count == 0 || count == -ECONNRESET || count == -EPIPE)
		return 0;
	if (count < 0)
		return err_new((int)count, "hear from the command's process");
	if (count != sizeof(failure))
		return err_say(-EPROTO, "the command's process sent %zd bytes", count);
	*out_code = failure.exit_code;
	return err_unpack(&failure.error);
}

/* A stopped command stops husk as well, so that job control works. Both continue together. */
static void follow_stop(int pidfd)
{
	siginfo_t info;
	if (sys_wait_pidfd(pidfd, WSTOPPED | WNOHANG | WNOWAIT, &info) < 0 || info.si_pid <= 0)
		return;
	if (info.si_code == CLD_TRAPPED) {
		process_trace_leave();
	} else if (sys_wait_pidfd(pidfd, WSTOPPED | WNOHANG, &info) == 0) {
		kill(getpid(), SIGSTOP);
		sys_pidfd_send_signal(pidfd, SIGCONT);
	}
}

static bool has_ended(int pidfd)
{
	struct pollfd wait = {.fd = pidfd, .events = POLLIN};
	return sys_poll(&wait, 1, 0) > 0;
}

int ns_child_wait(struct ns_child *child, const struct ns_command *c, int *out_code)
{
	/* The three signals stay blocked, so they have no effect unless they are passed on. */
	auto_close int signals = loop_signal_fd((const int[]){SIGCHLD, SIGINT, SIGTERM, 0});
	if (signals < 0)
		return err_new(signals, "wait for signals");
	while (!has_ended(child->pidfd)) {
		follow_stop(child->pidfd);
		struct pollfd waits[2] = {
			{.fd = child->pidfd, .events = POLLIN}, {.fd = signals, .events = POLLIN}};
		int r = sys_poll(waits, 2, -1);
		if (r < 0 && r != -EINTR)
			return err_new(r, "wait for the command");
		if (!waits[1].revents)
			continue;
		int number = loop_signal_next(signals);
		if (c->forwards_signals && (number == SIGINT || number == SIGTERM))
			sys_pidfd_send_signal(child->pidfd, number);
	}
	int r = process_wait(child->pidfd);
	if (r < 0)
		return err_new(r, "wait for the command");
	fd_close(take_fd(&child->pidfd));
	*out_code = r;
	return 0;
}
