/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System calls on files and on the process's surroundings; mounts are in calls_mount.c, processes
 * and namespaces in calls_process.c. Nothing here allocates or locks, so everything may be used
 * after clone(2), also in a static program.
 */
#include "sys/calls.h"
#include "sys/fault.h"
#include "sys/internal.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <unistd.h>

int sys_open_at(int dirfd, const char *path, int flags, mode_t mode)
{
	int fault = fault_hit("open_at");
	return fault ? fault : SYS_RETRIED(openat(dirfd, path, flags | O_CLOEXEC, mode));
}

int sys_openat2(int dirfd, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve)
{
	int fault = fault_hit("openat2");
	if (fault)
		return fault;

	struct open_how how = {.flags = flags | O_CLOEXEC, .mode = mode, .resolve = resolve};
	int fd = -EAGAIN;
	/* If a `..` races with a rename anywhere in the system, the result is EAGAIN: the kernel
	 * cannot tell whether the path left the root. */
	for (int i = 0; i < 128 && (fd == -EAGAIN || fd == -EINTR); i++)
		fd = sys_result(syscall(SYS_openat2, dirfd, path, &how, sizeof(how)));
	return fd;
}

int sys_mkdir_at(int dirfd, const char *path, mode_t mode)
{
	int fault = fault_hit("mkdir_at");
	return fault ? fault : sys_result(mkdirat(dirfd, path, mode));
}

int sys_mknod_at(int dirfd, const char *path, mode_t mode, dev_t device)
{
	int fault = fault_hit("mknod_at");
	return fault ? fault : sys_result(mknodat(dirfd, path, mode, device));
}

int sys_symlink_at(const char *target, int dirfd, const char *path)
{
	int fault = fault_hit("symlink_at");
	return fault ? fault : sys_result(symlinkat(target, dirfd, path));
}

int sys_link_at(int from_dirfd, const char *from, int to_dirfd, const char *to, int flags)
{
	int fault = fault_hit("link_at");
	return fault ? fault : sys_result(linkat(from_dirfd, from, to_dirfd, to, flags));
}

int sys_unlink_at(int dirfd, const char *path, int flags)
{
	int fault = fault_hit("unlink_at");
	return fault ? fault : sys_result(unlinkat(dirfd, path, flags));
}

int sys_rename_at(int from_dirfd, const char *from, int to_dirfd, const char *to, unsigned flags)
{
	int fault = fault_hit("rename_at");
	return fault ? fault
		     : sys_result(syscall(SYS_renameat2, from_dirfd, from, to_dirfd, to, flags));
}

int sys_readlink_at(int dirfd, const char *path, char *out, size_t size)
{
	if (size == 0)
		return -ENAMETOOLONG;
	out[0] = '\0';
	int len = fault_hit("readlink_at");
	if (len == 0)
		len = sys_result(readlinkat(dirfd, path, out, size));
	if (len < 0)
		return len;
	if ((size_t)len >= size) {
		out[size - 1] = '\0';
		return -ENAMETOOLONG;
	}
	out[len] = '\0';
	return len;
}

int sys_stat_at(int dirfd, const char *path, int flags, struct stat *out)
{
	int fault = fault_hit("stat_at");
	return fault ? fault : sys_result(fstatat(dirfd, path, out, flags));
}

int sys_stat_fd(int fd, struct stat *out)
{
	int fault = fault_hit("stat_fd");
	return fault ? fault : sys_result(fstat(fd, out));
}

int sys_statx(int dirfd, const char *path, int flags, unsigned mask, struct statx *out)
{
	int fault = fault_hit("statx");
	return fault ? fault : sys_result(syscall(SYS_statx, dirfd, path, flags, mask, out));
}

int sys_chown_at(int dirfd, const char *path, uid_t uid, gid_t gid, int flags)
{
	int fault = fault_hit("chown_at");
	return fault ? fault : sys_result(fchownat(dirfd, path, uid, gid, flags));
}

