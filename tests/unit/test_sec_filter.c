/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Profiles compiled by husk and by libseccomp. Both programs are run for many calls: hand-made
 * profiles, every comparison at its limits, and random ones. Where husk differs from libseccomp, a
 * test states the expected result. At the end the kernel loads a program.
 */
#include "sec/filter.c"

#include <setjmp.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "sec_reference.c"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))
#define ALLOW SECCOMP_RET_ALLOW
#define FAIL(code) (SECCOMP_RET_ERRNO | (code))
#define KILL SECCOMP_RET_KILL_PROCESS
#define X86_ABIS (BIT(SEC_ABI_X86_64) | BIT(SEC_ABI_X32) | BIT(SEC_ABI_X86))
#define ARM_ABIS (BIT(SEC_ABI_AARCH64) | BIT(SEC_ABI_ARM))
#define NAMES(...) \
	{ \
		(const char *[]){__VA_ARGS__}, LENGTH(((const char *[]){__VA_ARGS__})) \
	}
#define CONDITIONS(...) \
	(struct sec_condition[]){__VA_ARGS__}, LENGTH(((struct sec_condition[]){__VA_ARGS__}))
#define RULES(...) (struct sec_rule[]){__VA_ARGS__}, LENGTH(((struct sec_rule[]){__VA_ARGS__}))

static void compile(const struct sec_filter *filter, enum sec_abi native, struct bpf *out)
{
	auto_buf struct buf bytes = BUF_INIT;

	if (compile_for(filter, native, &bytes) < 0)
		fail_msg("%s", err_text());
	assert_true(bytes.len <= sizeof(struct sock_filter) * BPF_MAXINSNS);
	memcpy(out->code, bytes.data, bytes.len);
	out->count = bytes.len / sizeof(struct sock_filter);
	bpf_check(out);
}

/* Arguments that conditions compare with, their neighbours, and values with other high halves. */
static const uint64_t values[] = {0, 1, 2, 5, 8, 9, 10, 38, 39, 40, 41, 0x20000, 0x7e020000,
	0x02000000, 0x01200011, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff, 0x100000000,
	0x100000001, 0x100000028, 0x2800000028, 0x2800000027, 0x7fffffffffffffff,
	0x8000000000000000, 0xffffffff00000000, 0xffffffff00000028, 0xfffffffffffffffe,
	0xffffffffffffffff};

static uint32_t random_next(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*state >> 33);
}

static bool holds(const struct sec_condition *c, uint64_t value)
{
	switch (c->compare) {
	case SEC_EQ:
		return value == c->value;
	case SEC_NE:
		return value != c->value;
	case SEC_GT:
		return value > c->value;
	case SEC_GE:
		return value >= c->value;
	case SEC_LT:
		return value < c->value;
	case SEC_LE:
		return value <= c->value;
	case SEC_MASKED_EQ:
		return (value & c->value) == (c->second & c->value);
	}
	return false;
}

/* The meaning of a filter, implemented a third time: its rules are searched one after another. */
static bool rule_holds(const struct sec_rule *rule, const struct seccomp_data *data, bool is_wide,
	bool has_multiplexer)
{
	bool is_any = has_argument_twice(rule);

	for (size_t i = 0; i < rule->condition_count; i++) {
		struct sec_condition c = rule->conditions[i];
		if (!is_wide) {
			c.value = (uint32_t)c.value;
			c.second = (uint32_t)c.second;
		}
		bool is_void = has_multiplexer && c.arg == 0;
		uint64_t value = is_wide ? data->args[c.arg] : (uint32_t)data->args[c.arg];
		bool is = is_void || holds(&c, value);
		if (is == is_any)
			return is_any;
	}
	return !is_any;
}

