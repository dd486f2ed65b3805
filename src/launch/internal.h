/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Shared inside launch/: the sections of a plan and the table of steps. */
#include "base/err.h"
#include "cgroup/cgroup.h"
#include "mount/mount.h"
#include "ns/ns.h"
#include "launch/rows.h"
#include "launch/launch.h"
#include "sec/sec.h"

/* The program husk-init (src/bin/husk-init.c): init_image.S. */
extern const unsigned char launch_init_image[], launch_init_image_end[];

enum plan_section {
	PLAN_HEAD,
	PLAN_NAMESPACE,
	PLAN_IDMAP,
	PLAN_CLOCK,
	PLAN_CGROUP,
	PLAN_CGROUP_DEVICE,
	PLAN_LAYER,
	PLAN_MOUNT,
	PLAN_MOUNT_IDMAP,
	PLAN_NODE,
	PLAN_GUARD,
	PLAN_SYSCTL,
	PLAN_RLIMIT,
	PLAN_SCHED,
	PLAN_PROCESS,
	PLAN_GROUP,
	PLAN_ARG,
	PLAN_ENV,
	PLAN_NETWORK,
	PLAN_NET_DEVICE,
	PLAN_HOOK,
	PLAN_HOOK_WORD,
	PLAN_SECTION_COUNT
};

extern const struct flat_schema plan_schema;

/* Arguments and environment together; plan_build refuses more. */
enum { PLAN_POINTERS_MAX = 65536, PLAN_HOOK_WORDS_MAX = 1024 };

static inline const struct plan_head_row *plan_head(const struct flat *plan)
{
	return flat_row(plan, PLAN_HEAD, 0);
}

static inline const struct plan_process_row *plan_process(const struct flat *plan)
{
	return flat_row(plan, PLAN_PROCESS, 0);
}

/* The plan's seccomp filter notifies a listener of calls. */
static inline bool plan_has_listener(const struct flat *plan)
{
	return plan_process(plan)->listener_path != 0;
}

/* The steps: one table in the order of execution, which the printer and init both walk. */
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

/* Clones init, or the process that makes init (SYNC_CHILD), into the group of SLOT_CGROUP_TREE.
 * Sets l->pid, l->pidfd and l->sync_fd. Host. */
int birth_begin(struct launch *l);
/* The process that is cloned only joins namespaces and makes init. */
bool birth_makes_sibling(const struct launch *l);
/* The row of a kind of namespace that is joined, or NULL. The process that joins a pid namespace is
 * replaced by a child born there. */
const struct ns_row *plan_joined_row(const struct flat *plan, enum ns_kind kind);
/* An exec is born in the container's pid namespace at its very end. */
static inline bool plan_is_born_late(const struct flat *plan)
{
	return plan_head(plan)->kind == PLAN_KIND_EXEC && plan_joined_row(plan, NS_PID);
}
/* The row of the user namespace that is made or joined, or NULL. */
const struct ns_row *plan_user_row(const struct flat *plan);
/* How a new container gets its user namespace; 0: it has none of its own. */
enum ns_mode plan_user_mode(const struct flat *plan);

/* Device nodes for a container in a user namespace, whose init exists. -EPERM, silent: this process
 * may make none. Host. */
int devices_make(const struct flat *plan, pid_t init);

/* The root, as a detached tree in its slot. Host. */
int prepare_root(const struct flat *plan, int slots[static SLOT_MAX]);
/* The root and the sources of bind mounts, as detached trees in their slots. A slot that is filled
 * already stays. Without `host` there are no cgroup trees; `cgroup` is the container's group if it
 * is open. Host, or init for a plan with PLAN_OPENS_INSIDE. */
int prepare_trees(const struct flat *plan, const struct cgroup_host *host,
	const struct cgroup *cgroup, int slots[static SLOT_MAX]);
