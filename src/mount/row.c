/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One mount of a plan, applied by init. A kernel file system is made detached with all its flags,
 * or a detached tree is taken from its slot. The mount point is made beneath the root by fd. Then
 * one move_mount attaches the tree. The only text that is parsed here are the comma-separated
 * options, which fsconfig(2) wants one by one. Nothing allocates.
 */
#include "mount/internal.h"
#include "base/err.h"
#include "base/str.h"
#include "sys/calls.h"
#include "sys/fd.h"
#include "sys/path.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>

enum { OPTION_MAX = 512 };

/* The fd in a slot, or -EBADF with a sentence. */
static int mount_slot(const struct mount_context *ctx, uint32_t slot)
{
	if (slot >= ctx->slot_count || ctx->slots[slot] < 0)
		return err_say(-EBADF, "nothing was handed over in slot %u", slot);
	return ctx->slots[slot];
}

/* Hands one "key=value" or "flag" to the file system. */
static int config_one(int fs_fd, const char *option, size_t len)
{
	char word[OPTION_MAX];
	if (len >= sizeof(word))
		return err_say(-ENAMETOOLONG, "option \"%.40s...\" is too long", option);
	memcpy(word, option, len);
	word[len] = '\0';

	char *value = strchr(word, '=');
	if (value)
		*value++ = '\0';
	int r = value ? sys_fsconfig(fs_fd, FSCONFIG_SET_STRING, word, value, 0)
		      : sys_fsconfig(fs_fd, FSCONFIG_SET_FLAG, word, NULL, 0);
	return r < 0 ? err_new(r, "option %s%s%s", word, value ? "=" : "", value ? value : "") : 0;
}

static int config_all(int fs_fd, const char *data)
{
	while (data && *data != '\0') {
		size_t len = strcspn(data, ",");
		int r = len ? config_one(fs_fd, data, len) : 0;
		if (r < 0)
			return r;
		data += len + (data[len] == ',');
	}
	return 0;
}

/* "context" is set apart from the other options, because a label may contain commas. */
static int config_label(int fs_fd, const char *label)
{
	int r = label ? sys_fsconfig(fs_fd, FSCONFIG_SET_STRING, "context", label, 0) : 0;
	return r < 0 ? err_new(r, "label \"%s\"", label) : 0;
}