/* A condition with an empty mask always holds. */
static bool rule_is_whole(const struct sec_rule *rule, bool is_wide)
{
	size_t idle = 0;
	for (size_t i = 0; i < rule->condition_count; i++) {
		const struct sec_condition *c = &rule->conditions[i];
		idle += c->compare == SEC_MASKED_EQ &&
			(is_wide ? c->value : (uint32_t)c->value) == 0;
	}
	return has_argument_twice(rule) ? idle > 0 : idle == rule->condition_count;
}

/* 0: not this call; 1: directly; 2: through its multiplexer. test_names checks the table. */
static unsigned name_reaches(const char *name, unsigned abi, const struct seccomp_data *data)
{
	const struct abi_call *call = call_find(name);
	uint32_t number = (uint32_t)data->nr & ~(abi == SEC_ABI_X32 ? ABI_X32_BIT : 0);

	if (!call)
		return 0;
	if (number >= ABI_PRIVATE_BEGIN)
		number = number - ABI_PRIVATE_BEGIN + ABI_NUMBERS_END;
	if (number == call->slots[abi] && number != ABI_NO_SLOT)
		return 1;
	uint32_t multiplexer = call->x86_multiplexer == ABI_IPC ? 117 : 102;
	bool is_multiplexed = abi == SEC_ABI_X86 && call->x86_multiplexer != ABI_DIRECT;
	return is_multiplexed && number == multiplexer && data->args[0] == call->x86_multiplexed
		? 2
		: 0;
}

static uint32_t model_run(
	const struct sec_filter *filter, unsigned abi, const struct seccomp_data *data)
{
	bool is_wide = abi == SEC_ABI_X86_64 || abi == SEC_ABI_AARCH64;
	const struct sec_rule *found = NULL;

	for (size_t i = 0; i < filter->count; i++) {
		const struct sec_rule *rule = &filter->items[i];
		unsigned reach = 0;
		for (size_t n = 0; n < rule->names.count && reach == 0; n++)
			reach = name_reaches(rule->names.items[n], abi, data);
		if (reach == 1 && rule_is_whole(rule, is_wide))
			return rule->action;
		if (reach && !found && rule_holds(rule, data, is_wide, reach == 2))
			found = rule;
	}
	return found ? found->action : filter->default_action;
}

static void compare_call(
	const struct reference *reference, const struct bpf *ours, const struct seccomp_data *data)
{
	uint32_t want = reference_run(reference, data), got = bpf_run(ours, data);
	unsigned abi = reference_abi(data);
	if (reference_stub(reference, data) == 0 && reference->abis & 1u << abi && data->nr != -1)
		assert_int_equal(got, model_run(reference->filter, abi, data));
	if (want != got && !reference->is_mute)
		fail_msg("arch %#x call %#x(%#llx, %#llx, %#llx, %#llx, %#llx, %#llx): %#x, not "
			 "%#x",
			data->arch, (unsigned)data->nr, data->args[0], data->args[1], data->args[2],
			data->args[3], data->args[4], data->args[5], got, want);
}

/* On 32-bit architectures the high half of an argument is always 0. */
static void compare_number(const struct reference *reference, const struct bpf *ours, uint32_t arch,
	uint32_t number, size_t tries, uint64_t *seed)
{
	bool is_narrow = arch == AUDIT_ARCH_I386 || arch == AUDIT_ARCH_ARM;

	for (size_t i = 0; i < tries; i++) {
		struct seccomp_data data = {.nr = (int)number, .arch = arch};
		for (size_t arg = 0; arg < 6; arg++) {
			uint64_t value = values[random_next(seed) % LENGTH(values)];
			data.args[arg] = is_narrow ? (uint32_t)value : value;
		}
		compare_call(reference, ours, &data);
	}
}

static const uint32_t edges[] = {1023, 1024, 0xeffff, 0xf0000, 0xf0001, 0xf0005, 0xf000f, 0xf0010,
	0x3fffffff, 0x40000000, 0x40000001, 0x400003ff, 0x40000400, 0x7fffffff, 0x80000000,
	0xbfffffff, 0xfffffffe, 0xffffffff};

