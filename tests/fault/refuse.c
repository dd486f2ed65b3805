/* SPDX-License-Identifier: Apache-2.0 */
/*
 * refuse [--log FILE] [--not COMM]... RULE... -- COMMAND [ARG...]
 *
 * Runs COMMAND, refuses some system calls of it and of all its descendants, and exits with its
 * code. A rule is either of
 *   NAME[~TEXT]:ERROR   every call NAME; with ~TEXT only those whose data (a path, a name, the
 *                       bytes sent; for a socket the protocol) contains TEXT
 *   N:ERROR             the N-th of the calls that change something, counted over all processes
 *                       from 1
 * ERROR is a name such as EIO, or KILL: then the calling process gets SIGKILL, or LATER: then the
 * call waits 0.8 s, and every call of another process meanwhile waits with it. --log writes down
 * every counted call, and LATER when such a wait begins. --not leaves out processes of that name:
 * the payload's.
 *
 * A seccomp filter asks a supervisor, so there is no tracer. A process that COMMAND leaves behind
 * is supervised until it has ended.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
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
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { RULES_MAX = 16, DATA_MAX = 4096, EXIT_USAGE = 99, LATER_US = 800000 };
enum data_kind { DATA_NONE, DATA_NUMBER_2, DATA_PATH_0, DATA_PATH_1, DATA_BYTES_1, DATA_MESSAGE_1 };
enum counted { COUNTED, COUNTED_WRITE, COUNTED_OPEN, COUNTED_PRCTL };

#define CALL(name, data, counted) \
	{ \
#name, SYS_##name, data, counted \
	}

static const struct call {
	const char *name;
	int number;
	enum data_kind data;
	enum counted counted;
} calls[] = {
	CALL(openat, DATA_PATH_1, COUNTED_OPEN),
	CALL(openat2, DATA_PATH_1, COUNTED),
	CALL(mkdirat, DATA_PATH_1, COUNTED),
	CALL(unlinkat, DATA_PATH_1, COUNTED),
	CALL(renameat2, DATA_PATH_1, COUNTED),
	CALL(symlinkat, DATA_PATH_0, COUNTED),
	CALL(linkat, DATA_PATH_1, COUNTED),
	CALL(mknodat, DATA_PATH_1, COUNTED),
	CALL(fchmod, DATA_NONE, COUNTED),
	CALL(fchownat, DATA_PATH_1, COUNTED),
	CALL(ftruncate, DATA_NONE, COUNTED),
	CALL(fsync, DATA_NONE, COUNTED),
	CALL(write, DATA_BYTES_1, COUNTED_WRITE),
	CALL(writev, DATA_NONE, COUNTED_WRITE),
	CALL(pwrite64, DATA_BYTES_1, COUNTED_WRITE),
	CALL(sendto, DATA_BYTES_1, COUNTED),
	CALL(sendmsg, DATA_MESSAGE_1, COUNTED),
	CALL(recvmsg, DATA_NONE, COUNTED),
	CALL(clone3, DATA_NONE, COUNTED),
	CALL(execve, DATA_PATH_0, COUNTED),
	CALL(execveat, DATA_PATH_1, COUNTED),
	CALL(fsopen, DATA_PATH_0, COUNTED),
	CALL(fsconfig, DATA_NONE, COUNTED),
	CALL(fsmount, DATA_NONE, COUNTED),
	CALL(open_tree, DATA_PATH_1, COUNTED),
	CALL(move_mount, DATA_PATH_1, COUNTED),
	CALL(mount_setattr, DATA_PATH_1, COUNTED),
	CALL(mount, DATA_PATH_1, COUNTED),
	CALL(umount2, DATA_PATH_0, COUNTED),
	CALL(pivot_root, DATA_PATH_0, COUNTED),
	CALL(chroot, DATA_PATH_0, COUNTED),
	CALL(chdir, DATA_PATH_0, COUNTED),
	CALL(fchdir, DATA_NONE, COUNTED),
	CALL(setns, DATA_NONE, COUNTED),
	CALL(unshare, DATA_NONE, COUNTED),
	CALL(pipe2, DATA_NONE, COUNTED),
	CALL(socket, DATA_NUMBER_2, COUNTED),
	CALL(socketpair, DATA_NONE, COUNTED),
	CALL(bind, DATA_NONE, COUNTED),
	CALL(flock, DATA_NONE, COUNTED),
	CALL(fcntl, DATA_NONE, COUNTED),
	CALL(dup3, DATA_NONE, COUNTED),
	CALL(close_range, DATA_NONE, COUNTED),
	CALL(memfd_create, DATA_PATH_0, COUNTED),
	CALL(prctl, DATA_NONE, COUNTED_PRCTL),
	CALL(seccomp, DATA_NONE, COUNTED),
	CALL(capset, DATA_NONE, COUNTED),
	CALL(setresuid, DATA_NONE, COUNTED),
	CALL(setresgid, DATA_NONE, COUNTED),
	CALL(setgroups, DATA_NONE, COUNTED),
	CALL(sethostname, DATA_BYTES_1, COUNTED),
	CALL(setsid, DATA_NONE, COUNTED),
	CALL(keyctl, DATA_NONE, COUNTED),
	CALL(bpf, DATA_NONE, COUNTED),
	CALL(pidfd_open, DATA_NONE, COUNTED),
	CALL(pidfd_send_signal, DATA_NONE, COUNTED),
	CALL(epoll_create1, DATA_NONE, COUNTED),
	CALL(epoll_ctl, DATA_NONE, COUNTED),
	CALL(timerfd_create, DATA_NONE, COUNTED),
	CALL(signalfd4, DATA_NONE, COUNTED),
	CALL(waitid, DATA_NONE, COUNTED),
};
enum { CALL_COUNT = sizeof(calls) / sizeof(calls[0]) };

static const struct {
	const char *name;
	int number;
} errors[] = {{"EPERM", EPERM}, {"ENOENT", ENOENT}, {"EIO", EIO}, {"EAGAIN", EAGAIN},
	{"ENOMEM", ENOMEM}, {"EACCES", EACCES}, {"EBUSY", EBUSY}, {"ENODEV", ENODEV},
	{"EINVAL", EINVAL}, {"EMFILE", EMFILE}, {"ENOSPC", ENOSPC}, {"EROFS", EROFS},
	{"ENOSYS", ENOSYS}, {"EOPNOTSUPP", EOPNOTSUPP}, {"EPROTONOSUPPORT", EPROTONOSUPPORT},
	{"KILL", -1}, {"LATER", -2}};

struct rule {
	const struct call *call; /* NULL: the nth that is counted */
	const char *text;
	unsigned long nth;
	int error;
};

