/* SPDX-License-Identifier: Apache-2.0 */
/* The table of namespaces. */
#include "ns/ns.h"

#include "base/str.h"

#include <errno.h>
#include <linux/sched.h>

const struct ns_info ns_info[NS_COUNT] = {
	[NS_USER] = {"user", "user", "user", 'U', CLONE_NEWUSER},
	[NS_MNT] = {"mnt", "mount", "mount", 'm', CLONE_NEWNS},
	[NS_UTS] = {"uts", "uts", "uts", 'u', CLONE_NEWUTS},
	[NS_IPC] = {"ipc", "ipc", "ipc", 'i', CLONE_NEWIPC},
	[NS_PID] = {"pid", "pid", "pid", 'p', CLONE_NEWPID},
	[NS_NET] = {"net", "net", "network", 'n', CLONE_NEWNET},
	[NS_CGROUP] = {"cgroup", "cgroup", "cgroup", 'C', CLONE_NEWCGROUP},
	[NS_TIME] = {"time", "time", "time", 'T', CLONE_NEWTIME},
};

int ns_kind_find(const char *word)
{
	for (int kind = 0; kind < NS_COUNT; kind++) {
		const struct ns_info *info = &ns_info[kind];
		if (str_eq(word, info->name) || str_eq(word, info->option) ||
			str_eq(word, info->oci_name))
			return kind;
	}
	return -EINVAL;
}
