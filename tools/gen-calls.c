/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gen-calls FAMILY OUT.c: writes the names and numbers of system calls (src/sec/abi.h), for programs that compile
 * seccomp profiles at run time. Runs at build time, on the build machine.
 *
 * libseccomp has no list of names, so they are collected from the numbers of every architecture it knows: some names
 * are the second one of a number where we need them, and the first one elsewhere.
 */
#include "sec/abi.h"
#include "sec/internal.h"

#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAMES_MAX = 2048, NUMBERS_MAX = 8192 };

static const uint32_t tokens[SEC_ABI_COUNT] = {
	[SEC_ABI_X86_64] = SCMP_ARCH_X86_64,
	[SEC_ABI_X32] = SCMP_ARCH_X32,
	[SEC_ABI_X86] = SCMP_ARCH_X86,
	[SEC_ABI_AARCH64] = SCMP_ARCH_AARCH64,
	[SEC_ABI_ARM] = SCMP_ARCH_ARM,
};

static const uint32_t others[] = {SCMP_ARCH_MIPS, SCMP_ARCH_MIPS64, SCMP_ARCH_MIPS64N32,
	SCMP_ARCH_PPC, SCMP_ARCH_PPC64, SCMP_ARCH_S390, SCMP_ARCH_S390X, SCMP_ARCH_RISCV64};

/* Where libseccomp's numbers of an architecture begin. */
static const uint32_t bases[] = {
	0, ABI_X32_BIT, ABI_PRIVATE_BEGIN, 4000 /* MIPS */, 5000 /* MIPS64 */, 6000 /* N32 */};

/* Its pseudo numbers of calls that x86 multiplexes. */
enum { SOCKETCALL_BASE = 100, IPC_BASE = 200, PSEUDO_END = 300 };
enum { SOCKETCALL_NUMBER = 102, IPC_NUMBER = 117 };

struct names {
	char *items[NAMES_MAX];
	size_t count;
};

static _Noreturn void die(const char *what, const char *which)
{
	fprintf(stderr, "gen-calls: %s: %s\n", what, which);
	exit(1);
}

static void names_add(struct names *names, const char *name)
{
	for (size_t i = 0; i < names->count; i++) {
		if (strcmp(names->items[i], name) == 0)
			return;
	}
	char *copy = names->count < NAMES_MAX ? strdup(name) : NULL;
	if (!copy)
		die("no room for a name", name);
	names->items[names->count++] = copy;
}