int mount_tmpfs_open(const char *options, const char *label, unsigned attr)
{
	auto_close int fs_fd = sys_fsopen("tmpfs", FSOPEN_CLOEXEC);
	if (fs_fd < 0)
		return err_new(fs_fd, "open file system tmpfs");
	int r = config_all(fs_fd, options);
	if (r == 0)
		r = config_label(fs_fd, label);
	if (r < 0)
		return r;
	r = sys_fsconfig(fs_fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
	if (r < 0)
		return err_new(r, "create tmpfs");
	int fd = sys_fsmount(fs_fd, FSMOUNT_CLOEXEC, attr);
	return fd < 0 ? err_new(fd, "mount tmpfs") : fd;
}

static bool has_option(const char *data, const char *key)
{
	size_t key_len = strlen(key);
	for (; data && *data; data += strcspn(data, ","), data += *data == ',')
		if (strncmp(data, key, key_len) == 0 && data[key_len] == '=')
			return true;
	return false;
}

/* A tmpfs without a mode option gets the mode of the directory that it covers, as with runc. The
 * kernel's default is 1777. */
static int config_mode(const struct mount_context *ctx, const struct mount_row *row, int fs_fd)
{
	char mode[8];
	struct stat st;
	if (!str_eq(flat_str(ctx->plan, row->fstype), "tmpfs") ||
		has_option(flat_str(ctx->plan, row->data), "mode"))
		return 0;
	auto_close int covered = path_open(ctx->root_fd, flat_str(ctx->plan, row->target),
		O_PATH | O_DIRECTORY, row->flags & MOUNT_STRICT ? PATH_STRICT : 0);
	if (covered < 0 || sys_stat_fd(covered, &st) < 0)
		return 0;
	fmt(mode, "%o", st.st_mode & 07777);
	int r = sys_fsconfig(fs_fd, FSCONFIG_SET_STRING, "mode", mode, 0);
	return r < 0 ? err_new(r, "option mode=%s", mode) : 0;
}

static int new_tree(const struct mount_context *ctx, const struct mount_row *row)
{
	const char *fstype = flat_str(ctx->plan, row->fstype);
	const char *source = flat_str(ctx->plan, row->source);

	auto_close int fs_fd = sys_fsopen(fstype, FSOPEN_CLOEXEC);
	if (fs_fd < 0)
		return err_new(fs_fd, "open file system %s", fstype);
	int r = sys_fsconfig(fs_fd, FSCONFIG_SET_STRING, "source", source ? source : fstype, 0);
	if (r < 0)
		return err_new(r, "source %s", source ? source : fstype);
	r = config_all(fs_fd, flat_str(ctx->plan, row->data));
	if (r == 0)
		r = config_mode(ctx, row, fs_fd);
	if (r == 0)
		r = config_label(fs_fd, flat_str(ctx->plan, row->label));
	if (r < 0)
		return r;
	r = sys_fsconfig(fs_fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
	if (r < 0)
		return err_new(r, "create %s", fstype);

	/* A new file system has no mounts below it: the recursive attributes are for it alone. */
	uint64_t attr = (row->attr_set & ~row->attr_clear_recursive) | row->attr_set_recursive;
	auto_close int tree = sys_fsmount(fs_fd, FSMOUNT_CLOEXEC, (unsigned)attr);
	if (tree < 0)
		return err_new(tree, "mount %s", fstype);
	if (row->propagation) {
		r = mount_tree_set(tree, row);
		if (r < 0)
			return r;
	}
	return take_fd(&tree);
}

/* A symbolic link of the image may lead anywhere in the container, except into the kernel's own
 * file systems. A mount there would hide the masks of /proc, or device nodes would be made in it
 * (SECURITY.md, rule 1). */
static int target_verify(const struct mount_context *ctx, int fd, const char *target)
{
	struct stat st;
	uint64_t magic;
	int r = sys_fs_magic(fd, &magic);
	if (r == 0)
		r = sys_stat_fd(fd, &st);
	if (r < 0)
		return err_new(r, "look at mount point %s", target);
	if (magic == PROC_SUPER_MAGIC || magic == SYSFS_MAGIC ||
		(ctx->dev_device && st.st_dev == ctx->dev_device))
		return err_say(-ELOOP,
			"the image has a symbolic link at %s that leads into /proc, /sys or /dev",
			target);
	return 0;
}

/* The mount point becomes a file or a directory, as the root of the tree is one. */
static int target_open(struct mount_context *ctx, const struct mount_row *row, int tree)
{
	const char *target = flat_str(ctx->plan, row->target);
	unsigned flags = row->flags & MOUNT_STRICT ? PATH_STRICT : 0;

	struct stat st;
	int r = sys_stat_fd(tree, &st);
	if (r < 0)
		return err_new(r, "stat what is mounted on %s", target);
	if (str_eq(target, "/dev"))
		ctx->dev_device = st.st_dev;
	int fd = S_ISDIR(st.st_mode) ? path_make_dir(ctx->root_fd, target, 0755, flags | PATH_DIR)
				     : path_make_file(ctx->root_fd, target, flags);
	if (fd == -ELOOP && flags & PATH_STRICT)
		return err_say(fd,
			"the image has a symbolic link at %s, which husk does not follow", target);
	if (fd == -ENOTDIR)
		return err_say(fd, "the image has something at %s that is not a directory", target);
	if (fd == -EROFS)
		return err_say(
			fd, "mount point %s is missing and lies on a read-only mount", target);
	if (fd < 0)
		return err_new(fd, "mount point %s", target);
	r = flags & PATH_STRICT ? 0 : target_verify(ctx, fd, target);
	if (r < 0)
		fd_close(fd);
	return r < 0 ? r : fd;
}

static int reconfigure(int at, const char *data)
{
	auto_close int fs_fd = sys_fspick(at, "", FSPICK_EMPTY_PATH);
	if (fs_fd < 0)
		return err_new(fs_fd, "open its file system");
	int r = config_all(fs_fd, data);
	if (r < 0)
		return r;
	r = sys_fsconfig(fs_fd, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0);
	return r < 0 ? err_new(r, "change its file system") : 0;
}

/* Read-only and the like are set for this mount only: the host may use the same file system. */
static int remount_apply(struct mount_context *ctx, const struct mount_row *row)
{
	const char *target = flat_str(ctx->plan, row->target),
		   *data = flat_str(ctx->plan, row->data);
	unsigned flags = row->flags & MOUNT_STRICT ? PATH_STRICT : 0;
	auto_close int at = path_open(ctx->root_fd, target, O_PATH, flags);
	int r = at < 0 ? err_new(at, "open it") : mount_attributes_set(at, row);
	if (r == 0 && data)
		r = reconfigure(at, data);
	if (r == -EINVAL)
		return err_say(r, "remount %s: nothing is mounted there, or it has no such option",
			target);
	return r < 0 ? err_wrap(r, "remount %s", target) : 0;
}

/* A tree of the root itself, in which rows before this one may have mounted something. */
static int inner_tree(const struct mount_context *ctx, const struct mount_row *row)
{
	const char *source = flat_str(ctx->plan, row->source);
	auto_close int fd = path_open(ctx->root_fd, source, O_PATH, 0);
	if (fd < 0)
		return err_new(fd, "open %s of the root", source);
	return mount_clone_fd(fd, row);
}

int mount_row_apply(struct mount_context *ctx, const struct mount_row *row)
{
	if (row->kind == MOUNT_KIND_REMOUNT)
		return remount_apply(ctx, row);
	auto_close int own_tree = -EBADF;
	int tree;

	if (row->kind == MOUNT_KIND_BIND) {
		tree = mount_slot(ctx, row->slot);
	} else {
		own_tree = row->kind == MOUNT_KIND_INNER ? inner_tree(ctx, row)
							 : new_tree(ctx, row);
		tree = own_tree;
		if (tree == -ENODEV && row->flags & MOUNT_OPTIONAL)
			return 0;
	}
	if (tree < 0)
		return tree;

	auto_close int target = target_open(ctx, row, tree);
	if (target < 0)
		return target;
	if (row->flags & MOUNT_COPY_UP) {
		int copied = mount_copy_up(target, tree);
		if (copied < 0)
			return err_wrap(
				copied, "copy what is on %s", flat_str(ctx->plan, row->target));
	}
	int r = mount_tree_attach(tree, target);
	return r < 0
		? mount_limit_explain(err_new(r, "attach at %s", flat_str(ctx->plan, row->target)))
		: 0;
}
