/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Device nodes and links below /dev, and guards: paths that are hidden or made read-only. All is
 * done by fd beneath the root, without following any symbolic link. Init only.
 */
#include "mount/internal.h"
#include "base/err.h"
#include "sys/calls.h"
#include "sys/fd.h"
#include "sys/path.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <string.h>
#include <sys/sysmacros.h>

static const mode_t node_types[] = {
	[MOUNT_NODE_CHAR] = S_IFCHR,
	[MOUNT_NODE_BLOCK] = S_IFBLK,
	[MOUNT_NODE_FIFO] = S_IFIFO,
};

/* A node that exists already must be the device that the plan wants. */
static int node_verify(int parent, const char *name, mode_t mode, dev_t device)
{
	struct stat st;
	int r = sys_stat_at(parent, name, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH, &st);
	if (r < 0)
		return err_new(r, "stat");
	if ((st.st_mode & S_IFMT) != (mode & S_IFMT) || st.st_rdev != device)
		return err_say(-EEXIST, "something else is there already");
	return 0;
}

static int node_make(int parent, const char *name, const struct mount_node_row *row)
{
	mode_t mode = node_types[row->kind] | row->mode;
	dev_t device = makedev(row->major, row->minor);

	int r = sys_mknod_at(parent, name, mode, device);
	if (r == -EEXIST)
		return node_verify(parent, name, mode, device);
	if (r < 0)
		return err_new(r, "make device %u:%u", row->major, row->minor);
	if (row->uid || row->gid) {
		r = sys_chown_at(parent, name, row->uid, row->gid, AT_SYMLINK_NOFOLLOW);
		if (r < 0)
			return err_new(r, "change owner");
	}
	return 0;
}

/* The host's node at this path, if it is the wanted device. The path is the host's: this process's
 * root has not moved yet. */
static int host_node_open(const char *path, const struct mount_node_row *row)
{
	auto_close int node = sys_open_at(AT_FDCWD, path, O_PATH | O_NOFOLLOW, 0);
	if (node < 0)
		return err_new(node, "device %u:%u may not be made here, and of the host's %s",
			row->major, row->minor, path);
	int r = node_verify(node, "", node_types[row->kind], makedev(row->major, row->minor));
	return r < 0
		? err_say(r, "device %u:%u may not be made here, and %s of the host is another",
			  row->major, row->minor, path)
		: take_fd(&node);
}

static int made_node_open(int devices_fd, const struct mount_node_row *row)
{
	char name[DEVICE_NAME_ROOM];
	mount_device_name(row, name);
	int node = sys_open_at(devices_fd, name, O_PATH | O_NOFOLLOW, 0);
	return node < 0 ? err_new(node, "open device %u:%u", row->major, row->minor) : node;
}

/* In a user namespace no process may make devices. The host has made the node or, where it may make
 * none either, has one. */
static int node_bind(struct mount_context *ctx, const struct mount_node_row *row)
{
	const char *path = flat_str(ctx->plan, row->path);
	auto_close int source = ctx->devices_fd >= 0 ? made_node_open(ctx->devices_fd, row)
						     : host_node_open(path, row);
	if (source < 0)
		return source;
	auto_close int target = path_make_file(ctx->root_fd, path, PATH_STRICT);
	if (target < 0)
		return err_new(target, "mount point %s", path);
	const struct mount_row flags = {.attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC};
	auto_close int tree = mount_clone_fd(source, &flags);
	if (tree < 0)
		return tree;
	int r = mount_tree_attach(tree, target);
	return r < 0 ? mount_limit_explain(err_new(r, "attach at %s", path)) : 0;
}

/* Most nodes are in one directory, whose fd is kept for the next node. Returns a borrowed fd. */
static int node_dir(struct mount_context *ctx, const char *path, const char **out_name)
{
	int len = (int)(path_last(path) - path);
	*out_name = path + len;
	if (ctx->node_dir_fd >= 0 && len == ctx->node_dir_len &&
		strncmp(path, ctx->node_path, (size_t)len) == 0)
		return ctx->node_dir_fd;
	int fd = path_open_parent(ctx->root_fd, path, true, PATH_STRICT, out_name);
	if (fd < 0)
		return err_new(fd, "directory of %s", path);
	fd_replace(&ctx->node_dir_fd, fd);
	ctx->node_dir_len = len;
	ctx->node_path = path;
	return fd;
}

