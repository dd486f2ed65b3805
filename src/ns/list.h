/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The kinds of namespaces, and looking at those that exist: part of ns/ns.h. */
#include "base/arena.h"

#include <stdint.h>
#include <sys/types.h>

enum ns_kind { NS_USER, NS_MNT, NS_UTS, NS_IPC, NS_PID, NS_NET, NS_CGROUP, NS_TIME, NS_COUNT };

/* One namespace as `husk ns ls` shows it. */
struct ns_entry {
	uint64_t inode;
	enum ns_kind kind;
	uint32_t process_count;
	pid_t first_pid; /* lowest pid in it; 0: none */
	uid_t owner_uid; /* of first_pid, or of the owning user namespace */
	char command[64];
	char bound_path[128]; /* where it is bind-mounted, or "" */
};

struct ns_list {
	struct ns_entry *entries;
	size_t count;
};
void ns_list_release(struct ns_list *list);
AUTO_STRUCT(ns_list, struct ns_list, ns_list_release)
/* Every namespace that a visible process is in or that is bound in the mount table; only those of
 * `pid` when it is not 0. Sorted by inode. Host. */
int ns_list_load(pid_t pid, struct ns_list *out);

/* One process; `inner` are its pids in the namespaces below the caller's, "7" or "7 1", or "". */
struct ns_process {
	pid_t pid, parent;
	char inner[64], command[64];
};
struct ns_process_list {
	struct ns_process *items;
	size_t count;
};
/* All visible processes by pid; memory is the arena's. Host. */
int ns_process_load(struct arena *a, struct ns_process_list *out);
