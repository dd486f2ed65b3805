/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The compiled default profile against its table: a small interpreter runs the program for every
 * number on both architectures and several sets of capabilities. The result must be that of a plain
 * search of the table by name. Then the kernel itself: forked children load the program and try
 * system calls.
 */
#include "sec/seccomp.c"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <sched.h>
#include <seccomp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define CAP(name) (UINT64_C(1) << CAP_##name)
#define HIGH (UINT64_C(1) << 32)

static const uint64_t cap_sets[] = {0, UINT64_MAX, CAP(CHOWN) | CAP(SYS_CHROOT), CAP(SYS_ADMIN),
	CAP(BPF), CAP(PERFMON), CAP(SYSLOG) | CAP(SYS_TIME), CAP(SYS_PTRACE) | CAP(SYS_NICE),
	CAP(DAC_READ_SEARCH), CAP(SYS_BOOT) | CAP(SYS_RAWIO),
	CAP(SYS_MODULE) | CAP(SYS_PACCT) | CAP(SYS_TTY_CONFIG)};

#if defined(__x86_64__)
static const uint32_t architectures[] = {AUDIT_ARCH_X86_64, AUDIT_ARCH_I386};
#else
static const uint32_t architectures[] = {AUDIT_ARCH_AARCH64, AUDIT_ARCH_ARM};
#endif

/* The kernel's classic BPF, with the instructions that husk's seccomp programs use. Any other fails
 * the test. */
static uint32_t run(const struct sock_filter *code, size_t count, const struct seccomp_data *data)
{
	uint32_t a = 0;

	for (size_t at = 0; at < count; at++) {
		const struct sock_filter *f = &code[at];
		switch (f->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			assert_true(f->k % 4 == 0 && f->k + 4 <= sizeof(*data));
			memcpy(&a, (const char *)data + f->k, 4);
			break;
		case BPF_ALU | BPF_AND | BPF_K:
			a &= f->k;
			break;
		case BPF_JMP | BPF_JA:
			at += f->k;
			break;
		case BPF_JMP | BPF_JEQ | BPF_K:
			at += a == f->k ? f->jt : f->jf;
			break;
		case BPF_JMP | BPF_JGE | BPF_K:
			at += a >= f->k ? f->jt : f->jf;
			break;
		case BPF_RET | BPF_K:
			return f->k;
		default:
			fail_msg("instruction %zu: code %#x", at, f->code);
		}
	}
	fail_msg("the program runs off its end");
	return 0;
}

struct program {
	struct sock_filter code[BPF_MAXINSNS];
	size_t count;
};

static void program_of(uint64_t caps, struct program *out)
{
	auto_buf struct buf bytes = BUF_INIT;
	size_t size = sec_seccomp_default(caps, &bytes);

	assert_int_equal(size, bytes.len);
	assert_true(size <= sizeof(out->code));
	memcpy(out->code, bytes.data, size);
	out->count = size / sizeof(struct sock_filter);
}

static uint32_t call(const struct program *p, uint32_t arch, int number, const uint64_t args[6])
{
	struct seccomp_data data = {.nr = number, .arch = arch};
	for (size_t i = 0; args && i < 6; i++)
		data.args[i] = args[i];
	return run(p->code, p->count, &data);
}

/* Searches the table directly. */
static const struct profile_rule *rule_named(const char *name)
{
	const struct profile_rule *found = NULL;
	for (size_t i = 0; i < profile_rule_count; i++) {
		char *words = strdup(profile_rules[i].names), *rest = words;
		for (char *word; (word = strsep(&rest, " "));) {
			if (strcmp(word, name) == 0) {
				assert_null(found); /* one rule for each name */
				found = &profile_rules[i];
			}
		}
		free(words);
	}
	return found;
}

static const struct profile_rule *rule_numbered(uint32_t arch, uint32_t number)
{
	char *name = seccomp_syscall_resolve_num_arch(arch, (int)number);
	const struct profile_rule *rule = name ? rule_named(name) : NULL;

	for (size_t i = 0; !name && !rule && i < profile_number_count; i++) {
		const struct profile_number *row = &profile_numbers[i];
		if (row->number == number && (arch == AUDIT_ARCH_X86_64 || !row->is_x86_64_only))
			rule = rule_named(row->name);
	}
	free(name);
	return rule;
}

