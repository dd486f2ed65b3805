/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What a libc function or syscall(2) returned, as >= 0 or -errno. Only for this folder: errno does not leave it. */
#include <errno.h>

static inline int sys_result(long value)
{
	return value < 0 ? -errno : (int)value;
}

/* The same, evaluated again as long as a signal interrupts it. */
#define SYS_RETRIED(call) \
	({ \
		int retried_result; \
		do \
			retried_result = sys_result(call); \
		while (retried_result == -EINTR); \
		retried_result; \
	})
