/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * System calls as functions that return >= 0 or -errno, EINTR retried where a retry is right. Silent. The newer ones
 * always use syscall(2), so every libc and its age behaves alike; minimum kernels are in brackets. A wrapper that has
 * a fallback for older kernels says so, learns it once, and is the only place that knows.
 */
#include "sys/uapi.h"

#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

struct pollfd;

/* Files. Paths are relative to dirfd; flags get O_CLOEXEC added. */
int sys_open_at(int dirfd, const char *path, int flags, mode_t mode);
/* [5.6] openat2; -EAGAIN from a racing rename is retried, at most 128 times. The fallback is in path.h. */
int sys_openat2(int dirfd, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve);
int sys_mkdir_at(int dirfd, const char *path, mode_t mode);
int sys_mknod_at(int dirfd, const char *path, mode_t mode, dev_t device);
int sys_symlink_at(const char *target, int dirfd, const char *path);
int sys_link_at(int from_dirfd, const char *from, int to_dirfd, const char *to, int flags);
int sys_unlink_at(int dirfd, const char *path, int flags);
int sys_rename_at(int from_dirfd, const char *from, int to_dirfd, const char *to, unsigned flags);
/* The length; -ENAMETOOLONG when the target does not fit (out is always terminated). */
int sys_readlink_at(int dirfd, const char *path, char *out, size_t size);
int sys_stat_at(int dirfd, const char *path, int flags, struct stat *out);
int sys_stat_fd(int fd, struct stat *out);
/* stx_mnt_id is there from 5.8 on, when stx_mask says so. */
int sys_statx(int dirfd, const char *path, int flags, unsigned mask, struct statx *out);
int sys_chown_at(int dirfd, const char *path, uid_t uid, gid_t gid, int flags);
int sys_chmod_fd(int fd, mode_t mode);
int sys_chmod_at(int dirfd, const char *path, mode_t mode); /* follows symlinks */
int sys_access_at(int dirfd, const char *path, int mode, int flags);
int sys_truncate_fd(int fd, uint64_t size);
int sys_seek_start(int fd); /* to the begin of the file */
int sys_fsync(int fd);
int sys_syncfs(int fd);
/* The f_type of statfs(2). */
int sys_fs_magic(int fd, uint64_t *out_magic);
/* Free bytes and inodes for the caller; UINT64_MAX inodes where the file system does not count them. */
int sys_fs_free(int fd, uint64_t *out_bytes, uint64_t *out_inodes);
ssize_t sys_read(int fd, void *data, size_t size);
ssize_t sys_write(int fd, const void *data, size_t size);
ssize_t sys_read_at(int fd, void *data, size_t size, uint64_t offset);
ssize_t sys_write_at(int fd, const void *data, size_t size, uint64_t offset);
int sys_set_xattr(int fd, const char *name, const void *value, size_t size);
ssize_t sys_get_xattr(int fd, const char *name, void *out, size_t room); /* -ERANGE: too long */
ssize_t sys_list_xattr(int fd, char *out, size_t room);
/* Access and modification time, as utimensat(2). */
int sys_set_times_at(int dirfd, const char *path, const struct timespec times[2], int flags);
struct iovec;
ssize_t sys_writev(int fd, const struct iovec *parts, int count);
/* getdents64(2): bytes of struct dir_row, 0 at the end. */
int sys_read_dir(int fd, void *data, size_t size);
int sys_pipe(int out_fds[2]);
int sys_fcntl(int fd, int command, long argument);
int sys_ioctl(int fd, unsigned long request, void *argument);
/* -EINTR is the caller's, who knows how much of the time is left. */
int sys_poll(struct pollfd *fds, size_t count, int timeout_ms);
int sys_flock(int fd, int operation);
/* A counter that starts at 0, close-on-exec and without waiting. */
int sys_eventfd(void);
int sys_memfd_create(const char *name, unsigned flags);
/* In memory that processes share. Waits while *word is `seen`, at most timeout_ms: -ETIMEDOUT; -EAGAIN: it is not. */
int sys_futex_wait(const uint32_t *word, uint32_t seen, unsigned timeout_ms);
/* Wakes all who wait. */
int sys_futex_wake(const uint32_t *word);

/* Mounts [5.2 unless noted]. */
int sys_open_tree(int dirfd, const char *path, unsigned flags);
int sys_move_mount(int from_fd, const char *from, int to_fd, const char *to, unsigned flags);
int sys_fsopen(const char *fstype, unsigned flags);
int sys_fspick(int dirfd, const char *path, unsigned flags);
int sys_fsconfig(int fs_fd, unsigned command, const char *key, const void *value, int aux);
int sys_fsmount(int fs_fd, unsigned flags, unsigned attributes);
/* [5.12] Without it read-only and the like cannot be set atomically: callers report -ENOSYS, they do not remount. */
int sys_mount_setattr(int dirfd, const char *path, unsigned flags, const struct mount_attr *attr);
int sys_mount(const char *source, const char *target, const char *fstype, unsigned long flags,
	const char *data);