static uint32_t action_of(struct profile_verdict verdict, uint64_t caps, const uint64_t args[6])
{
	switch (verdict.kind) {
	case PROFILE_ALLOW:
		return SECCOMP_RET_ALLOW;
	case PROFILE_ERRNO:
		return SECCOMP_RET_ERRNO | verdict.value;
	case PROFILE_GROUP:
		return caps & profile_groups[verdict.value].caps
			? SECCOMP_RET_ALLOW
			: SECCOMP_RET_ERRNO | profile_groups[verdict.value].denied;
	case PROFILE_TESTS:
		break;
	}
	const struct profile_test *test = &profile_tests[verdict.value];
	for (size_t i = 0; i < test->count; i++) {
		const struct profile_condition *c = &test->conditions[i];
		bool holds = ((uint32_t)args[c->arg] & c->mask) == c->value;
		if (c->has_second)
			holds = holds && (uint32_t)args[c->second_arg] == c->second_value;
		if (holds)
			return action_of(c->then, caps, args);
	}
	return action_of(test->otherwise, caps, args);
}

/* Values that some condition uses, their neighbours, and all of them with high bits. */
static const uint64_t interesting[] = {0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 38, 40, 0x5412, 0x5413,
	0x541c, 0x20000, 0x20008, 0x10000000, 0x20000000, 0x02000000, 0x01200011, 0x7e020000,
	0x7fffffff, 0xffffffff, 0x1234500000000};
enum { INTERESTING = sizeof(interesting) / sizeof(interesting[0]) };

static void compare_with_table(const struct program *p, uint64_t caps, uint32_t arch, int number)
{
	const struct profile_rule *rule = rule_numbered(arch, (uint32_t)number);
	struct profile_verdict unknown = {PROFILE_ERRNO, ENOSYS};
	struct profile_verdict verdict = rule ? rule->verdict : unknown;
	size_t variants = verdict.kind == PROFILE_TESTS ? INTERESTING * INTERESTING * 2 : 1;

	for (size_t i = 0; i < variants; i++) {
		uint64_t high = i % 2 ? HIGH | HIGH << 30 : 0;
		uint64_t one = interesting[i / 2 % INTERESTING] | high;
		uint64_t other = interesting[i / 2 / INTERESTING] | high;
		uint64_t args[6] = {one, other, other, one, other, one};
		uint32_t want = action_of(verdict, caps, args), got = call(p, arch, number, args);
		if (want != got)
			fail_msg("arch %#x call %d(%#lx, %#lx) caps %#lx: %#x, not %#x", arch,
				number, (long)one, (long)other, (long)caps, got, want);
	}
}

static void test_program_is_table(void **state)
{
	static struct program p;

	for (size_t c = 0; c < sizeof(cap_sets) / sizeof(cap_sets[0]); c++) {
		program_of(cap_sets[c], &p);
		for (size_t a = 0; a < 2; a++) {
			for (int number = 0; number <= 600; number++)
				compare_with_table(&p, cap_sets[c], architectures[a], number);
			for (int number = 0xf0000; number <= 0xf0020; number++)
				compare_with_table(&p, cap_sets[c], architectures[a], number);
		}
	}
}

/* Every call that libseccomp knows is in the table, so the list of refused calls is complete. */
static void test_no_call_is_forgotten(void **state)
{
	for (size_t a = 0; a < 2; a++) {
		for (uint32_t number = 0; number <= 456; number++) {
			char *name = seccomp_syscall_resolve_num_arch(
				architectures[a], (int)number);
			if (name && !rule_named(name))
				fail_msg("%s has no rule", name);
			free(name);
		}
	}
}

static void test_no_marker_remains(void **state)
{
	static struct program p;
	bool has_marker[PROFILE_GROUP_COUNT] = {false};

	assert_true(PROFILE_MARKER + PROFILE_GROUP_COUNT <= 4095); /* the largest errno */
	for (size_t i = 0; i < profile_program_count; i++) {
		uint32_t errno_value = profile_program[i].k & SECCOMP_RET_DATA;
		if (profile_program[i].code == (BPF_RET | BPF_K) && errno_value >= PROFILE_MARKER)
			has_marker[errno_value - PROFILE_MARKER] = true;
	}
	for (size_t i = 0; i < PROFILE_GROUP_COUNT; i++)
		assert_true(has_marker[i] || i == GROUP_SYS_RAWIO); /* only x86 has I/O ports */
	program_of(CAP(SYS_ADMIN), &p);
	for (size_t i = 0; i < p.count; i++) {
		if (p.code[i].code == (BPF_RET | BPF_K))
			assert_true((p.code[i].k & SECCOMP_RET_DATA) < PROFILE_MARKER);
	}
}