/* Returns whether libseccomp's program was compared. */
static bool compare_asking(const struct sec_filter *filter, enum sec_abi native, size_t tries,
	uint64_t *seed, bool asks_libseccomp)
{
	static struct reference reference;
	static struct bpf ours;

	reference_init(&reference, filter, native, asks_libseccomp);
	compile(filter, native, &ours);
	static const uint32_t archs[] = {AUDIT_ARCH_X86_64, AUDIT_ARCH_I386, AUDIT_ARCH_AARCH64,
		AUDIT_ARCH_ARM, AUDIT_ARCH_S390X, 0};
	for (size_t i = 0; i < LENGTH(archs); i++) {
		bool is_ours = archs[i] == families[native][0].token ||
			archs[i] == families[native][1].token;
		for (uint32_t number = 0; is_ours && number < 560; number++) {
			uint32_t x32 = number | 0x40000000;
			compare_number(&reference, &ours, archs[i], number, tries, seed);
			compare_number(&reference, &ours, archs[i], x32, tries, seed);
		}
		for (size_t e = 0; e < LENGTH(edges); e++)
			compare_number(&reference, &ours, archs[i], edges[e], tries, seed);
	}
	return !reference.is_mute;
}

static void compare_all(
	const struct sec_filter *filter, enum sec_abi native, size_t tries, uint64_t *seed)
{
	compare_asking(filter, native, tries, seed, true);
}

/* Compares the table with libseccomp, name by name, in both directions. */
static void test_names(void **state)
{
	for (size_t i = 0; i < abi_call_count; i++) {
		const struct abi_call *call = &abi_calls[i];
		const char *name = abi_names + call->name;
		assert_ptr_equal(call_find(name), call);
		if (i > 0)
			assert_true(strcmp(abi_names + abi_calls[i - 1].name, name) < 0);
		for (unsigned abi = 0; abi < SEC_ABI_COUNT; abi++) {
			int want = seccomp_syscall_resolve_name_arch(reference_tokens[abi], name);
			uint32_t slot = call->slots[abi];
			if (slot >= ABI_NUMBERS_END && slot != ABI_NO_SLOT)
				slot += ABI_PRIVATE_BEGIN - ABI_NUMBERS_END;
			if (want >= 0)
				assert_int_equal(slot, (uint32_t)want & ~ABI_X32_BIT);
			else if (want != __NR_SCMP_ERROR && (want < -300 || want > -100))
				assert_int_equal(slot, ABI_NO_SLOT);
		}
	}
	for (unsigned abi = 0; abi < SEC_ABI_COUNT; abi++) {
		for (uint32_t number = 0; number < 1024; number++) {
			uint32_t bit = abi == SEC_ABI_X32 ? ABI_X32_BIT : 0;
			char *name = seccomp_syscall_resolve_num_arch(
				reference_tokens[abi], (int)(number | bit));
			const struct abi_call *call = name ? call_find(name) : NULL;
			if (name && (!call || call->slots[abi] != number))
				fail_msg("%s is not %u", name, number);
			free(name);
		}
	}
	assert_null(call_find(""));
	assert_null(call_find("zzz"));
	assert_null(call_find("rea"));
	assert_null(call_find("READ"));
}

static void test_multiplexed(void **state)
{
	static const struct {
		const char *name;
		uint16_t slot;
		uint8_t multiplexer, multiplexed;
	} rows[] = {
		{"socket", 359, ABI_SOCKETCALL, 1},
		{"accept", ABI_NO_SLOT, ABI_SOCKETCALL, 5},
		{"sendmmsg", 345, ABI_SOCKETCALL, 20},
		{"semop", ABI_NO_SLOT, ABI_IPC, 1},
		{"shmctl", 396, ABI_IPC, 24},
		{"read", 3, ABI_DIRECT, 0},
		{"socketcall", 102, ABI_DIRECT, 0},
		{"ipc", 117, ABI_DIRECT, 0},
	};
	for (size_t i = 0; i < LENGTH(rows); i++) {
		const struct abi_call *call = call_find(rows[i].name);
		assert_non_null(call);
		assert_int_equal(call->slots[SEC_ABI_X86], rows[i].slot);
		assert_int_equal(call->x86_multiplexer, rows[i].multiplexer);
		assert_int_equal(call->x86_multiplexed, rows[i].multiplexed);
	}
}

