/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the worker may still do once it is locked in: resource limits, Landlock, a list of system
 * calls, capabilities. Each is a barrier of its own, in case a hostile image breaks another one.
 */
#include "base/str.h"
#include "image/internal.h"
#include "image/worker.h"
#include "sec/sec.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/socket.h>

/*
 * DATA limits what a process can request as memory of its own, used or not; stacks of threads
 * count. All that an image makes the worker remember is bounded to much less, except for the 128
 * MiB that zstd and xz may need to decompress. This limit is for what was overlooked. CPU: an hour;
 * a layer of 64 GiB takes ten minutes.
 */
#ifdef __SANITIZE_ADDRESS__ /* its runtime reserves terabytes */
#define DATA_BYTES UINT64_MAX
#else
#define DATA_BYTES (256u << 20)
#endif
enum { CPU_SECONDS = 3600, FILES = 1024 };

static int limits_set(void)
{
	static const struct sec_rlimit_row rows[] = {
		{.resource = RLIMIT_CORE, .soft = 0, .hard = 0},
		{.resource = RLIMIT_DATA, .soft = DATA_BYTES, .hard = DATA_BYTES},
		{.resource = RLIMIT_CPU, .soft = CPU_SECONDS, .hard = CPU_SECONDS},
		{.resource = RLIMIT_NOFILE, .soft = FILES, .hard = FILES},
		{.resource = RLIMIT_MEMLOCK, .soft = 0, .hard = 0},
		{.resource = RLIMIT_MSGQUEUE, .soft = 0, .hard = 0},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sec_rlimit_row row = rows[i];
		/* If the caller's limit is lower, it is kept. */
		int r = sec_rlimit_clamp(&row);
		if (r >= 0)
			r = sec_rlimit_set(&row);
		if (r < 0)
			return r;
	}
	return 0;
}

/* What each worker needs: files in the directories that it has, memory, threads, and packets to
 * husk. */
static const char *const common_calls[] = {
	/* files */
	"openat", "openat2", "close", "close_range", "read", "pread64", "readv", "preadv", "write",
	"pwrite64", "writev", "pwritev", "lseek", "fstat", "newfstatat", "fstatat64", "statx",
	"fstatfs", "getdents64", "readlinkat", "faccessat", "faccessat2", "fcntl", "flock", "dup",
	"dup2", "dup3", "ftruncate", "fallocate", "fadvise64", "fsync", "fdatasync", "syncfs",
	"umask", "mkdirat", "mknodat", "symlinkat", "linkat", "unlinkat", "renameat", "renameat2",
	"fchmod", "fchmodat", "fchmodat2", "fchown", "fchownat", "utimensat", "fsetxattr",
	"fgetxattr", "flistxattr",
	/* memory and threads */
	"brk", "mmap", "munmap", "mprotect", "mremap", "madvise", "futex", "futex_waitv",
	"set_robust_list", "rseq", "sched_yield", "sched_getaffinity", "membarrier",
	/* time, signals to itself, the end */
	"clock_gettime", "clock_getres", "clock_nanosleep", "nanosleep", "gettimeofday", "time",
	"getrandom", "getpid", "gettid", "getppid", "getuid", "geteuid", "getgid", "getegid",
	"uname", "sysinfo", "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack",
	"restart_syscall", "exit", "exit_group", "tgkill",
	/* packets */
	"sendmsg", "recvmsg", "sendto", "recvfrom", "poll", "ppoll"};

/* What the worker with a network needs besides. */
static const char *const network_calls[] = {"connect", "getsockopt", "setsockopt", "getsockname",
	"getpeername", "shutdown", "sendmmsg", "recvmmsg", "select", "pselect6", "epoll_create1",
	"epoll_ctl", "epoll_wait", "epoll_pwait", "eventfd2", "pipe2", "socketpair", "ioctl"};

#define CONDITION(number, how, a, b) \
	(struct sec_condition[]) \
	{ \
		{ \
			.arg = (number), .compare = (how), .value = (a), .second = (b) \
		} \
	}
#define REFUSED(code) (SECCOMP_RET_ERRNO | (code))

/* A list of what is allowed; everything else is refused with EPERM. */
static int calls_restrict(bool has_network)
{
	struct sec_rule rules[] = {
		{.names = {(const char **)common_calls,
			 sizeof(common_calls) / sizeof(common_calls[0])},
			.action = SECCOMP_RET_ALLOW},
		/* Threads, but no processes. A filter cannot see the flags of clone3, so clone3
		 * does not exist here and the C library falls back to clone. */
		{.names = {(const char *[]){"clone"}, 1},
			.action = SECCOMP_RET_ALLOW,
			.conditions = CONDITION(0, SEC_MASKED_EQ, CLONE_THREAD, CLONE_THREAD),
			.condition_count = 1},
		{.names = {(const char *[]){"clone3"}, 1}, .action = REFUSED(ENOSYS)},
		/* Only to read a limit: the third argument, the limit to set, must be NULL. */
		{.names = {(const char *[]){"prlimit64"}, 1},
			.action = SECCOMP_RET_ALLOW,
			.conditions = CONDITION(2, SEC_EQ, 0, 0),
			.condition_count = 1},
		{.names = {(const char **)network_calls,
			 sizeof(network_calls) / sizeof(network_calls[0])},
			.action = SECCOMP_RET_ALLOW},
		{.names = {(const char *[]){"socket"}, 1},
			.action = SECCOMP_RET_ALLOW,
			.conditions = CONDITION(0, SEC_EQ, AF_INET, 0),
			.condition_count = 1},
		{.names = {(const char *[]){"socket"}, 1},
			.action = SECCOMP_RET_ALLOW,
			.conditions = CONDITION(0, SEC_EQ, AF_INET6, 0),
			.condition_count = 1},
	};
	enum { OF_THE_NETWORK = 3 };
	const struct sec_filter filter = {.default_action = REFUSED(EPERM),
		.items = rules,
		.count = sizeof(rules) / sizeof(rules[0]) - (has_network ? 0 : OF_THE_NETWORK)};
	auto_buf struct buf program = BUF_INIT;
	int r = sec_filter_compile(&filter, &program);
	return r < 0 ? r : sec_seccomp_load(program.data, program.len, 0);
}

int worker_restrict(const struct confinement *c, const struct sec_landlock *reach)
{
	const struct sec_caps caps = {
		.bounding = c->caps, .effective = c->caps, .permitted = c->caps};
	int r = limits_set();
	if (r == 0)
		r = sec_caps_bound(&caps);
	if (r == 0)
		r = sec_no_new_privs();
	if (r == 0)
		r = sec_caps_set(&caps, -EBADF);
	if (r == 0)
		r = sec_landlock(reach);
	return r < 0 ? r : calls_restrict(c->has_network);
}
