/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gen-seccomp FAMILY OUT.c: compiles the default profile (src/sec/profile.c) for an architecture
 * and its 32-bit sibling. Runs at build time, on the build machine.
 *
 * libseccomp supplies the names and numbers of every architecture; the program is made here,
 * because two things the profile needs cannot be said to libseccomp: "otherwise" for one call
 * (EAFNOSUPPORT for other address families), and nothing at all about what socketcall multiplexes.
 * Runs of numbers with one verdict become one leaf of a binary tree, which makes the program small
 * and quick to load, and a call takes about eight comparisons.
 */
#include "sec/internal.h"
#include "sec/program.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ARM has private calls (cacheflush, set_tls) far above the others. */
enum { NUMBERS_END = 1024, ARM_BEGIN = 0xf0000, ARM_END = 0xf0010 };

struct architecture {
	uint32_t token; /* SCMP_ARCH_ and AUDIT_ARCH_ are the same numbers */
	bool is_x86_64;
};

struct family {
	const char *name; /* as Meson calls it */
	struct architecture members[2];
};

static const struct family families[] = {
	{"x86_64", {{AUDIT_ARCH_X86_64, true}, {AUDIT_ARCH_I386, false}}},
	{"aarch64", {{AUDIT_ARCH_AARCH64, false}, {AUDIT_ARCH_ARM, false}}},
};

/* From this number to the next range's. */
struct range {
	uint32_t first;
	struct profile_verdict verdict;
};

struct ranges {
	struct range items[2 * NUMBERS_END];
	size_t count;
};

static _Noreturn void die(const char *what, const char *which)
{
	fprintf(stderr, "gen-seccomp: %s: %s\n", what, which);
	exit(1);
}

/* Is name one of the words? */
static bool has_word(const char *words, const char *name)
{
	size_t len = strlen(name);
	for (const char *at = words; (at = strstr(at, name)); at += len) {
		bool begins = at == words || at[-1] == ' ';
		if (begins && (at[len] == ' ' || at[len] == '\0'))
			return true;
	}
	return false;
}

static const struct profile_rule *rule_find(const char *name)
{
	for (size_t i = 0; i < profile_rule_count; i++) {
		if (has_word(profile_rules[i].names, name))
			return &profile_rules[i];
	}
	return NULL;
}

static const struct profile_number *number_find(const char *name)
{
	for (size_t i = 0; i < profile_number_count; i++) {
		if (strcmp(profile_numbers[i].name, name) == 0)
			return &profile_numbers[i];
	}
	return NULL;
}

/* A name that no architecture knows is a typing error, and would be a hole in the list of
 * refusals. */
static void check_names(void)
{
	for (size_t i = 0; i < profile_rule_count; i++) {
		char *words = strdup(profile_rules[i].names), *rest = words;
		if (!words)
			die("out of memory", profile_rules[i].names);
		for (char *name; (name = strsep(&rest, " "));) {
			if (!number_find(name) &&
				seccomp_syscall_resolve_name(name) == __NR_SCMP_ERROR)
				die("no such system call", name);
		}
		free(words);
	}
}

/* The verdict on one number, whose name libseccomp or else our own table knows. */
static struct profile_verdict verdict_of(const struct architecture *arch, uint32_t number)
{
	const struct profile_verdict unknown = {PROFILE_ERRNO, PROFILE_UNKNOWN};
	const char *name = NULL;
	char *resolved = seccomp_syscall_resolve_num_arch(arch->token, (int)number);

	if (resolved)
		name = resolved;
	for (size_t i = 0; !name && i < profile_number_count; i++) {
		const struct profile_number *row = &profile_numbers[i];
		if (row->number == number && (arch->is_x86_64 || !row->is_x86_64_only))
			name = row->name;
	}
	const struct profile_rule *rule = name ? rule_find(name) : NULL;
	free(resolved);
	return rule ? rule->verdict : unknown;
}

static void ranges_add(struct ranges *r, uint32_t first, struct profile_verdict verdict)
{
	struct range *last = r->count ? &r->items[r->count - 1] : NULL;
	if (last && last->verdict.kind == verdict.kind && last->verdict.value == verdict.value)
		return;
	r->items[r->count++] = (struct range){first, verdict};
}

/* Every number there is, x32's included (they are above all others): what has no rule is
 * unknown. */
