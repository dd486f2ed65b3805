/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The rows of a plan that belong to no other folder's mechanism: part of launch/internal.h. */
#include "base/flat.h"
#include "sec/sec.h"

#include <stdint.h>

enum plan_flags {
	PLAN_ROOT_READONLY = 1,
	PLAN_ROOT_VOLATILE = 2,
	PLAN_NO_PIVOT = 4,
	PLAN_REAPER = 8, /* init stays as PID 1 and reaps: --init */
	PLAN_TERMINAL = 16,
	PLAN_NO_NEW_PRIVS = 32,
	PLAN_OOM_SCORE = 64,
	PLAN_JOINS_CGROUP = 128,
	PLAN_HOOKS = 256, /* the host has hooks to run before init enters its root */
	PLAN_KEEPS_KEYRING = 512,
	/* the caller may not mount: init opens the trees, in its user namespace */
	PLAN_OPENS_INSIDE = 1024,
	PLAN_LOOPBACK = 2048, /* init brings up lo in the new network namespace */
};

/* One row: what belongs to the container as a whole. */
struct plan_head_row {
	uint32_t kind; /* enum plan_kind */
	uint32_t flags;
	uint32_t root_propagation;
	uint32_t hostname, domainname;
	uint32_t cgroup_path;
	uint32_t upper, work;
	/* the directory that the root is attached over until entered; none: / */
	uint32_t root_point;
	uint32_t reserved;
	uint64_t clone_flags; /* of new namespaces, cgroup excepted */
};

/* One row: what belongs to the process. */
struct plan_process_row {
	uint32_t uid, gid;
	uint32_t cwd;
	uint32_t umask;
	struct sec_caps caps;
	int32_t oom_score_adj;
	uint32_t user_name;
	uint32_t seccomp_name;
	uint32_t labels[SEC_LABEL_COUNT]; /* of the execve, by enum sec_label */
	uint32_t seccomp_flags;
	uint32_t listener_path, listener_metadata; /* of a filter with a listener */
	uint32_t reserved;
	struct flat_blob seccomp;
};

/* A clock of the new time namespace. Init makes that namespace itself: a clock can be set only
 * before a process is in it. */
struct plan_clock_row {
	uint32_t origin;
	uint32_t name;
	int64_t seconds;
	uint32_t nanoseconds;
	uint32_t reserved;
};

/* A string with its origin: layers, arguments, environment, network steps. */
struct plan_text_row {
	uint32_t origin;
	uint32_t text;
	uint32_t value;
	uint32_t reserved;
};

/* A startContainer hook; its arguments and then its environment are rows of PLAN_HOOK_WORD. */
struct plan_hook_row {
	uint32_t path;
	uint32_t first, arg_count, env_count;
	uint32_t timeout_s; /* 0: none */
	uint32_t reserved;
};

struct plan_group_row {
	uint32_t gid;
	uint32_t reserved;
};