static void names_of(struct names *names, uint32_t token)
{
	for (size_t b = 0; b < sizeof(bases) / sizeof(bases[0]); b++) {
		for (uint32_t i = 0; i < ABI_NUMBERS_END; i++) {
			char *name = seccomp_syscall_resolve_num_arch(token, (int)(bases[b] + i));
			if (name)
				names_add(names, name);
			free(name);
		}
	}
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void names_fill(struct names *names)
{
	for (size_t i = 0; i < SEC_ABI_COUNT; i++)
		names_of(names, tokens[i]);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		names_of(names, others[i]);
	for (size_t i = 0; i < profile_number_count; i++)
		names_add(names, profile_numbers[i].name);
	qsort(names->items, names->count, sizeof(names->items[0]), compare_names);
}

/* What libseccomp is too old for. */
static int number_of_ours(enum sec_abi abi, const char *name)
{
	for (size_t i = 0; i < profile_number_count; i++) {
		const struct profile_number *row = &profile_numbers[i];
		if (strcmp(row->name, name) == 0)
			return abi == SEC_ABI_X86_64 || !row->is_x86_64_only ? (int)row->number
									     : -1;
	}
	return -1;
}

/* A multiplexed call's number is pseudo, also where there is a call of its own. */
static int direct_number(uint32_t token, const char *name)
{
	int found = -1;
	for (int i = 0; found < 0 && i < ABI_NUMBERS_END; i++) {
		char *other = seccomp_syscall_resolve_num_arch(token, i);
		if (other && strcmp(other, name) == 0)
			found = i;
		free(other);
	}
	return found;
}

static uint16_t slot_of(enum sec_abi abi, const char *name)
{
	int number = seccomp_syscall_resolve_name_arch(tokens[abi], name);

	if (number == __NR_SCMP_ERROR)
		number = number_of_ours(abi, name);
	else if (number < 0 && number > -PSEUDO_END)
		number = direct_number(tokens[abi], name);
	if (number < 0)
		return ABI_NO_SLOT;
	uint32_t slot = (uint32_t)number & ~(uint32_t)ABI_X32_BIT;
	if (slot >= ABI_PRIVATE_BEGIN)
		slot = slot - ABI_PRIVATE_BEGIN + ABI_NUMBERS_END;
	if (slot >= ABI_SLOT_COUNT)
		die("a number out of all ranges", name);
	return (uint16_t)slot;
}

static struct abi_call call_of(const char *name, size_t at)
{
	struct abi_call call = {.name = (uint16_t)at};
	int number = seccomp_syscall_resolve_name_arch(SCMP_ARCH_X86, name);

	for (unsigned abi = 0; abi < SEC_ABI_COUNT; abi++)
		call.slots[abi] = slot_of(abi, name);
	if (number < -IPC_BASE && number > -PSEUDO_END) {
		call.x86_multiplexer = ABI_IPC;
		call.x86_multiplexed = (uint8_t)(-number - IPC_BASE);
	} else if (number < -SOCKETCALL_BASE && number > -IPC_BASE) {
		call.x86_multiplexer = ABI_SOCKETCALL;
		call.x86_multiplexed = (uint8_t)(-number - SOCKETCALL_BASE);
	}
	return call;
}

static bool is_of_use(const struct abi_call *call)
{
	bool is_known = call->x86_multiplexer != ABI_DIRECT;
	for (unsigned abi = 0; abi < SEC_ABI_COUNT; abi++)
		is_known = is_known || call->slots[abi] != ABI_NO_SLOT;
	return is_known;
}

static void write_calls(FILE *out, const struct names *names)
{
	char bytes[UINT16_MAX];
	size_t len = 0, count = 0;

	fprintf(out, "const struct abi_call abi_calls[] = {\n");
	for (size_t i = 0; i < names->count; i++) {
		const char *name = names->items[i];
		struct abi_call call = call_of(name, len);
		if (!is_of_use(&call))
			continue;
		fprintf(out, "\t{%u, {", call.name);
		for (unsigned abi = 0; abi < SEC_ABI_COUNT; abi++)
			fprintf(out, "%u, ", call.slots[abi]);
		fprintf(out, "}, %u, %u}, /* %s */\n", call.x86_multiplexer, call.x86_multiplexed,
			name);
		if (len + strlen(name) + 1 > sizeof(bytes))
			die("too many names", name);
		memcpy(bytes + len, name, strlen(name) + 1);
		len += strlen(name) + 1;
		count++;
	}
	fprintf(out, "};\nconst size_t abi_call_count = %zu;\nconst char abi_names[] =\n", count);
	for (size_t at = 0; at < len; at += strlen(bytes + at) + 1)
		fprintf(out, "\t\"%s\\0\"\n", bytes + at);
	fprintf(out, "\t;\n");
}

int main(int argc, char **argv)
{
	static struct names names;
	bool is_x86 = argc == 3 && strcmp(argv[1], "x86_64") == 0;

	if (argc != 3 || (!is_x86 && strcmp(argv[1], "aarch64") != 0))
		die("usage", "gen-calls x86_64|aarch64 OUT.c");
	names_fill(&names);
	if (slot_of(SEC_ABI_X86, "socketcall") != SOCKETCALL_NUMBER ||
		slot_of(SEC_ABI_X86, "ipc") != IPC_NUMBER)
		die("libseccomp has other numbers than the kernel", "socketcall, ipc");

	FILE *out = fopen(argv[2], "we");
	if (!out)
		die("cannot write", argv[2]);
	fprintf(out, "/* Made by gen-calls from libseccomp. */\n#include \"sec/abi.h\"\n\n");
	fprintf(out, "const enum sec_abi abi_native = %s;\n",
		is_x86 ? "SEC_ABI_X86_64" : "SEC_ABI_AARCH64");
	write_calls(out, &names);
	if (fclose(out) != 0)
		die("cannot write", argv[2]);
	return 0;
}
