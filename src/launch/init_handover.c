/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a process enters a pid namespace that was joined: a child of the same parent goes on in place
 * of this process, once the host says so.
 */
#include "launch/init.h"
#include "launch/sync.h"
#include "sys/calls.h"
#include "sys/process.h"

#include <errno.h>
#include <sched.h>
#include <unistd.h>

int hand_over(struct init *init)
{
	int pidfd = -EBADF;
	int pid = sys_fork(CLONE_PARENT, &pidfd);
	if (pid < 0)
		return err_new(pid, "enter the pid namespace");
	if (pid == 0)
		return sync_await(init->sync_fd, SYNC_BORN);
	struct sync_message message = {.type = SYNC_CHILD, .step = (uint32_t)pid};
	int r = sync_send(init->sync_fd, &message, &pidfd, 1);
	if (r == 0)
		process_exit(0);
	return r;
}