static void test_default_appends(void **state)
{
	auto_buf struct buf out = BUF_INIT;
	buf_adds(&out, "abc");
	size_t size = sec_seccomp_default(0, &out);
	assert_int_equal(out.len, 3 + size);
	assert_memory_equal(out.data, "abc", 3);
	assert_int_equal(size, profile_program_count * 8);
}

/* Some results written by hand, so that a mistake in the table itself is found. */
struct expectation {
	int number;
	uint64_t caps, first, second, third;
	uint32_t action;
};

#define ALLOW SECCOMP_RET_ALLOW
#define FAIL(code) (SECCOMP_RET_ERRNO | (code))

static const struct expectation expectations[] = {
	{SYS_read, 0, 0, 0, 0, ALLOW},
	{SYS_openat, 0, 0, 0, 0, ALLOW},
	{SYS_exit_group, 0, 0, 0, 0, ALLOW},
	{SYS_mount, 0, 0, 0, 0, FAIL(EPERM)},
	{SYS_mount, CAP(SYS_ADMIN), 0, 0, 0, ALLOW},
	{SYS_unshare, 0, 0, 0, 0, FAIL(EPERM)},
	{SYS_setns, CAP(SYS_ADMIN), 0, 0, 0, ALLOW},
	{SYS_pivot_root, UINT64_MAX, 0, 0, 0, FAIL(EPERM)},
	{SYS_clone3, 0, 0, 0, 0, FAIL(ENOSYS)},
	{SYS_clone3, CAP(SYS_ADMIN), 0, 0, 0, ALLOW},
	{SYS_clone, 0, SIGCHLD, 0, 0, ALLOW},
	{SYS_clone, 0, 0x3d0f00, 0, 0, ALLOW}, /* a thread */
	{SYS_clone, 0, CLONE_NEWUSER | SIGCHLD, 0, 0, FAIL(EPERM)},
	{SYS_clone, 0, HIGH | CLONE_NEWNS, 0, 0, FAIL(EPERM)},
	{SYS_clone, 0, HIGH | SIGCHLD, 0, 0, ALLOW},
	{SYS_clone, CAP(SYS_ADMIN), CLONE_NEWUSER, 0, 0, ALLOW},
	{SYS_ioctl, 0, 0, 0x5413, 0, ALLOW},
	{SYS_ioctl, UINT64_MAX, 0, 0x5412, 0, FAIL(EPERM)},
	{SYS_ioctl, 0, 0, HIGH | 0x5412, 0, FAIL(EPERM)},
	{SYS_ioctl, 0, 0, HIGH << 31 | 0x541c, 0, FAIL(EPERM)},
	{SYS_personality, 0, 0, 0, 0, ALLOW},
	{SYS_personality, 0, 0x40000, 0, 0, FAIL(EPERM)}, /* ADDR_NO_RANDOMIZE */
	{SYS_personality, 0, HIGH | 0x40000, 0, 0, FAIL(EPERM)},
	{SYS_personality, 0, UINT64_MAX, 0, 0, ALLOW},
	{SYS_socket, 0, AF_UNIX, 0, 0, ALLOW},
	{SYS_socket, 0, AF_INET6, 0, 0, ALLOW},
	{SYS_socket, 0, AF_PACKET, 0, 0, ALLOW},
	{SYS_socket, 0, AF_NETLINK, SOCK_RAW, 0, ALLOW},
	{SYS_socket, UINT64_MAX, AF_NETLINK, SOCK_RAW, 9, FAIL(EINVAL)},
	{SYS_socket, 0, HIGH | AF_NETLINK, SOCK_RAW, HIGH | 9, FAIL(EINVAL)},
	{SYS_socket, UINT64_MAX, 38, 0, 0, FAIL(EAFNOSUPPORT)},
	{SYS_socket, 0, HIGH | 38, 0, 0, FAIL(EAFNOSUPPORT)},
	{SYS_socket, 0, 40, 0, 0, FAIL(EAFNOSUPPORT)},
	{SYS_socketpair, 0, AF_UNIX, 0, 0, ALLOW},
	{SYS_socketpair, 0, 21, 0, 0, FAIL(EAFNOSUPPORT)},
	{SYS_keyctl, UINT64_MAX, 0, 0, 0, FAIL(EPERM)},
	{SYS_add_key, 0, 0, 0, 0, FAIL(EPERM)},
	{SYS_request_key, 0, 0, 0, 0, FAIL(EPERM)},
	{SYS_vmsplice, 0, 0, 0, 0, FAIL(EPERM)},
	{SYS_io_uring_setup, UINT64_MAX, 0, 0, 0, FAIL(EPERM)},
	{SYS_userfaultfd, 0, 0, 0, 0, FAIL(EPERM)},
	{SYS_kexec_load, 0, 0, 0, 0, FAIL(EPERM)},
	{SYS_swapon, 0, 0, 0, 0, FAIL(EPERM)},
	{SYS_move_pages, 0, 0, 0, 0, FAIL(EPERM)},
	{SYS_pidfd_getfd, 0, 0, 0, 0, FAIL(EPERM)},
	{SYS_pidfd_getfd, CAP(SYS_PTRACE), 0, 0, 0, ALLOW},
	{SYS_ptrace, 0, 0, 0, 0, ALLOW},
	{SYS_open_by_handle_at, CAP(DAC_OVERRIDE), 0, 0, 0, FAIL(EPERM)},
	{SYS_open_by_handle_at, CAP(DAC_READ_SEARCH), 0, 0, 0, ALLOW},
	{SYS_bpf, CAP(BPF), 0, 0, 0, ALLOW},
	{SYS_bpf, CAP(PERFMON), 0, 0, 0, FAIL(EPERM)},
	{SYS_perf_event_open, CAP(PERFMON), 0, 0, 0, ALLOW},
	{SYS_perf_event_open, CAP(SYS_ADMIN), 0, 0, 0, ALLOW},
	{SYS_syslog, 0, 0, 0, 0, FAIL(EPERM)},
	{SYS_syslog, CAP(SYSLOG), 0, 0, 0, ALLOW},
	{SYS_reboot, CAP(SYS_BOOT), 0, 0, 0, ALLOW},
	{SYS_chroot, 0, 0, 0, 0, FAIL(EPERM)},
	{SYS_chroot, CAP(SYS_CHROOT), 0, 0, 0, ALLOW},
	{452, 0, 0, 0, 0, ALLOW}, /* fchmodat2 */
	{457, 0, 0, 0, 0, ALLOW}, /* statmount */
	{462, 0, 0, 0, 0, ALLOW}, /* mseal */
	{460, 0, 0, 0, 0, FAIL(EPERM)}, /* lsm_set_self_attr */
	{467, 0, 0, 0, 0, FAIL(EPERM)}, /* open_tree_attr */
	{600, UINT64_MAX, 0, 0, 0, FAIL(ENOSYS)},
	{0x3fffffff, 0, 0, 0, 0, FAIL(ENOSYS)},
	{0x40000000, UINT64_MAX, 0, 0, 0, FAIL(ENOSYS)}, /* x32 read */
	{-1, 0, 0, 0, 0, FAIL(ENOSYS)},
};

