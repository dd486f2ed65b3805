/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * criu as a child process that serves one request over a socket (criu's "swrk"). criu finds
 * directories and fds of this process by number, reports its steps, and asks for what only the
 * caller can do. criu writes its messages for people to its log.
 */
#include "runtime/checkpoint.h"
#include "runtime/internal.h"

/* The numbers are those of criu's rpc.proto. */
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

/* Fds that criu may use in place of checkpointed ones; borrowed. */
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
	struct buf options; /* fields of criu_opts that criu_prepare and its caller set */
	struct criu_fd fds[CRIU_FDS_MAX];
	size_t fd_count;
	/* For a restore: the root (made a mount that no other process sees), and criu's cgroup. */
	const char *rootfs;
	bool is_readonly;
	const struct cgroup_entry *group;
	/* Called at each step: pid of the first process if known; an fd (criu keeps it) if sent. */
	int (*step)(void *context, const char *name, pid_t pid, int fd);
	void *context;
};
#define CRIU_INIT \
	{ \
		.images_fd = -EBADF, .work_fd = -EBADF, .options = BUF_INIT \
	}
void criu_release(struct criu *c);
AUTO_STRUCT(criu, struct criu, criu_release)

/* Opens the directories (for a dump: makes them), and adds the caller's choices to the options. */
int criu_prepare(struct criu *c, const struct runtime_criu *told, enum criu_type type);
void criu_put_pair(struct criu *c, enum criu_option option, const char *first, const char *second);
/* Runs criu to its end. *out_pid: the restored process, which is a child of this process. */
int criu_serve(struct criu *c, pid_t *out_pid);

/* A file beside the images: the container's 0, 1 and 2 as in the images. runc's name for it. */
#define DESCRIPTORS_FILE "descriptors.json"
