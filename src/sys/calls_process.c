/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System calls on processes, namespaces and credentials. The credential calls change only the
 * calling thread (libc would signal every thread): processes of husk that change credentials have
 * one thread.
 */
#include "sys/calls.h"
#include "sys/fault.h"
#include "sys/internal.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/keyctl.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * libc does not know about this child. In a program without threads the child may use whatever
 * needs no lock and no cached thread id: system calls, string functions, the stack, and also
 * malloc, whose locks no other thread can hold. It must not use pthread_*, raise(3), stdio of the
 * parent that aborts on a lock, or atexit handlers: it ends by execve or _exit. getpid(2) is not
 * cached (glibc >= 2.25, musl), but the thread id in glibc's TCB is the parent's. With CLONE_VM
 * the parent and the child would use the same stack, so that flag is refused.
 */
int sys_clone3(struct clone_args *args)
{
	int fault = fault_hit("clone3");
	if (fault)
		return fault;
	if (args->flags & (CLONE_VM | CLONE_SETTLS) || args->stack)
		return -EINVAL;
	return sys_result(syscall(SYS_clone3, args, sizeof(*args)));
}

int sys_fork(int flags, int *out_pidfd)
{
	int fault = fault_hit("fork");
	return fault
		? fault
		: sys_result(syscall(SYS_clone, flags | CLONE_PIDFD | SIGCHLD, 0, out_pidfd, 0, 0));
}

int sys_unshare(int flags)
{
	int fault = fault_hit("unshare");
	return fault ? fault : sys_result(syscall(SYS_unshare, flags));
}

int sys_setns(int fd, int nstype)
{
	int fault = fault_hit("setns");
	return fault ? fault : sys_result(syscall(SYS_setns, fd, nstype));
}

int sys_sched_setattr(const struct sched_attr *attr)
{
	int fault = fault_hit("sched_setattr");
	return fault ? fault : sys_result(syscall(SYS_sched_setattr, 0, attr, 0));
}

int sys_sched_setaffinity(const uint64_t *mask, size_t size_bytes)
{
	int fault = fault_hit("sched_setaffinity");
	return fault ? fault : sys_result(syscall(SYS_sched_setaffinity, 0, size_bytes, mask));
}

int sys_ioprio_set(int value)
{
	enum { WHO_PROCESS = 1 };
	int fault = fault_hit("ioprio_set");
	return fault ? fault : sys_result(syscall(SYS_ioprio_set, WHO_PROCESS, 0, value));
}

int sys_set_mempolicy(int mode, const uint64_t *mask, size_t bits)
{
	int fault = fault_hit("set_mempolicy");
	return fault ? fault : sys_result(syscall(SYS_set_mempolicy, mode, mask, bits));
}

int sys_personality(unsigned value)
{
	int fault = fault_hit("personality");
	return fault ? fault : sys_result(syscall(SYS_personality, value));
}

int sys_pidfd_open(pid_t pid, unsigned flags)
{
	int fault = fault_hit("pidfd_open");
	/* The fd is always close-on-exec. */
	return fault ? fault : sys_result(syscall(SYS_pidfd_open, pid, flags));
}

int sys_pidfd_send_signal(int pidfd, int signal)
{
	int fault = fault_hit("pidfd_send_signal");
	return fault ? fault : sys_result(syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0));
}

int sys_wait_pidfd(int pidfd, int options, siginfo_t *out)
{
	int r = fault_hit("wait_pidfd");
	if (r)
		return r;
	siginfo_t info;
	do {
		/* The kernel does not write to info when nothing has ended. */
		memset(&info, 0, sizeof(info));
		r = sys_result(waitid(P_PIDFD, (id_t)pidfd, &info, options));
	} while (r == -EINTR);
	if (r == 0)
		*out = info;
	return r;
}

int sys_pidfd_exit_status(int pidfd, int *out_status)
{
	int r = fault_hit("pidfd_exit_status");
	if (r)
		return r;
	struct pidfd_facts facts = {.mask = PIDFD_FACTS_EXIT};
	r = sys_result(ioctl(pidfd, PIDFD_GET_FACTS, &facts));
	if (r < 0)
		return r == -ESRCH ? -ENODATA : r;
	if (!(facts.mask & PIDFD_FACTS_EXIT))
		return -ENODATA;
	*out_status = facts.exit_status;
	return 0;
}

int sys_wait_stopped(siginfo_t *out)
{
	int r = fault_hit("wait_stopped");
	if (r)
		return r;
	siginfo_t info = {0};
	r = sys_result(waitid(P_ALL, 0, &info, WSTOPPED | WNOHANG | __WALL));
	if (r == 0)
		*out = info;
	return r;
}

int sys_ptrace_detach(pid_t pid, int signal)
{
	int fault = fault_hit("ptrace");
	return fault ? fault : sys_result(syscall(SYS_ptrace, PTRACE_DETACH, pid, NULL, signal));
}

int sys_close_range(unsigned first, unsigned last, unsigned flags)
{
	int fault = fault_hit("close_range");
	return fault ? fault : sys_result(syscall(SYS_close_range, first, last, flags));
}

int sys_sethostname(const char *name)
{
	int fault = fault_hit("sethostname");
	return fault ? fault : sys_result(syscall(SYS_sethostname, name, strlen(name)));
}