static void test_expectations(void **state)
{
	static struct program p;

	for (size_t i = 0; i < sizeof(expectations) / sizeof(expectations[0]); i++) {
		const struct expectation *e = &expectations[i];
		uint64_t args[6] = {e->first, e->second, e->third};
		program_of(e->caps, &p);
		uint32_t got = call(&p, architectures[0], e->number, args);
		if (got != e->action)
			fail_msg("row %zu, call %d: %#x, not %#x", i, e->number, got, e->action);
	}
}

static void test_other_architectures(void **state)
{
	static struct program p;
	program_of(UINT64_MAX, &p);
	assert_int_equal(call(&p, AUDIT_ARCH_S390X, SYS_read, NULL), SECCOMP_RET_KILL_PROCESS);
	if (architectures[1] == AUDIT_ARCH_I386) {
		uint64_t socket[6] = {38};
		assert_int_equal(call(&p, AUDIT_ARCH_I386, 102, NULL), ALLOW); /* socketcall */
		assert_int_equal(call(&p, AUDIT_ARCH_I386, 359, socket), FAIL(EAFNOSUPPORT));
		socket[0] = AF_INET;
		assert_int_equal(call(&p, AUDIT_ARCH_I386, 359, socket), ALLOW);
		assert_int_equal(call(&p, AUDIT_ARCH_I386, 295, NULL), ALLOW); /* openat */
	}
}

