/* SPDX-License-Identifier: Apache-2.0 */
/*
 * confine PROGRAM [ARGUMENT...]: runs a program with the default capabilities and the default
 * seccomp profile, and nothing else of a container. What probe says in there is what
 * golden-default.txt holds, without a whole husk.
 */
#include "base/err.h"
#include "sec/sec.h"
#include "sys/calls.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

/* In init's order: the program is loaded while there is still the privilege to, so no_new_privs
 * is not needed. */
static int confine(void)
{
	const struct sec_caps caps = {
		.bounding = sec_caps_default,
		.effective = sec_caps_default,
		.permitted = sec_caps_default,
	};
	auto_buf struct buf program = BUF_INIT;
	size_t size = sec_seccomp_default(sec_caps_default, &program);

	int r = sec_caps_bound(&caps);
	if (r >= 0)
		r = sec_keyring_new();
	if (r >= 0)
		r = sec_seccomp_load(program.data, size, 0);
	if (r >= 0)
		r = sec_ids_set(0, 0, NULL, 0);
	return r < 0 ? r : sec_caps_set(&caps, -EBADF);
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		fprintf(stderr, "usage: confine PROGRAM [ARGUMENT...]\n");
		return 2;
	}
	if (confine() < 0) {
		fprintf(stderr, "confine: %s\n", err_text());
		return 1;
	}
	char *const environment[] = {NULL};
	int r = sys_execve_at(AT_FDCWD, argv[1], argv + 1, environment, 0);
	err_new(r, "run %s", argv[1]);
	fprintf(stderr, "confine: %s\n", err_text());
	return 1;
}