static const uint32_t actions[] = {ALLOW, FAIL(EPERM), FAIL(0), FAIL(4094), KILL,
	SECCOMP_RET_KILL_THREAD, SECCOMP_RET_TRAP, SECCOMP_RET_LOG, SECCOMP_RET_TRACE | 7};

static void test_tiny(void **state)
{
	uint64_t seed = 1;

	for (size_t i = 0; i < LENGTH(actions); i++) {
		for (size_t rule = 0; rule < LENGTH(actions); rule++) {
			struct sec_filter filter = {actions[i], X86_ABIS,
				RULES({NAMES("read", "mmap2", "openat", "nosuchcall", "set_tls"),
					actions[rule]})};
			compare_all(&filter, SEC_ABI_X86_64, 1, &seed);
			filter.abis = 0;
			compare_all(&filter, SEC_ABI_X86_64, 1, &seed);
			compare_all(&filter, SEC_ABI_AARCH64, 1, &seed);
			filter.abis = ARM_ABIS;
			compare_all(&filter, SEC_ABI_AARCH64, 1, &seed);
			filter.count = 0;
			compare_all(&filter, SEC_ABI_AARCH64, 1, &seed);
		}
	}
}

/* Every comparison with every value, compared with libseccomp and with C. */
static void compare_condition(struct sec_condition condition)
{
	static struct reference reference;
	static struct bpf ours;
	struct sec_filter filter = {
		FAIL(EPERM), X86_ABIS, RULES({NAMES("personality"), ALLOW, &condition, 1})};

	reference_init(&reference, &filter, SEC_ABI_X86_64, true);
	compile(&filter, SEC_ABI_X86_64, &ours);
	for (size_t i = 0; i < LENGTH(values); i++) {
		struct seccomp_data data = {.nr = 135, .arch = AUDIT_ARCH_X86_64};
		data.args[condition.arg] = values[i];
		compare_call(&reference, &ours, &data);
		assert_int_equal(
			bpf_run(&ours, &data), holds(&condition, values[i]) ? ALLOW : FAIL(EPERM));
		/* x32 and x86 use only the low half. */
		data.nr = 135 | 0x40000000;
		compare_call(&reference, &ours, &data);
		data.nr = 136;
		data.arch = AUDIT_ARCH_I386;
		data.args[condition.arg] = (uint32_t)values[i];
		compare_call(&reference, &ours, &data);
	}
}

static void test_comparisons(void **state)
{
	for (unsigned compare = SEC_EQ; compare <= SEC_MASKED_EQ; compare++) {
		for (size_t i = 0; i < LENGTH(values); i++)
			compare_condition((struct sec_condition){i % 6, compare, values[i],
				values[(i * 7 + compare) % LENGTH(values)]});
	}
}

/* Names in each of the three number spaces, some of which are multiplexed on x86. */
static const char *const names[] = {"read", "write", "socket", "bind", "accept", "accept4", "clone",
	"personality", "ioctl", "semop", "shmget", "msgctl", "mmap", "mmap2", "openat", "stat",
	"futex_time64", "cacheflush", "set_tls", "rt_sigaction", "process_madvise", "nosuchcall",
	"fchmodat2", "execve", "sync_file_range2", "getpid", "recv", "arch_prctl", "ptrace", "send",
	"sendmmsg", "ipc", "socketcall"};
enum { SIMPLE_NAMES = LENGTH(names) - 2 };

/* In a simple rule LE is never combined with another condition: then libseccomp 2.5 takes it for GT
 * on 32-bit architectures. */
