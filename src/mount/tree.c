/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Detached trees: clones of host trees, and overlays. The host side makes them and sets all their
 * flags while no process can see them. Here is also the one function that attaches a tree to a
 * pinned mount point.
 *
 * mount_setattr(2) came with Linux 5.12. Without it a bind mount is visible before it can be made
 * read-only. husk refuses to have that window: -ENOSYS is reported, not worked around.
 */
#include "mount/internal.h"
#include "base/err.h"
#include "base/str.h"
#include "sys/calls.h"
#include "sys/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>

/* fsconfig(2) refuses longer string values. */
enum { FSCONFIG_VALUE_MAX = 256 };

int mount_tree_set(int tree_fd, const struct mount_row *row)
{
	bool is_recursive = row->flags & MOUNT_RECURSIVE;
	uint32_t kind = row->propagation & ~(uint32_t)MS_REC;
	struct mount_attr attr = {.propagation = kind ? kind : MS_PRIVATE};
	/* If nothing is recursive, one call sets both propagation and flags. */
	bool is_all = !is_recursive && !row->attr_set_recursive && !row->attr_clear_recursive;
	if (is_all) {
		attr.attr_set = row->attr_set;
		attr.attr_clr = row->attr_clear;
	}
	int r = sys_mount_setattr(
		tree_fd, "", AT_EMPTY_PATH | (is_recursive ? AT_RECURSIVE : 0), &attr);
	if (r == -ENOSYS)
		return err_say(r, "this kernel is older than 5.12, which husk needs");
	if (r < 0)
		return err_new(r, "set propagation%s", is_all ? " and mount flags" : "");
	return is_all ? 0 : mount_attributes_set(tree_fd, row);
}

int mount_attributes_set(int fd, const struct mount_row *row)
{
	struct mount_attr attr;
	int r;
	if (row->attr_set || row->attr_clear) {
		attr = (struct mount_attr){.attr_set = row->attr_set, .attr_clr = row->attr_clear};
		r = sys_mount_setattr(fd, "", AT_EMPTY_PATH, &attr);
		if (r < 0)
			return err_new(r, "set mount flags");
	}
	if (row->attr_set_recursive || row->attr_clear_recursive) {
		attr = (struct mount_attr){
			.attr_set = row->attr_set_recursive, .attr_clr = row->attr_clear_recursive};
		r = sys_mount_setattr(fd, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr);
		if (r < 0)
			return err_new(r, "set mount flags recursively");
	}
	return 0;
}

int mount_tree_idmap(int tree_fd, int user_ns_fd, bool is_recursive)
{
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (uint64_t)user_ns_fd};
	int r = sys_mount_setattr(
		tree_fd, "", AT_EMPTY_PATH | (is_recursive ? AT_RECURSIVE : 0), &attr);
	if (r == -EINVAL)
		return err_say(r, "this kernel cannot map the ids of its file system");
	return r < 0 ? err_new(r, "map the ids of its files") : 0;
}

