/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The engine: containers, images and networks as records on disk, and the commands on them. The disk is the database;
 * every call finds the truth (pidfd, cgroup, boot id) instead of believing a file. One struct engine, no globals;
 * everything speaks; nothing prints. Host processes only.
 */
#include "base/arena.h"
#include "base/buf.h"
#include "cgroup/cgroup.h"
#include "sys/process.h"

struct engine {
	const char *root_path, *state_path; /* /var/lib/husk, /run/husk */
	int root_fd, state_fd;
	char instance[9]; /* hash of root and user: part of the name of every kernel object */
	char boot_id[37];
	struct cgroup_host cgroup;
	const char *libexec_path, *share_path;
	struct arena arena;
};

/* NULL paths: HUSK_ROOT, HUSK_STATE, then the defaults. Makes the directories (0700), drops the state of another
 * boot, and sweeps what dead commands left. */
int engine_open(struct engine *e, const char *root_path, const char *state_path);
void engine_close(struct engine *e);
AUTO_STRUCT(engine, struct engine, engine_close)

enum { CONTAINER_ID_LEN = 64, CONTAINER_ID_SHORT = 12 };

/* What the user asked for, with the image's configuration merged in: record.json. Everything in one arena. */
struct container_process {
	struct str_list entrypoint, command, env;
	const char *cwd, *user;
	bool entrypoint_is_reset; /* --entrypoint "": not even the image's */
	bool has_tty, has_stdin, wants_init;
};

struct container_limits {
	uint64_t memory_bytes, nano_cpus; /* 0: none */
	int64_t pids_limit; /* 0: the default, -1: none */
	const char *cpuset_cpus;
	struct str_list ulimits;
};

struct container_security {
	struct str_list cap_add, cap_drop, options;
	bool is_privileged;
};

struct container {
	const char *id, *name;
	uint64_t created_ns;
	const char *image, *image_id, *rootfs;
	struct str_list layers; /* chain ids, lowest first */
	struct container_process process;
	struct container_limits limits;
	struct container_security security;
	struct str_list labels, volumes, tmpfs, ports;
	const char *hostname, *network, *stop_signal;
	uint64_t stop_timeout_ms;
	bool is_auto_remove, is_detached, root_is_readonly, no_pivot;
};

/* One fixed row per container, all that `ps` needs; see summary.c for the layout on disk. */
enum container_state { CONTAINER_CREATED, CONTAINER_RUNNING, CONTAINER_EXITED, CONTAINER_BROKEN };

struct summary {
	uint32_t magic, version;
	uint32_t state;
	int32_t exit_code; /* -1: nobody saw it */
	uint64_t created_ns, started_ns, finished_ns;
	struct process_id process, monitor;
	uint32_t flags;
	char boot_id[40];
	char address[16];
	char name[64];
	char image[72];
	char command[48];
	char ports[120];
};
_Static_assert(sizeof(struct summary) <= 512, "ps reads at most 512 bytes per container");

enum summary_flags { SUMMARY_OOM_KILLED = 1, SUMMARY_AUTO_REMOVE = 2, SUMMARY_TTY = 4, SUMMARY_DETACHED = 8 };

/* A full id by name, full id or unique id prefix; -ENOENT "no such container: web". */
int container_find(struct engine *e, const char *word, char out_id[static CONTAINER_ID_LEN + 1]);
/* The record, and the summary as it is now: a process that is gone does not run, whatever the file says. */
int container_load(struct engine *e, const char *id, struct arena *a, struct container *out);
int container_summary(struct engine *e, const char *id, struct summary *out);
/* Gives a running container whose monitor was killed a new one; nothing for any other. */
int container_adopt(struct engine *e, const char *id, struct summary *summary);
struct container_list {
	char (*ids)[CONTAINER_ID_LEN + 1];
	size_t count;
};
int container_list(struct engine *e, struct container_list *out);
void container_list_release(struct container_list *list);
AUTO_STRUCT(container_list, struct container_list, container_list_release)
/* Fills what the image and the defaults decide, checks all of it, and gives it an id and a name. */
int container_prepare(struct engine *e, struct arena *a, struct container *c);
/* Appends the text of its plan, without making anything. */
int container_plan_write(struct engine *e, const struct container *c, struct buf *out);
/* Creates, starts and, unless detached, waits. *out_code: the payload's, or with a failure 125, 126 or 127. */
int container_run(struct engine *e, struct container *c, int *out_code);
/* Starts an existing, stopped container, detached. */
int container_start(struct engine *e, const char *id);
struct exec_request {
	struct str_list command, env;
	const char *cwd, *user;
	bool has_tty, has_stdin, is_privileged;
};
int container_exec(struct engine *e, const char *id, const struct exec_request *request, int *out_code);

int container_kill(struct engine *e, const char *id, int signal);
/* The stop signal, then after timeout_ms (UINT64_MAX: its own) SIGKILL to all of it. */
int container_stop(struct engine *e, const char *id, uint64_t timeout_ms);
int container_remove(struct engine *e, const char *id, bool is_forced);
int container_wait(struct engine *e, const char *id, int *out_code);
/* What a monitor runs when its container has ended: everything that the engine owns is given back. */
int container_ended(struct engine *e, const char *id);
/* The JSON of `inspect`, an object; the changes against the image: "A /path", "C /path", "D /path". */
int container_inspect(struct engine *e, const char *id, struct buf *out);
int container_diff(struct engine *e, const char *id, struct strvec *out);
/* Copies the log to a callback, from the last `tail` lines on (UINT64_MAX: all), and follows it until it ends. */
struct log_request {
	uint64_t tail;
	bool follows, wants_time;
	int (*write)(void *context, bool is_stderr, const void *data, size_t size);
	void *context;
};
int container_logs(struct engine *e, const char *id, const struct log_request *request);

/* Networks. create chooses what is NULL; remove refuses while a container uses it, by name. prune removes those nobody
 * uses, and of the default one what the kernel has; names go to out. show is the JSON of `network inspect`. */
struct network_request {
	const char *name, *driver, *subnet, *gateway;
	bool is_internal;
};
struct network_list {
	struct network_view {
		const char *name, *id, *driver, *subnet, *gateway;
	} *items;
	size_t count;
};
int network_create(struct engine *e, const struct network_request *request, struct arena *a, const char **out_id);
int network_list(struct engine *e, struct arena *a, struct network_list *out);
int network_remove(struct engine *e, const char *name);
int network_prune(struct engine *e, struct strvec *out);
int network_show(struct engine *e, const char *name, struct buf *out);
