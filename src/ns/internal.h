/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Shared inside ns/: error messages for refusals, and starting the command of `run` and `enter`. */
#include "ns/ns.h"

#include <signal.h>

/* "/proc/PID/ns/NAME", of the caller when pid is 0. */
int ns_proc_path(char out[static 64], pid_t pid, const char *name);
/* The first number in a kernel file, or -1 when there is none. */
int64_t ns_sysctl(const char *path);

/* The command line of a process, cut to size. */
void ns_process_command(pid_t pid, char *out, size_t size);

/* Why the kernel refused to make these namespaces. Returns code. */
int ns_explain_unshare(int code, uint32_t clone_flags);

/* The process that `run` and `enter` fork; fd is the socket between both, closed by a successful
 * exec. */
struct ns_child {
	int pidfd, fd;
	sigset_t mask; /* the caller's signal mask before ns_child_fork changed it */
};

/* As fork(2): 0 in the child, whose fd is then its own end. From then on SIGINT and SIGTERM are
 * blocked in the parent. */
int ns_child_fork(struct ns_child *child);
/* Child: waits until the parent lets it go on; -ECONNRESET when the parent has ended. */
int ns_child_await(const struct ns_child *child);
/* Parent: lets the child go on, then waits until the command runs. On failure the trail and the
 * exit code are the child's. */
int ns_child_release(const struct ns_child *child, int *out_code);
/* Parent: waits for the end of the command. */
int ns_child_wait(struct ns_child *child, const struct ns_command *c, int *out_code);
/* Child: tells the parent what failed and ends. */
_Noreturn void ns_child_fail(const struct ns_child *child, int code);

/* Sets groups, gid and uid of the command, and the capabilities that it keeps over exec. */
int ns_command_credentials(const struct ns_command *c);
/* Finds the file of the command by PATH of env; on failure also sets the exit code. */
int ns_command_find(
	const struct ns_command *c, char *const *env, struct buf *out_path, int *out_code);
/* Executes the command. Returns only on failure, with the exit code. `child` is NULL in a process
 * that did not fork. */
int ns_command_exec(
	const struct ns_command *c, const struct ns_child *child, char *const *env, int *out_code);
