/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The life of one process in a container: plan, launch, init. A plan is a flat file (base/flat.h)
 * of rows per mechanism. plan_build translates an OCI specification and finds every configuration
 * error; plan_write prints it. launch_* are the host's half of applying it, launch_init_main is
 * init's half, in a static program of its own that never parses or allocates. All functions speak.
 *
 *  husk or monitor:  launch_prepare -> launch_start -> (network) -> launch_release -> wait on pidfd
 *  init:                               applies its rows, waits ..............  becomes the payload
 *
 * If another process is to start it: launch_ready -> launch_leave, and launch_go in that process.
 */
#include "base/buf.h"
#include "base/flat.h"
#include "oci/oci.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct cgroup;
struct cgroup_host;
struct cgroup_subgroup;

/* Why a plan is built: a container with everything new, or one more process in a running one. */
enum plan_kind { PLAN_KIND_RUN = 1, PLAN_KIND_EXEC };

/* Translates; -EINVAL and the like for what can be known to be wrong. `host` tells for which cgroup
 * version the cgroup mount expands; NULL for an exec. Appends the plan to out. Any process. */
int plan_build(const struct oci_spec *spec, enum plan_kind kind, const struct cgroup_host *host,
	struct buf *out);
/* The path that the filter's listener is sent to; NULL if the filter does not notify. *out_metadata
 * may become NULL. Any process. */
const char *plan_listener(const struct flat *plan, const char **out_metadata);
/* Fills in what an exec takes from its container's plan: namespaces to join, cgroup, seccomp filter
 * and keyring. The plan must outlive *out. Any process. */
void plan_inherit(const struct flat *plan, struct arena *a, struct oci_spec *out);
/* What a container has that is not its own: a checkpoint must name it and a restore must give it.
 * Masks are listed even if the kernel lacks the files that they hide. -EOPNOTSUPP: the container
 * cannot be checkpointed. Any process. */
struct plan_outside_mount {
	const char *target, *source;
	bool is_mask;
};
struct plan_outside {
	OCI_LIST(struct plan_outside_mount) mounts;
};
int plan_outside_find(const struct flat *plan, struct arena *a, struct plan_outside *out);
/* The path of the container's group, "" without one. */
const char *plan_cgroup_path(const struct flat *plan);
/* Changes the limits and device rules of a group that exists. Host. */
int plan_limits_apply(
	const struct oci_spec *spec, const struct cgroup_host *host, struct cgroup *group);
/* What plan_limits_apply would write to a version 2 `group` or NULL: see cgroup_texts_each. */
int plan_limits_each(const struct oci_spec *spec, const struct cgroup_host *host,
	const struct cgroup *group, int (*each)(void *context, const char *file, const char *text),
	void *context);
/* Opens and checks plan bytes, which stay the caller's. Any process. */
int plan_open(struct flat *out, const void *data, size_t size);
/* The steps, one a line: number, host or init, sentence, [origin]; no environment. Any process. */
void plan_write(const struct flat *plan, struct buf *out);
/* Adds "step 14 of 31, in init: mount proc on /proc" for a step number, or nothing. */
void plan_step_describe(const struct flat *plan, uint32_t step, struct buf *out);

/* How many fds beyond 0, 1 and 2 a payload may be given (LISTEN_FDS, --preserve-fds). */
enum { LAUNCH_KEEP_MAX = 32 };

/* A start packet names fds by slots, not by numbers. From SLOT_FIRST_FREE on slots are for trees
 * and namespaces that the host opens: at most SLOT_MAX - SLOT_FIRST_FREE bind mounts. */
enum launch_slot {
	SLOT_ROOT,
	SLOT_TARGET, /* exec: pidfd of the container */
	SLOT_CGROUP_TREE, /* the group that init is cloned into; only the host has it */
	SLOT_DEVICES, /* device nodes for a user namespace, see mount/devices.h */
	SLOT_STARTER, /* a listening socket: the process that starts the container connects to it */
	SLOT_CGROUP_FIRST, /* files by which init moves itself into v1 groups */
	SLOT_KEEP_FIRST = SLOT_CGROUP_FIRST + 16, /* fds that the payload gets as 3, 4, ... */
	SLOT_FIRST_FREE = SLOT_KEEP_FIRST + LAUNCH_KEEP_MAX,
	SLOT_MAX = 960 /* so that 1024 fds, the usual limit of a shell, are enough */
};
enum { SLOT_WORDS = (SLOT_MAX + 63) / 64 };
/* A start packet has a bit for each filled slot, and the fds in the order of the bits. All three
 * return the number of fds. A slot that is not filled becomes -EBADF. */
