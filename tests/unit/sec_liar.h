/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Makes a system call return an answer without being executed. With 0 it falsely reports success,
 * which reading back must detect. */
#include "sec/sec.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>

static inline int liar_load(int number, uint32_t answer)
{
	const struct sock_filter program[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)number, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | answer),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	int r = sec_no_new_privs();
	return r < 0 ? r : sec_seccomp_load(program, sizeof(program), 0);
}
