/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The default seccomp profile. Three classes: calls that ordinary programs need (allowed), calls
 * that need a capability or certain arguments, and calls that are known and refused with EPERM.
 * Everything else is newer than this table and "not implemented", so that a libc which tries it
 * first falls back. x32 has no rules at all, hence ENOSYS throughout.
 *
 * The i386 socketcall(2) is allowed as a whole: its arguments lie in memory, which a filter cannot
 * read, and 32-bit images need it. Refusing address families there is left to the security module.
 */
#include "sec/internal.h"

#include <errno.h>
#include <linux/capability.h>

#define CAP(name) (UINT64_C(1) << CAP_##name)
#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/* Both since 5.8. */
#ifndef CAP_BPF
#define CAP_PERFMON 38
#define CAP_BPF 39
#endif

const struct profile_group profile_groups[PROFILE_GROUP_COUNT] = {
	[GROUP_SYS_ADMIN] = {CAP(SYS_ADMIN), EPERM},
	[GROUP_SYS_ADMIN_HIDDEN] = {CAP(SYS_ADMIN), ENOSYS},
	[GROUP_BPF] = {CAP(SYS_ADMIN) | CAP(BPF), EPERM},
	[GROUP_PERFMON] = {CAP(SYS_ADMIN) | CAP(PERFMON), EPERM},
	[GROUP_SYSLOG] = {CAP(SYSLOG), EPERM},
	[GROUP_DAC_READ_SEARCH] = {CAP(DAC_READ_SEARCH), EPERM},
	[GROUP_SYS_BOOT] = {CAP(SYS_BOOT), EPERM},
	[GROUP_SYS_CHROOT] = {CAP(SYS_CHROOT), EPERM},
	[GROUP_SYS_MODULE] = {CAP(SYS_MODULE), EPERM},
	[GROUP_SYS_NICE] = {CAP(SYS_NICE), EPERM},
	[GROUP_SYS_PACCT] = {CAP(SYS_PACCT), EPERM},
	[GROUP_SYS_PTRACE] = {CAP(SYS_PTRACE), EPERM},
	[GROUP_SYS_RAWIO] = {CAP(SYS_RAWIO), EPERM},
	[GROUP_SYS_TIME] = {CAP(SYS_TIME), EPERM},
	[GROUP_SYS_TTY_CONFIG] = {CAP(SYS_TTY_CONFIG), EPERM},
};

#define ALLOWED \
	{ \
		PROFILE_ALLOW, 0 \
	}
#define REFUSED(code) \
	{ \
		PROFILE_ERRNO, (code) \
	}
#define NEEDS(group) \
	{ \
		PROFILE_GROUP, (group) \
	}
#define TESTED(test) \
	{ \
		PROFILE_TESTS, (test) \
	}
#define EQUAL(arg, value, verdict) \
	{ \
		(arg), UINT32_MAX, (value), .then = verdict \
	}

/* NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET. The flag of time namespaces is part
 * of clone's signal number and only clone3 and unshare know it. */
#define NAMESPACE_FLAGS 0x7e020000

static const struct profile_condition clone_conditions[] = {
	{0, NAMESPACE_FLAGS, 0, .then = ALLOWED},
};

/* Both push input into a terminal that the container shares with a shell outside. */
static const struct profile_condition ioctl_conditions[] = {
	EQUAL(1, 0x5412 /* TIOCSTI */, REFUSED(EPERM)),
	EQUAL(1, 0x541c /* TIOCLINUX */, REFUSED(EPERM)),
};

/* PER_LINUX, PER_LINUX32, UNAME26 with either, and the query. Others switch address
 * randomisation off or make the zero page mappable. */
static const struct profile_condition personality_conditions[] = {
	EQUAL(0, 0, ALLOWED),
	EQUAL(0, 0x8, ALLOWED),
	EQUAL(0, 0x20000, ALLOWED),
	EQUAL(0, 0x20008, ALLOWED),
	EQUAL(0, 0xffffffff, ALLOWED),
};

