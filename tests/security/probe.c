/* SPDX-License-Identifier: Apache-2.0 */
/*
 * probe WHAT...: looks at a sandbox from inside and prints stable lines, for the tests to compare.
 * Static, needs neither a shell nor /proc for most of it, and is no part of husk. `probe` alone
 * lists what it can look at.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))
#define HIGH (UINT64_C(1) << 32)

static const char *name_of(int code)
{
	const char *name = code ? strerrorname_np(code) : "ok";
	return name ? name : "unknown";
}

/* The errno name of a system call's result. */
static const char *outcome(long result)
{
	return name_of(result == -1 ? errno : 0);
}

static int compare_strings(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Lines collected to be printed in order. */
struct lines {
	char **items;
	size_t count;
};

static void lines_add(struct lines *l, const char *text)
{
	l->items = realloc(l->items, (l->count + 1) * sizeof(char *));
	char *copy = strdup(text);
	if (!l->items || !copy)
		abort();
	l->items[l->count++] = copy;
}

static void lines_print(struct lines *l)
{
	if (l->count)
		qsort(l->items, l->count, sizeof(char *), compare_strings);
	for (size_t i = 0; i < l->count; i++) {
		puts(l->items[i]);
		free(l->items[i]);
	}
	free(l->items);
}

/* caps */

static int probe_caps(void)
{
	static const char *const wanted[] = {
		"CapInh:", "CapPrm:", "CapEff:", "CapBnd:", "CapAmb:", "NoNewPrivs:", "Seccomp:"};
	char line[1024];
	FILE *f = fopen("/proc/self/status", "re");

	while (f && fgets(line, sizeof(line), f)) {
		for (size_t i = 0; i < LENGTH(wanted); i++) {
			size_t len = strlen(wanted[i]);
			if (strncmp(line, wanted[i], len) == 0)
				printf("%.*s %s", (int)len - 1, line, line + len + 1);
		}
	}
	if (!f)
		return 1;
	fclose(f);
	return 0;
}

/* fds: without /proc, so that nothing of it can be hidden. */
static int probe_fds(void)
{
	for (int fd = 0; fd < 4096; fd++) {
		char link[64], target[4096];
		struct stat st;
		if (fstat(fd, &st) != 0)
			continue;
		snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
		ssize_t len = readlink(link, target, sizeof(target) - 1);
		target[len > 0 ? len : 0] = '\0';
		printf("%d %06o %s%s\n", fd, st.st_mode & S_IFMT, len > 0 ? target : "?",
			fcntl(fd, F_GETFD) & FD_CLOEXEC ? " cloexec" : "");
	}
	return 0;
}

/* syscalls: every number with arguments that cannot be valid, in a child each. */
enum { CALLS_END = 513, X32 = 0x40000000, DEADLINE_US = 300000 };

/* How a call ended, as the child's exit code. */
enum ending {
	ENDING_OTHER,
	ENDING_EPERM,
	ENDING_ENOSYS,
	ENDING_SKIPPED,
	ENDING_KILLED,
	ENDING_COUNT
};
static const char *const ending_names[ENDING_COUNT] = {
	"other", "EPERM", "ENOSYS", "skipped", "killed"};

struct abi {
	const char *name;
	long (*call)(long number);
	int (*is_there)(void); /* NULL: always */
	/* Ended by 0, which itself is always tried: what forks, ends, never returns, or writes
	 * all disks. */
	int skipped[12];
};

static long call_native(long number)
{
	long r = syscall(number, -1L, -1L, -1L, -1L, -1L, -1L);
	return r == -1 ? -errno : 0;
}

#if defined(__x86_64__)
static long call_x32(long number)
{
	return call_native(number | X32);
}

/* 32-bit system calls work in 64-bit programs, too. */
static long int80(long number, long b, long c, long d)
{
	long r;
	__asm__ volatile("int $0x80"
			 : "=a"(r)
			 : "a"(number), "b"(b), "c"(c), "d"(d), "S"(-1L), "D"(-1L)
			 : "memory", "r8", "r9", "r10", "r11");
	return (int)r;
}

static long call_i386(long number)
{
	return int80(number, -1, -1, -1);
}

/* A kernel without IA32 emulation, or a virtual machine that does not deliver the interrupt, kills
 * the process that tries. */
static int has_i386(void)
{
	enum { GETPID = 20 };
	int status = 0;
	pid_t pid = fork();
	if (pid == 0)
		_exit(int80(GETPID, 0, 0, 0) == -ENOSYS);
	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

static const struct abi abis[] = {
	{"x86_64", call_native, NULL,
		{15 /* rt_sigreturn */, 34 /* pause */, 57 /* fork */, 58 /* vfork */,
			60 /* exit */, 162 /* sync */, 231 /* exit_group */}},
	{"i386", call_i386, has_i386,
		{1 /* exit */, 2 /* fork */, 29 /* pause */, 36 /* sync */,
			45 /* brk, whose -1 is no error */, 72 /* sigsuspend */,
			119 /* sigreturn */, 173 /* rt_sigreturn */, 190 /* vfork */,
			252 /* exit_group */}},
	{"x32", call_x32, NULL, {15, 34, 57, 58, 60, 162, 231}},
};
#else
static const struct abi abis[] = {
	{"native", call_native, NULL,
		{81 /* sync */, 93 /* exit */, 94 /* exit_group */, 139 /* rt_sigreturn */}},
};
#endif

static enum ending ending_of(const struct abi *abi, int number)
{
	for (size_t i = 0; abi->skipped[i]; i++) {
		if (abi->skipped[i] == number)
			return ENDING_SKIPPED;
	}
	pid_t pid = fork();
	if (pid == 0) {
		/* A session of its own: vhangup and the like find no terminal. */
		struct itimerval deadline = {.it_value = {0, DEADLINE_US}};
		setsid();
		setitimer(ITIMER_REAL, &deadline, NULL);
		long r = abi->call(number);
		_exit(r == -EPERM ? ENDING_EPERM : r == -ENOSYS ? ENDING_ENOSYS : ENDING_OTHER);
	}
	int status;
	if (pid < 0 || waitpid(pid, &status, 0) != pid) {
		fprintf(stderr, "probe: fork: %s\n", name_of(errno));
		exit(2);
	}
	return WIFEXITED(status) ? (enum ending)WEXITSTATUS(status) : ENDING_KILLED;
}

/* no-i386: makes this process one of a machine without system calls of 32 bits. */
static int probe_no_i386(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_I386, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = {LENGTH(code), code};
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0 ? 0 : 2;
}

/* Runs of numbers that end alike are one line. */
static int probe_syscalls(void)
{
	for (size_t a = 0; a < LENGTH(abis); a++) {
		if (abis[a].is_there && !abis[a].is_there()) {
			printf("%s absent\n", abis[a].name);
			continue;
		}
		enum ending before = ending_of(&abis[a], 0);
		int first = 0;
		for (int number = 1; number <= CALLS_END; number++) {
			enum ending now = number < CALLS_END ? ending_of(&abis[a], number)
							     : ENDING_COUNT;
			if (now == before)
				continue;
			printf("%s %d-%d %s\n", abis[a].name, first, number - 1,
				ending_names[before]);
			before = now;
			first = number;
		}
	}
	return 0;
}

/* sockets: every family, also with bits set that the kernel does not look at. */

static const char *try_socket(uint64_t family)
{
	int type = (int)family == AF_NETLINK || (int)family == AF_PACKET ? SOCK_RAW : SOCK_STREAM;
	long fd = syscall(SYS_socket, family, (long)(type | SOCK_CLOEXEC), 0L);
	const char *result = outcome(fd);
	if (fd >= 0)
		close((int)fd);
	return result;
}

static const char *try_socketpair(uint64_t family)
{
	int fds[2] = {-1, -1};
	long r = syscall(SYS_socketpair, family, (long)(SOCK_STREAM | SOCK_CLOEXEC), 0L, fds);
	const char *result = outcome(r);
	if (r == 0) {
		close(fds[0]);
		close(fds[1]);
	}
	return result;
}

#if defined(__x86_64__)
/* The family behind a pointer, which a filter cannot see: what it allows here is left to the
 * security module. */
static void probe_socketcall(void)
{
	if (!has_i386()) {
		printf("i386 absent\n");
		return;
	}
	uint32_t *args = mmap(
		NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	if (args == MAP_FAILED)
		return;
	for (uint32_t family = 1; family <= 2; family++) {
		args[0] = family;
		args[1] = SOCK_STREAM | SOCK_CLOEXEC;
		args[2] = 0;
		long fd = int80(102, 1, (long)(uintptr_t)args, 0);
		printf("i386 socketcall %u %s\n", family, name_of(fd < 0 ? (int)-fd : 0));
		if (fd >= 0)
			close((int)fd);
	}
	for (int family = 1; family <= 40; family += 39) {
		long fd = int80(359, family, SOCK_STREAM, 0);
		printf("i386 socket %d %s\n", family, name_of(fd < 0 ? (int)-fd : 0));
		if (fd >= 0)
			close((int)fd);
	}
	munmap(args, 4096);
}
#else
static void probe_socketcall(void)
{
}
#endif

static int probe_sockets(void)
{
	for (uint64_t family = 0; family <= 45; family++) {
		printf("socket %d %s %s\n", (int)family, try_socket(family),
			try_socket(HIGH << 7 | family));
		printf("socketpair %d %s %s\n", (int)family, try_socketpair(family),
			try_socketpair(HIGH | family));
	}
	long audit = syscall(SYS_socket, HIGH | AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, HIGH | 9);
	printf("netlink audit %s\n", outcome(audit));
	probe_socketcall();
	return 0;
}

/* tiocsti: no terminal is needed to see the filter, the kernel itself would say ENOTTY. */

static int probe_tiocsti(void)
{
	static const struct {
		const char *name;
		uint64_t request;
	} requests[] = {
		{"TIOCSTI", 0x5412},
		{"TIOCSTI+high", HIGH | 0x5412},
		{"TIOCLINUX", 0x541c},
		{"TIOCLINUX+high", HIGH << 31 | 0x541c},
	};
	static const char *const paths[] = {"/dev/null", "/dev/tty", "/dev/stdin"};

	for (size_t p = 0; p < LENGTH(paths); p++) {
		int fd = p == 2 ? dup(0) : open(paths[p], O_RDWR | O_CLOEXEC | O_NOCTTY);
		if (fd < 0)
			printf("%s %s\n", paths[p], name_of(errno));
		for (size_t i = 0; fd >= 0 && i < LENGTH(requests); i++) {
			char byte = 0;
			printf("%s %s %s\n", paths[p], requests[i].name,
				outcome(syscall(SYS_ioctl, (long)fd, requests[i].request, &byte)));
		}
		if (fd >= 0)
			close(fd);
	}
	return 0;
}

/* push: types into whatever terminal there is. */

static void push_into(const char *name, int fd)
{
	static const struct {
		const char *name;
		uint64_t request;
	} requests[] = {
		{"TIOCSTI", 0x5412},
		{"TIOCSTI+high", HIGH | 0x5412},
		{"TIOCLINUX", 0x541c},
		{"TIOCLINUX+high", HIGH | 0x541c},
	};

	for (size_t i = 0; i < LENGTH(requests); i++) {
		char byte = i < 2 ? 'x' : 3;
		printf("%s %s %s\n", name, requests[i].name,
			outcome(syscall(SYS_ioctl, (long)fd, requests[i].request, &byte)));
	}
}

static int probe_push(void)
{
	push_into("0", 0);
	push_into("1", 1);
	push_into("2", 2);
	int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	if (fd < 0) {
		printf("/dev/tty %s\n", name_of(errno));
		return 0;
	}
	push_into("/dev/tty", fd);
	close(fd);
	return 0;
}

/* mounts: "target fstype mount-options super-options", in order. */

static int probe_mounts(void)
{
	struct lines lines = {0};
	char line[8192], out[16384];
	FILE *f = fopen("/proc/self/mountinfo", "re");

	if (!f) {
		printf("mountinfo %s\n", name_of(errno));
		return 1;
	}
	while (fgets(line, sizeof(line), f)) {
		char target[4096], options[1024], fstype[128], super[4096];
		char *rest = strstr(line, " - ");
		if (!rest || sscanf(line, "%*d %*d %*s %*s %4095s %1023s", target, options) != 2 ||
			sscanf(rest, " - %127s %*s %4095s", fstype, super) != 2)
			continue;
		snprintf(out, sizeof(out), "%s %s %s %s", target, fstype, options, super);
		lines_add(&lines, out);
	}
	fclose(f);
	lines_print(&lines);
	return 0;
}

/* masks: what the paths that ought to be hidden show. */

static const char *const hidden[] = {
	"/proc/acpi",
	"/proc/asound",
	"/proc/interrupts",
	"/proc/kcore",
	"/proc/keys",
	"/proc/latency_stats",
	"/proc/sched_debug",
	"/proc/scsi",
	"/proc/sysrq-trigger",
	"/proc/timer_list",
	"/proc/timer_stats",
	"/sys/devices/virtual/powercap",
	"/sys/firmware",
	"/sys/fs/selinux",
	"/sys/kernel/debug",
	"/sys/kernel/tracing",
	"/sys/kernel/security",
	"/sys/kernel/vmcoreinfo",
	"/sys/devices/system/cpu/cpu0/thermal_throttle",
};

static void print_directory(const char *path, int fd)
{
	int count = 0;
	DIR *dir = fdopendir(fd);
	for (struct dirent *e; dir && (e = readdir(dir));)
		count += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
	printf("%s %s\n", path,
		!dir		? "unreadable"
			: count ? "readable directory"
				: "empty directory");
	if (dir)
		closedir(dir);
}

static int probe_masks(void)
{
	for (size_t i = 0; i < LENGTH(hidden); i++) {
		char bytes[4096];
		struct stat st;
		int fd = open(hidden[i], O_RDONLY | O_CLOEXEC | O_NONBLOCK);
		if (fd < 0) {
			printf("%s %s\n", hidden[i], errno == ENOENT ? "absent" : name_of(errno));
			continue;
		}
		if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
			print_directory(hidden[i], fd);
			continue;
		}
		ssize_t n = read(fd, bytes, sizeof(bytes));
		if (n < 0)
			printf("%s unreadable %s\n", hidden[i], name_of(errno));
		else
			printf("%s %s %zd\n", hidden[i], n ? "readable" : "empty", n);
		close(fd);
	}
	return 0;
}

/* devices: /dev, two levels deep. */

static void add_devices(struct lines *lines, const char *dir_path, int depth)
{
	DIR *dir = opendir(dir_path);

	for (struct dirent *e; dir && (e = readdir(dir));) {
		char path[512], line[1200], target[512] = "";
		struct stat st;
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir_path, e->d_name);
		if (lstat(path, &st) != 0)
			continue;
		if (S_ISLNK(st.st_mode) && readlink(path, target, sizeof(target) - 1) < 0)
			target[0] = '\0';
		snprintf(line, sizeof(line), "%s %06o %u:%u %u:%u%s%s", path, st.st_mode,
			major(st.st_rdev), minor(st.st_rdev), st.st_uid, st.st_gid,
			target[0] ? " -> " : "", target);
		lines_add(lines, line);
		if (S_ISDIR(st.st_mode) && depth > 0)
			add_devices(lines, path, depth - 1);
	}
	if (dir)
		closedir(dir);
}

static int probe_devices(void)
{
	struct lines lines = {0};
	add_devices(&lines, "/dev", 1);
	lines_print(&lines);
	return 0;
}

/* limits, ids, env, cwd */

static void print_limit(rlim_t value)
{
	if (value == RLIM_INFINITY)
		printf(" unlimited");
	else
		printf(" %llu", (unsigned long long)value);
}

static int probe_limits(void)
{
	static const char *const names[] = {"cpu", "fsize", "data", "stack", "core", "rss", "nproc",
		"nofile", "memlock", "as", "locks", "sigpending", "msgqueue", "nice", "rtprio",
		"rttime"};

	for (int i = 0; i < (int)LENGTH(names); i++) {
		struct rlimit limit;
		if (getrlimit((__rlimit_resource_t)i, &limit) != 0)
			continue;
		printf("%s", names[i]);
		print_limit(limit.rlim_cur);
		print_limit(limit.rlim_max);
		putchar('\n');
	}
	mode_t mask = umask(0);
	umask(mask);
	printf("umask %04o\n", mask);
	return 0;
}

static int probe_ids(void)
{
	uid_t u[3];
	gid_t g[3], groups[1024];

	if (getresuid(&u[0], &u[1], &u[2]) != 0 || getresgid(&g[0], &g[1], &g[2]) != 0)
		return 1;
	printf("uid %u %u %u\ngid %u %u %u\ngroups", u[0], u[1], u[2], g[0], g[1], g[2]);
	int count = getgroups((int)LENGTH(groups), groups);
	for (int i = 0; i < count; i++)
		printf(" %u", groups[i]);
	printf("\npid %d sid %d pgid %d\n", getpid(), getsid(0), getpgid(0));
	return 0;
}

static int probe_env(void)
{
	for (char **e = environ; *e; e++)
		puts(*e);
	return 0;
}

static int probe_cwd(void)
{
	char path[4096];
	/* The system call itself: libc hides "(unreachable)". */
	long r = syscall(SYS_getcwd, path, sizeof(path));
	printf("%s\n", r < 0 ? name_of(errno) : path);
	return 0;
}

/* exe: may the program file that runs us, or that began the container, be written? */

static int probe_exe(void)
{
	static const char *const paths[] = {"/proc/self/exe", "/proc/1/exe"};
	static const char *const names[] = {"read", "write", "readwrite", "append"};
	static const int flags[] = {O_RDONLY, O_WRONLY, O_RDWR, O_APPEND | O_WRONLY};

	for (size_t p = 0; p < LENGTH(paths); p++) {
		char target[4096];
		ssize_t len = readlink(paths[p], target, sizeof(target) - 1);
		target[len > 0 ? len : 0] = '\0';
		printf("%s -> %s\n", paths[p], len > 0 ? target : "?");
		for (size_t w = 0; w < LENGTH(flags); w++) {
			int fd = open(paths[p], flags[w] | O_CLOEXEC);
			printf("%s %s %s\n", paths[p], names[w], outcome(fd));
			if (fd >= 0)
				close(fd);
		}
	}
	return 0;
}

/* keys: the keyring system calls, and what /proc shows. */

static int probe_keys(void)
{
	char bytes[4096];

	printf("keyctl %s\n", outcome(syscall(SYS_keyctl, 0L, -3L, 0L)));
	printf("add_key %s\n", outcome(syscall(SYS_add_key, "user", "probe", "x", 1L, -3L)));
	printf("request_key %s\n", outcome(syscall(SYS_request_key, "user", "probe", NULL, 0L)));
	int fd = open("/proc/keys", O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		printf("/proc/keys %s\n", name_of(errno));
		return 0;
	}
	ssize_t n = read(fd, bytes, sizeof(bytes));
	printf("/proc/keys %s\n", n < 0 ? name_of(errno) : n ? "readable" : "empty");
	close(fd);
	return 0;
}

/* watch: until /stop exists and it has seen WATCHED other processes, looks at the exe, cwd, root,
 * open files and confinement of each, as fast as it can. Prints each look that led to something
 * which cannot be found at that path here, and each process that may do more than this one. On a
 * busy machine it misses many: the test goes on until it has seen enough. */
enum { WATCHED = 50 };

/* Whether what link leads to is also what its text names in this process's own root. */
static bool is_ours(const char *link, const char *target)
{
	struct stat through, named;

	if (target[0] != '/') /* pipe:[1], anon_inode:[x] and the like */
		return true;
	if (strcmp(target, "/memfd:husk-init (deleted)") ==
		0) /* the sealed copy, which nobody can write */
		return true;
	if (stat(link, &through) != 0)
		return true; /* may not be looked through */
	if (S_ISCHR(through.st_mode) && through.st_rdev == makedev(1, 3))
		return true; /* a /dev/null is as good as any other */
	if (S_ISFIFO(through.st_mode))
		return true; /* a payload's own output in the background */
	return stat(target, &named) == 0 && through.st_dev == named.st_dev &&
		through.st_ino == named.st_ino;
}

static bool link_read(const char *link, char target[static 4096])
{
	ssize_t len = readlink(link, target, 4095);
	target[len > 0 ? len : 0] = '\0';
	return len > 0;
}

static void watch_link(const char *link, struct lines *seen)
{
	char target[4096], after[4096], line[8192];

	/* What changed between the looks at its name and at itself was two things. */
	if (!link_read(link, target) || is_ours(link, target) || !link_read(link, after) ||
		strcmp(target, after) != 0)
		return;
	snprintf(line, sizeof(line), "saw %s -> %s", link, target);
	lines_add(seen, line);
}

/* The number after a word at the begin of a line of /proc/PID/status. */
static unsigned long long status_number(const char *text, const char *word)
{
	const char *line = strstr(text, word);
	unsigned long long number = 0;
	return line && sscanf(line + strlen(word), "%llx", &number) == 1 ? number : 0;
}

static bool status_read(const char *pid, char *text, size_t size)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%s/status", pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? -1 : read(fd, text, size - 1);
	if (fd >= 0)
		close(fd);
	text[len > 0 ? len : 0] = '\0';
	return len > 0;
}

