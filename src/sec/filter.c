/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compiles a seccomp profile that was handed over with a container. A profile means what libseccomp
 * makes of it in the hands of runc, as far as that is defined:
 *
 * - A rule without conditions decides about its call alone; of several such rules the first one
 *   decides. Otherwise the first rule whose conditions hold decides, then the default.
 *   (libseccomp's order of rules that overlap follows from its trees and depends on their numbers.)
 * - A rule whose action is the default is a rule. runc drops it, and with it the exception from a
 *   later rule.
 * - If the default refuses, a call above all calls that the profile names is newer than the
 *   profile. It is "not implemented", so that a libc which tries it first falls back.
 * - A call of an architecture that is not listed kills the process; so does a call of x32, which
 *   has a bit instead of an architecture. Number -1 is no call: a tracer has skipped one. It gets
 *   the default.
 * - x86 has sockets and System V IPC behind two calls as well. A rule for socket(2) is also a rule
 *   for socketcall(2) with its number as the first argument; other conditions of that argument are
 *   dropped.
 *
 * Runs of numbers with one verdict become one leaf of a binary tree, as in the default profile.
 */
#include "sec/sec.h"

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "sec/abi.h"
#include "sec/program.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>

/* A profile with more tests than a program may have instructions cannot be compiled. This bounds
 * the work before that is found. */
enum { TESTS_MAX = 2 * BPF_MAXINSNS };

/* x86's numbers of its multiplexers. */
static const uint16_t multiplexer_slots[] = {
	[ABI_DIRECT] = ABI_NO_SLOT,
	[ABI_SOCKETCALL] = 102,
	[ABI_IPC] = 117,
};

/* A rule with conditions, for one call of one architecture. */
struct test {
	const struct sec_condition *conditions;
	size_t count;
	uint32_t action;
	bool has_first_argument; /* instead of conditions of argument 0 */
	uint8_t first_argument;
	uint16_t next; /* test of the call, or NO_TEST */
};

enum { NO_TEST = 0xffff };

enum slot_kind { SLOT_DEFAULT, SLOT_ACTION, SLOT_TESTS };

/* What becomes of a call. There are thousands of slots, so they are small: touching memory for the
 * first time is most of the cost of compiling. */
struct slot {
	uint32_t action;
	uint16_t first, last; /* tests */
	uint8_t kind; /* enum slot_kind */
};

struct table {
	struct slot slots[ABI_SLOT_COUNT];
	uint32_t newest_end; /* one above the highest number that the profile names */
};

/* All numbers from `first` up to the next range. */
struct range {
	uint32_t first;
	struct slot verdict;
};

struct compiler {
	const struct sec_filter *filter;
	struct arena arena;
	struct {
		struct test *items;
		size_t count;
	} tests;
	struct table *tables[SEC_ABI_COUNT]; /* of those that are compiled */
	struct range *ranges;
	size_t range_count;
	struct program program;
};

static void compiler_free(struct compiler *c)
{
	if (!c)
		return;
	arena_release(&c->arena);
	free(c);
}
AUTO_TYPE(compiler, struct compiler *, compiler_free)

/* An architecture, with the token that the kernel has for it. */
struct machine {
	uint32_t token;
	enum sec_abi abi;
	bool has_x32;
};

/* For each native architecture: itself and its sibling. */
static const struct machine families[SEC_ABI_COUNT][2] = {
	[SEC_ABI_X86_64] = {{AUDIT_ARCH_X86_64, SEC_ABI_X86_64, true},
		{AUDIT_ARCH_I386, SEC_ABI_X86, false}},
	[SEC_ABI_AARCH64] = {{AUDIT_ARCH_AARCH64, SEC_ABI_AARCH64, false},
		{AUDIT_ARCH_ARM, SEC_ABI_ARM, false}},
};

#define BIT(abi) (UINT32_C(1) << (abi))

static bool is_64_bit(enum sec_abi abi)
{
	return abi == SEC_ABI_X86_64 || abi == SEC_ABI_AARCH64;
}

static const struct abi_call *call_find(const char *name)
{
	size_t first = 0, end = abi_call_count;

	while (first < end) {
		size_t middle = first + (end - first) / 2;
		int order = strcmp(name, abi_names + abi_calls[middle].name);
		if (order == 0)
			return &abi_calls[middle];
		if (order < 0)
			end = middle;
		else
			first = middle + 1;
	}
	return NULL;
}

/* A condition with an empty mask compares nothing. */
static bool is_idle(const struct sec_condition *condition, enum sec_abi abi)
{
	uint64_t mask = is_64_bit(abi) ? condition->value : (uint32_t)condition->value;
	return condition->compare == SEC_MASKED_EQ && mask == 0;
}

static bool is_test_idle(const struct test *test, enum sec_abi abi)
{
	bool is = !test->has_first_argument;
	for (size_t i = 0; is && i < test->count; i++)
		is = is_idle(&test->conditions[i], abi);
	return is;
}

static void slot_add(struct compiler *c, enum sec_abi abi, uint16_t number, const struct test *test)
{
	struct slot *slot = &c->tables[abi]->slots[number];

	if (slot->kind == SLOT_ACTION)
		return;
	if (is_test_idle(test, abi)) {
		*slot = (struct slot){.kind = SLOT_ACTION, .action = test->action};
		return;
	}
	if (c->tests.count == TESTS_MAX) {
		c->program.is_too_long = true;
		return;
	}
	uint16_t index = (uint16_t)c->tests.count;
	*arena_push(&c->arena, &c->tests) = *test;
	if (slot->kind == SLOT_TESTS)
		c->tests.items[slot->last].next = index;
	else
		slot->first = index;
	slot->last = index;
	slot->kind = SLOT_TESTS;
}

static void add_test(struct compiler *c, const struct abi_call *call, struct test test)
{
	for (unsigned abi = 0; abi < SEC_ABI_COUNT; abi++) {
		if (c->tables[abi] && call->slots[abi] != ABI_NO_SLOT)
			slot_add(c, abi, call->slots[abi], &test);
	}
	if (c->tables[SEC_ABI_X86] && call->x86_multiplexer != ABI_DIRECT) {
		test.has_first_argument = true;
		test.first_argument = call->x86_multiplexed;
		slot_add(c, SEC_ABI_X86, multiplexer_slots[call->x86_multiplexer], &test);
	}
}

static bool has_argument_twice(const struct sec_rule *rule)
{
	uint32_t seen = 0;
	for (size_t i = 0; i < rule->condition_count; i++) {
		uint32_t bit = UINT32_C(1) << rule->conditions[i].arg;
		if (seen & bit)
			return true;
		seen |= bit;
	}
	return false;
}

static void note_number(struct compiler *c, const struct abi_call *call)
{
	for (unsigned abi = 0; abi < SEC_ABI_COUNT; abi++) {
		struct table *table = c->tables[abi];
		uint32_t number = call->slots[abi];
		if (table && number < ABI_NUMBERS_END && number >= table->newest_end)
			table->newest_end = number + 1;
	}
}

static void add_rule(struct compiler *c, const struct sec_rule *rule)
{
	size_t step = has_argument_twice(rule) ? 1 : rule->condition_count;

	for (size_t i = 0; i < rule->names.count; i++) {
		const struct abi_call *call = call_find(rule->names.items[i]);
		if (!call)
			continue;
		note_number(c, call);
		struct test test = {.action = rule->action, .count = step, .next = NO_TEST};
		size_t at = 0;
		do {
			test.conditions = rule->conditions + at;
			add_test(c, call, test);
			at += step;
		} while (at < rule->condition_count && !c->program.is_too_long);
	}
}

/* Little-endian, as every architecture of the table is. */
static size_t argument_offset(uint32_t arg)
{
	return offsetof(struct seccomp_data, args) + arg * sizeof(uint64_t);
}

/* One half of a masked comparison. Nothing is placed if the mask is empty. */
static size_t place_masked(struct program *p, size_t offset, uint32_t mask, uint32_t value,
	size_t then, size_t otherwise)
{
	if (mask == 0)
		return then;
	program_jump(p, BPF_JEQ, value & mask, then, otherwise);
	if (mask != UINT32_MAX)
		program_and(p, mask);
	return program_load(p, offset);
}

/* The high half decides unless it is equal; then the low half, by `compare`. */
static size_t place_order(struct program *p, const struct sec_condition *condition,
	uint16_t compare, bool has_high, size_t then, size_t otherwise)
{
	size_t offset = argument_offset(condition->arg);
	uint32_t high = (uint32_t)(condition->value >> 32);

	program_jump(p, compare, (uint32_t)condition->value, then, otherwise);
	size_t at = program_load(p, offset);
	if (!has_high)
		return at;
	at = program_jump(p, BPF_JEQ, high, at, otherwise);
	program_jump(p, BPF_JGT, high, then, at);
	return program_load(p, offset + sizeof(uint32_t));
}

static size_t place_equal(struct program *p, uint32_t arg, uint64_t mask, uint64_t value,
	size_t then, size_t otherwise)
{
	size_t offset = argument_offset(arg);

	then = place_masked(p, offset, (uint32_t)mask, (uint32_t)value, then, otherwise);
	return place_masked(p, offset + sizeof(uint32_t), (uint32_t)(mask >> 32),
		(uint32_t)(value >> 32), then, otherwise);
}

static size_t place_condition(struct program *p, const struct sec_condition *condition,
	bool has_high, size_t then, size_t otherwise)
{
	uint64_t all = has_high ? UINT64_MAX : UINT32_MAX;

	switch (condition->compare) {
	case SEC_EQ:
		return place_equal(p, condition->arg, all, condition->value, then, otherwise);
	case SEC_NE:
		return place_equal(p, condition->arg, all, condition->value, otherwise, then);
	case SEC_MASKED_EQ:
		return place_equal(p, condition->arg, all & condition->value, condition->second,
			then, otherwise);
	case SEC_GT:
		return place_order(p, condition, BPF_JGT, has_high, then, otherwise);
	case SEC_GE:
		return place_order(p, condition, BPF_JGE, has_high, then, otherwise);
	case SEC_LT:
		return place_order(p, condition, BPF_JGE, has_high, otherwise, then);
	case SEC_LE:
		return place_order(p, condition, BPF_JGT, has_high, otherwise, then);
	}
	BUG("comparison %d", condition->compare);
}

static size_t place_test(
	struct program *p, const struct test *test, enum sec_abi abi, size_t otherwise)
{
	size_t at = program_return(p, test->action);

	for (size_t i = test->count; i-- > 0;) {
		const struct sec_condition *condition = &test->conditions[i];
		bool is_replaced = test->has_first_argument && condition->arg == 0;
		if (!is_replaced)
			at = place_condition(p, condition, is_64_bit(abi), at, otherwise);
	}
	if (test->has_first_argument)
		at = place_equal(p, 0, UINT32_MAX, test->first_argument, at, otherwise);
	return at;
}

/* The last test is placed first. The list can only be walked forward, so its tests are collected
 * and then taken from the end. */
static size_t place_tests(struct compiler *c, const struct slot *slot, enum sec_abi abi)
{
	const struct test *tests[BPF_MAXINSNS];
	size_t count = 0;

	for (uint16_t at = slot->first; at != NO_TEST && count < BPF_MAXINSNS;) {
		tests[count++] = &c->tests.items[at];
		at = tests[count - 1]->next;
		c->program.is_too_long |= count == BPF_MAXINSNS;
	}
	size_t next = program_return(&c->program, c->filter->default_action);
	while (count-- > 0)
		next = place_test(&c->program, tests[count], abi, next);
	return next;
}

static enum sec_abi abi_of_range(const struct machine *machine, const struct range *range)
{
	return machine->has_x32 && range->first >= ABI_X32_BIT ? SEC_ABI_X32 : machine->abi;
}

static size_t place_tree(
	struct compiler *c, const struct machine *machine, const struct range *ranges, size_t count)
{
	if (count == 1 && ranges->verdict.kind == SLOT_TESTS)
		return place_tests(c, &ranges->verdict, abi_of_range(machine, ranges));
	if (count == 1)
		return program_return(&c->program, ranges->verdict.action);
	size_t middle = count / 2;
	size_t above = place_tree(c, machine, ranges + middle, count - middle);
	size_t below = place_tree(c, machine, ranges, middle);
	return program_jump(&c->program, BPF_JGE, ranges[middle].first, above, below);
}

static void range_add(struct compiler *c, uint32_t first, struct slot verdict)
{
	const struct slot *last = c->range_count ? &c->ranges[c->range_count - 1].verdict : NULL;

	if (verdict.kind == SLOT_DEFAULT)
		verdict = (struct slot){.kind = SLOT_ACTION, .action = c->filter->default_action};
	bool is_same = last && last->kind == SLOT_ACTION && verdict.kind == SLOT_ACTION &&
		last->action == verdict.action;
	if (!is_same)
		c->ranges[c->range_count++] = (struct range){first, verdict};
}

static void range_add_action(struct compiler *c, uint32_t first, uint32_t action)
{
	range_add(c, first, (struct slot){.kind = SLOT_ACTION, .action = action});
}

/* The actions that runc takes for a refusal. SECCOMP_RET_TRACE is none: a tracer is expected to
 * deal with a call that it does not know. */
static bool is_refusal(uint32_t action)
{
	uint32_t kind = action & SECCOMP_RET_ACTION_FULL;
	return kind != SECCOMP_RET_ALLOW && kind != SECCOMP_RET_LOG && kind != SECCOMP_RET_TRACE;
}

/* All numbers of an architecture, from `base` on. */
static void ranges_of_table(struct compiler *c, enum sec_abi abi, uint32_t base)
{
	const struct table *table = c->tables[abi];
	uint32_t unknown = c->filter->default_action;

	if (is_refusal(unknown) && table->newest_end > 0)
		unknown = SECCOMP_RET_ERRNO | ENOSYS;
	for (uint32_t i = 0; i < table->newest_end; i++)
		range_add(c, base + i, table->slots[i]);
	range_add_action(c, base + table->newest_end, unknown);
	if (abi != SEC_ABI_ARM)
		return;
	for (uint32_t i = 0; i < ABI_PRIVATE_COUNT; i++)
		range_add(c, ABI_PRIVATE_BEGIN + i, table->slots[ABI_NUMBERS_END + i]);
	range_add_action(c, ABI_PRIVATE_BEGIN + ABI_PRIVATE_COUNT, unknown);
}

/* At most every number that the profile can know, and the gaps between those. */
static size_t ranges_max(const struct compiler *c)
{
	size_t max = 2;
	for (unsigned abi = 0; abi < SEC_ABI_COUNT; abi++) {
		if (c->tables[abi])
			max += c->tables[abi]->newest_end + ABI_PRIVATE_COUNT + 2;
	}
	return max;
}

static size_t place_machine(struct compiler *c, const struct machine *machine, size_t otherwise)
{
	if (!c->tables[machine->abi])
		return otherwise;
	c->range_count = 0;
	ranges_of_table(c, machine->abi, 0);
	if (machine->has_x32 && c->tables[SEC_ABI_X32])
		ranges_of_table(c, SEC_ABI_X32, ABI_X32_BIT);
	else if (machine->has_x32)
		range_add_action(c, ABI_X32_BIT, SECCOMP_RET_KILL_PROCESS);
	range_add_action(c, UINT32_MAX, c->filter->default_action);

	/* With one range the tree is one return, which may be at any place and needs no number. */
	size_t begin = place_tree(c, machine, c->ranges, c->range_count);
	if (c->range_count > 1)
		begin = program_load(&c->program, offsetof(struct seccomp_data, nr));
	return program_jump(&c->program, BPF_JEQ, machine->token, begin, otherwise);
}

static int compile_for(const struct sec_filter *filter, enum sec_abi native, struct buf *out)
{
	auto_of(compiler) struct compiler *c = mem_new(sizeof(*c));
	struct program *p = &c->program;

	c->filter = filter;
	for (size_t i = 0; i < 2; i++) {
		const struct machine *machine = &families[native][i];
		uint32_t wanted = filter->abis | BIT(native);
		if (wanted & BIT(machine->abi))
			c->tables[machine->abi] = arena_new(&c->arena, sizeof(struct table));
		if (machine->has_x32 && (wanted & BIT(SEC_ABI_X32)))
			c->tables[SEC_ABI_X32] = arena_new(&c->arena, sizeof(struct table));
	}
	for (size_t i = 0; i < filter->count; i++)
		add_rule(c, &filter->items[i]);
	c->ranges = arena_new_array(&c->arena, struct range, ranges_max(c));

	size_t next = program_return(p, SECCOMP_RET_KILL_PROCESS);
	for (size_t i = 2; i-- > 0;)
		next = place_machine(c, &families[native][i], next);
	program_load(p, offsetof(struct seccomp_data, arch));
	if (p->is_too_long)
		return err_say(-E2BIG,
			"the seccomp profile needs more than the %d instructions that a program "
			"may have",
			BPF_MAXINSNS);
	buf_add(out, program_begin(p), p->count * sizeof(struct sock_filter));
	return 0;
}

int sec_filter_compile(const struct sec_filter *filter, struct buf *out)
{
	return compile_for(filter, abi_native, out);
}
