/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shutting the worker in, before it reads a byte of an image (security.md R8).
 *
 * Afterwards: a root directory that is empty (but for copies of the resolver's files, of who talks to a registry), read-only
 * and has no room; two directories by fd, as clones whose topmost directory has nothing above it, what is only read
 * read-only; own mount, IPC and UTS namespaces, and a network namespace unless it talks to a registry; the capabilities
 * that the work takes; no_new_privs and the default seccomp filter of containers. The clones are made first: a mount of another namespace cannot be cloned.
 */
#include "image/internal.h"
#include "image/worker.h"
#include "base/str.h"
#include "mount/mount.h"
#include "sec/sec.h"
#include "sys/calls.h"
#include "sys/fd.h"
#include "sys/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>

static int clone_directory(int *fd, uint64_t attributes)
{
	int clone = sys_open_tree(*fd, "", OPEN_TREE_CLONE | AT_EMPTY_PATH);
	if (clone < 0)
		return err_new(clone, "clone a directory for the worker");
	fd_replace(fd, clone);
	struct mount_attr attr = {.attr_set = attributes, .propagation = MS_PRIVATE};
	int r = sys_mount_setattr(clone, "", AT_EMPTY_PATH, &attr);
	return r < 0 ? err_new(r, "restrict a directory of the worker") : 0;
}

static int files_write(int root, const struct confinement *c)
{
	int r = c->file_count ? sys_mkdir_at(root, "etc", 0755) : 0;
	for (size_t i = 0; i < c->file_count && r == 0; i++) {
		const struct confined_file *file = &c->files[i];
		auto_buf struct buf path = BUF_INIT;
		buf_addf(&path, "etc/%s", file->name);
		r = file_create_at(root, path.data, file->text.data, file->text.len, 0444);
	}
	return r;
}

/* An O_PATH fd of a tmpfs that holds the files and has no room for more. */
static int root_make(const struct confinement *c)
{
	char inodes[16];
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY};
	auto_close int fs = sys_fsopen("tmpfs", FSOPEN_CLOEXEC);
	if (fs < 0)
		return fs;
	fmt(inodes, "%zu", c->file_count + (c->file_count ? 3 : 2));
	int r = sys_fsconfig(fs, FSCONFIG_SET_STRING, "nr_inodes", inodes, 0);
	if (r == 0)
		r = sys_fsconfig(fs, FSCONFIG_SET_STRING, "mode", "0555", 0);
	if (r == 0)
		r = sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
	if (r < 0)
		return r;
	auto_close int root = sys_fsmount(
		fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
	if (root < 0)
		return root;
	r = files_write(root, c);
	if (r == 0)
		r = sys_mount_setattr(root, "", AT_EMPTY_PATH, &attr);
	return r < 0 ? r : take_fd(&root);
}

static int root_leave(const struct confinement *c)
{
	auto_close int root = root_make(c);
	if (root < 0)
		return err_new(root, "make a root for the worker");
	struct mount_context context = {.root_fd = -EBADF, .null_fd = -EBADF, .empty_fd = -EBADF};
	int r = mount_root_attach(&context, root, NULL);
	if (r == 0) {
		r = mount_root_enter(&context, false, MS_PRIVATE);
		if (r == -EINVAL) /* the host runs from an initramfs */
			r = mount_root_enter(&context, true, MS_PRIVATE);
	}
	fd_replace(&context.null_fd, -EBADF);
	return r;
}

static int privileges_drop(uint64_t granted)
{
	const struct sec_caps caps = {
		.bounding = granted, .effective = granted, .permitted = granted};
	auto_buf struct buf filter = BUF_INIT;
	sec_seccomp_default(granted, &filter);
	int r = sec_caps_bound(&caps);
	if (r == 0)
		r = sec_no_new_privs();
	if (r == 0)
		r = sec_seccomp_load(filter.data, filter.len, 0);
	return r < 0 ? r : sec_caps_set(&caps);
}

int worker_confine(const struct confinement *c)
{
	const uint64_t plain = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
	int r = sys_prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	if (r < 0)
		return err_new(r, "hide the worker from debuggers");
	if (c->layout_fd)
		r = clone_directory(c->layout_fd, plain | MOUNT_ATTR_RDONLY);
	if (r == 0 && c->store_fd)
		r = clone_directory(
			c->store_fd, plain | (c->store_is_readonly ? MOUNT_ATTR_RDONLY : 0));
	if (r < 0)
		return r;
	r = sys_unshare(
		CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS | (c->has_network ? 0 : CLONE_NEWNET));
	if (r < 0)
		return err_new(r, "give the worker namespaces of its own");
	r = root_leave(c);
	return r < 0 ? r : privileges_drop(c->caps);
}