int sys_chmod_fd(int fd, mode_t mode)
{
	int fault = fault_hit("chmod_fd");
	return fault ? fault : sys_result(fchmod(fd, mode));
}

int sys_chmod_at(int dirfd, const char *path, mode_t mode)
{
	int fault = fault_hit("chmod_at");
	return fault ? fault : sys_result(fchmodat(dirfd, path, mode, 0));
}

int sys_access_at(int dirfd, const char *path, int mode, int flags)
{
	int fault = fault_hit("access_at");
	return fault ? fault : sys_result(faccessat(dirfd, path, mode, flags));
}

int sys_truncate_fd(int fd, uint64_t size)
{
	int fault = fault_hit("truncate_fd");
	if (fault)
		return fault;
	if (size > INT64_MAX)
		return -EFBIG;
	return SYS_RETRIED(ftruncate(fd, (off_t)size));
}

int sys_seek_start(int fd)
{
	int fault = fault_hit("lseek");
	return fault < 0 ? fault : sys_result(lseek(fd, 0, SEEK_SET));
}

int sys_fsync(int fd)
{
	int fault = fault_hit("fsync");
	return fault ? fault : SYS_RETRIED(fsync(fd));
}

int sys_syncfs(int fd)
{
	int fault = fault_hit("syncfs");
	return fault ? fault : sys_result(syncfs(fd));
}

int sys_fs_magic(int fd, uint64_t *out_magic)
{
	struct statfs info;
	int r = fault_hit("fs_magic");
	if (r == 0)
		r = SYS_RETRIED(fstatfs(fd, &info));
	if (r < 0)
		return r;
	/* f_type is signed on some architectures, and a magic with the top bit set must not be
	 * sign-extended. */
	*out_magic = (uint32_t)info.f_type;
	return 0;
}

int sys_fs_free(int fd, uint64_t *out_bytes, uint64_t *out_inodes)
{
	struct statfs info;
	int r = fault_hit("fs_free");
	if (r == 0)
		r = SYS_RETRIED(fstatfs(fd, &info));
	if (r < 0)
		return r;
	*out_bytes = (uint64_t)info.f_bavail * (uint64_t)info.f_bsize;
	*out_inodes = info.f_files ? (uint64_t)info.f_ffree : UINT64_MAX;
	return 0;
}

ssize_t sys_read(int fd, void *data, size_t size)
{
	int fault = fault_hit("read");
	if (fault)
		return fault;
	ssize_t count;
	do
		count = read(fd, data, size);
	while (count < 0 && errno == EINTR);
	return count < 0 ? -errno : count;
}

ssize_t sys_write(int fd, const void *data, size_t size)
{
	int fault = fault_hit("write");
	if (fault)
		return fault;
	ssize_t count;
	do
		count = write(fd, data, size);
	while (count < 0 && errno == EINTR);
	return count < 0 ? -errno : count;
}

ssize_t sys_writev(int fd, const struct iovec *parts, int count)
{
	int fault = fault_hit("writev");
	if (fault)
		return fault;
	ssize_t written;
	do
		written = writev(fd, parts, count);
	while (written < 0 && errno == EINTR);
	return written < 0 ? -errno : written;
}

ssize_t sys_read_at(int fd, void *data, size_t size, uint64_t offset)
{
	int fault = fault_hit("read_at");
	if (fault)
		return fault;
	ssize_t count;
	do
		count = pread(fd, data, size, (off_t)offset);
	while (count < 0 && errno == EINTR);
	return count < 0 ? -errno : count;
}

ssize_t sys_write_at(int fd, const void *data, size_t size, uint64_t offset)
{
	int fault = fault_hit("write_at");
	if (fault)
		return fault;
	ssize_t count;
	do
		count = pwrite(fd, data, size, (off_t)offset);
	while (count < 0 && errno == EINTR);
	return count < 0 ? -errno : count;
}

