/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* A part of sec/sec.h. */
#include <stdbool.h>
#include <stddef.h>

/* Landlock: from now on this process and its children reach only what is beneath these directories, or these files, execute
 * nothing, and listen at no TCP port; they signal none but each other, and reach no other's abstract socket. 0: the kernel
 * has no Landlock, or one before 5.19; 1: it holds. Needs no_new_privs or CAP_SYS_ADMIN. */
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
