/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Shared inside runtime/: the sections of a plan and the table of steps. */
#include "base/err.h"
#include "cgroup/cgroup.h"
#include "mount/mount.h"
#include "ns/ns.h"
#include "runtime/runtime.h"
#include "sec/sec.h"

enum plan_section {
	PLAN_HEAD,
	PLAN_NAMESPACE,
	PLAN_IDMAP,
	PLAN_CGROUP,
	PLAN_CGROUP_DEVICE,
	PLAN_LAYER,
	PLAN_MOUNT,
	PLAN_NODE,
	PLAN_GUARD,
	PLAN_SYSCTL,
	PLAN_RLIMIT,
	PLAN_PROCESS,
	PLAN_GROUP,
	PLAN_ARG,
	PLAN_ENV,
	PLAN_NETWORK,
	PLAN_HOOK,
	PLAN_HOOK_WORD,
	PLAN_SECTION_COUNT
};

extern const struct flat_schema plan_schema;

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
	PLAN_OPENS_INSIDE = 1024, /* the caller may not mount: init does, in its user namespace */
};

/* Arguments and environment together; plan_build refuses more. */
enum { PLAN_POINTERS_MAX = 65536, PLAN_HOOK_WORDS_MAX = 1024 };

/* One row: what belongs to the container as a whole. */
struct plan_head_row {
	uint32_t kind; /* enum plan_kind */
	uint32_t flags;
	uint32_t root_propagation;
	uint32_t hostname, domainname;
	uint32_t cgroup_path;
	uint32_t upper, work;
	uint32_t
		root_point; /* the directory that the root is attached over until it is entered; none: / */
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
	uint32_t seccomp_flags;
	uint32_t listener_path, listener_metadata; /* of a filter with a listener */
	struct flat_blob seccomp;
};

/* A string with its origin: layers, arguments, environment, network steps. */
struct plan_text_row {
	uint32_t origin;
	uint32_t text;
	uint32_t value;
	uint32_t is_secret;
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

static inline const struct plan_head_row *plan_head(const struct flat *plan)
{
	return flat_row(plan, PLAN_HEAD, 0);
}

static inline const struct plan_process_row *plan_process(const struct flat *plan)
{
	return flat_row(plan, PLAN_PROCESS, 0);
}

/* Its filter notifies of calls. */
static inline bool plan_has_listener(const struct flat *plan)
{
	return plan_process(plan)->listener_path != 0;
}

/* The steps: one table in the order of doing, walked by the printer and by init alike. */
enum step_role { STEP_HOST, STEP_INIT };

struct init;

struct step_kind {
	enum step_role role;
	enum plan_section section;
	bool (*is_wanted)(const struct flat *plan); /* NULL: every row of the section is a step */
	void (*describe)(const struct flat *plan, const void *row, struct buf *out);
	int (*apply)(struct init *init, const void *row); /* init's steps only */
};

extern const struct step_kind step_kinds[];
extern const size_t step_kind_count;
uint32_t step_rows(const struct flat *plan, const struct step_kind *kind);

/* Clones init, or who makes it (SYNC_CHILD), into the group of SLOT_CGROUP_TREE: l->pid, l->pidfd and l->sync_fd. Host. */
int birth_begin(struct launch *l);
/* The row of the user namespace that is made or joined, or NULL. */
const struct ns_row *plan_user_row(const struct flat *plan);
/* How a new container comes to its user namespace; 0: it has none of its own. */
enum ns_mode plan_user_mode(const struct flat *plan);

/* The root and what is bound, as detached trees in their slots; what is there already stays. Without `host` no cgroup
 * trees. Host, or init for a plan with PLAN_OPENS_INSIDE. */
int prepare_trees(
	const struct flat *plan, const struct cgroup_host *host, int slots[static SLOT_MAX]);