ssize_t sys_get_xattr(int fd, const char *name, void *out, size_t room)
{
	int fault = fault_hit("fgetxattr");
	return fault ? fault : sys_result(fgetxattr(fd, name, out, room));
}

ssize_t sys_list_xattr(int fd, char *out, size_t room)
{
	int fault = fault_hit("flistxattr");
	return fault ? fault : sys_result(flistxattr(fd, out, room));
}

int sys_set_xattr(int fd, const char *name, const void *value, size_t size)
{
	int fault = fault_hit("set_xattr");
	return fault ? fault : sys_result(fsetxattr(fd, name, value, size, 0));
}

int sys_set_times_at(int dirfd, const char *path, const struct timespec times[2], int flags)
{
	int fault = fault_hit("set_times_at");
	return fault ? fault : sys_result(utimensat(dirfd, path, times, flags));
}

int sys_read_dir(int fd, void *data, size_t size)
{
	int fault = fault_hit("read_dir");
	return fault ? fault : sys_result(syscall(SYS_getdents64, fd, data, size));
}

int sys_pipe(int out_fds[2])
{
	int fault = fault_hit("pipe");
	return fault ? fault : sys_result(pipe2(out_fds, O_CLOEXEC));
}

int sys_fcntl(int fd, int command, long argument)
{
	int fault = fault_hit("fcntl");
	/* Not the function of libc: musl's sets FD_CLOEXEC a second time. */
	return fault ? fault : SYS_RETRIED(syscall(SYS_fcntl, fd, command, argument));
}

int sys_ioctl(int fd, unsigned long request, void *argument)
{
	int fault = fault_hit("ioctl");
	return fault ? fault : SYS_RETRIED(syscall(SYS_ioctl, fd, request, argument));
}

int sys_ns_ioctl(int ns_fd, unsigned long request, void *argument)
{
	int fault = fault_hit("ns_ioctl");
	return fault ? fault : SYS_RETRIED(syscall(SYS_ioctl, ns_fd, request, argument));
}

int sys_poll(struct pollfd *fds, size_t count, int timeout_ms)
{
	int fault = fault_hit("poll");
	return fault ? fault : sys_result(poll(fds, count, timeout_ms));
}

int sys_flock(int fd, int operation)
{
	int fault = fault_hit("flock");
	return fault ? fault : SYS_RETRIED(flock(fd, operation));
}

int sys_eventfd(void)
{
	int fault = fault_hit("eventfd");
	return fault ? fault : sys_result(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
}

int sys_futex_wait(const uint32_t *word, uint32_t seen, unsigned timeout_ms)
{
	const struct timespec timeout = {timeout_ms / 1000, (long)(timeout_ms % 1000) * 1000000};
	return SYS_RETRIED(syscall(SYS_futex, word, FUTEX_WAIT, seen, &timeout, NULL, 0));
}

int sys_futex_wake(const uint32_t *word)
{
	return sys_result(syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0));
}

int sys_memfd_create(const char *name, unsigned flags)
{
	int fault = fault_hit("memfd_create");
	return fault ? fault : sys_result(syscall(SYS_memfd_create, name, flags | MFD_CLOEXEC));
}

int sys_chroot(const char *path)
{
	int fault = fault_hit("chroot");
	return fault ? fault : sys_result(chroot(path));
}

int sys_chdir(const char *path)
{
	int fault = fault_hit("chdir");
	return fault ? fault : sys_result(chdir(path));
}

int sys_fchdir(int fd)
{
	int fault = fault_hit("fchdir");
	return fault ? fault : sys_result(fchdir(fd));
}

int sys_getcwd(char *out, size_t size)
{
	int fault = fault_hit("getcwd");
	if (fault)
		return fault;
	int len = sys_result(syscall(SYS_getcwd, out, size));
	if (len < 0)
		return len == -ERANGE ? -ENAMETOOLONG : len;
	/* The path begins with "(unreachable)" when the directory is outside the root or its
	 * mount is detached. */
	return out[0] == '/' ? 0 : -ENOENT;
}
