/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes a process that waits in a system call make other calls, as an attacker could who had taken
 * it over, and prints the result of each: "NAME ERRNO", or "NAME done". The process cannot go on
 * afterwards. x86-64 only.
 *
 *	inject PID VICTIM-PID
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/mount.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef __x86_64__
#error "registers of x86-64"
#endif

static struct user_regs_struct at_rest;
static pid_t pid;
static unsigned long long victim;

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

/* Below the red zone of the stack. */
static unsigned long long text_put(const char *text)
{
	unsigned long long place = (at_rest.rsp - 512) & ~15ULL;
	size_t len = strlen(text) + 1;
	for (size_t i = 0; i < len; i += sizeof(long)) {
		long word = 0;
		memcpy(&word, text + i, len - i < sizeof(long) ? len - i : sizeof(long));
		if (ptrace(PTRACE_POKEDATA, pid, place + i, word) < 0)
			fail("write into the process");
	}
	return place;
}

struct row {
	const char *name;
	long number;
	const char *text; /* the argument at which it stands is TEXT */
	unsigned long long arguments[6];
};

enum { TEXT = 0x7e577e57, VICTIM = 0x71c71c71 };

static long call(const struct row *row)
{
	struct user_regs_struct regs = at_rest;
	unsigned long long a[6];
	int status;
	for (int i = 0; i < 6; i++) {
		a[i] = row->arguments[i];
		if (a[i] == TEXT)
			a[i] = text_put(row->text);
		else if (a[i] == VICTIM)
			a[i] = victim;
	}
	/* The instruction before this place is the one that brought it into the kernel. */
	regs.rip -= 2;
	regs.orig_rax = (unsigned long long)-1;
	regs.rax = (unsigned long long)row->number;
	regs.rdi = a[0];
	regs.rsi = a[1];
	regs.rdx = a[2];
	regs.r10 = a[3];
	regs.r8 = a[4];
	regs.r9 = a[5];
	if (ptrace(PTRACE_SETREGS, pid, NULL, &regs) < 0 ||
		ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL) < 0)
		fail("step");
	if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status)) {
		printf("%s ended the process\n", row->name);
		exit(1);
	}
	if (ptrace(PTRACE_GETREGS, pid, NULL, &regs) < 0)
		fail("read registers");
	return (long)regs.rax;
}