int sys_umount(const char *target, int flags);
int sys_pivot_root(const char *new_root, const char *put_old);
int sys_chroot(const char *path);
int sys_chdir(const char *path);
int sys_fchdir(int fd);
int sys_getcwd(char *out, size_t size);

/* Processes and namespaces. */
/* [5.3] As fork(2) with these flags; the child returns 0 on a copy of the caller's stack (no CLONE_VM). What the
 * child may do is written at the function. */
int sys_clone3(struct clone_args *args);
/* fork(2) with the child's pidfd [5.2] and further CLONE_ flags, by clone(2): seccomp profiles can look into that and so
 * allow it where they hide clone3. */
int sys_fork(int flags, int *out_pidfd);
int sys_unshare(int flags);
/* By namespace fd, or by pidfd with several CLONE_NEW flags [5.8]. */
int sys_setns(int fd, int nstype);
/* How the calling process runs. The struct is linux/sched/types.h's; a mask has `size_bytes` bytes, `bits` counts those of a
 * mask of memory nodes and one more. */
struct sched_attr;
int sys_sched_setattr(const struct sched_attr *attr);
int sys_sched_setaffinity(const uint64_t *mask, size_t size_bytes);
int sys_ioprio_set(int value);
int sys_set_mempolicy(int mode, const uint64_t *mask, size_t bits);
int sys_personality(unsigned value);
int sys_pidfd_open(pid_t pid, unsigned flags);
int sys_pidfd_send_signal(int pidfd, int signal);
/* Waits for the child behind pidfd. `options` as waitid(2); 0 with si_pid 0 in *out when WNOHANG and still running. */
int sys_wait_pidfd(int pidfd, int options, siginfo_t *out);
/* The status (as of wait(2)) that a process had ended with, though another process has reaped it [6.15]. -ENODATA: it has not been reaped;
 * -ENOTTY, -EINVAL: an older kernel. */
int sys_pidfd_exit_status(int pidfd, int *out_status);
/* Any child, or thread of one, that has stopped or is traced by this process and has trapped: as above, without waiting. */
int sys_wait_stopped(siginfo_t *out);
/* Traces a child or its thread no more, which goes on with this signal (0: none). */
int sys_ptrace_detach(pid_t pid, int signal);
int sys_close_range(unsigned first, unsigned last, unsigned flags);
int sys_sethostname(const char *name);
int sys_setdomainname(const char *name);
int sys_prctl(int option, unsigned long a2, unsigned long a3, unsigned long a4, unsigned long a5);
int sys_setsid(void);
int sys_setgroups(size_t count, const gid_t *gids);
int sys_getgroups(size_t room, gid_t *out);
/* Real, effective and saved at once. */
int sys_setresuid(uid_t uid);
int sys_setresgid(gid_t gid);
int sys_capset(const struct cap_header *header, const struct cap_data data[2]);
int sys_capget(struct cap_header *header, struct cap_data data[2]);
int sys_seccomp(unsigned operation, unsigned flags, void *argument);
/* Landlock [5.13]: the version of its interface, -ENOSYS or -EOPNOTSUPP without it; a ruleset, as an fd; rights beneath a
 * directory, or to a file; the ruleset for this process. */
int sys_landlock_version(void);
struct landlock_ruleset;
int sys_landlock_create(const struct landlock_ruleset *ruleset);
int sys_landlock_add_path(int ruleset_fd, uint64_t rights, int fd);
int sys_landlock_restrict(int ruleset_fd);
/* The oldest notification of a seccomp listener that nobody has taken: its process goes on with its call as if there were
 * no filter [5.5]. -ENOENT when that process has died meanwhile. Waits for one when there is none. */
int sys_seccomp_continue(int listener);
/* bpf(2); `attr` must be zero behind what the command uses. EAGAIN of a load is retried a few times. */
int sys_bpf(unsigned command, void *attr, size_t size);
int sys_setrlimit(int resource, uint64_t soft, uint64_t hard);
int sys_getrlimit(int resource, uint64_t *out_soft, uint64_t *out_hard);
int sys_keyctl_join_session(const char *name);
int sys_execve_at(int dirfd, const char *path, char *const argv[], char *const envp[], int flags);
/* ioctl(2) on a namespace fd: NS_GET_USERNS, NS_GET_PARENT, NS_GET_NSTYPE, NS_GET_OWNER_UID. */
int sys_ns_ioctl(int ns_fd, unsigned long request, void *argument);
