/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The containers of husk-runtime, run by separate commands as in runc and the OCI specification.
 * There is no daemon and no monitor: between two commands a container is its init, which waits, or
 * its payload, and a directory:
 *
 *   ROOT/ID/state.json    its process, paths and owner: written once, after it was created
 *           config.json   the bundle's at creation: read by exec and the hooks
 *           plan          the rows that were applied, for exec and for messages
 *           start         the socket where init waits; gone, or refusing, after the start
 *           notify/       /run/notify of a container that tells a service manager its states
 *
 * Without state.json a directory belongs to a create at work, or dead. Everything speaks; host.
 */
#include "cgroup/cgroup.h"
#include "oci/oci.h"
#include "sys/notify.h"
#include "sys/process.h"

/* Makes a container's cgroup; disabled: has none. The words are NULL-terminated. Silent search. */
enum runtime_manager { RUNTIME_CGROUPFS, RUNTIME_SYSTEMD, RUNTIME_DISABLED };
enum { RUNTIME_MANAGER_COUNT = 3 };
extern const char *const runtime_manager_words[];
int runtime_manager_find(const char *word, enum runtime_manager *out);

struct runtime {
	char *root_path;
	int root_fd;
	struct cgroup_host cgroup;
	enum runtime_manager manager; /* cgroupfs, unless the caller of runtime_open sets it */
};

/* `root_path` is made, with mode 0700, if it does not exist. */
int runtime_open(struct runtime *rt, const char *root_path);
void runtime_close(struct runtime *rt);
AUTO_STRUCT(runtime, struct runtime, runtime_close)

enum runtime_status {
	RUNTIME_CREATING,
	RUNTIME_CREATED,
	RUNTIME_RUNNING,
	RUNTIME_PAUSED,
	RUNTIME_STOPPED
};
extern const char *const runtime_status_words[];
/* The content of state.json, and the status that was found. */
struct runtime_state {
	enum runtime_status status;
	enum runtime_manager manager;
	const char *id, *bundle, *rootfs, *cgroup_path, *created, *owner;
	const char *unit, *rdt; /* systemd's unit, resctrl's class; or "" */
	bool rdt_is_own; /* the class is removed with the container */
	struct process_id process;
	OCI_LIST(struct oci_pair) annotations;
};

/* -ENOENT: "container does not exist". */
int runtime_state(struct runtime *rt, const char *id, struct arena *a, struct runtime_state *out);
/* As the specification and runc write it: for `state`, hooks, and `list --format json`. */
void runtime_state_write(const struct runtime_state *state, bool is_for_list, struct buf *out);
int runtime_list(struct runtime *rt, struct strvec *out); /* ids of all containers, sorted */
/* What create and exec are told besides the configuration; paths may be NULL. */
struct runtime_stdio {
	const char *console_socket, *pid_file, *pidfd_socket;
	uint32_t kept_fds; /* 3, 4, ... of this process are passed to the payload */
	bool is_detached;
};

struct runtime_create {
	const char *id, *bundle;
	struct runtime_stdio stdio;
	uint32_t listen_fds; /* so many of the kept fds are of sd_listen_fds(3) */
	bool notifies; /* the payload gets a socket for sd_notify(3) */
	bool no_pivot, no_new_keyring;
};

/* A started process that the caller waits for; the fds are owned. */
struct runtime_child {
	int pidfd;
	pid_t pid; /* set with notify */
	int console_fd; /* -EBADF without a terminal */
	struct notify notify;
};
#define RUNTIME_CHILD_INIT \
	((struct runtime_child){.pidfd = -EBADF, .console_fd = -EBADF, .notify = NOTIFY_INIT})
void runtime_child_close(struct runtime_child *child);
AUTO_STRUCT(runtime_child, struct runtime_child, runtime_child_close)

/* Reads the bundle; on success init waits for runtime_start, on failure nothing is left. */
int runtime_create(
	struct runtime *rt, const struct runtime_create *request, struct runtime_child *out);
/* With `manager`, the service manager's socket, a container that was created for it (notifies) gets
 * its way to the manager in *child, whose pidfd is opened if runtime_create has not filled it. */
int runtime_start(
	struct runtime *rt, const char *id, const char *manager, struct runtime_child *child);
/* Shows the plan of a bundle, and makes nothing. */
int runtime_plan(struct runtime *rt, const char *bundle, struct buf *out);

/* Sends a signal to the first process, or with `is_for_all` to every process in the cgroup. */
int runtime_kill(struct runtime *rt, const char *id, int signal, bool is_for_all);
/* Removes cgroup and directory, runs poststop hooks. `is_forced` ends the processes; without it the
 * container must have stopped, or not have been started, and must exist. */
int runtime_delete(struct runtime *rt, const char *id, bool is_forced);
int runtime_pause(struct runtime *rt, const char *id);
int runtime_resume(struct runtime *rt, const char *id);

/* One limit as an option gives it; value NULL: not given. */
struct runtime_limit {
	const char *option, *value;
	enum cgroup_limit limit;
	bool is_size, is_text; /* bytes with a unit; a list of numbers */
	bool is_second; /* the limit's second number */
};
/* Changes limits (`resources`: a file or "-"; options) and, unless "", the resctrl class's
 * schemata. */
int runtime_update(struct runtime *rt, const char *id, const char *resources, const char *schemata,
	const struct runtime_limit *limits, size_t count);
int runtime_pids(struct runtime *rt, const char *id, pid_t **out_pids, size_t *out_count);
struct runtime_events {
	const char *id;
	uint64_t interval_ms; /* between two "stats" lines */
	bool is_once; /* prints the numbers once */
	int (*tell)(void *context, const char *line); /* its failure ends runtime_events */
	void *context;
};
/* Returns when the container's first process has ended. */
int runtime_events(struct runtime *rt, const struct runtime_events *request);

struct runtime_exec {
	const char *id;
	/* process.json, or NULL: the container's own process, changed by the fields below. */
	const char *process_file;
	const struct strvec *args, *env, *caps, *groups; /* args: empty with process_file */
	const struct strvec *cgroups; /* "[CONTROLLER,...:]PATH" below the container's cgroup */
	const char *cwd, *user; /* "UID[:GID]" */
	const char *apparmor, *selinux; /* replace the process's own labels */
	bool has_tty, no_new_privileges, ignores_pause;
	struct runtime_stdio stdio;
};
int runtime_exec(struct runtime *rt, const struct runtime_exec *request, struct runtime_child *out);

/* Keeps the signals to forward pending until runtime_wait. Call before the process runs. */
void runtime_hold_signals(void);
/* Waits for the end in the foreground: forwards signals, relays a terminal, and passes on what the
 * container tells the service manager. *out_code as shells count. */
int runtime_wait(struct runtime_child *child, int *out_code);
/* Waits, with a service manager, until that knows that the container is ready, or until its end. */
int runtime_wait_ready(struct runtime_child *child);