static void watch_confinement(const char *pid, struct lines *seen)
{
	char own[4096], other[4096], line[256];

	if (!status_read("self", own, sizeof(own)) || !status_read(pid, other, sizeof(other)))
		return;
	if (strstr(other, "State:\tZ"))
		return;
	unsigned long long more = status_number(other, "\nCapPrm:") &
		~status_number(own, "\nCapBnd:");
	unsigned long long filter = status_number(other, "\nSeccomp:");
	if (!more && filter == 2)
		return;
	snprintf(line, sizeof(line), "saw %s with capabilities %llx beyond ours, seccomp %llu", pid,
		more, filter);
	lines_add(seen, line);
}

static void watch_links(const char *pid, struct lines *seen)
{
	static const char *const links[] = {"exe", "cwd", "root"};
	char path[512];

	for (size_t i = 0; i < LENGTH(links); i++) {
		snprintf(path, sizeof(path), "/proc/%s/%s", pid, links[i]);
		watch_link(path, seen);
	}
	for (int fd = 0; fd < 96; fd++) {
		snprintf(path, sizeof(path), "/proc/%s/fd/%d", pid, fd);
		watch_link(path, seen);
	}
}

static void watch_process(const char *pid, struct lines *seen)
{
	watch_links(pid, seen);
	watch_confinement(pid, seen);
}

