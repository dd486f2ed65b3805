/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Error messages for what the kernel refuses. unshare(2) has five errors for twenty reasons. The
 * reason is found afterwards, by checking everything that could have been the reason.
 */
#include "ns/internal.h"

#include "base/err.h"
#include "base/str.h"
#include "sys/calls.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <unistd.h>

static const struct {
	const char *path;
	int64_t value;
	const char *words;
} user_switches[] = {
	{"/proc/sys/kernel/unprivileged_userns_clone", 0, "kernel.unprivileged_userns_clone is 0"},
	{"/proc/sys/kernel/apparmor_restrict_unprivileged_userns", 1,
		"kernel.apparmor_restrict_unprivileged_userns is 1"},
};

static int explain_user_refused(int code)
{
	for (size_t i = 0; i < sizeof(user_switches) / sizeof(*user_switches); i++) {
		if (geteuid() != 0 && ns_sysctl(user_switches[i].path) == user_switches[i].value)
			return err_say(code, "this system lets only root make user namespaces: %s",
				user_switches[i].words);
	}
	return err_say(code,
		"the kernel refuses a user namespace: the caller is in a chroot, has no id in its "
		"own user "
		"namespace, or a security module forbids it");
}

/* Names user.max_X_namespaces of the first kind whose limit is 0, else of the first with any. */
static int explain_limit(int code, uint32_t flags)
{
	char path[64];
	for (int pass = 0; pass < 2; pass++) {
		for (int kind = 0; kind < NS_COUNT; kind++) {
			const char *name = ns_info[kind].name;
			fmt(path, "/proc/sys/user/max_%s_namespaces", name);
			int64_t limit = flags & ns_info[kind].clone_flag ? ns_sysctl(path) : -1;
			if (limit == 0)
				return err_say(code,
					"this system allows no %s namespaces: "
					"user.max_%s_namespaces is 0",
					ns_info[kind].option, name);
			if (pass == 1 && limit > 0)
				return err_say(code,
					"too many %s namespaces: user.max_%s_namespaces (%lld) is "
					"reached, or they are "
					"nested more than 32 deep",
					ns_info[kind].option, name, (long long)limit);
		}
	}
	return err_new(code, "make namespaces");
}

int ns_explain_unshare(int code, uint32_t flags)
{
	char path[64];
	if (code == -EPERM && flags & CLONE_NEWUSER)
		return explain_user_refused(code);
	if (code == -EPERM)
		return err_say(code,
			"making these namespaces needs root, or a user namespace made with them "
			"(--user, "
			"--map-root-user)");
	if (code == -ENOSPC || code == -EUSERS)
		return explain_limit(code, flags);
	for (int kind = 0; code == -EINVAL && kind < NS_COUNT; kind++) {
		ns_proc_path(path, 0, ns_info[kind].name);
		if (flags & ns_info[kind].clone_flag && sys_access_at(AT_FDCWD, path, 0, 0) < 0)
			return err_say(
				code, "this kernel has no %s namespaces", ns_info[kind].option);
	}
	if (code == -ENOMEM && flags & CLONE_NEWPID)
		return err_say(code,
			"no new pid namespace: memory is short, or the first process of the "
			"present one has ended");
	return err_new(code, "make namespaces");
}