static void random_conditions(
	struct arena *a, struct sec_rule *rule, bool is_simple, uint64_t *seed)
{
	size_t count = random_next(seed) % 4;
	struct sec_condition *to = arena_new_array(a, struct sec_condition, count);
	uint32_t first = random_next(seed) % 6;

	for (size_t i = 0; i < count; i++) {
		to[i].arg = is_simple ? (first + i) % 6 : random_next(seed) % 6;
		to[i].compare = random_next(seed) % (SEC_MASKED_EQ + 1);
		to[i].value = values[random_next(seed) % LENGTH(values)];
		to[i].second = values[random_next(seed) % LENGTH(values)];
		if (is_simple && count > 1 && to[i].compare == SEC_LE)
			to[i].compare = SEC_LT;
	}
	rule->conditions = to;
	rule->condition_count = count;
}

/* In a simple filter no two rules can both hold. For other filters libseccomp makes trees, in which
 * the numbers decide which rule comes first, and which are sometimes wrong. Such filters are
 * compared only with the model. */
static void random_filter(
	struct arena *a, struct sec_filter *filter, bool is_simple, uint64_t *seed)
{
	uint32_t first = random_next(seed) % LENGTH(names);

	filter->default_action = actions[random_next(seed) % LENGTH(actions)];
	filter->count = random_next(seed) % (is_simple ? SIMPLE_NAMES : 60);
	filter->items = arena_new_array(a, struct sec_rule, filter->count);
	for (size_t i = 0; i < filter->count; i++) {
		struct sec_rule *rule = &filter->items[i];
		size_t name = is_simple ? (first + i) % SIMPLE_NAMES
					: random_next(seed) % LENGTH(names);
		rule->names.items = arena_new_array(a, const char *, 1);
		rule->names.items[0] = names[name];
		rule->names.count = 1;
		rule->action = actions[random_next(seed) % LENGTH(actions)];
		random_conditions(a, rule, is_simple, seed);
	}
}

static void test_random(void **state)
{
	unsigned compared = 0;

	for (uint64_t i = 0; i < 500; i++) {
		auto_arena struct arena a = ARENA_INIT;
		struct sec_filter filter = {0};
		uint64_t seed = i * 1000003;
		bool is_simple = i % 2;
		random_filter(&a, &filter, is_simple, &seed);
		bool is_x86 = random_next(&seed) % 2;
		filter.abis = random_next(&seed) & (is_x86 ? X86_ABIS : ARM_ABIS);
		enum sec_abi native = is_x86 ? SEC_ABI_X86_64 : SEC_ABI_AARCH64;
		compared += compare_asking(&filter, native, 3, &seed, is_simple);
	}
	assert_in_range(compared, 150, 250);
}

static uint32_t ask(const struct sec_filter *filter, uint32_t arch, uint32_t number, uint64_t first,
	uint64_t second)
{
	static struct bpf bpf;
	struct seccomp_data data = {.nr = (int)number, .arch = arch, .args = {first, second}};

	compile(filter, SEC_ABI_X86_64, &bpf);
	return bpf_run(&bpf, &data);
}

/* The first rule that holds decides. A rule without conditions comes before all others, even one
 * with the default action. */
static void test_order(void **state)
{
	struct sec_filter first = {FAIL(EPERM), 0,
		RULES({NAMES("socket"), FAIL(EPERM), CONDITIONS({0, SEC_EQ, 38})},
			{NAMES("socket"), FAIL(EAFNOSUPPORT), CONDITIONS({0, SEC_LT, 40})},
			{NAMES("socket"), ALLOW, CONDITIONS({0, SEC_NE, 41})})};
	assert_int_equal(ask(&first, AUDIT_ARCH_X86_64, 41, 38, 0), FAIL(EPERM));
	assert_int_equal(ask(&first, AUDIT_ARCH_X86_64, 41, 39, 0), FAIL(EAFNOSUPPORT));
	assert_int_equal(ask(&first, AUDIT_ARCH_X86_64, 41, 40, 0), ALLOW);
	assert_int_equal(ask(&first, AUDIT_ARCH_X86_64, 41, 41, 0), FAIL(EPERM));

	struct sec_filter whole = {KILL, 0,
		RULES({NAMES("read"), FAIL(7), CONDITIONS({0, SEC_EQ, 1})}, {NAMES("read"), ALLOW},
			{NAMES("read"), FAIL(8)})};
	assert_int_equal(ask(&whole, AUDIT_ARCH_X86_64, 0, 1, 0), ALLOW);
	whole.items[1].action = KILL;
	assert_int_equal(ask(&whole, AUDIT_ARCH_X86_64, 0, 1, 0), KILL);
}