struct refusal {
	struct rule rules[RULES_MAX];
	int rule_count;
	const char *payloads[RULES_MAX];
	int payload_count;
	FILE *log;
	unsigned long seen;
};

static void die(const char *words, const char *about)
{
	fprintf(stderr, "refuse: %s %s: %m\n", words, about);
	exit(EXIT_USAGE);
}

static int error_of(const char *name)
{
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (strcmp(errors[i].name, name) == 0)
			return errors[i].number;
	die("unknown error", name);
	return 0;
}

static const struct call *call_named(const char *name)
{
	for (int i = 0; i < CALL_COUNT; i++)
		if (strcmp(calls[i].name, name) == 0)
			return &calls[i];
	die("unknown call", name);
	return NULL;
}

static void rule_add(struct refusal *x, char *word)
{
	struct rule *rule = &x->rules[x->rule_count++];
	char *colon = strrchr(word, ':');
	if (!colon || x->rule_count == RULES_MAX)
		die("no rule", word);
	*colon = '\0';
	rule->error = error_of(colon + 1);
	char *tilde = strchr(word, '~');
	if (tilde) {
		*tilde = '\0';
		rule->text = tilde + 1;
	}
	char *end;
	rule->nth = strtoul(word, &end, 10);
	rule->call = *end ? call_named(word) : NULL;
}

static int filter_install(void)
{
	struct sock_filter code[CALL_COUNT + 3];
	code[0] = (struct sock_filter)BPF_STMT(
		BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
	for (int i = 0; i < CALL_COUNT; i++)
		code[i + 1] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
			(unsigned)calls[i].number, (uint8_t)(CALL_COUNT - i), 0);
	code[CALL_COUNT + 1] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	code[CALL_COUNT + 2] = (struct sock_filter)BPF_STMT(
		BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF);
	struct sock_fprog program = {CALL_COUNT + 3, code};
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
		SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV,
		&program);
}

/* What the call is about, as text; zeros inside do not end it. */
static size_t data_read(const struct seccomp_notif *n, enum data_kind kind, char *out)
{
	uint64_t from = n->data.args[kind == DATA_PATH_0 ? 0 : 1], size = DATA_MAX;
	if (kind == DATA_NUMBER_2)
		return (size_t)snprintf(out, DATA_MAX, "%llu", (unsigned long long)n->data.args[2]);
	if (kind == DATA_NONE || from == 0)
		return 0;
	if (kind == DATA_BYTES_1)
		size = n->data.args[2] < DATA_MAX ? n->data.args[2] : DATA_MAX;
	struct iovec part = {0};
	struct msghdr message = {0};
	struct iovec local = {&message, sizeof(message)}, remote = {(void *)from, sizeof(message)};
	if (kind == DATA_MESSAGE_1) {
		process_vm_readv((pid_t)n->pid, &local, 1, &remote, 1, 0);
		local = (struct iovec){&part, sizeof(part)};
		remote = (struct iovec){message.msg_iov, sizeof(part)};
		process_vm_readv((pid_t)n->pid, &local, 1, &remote, 1, 0);
		from = (uintptr_t)part.iov_base;
		size = part.iov_len < DATA_MAX ? part.iov_len : DATA_MAX;
	}
	bool is_path = kind == DATA_PATH_0 || kind == DATA_PATH_1;
	size_t page_rest = 4096 - from % 4096;
	local = (struct iovec){out, is_path && size > page_rest ? page_rest : size};
	remote = (struct iovec){(void *)from, local.iov_len};
	ssize_t got = process_vm_readv((pid_t)n->pid, &local, 1, &remote, 1, 0);
	return got < 0 ? 0 : is_path ? strnlen(out, (size_t)got) : (size_t)got;
}

