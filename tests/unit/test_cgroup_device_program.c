/* SPDX-License-Identifier: Apache-2.0 */
/* The eBPF program of device rules, run by an interpreter of the few instructions that it uses. */
#include "cgroup/device_program.c"

#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

enum { R = 1, W = 2, M = 4, RW = 3, RWM = 7 };

static bool jumps(const struct bpf_insn *i, uint64_t value)
{
	switch (BPF_OP(i->code)) {
	case BPF_JA:
		return true;
	case BPF_JNE:
		return value != (uint64_t)(int64_t)i->imm;
	case BPF_JSET:
		return value & (uint64_t)(int64_t)i->imm;
	default:
		fail_msg("jump %#x", i->code);
		return false;
	}
}

static uint64_t calculate(const struct bpf_insn *i, uint64_t value, uint64_t operand)
{
	switch (BPF_OP(i->code)) {
	case BPF_MOV:
		return operand;
	case BPF_AND:
		return value & operand;
	case BPF_RSH:
		return value >> operand;
	default:
		fail_msg("operation %#x", i->code);
		return 0;
	}
}

/* Fails on everything that the verifier would refuse: leaving the program, reading unset registers,
 * looping. */
static uint64_t run_program(
	const struct cgroup_device_program *p, const struct bpf_cgroup_dev_ctx *context)
{
	uint64_t regs[11] = {0};
	unsigned is_set = 1U << BPF_REG_1;

	for (size_t at = 0; at < p->count; at++) {
		const struct bpf_insn *i = &p->instructions[at];
		uint64_t operand = BPF_SRC(i->code) == BPF_X ? regs[i->src_reg] : (uint32_t)i->imm;
		uint32_t word;
		switch (BPF_CLASS(i->code)) {
		case BPF_LDX:
			assert_int_equal(i->code, BPF_LDX | BPF_W | BPF_MEM);
			assert_int_equal(i->src_reg, BPF_REG_1);
			assert_in_range(i->off, 0, sizeof(*context) - sizeof(word));
			memcpy(&word, (const char *)context + i->off, sizeof(word));
			regs[i->dst_reg] = word;
			is_set |= 1U << i->dst_reg;
			break;
		case BPF_ALU:
		case BPF_ALU64:
			if (BPF_SRC(i->code) == BPF_X)
				assert_true(is_set & 1U << i->src_reg);
			if (BPF_OP(i->code) != BPF_MOV)
				assert_true(is_set & 1U << i->dst_reg);
			is_set |= 1U << i->dst_reg;
			regs[i->dst_reg] = calculate(i, regs[i->dst_reg], operand);
			if (BPF_CLASS(i->code) == BPF_ALU)
				regs[i->dst_reg] = (uint32_t)regs[i->dst_reg];
			break;
		case BPF_JMP:
			if (BPF_OP(i->code) == BPF_EXIT) {
				assert_true(is_set & 1U << BPF_REG_0);
				return regs[0];
			}
			assert_true(i->off >= 0);
			if (jumps(i, regs[i->dst_reg]))
				at += (size_t)i->off;
			break;
		default:
			fail_msg("instruction %#x", i->code);
		}
	}
	fail_msg("the program has no end");
	return 0;
}

static struct cgroup_device_row rule(
	bool is_allowed, char type, int major, int minor, uint32_t access)
{
	return (struct cgroup_device_row){.is_allowed = is_allowed,
		.type = (uint32_t)type,
		.major = major,
		.minor = minor,
		.access = access};
}

struct access_case {
	char type;
	uint32_t major, minor, access;
	bool is_allowed;
};

static void assert_accesses(const struct cgroup_device_row *rules, size_t rule_count,
	const struct access_case *cases, size_t case_count)
{
	auto_of(cgroup_device_program) struct cgroup_device_program p = {0};

	cgroup_device_program_build(&p, rules, rule_count);
	assert_true(p.count <= rule_count * RULE_LEN_MAX + EDGE_LEN_MAX);
	for (size_t i = 0; i < case_count; i++) {
		const struct access_case *c = &cases[i];
		struct bpf_cgroup_dev_ctx context = {
			.access_type = (uint32_t)kernel_access(c->access) << 16 |
				(c->type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR),
			.major = c->major,
			.minor = c->minor,
		};
		if (run_program(&p, &context) != c->is_allowed)
			fail_msg(
				"case %zu: %c %u:%u %u", i, c->type, c->major, c->minor, c->access);
	}
}

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The rules that every container has. */
static void usual_rules(void **state)
{
	const struct cgroup_device_row rules[] = {
		rule(false, 'a', -1, -1, RWM),
		rule(true, 'c', -1, -1, M),
		rule(true, 'b', -1, -1, M),
		rule(true, 'c', 1, 3, RWM),
		rule(true, 'c', 136, -1, RWM),
		rule(true, 'c', 5, 2, RW),
	};
	const struct access_case cases[] = {
		{'c', 1, 3, RW, true},
		{'c', 1, 3, RWM, true},
		{'b', 1, 3, R, false},
		{'c', 1, 1, R, false},
		{'c', 1, 1, M, true},
		{'b', 8, 0, M, true},
		{'b', 8, 0, R, false},
		{'b', 8, 0, R | M, false},
		{'c', 136, 0, RW, true},
		{'c', 136, 4095, RW, true},
		{'c', 137, 0, R, false},
		{'c', 5, 2, RWM, true}, /* rw by one rule, m by another */
		{'c', 5, 1, RW, false},
		{'c', 0x7fffffff, 0xfffff, R, false},
	};
	assert_accesses(rules, COUNT(rules), cases, COUNT(cases));
}