/* The kernel itself: a child loads the program for a set of capabilities; `body` returns its exit
 * code. */
static int confined(uint64_t caps, int (*body)(void))
{
	auto_buf struct buf program = BUF_INIT;
	size_t size = sec_seccomp_default(caps, &program);
	int status;

	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
			_exit(100);
		if (sec_seccomp_load(program.data, size, 0) != 0)
			_exit(101);
		_exit(body());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int failure_of(long result)
{
	return result == -1 ? errno : 0;
}

#define TRY(number, expected) \
	do { \
		if (failure_of(number) != (expected)) \
			return __LINE__ & 127 ? __LINE__ & 127 : 1; \
	} while (0)

static int without_caps(void)
{
	TRY(syscall(SYS_getpid), 0);
	TRY(syscall(SYS_mount, -1L, -1L, -1L, -1L, -1L), EPERM);
	TRY(syscall(SYS_unshare, CLONE_NEWUSER), EPERM);
	TRY(syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0), EPERM);
	TRY(syscall(SYS_clone3, -1L, -1L), ENOSYS);
	TRY(syscall(SYS_ioctl, -1, 0x5412, 0), EPERM);
	TRY(syscall(SYS_ioctl, -1, HIGH | 0x5412, 0), EPERM);
	TRY(syscall(SYS_ioctl, -1, 0x5413, 0), EBADF);
	TRY(syscall(SYS_keyctl, -1L), EPERM);
	TRY(syscall(SYS_vmsplice, -1L, -1L, -1L, -1L), EPERM);
	TRY(syscall(SYS_personality, 0x40000), EPERM);
	TRY(syscall(SYS_socket, 38, SOCK_SEQPACKET, 0), EAFNOSUPPORT);
	TRY(syscall(SYS_socket, HIGH | 38, SOCK_SEQPACKET, 0), EAFNOSUPPORT);
	TRY(syscall(SYS_socket, AF_NETLINK, SOCK_RAW, 9), EINVAL);
	TRY(syscall(SYS_socket, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), 0);
	TRY(syscall(SYS_socket, AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0), 0);
	TRY(syscall(SYS_open_by_handle_at, -1L, -1L, -1L), EPERM);
	TRY(syscall(600), ENOSYS);
	TRY(syscall(SYS_getpid | 0x40000000), ENOSYS);
	return 0;
}

/* With the capabilities the call reaches the kernel. */
static int with_caps(void)
{
	TRY(syscall(SYS_clone3, 0L, 0L), EINVAL);
	TRY(syscall(SYS_setns, -1L, 0), EBADF);
	TRY(syscall(SYS_ioctl, -1, 0x5412, 0), EPERM);
	TRY(syscall(SYS_keyctl, -1L), EPERM);
	return 0;
}

static int threads_and_children(void)
{
	pid_t pid = fork();
	if (pid == 0)
		_exit(7);
	int status;
	if (pid < 0 || waitpid(pid, &status, 0) != pid || WEXITSTATUS(status) != 7)
		return 1;
	return 0;
}

static void test_kernel(void **state)
{
	assert_int_equal(confined(0, without_caps), 0);
	assert_int_equal(confined(UINT64_MAX, with_caps), 0);
	assert_int_equal(confined(0, threads_and_children), 0);
}

static void test_load_refuses(void **state)
{
	static const struct sock_filter bad[] = {{BPF_RET | BPF_A, 0, 0, 0}, {0xffff, 0, 0, 0}};

	assert_int_equal(sec_seccomp_load(bad, 0, 0), -EINVAL);
	assert_int_equal(sec_seccomp_load(bad, 7, 0), -EINVAL);
	assert_int_equal(sec_seccomp_load(bad, 8 * (BPF_MAXINSNS + 1), 0), -EINVAL);
	pid_t pid = fork();
	if (pid == 0) {
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		int r = sec_seccomp_load(bad, sizeof(bad), 0);
		_exit(r == -EINVAL && strstr(err_text(), "load the seccomp program") ? 0 : 1);
	}
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_program_is_table),
		cmocka_unit_test(test_no_call_is_forgotten),
		cmocka_unit_test(test_no_marker_remains),
		cmocka_unit_test(test_default_appends),
		cmocka_unit_test(test_expectations),
		cmocka_unit_test(test_other_architectures),
		cmocka_unit_test(test_kernel),
		cmocka_unit_test(test_load_refuses),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
