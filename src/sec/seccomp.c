/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The default seccomp program for a set of capabilities, and loading a program. Nothing is compiled
 * here: the program was made at build time (tools/gen-seccomp), and where the profile asks for a
 * capability it returns a marker, which is turned into "allow" or an errno in a copy.
 */
#include "sec/sec.h"

#include "base/err.h"
#include "sec/internal.h"
#include "sys/calls.h"
#include "sys/uapi.h"

#include <errno.h>
#include <linux/seccomp.h>

static uint32_t action_of_group(const struct profile_group *group, uint64_t caps)
{
	return caps & group->caps ? SECCOMP_RET_ALLOW : SECCOMP_RET_ERRNO | group->denied;
}

size_t sec_seccomp_default(uint64_t caps, struct buf *out)
{
	const uint32_t first = SECCOMP_RET_ERRNO | PROFILE_MARKER;
	size_t size = profile_program_count * sizeof(struct sock_filter);
	char *to = buf_reserve(out, size);

	for (size_t i = 0; i < profile_program_count; i++) {
		struct sock_filter instruction = profile_program[i];
		bool is_return = instruction.code == (BPF_RET | BPF_K);
		if (is_return && instruction.k >= first &&
			instruction.k < first + PROFILE_GROUP_COUNT)
			instruction.k = action_of_group(
				&profile_groups[instruction.k - first], caps);
		/* The buffer may hold other bytes before the program: it need not be aligned. */
		memcpy(to + i * sizeof(instruction), &instruction, sizeof(instruction));
	}
	buf_grew(out, size);
	return size;
}

/*
 * The default is loaded with no flags: without SECCOMP_FILTER_FLAG_SPEC_ALLOW a kernel whose
 * spec_store_bypass_disable is "seccomp" (the default before 5.16) keeps that mitigation on for the
 * container; the operator of the host decides, not husk. TSYNC is not needed, init has one thread;
 * LOG would let a container fill the audit log.
 */
int sec_seccomp_load(const void *program, size_t size_bytes, unsigned flags)
{
	size_t count = size_bytes / sizeof(struct sock_filter);

	if (count == 0 || count > BPF_MAXINSNS || size_bytes % sizeof(struct sock_filter) != 0)
		return err_new(-EINVAL, "seccomp program of %zu bytes", size_bytes);

	struct sock_fprog fprog = {
		.len = (unsigned short)count,
		.filter = (struct sock_filter *)program,
	};
	int r = sys_seccomp(SECCOMP_SET_MODE_FILTER, flags, &fprog);
	if (r >= 0 && flags & SECCOMP_FILTER_FLAG_NEW_LISTENER)
		return r;
	if (r > 0) /* TSYNC names the thread that could not follow */
		return err_say(-ESRCH, "thread %d cannot be given the seccomp program", r);
	if (r == 0)
		return 0;
	if (r == -EBUSY && flags & SECCOMP_FILTER_FLAG_NEW_LISTENER)
		return err_say(
			r, "this process has a seccomp listener already, and cannot have two");
	if (r == -EINVAL && flags & SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV)
		return err_say(
			r, "this kernel lacks SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (Linux 5.19)");
	err_new(r, "load the seccomp program (%zu instructions)", count);
	return r == -EINVAL || r == -ENOSYS
		? err_hint(r,
			  "A kernel without CONFIG_SECCOMP_FILTER needs --security-opt "
			  "seccomp=unconfined")
		: r;
}
