/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Control groups on both kinds of machine. A struct cgroup is one group by name, held as directory
 * fds: one on a unified (v2) host, one per mounted hierarchy on a v1 or hybrid host. Limits are one
 * table with a column per version, so `husk run -m 100m` means the same everywhere. What a version
 * cannot express is refused by name when the plan is made, not when it runs.
 *
 * All is for the host or the monitor, and speaks. Init may only move itself (cgroup_entry_move).
 */
#include "base/buf.h"
#include "base/flat.h"
#include "cgroup/limit.h"
#include "cgroup/usage.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* What this machine has, read once per command from /proc/self/mountinfo and /proc/self/cgroup. */
enum { CGROUP_HIERARCHIES_MAX = 16 };

struct cgroup_hierarchy {
	char mount_point[64];
	char controllers[64]; /* "cpu,cpuacct", "name=systemd", or "" for the v2 tree */
	char own_path[512]; /* the caller's group, below the mount point: "/" or "/a/b" */
};

struct cgroup_host {
	bool is_unified; /* limits are set through v2 */
	size_t count; /* on v1: each hierarchy, and the v2 tree of a hybrid host last */
	struct cgroup_hierarchy hierarchies[CGROUP_HIERARCHIES_MAX];
	char controllers[256]; /* comma separated: all that can be used for limits */
	char unreachable
		[256]; /* controllers of hierarchies without a mount that this process can use */
};

/* -EOPNOTSUPP with a sentence when no cgroup file system is mounted. */
int cgroup_host_load(struct cgroup_host *out);
/* The name of a v1 controller; every v2 tree has "devices", "freezer" and "cpuacct". */
bool cgroup_has_controller(const struct cgroup_host *host, const char *controller);

struct cgroup;

/* Makes the group `path` ("husk-1a2b3c4d/<id>") in every hierarchy: at the root of the caller's
 * mount or, if not writable, below the caller's own group. Enables controllers on the way (v2). An
 * empty group is replaced, one with processes is -EEXIST. On failure nothing is left. */
int cgroup_create(const struct cgroup_host *host, const char *path, struct cgroup **out);
/* May this user make that group, in each hierarchy? Silent. */
bool cgroup_may_create(const struct cgroup_host *host, const char *path);
/* The directory that cgroup_create will make, as a path; NULL: the caller's own group. */
int cgroup_future_path(
	const struct cgroup_host *host, const char *path, const char *controllers, struct buf *out);
/* Opens an existing group; -ENOENT when no hierarchy has it. */
int cgroup_open(const struct cgroup_host *host, const char *path, struct cgroup **out);
void cgroup_close(struct cgroup *g);
AUTO_TYPE(cgroup, struct cgroup *, cgroup_close)

/* Writes every limit, memory last, then the device rules: the last rule for a device wins, and a
 * device without a rule is denied. No rules: devices are left alone. `rows` are in a flat plan. A
 * swap limit of origin "default" is skipped if the kernel counts no swap. A later call, also for a
 * group with processes, changes only what is given. What was written before a failure stays. */
int cgroup_apply(struct cgroup *g, const struct flat *plan, const struct cgroup_row *rows,
	size_t row_count, const struct cgroup_device_row *devices, size_t device_count);

/* Gives `each` what cgroup_apply would write to files of version 2, in its order; writes nothing.
 * `g` may be NULL: a group that is still to be made. */
int cgroup_texts_each(const struct cgroup *g, const struct flat *plan,
	const struct cgroup_row *rows, size_t row_count,
	int (*each)(void *context, const char *file, const char *text), void *context);

/* The way into a group. In the v2 tree, also of a hybrid host, a process is cloned into the
 * directory (CLONE_INTO_CGROUP [5.7]). In each v1 hierarchy it moves itself by the file "tasks".
 * Neither takes the kernel's lock over all thread groups, for which writing another process's pid
 * to cgroup.procs waits: 5 to 15 ms after a moment of idle. */
struct cgroup_entry {
	int tree_fd; /* the directory; -EBADF: no v2 tree */
	size_t count; /* v1 hierarchies that have the group */
	int fds[CGROUP_HIERARCHIES_MAX];
};
#define CGROUP_ENTRY_INIT \
	{ \
		.tree_fd = -EBADF \
	}
