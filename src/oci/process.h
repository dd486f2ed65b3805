/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* A process of a container, and how it runs: part of oci/oci.h. */
#include "base/arena.h"

#include <stdbool.h>
#include <stdint.h>

struct oci_rlimit {
	uint32_t resource; /* RLIMIT_* */
	uint64_t soft, hard;
	const char *origin;
};

/* One scheduling setting of a process. `kind` and the numbers are those of the sec folder; this
 * folder does not know their meaning. */
struct oci_sched {
	uint32_t kind, mode;
	int32_t priority, nice;
	uint64_t flags, runtime_ns, deadline_ns, period_ns;
	const uint64_t *mask;
	size_t mask_words;
	const char *origin;
};

/* The program that answers the notifications of a seccomp filter. */
struct oci_listener {
	const char *path; /* a stream socket of the host; NULL: the filter notifies of nothing */
	const char *metadata; /* for the program that listens there, or NULL */
};

/* Security labels for the execve, or NULL. */
struct oci_labels {
	const char *apparmor, *selinux;
};

/* The size of a terminal; 0: as the kernel sets it. */
struct oci_cells {
	uint16_t rows, columns;
};

struct oci_process {
	struct str_list args, env;
	const char *cwd;
	bool has_terminal;
	uint32_t uid, gid;
	const char *user_name; /* as the user wrote it, for the plan's text */
	uint32_t *groups;
	size_t group_count;
	uint32_t umask;
	struct oci_cells cells;
	uint64_t caps_bounding, caps_effective, caps_permitted, caps_inheritable, caps_ambient;
	bool no_new_privileges;
	bool has_oom_score_adj;
	int32_t oom_score_adj;
	struct oci_labels labels;
	const void *seccomp; /* compiled program, or NULL: unconfined */
	size_t seccomp_size;
	uint32_t seccomp_flags; /* SECCOMP_FILTER_FLAG_* */
	const char *seccomp_name; /* "default", "unconfined", or a file's name */
	struct oci_listener listener;
};