static const struct row rows[] = {
	/* What it may do: if these fail, the others say nothing. */
	{"own:getpid", SYS_getpid, NULL, {0}},
	{"own:layers", SYS_mkdirat, "/store/layers/injected", {(unsigned)AT_FDCWD, TEXT, 0700}},
	/* Other processes. */
	{"kill", SYS_kill, NULL, {VICTIM, 0}},
	{"kill:all", SYS_kill, NULL, {(unsigned long long)-1, 0}},
	{"tkill", SYS_tkill, NULL, {VICTIM, 0}},
	{"tgkill", SYS_tgkill, NULL, {VICTIM, VICTIM, 0}},
	{"rt_sigqueueinfo", SYS_rt_sigqueueinfo, NULL, {VICTIM, 0, 0}},
	{"pidfd_open", SYS_pidfd_open, NULL, {VICTIM, 0}},
	{"pidfd_send_signal", SYS_pidfd_send_signal, NULL, {3, 0, 0, 0}},
	{"ptrace", SYS_ptrace, NULL, {PTRACE_SEIZE, VICTIM, 0, 0}},
	{"process_vm_readv", SYS_process_vm_readv, NULL, {VICTIM, 0, 0, 0, 0, 0}},
	{"process_vm_writev", SYS_process_vm_writev, NULL, {VICTIM, 0, 0, 0, 0, 0}},
	{"kcmp", SYS_kcmp, NULL, {VICTIM, VICTIM, 0, 0, 0}},
	{"setpriority", SYS_setpriority, NULL, {PRIO_PROCESS, VICTIM, 5}},
	{"prlimit64", SYS_prlimit64, "................", {0, RLIMIT_NOFILE, TEXT, 0}},
	/* New processes and programs. */
	{"fork", SYS_fork, NULL, {0}},
	{"vfork", SYS_vfork, NULL, {0}},
	{"clone", SYS_clone, NULL, {SIGCHLD, 0, 0, 0, 0}},
	{"clone:user", SYS_clone, NULL, {CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0}},
	{"clone3", SYS_clone3, NULL, {0, 0}},
	{"execve", SYS_execve, "/store/layers", {TEXT, 0, 0}},
	{"execveat", SYS_execveat, "", {4, TEXT, 0, 0, AT_EMPTY_PATH}},
	{"memfd_create", SYS_memfd_create, "x", {TEXT, 0}},
	/* Namespaces, mounts, the root. */
	{"unshare", SYS_unshare, NULL, {CLONE_NEWUSER}},
	{"setns", SYS_setns, NULL, {4, 0}},
	{"mount", SYS_mount, "/", {TEXT, TEXT, 0, 4096, 0}},
	{"umount2", SYS_umount2, "/store/layers", {TEXT, 2}},
	{"pivot_root", SYS_pivot_root, "/", {TEXT, TEXT}},
	{"chroot", SYS_chroot, "/store", {TEXT}},
	{"open_tree", SYS_open_tree, "/", {(unsigned)AT_FDCWD, TEXT, 1}},
	{"move_mount", SYS_move_mount, "", {4, TEXT, 4, TEXT, 4}},
	{"fsopen", SYS_fsopen, "tmpfs", {TEXT, 0}},
	{"mount_setattr", SYS_mount_setattr, "/", {(unsigned)AT_FDCWD, TEXT, 0, 0, 0}},
	{"open_by_handle_at", SYS_open_by_handle_at, NULL, {4, 0, 0}},
	{"name_to_handle_at", SYS_name_to_handle_at, "/", {(unsigned)AT_FDCWD, TEXT, 0, 0, 0}},
	/* Sockets that reach further than its work. */
	{"socket:unix", SYS_socket, NULL, {AF_UNIX, SOCK_STREAM, 0}},
	{"socket:netlink", SYS_socket, NULL, {AF_NETLINK, SOCK_RAW, 0}},
	{"socket:packet", SYS_socket, NULL, {AF_PACKET, SOCK_RAW, 0}},
	{"socket:vsock", SYS_socket, NULL, {AF_VSOCK, SOCK_STREAM, 0}},
	{"bind", SYS_bind, NULL, {5, 0, 0}},
	{"listen", SYS_listen, NULL, {5, 1}},
	{"accept", SYS_accept, NULL, {5, 0, 0}},
	/* Large interfaces of the kernel. */
	{"bpf", SYS_bpf, NULL, {0, 0, 0}},
	{"perf_event_open", SYS_perf_event_open, NULL, {0, 0, 0, 0, 0}},
	{"io_uring_setup", SYS_io_uring_setup, NULL, {1, 0}},
	{"userfaultfd", SYS_userfaultfd, NULL, {1}},
	{"add_key", SYS_add_key, "user", {TEXT, TEXT, 0, 0, 0}},
	{"keyctl", SYS_keyctl, NULL, {0, 0, 0, 0, 0}},
	{"init_module", SYS_init_module, "", {0, 0, TEXT}},
	{"finit_module", SYS_finit_module, "", {4, TEXT, 0}},
	{"kexec_load", SYS_kexec_load, NULL, {0, 0, 0, 0}},
	{"reboot", SYS_reboot, NULL, {0, 0, 0, 0}},
	{"syslog", SYS_syslog, NULL, {3, 0, 0}},
	{"quotactl", SYS_quotactl, NULL, {0, 0, 0, 0}},
	{"swapon", SYS_swapon, "/store/layers", {TEXT, 0}},
	{"acct", SYS_acct, NULL, {0}},
	{"fanotify_init", SYS_fanotify_init, NULL, {0, 0}},
	{"inotify_init1", SYS_inotify_init1, NULL, {0}},
	{"sethostname", SYS_sethostname, "x", {TEXT, 1}},
	{"settimeofday", SYS_settimeofday, NULL, {0, 0}},
	{"iopl", SYS_iopl, NULL, {3}},
	{"personality", SYS_personality, NULL, {0xffffffff}},
	{"shmget", SYS_shmget, NULL, {0, 4096, 01600}},
	{"mq_open", SYS_mq_open, "x", {TEXT, O_CREAT | O_RDWR, 0600, 0}},
	/* Its own walls. */
	{"setuid", SYS_setuid, NULL, {0}},
	{"setgroups", SYS_setgroups, NULL, {0, 0}},
	{"capset", SYS_capset, NULL, {0, 0}},
	{"prctl", SYS_prctl, NULL, {4, 1, 0, 0, 0}},
	{"seccomp", SYS_seccomp, NULL, {0, 0, 0}},
	{"setrlimit", SYS_setrlimit, NULL, {RLIMIT_NOFILE, 0}},
	/* Files that are not its own. */
	{"file:passwd", SYS_openat, "/etc/passwd", {(unsigned)AT_FDCWD, TEXT, O_RDONLY}},
	{"file:proc", SYS_openat, "/proc/1/mem", {(unsigned)AT_FDCWD, TEXT, O_RDWR}},
	{"file:up", SYS_openat, "/store/layers/../../../etc/passwd",
		{(unsigned)AT_FDCWD, TEXT, O_RDONLY}},
	{"file:containers", SYS_openat, "/store/containers", {(unsigned)AT_FDCWD, TEXT, O_RDONLY}},
	{"file:names", SYS_openat, "/store/layers/../names", {(unsigned)AT_FDCWD, TEXT, O_RDONLY}},
	{"file:above", SYS_mkdirat, "/store/new", {(unsigned)AT_FDCWD, TEXT, 0700}},
	{"file:root", SYS_mkdirat, "/new", {(unsigned)AT_FDCWD, TEXT, 0700}},
	{"file:lock", SYS_unlinkat, "/store/images.lock", {(unsigned)AT_FDCWD, TEXT, 0}},
	{"file:block", SYS_mknodat, "/store/layers/injected/disk",
		{(unsigned)AT_FDCWD, TEXT, 0060600, 0x800}},
	{"file:disk", SYS_openat, "/store/layers/injected/disk",
		{(unsigned)AT_FDCWD, TEXT, O_RDWR}},
	/* A device that every machine has. */
	{"file:char", SYS_mknodat, "/store/layers/injected/null",
		{(unsigned)AT_FDCWD, TEXT, 0020600, 0x103}},
	{"file:null", SYS_openat, "/store/layers/injected/null",
		{(unsigned)AT_FDCWD, TEXT, O_RDWR}},
};

int main(int argc, char **argv)
{
	int status;
	if (argc != 3)
		return 2;
	pid = (pid_t)strtol(argv[1], NULL, 10);
	victim = (unsigned long long)strtol(argv[2], NULL, 10);
	if (ptrace(PTRACE_SEIZE, pid, NULL, PTRACE_O_EXITKILL) < 0)
		fail("seize");
	if (ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) < 0 || waitpid(pid, &status, 0) != pid)
		fail("interrupt");
	if (ptrace(PTRACE_GETREGS, pid, NULL, &at_rest) < 0)
		fail("read registers");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		long r = call(&rows[i]);
		if (r < 0)
			printf("%s %s\n", rows[i].name, strerrorname_np((int)-r));
		else
			printf("%s done\n", rows[i].name);
	}
	return 0;
}