static int watch(void (*each)(const char *pid, struct lines *seen))
{
	struct lines seen = {0};
	long last = 0, processes = 0;

	while ((access("/stop", F_OK) != 0 || processes < WATCHED) && seen.count < 100) {
		DIR *dir = opendir("/proc");
		for (struct dirent *e; dir && (e = readdir(dir));) {
			long pid;
			if (sscanf(e->d_name, "%ld", &pid) != 1 || pid == getpid())
				continue;
			processes += pid > last;
			last = pid > last ? pid : last;
			each(e->d_name, &seen);
		}
		if (dir)
			closedir(dir);
	}
	lines_print(&seen);
	printf("watched %ld processes\n", processes);
	return 0;
}

static int probe_watch(void)
{
	return watch(watch_process);
}

/* peek: the same, where others may do more than this one. */
static int probe_peek(void)
{
	return watch(watch_links);
}

/* overwrite: until /stop exists, and a thousand times at least, tries to open the program file of
 * every process for writing. Program files of the root itself may open. Any other is printed and
 * written to. */
static int probe_overwrite(void)
{
	unsigned long tries = 0;
	struct stat st, root;

	if (stat("/bin/probe", &root) != 0)
		return 1;
	while (access("/stop", F_OK) != 0 || tries <= 1000) {
		DIR *dir = opendir("/proc");
		for (struct dirent *e; dir && (e = readdir(dir));) {
			char path[512];
			snprintf(path, sizeof(path), "/proc/%s/exe", e->d_name);
			if (e->d_name[0] < '0' || e->d_name[0] > '9')
				continue;
			tries++;
			int fd = open(path, O_WRONLY | O_CLOEXEC);
			if (fd < 0)
				continue;
			if (fstat(fd, &st) == 0 && st.st_dev != root.st_dev)
				printf("opened %s: write %s\n", path, outcome(write(fd, "#!", 2)));
			close(fd);
		}
		if (dir)
			closedir(dir);
	}
	printf("tried\n");
	return 0;
}