int sys_setdomainname(const char *name)
{
	int fault = fault_hit("setdomainname");
	return fault ? fault : sys_result(syscall(SYS_setdomainname, name, strlen(name)));
}

int sys_prctl(int option, unsigned long a2, unsigned long a3, unsigned long a4, unsigned long a5)
{
	int fault = fault_hit("prctl");
	return fault ? fault : sys_result(prctl(option, a2, a3, a4, a5));
}

int sys_setsid(void)
{
	int fault = fault_hit("setsid");
	return fault ? fault : sys_result(setsid());
}

int sys_setgroups(size_t count, const gid_t *gids)
{
	int fault = fault_hit("setgroups");
	return fault ? fault : sys_result(syscall(SYS_setgroups, count, gids));
}

int sys_getgroups(size_t room, gid_t *out)
{
	int fault = fault_hit("getgroups");
	return fault ? fault : sys_result(syscall(SYS_getgroups, room, out));
}

int sys_setresuid(uid_t uid)
{
	int fault = fault_hit("setresuid");
	return fault ? fault : sys_result(syscall(SYS_setresuid, uid, uid, uid));
}

int sys_setresgid(gid_t gid)
{
	int fault = fault_hit("setresgid");
	return fault ? fault : sys_result(syscall(SYS_setresgid, gid, gid, gid));
}

int sys_capset(const struct cap_header *header, const struct cap_data data[2])
{
	int fault = fault_hit("capset");
	return fault ? fault : sys_result(syscall(SYS_capset, header, data));
}

int sys_capget(struct cap_header *header, struct cap_data data[2])
{
	int fault = fault_hit("capget");
	return fault ? fault : sys_result(syscall(SYS_capget, header, data));
}

int sys_seccomp(unsigned operation, unsigned flags, void *argument)
{
	int fault = fault_hit("seccomp");
	return fault ? fault : sys_result(syscall(SYS_seccomp, operation, flags, argument));
}

int sys_landlock_version(void)
{
	int fault = fault_hit("landlock_create_ruleset");
	return fault ? fault
		     : sys_result(syscall(SYS_landlock_create_ruleset, NULL, 0,
			       LANDLOCK_CREATE_RULESET_VERSION));
}

int sys_landlock_create(const struct landlock_ruleset *ruleset)
{
	int fault = fault_hit("landlock_create_ruleset");
	return fault
		? fault
		: sys_result(syscall(SYS_landlock_create_ruleset, ruleset, sizeof(*ruleset), 0));
}

int sys_landlock_add_path(int ruleset_fd, uint64_t rights, int fd)
{
	int fault = fault_hit("landlock_add_rule");
	const struct landlock_path_beneath_attr rule = {.allowed_access = rights, .parent_fd = fd};
	return fault ? fault
		     : sys_result(syscall(SYS_landlock_add_rule, ruleset_fd,
			       LANDLOCK_RULE_PATH_BENEATH, &rule, 0));
}

int sys_landlock_restrict(int ruleset_fd)
{
	int fault = fault_hit("landlock_restrict_self");
	return fault ? fault : sys_result(syscall(SYS_landlock_restrict_self, ruleset_fd, 0));
}

int sys_seccomp_continue(int listener)
{
	struct seccomp_notif notification = {0};
	int r = fault_hit("ioctl");
	if (r == 0)
		r = SYS_RETRIED(ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &notification));
	if (r < 0)
		return r;
	struct seccomp_notif_resp answer = {
		.id = notification.id, .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE};
	return SYS_RETRIED(ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer));
}

int sys_bpf(unsigned command, void *attr, size_t size)
{
	int r = fault_hit("bpf");
	if (r)
		return r;
	/* The verifier gives up with EAGAIN when a signal is pending. libbpf retries the same
	 * number of times. */
	r = -EAGAIN;
	for (int i = 0; i < 5 && r == -EAGAIN; i++)
		r = sys_result(syscall(SYS_bpf, command, attr, size));
	return r;
}

int sys_setrlimit(int resource, uint64_t soft, uint64_t hard)
{
	int fault = fault_hit("setrlimit");
	if (fault)
		return fault;
	/* The kernel's struct rlimit64. RLIM_INFINITY has all bits set in it, and in the
	 * arguments. */
	uint64_t limit[2] = {soft, hard};
	return sys_result(syscall(SYS_prlimit64, 0, resource, limit, NULL));
}

int sys_getrlimit(int resource, uint64_t *out_soft, uint64_t *out_hard)
{
	uint64_t limit[2] = {0, 0};
	int r = fault_hit("getrlimit");
	if (r == 0)
		r = sys_result(syscall(SYS_prlimit64, 0, resource, NULL, limit));
	if (r < 0)
		return r;
	*out_soft = limit[0];
	*out_hard = limit[1];
	return 0;
}

int sys_keyctl_join_session(const char *name)
{
	int fault = fault_hit("keyctl_join_session");
	return fault ? fault : sys_result(syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, name));
}

int sys_execve_at(int dirfd, const char *path, char *const argv[], char *const envp[], int flags)
{
	int fault = fault_hit("execve_at");
	if (fault)
		return fault;
	return sys_result(dirfd == AT_FDCWD && flags == 0
			? syscall(SYS_execve, path, argv, envp)
			: syscall(SYS_execveat, dirfd, path, argv, envp, flags));
}