int mount_node_apply(struct mount_context *ctx, const struct mount_node_row *row)
{
	const char *path = flat_str(ctx->plan, row->path);
	const char *name;
	int parent = node_dir(ctx, path, &name);
	if (parent < 0)
		return parent;
	if (row->kind != MOUNT_NODE_LINK) {
		int made = node_make(parent, name, row);
		return made == -EPERM ? node_bind(ctx, row) : made;
	}
	int r = sys_symlink_at(flat_str(ctx->plan, row->target), parent, name);
	return r < 0 && r != -EEXIST ? err_new(r, "link") : 0;
}

int mount_clone_onto(int source_fd, int target_fd)
{
	auto_close int tree = sys_open_tree(
		source_fd, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (tree < 0)
		return err_new(tree, "clone");
	int r = mount_tree_attach(tree, target_fd);
	return r < 0 ? mount_limit_explain(err_new(r, "attach")) : 0;
}

/* nr_inodes is 2: some kernels refuse 1. */
int mount_empty_open(void)
{
	return mount_tmpfs_open("nr_blocks=1,nr_inodes=2,mode=0555", NULL,
		MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
}

/* One empty tmpfs hides every masked directory. */
static int empty_tree(struct mount_context *ctx)
{
	if (ctx->empty_fd < 0)
		ctx->empty_fd = mount_empty_open();
	return ctx->empty_fd;
}

/* A file is hidden by a clone of the host's /dev/null, a directory by the empty tmpfs. The kernel
 * can clone the tmpfs only after it is attached: the first use attaches the tmpfs itself, and later
 * uses clone it from there. */
static int mask_apply(struct mount_context *ctx, int target, bool is_dir)
{
	bool is_first_dir = is_dir && ctx->empty_fd < 0;
	int source = is_dir ? empty_tree(ctx) : ctx->null_fd;
	if (source < 0)
		return source;
	if (is_first_dir) {
		int r = mount_tree_attach(source, target);
		return r < 0 ? mount_limit_explain(err_new(r, "attach")) : 0;
	}
	return mount_clone_onto(source, target);
}

/* The root of a mount becomes read-only in place. Other paths are covered by a read-only clone of
 * themselves. */
static int readonly_apply(int target, bool is_alone)
{
	struct mount_attr attr = {
		.attr_set = MOUNT_ATTR_RDONLY, .propagation = is_alone ? 0 : MS_PRIVATE};
	int r = sys_mount_setattr(target, "", AT_EMPTY_PATH | (is_alone ? 0 : AT_RECURSIVE), &attr);
	if (r != -EINVAL) /* -EINVAL: not the root of a mount */
		return r < 0 ? err_new(r, "make read-only") : 0;

	auto_close int tree = sys_open_tree(
		target, "", AT_EMPTY_PATH | AT_RECURSIVE | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (tree < 0)
		return err_new(tree, "clone");
	r = sys_mount_setattr(tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr);
	if (r < 0)
		return err_new(r, "make read-only");
	r = mount_tree_attach(tree, target);
	return r < 0 ? mount_limit_explain(err_new(r, "attach")) : 0;
}

int mount_guard_apply(struct mount_context *ctx, const struct mount_guard_row *row)
{
	const char *path = flat_str(ctx->plan, row->path);
	bool is_strict = row->flags & MOUNT_STRICT;
	auto_close int target = path_open(ctx->root_fd, path, O_PATH, is_strict ? PATH_STRICT : 0);
	/* This kernel lacks the file, or a link leads nowhere: there is nothing to guard. */
	if (target == -ENOENT || target == -ENOTDIR || (target == -ELOOP && !is_strict))
		return 0;
	if (target < 0)
		return err_new(target, "open %s", path);

	struct stat st;
	int r = sys_stat_fd(target, &st);
	if (r < 0)
		return err_new(r, "stat %s", path);
	return row->kind == MOUNT_GUARD_MASK ? mask_apply(ctx, target, S_ISDIR(st.st_mode))
					     : readonly_apply(target, row->flags & MOUNT_ALONE);
}
