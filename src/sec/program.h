/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Writing classic BPF for seccomp, shared by filter.c and by the generator of the default profile
 * on the build machine. Instructions are placed from the last to the first, because jumps only go
 * forward: the target of a jump is always placed already. A position is the number of instructions
 * from it to the end.
 */
#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct program {
	struct sock_filter code[BPF_MAXINSNS]; /* filled from its end */
	size_t count;
	bool is_too_long; /* for the kernel: what was placed since is lost */
};

/* The first instruction, once all are placed. */
const struct sock_filter *program_begin(const struct program *p);
size_t program_load(struct program *p, size_t offset);
size_t program_and(struct program *p, uint32_t mask);
/* Compares the loaded word: BPF_JEQ, BPF_JGE, BPF_JGT. Both targets may be at any distance. */
size_t program_jump(
	struct program *p, uint16_t compare, uint32_t value, size_t is_true, size_t is_false);
/* A return of the same action that is placed already and near is used again. */
size_t program_return(struct program *p, uint32_t action);