/* For an existing group, or -ENOENT; NULL: the caller's own group. On failure *out is empty. */
int cgroup_entry_open(const struct cgroup_host *host, const char *path, struct cgroup_entry *out);
/* An existing group below the group, to be entered instead: in the hierarchy of one v1 controller,
 * or in all hierarchies (NULL). Path "/" is the group itself. */
struct cgroup_subgroup {
	const char *controller, *path;
};
int cgroup_entry_open_sub(const struct cgroup_host *host, const char *path,
	const struct cgroup_subgroup *subgroups, size_t count, struct cgroup_entry *out);
void cgroup_entry_close(struct cgroup_entry *entry);
AUTO_STRUCT(cgroup_entry, struct cgroup_entry, cgroup_entry_close)
/* Moves the calling process, which must have only one thread, by one of fds. Silent; any
 * process. */
int cgroup_entry_move(int fd);
/* Moves by all fds and into the v2 tree (takes the lock), for a process not cloned into it. */
int cgroup_entry_move_all(const struct cgroup_entry *entry);

/* Opens the v2 group of a process below its container's group `path`, which is `tree_fd`. If the
 * container has made groups with controllers, its own takes no process (-EBUSY of a clone). */
int cgroup_entry_below(int tree_fd, const char *path, pid_t pid);

/* The directory (O_PATH) of a group, or of the caller's, in one hierarchy ("": the v2 tree). */
int cgroup_dir_open(const struct cgroup_host *host, const char *path, const char *controllers);
int cgroup_dir_of(
	const struct cgroup *g, const char *controllers); /* borrowed, or -EBADF; silent */

/* Pids in the group and below, ascending; 0: one that the caller's pid namespace cannot see. */
int cgroup_pids(const struct cgroup *g, pid_t **out_pids, size_t *out_count);
bool cgroup_is_populated(const struct cgroup *g);
/* Returns when all processes are frozen; -ETIMEDOUT after 2 s, and then none is. */
int cgroup_freeze(struct cgroup *g);
int cgroup_thaw(struct cgroup *g);
bool cgroup_is_frozen(const struct cgroup *g);
/* Kills all processes in the group: cgroup.kill [5.14], else freeze, kill by pidfd, thaw, until it
 * is empty. It is never left frozen. -ETIMEDOUT after 5 s with processes that do not die. */
int cgroup_kill_all(struct cgroup *g);
/* Removes the group and all below; retries EBUSY for at most 2 s. A missing group is success. */
int cgroup_remove(const struct cgroup_host *host, const char *path);
/* Removes the directory above `path` unless something is in it, which is no error. */
int cgroup_remove_empty_parent(const struct cgroup_host *host, const char *path);

struct cgroup_stats {
	uint64_t memory_bytes, memory_limit_bytes; /* limit 0: none */
	uint64_t cpu_ns;
	uint64_t pids, pids_limit;
	uint64_t oom_kills;
};
/* A number without a controller is 0. */
int cgroup_stats_load(const struct cgroup *g, struct cgroup_stats *out);
/* Opens the kernel's count of OOM kills, for the process that reports how a container ended: -EBADF
 * if there is none. cgroup_oom_kills reads it, once, before the group is removed. Silent. */
int cgroup_oom_open(const struct cgroup *g);
int cgroup_oom_kills(int fd, uint64_t *out_count);
/* Reports each time that the group runs out of memory: poll for `events` on `fd` (-EBADF without a
 * memory controller), then call cgroup_oom_watch_take. */
struct cgroup_oom_watch {
	int fd, file_fd, dir_fd; /* v1: eventfd, watched file, its directory; v2: memory.events */
	short events;
	uint64_t count;
};
int cgroup_oom_watch_open(const struct cgroup *g, struct cgroup_oom_watch *out);
void cgroup_oom_watch_close(struct cgroup_oom_watch *watch);
AUTO_STRUCT(cgroup_oom_watch, struct cgroup_oom_watch, cgroup_oom_watch_close)
/* 1 if memory has run out since the last call. */
int cgroup_oom_watch_take(struct cgroup_oom_watch *watch);
