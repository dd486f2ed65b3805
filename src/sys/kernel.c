/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which system calls are missing. Each call is made once, with arguments that every one of them
 * refuses: unless the answer is ENOSYS, the call exists. Calls that have a safe replacement
 * (openat2, close_range) are not in the table.
 */
#include "sys/kernel.h"

#include "sys/internal.h"

#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { FOR_SIGNALS = 2 }; /* the number of rows at the beginning of the table */

static const struct kernel_call calls[] = {
	{"pidfd_send_signal", "5.1", SYS_pidfd_send_signal},
	{"pidfd_open", "5.3", SYS_pidfd_open},
	{"clone3", "5.3", SYS_clone3},
	{"fsopen", "5.2", SYS_fsopen},
	{"fsconfig", "5.2", SYS_fsconfig},
	{"fsmount", "5.2", SYS_fsmount},
	{"open_tree", "5.2", SYS_open_tree},
	{"move_mount", "5.2", SYS_move_mount},
	{"mount_setattr", "5.12", SYS_mount_setattr},
};

const struct kernel_call *kernel_call_missing(enum kernel_need need)
{
	size_t count = need == KERNEL_SIGNALS ? FOR_SIGNALS : sizeof(calls) / sizeof(calls[0]);
	for (size_t i = 0; i < count; i++)
		if (sys_result(syscall(calls[i].number, -1L, -1L, -1L, -1L, -1L, -1L)) == -ENOSYS)
			return &calls[i];
	return NULL;
}
