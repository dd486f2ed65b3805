/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Which system calls the kernel, or a seccomp filter around this process, does not offer.
 * Silent. */

struct kernel_call {
	const char *name;
	const char *since; /* the first Linux that has it */
	int number;
};

enum kernel_need {
	KERNEL_SIGNALS, /* holding and signalling processes */
	KERNEL_LAUNCH, /* the same, and making a container or a process in a container */
};

/* The first system call that `need` requires and that answers ENOSYS, or NULL if all are there.
 * Takes a microsecond, changes nothing. Any process. */
const struct kernel_call *kernel_call_missing(enum kernel_need need);