static void ranges_fill(struct ranges *r, const struct architecture *arch)
{
	for (uint32_t number = 0; number < NUMBERS_END; number++)
		ranges_add(r, number, verdict_of(arch, number));
	for (uint32_t number = ARM_BEGIN; number < ARM_END; number++)
		ranges_add(r, number, verdict_of(arch, number));
	ranges_add(r, ARM_END, (struct profile_verdict){PROFILE_ERRNO, PROFILE_UNKNOWN});
}

static uint32_t action_of(struct profile_verdict verdict)
{
	if (verdict.kind == PROFILE_ERRNO)
		return SECCOMP_RET_ERRNO | verdict.value;
	if (verdict.kind == PROFILE_GROUP)
		return SECCOMP_RET_ERRNO | (PROFILE_MARKER + verdict.value);
	return SECCOMP_RET_ALLOW;
}

/* Little-endian, as both families are: the low half of an argument comes first. */
static size_t argument_offset(unsigned arg)
{
	return offsetof(struct seccomp_data, args) + arg * sizeof(uint64_t);
}

static size_t place_condition(
	struct program *p, const struct profile_condition *c, size_t otherwise)
{
	size_t then = program_return(p, action_of(c->then));

	if (c->has_second) {
		program_jump(p, BPF_JEQ, c->second_value, then, otherwise);
		then = program_load(p, argument_offset(c->second_arg));
	}
	program_jump(p, BPF_JEQ, c->value, then, otherwise);
	if (c->mask != UINT32_MAX)
		program_and(p, c->mask);
	return program_load(p, argument_offset(c->arg));
}

static size_t place_leaf(struct program *p, struct profile_verdict verdict)
{
	if (verdict.kind != PROFILE_TESTS)
		return program_return(p, action_of(verdict));

	const struct profile_test *test = &profile_tests[verdict.value];
	size_t next = program_return(p, action_of(test->otherwise));
	for (size_t i = test->count; i-- > 0;)
		next = place_condition(p, &test->conditions[i], next);
	return next;
}

static size_t place_tree(struct program *p, const struct range *ranges, size_t count)
{
	if (count == 1)
		return place_leaf(p, ranges[0].verdict);
	size_t middle = count / 2;
	size_t above = place_tree(p, ranges + middle, count - middle);
	size_t below = place_tree(p, ranges, middle);
	return program_jump(p, BPF_JGE, ranges[middle].first, above, below);
}

static size_t place_architecture(
	struct program *p, const struct architecture *arch, size_t otherwise)
{
	struct ranges ranges = {.count = 0};
	ranges_fill(&ranges, arch);

	/* The tree's root may be a return that stands elsewhere, but not with this many ranges. */
	place_tree(p, ranges.items, ranges.count);
	size_t begin = program_load(p, offsetof(struct seccomp_data, nr));
	return program_jump(p, BPF_JEQ, arch->token, begin, otherwise);
}

static void write_program(FILE *out, const struct program *p)
{
	fprintf(out, "/* Made by gen-seccomp from profile.c. */\n#include \"sec/internal.h\"\n\n");
	fprintf(out, "const struct sock_filter profile_program[] = {\n");
	for (size_t i = 0; i < p->count; i++) {
		const struct sock_filter *f = &program_begin(p)[i];
		fprintf(out, "\t{0x%02x, %u, %u, 0x%08x},\n", f->code, f->jt, f->jf, f->k);
	}
	fprintf(out, "};\nconst size_t profile_program_count = %zu;\n", p->count);
}

int main(int argc, char **argv)
{
	static struct program program;
	const struct family *family = NULL;

	for (size_t i = 0; argc == 3 && i < sizeof(families) / sizeof(families[0]); i++) {
		if (strcmp(argv[1], families[i].name) == 0)
			family = &families[i];
	}
	if (!family)
		die("usage", "gen-seccomp x86_64|aarch64 OUT.c");
	check_names();

	size_t next = program_return(&program, SECCOMP_RET_KILL_PROCESS);
	for (size_t i = 2; i-- > 0;)
		next = place_architecture(&program, &family->members[i], next);
	program_load(&program, offsetof(struct seccomp_data, arch));

	if (program.is_too_long)
		die("the program is too long", "more than 4096 instructions");

	FILE *out = fopen(argv[2], "we");
	if (!out)
		die("cannot write", argv[2]);
	write_program(out, &program);
	if (fclose(out) != 0)
		die("cannot write", argv[2]);
	return 0;
}
