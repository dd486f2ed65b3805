/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mask CALL... -- COMMAND [ARGUMENT...]: COMMAND, and all processes that it starts, run as on a
 * kernel that does not have these system calls: each ends with ENOSYS. Needs root, since
 * no_new_privs is not set. Static, so that it runs anywhere.
 */
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { EXIT_USAGE = 99, RULES_MAX = 32 };

#define CALL(name) \
	{ \
#name, SYS_##name \
	}

/* What is younger than the oldest kernel anybody runs a container on. */
static const struct {
	const char *name;
	int number;
} calls[] = {
	CALL(openat2),
	CALL(fsopen),
	CALL(fsconfig),
	CALL(fsmount),
	CALL(open_tree),
	CALL(move_mount),
	CALL(mount_setattr),
	CALL(clone3),
	CALL(close_range),
	CALL(pidfd_open),
	CALL(pidfd_send_signal),
	CALL(memfd_create),
	CALL(execveat),
	CALL(statx),
};
enum { CALL_COUNT = sizeof(calls) / sizeof(calls[0]) };

static int number_of(const char *name)
{
	for (int i = 0; i < CALL_COUNT; i++)
		if (strcmp(calls[i].name, name) == 0)
			return calls[i].number;
	return -1;
}

static int filter_load(const int *numbers, int count)
{
	struct sock_filter code[RULES_MAX + 3];
	code[0] = (struct sock_filter)BPF_STMT(
		BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
	for (int i = 0; i < count; i++)
		code[i + 1] = (struct sock_filter)BPF_JUMP(
			BPF_JMP | BPF_JEQ | BPF_K, (unsigned)numbers[i], (uint8_t)(count - i), 0);
	code[count + 1] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	code[count + 2] = (struct sock_filter)BPF_STMT(
		BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (ENOSYS & SECCOMP_RET_DATA));
	struct sock_fprog program = {(unsigned short)(count + 3), code};
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

int main(int argc, char **argv)
{
	int numbers[RULES_MAX], count = 0, at = 1;
	for (; at < argc && strcmp(argv[at], "--") != 0; at++) {
		int number = number_of(argv[at]);
		if (number < 0 || count == RULES_MAX) {
			fprintf(stderr, "mask: no such call: %s\n", argv[at]);
			return EXIT_USAGE;
		}
		numbers[count++] = number;
	}
	if (at + 1 >= argc) {
		fprintf(stderr, "usage: mask CALL... -- COMMAND [ARGUMENT...]\n");
		return EXIT_USAGE;
	}
	if (filter_load(numbers, count) != 0) {
		perror("mask: load the filter");
		return EXIT_USAGE;
	}
	execvp(argv[at + 1], argv + at + 1);
	perror(argv[at + 1]);
	return EXIT_USAGE;
}