int mount_tree_attach(int tree_fd, int target_fd)
{
	return sys_move_mount(
		tree_fd, "", target_fd, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
}

int mount_limit_explain(int code)
{
	return code == -ENOSPC ? err_hint(code,
					 "A mount namespace has as many mounts as it may have: "
					 "sysctl fs.mount-max")
			       : code;
}

int mount_clone_fd(int fd, const struct mount_row *row)
{
	unsigned recursive = row->flags & MOUNT_RECURSIVE ? AT_RECURSIVE : 0;
	auto_close int tree = sys_open_tree(
		fd, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | recursive);
	if (tree < 0)
		return mount_limit_explain(err_new(tree, "clone the tree"));
	int r = mount_tree_set(tree, row);
	return r < 0 ? r : take_fd(&tree);
}

int mount_bind_open(const char *source, const struct mount_row *row)
{
	auto_close int fd = sys_open_at(AT_FDCWD, source, O_PATH, 0);
	if (fd < 0)
		return err_new(fd, "open %s", source);

	int tree = mount_clone_fd(fd, row);
	return tree < 0 ? err_wrap(tree, "bind %s", source) : tree;
}

/* Directories are named through /proc/self/fd: `:` needs no escaping, and no path is looked up
 * twice. Each layer is given by a call of its own, topmost first [6.7]. */
static int overlay_add_layers(int fs_fd, const struct mount_overlay *o)
{
	int r = 0;
	for (size_t i = o->layer_count; i-- > 0 && r == 0;)
		r = sys_fsconfig(
			fs_fd, FSCONFIG_SET_STRING, "lowerdir+", PROC_FD_PATH(o->layers[i]), 0);
	return r;
}

/* All layers in one short value: the names are numbers of fds, relative to /proc/self/fd, which is
 * the caller's working directory. */
static int overlay_join_layers(int fs_fd, const struct mount_overlay *o)
{
	char joined[FSCONFIG_VALUE_MAX];
	size_t used = 0;

	for (size_t i = o->layer_count; i-- > 0;) {
		char one[16];
		fmt(one, "%s%d", used ? ":" : "", o->layers[i]);
		size_t len = strlen(one);
		if (used + len + 1 > sizeof(joined))
			return -E2BIG;
		memcpy(joined + used, one, len + 1);
		used += len;
	}
	return sys_fsconfig(fs_fd, FSCONFIG_SET_STRING, "lowerdir", joined, 0);
}

/* Says in words why overlayfs cannot be used here; the kernel gives only a number. */
static int overlay_error(int r)
{
	if (r == -ENODEV)
		return err_say(r, "this kernel has no overlay file system (try: modprobe overlay)");
	if (r == -ENOSYS)
		return err_say(r, "this kernel is older than 5.12, which husk needs");
	if (r == -EPERM) {
		err_new(r, "mount overlay");
		return err_hint(r, "In a container, husk needs one that may mount (--privileged)");
	}
	if (r == -E2BIG)
		return err_say(r, "too many image layers for a kernel before 6.7");
	if (r == -ELOOP || r == -EBUSY)
		return err_say(r,
			"overlay refuses these layers: one of them is used by another container, "
			"or "
			"lies on an overlay itself");
	return err_new(r, "mount overlay");
}

static int overlay_create(const struct mount_overlay *o, bool is_joined)
{
	auto_close int fs_fd = sys_fsopen("overlay", FSOPEN_CLOEXEC);
	if (fs_fd < 0)
		return fs_fd;

	/* Before 6.5 the kernel only stores the options, and reads them when the file system is
	 * created; then it writes the unknown ones to the kernel log. This test finds such a kernel
	 * before that: it accepts "lowerdir+" without a value. */
	if (!is_joined && sys_fsconfig(fs_fd, FSCONFIG_SET_FLAG, "lowerdir+", NULL, 0) == 0)
		return -EINVAL;
	int r = sys_fsconfig(fs_fd, FSCONFIG_SET_STRING, "source", "overlay", 0);
	if (r == 0)
		r = is_joined ? overlay_join_layers(fs_fd, o) : overlay_add_layers(fs_fd, o);
	if (r == 0 && o->upper_fd >= 0)
		r = sys_fsconfig(
			fs_fd, FSCONFIG_SET_STRING, "upperdir", PROC_FD_PATH(o->upper_fd), 0);
	if (r == 0 && o->upper_fd >= 0)
		r = sys_fsconfig(
			fs_fd, FSCONFIG_SET_STRING, "workdir", PROC_FD_PATH(o->work_fd), 0);
	if (r == 0 && o->is_volatile && o->upper_fd >= 0)
		r = sys_fsconfig(fs_fd, FSCONFIG_SET_FLAG, "volatile", NULL, 0);
	if (r == 0 && o->wants_userxattr)
		r = sys_fsconfig(fs_fd, FSCONFIG_SET_FLAG, "userxattr", NULL, 0);
	if (r == 0)
		r = sys_fsconfig(fs_fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
	return r < 0 ? r : sys_fsmount(fs_fd, FSMOUNT_CLOEXEC, 0);
}

static int overlay_create_joined(const struct mount_overlay *o)
{
	auto_close int here = sys_open_at(AT_FDCWD, ".", O_PATH | O_DIRECTORY, 0);
	if (here < 0)
		return here;
	int r = sys_chdir("/proc/self/fd");
	if (r < 0)
		return r;
	auto_close int root_fd = overlay_create(o, true);
	r = sys_fchdir(here);
	return r < 0 ? r : take_fd(&root_fd);
}

int mount_overlay_open(const struct mount_overlay *o)
{
	int r = overlay_create(o, false);
	if (r == -EINVAL)
		r = overlay_create_joined(o);
	return r < 0 ? overlay_error(r) : r;
}
