/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System calls that make, move and remove mounts.
 */
#include "sys/calls.h"
#include "sys/fault.h"
#include "sys/internal.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

int sys_open_tree(int dirfd, const char *path, unsigned flags)
{
	int fault = fault_hit("open_tree");
	return fault ? fault
		     : sys_result(syscall(SYS_open_tree, dirfd, path, flags | OPEN_TREE_CLOEXEC));
}

int sys_move_mount(int from_fd, const char *from, int to_fd, const char *to, unsigned flags)
{
	int fault = fault_hit("move_mount");
	return fault ? fault : sys_result(syscall(SYS_move_mount, from_fd, from, to_fd, to, flags));
}

int sys_fspick(int dirfd, const char *path, unsigned flags)
{
	int fault = fault_hit("fspick");
	return fault ? fault : sys_result(syscall(SYS_fspick, dirfd, path, flags | FSPICK_CLOEXEC));
}

int sys_fsopen(const char *fstype, unsigned flags)
{
	int fault = fault_hit("fsopen");
	return fault ? fault : sys_result(syscall(SYS_fsopen, fstype, flags | FSOPEN_CLOEXEC));
}

int sys_fsconfig(int fs_fd, unsigned command, const char *key, const void *value, int aux)
{
	int fault = fault_hit("fsconfig");
	return fault ? fault : sys_result(syscall(SYS_fsconfig, fs_fd, command, key, value, aux));
}

int sys_fsmount(int fs_fd, unsigned flags, unsigned attributes)
{
	int fault = fault_hit("fsmount");
	return fault ? fault
		     : sys_result(syscall(SYS_fsmount, fs_fd, flags | FSMOUNT_CLOEXEC, attributes));
}

int sys_mount_setattr(int dirfd, const char *path, unsigned flags, const struct mount_attr *attr)
{
	int fault = fault_hit("mount_setattr");
	return fault
		? fault
		: sys_result(syscall(SYS_mount_setattr, dirfd, path, flags, attr, sizeof(*attr)));
}

int sys_mount(const char *source, const char *target, const char *fstype, unsigned long flags,
	const char *data)
{
	int fault = fault_hit("mount");
	return fault ? fault : sys_result(syscall(SYS_mount, source, target, fstype, flags, data));
}

int sys_umount(const char *target, int flags)
{
	int fault = fault_hit("umount");
	return fault ? fault : sys_result(syscall(SYS_umount2, target, flags));
}

int sys_pivot_root(const char *new_root, const char *put_old)
{
	int fault = fault_hit("pivot_root");
	return fault ? fault : sys_result(syscall(SYS_pivot_root, new_root, put_old));
}
