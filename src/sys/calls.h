/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * System calls as functions that return >= 0 or -errno; EINTR is retried where a retry is right.
 * Silent. The newer calls always use syscall(2), so that they work alike with every libc, old or
 * new. Minimum kernels are in brackets. A wrapper with a fallback for older kernels says so,
 * learns once whether it needs the fallback, and is the only code that knows.
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
/* [5.6] Retries -EAGAIN, from a racing rename, at most 128 times. The fallback is in path.h. */
int sys_openat2(int dirfd, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve);
int sys_mkdir_at(int dirfd, const char *path, mode_t mode);
int sys_mknod_at(int dirfd, const char *path, mode_t mode, dev_t device);
int sys_symlink_at(const char *target, int dirfd, const char *path);
int sys_link_at(int from_dirfd, const char *from, int to_dirfd, const char *to, int flags);
int sys_unlink_at(int dirfd, const char *path, int flags);
int sys_rename_at(int from_dirfd, const char *from, int to_dirfd, const char *to, unsigned flags);
/* Returns the length; -ENAMETOOLONG when the target does not fit (out is always terminated). */
int sys_readlink_at(int dirfd, const char *path, char *out, size_t size);
int sys_stat_at(int dirfd, const char *path, int flags, struct stat *out);
int sys_stat_fd(int fd, struct stat *out);
/* stx_mnt_id exists from 5.8 on; stx_mask says whether it is set. */
int sys_statx(int dirfd, const char *path, int flags, unsigned mask, struct statx *out);
int sys_chown_at(int dirfd, const char *path, uid_t uid, gid_t gid, int flags);
int sys_chmod_fd(int fd, mode_t mode);
int sys_chmod_at(int dirfd, const char *path, mode_t mode); /* follows symlinks */
int sys_access_at(int dirfd, const char *path, int mode, int flags);
int sys_truncate_fd(int fd, uint64_t size);
int sys_seek_start(int fd); /* to the beginning of the file */
int sys_fsync(int fd);
int sys_syncfs(int fd);
int sys_fs_magic(int fd, uint64_t *out_magic); /* the f_type of statfs(2) */
/* Free bytes and inodes for the caller; UINT64_MAX inodes: the file system does not count them. */
int sys_fs_free(int fd, uint64_t *out_bytes, uint64_t *out_inodes);
ssize_t sys_read(int fd, void *data, size_t size);
ssize_t sys_write(int fd, const void *data, size_t size);
ssize_t sys_read_at(int fd, void *data, size_t size, uint64_t offset);
ssize_t sys_write_at(int fd, const void *data, size_t size, uint64_t offset);
int sys_set_xattr(int fd, const char *name, const void *value, size_t size);
ssize_t sys_get_xattr(int fd, const char *name, void *out, size_t room); /* -ERANGE: it is longer */
ssize_t sys_list_xattr(int fd, char *out, size_t room);
/* Access and modification time, as utimensat(2). */
int sys_set_times_at(int dirfd, const char *path, const struct timespec times[2], int flags);
struct iovec;
ssize_t sys_writev(int fd, const struct iovec *parts, int count);
int sys_read_dir(int fd, void *data, size_t size); /* bytes of struct dir_row, 0 at the end */
int sys_pipe(int out_fds[2]);
int sys_fcntl(int fd, int command, long argument);
int sys_ioctl(int fd, unsigned long request, void *argument);
/* Does not retry -EINTR: only the caller knows how much of the time is left. */
int sys_poll(struct pollfd *fds, size_t count, int timeout_ms);
int sys_flock(int fd, int operation);
int sys_eventfd(void); /* a counter from 0; close-on-exec, nonblocking */
int sys_memfd_create(const char *name, unsigned flags);
/* In shared memory. Waits while *word is `seen`; -ETIMEDOUT; -EAGAIN: *word has another value. */
int sys_futex_wait(const uint32_t *word, uint32_t seen, unsigned timeout_ms);
int sys_futex_wake(const uint32_t *word); /* wakes all processes that wait */

/* Mounts [5.2 unless noted]. */
int sys_open_tree(int dirfd, const char *path, unsigned flags);
int sys_move_mount(int from_fd, const char *from, int to_fd, const char *to, unsigned flags);
int sys_fsopen(const char *fstype, unsigned flags);
int sys_fspick(int dirfd, const char *path, unsigned flags);
int sys_fsconfig(int fs_fd, unsigned command, const char *key, const void *value, int aux);
int sys_fsmount(int fs_fd, unsigned flags, unsigned attributes);
/* [5.12] Only this call sets read-only and the like atomically. Without it callers report
 * -ENOSYS, they do not remount. */
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
/* [5.3] Like fork(2) with these flags; the child returns 0 on a copy of the caller's stack (no
 * CLONE_VM). The comment in calls_process.c says what the child may do. */