/* UNIX, INET, INET6, NETLINK except for the audit protocol, PACKET. */
static const struct profile_condition socket_conditions[] = {
	{0, UINT32_MAX, 16, true, 2, 9 /* NETLINK_AUDIT */, REFUSED(EINVAL)},
	EQUAL(0, 1, ALLOWED),
	EQUAL(0, 2, ALLOWED),
	EQUAL(0, 10, ALLOWED),
	EQUAL(0, 16, ALLOWED),
	EQUAL(0, 17, ALLOWED),
};

const struct profile_test profile_tests[PROFILE_TEST_COUNT] = {
	[PROFILE_TEST_CLONE] = {clone_conditions, LENGTH(clone_conditions), NEEDS(GROUP_SYS_ADMIN)},
	[PROFILE_TEST_IOCTL] = {ioctl_conditions, LENGTH(ioctl_conditions), ALLOWED},
	[PROFILE_TEST_PERSONALITY] = {personality_conditions, LENGTH(personality_conditions),
		REFUSED(EPERM)},
	[PROFILE_TEST_SOCKET] = {socket_conditions, LENGTH(socket_conditions),
		REFUSED(EAFNOSUPPORT)},
};

const struct profile_rule profile_rules[] = {
	/* Files. */
	{ALLOWED,
		"access chdir chmod chown chown32 close close_range copy_file_range creat dup dup2 "
		"dup3"},
	{ALLOWED,
		"faccessat faccessat2 fadvise64 fadvise64_64 fallocate fchdir fchmod fchmodat "
		"fchmodat2"},
	{ALLOWED, "fchown fchown32 fchownat fcntl fcntl64 fdatasync fgetxattr flistxattr flock"},
	{ALLOWED,
		"fremovexattr fsetxattr fstat fstat64 fstatat64 fstatfs fstatfs64 fsync ftruncate"},
	{ALLOWED,
		"ftruncate64 futimesat getcwd getdents getdents64 getxattr getxattrat lchown "
		"lchown32"},
	{ALLOWED,
		"lgetxattr link linkat listxattr listxattrat llistxattr lremovexattr lseek "
		"_llseek"},
	{ALLOWED,
		"lsetxattr lstat lstat64 mkdir mkdirat mknod mknodat name_to_handle_at newfstatat "
		"open"},
	{ALLOWED, "openat openat2 pread64 preadv preadv2 pwrite64 pwritev pwritev2 read readahead"},
	{ALLOWED,
		"readlink readlinkat readv removexattr removexattrat rename renameat renameat2 "
		"rmdir"},
	{ALLOWED,
		"sendfile sendfile64 setxattr setxattrat splice stat stat64 statfs statfs64 statx"},
	{ALLOWED, "symlink symlinkat sync sync_file_range arm_sync_file_range syncfs"},
	{ALLOWED,
		"tee truncate truncate64 umask unlink unlinkat utime utimensat utimensat_time64 "
		"utimes"},
	{ALLOWED, "write writev arm_fadvise64_64 listmount statmount cachestat"},
	/* Waiting for files. */
	{ALLOWED,
		"epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 "
		"epoll_wait"},
	{ALLOWED, "epoll_wait_old eventfd eventfd2 fanotify_mark inotify_add_watch inotify_init"},
	{ALLOWED, "inotify_init1 inotify_rm_watch io_cancel io_destroy io_getevents io_pgetevents"},
	{ALLOWED,
		"io_pgetevents_time64 io_setup io_submit _newselect pipe pipe2 poll ppoll "
		"ppoll_time64"},
	{ALLOWED, "pselect6 pselect6_time64 select signalfd signalfd4"},
	/* Memory. */
	{ALLOWED,
		"brk madvise map_shadow_stack membarrier memfd_create memfd_secret mincore mlock "
		"mlock2"},
	{ALLOWED,
		"mlockall mmap mmap2 mprotect mremap mseal msync munlock munlockall munmap "
		"pkey_alloc"},
	{ALLOWED, "pkey_free pkey_mprotect process_mrelease remap_file_pages"},
	/* Processes, threads, ids. */
	{ALLOWED,
		"capget capset execve execveat exit exit_group fork futex futex_requeue "
		"futex_time64"},
	{ALLOWED,
		"futex_wait futex_waitv futex_wake get_robust_list get_thread_area getcpu getegid"},
	{ALLOWED,
		"getegid32 geteuid geteuid32 getgid getgid32 getgroups getgroups32 getpgid getpgrp "
		"getpid"},
	{ALLOWED,
		"getppid getpriority getresgid getresgid32 getresuid getresuid32 getrlimit "
		"getrusage"},
	{ALLOWED, "getsid gettid getuid getuid32 ioprio_get ioprio_set kill nice pidfd_open"},
	{ALLOWED,
		"pidfd_send_signal prctl prlimit64 process_vm_readv process_vm_writev ptrace rseq"},
	{ALLOWED, "sched_get_priority_max sched_get_priority_min sched_getaffinity sched_getattr"},
	{ALLOWED,
		"sched_getparam sched_getscheduler sched_rr_get_interval "
		"sched_rr_get_interval_time64"},
	{ALLOWED, "sched_setaffinity sched_setattr sched_setparam sched_setscheduler sched_yield"},
	{ALLOWED,
		"set_robust_list set_thread_area set_tid_address setfsgid setfsgid32 setfsuid "
		"setfsuid32"},
	{ALLOWED,
		"setgid setgid32 setgroups setgroups32 setpgid setpriority setregid setregid32 "
		"setresgid"},
	{ALLOWED,
		"setresgid32 setresuid setresuid32 setreuid setreuid32 setrlimit setsid setuid "
		"setuid32"},
	{ALLOWED,
		"ugetrlimit vfork wait4 waitid waitpid arch_prctl modify_ldt breakpoint "
		"cacheflush"},
	{ALLOWED, "get_tls set_tls"},
	/* Signals. */
	{ALLOWED,
		"pause restart_syscall rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo"},
	{ALLOWED,
		"rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64 "
		"rt_tgsigqueueinfo"},
	{ALLOWED,
		"sigaction sigaltstack signal sigpending sigprocmask sigreturn sigsuspend tgkill "
		"tkill"},
	/* Time: reading it, and calls that check themselves whether they may change it. */
	{ALLOWED, "adjtimex alarm clock_adjtime clock_adjtime64 clock_getres clock_getres_time64"},
	{ALLOWED, "clock_gettime clock_gettime64 clock_nanosleep clock_nanosleep_time64 getitimer"},
	{ALLOWED,
		"gettimeofday nanosleep setitimer time timer_create timer_delete timer_getoverrun"},
	{ALLOWED, "timer_gettime timer_gettime64 timer_settime timer_settime64 timerfd_create"},
	{ALLOWED, "timerfd_gettime timerfd_gettime64 timerfd_settime timerfd_settime64 times"},
	/* Sockets and System V, POSIX IPC. */
	{ALLOWED,
		"accept accept4 bind connect getpeername getsockname getsockopt listen recv "
		"recvfrom"},
	{ALLOWED,
		"recvmmsg recvmmsg_time64 recvmsg send sendmmsg sendmsg sendto setsockopt "
		"shutdown"},
	{ALLOWED,
		"socketcall ipc mq_getsetattr mq_notify mq_open mq_timedreceive "
		"mq_timedreceive_time64"},
	{ALLOWED,
		"mq_timedsend mq_timedsend_time64 mq_unlink msgctl msgget msgrcv msgsnd semctl "
		"semget"},
	{ALLOWED, "semop semtimedop semtimedop_time64 shmat shmctl shmdt shmget"},
	/* A program confining itself, and questions about the system. uretprobe is what the
	 * kernel puts into a process that is being traced from outside: refusing it would kill
	 * the traced. */
	{ALLOWED,
		"landlock_add_rule landlock_create_ruleset landlock_restrict_self "
		"lsm_get_self_attr"},
	{ALLOWED, "lsm_list_modules seccomp getrandom sysinfo uname uprobe uretprobe"},

	{TESTED(PROFILE_TEST_CLONE), "clone"},
	{TESTED(PROFILE_TEST_IOCTL), "ioctl"},
	{TESTED(PROFILE_TEST_PERSONALITY), "personality"},
	{TESTED(PROFILE_TEST_SOCKET), "socket socketpair"},

	{NEEDS(GROUP_SYS_ADMIN),
		"fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie mount"},
	{NEEDS(GROUP_SYS_ADMIN),
		"mount_setattr move_mount open_tree open_tree_attr quotactl quotactl_fd"},
	{NEEDS(GROUP_SYS_ADMIN), "setdomainname sethostname setns umount umount2 unshare"},
	/* The flags of clone3 lie in memory. ENOSYS makes libc fall back to clone, whose flags can
	 * be tested. */
	{NEEDS(GROUP_SYS_ADMIN_HIDDEN), "clone3"},
	{NEEDS(GROUP_BPF), "bpf"},
	{NEEDS(GROUP_PERFMON), "perf_event_open"},
	{NEEDS(GROUP_SYSLOG), "syslog"},
	/* Opens any file of a file system by number, also outside of the container's root. */
	{NEEDS(GROUP_DAC_READ_SEARCH), "open_by_handle_at"},
	{NEEDS(GROUP_SYS_BOOT), "reboot"},
	{NEEDS(GROUP_SYS_CHROOT), "chroot"},
	{NEEDS(GROUP_SYS_MODULE), "delete_module finit_module init_module"},
	{NEEDS(GROUP_SYS_NICE), "get_mempolicy mbind set_mempolicy set_mempolicy_home_node"},
	{NEEDS(GROUP_SYS_PACCT), "acct"},
	{NEEDS(GROUP_SYS_PTRACE), "kcmp pidfd_getfd process_madvise"},
	{NEEDS(GROUP_SYS_RAWIO), "ioperm iopl"},
	{NEEDS(GROUP_SYS_TIME), "clock_settime clock_settime64 settimeofday stime"},
	{NEEDS(GROUP_SYS_TTY_CONFIG), "vhangup"},

	/* Large surfaces with a history of holes. vmsplice put foreign pages into pipes more
	 * than once; the keyrings are not namespaced. */
	{REFUSED(EPERM),
		"add_key io_uring_enter io_uring_register io_uring_setup kexec_file_load "
		"kexec_load"},
	{REFUSED(EPERM),
		"keyctl lsm_set_self_attr migrate_pages move_pages pivot_root request_key swapoff"},
	{REFUSED(EPERM), "swapon userfaultfd vm86 vm86old vmsplice"},
	/* Obsolete, or never implemented. */
	{REFUSED(EPERM),
		"_sysctl afs_syscall bdflush break create_module ftime get_kernel_syms getpmsg "
		"gtty"},
	{REFUSED(EPERM), "idle lock mpx nfsservctl oldfstat oldlstat oldolduname oldstat olduname"},
	{REFUSED(EPERM),
		"pciconfig_iobase pciconfig_read pciconfig_write prof profil putpmsg query_module"},
	{REFUSED(EPERM),
		"readdir security sgetmask ssetmask stty sysfs tuxcall ulimit uselib usr26 usr32"},
	{REFUSED(EPERM), "ustat vserver"},
};
const size_t profile_rule_count = LENGTH(profile_rules);

const struct profile_number profile_numbers[] = {
	{"uretprobe", 335, true},
	{"uprobe", 336, true},
	{"memfd_secret", 447, false},
	{"process_mrelease", 448, false},
	{"futex_waitv", 449, false},
	{"set_mempolicy_home_node", 450, false},
	{"cachestat", 451, false},
	{"fchmodat2", 452, false},
	{"map_shadow_stack", 453, false},
	{"futex_wake", 454, false},
	{"futex_wait", 455, false},
	{"futex_requeue", 456, false},
	{"statmount", 457, false},
	{"listmount", 458, false},
	{"lsm_get_self_attr", 459, false},
	{"lsm_set_self_attr", 460, false},
	{"lsm_list_modules", 461, false},
	{"mseal", 462, false},
	{"setxattrat", 463, false},
	{"getxattrat", 464, false},
	{"listxattrat", 465, false},
	{"removexattrat", 466, false},
	{"open_tree_attr", 467, false},
};
const size_t profile_number_count = LENGTH(profile_numbers);
