/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What the kernel, or a seccomp filter around this process, does not have. Silent. */

struct kernel_call {
	const char *name;
	const char *since; /* the first Linux that has it */
	int number;
};

enum kernel_need {
	KERNEL_SIGNALS, /* holding and signalling processes */
	KERNEL_LAUNCH, /* that, and making a container or a process in one */
};

/* The first system call that this cannot be done without and that answers ENOSYS, or NULL. Takes a microsecond, changes
 * nothing. Any process. */
const struct kernel_call *kernel_call_missing(enum kernel_need need);