int sys_clone3(struct clone_args *args);
/* fork(2) with the child's pidfd [5.2] and further CLONE_ flags, by clone(2). A seccomp profile
 * can check the flags of clone(2), and so may allow it where it hides clone3. */
int sys_fork(int flags, int *out_pidfd);
int sys_unshare(int flags);
/* `fd` is a namespace fd, or a pidfd with several CLONE_NEW flags [5.8]. */
int sys_setns(int fd, int nstype);
/* How the calling process runs. The struct is in linux/sched/types.h. A mask has `size_bytes`
 * bytes; `bits` is one more than the number of bits of a mask of memory nodes. */
struct sched_attr;
int sys_sched_setattr(const struct sched_attr *attr);
int sys_sched_setaffinity(const uint64_t *mask, size_t size_bytes);
int sys_ioprio_set(int value);
int sys_set_mempolicy(int mode, const uint64_t *mask, size_t bits);
int sys_personality(unsigned value);
int sys_pidfd_open(pid_t pid, unsigned flags);
int sys_pidfd_send_signal(int pidfd, int signal);
/* Waits for the child behind pidfd; `options` as for waitid(2). With WNOHANG and a child that
 * still runs, the result is 0 and si_pid in *out is 0. */
int sys_wait_pidfd(int pidfd, int options, siginfo_t *out);
/* [6.15] The status (as of wait(2)) of an ended process, also if another process has reaped it.
 * -ENODATA: it has not been reaped; -ENOTTY, -EINVAL: an older kernel. */
int sys_pidfd_exit_status(int pidfd, int *out_status);
/* As above without waiting, for any child, or thread of a child, that has stopped, or that is
 * traced by this process and has trapped. */
int sys_wait_stopped(siginfo_t *out);
/* Stops tracing a child or its thread, which goes on with this signal (0: none). */
int sys_ptrace_detach(pid_t pid, int signal);
int sys_close_range(unsigned first, unsigned last, unsigned flags);
int sys_sethostname(const char *name);
int sys_setdomainname(const char *name);
int sys_prctl(int option, unsigned long a2, unsigned long a3, unsigned long a4, unsigned long a5);
int sys_setsid(void);
int sys_setgroups(size_t count, const gid_t *gids);
int sys_getgroups(size_t room, gid_t *out);
int sys_setresuid(uid_t uid); /* this and the next: real, effective and saved at once */
int sys_setresgid(gid_t gid);
int sys_capset(const struct cap_header *header, const struct cap_data data[2]);
int sys_capget(struct cap_header *header, struct cap_data data[2]);
int sys_seccomp(unsigned operation, unsigned flags, void *argument);
/* Landlock [5.13]. Its version (-ENOSYS or -EOPNOTSUPP: no Landlock); a new ruleset, as an fd;
 * adds rights beneath a directory, or to a file; applies the ruleset to this process. */
int sys_landlock_version(void);
struct landlock_ruleset;
int sys_landlock_create(const struct landlock_ruleset *ruleset);
int sys_landlock_add_path(int ruleset_fd, uint64_t rights, int fd);
int sys_landlock_restrict(int ruleset_fd);
/* [5.5] Takes the oldest pending notification of a seccomp listener; its process goes on with the
 * call as if there were no filter. Waits if there is none. -ENOENT: that process has died
 * meanwhile. */
int sys_seccomp_continue(int listener);
/* bpf(2). `attr` must be zero behind what the command uses. Retries EAGAIN a few times. */
int sys_bpf(unsigned command, void *attr, size_t size);
int sys_setrlimit(int resource, uint64_t soft, uint64_t hard);
int sys_getrlimit(int resource, uint64_t *out_soft, uint64_t *out_hard);
int sys_keyctl_join_session(const char *name);
int sys_execve_at(int dirfd, const char *path, char *const argv[], char *const envp[], int flags);
/* ioctl(2) on a namespace fd: NS_GET_USERNS, NS_GET_PARENT, NS_GET_NSTYPE, NS_GET_OWNER_UID. */
int sys_ns_ioctl(int ns_fd, unsigned long request, void *argument);