/* tmpfile: shared memory as some libraries make it. */
static int probe_tmpfile(void)
{
	char path[64], name[64];
	int fd = open("/dev/shm", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	printf("/dev/shm %s", outcome(fd));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	snprintf(name, sizeof(name), "/dev/shm/probe-%d", getpid());
	printf(" linked %s\n", outcome(linkat(AT_FDCWD, path, AT_FDCWD, name, AT_SYMLINK_FOLLOW)));
	return unlink(name) != 0;
}

/* notify: sends its input to $NOTIFY_SOCKET as one message of sd_notify(3), with an open file. */
static int probe_notify(void)
{
	char text[8192];
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control = {.header = {CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS}};
	struct iovec part = {text, fread(text, 1, sizeof(text), stdin)};
	struct msghdr message = {.msg_name = &address,
		.msg_namelen = sizeof(address),
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control)};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path ? path : "");
	memcpy(CMSG_DATA(&control.header), &(int){0}, sizeof(int));
	ssize_t sent = sendmsg(fd, &message, 0);
	printf("sent %s\n", outcome(sent < 0 ? -1 : 0));
	close(fd);
	return sent < 0;
}

static const struct {
	const char *name;
	int (*run)(void);
} probes[] = {
	{"caps", probe_caps},
	{"cwd", probe_cwd},
	{"devices", probe_devices},
	{"env", probe_env},
	{"exe", probe_exe},
	{"fds", probe_fds},
	{"ids", probe_ids},
	{"keys", probe_keys},
	{"limits", probe_limits},
	{"masks", probe_masks},
	{"mounts", probe_mounts},
	{"no-i386", probe_no_i386},
	{"notify", probe_notify},
	{"overwrite", probe_overwrite},
	{"peek", probe_peek},
	{"push", probe_push},
	{"sockets", probe_sockets},
	{"syscalls", probe_syscalls},
	{"tiocsti", probe_tiocsti},
	{"tmpfile", probe_tmpfile},
	{"watch", probe_watch},
};

static int run_named(const char *name)
{
	for (size_t i = 0; i < LENGTH(probes); i++) {
		if (strcmp(probes[i].name, name) == 0)
			return probes[i].run();
	}
	fprintf(stderr, "probe: no such probe: %s\n", name);
	return 2;
}

int main(int argc, char **argv)
{
	int worst = 0;

	/* Children are forked in between: nothing may wait in a buffer. */
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (size_t i = 0; argc < 2 && i < LENGTH(probes); i++)
		puts(probes[i].name);
	for (int i = 1; i < argc; i++) {
		if (argc > 2)
			printf("[%s]\n", argv[i]);
		int r = run_named(argv[i]);
		worst = r > worst ? r : worst;
	}
	return worst;
}
