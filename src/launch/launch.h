/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The life of one process in a container: plan, launch, init. A plan is a flat file (base/flat.h) of rows per
 * mechanism. plan_build translates an OCI specification and finds every configuration error; plan_write prints it;
 * launch_* are the host's half of applying it, launch_init_main is init's half, in a static program of its own that
 * never parses or allocates. Each speaks.
 *
 *   husk or monitor:  launch_prepare -> launch_start -> (network) -> launch_release -> wait on pidfd
 *   init:                               applies its rows, waits ..............  becomes the payload
 *
 * or, where another process is to start it: launch_ready -> launch_leave, and there launch_go.
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

/* Translates; -EINVAL and the like for what can be known wrong. `host` tells which cgroup version the cgroup mount
 * expands for; NULL for an exec. Appends the finished plan to out. Any process. */
int plan_build(const struct oci_spec *spec, enum plan_kind kind, const struct cgroup_host *host,
	struct buf *out);
/* Where the listener of its filter goes: NULL when that notifies of nothing; *out_metadata may become NULL. Any process. */
const char *plan_listener(const struct flat *plan, const char **out_metadata);
/* Namespaces to join, cgroup, seccomp filter and keyring for an exec beside the process of a container's plan, which must
 * outlive *out. Any process. */
void plan_inherit(const struct flat *plan, struct arena *a, struct oci_spec *out);
/* What a container has that is not its own, which a checkpoint has to name and a restore to give. Masks are there whether
 * or not the kernel has what they hide. -EOPNOTSUPP: it has something that cannot be carried over. Any process. */
struct plan_outside_mount {
	const char *target, *source;
	bool is_mask;
};
struct plan_outside {
	OCI_LIST(struct plan_outside_mount) mounts;
};
int plan_outside_find(const struct flat *plan, struct arena *a, struct plan_outside *out);
/* The group that it makes, "" without one. */
const char *plan_cgroup_path(const struct flat *plan);
/* Changes the limits and device rules of a group that exists. Host. */
int plan_limits_apply(
	const struct oci_spec *spec, const struct cgroup_host *host, struct cgroup *group);
/* What that would write to the files of a group of cgroup version 2, which may be NULL: see cgroup_texts_each. */
int plan_limits_each(const struct oci_spec *spec, const struct cgroup_host *host,
	const struct cgroup *group, int (*each)(void *context, const char *file, const char *text),
	void *context);
/* Opens and checks plan bytes, which stay the caller's. Any process. */
int plan_open(struct flat *out, const void *data, size_t size);
/* The numbered steps, one a line: number, who, sentence, [origin]. Secrets are redacted. Any process. */
void plan_write(const struct flat *plan, struct buf *out);
/* Adds "step 14 of 31, in init: mount proc on /proc" for a step number; nothing when there is no such step. */
void plan_step_describe(const struct flat *plan, uint32_t step, struct buf *out);

/* How many fds beyond 0, 1 and 2 a payload may be given (LISTEN_FDS, --preserve-fds). */
enum { LAUNCH_KEEP_MAX = 32 };

/* Fds in a start packet have places, not numbers. Those from SLOT_FIRST_FREE on are trees and namespaces that the host opens:
 * so there are SLOT_MAX - SLOT_FIRST_FREE bind mounts at most. */
enum launch_slot {
	SLOT_ROOT,
	SLOT_TARGET, /* exec: pidfd of the container */
	SLOT_CGROUP_TREE, /* what init is cloned into; the host's alone */
	SLOT_STARTER, /* a listening socket: the process that starts the container connects to it */
	SLOT_CGROUP_FIRST, /* what init moves itself into v1 groups with */
	SLOT_KEEP_FIRST = SLOT_CGROUP_FIRST + 16, /* what the payload gets as 3, 4, ... */
	SLOT_FIRST_FREE = SLOT_KEEP_FIRST + LAUNCH_KEEP_MAX,
	SLOT_MAX = 960 /* so that 1024 fds, which is what a shell gives, are enough */
};
enum { SLOT_WORDS = (SLOT_MAX + 63) / 64 };
/* A start packet has a bit for each slot that is filled, and their fds in that order. All three return how many these are;
 * what is not filled becomes -EBADF. */
size_t slots_count(const uint64_t words[static SLOT_WORDS]);
size_t slots_pack(const int slots[static SLOT_MAX], uint64_t words[static SLOT_WORDS], int *fds);
size_t slots_unpack(
	const uint64_t words[static SLOT_WORDS], const int *fds, int slots[static SLOT_MAX]);

/* How far init got when it failed: the engine's exit code is 125, 126 or 127 by this and by the code. */
enum launch_phase { LAUNCH_PHASE_SETUP = 1, LAUNCH_PHASE_EXEC };

struct launch {
	struct flat plan;
	int plan_fd; /* the same bytes in a sealed memfd */
	const char *init_path; /* husk-init as it is installed, for an init that stays; or NULL */
	const struct cgroup_host *cgroup_host;
	const struct cgroup_subgroup *subgroups; /* an exec: below its container's group */
	size_t subgroup_count;
	struct cgroup
		*cgroup; /* made by launch_prepare for a container, unless it is there already */
	int slots[SLOT_MAX]; /* the caller may fill some before launch_prepare; all owned */
	int stdio[3]; /* given to the payload; owned; unused with a terminal */
	int console_fd; /* pty master, after launch_release of a plan with a terminal */
	uint16_t rows, columns; /* its size before the payload begins; 0: as the kernel makes it */
	pid_t pid;
	int pidfd;
	int sync_fd;
	enum launch_phase phase;
	/* Called once while init waits before it enters its root, for a plan with hooks; or NULL. *out_state_fd is what
	 * startContainer hooks will read, or as it was. */
	int (*hooks)(struct launch *l, void *context, int *out_state_fd);
	void *hooks_context;
	/* Called once, for a plan whose filter notifies: the listener (it stays the launch's), when l->pid is the payload's
	 * and init waits for it to be answered. */
	int (*listener)(struct launch *l, void *context, int fd);
	void *listener_context;
};

void launch_init(struct launch *l);
/* Closes everything that is still owned; kills and reaps an init that was not taken over (take_fd(&l->pidfd)). */
void launch_close(struct launch *l);
/* Seals plan bytes into l->plan_fd and opens the view. */
int launch_set_plan(struct launch *l, const void *data, size_t size);
/* Host steps before clone: cgroup with its limits and the way into it, the root, detached bind mounts, namespaces to
 * join. */
int launch_prepare(struct launch *l);
/* Clones init, hands over the start packet, writes id maps. Init then mounts on its own. */
int launch_start(struct launch *l);
/* Waits until init is ready; then lets it go and waits until the payload runs; both in one. On failure the trail is
 * init's, and l->phase tells where. */
int launch_ready(struct launch *l);
int launch_go(struct launch *l);
int launch_release(struct launch *l);
/* After launch_ready of a launch with SLOT_STARTER: init lives on without this process, which keeps nothing of it, until a
 * launch_go with a connection to that socket as l->sync_fd (and l->plan, for its sentences) comes by. */
int launch_leave(struct launch *l);

/* The main() of husk-init: fd 3 is the sync socket. Never returns. Init. */
_Noreturn void launch_init_main(void);

/* An fd of husk-init that can be executed and that nobody can write: a copy in memory of what the build has put into this
 * program, or the installed one of that path through a read-only overlay. Hidden: nobody in a user namespace can look into who
 * executes it, whose files in /proc are then the host's root's. Host. */
int launch_sealed_exe(const char *stays_path, bool is_hidden);