/* Two conditions for one argument: one of them is enough. */
static void test_argument_twice(void **state)
{
	struct sec_filter filter = {FAIL(EPERM), 0,
		RULES({NAMES("personality"), ALLOW,
			CONDITIONS({0, SEC_EQ, 8}, {1, SEC_EQ, 5}, {0, SEC_EQ, 9})})};
	assert_int_equal(ask(&filter, AUDIT_ARCH_X86_64, 135, 8, 0), ALLOW);
	assert_int_equal(ask(&filter, AUDIT_ARCH_X86_64, 135, 9, 0), ALLOW);
	assert_int_equal(ask(&filter, AUDIT_ARCH_X86_64, 135, 0, 5), ALLOW);
	assert_int_equal(ask(&filter, AUDIT_ARCH_X86_64, 135, 0, 0), FAIL(EPERM));
	filter.items[0].condition_count = 2;
	assert_int_equal(ask(&filter, AUDIT_ARCH_X86_64, 135, 8, 0), FAIL(EPERM));
	assert_int_equal(ask(&filter, AUDIT_ARCH_X86_64, 135, 8, 5), ALLOW);
}

static void test_architectures(void **state)
{
	struct sec_filter filter = {FAIL(EPERM), 0, RULES({NAMES("read", "openat"), ALLOW})};

	assert_int_equal(ask(&filter, AUDIT_ARCH_X86_64, 0, 0, 0), ALLOW);
	assert_int_equal(ask(&filter, AUDIT_ARCH_X86_64, 1, 0, 0), FAIL(EPERM));
	assert_int_equal(ask(&filter, AUDIT_ARCH_X86_64, 258, 0, 0), FAIL(ENOSYS));
	assert_int_equal(ask(&filter, AUDIT_ARCH_X86_64, UINT32_MAX, 0, 0), FAIL(EPERM));
	assert_int_equal(ask(&filter, AUDIT_ARCH_X86_64, ABI_X32_BIT, 0, 0), KILL);
	assert_int_equal(ask(&filter, AUDIT_ARCH_X86_64, ABI_X32_BIT | 258, 0, 0), KILL);
	assert_int_equal(ask(&filter, AUDIT_ARCH_I386, 3, 0, 0), KILL);
	filter.abis = X86_ABIS;
	assert_int_equal(ask(&filter, AUDIT_ARCH_X86_64, ABI_X32_BIT, 0, 0), ALLOW);
	assert_int_equal(ask(&filter, AUDIT_ARCH_X86_64, ABI_X32_BIT | 1, 0, 0), FAIL(EPERM));
	assert_int_equal(ask(&filter, AUDIT_ARCH_X86_64, ABI_X32_BIT | 258, 0, 0), FAIL(ENOSYS));
	assert_int_equal(ask(&filter, AUDIT_ARCH_I386, 3, 0, 0), ALLOW);
	assert_int_equal(ask(&filter, AUDIT_ARCH_I386, 0, 0, 0), FAIL(EPERM));
	assert_int_equal(ask(&filter, AUDIT_ARCH_AARCH64, 63, 0, 0), KILL);
	/* The architectures of another processor are not compiled at all. */
	filter.abis |= ARM_ABIS;
	assert_int_equal(ask(&filter, AUDIT_ARCH_AARCH64, 63, 0, 0), KILL);
}

