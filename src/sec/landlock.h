/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* A part of sec/sec.h. */
#include <stdbool.h>
#include <stddef.h>

/* Landlock: from now on this process and its children reach only these files, and what is beneath
 * these directories. They execute nothing, listen at no TCP port, signal only each other, and reach
 * no abstract socket of another process. 0: the kernel has no Landlock, or one before 5.19; 1: it
 * is in force. Needs no_new_privs or CAP_SYS_ADMIN. */
struct sec_landlock_rule {
	int fd;
	bool is_file, is_readonly;
};
struct sec_landlock {
	const struct sec_landlock_rule *items;
	size_t count;
	bool connects; /* to TCP ports */
};
int sec_landlock(const struct sec_landlock *what);