static void later_rules_win(void **state)
{
	const struct cgroup_device_row rules[] = {
		rule(true, 'a', -1, -1, RWM),
		rule(false, 'b', 8, -1, W),
		rule(true, 'b', 8, 16, RW),
		rule(false, 'c', 10, 200, RWM),
		rule(true, 'c', 10, 200, R),
	};
	const struct access_case cases[] = {
		{'b', 8, 0, R, true},
		{'b', 8, 0, W, false},
		{'b', 8, 0, RW, false}, /* half of it is denied */
		{'b', 8, 16, RW, true},
		{'b', 8, 16, RWM, true},
		{'b', 9, 0, RWM, true},
		{'c', 8, 0, W, true},
		{'c', 10, 200, R, true},
		{'c', 10, 200, W, false},
		{'c', 10, 200, RW, false},
		{'c', 10, 201, RW, true},
	};
	assert_accesses(rules, COUNT(rules), cases, COUNT(cases));
}

static void no_rule_denies(void **state)
{
	const struct cgroup_device_row rules[] = {rule(true, 'c', 1, -1, R)};
	const struct access_case cases[] = {
		{'c', 1, 3, R, true},
		{'c', 1, 3, W, false},
		{'c', 2, 3, R, false},
	};
	assert_accesses(rules, COUNT(rules), cases, COUNT(cases));
	assert_accesses(NULL, 0, &cases[1], 2);
}

/* Any type, one device; any major, one minor. */
static void wildcards(void **state)
{
	const struct cgroup_device_row rules[] = {
		rule(true, 'a', 7, 1, RW),
		rule(true, 'c', -1, 9, R),
	};
	const struct access_case cases[] = {
		{'b', 7, 1, RW, true},
		{'c', 7, 1, RW, true},
		{'c', 7, 2, R, false},
		{'c', 3, 9, R, true},
		{'b', 3, 9, R, false},
	};
	assert_accesses(rules, COUNT(rules), cases, COUNT(cases));
}

/* Compares random rules over a small set of devices with the definition, one access at a time. */
static bool is_granted(const struct cgroup_device_row *rules, size_t count, char type, int major,
	int minor, uint32_t access)
{
	for (uint32_t bit = R; bit <= M; bit <<= 1) {
		bool is_allowed = false;
		for (size_t i = 0; i < count; i++) {
			const struct cgroup_device_row *row = &rules[i];
			if ((row->type == 'a' || row->type == (uint32_t)type) &&
				(row->major < 0 || row->major == major) &&
				(row->minor < 0 || row->minor == minor) && row->access & bit)
				is_allowed = row->is_allowed;
		}
		if (access & bit && !is_allowed)
			return false;
	}
	return true;
}

static void random_rules(void **state)
{
	uint32_t seed = 12345;
#define NEXT(n) ((seed = seed * 1664525u + 1013904223u) >> 16) % (n)
	for (int round = 0; round < 200; round++) {
		struct cgroup_device_row rules[6];
		struct access_case cases[2 * 3 * 3 * 7];
		size_t count = 1 + NEXT(6), at = 0;
		for (size_t i = 0; i < count; i++) {
			uint32_t type = NEXT(3), major = NEXT(4), minor = NEXT(4), access = NEXT(7),
				 yes = NEXT(2);
			rules[i] = rule(
				yes, "abc"[type], (int)major - 1, (int)minor - 1, 1 + access);
		}
		for (uint32_t i = 0; i < COUNT(cases); i++) {
			uint32_t major = i / 2 % 3, minor = i / 6 % 3, access = 1 + i / 18;
			char type = i % 2 ? 'b' : 'c';
			cases[at++] = (struct access_case){type, major, minor, access,
				is_granted(rules, count, type, (int)major, (int)minor, access)};
		}
		assert_accesses(rules, count, cases, at);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(usual_rules),
		cmocka_unit_test(later_rules_win),
		cmocka_unit_test(no_rule_denies),
		cmocka_unit_test(wildcards),
		cmocka_unit_test(random_rules),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
