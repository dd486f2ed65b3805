/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a process enters a pid namespace that was joined: a child of the same parent goes on in place
 * of this process, after the host has heard of the child.
 */
#include "launch/init.h"
#include "launch/sync.h"
#include "sys/calls.h"
#include "sys/fd.h"
#include "sys/process.h"

#include <errno.h>
#include <sched.h>
#include <unistd.h>

static const char gate_word[] = "go on";

/* Makes the pipe that hand_over needs, while this process may still make one. */
int gate_open(struct init *init)
{
	int gate[2];
	int r = sys_pipe(gate);
	if (r < 0)
		return err_new(r, "make a pipe");
	init->gate_read = gate[0];
	init->gate_write = gate[1];
	return 0;
}

/* The child goes on after the host has heard of it. If this process dies before, the child ends: a
 * process without a parent that waits for it may not run. The report is left to this process. */
static int gate_pass(struct init *init)
{
	fd_replace(&init->gate_write, -EBADF);
	char word[sizeof(gate_word)];
	ssize_t n = sys_read(init->gate_read, word, sizeof(word));
	fd_replace(&init->gate_read, -EBADF);
	if (n == 0)
		process_exit(1);
	return n < 0 ? err_new((int)n, "wait for the host") : 0;
}

int hand_over(struct init *init)
{
	int pidfd = -EBADF;
	int pid = sys_fork(CLONE_PARENT, &pidfd);
	if (pid < 0)
		return err_new(pid, "enter the pid namespace");
	if (pid == 0)
		return gate_pass(init);

	struct sync_message message = {.type = SYNC_CHILD, .step = (uint32_t)pid};
	int r = sync_send(init->sync_fd, &message, &pidfd, 1);
	if (r < 0)
		return r;
	ssize_t n = sys_write(init->gate_write, gate_word, sizeof(gate_word));
	if (n == sizeof(gate_word))
		process_exit(0);
	return err_new(n < 0 ? (int)n : -EIO, "let the process in the pid namespace go on");
}