static bool is_counted(const struct seccomp_notif *n, const struct call *call)
{
	if (call->counted == COUNTED_WRITE)
		return n->data.args[0] > 2; /* messages */
	if (call->counted ==
		COUNTED_OPEN) /* what is only read is, at this level, mostly the dynamic linker's */
		return n->data.args[2] & (O_CREAT | O_WRONLY | O_RDWR | O_PATH | O_DIRECTORY);
	return call->counted == COUNTED || n->data.args[0] != PR_CAPBSET_READ;
}

static void comm_read(uint32_t pid, char out[static 32])
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%u/comm", pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, out, 31);
	out[n > 0 ? n - 1 : 0] = '\0';
	close(fd);
}

/* The error for this call, or 0. */
static int verdict(struct refusal *x, const struct seccomp_notif *n)
{
	char comm[32], data[DATA_MAX];
	const struct call *call = calls;
	while (call->number != n->data.nr)
		call++;
	comm_read(n->pid, comm);
	if (strcmp(comm, "refuse") == 0)
		return 0;
	for (int i = 0; i < x->payload_count; i++)
		if (strcmp(comm, x->payloads[i]) == 0)
			return 0;
	size_t size = data_read(n, call->data, data);
	if (is_counted(n, call) && ++x->seen && x->log) {
		bool is_text = call->data == DATA_PATH_0 || call->data == DATA_PATH_1;
		fprintf(x->log, "%lu %s %s %.*s\n", x->seen, comm, call->name,
			is_text ? (int)size : 0, data);
		fflush(x->log);
	}
	for (int i = 0; i < x->rule_count; i++) {
		const struct rule *rule = &x->rules[i];
		bool is_hit = rule->call ? rule->call == call &&
				(!rule->text || memmem(data, size, rule->text, strlen(rule->text)))
					 : rule->nth == x->seen && is_counted(n, call);
		if (is_hit)
			return rule->error;
	}
	return 0;
}

static void supervise(struct refusal *x, int listener)
{
	struct pollfd watch = {.fd = listener, .events = POLLIN};
	while (poll(&watch, 1, -1) >= 0 && !(watch.revents & (POLLHUP | POLLERR))) {
		struct seccomp_notif n = {0};
		if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &n) < 0)
			continue;
		int error = verdict(x, &n);
		struct seccomp_notif_resp answer = {.id = n.id, .error = -error};
		if (error == -1) {
			kill((pid_t)n.pid, SIGKILL);
			answer.error = -EINTR;
		}
		if (error == -2) {
			if (x->log) {
				fputs("LATER\n", x->log);
				fflush(x->log);
			}
			usleep(LATER_US);
			answer.error = error = 0;
		}
		if (error == 0)
			answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
		ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
	}
}

/* The supervisor keeps neither the caller's pipes nor its directory, since it may outlive the
 * command. */
static void become_supervisor(struct refusal *x, pid_t command, volatile int *number)
{
	while (*number == 0)
		usleep(100);
	int pidfd = (int)syscall(SYS_pidfd_open, command, 0);
	int listener = *number < 0 ? -1 : (int)syscall(SYS_pidfd_getfd, pidfd, *number, 0);
	*number = listener < 0 ? -2 : 0;
	if (listener < 0)
		die("no filter", "of seccomp");
	close(pidfd);
	int log_fd = x->log ? fileno(x->log) : -1;
	for (int fd = 0; fd < 1024; fd++)
		if (fd != listener && fd != log_fd)
			close(fd);
	supervise(x, listener);
	_exit(0);
}

static void become_command(char **args, volatile int *number)
{
	int listener = filter_install();
	*number = listener < 0 ? -1 : listener;
	while (*number > 0)
		usleep(100);
	if (*number < 0)
		_exit(EXIT_USAGE);
	close(listener);
	execvp(args[0], args);
	_exit(EXIT_USAGE);
}

int main(int argc, char **argv)
{
	struct refusal x = {0};
	int at = 1;
	for (; at < argc && strcmp(argv[at], "--") != 0; at++) {
		if (strcmp(argv[at], "--log") == 0)
			x.log = fopen(argv[++at], "we");
		else if (strcmp(argv[at], "--not") == 0)
			x.payloads[x.payload_count++] = argv[++at];
		else
			rule_add(&x, argv[at]);
	}
	if (at + 1 >= argc)
		die("no command", "given");
	volatile int *number = mmap(
		NULL, sizeof(*number), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t command = fork();
	if (command == 0)
		become_command(argv + at + 1, number);
	if (fork() == 0)
		become_supervisor(&x, command, number);
	int status;
	if (waitpid(command, &status, 0) != command)
		return EXIT_USAGE;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