/* Conditions that cannot share code. */
static void fill_conditions(struct sec_rule *rule, size_t count)
{
	rule->condition_count = count;
	for (size_t i = 0; i < count; i++)
		rule->conditions[i] = (struct sec_condition){0, SEC_GT, i << 32 | i, 0};
}

static void test_too_long(void **state)
{
	auto_arena struct arena a = ARENA_INIT;
	auto_buf struct buf out = BUF_INIT;
	enum { MANY = 100000 };
	struct sec_filter filter = {
		FAIL(EPERM), 0, RULES({NAMES("read", "write"), ALLOW}, {NAMES("write"), ALLOW})};

	filter.items[0].conditions = arena_new_array(&a, struct sec_condition, MANY);
	static const size_t counts[] = {900, 2047, 4096, 4097, MANY};
	for (size_t i = 0; i < LENGTH(counts); i++) {
		fill_conditions(&filter.items[0], counts[i]);
		assert_int_equal(sec_filter_compile(&filter, &out), -E2BIG);
		assert_string_equal(err_text(),
			"the seccomp profile needs more than the 4096 instructions that a program "
			"may have");
		assert_int_equal(out.len, 0);
	}
	/* Half of the conditions are for a call that the second rule decides alone. */
	static struct bpf bpf;
	fill_conditions(&filter.items[0], 800);
	compile(&filter, SEC_ABI_X86_64, &bpf);
	assert_true(bpf.count > 800 * 5 && bpf.count < 4096);
	for (uint64_t high = 0; high < 1000; high++) {
		struct seccomp_data data = {
			.nr = 0, .arch = AUDIT_ARCH_X86_64, .args = {high << 32}};
		assert_int_equal(bpf_run(&bpf, &data), high > 0 ? ALLOW : FAIL(EPERM));
		data.nr = 1;
		assert_int_equal(bpf_run(&bpf, &data), ALLOW);
	}
}

static void test_appends(void **state)
{
	auto_buf struct buf out = BUF_INIT;
	struct sec_filter filter = {ALLOW, 0, NULL, 0};

	buf_adds(&out, "abc");
	assert_int_equal(sec_filter_compile(&filter, &out), 0);
	assert_memory_equal(out.data, "abc", 3);
	assert_true(out.len > 3 && (out.len - 3) % sizeof(struct sock_filter) == 0);
}

/* 0 if the kernel behaves as the program says. */
static int in_the_kernel(const struct buf *program)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return 1;
	if (sec_seccomp_load(program->data, program->len, 0) < 0)
		return 2;
	if (syscall(SYS_getppid) != -1 || errno != 77)
		return 3;
	if (syscall(SYS_personality, UINT64_C(0x100000008)) != -1 || errno != EPERM)
		return 4;
	if (syscall(SYS_personality, 0xffffffffL) < 0)
		return 5;
	if (syscall(1000) != -1 || errno != ENOSYS)
		return 6;
	return 0;
}

static void test_kernel(void **state)
{
	auto_buf struct buf program = BUF_INIT;
	struct sec_filter filter = {FAIL(EPERM), X86_ABIS | ARM_ABIS,
		RULES({NAMES("exit_group", "exit", "write", "rt_sigreturn", "futex_waitv"), ALLOW},
			{NAMES("getppid"), FAIL(77)},
			{NAMES("personality"), ALLOW, CONDITIONS({0, SEC_EQ, 8})},
			{NAMES("personality"), ALLOW, CONDITIONS({0, SEC_EQ, 0xffffffff})})};
	assert_int_equal(sec_filter_compile(&filter, &program), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		syscall(SYS_exit_group,
			in_the_kernel(&program)); /* a sanitizer's _exit makes refused calls */
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_multiplexed),
		cmocka_unit_test(test_tiny),
		cmocka_unit_test(test_comparisons),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_argument_twice),
		cmocka_unit_test(test_architectures),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_appends),
		cmocka_unit_test(test_kernel),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
