/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The root of a container: it is attached on top of / in init's own mount namespace, filled by the
 * rows, then entered.
 *
 * The detached root is attached over "/" itself, so no directory of the host is needed as a mount
 * point. Until the pivot the process still sees the host's tree below, because its own root does
 * not move. pivot_root(".", ".") then stacks the old root on the new one. The old root is detached
 * from there, and with it the host's tree is gone.
 */
#include "mount/internal.h"
#include "base/err.h"
#include "sys/calls.h"
#include "sys/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/sysmacros.h>

/* SECURITY.md, rule 3: files are masked with a device that has been checked, not with a path. */
static int null_open(void)
{
	auto_close int fd = sys_open_at(AT_FDCWD, "/dev/null", O_PATH | O_NOFOLLOW, 0);
	if (fd < 0)
		return err_new(fd, "open /dev/null of the host");
	struct stat st;
	int r = sys_stat_fd(fd, &st);
	if (r < 0)
		return err_new(r, "stat /dev/null of the host");
	if (!S_ISCHR(st.st_mode) || st.st_rdev != makedev(1, 3))
		return err_say(-ENODEV, "/dev/null of the host is not the null device");
	return take_fd(&fd);
}

/* `over` is a host directory that the caller has named, as this mount namespace has it. */
static int attach_over(int root_fd, const char *over)
{
	auto_close int point = sys_open_at(AT_FDCWD, over, O_PATH | O_DIRECTORY, 0);
	return point < 0 ? point
			 : sys_move_mount(root_fd, "", point, "",
				   MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
}

int mount_root_attach(struct mount_context *ctx, int detached_root_fd, const char *over)
{
	struct mount_attr attr = {.propagation = MS_PRIVATE};
	int r = sys_mount_setattr(AT_FDCWD, "/", AT_RECURSIVE, &attr);
	if (r < 0)
		return err_new(r, "separate the mount namespace from the host's");

	int null_fd = null_open();
	if (null_fd < 0)
		return null_fd;
	ctx->null_fd = null_fd;
	if (ctx->devices_fd >= 0)
		r = sys_move_mount(ctx->devices_fd, "", AT_FDCWD, "/dev", MOVE_MOUNT_F_EMPTY_PATH);
	if (r < 0)
		return mount_limit_explain(err_new(r, "attach the devices over /dev of the host"));

	r = over ? attach_over(detached_root_fd, over)
		 : sys_move_mount(detached_root_fd, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH);
	if (r < 0)
		return mount_limit_explain(err_new(r, "attach the root at %s", over ? over : "/"));
	ctx->root_fd = detached_root_fd;
	ctx->is_over_root = !over;
	return 0;
}

static int enter_by_pivot(int root_fd)
{
	auto_close int old_root = sys_open_at(AT_FDCWD, "/", O_PATH | O_DIRECTORY, 0);
	if (old_root < 0)
		return err_new(old_root, "open the old root");
	int r = sys_fchdir(root_fd);
	if (r < 0)
		return err_new(r, "change to the new root");
	r = sys_pivot_root(".", ".");
	if (r == -EINVAL)
		return err_say(r,
			"pivot_root is refused: the host's root is an initramfs (try --no-pivot)");
	if (r < 0)
		return err_new(r, "pivot_root");
	r = sys_fchdir(old_root);
	if (r < 0)
		return err_new(r, "change to the old root");
	r = sys_umount(".", MNT_DETACH);
	return r < 0 ? err_new(r, "detach the old root") : 0;
}

/* For hosts that run from an initramfs, where pivot_root cannot work: the root is moved over / and
 * entered by chroot. It is not moved earlier: a hook that joins the mount namespace gets its
 * uppermost root, and must find the host's programs there. */
static int enter_by_chroot(const struct mount_context *ctx, int proc_fd)
{
	int r = ctx->is_over_root
		? 0
		: sys_move_mount(ctx->root_fd, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH);
	if (r < 0)
		return err_new(r, "move the new root over the old one");
	r = mount_host_leave(proc_fd);
	if (r < 0)
		return r;
	r = sys_fchdir(ctx->root_fd);
	if (r < 0)
		return err_new(r, "change to the new root");
	r = sys_chroot(".");
	return r < 0 ? err_new(r, "chroot") : 0;
}

/* Only now: pivot_root refuses a shared root. What is shared gets a peer group of its own. */
static int root_propagate(uint32_t propagation)
{
	struct mount_attr attr = {.propagation = propagation & ~(uint32_t)MS_REC};
	if (attr.propagation != MS_SHARED && attr.propagation != MS_UNBINDABLE)
		return 0;
	int r = sys_mount_setattr(AT_FDCWD, "/", propagation & MS_REC ? AT_RECURSIVE : 0, &attr);
	return r < 0 ? err_new(r, "set the propagation of the root") : 0;
}

int mount_root_enter(struct mount_context *ctx, int proc_fd, uint32_t propagation)
{
	int r = proc_fd >= 0 ? enter_by_chroot(ctx, proc_fd) : enter_by_pivot(ctx->root_fd);
	if (r < 0)
		return r;
	r = sys_chdir("/");
	return r < 0 ? err_new(r, "change to /") : root_propagate(propagation);
}

int mount_root_readonly(struct mount_context *ctx)
{
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY};
	int r = sys_mount_setattr(ctx->root_fd, "", AT_EMPTY_PATH, &attr);
	return r < 0 ? err_new(r, "make the root read-only") : 0;
}

int mount_proc_private(void)
{
	auto_close int fs_fd = sys_fsopen("proc", FSOPEN_CLOEXEC);
	if (fs_fd < 0)
		return err_new(fs_fd, "open file system proc");
	int r = sys_fsconfig(fs_fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
	if (r < 0)
		return err_new(r, "create a private proc");
	int fd = sys_fsmount(
		fs_fd, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
	return fd < 0 ? err_new(fd, "mount a private proc") : fd;
}