size_t slots_count(const uint64_t words[static SLOT_WORDS]);
size_t slots_pack(const int slots[static SLOT_MAX], uint64_t words[static SLOT_WORDS], int *fds);
size_t slots_unpack(
	const uint64_t words[static SLOT_WORDS], const int *fds, int slots[static SLOT_MAX]);

/* How far a failed init got: with the code it gives the engine's exit code 125, 126 or 127. */
enum launch_phase { LAUNCH_PHASE_SETUP = 1, LAUNCH_PHASE_EXEC };

struct launch {
	struct flat plan;
	int plan_fd; /* the same bytes in a sealed memfd */
	const char *init_path; /* husk-init as it is installed, for an init that stays; or NULL */
	const struct cgroup_host *cgroup_host;
	const struct cgroup_subgroup *subgroups; /* exec: groups below its container's group */
	size_t subgroup_count;
	bool keeps_cpus; /* init begins on this process's processors, and not on all */
	struct cgroup
		*cgroup; /* made by launch_prepare for a container, unless it is set already */
	int slots[SLOT_MAX]; /* the caller may fill some before launch_prepare; all owned */
	int stdio[3]; /* given to the payload; owned; unused with a terminal */
	int console_fd; /* pty master, after launch_release of a plan with a terminal */
	uint16_t rows, columns; /* its size before the payload begins; 0: as the kernel makes it */
	pid_t pid;
	int pidfd;
	int sync_fd;
	int report_fd; /* from launch_go on: memory in which init says how it ended */
	enum launch_phase phase;
	/* Called once, for a plan with hooks, while init waits before it enters its root; or NULL.
	 * *out_state_fd becomes what startContainer hooks will read, or stays as it was. */
	int (*hooks)(struct launch *l, void *context, int *out_state_fd);
	void *hooks_context;
	/* Called once with the listener's fd, for a plan whose filter notifies. The launch keeps
	 * the fd. l->pid is the payload's by then, and init waits until the listener is served. */
	int (*listener)(struct launch *l, void *context, int fd);
	void *listener_context;
};

void launch_init(struct launch *l);
/* Closes everything that is still owned; kills and reaps an init whose pidfd was not taken over. */
void launch_close(struct launch *l);
/* Seals plan bytes into l->plan_fd and opens the view. */
int launch_set_plan(struct launch *l, const void *data, size_t size);
/* Host steps before clone: cgroup with its limits and the fds to enter it, the root, detached bind
 * mounts, namespaces to join. */
int launch_prepare(struct launch *l);
/* Clones init, hands over the start packet, writes id maps. Init then mounts on its own. */
int launch_start(struct launch *l);
/* launch_ready waits until init is ready, launch_go lets it go on and waits until the payload runs,
 * launch_release does both. On failure the trail is init's, and l->phase tells how far init got. */
int launch_ready(struct launch *l);
int launch_go(struct launch *l);
int launch_release(struct launch *l);
/* After launch_ready of a launch with SLOT_STARTER: init lives on without this process, until
 * another process connects to that socket and calls launch_go with the connection as l->sync_fd
 * (and with l->plan, for its sentences). */
int launch_leave(struct launch *l);

/* The main() of husk-init: fd 3 is the sync socket. Never returns. Init. */
_Noreturn void launch_init_main(void);

/* An fd of husk-init that can be executed and that no process can write: a copy in memory of what
 * the build has put into this program, or the installed file at that path through a read-only
 * overlay. Hidden: no process in a user namespace can look into a process that executes it, whose
 * files in /proc then belong to the host's root. Host. */
int launch_sealed_exe(const char *stays_path, bool is_hidden);
