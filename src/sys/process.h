/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Processes: identifying them although pids are reused, waiting for them, ending them, and
 * running helper programs. Silent.
 */
#include "base/buf.h"
#include "sys/fd.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* A process as stored on disk: pid and start time of this boot. */
struct process_id {
	int32_t pid;
	uint32_t reserved;
	uint64_t start_ticks; /* field 22 of /proc/PID/stat */
};

/* The id of a living process; -ESRCH. */
int process_identify(pid_t pid, struct process_id *out);
/* A pidfd of exactly that process. -ESRCH when the process is gone, also if its pid belongs to
 * another process by now. A zombie counts as gone. */
int process_open(const struct process_id *id);
bool process_is_alive(const struct process_id *id);
/* The pid of its parent, 0 for a parent that cannot be seen from here; -ESRCH when the process is
 * gone. */
int process_parent(const struct process_id *id);
/* The pid behind a pidfd, in the caller's pid namespace; -ESRCH when the process has ended or
 * cannot be seen from there. */
int process_pid(int pidfd);

/* Kills and reaps the child behind the pidfd, then closes it. */
void process_kill(int pidfd);
static inline void cleanup_pidfd(int *pidfd)
{
	if (*pidfd >= 0)
		process_kill(*pidfd);
}
/* `auto_kill int pidfd = -EBADF;` */
#define auto_kill __attribute__((cleanup(cleanup_pidfd)))

/* Waits for a child and gives its exit code as shells do: 0..255, or 128 + signal. */
int process_wait(int pidfd);
/* A child may make its parent its tracer (PTRACE_TRACEME). The child then stops at each signal
 * until the parent lets it go on. This function lets such children go on as if they were not
 * traced. A supervisor of payloads calls it after each SIGCHLD. */
void process_trace_leave(void);
/* The exit code, as process_wait gives it, of an ended process that is not the caller's child.
 * -ENODATA: no process has reaped it within REAPED_MS. -ENOTTY or -EINVAL: the kernel does not
 * keep the code (before 6.15). */
enum { REAPED_MS = 1000 };
int process_exit_code(int pidfd);
/* Ends this process, even where a seccomp filter refuses exit_group(2): then by a signal. */
_Noreturn void process_exit(int code);
/* Waits at most timeout_ms (-ETIMEDOUT) for the end of any process, child or not; returns 0. */
int process_wait_gone(int pidfd, uint64_t timeout_ms);

/* The boot id of the kernel, 36 characters. */
int process_boot_id(char out[static 37]);
/* How many processors this process may run on. */
unsigned process_cpus(void);
/* Now, in milliseconds since boot (suspend included) and in nanoseconds since 1970. */
uint64_t clock_boot_ms(void);
uint64_t clock_real_ns(void);
void clock_sleep_ms(uint64_t ms);

/* Finds a program by the caller's PATH, or by its absolute path. */
bool process_find(const char *name, char out[static PATH_MAX]);

/* Runs a program of the host by absolute path, with a constant argv and no environment but PATH
 * (R16). stdin is /dev/null; stdout and stderr go to `out` (at most 64 KiB). Returns the exit
 * code, or -errno. */
int process_run(const char *const argv[], struct buf *out);

/* The same with more settings, for programs that the user names (hooks). */
struct process_request {
	const char *path; /* absolute */
	const char *const *argv, *const *env; /* NULL-terminated */
	int stdin_fd; /* -EBADF: /dev/null */
	int cwd_fd; /* -EBADF: / */
	int join_pidfd; /* the program first enters namespaces of this process; -EBADF: none */
	int join_flags; /* CLONE_NEW* */
	uint64_t timeout_ms; /* after this time the program is killed: -ETIMEDOUT; 0: no limit */
};
int process_run_request(const struct process_request *request, struct buf *out);

/* The number of "TERM", "SIGTERM", "15" or "RTMIN+3", or -EINVAL; the name ("SIGTERM") of a
 * number, or NULL. */
int signal_parse(const char *text);
const char *signal_name(int number);
