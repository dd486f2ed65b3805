/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * criu as a child that serves one request over a socket (its "swrk"). It finds directories and fds of this process by
 * number, tells how far it is, and asks for what only the caller can do. What it says to people is in its log.
 */
#include "runtime/internal.h"

/* The numbers of criu's rpc.proto. */
enum criu_type { CRIU_DUMP = 1, CRIU_RESTORE = 2, CRIU_PRE_DUMP = 4 };
enum criu_option {
	CRIU_PID = 2,
	CRIU_LEAVE_RUNNING = 3,
	CRIU_ROOT = 13,
	CRIU_PARENT_IMAGES = 14,
	CRIU_TRACK_MEMORY = 15,
	CRIU_CGROUP_ROOT = 25,
	CRIU_RESTORE_SIBLING = 26,
	CRIU_EXTERNAL = 37,
	CRIU_JOIN_NS = 39,
	CRIU_ORPHAN_PTS_MASTER = 50
};

/* Fds that criu may put in the place of what was checkpointed; borrowed. */
enum { CRIU_FDS_MAX = 8 };
struct criu_fd {
	const char *key;
	int fd;
};

struct criu {
	const struct runtime_criu *told;
	enum criu_type type;
	const char *log_name; /* in the work directory */
	int images_fd, work_fd;
	struct buf options; /* what criu_prepare and its caller put there: fields of criu_opts */
	struct criu_fd fds[CRIU_FDS_MAX];
	size_t fd_count;
	/* For a restore: the root, which is made a mount where nobody else sees it, and the group that criu works in. */
	const char *rootfs;
	bool is_readonly;
	const struct cgroup_entry *group;
	/* Called at each step, with the first process's pid if it is known, and an fd (it stays criu's) if one comes. */
	int (*step)(void *context, const char *name, pid_t pid, int fd);
	void *context;
};
#define CRIU_INIT \
	{ \
		.images_fd = -EBADF, .work_fd = -EBADF, .options = BUF_INIT \
	}
void criu_release(struct criu *c);
AUTO_STRUCT(criu, struct criu, criu_release)

/* Opens (and for a dump makes) the directories, and puts what was told into the options. */
int criu_prepare(struct criu *c, const struct runtime_criu *told, enum criu_type type);
void criu_put_pair(struct criu *c, enum criu_option option, const char *first, const char *second);
/* Runs it to its end. *out_pid: of what was restored, which is a child of this process. */
int criu_serve(struct criu *c, pid_t *out_pid);

/* The container's 0, 1 and 2 as they are in the images, beside these: DESCRIPTORS_FILE, as runc has it. */
#define DESCRIPTORS_FILE "descriptors.json"
