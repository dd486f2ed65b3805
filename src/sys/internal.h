/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Turns the result of a libc function or syscall(2) into >= 0 or -errno. Only for this folder:
 * its functions return -errno, and no other folder needs errno for them. */
#include <errno.h>

static inline int sys_result(long value)
{
	return value < 0 ? -errno : (int)value;
}

/* The same; makes the call again as long as a signal interrupts it. */
#define SYS_RETRIED(call) \
	({ \
		int retried_result; \
		do \
			retried_result = sys_result(call); \
		while (retried_result == -EINTR); \
		retried_result; \
	})
