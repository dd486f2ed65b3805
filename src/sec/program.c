/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The four instructions that a seccomp filter is made of. The generator compiles this file for the
 * build machine, so the file uses nothing else of husk.
 */
#include "sec/program.h"

#include <string.h>

/* In instructions: the reach of a conditional jump, and of the search for a return to use again. */
enum { JUMP_MAX = 255, RETURN_REACH = 200 };

static size_t place(struct program *p, struct sock_filter instruction)
{
	if (p->count == BPF_MAXINSNS) {
		p->is_too_long = true;
		return p->count;
	}
	p->code[BPF_MAXINSNS - ++p->count] = instruction;
	return p->count;
}

const struct sock_filter *program_begin(const struct program *p)
{
	return p->code + BPF_MAXINSNS - p->count;
}

size_t program_load(struct program *p, size_t offset)
{
	return place(p, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset));
}

size_t program_and(struct program *p, uint32_t mask)
{
	return place(p, (struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, mask));
}

/* A conditional jump reaches 255 instructions; a farther target takes an unconditional one. */
static size_t near(struct program *p, size_t target)
{
	size_t distance = p->count - target;
	if (distance + 2 <= JUMP_MAX)
		return target;
	return place(p, (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, (uint32_t)distance));
}

size_t program_jump(
	struct program *p, uint16_t compare, uint32_t value, size_t is_true, size_t is_false)
{
	is_true = near(p, is_true);
	is_false = near(p, is_false);
	struct sock_filter jump = BPF_JUMP(BPF_JMP | compare | BPF_K, value,
		(uint8_t)(p->count - is_true), (uint8_t)(p->count - is_false));
	return place(p, jump);
}

/* Returns are used again because the time to load a program depends mostly on its length. */
size_t program_return(struct program *p, uint32_t action)
{
	const struct sock_filter wanted = BPF_STMT(BPF_RET | BPF_K, action);

	for (size_t at = p->count; at > 0 && p->count - at < RETURN_REACH; at--) {
		if (memcmp(&p->code[BPF_MAXINSNS - at], &wanted, sizeof(wanted)) == 0)
			return at;
	}
	return place(p, wanted);
}
