/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Supervision of one running process: its input, output, log, signals and end. One loop serves
 * `husk` in the foreground, `husk exec`, and husk-monitor, which holds a detached container. No
 * JSON, no heap growth: it lives as long as the container. States: machine.c. Speaking.
 */
#include "base/cleanup.h"
#include "cgroup/cgroup.h"
#include "launch/launch.h"
#include "sys/process.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The log of a container: `log` in its directory, lines "2026-11-22T10:00:00.000000000Z stdout F
 * text" as in the CRI; P replaces F in a line that was cut at MONITOR_LINE_MAX or has no newline
 * yet. It is rotated to log.1, log.2 before it exceeds the limit. Writing never blocks or fails the
 * container: what is lost is counted, and a line "[N bytes lost]" says so when there is room again.
 */
enum { MONITOR_LOG_BYTES = 10 << 20, MONITOR_LOG_FILES = 3, MONITOR_LINE_MAX = 16384 };
enum monitor_stream { MONITOR_STDOUT, MONITOR_STDERR, MONITOR_STREAMS };

struct monitor_log;
int monitor_log_open(
	int directory_fd, uint64_t max_bytes, unsigned max_files, struct monitor_log **out);
void monitor_log_close(struct monitor_log *log);
AUTO_TYPE(monitor_log, struct monitor_log *, monitor_log_close)
void monitor_log_write(
	struct monitor_log *log, enum monitor_stream stream, const void *data, size_t size);
/* A line without a newline is kept until the newline comes or the line is flushed. */
bool monitor_log_has_partial(const struct monitor_log *log);
void monitor_log_flush(struct monitor_log *log);

/* Reads the log: the last `tail` lines (UINT64_MAX: all) of all files in order; with `follows` also
 * new lines, across rotations, until is_ended says that the writer has ended. `line` has no prefix;
 * has_newline is false for a P line. A negative return of `each` ends it with that code. */
struct monitor_log_line {
	const char *time;
	enum monitor_stream stream;
	const char *text;
	size_t size;
	bool has_newline;
	bool is_begin; /* the beginning of a line; else a further part of it */
};
int monitor_log_read(int directory_fd, uint64_t tail, bool follows,
	int (*each)(void *context, const struct monitor_log_line *line),
	bool (*is_ended)(void *context), void *context);

/* What one supervision works on. Fds are borrowed unless noted; -EBADF: there is none. */
struct monitor {
	int pidfd;
	int console_fd; /* pty master: then output_fds and input_fd are unused */
	int output_fds[2]; /* read ends of the payload's stdout and stderr */
	int input_fd; /* write end of its stdin; closed when user_in ends */
	int user_in, user_out, user_err; /* the user's side, in the foreground */
	struct monitor_log *log;
	struct notify *notify; /* or NULL */
	bool is_adopted; /* the payload is not our child: its exit code is -1, unknown */
	bool forwards_signals; /* signals to this process go to the payload */
	/* Called once the payload has ended, before the wait for its last output; or NULL. */
	void (*ended)(void *context, int code);
	void *context;
};

/* Blocks the signals that are forwarded until monitor_run; called before the payload runs. */
void monitor_signals_hold(void);
/* Supervises until the payload has ended and its output is drained: all that it wrote, and what
 * others that hold it open write within 2 s. With a console the user's terminal is raw meanwhile.
 * *out_code as in shells. Forwarded signals stay blocked: one more ^C must not end the cleanup. */
int monitor_run(struct monitor *m, int *out_code);

/* The exit record: `exit` in the run directory, written once, atomically. */
struct monitor_exit {
	int32_t code; /* -1: unknown */
	uint32_t flags; /* 1: the kernel's OOM killer has killed */
	uint64_t finished_ns;
};
enum { MONITOR_EXIT_OOM = 1, MONITOR_EXIT_FLAGS = MONITOR_EXIT_OOM };
int monitor_exit_store(int run_directory_fd, const struct monitor_exit *record);
int monitor_exit_load(int run_directory_fd, struct monitor_exit *out);

/*
 * Starting a detached container with `husk-monitor FULL-ID`. husk sends one packet with fds over
 * its fd 3, and reads INIT with the pid and pidfd. Then husk sets up the network, sends GO, and
 * reads RUNNING, or FAILED with the trail.
 */
enum monitor_message_type {
	MONITOR_BEGIN = 1,
	MONITOR_INIT,
	MONITOR_GO,
	MONITOR_RUNNING,
	MONITOR_FAILED
};

/* The packet's fds: those of enum monitor_fd, of `slots`, the file of OOM kills, of `home`. */
enum monitor_fd { MONITOR_FD_RUN, MONITOR_FD_LOG, MONITOR_FD_PAYLOAD, MONITOR_FD_SLOTS };

struct monitor_begin {
	char id[72];
	char engine_path[256]; /* husk itself: executed as `husk _ended ID` at the end */
	char init_path[256];
	char root_path[256], state_path[256]; /* husk's HUSK_ROOT and HUSK_STATE */
	uint64_t log_bytes;
	uint32_t log_files;
	uint16_t has_stdin; /* stdin stays open without a terminal: -d -i */
	uint16_t is_adoption; /* the payload's fd is its pidfd, not its plan */
	uint16_t has_oom, has_home_tree;
	uint32_t home_count;
	uint64_t slots[SLOT_WORDS];
};

/* What a monitor is given; all borrowed. */
struct monitor_parts {
	const char *program;
	const struct monitor_begin *begin;
	int run_directory_fd, log_directory_fd;
	int oom_fd; /* of cgroup_oom_open, or -EBADF */
	const struct cgroup_entry *group; /* its own cgroup */
	const struct cgroup_entry *home; /* the cgroup it came from, and returns to */
};

/* Host: starts the monitor in its own session and cgroup, gives it l (all fds, the plan) and
 * returns when init exists: l->pid and l->pidfd are filled. monitor_handle_close closes the socket
 * and waits for a monitor that did not get GO, which then ends. The monitor enters its cgroup
 * before it closes what is close-on-exec: a lock on that group need not be held longer. */
struct monitor_handle {
	int socket;
	int pidfd; /* until monitor_go */
	struct process_id process;
};
#define MONITOR_HANDLE_INIT \
	{ \
		.socket = -EBADF, .pidfd = -EBADF \
	}
void monitor_handle_close(struct monitor_handle *handle);
AUTO_STRUCT(monitor_handle, struct monitor_handle, monitor_handle_close)
int monitor_spawn(const struct monitor_parts *parts, struct launch *l, struct monitor_handle *out);
/* A new monitor for a container without a terminal whose monitor was killed. It goes on reading the
 * output and sees the end, but not the exit code, which only a parent may know. */
int monitor_adopt(
	const struct monitor_parts *parts, int payload_pidfd, struct process_id *out_monitor);
/* Sends GO and waits until the payload runs. On failure the monitor's trail, and *out_phase. */
int monitor_go(struct monitor_handle *handle, enum launch_phase *out_phase);

/* main() of husk-monitor, given its socket: does not return before the container has ended. */
int monitor_main(const char *id, int socket);
