/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Mounts. A mount is made detached (fsmount, or a clone of a tree) and gets all its flags while no
 * process can see it. Then it is attached by fd to a mount point that was resolved beneath the root
 * by fd. No function here mounts on a path string.
 *
 * The host side opens what only the host can see (overlay, sources of binds) and hands the detached
 * trees to init by slot. Init attaches them, makes the kernel file systems, then pivots.
 */
#include "mount/copy_up.h"
#include "base/buf.h"
#include "base/flat.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum mount_kind {
	MOUNT_KIND_NEW = 1, /* a file system of its own: proc, sysfs, tmpfs, devpts, mqueue, ... */
	MOUNT_KIND_BIND, /* a detached tree from a slot */
	MOUNT_KIND_REMOUNT, /* new attributes, or file system options, for an existing mount */
	MOUNT_KIND_INNER, /* a bind whose source is a path in the root, as rows before have it */
	MOUNT_KIND_MAX = MOUNT_KIND_INNER
};

enum mount_row_flags {
	MOUNT_STRICT = 1, /* no symlink on the way to the target: /proc, /sys, /dev and below */
	MOUNT_RECURSIVE = 2, /* bind: the whole tree below */
	MOUNT_OPTIONAL = 4, /* the kernel may lack the file system (mqueue): -ENODEV is skipped */
	MOUNT_COPY_UP = 8, /* the files that it covers are copied into it first */
	MOUNT_IDMAP = 16, /* bind: ids of files are mapped */
	MOUNT_IDMAP_RECURSIVE = 32,
	MOUNT_ALONE = 64, /* a guard: what is mounted below stays as it is */
};

struct mount_row {
	uint32_t origin; /* string: where the row comes from: "default", "image", "-v" */
	uint32_t kind;
	uint32_t flags;
	uint32_t slot;
	uint32_t target; /* string: absolute path in the container */
	uint32_t source; /* string: path of a bind, or the source name */
	uint32_t fstype; /* string; a bind: none, or what the host takes it from (cgroup) */
	uint32_t data; /* string: options of the file system, comma separated, or none */
	uint64_t attr_set; /* MOUNT_ATTR_* */
	uint64_t attr_clear;
	uint64_t attr_set_recursive, attr_clear_recursive; /* rro and friends */
	uint32_t propagation; /* MS_PRIVATE, MS_SLAVE, ... or 0 */
	uint32_t label; /* string: SELinux context of all its files, or none */
};

/* A device node, or a symlink, below /dev. */
enum mount_node_kind { MOUNT_NODE_CHAR = 1, MOUNT_NODE_BLOCK, MOUNT_NODE_FIFO, MOUNT_NODE_LINK };

struct mount_node_row {
	uint32_t origin;
	uint32_t kind;
	uint32_t path; /* string: absolute path in the container */
	uint32_t target; /* string: of the symlink */
	uint32_t major, minor;
	uint32_t mode;
	uint32_t uid, gid;
	uint32_t reserved;
};

/* A path to hide or to make read-only. */
enum mount_guard_kind { MOUNT_GUARD_MASK = 1, MOUNT_GUARD_READONLY };

struct mount_guard_row {
	uint32_t origin;
	uint32_t kind;
	uint32_t path;
	uint32_t flags; /* MOUNT_STRICT, without which links are followed; MOUNT_ALONE */
};

/* Options as in mount(8), fstab and OCI ("ro", "rbind", "rslave", "mode=755", "rro", ...), comma
 * separated. Words that are no flag are collected in data. Speaking: -EINVAL. Any process. */
struct mount_options {
	uint64_t attr_set, attr_clear;
	uint64_t attr_set_recursive, attr_clear_recursive;
	uint32_t propagation;
	bool is_bind, is_recursive, is_remount;
	bool is_idmapped, is_idmap_recursive, copies_up;
	struct buf data;
};
void mount_options_release(struct mount_options *o);
AUTO_STRUCT(mount_options, struct mount_options, mount_options_release)
int mount_options_parse(const char *text, struct mount_options *out);
/* Is data empty, or has it only options that every bind mount has anyway ("async")? */
bool mount_options_suit_bind(const struct mount_options *o);
/* All option words that are known here; file systems have their own besides. */
void mount_option_words(struct strvec *out);
/* The words for a set of attributes: "ro,nosuid". */
void mount_attr_words(uint64_t attr, struct buf *out);

/* A detached overlay. Layers are directory fds, lowest first. Without upper_fd it is read-only and
 * needs two different layers: the caller adds an empty one. Host, or a user namespace [5.11]. */
struct mount_overlay {
	const int *layers;
	size_t layer_count;
	int upper_fd, work_fd;
	bool is_volatile;
	bool wants_userxattr;
};
int mount_overlay_open(const struct mount_overlay *o);

/* A detached clone of a host tree with its flags set, resolved once. Host. */
int mount_bind_open(const char *source, const struct mount_row *row);
/* The same for an fd that is already pinned. */
int mount_clone_fd(int fd, const struct mount_row *row);

/* Maps the ids of a detached tree's files by a user namespace: a file with id `inner` on the disk
 * has id `outer` in this mount [5.12]. Host. */
int mount_tree_idmap(int tree_fd, int user_ns_fd, bool is_recursive);

/* What init needs to apply rows; borrowed fds. */
struct mount_context {
	const struct flat *plan;
	int root_fd; /* O_PATH: the root, attached in init's mount namespace */
	bool is_over_root; /* the root is attached over / */
	int null_fd, empty_fd; /* the host's null device, checked; an empty tmpfs, on first use */
	int devices_fd; /* of mount/devices.h, or -EBADF */
	dev_t dev_device; /* device number of the mount on /dev, or 0 */
	int node_dir_fd, node_dir_len; /* last node's directory, and its length in node_path */
	const char *node_path;
	const int *slots;
	size_t slot_count;
};

/* Makes the caller's mount namespace private and attaches the detached root over a directory of the
 * host (NULL: over /). Fills ctx->root_fd and null_fd. Init. */
int mount_root_attach(struct mount_context *ctx, int detached_root_fd, const char *over);
int mount_row_apply(struct mount_context *ctx, const struct mount_row *row);
int mount_node_apply(struct mount_context *ctx, const struct mount_node_row *row);
int mount_guard_apply(struct mount_context *ctx, const struct mount_guard_row *row);
/* Clones the file of an fd (a device, a mask) and attaches the clone to a pinned target. Init. */
int mount_clone_onto(int source_fd, int target_fd);
/* Enters the attached root by pivot_root; or, with a procfs of this process, by MS_MOVE and chroot,
 * after detaching the host's mounts. Then sets the propagation of the root, or (MS_REC) of all. */
int mount_root_enter(struct mount_context *ctx, int proc_fd, uint32_t propagation);
/* Makes the root mount itself read-only. Init. */
int mount_root_readonly(struct mount_context *ctx);
int mount_proc_private(void); /* a detached procfs of the caller's pid namespace, for it alone */
/* One sentence per row, without a full stop: "mount proc on /proc (nosuid,nodev,noexec)". */
void mount_row_describe(const struct flat *plan, const struct mount_row *row, struct buf *out);
void mount_node_describe(
	const struct flat *plan, const struct mount_node_row *row, struct buf *out);
void mount_guard_describe(
	const struct flat *plan, const struct mount_guard_row *row, struct buf *out);
