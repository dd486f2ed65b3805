/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Namespaces: the table of the eight kinds, making and joining them, id maps, and looking at those
 * that exist. One row of ns_info holds all about a kind: option, clone flag, name in /proc, name in
 * OCI. Functions are speaking (base/err.h) unless they are named _find. "Host" or "any process"
 * beside a function says which process may call it.
 */
#include "base/arena.h"
#include "base/buf.h"
#include "base/flat.h"
#include "ns/list.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct ns_info {
	const char *name; /* /proc/PID/ns/NAME and lsns: "mnt" */
	const char *option; /* unshare(1)'s long option: "mount" */
	const char *oci_name; /* as `option`, but "network" for "net" */
	char short_option; /* unshare(1)'s */
	uint32_t clone_flag;
};
extern const struct ns_info ns_info[NS_COUNT];
/* -EINVAL for a word that is no namespace. Accepts name, option and OCI name. Silent. */
int ns_kind_find(const char *word);

/* One namespace of a plan. */
enum ns_mode { NS_MODE_NEW = 1, NS_MODE_JOIN = 2 };
struct ns_row {
	uint32_t origin; /* string: why the plan has this row */
	uint32_t kind, mode;
	uint32_t slot; /* NS_MODE_JOIN: the index of its fd in the start packet */
	uint32_t path; /* string: what is joined, for messages */
	uint32_t reserved;
};
/* One line of uid_map or gid_map. */
struct ns_idmap_row {
	uint32_t origin, is_gid;
	uint32_t inner, outer, count;
	uint32_t slot; /* of the mount that the map is for; 0: for the user namespace itself */
};
/* A list of map lines outside of a plan. */
struct ns_idmap {
	uint32_t inner, outer, count;
	bool can_move; /* from "auto": no one chose its ids inside */
};
struct ns_idmap_list {
	struct ns_idmap *items;
	size_t count;
};
enum { NS_IDMAP_MAX = 340 };
/* Checks what the kernel would refuse with a bare EINVAL and says which rule is broken: empty,
 * overlap on either side, wrap-around, too many lines. Any process. */
int ns_idmap_check(const struct ns_idmap *maps, size_t count, const char *what);
/* Adds the lines that a word stands for: "INNER:OUTER:COUNT" (or "OUTER,INNER,COUNT" of
 * unshare(1)), "auto" (the caller's subordinate ranges, mapped from 0 on), "subids" (the same
 * ranges, mapped to themselves) or "all" (every id of the caller's user namespace, mapped to
 * itself). `which` is "uid" or "gid". Host. */
int ns_idmap_add(struct arena *a, const char *word, const char *which, struct ns_idmap_list *list);
/* Adds one id. Ranges that contain it lose it, and their other ids are paired in order, as in
 * unshare(1). But ranges of "auto" lose none: their ids move up. Any process. */
void ns_idmap_add_one(struct arena *a, struct ns_idmap_list *list, uint32_t inner, uint32_t outer);
/* Adds the lines of a process's map. `which` is "uid" or "gid". Host. */
int ns_idmap_read(struct arena *a, pid_t pid, const char *which, struct ns_idmap_list *list);
/* Writes uid_map and gid_map of process `pid`; the caller is its parent. Writes directly when the
 * caller may (as root, or one line that maps its own id, for a gid with setgroups denied),
 * otherwise through newuidmap and newgidmap. Host. */
int ns_idmap_write(pid_t pid, const struct ns_idmap *uids, size_t uid_count,
	const struct ns_idmap *gids, size_t gid_count);

/* Makes a user namespace with these maps and no process in it; returns its fd. Host. */
int ns_user_make(const struct ns_idmap *uids, size_t uid_count, const struct ns_idmap *gids,
	size_t gid_count);

/* Opens /proc/PID/ns/NAME. Host. */
int ns_open(pid_t pid, enum ns_kind kind);
/* The inode of a process's namespace; *out is 0 when the process has none of this kind. Host. */
int ns_inode(pid_t pid, enum ns_kind kind, uint64_t *out);
/* Is the caller in the initial user namespace? Silent. */
bool ns_user_is_initial(void);
/* Binds a namespace (for pid and time: that of the children) over `path`, which is made if missing,
 * so that the namespace outlives its processes. Host. */
int ns_persist(pid_t pid, enum ns_kind kind, const char *path);

/* The command that runs in the namespaces, and its ids. */
struct ns_command {
	char *const *argv; /* empty: the caller's shell */
	const char *root, *cwd; /* NULL: as it is */
	bool has_uid, has_gid, keeps_caps, forwards_signals;
	uint32_t uid, gid;
	int kill_signal; /* sent to the command when husk ends; 0: nothing */
};

enum ns_setgroups { NS_SETGROUPS_KEEP, NS_SETGROUPS_ALLOW, NS_SETGROUPS_DENY };
struct ns_run_request {
	const char *files[NS_COUNT]; /* NULL: the caller's; "": new; a path: new, bound there */
	struct ns_idmap_list uids, gids;
	enum ns_setgroups setgroups;
	const char *propagation; /* private, slave, shared or unchanged; NULL: private */
	const char *proc_path; /* where proc is mounted, or NULL */
	bool forks, has_monotonic, has_boottime;
	int64_t monotonic_s, boottime_s;
	struct ns_command command;
};

/* Makes namespaces and runs a command in them: replaces the caller, or forks and waits. *out_code
 * is the command's exit code or 128 + signal. On failure *out_code is 125, or 126 and 127 when the
 * command could not be executed. Host. */
int ns_run(const struct ns_run_request *request, int *out_code);

struct ns_enter_request {
	pid_t pid; /* whose namespaces; 0: files only */
	uint64_t pid_inode, start_ticks; /* to detect a reused pid (the inode: [6.9]); 0: unknown */
	uint32_t kinds; /* of the process: bits 1 << enum ns_kind */
	bool wants_all; /* all in which the process differs from the caller */
	const char *files[NS_COUNT]; /* or NULL */
	/* "": the target's own; else a path of the caller's side. wd_inside is looked up after
	 * joining. */
	const char *root, *wd, *wd_inside;
	bool never_forks, keeps_credentials, takes_env, joins_cgroup;
	struct ns_command command; /* its root and cwd are not used */
};

/* Joins namespaces and runs a command there; else as ns_run. Host. */
int ns_enter(const struct ns_enter_request *request, int *out_code);
/* The kind of the namespace that a file is bound to; -EINVAL when it is none. Silent. */
int ns_file_kind_find(const char *path);
