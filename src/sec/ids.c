/* SPDX-License-Identifier: Apache-2.0 */
/* User, group and supplementary groups of the payload, exactly as the plan has them, read back.
 * No allocation. */
#include "sec/sec.h"

#include "base/err.h"
#include "sys/calls.h"

#include <errno.h>
#include <linux/capability.h>
#include <unistd.h>

/* The groups that are read back must fit on the stack; images have at most dozens. */
enum { GROUPS_MAX = 4096 };

static size_t count_of(gid_t gid, const gid_t *groups, size_t count)
{
	size_t found = 0;
	for (size_t i = 0; i < count; i++)
		found += groups[i] == gid;
	return found;
}

/* Are the caller's groups these, in any order? The kernel sorts them. 1, 0 or -errno. */
static int groups_are(const gid_t *groups, size_t count)
{
	gid_t got[GROUPS_MAX];
	int r = sys_getgroups(GROUPS_MAX, got);

	if (r == -EINVAL)
		return 0; /* more than husk ever sets */
	if (r < 0)
		return r;
	if ((size_t)r != count)
		return 0;
	for (size_t i = 0; i < count; i++) {
		if (count_of(groups[i], got, count) != count_of(groups[i], groups, count))
			return 0;
	}
	return 1;
}

static int set_groups(const gid_t *groups, size_t count, bool is_mapped)
{
	if (count > GROUPS_MAX)
		return err_say(-EINVAL, "%zu supplementary groups: at most %d", count, GROUPS_MAX);
	/* In a user namespace whose gid map was written without privilege no process may call
	 * setgroups. That does no harm if nothing has to change. */
	if (groups_are(groups, count) == 1)
		return 0;
	int r = sys_setgroups(count, groups);
	/* A caller that may set groups and is refused is in such a user namespace. Its groups stay:
	 * they mean nothing there. */
	if (r == -EPERM && is_mapped && count == 0 && sec_cap_is_effective(CAP_SETGID))
		return 0;
	if (r < 0)
		return err_new(r, "set %zu supplementary groups", count);
	r = groups_are(groups, count);
	if (r < 0)
		return err_new(r, "read the supplementary groups back");
	return r ? 0 : err_say(-EPERM, "the kernel has other supplementary groups than were set");
}

static int set_ids(uid_t uid, gid_t gid, const gid_t *groups, size_t group_count, bool is_mapped)
{
	uid_t uids[3];
	gid_t gids[3];

	int r = set_groups(groups, group_count, is_mapped);
	if (r < 0)
		return r;
	r = sys_setresgid(gid);
	if (r == -EINVAL)
		return err_say(r, "become group %u: the user namespace does not map it", gid);
	if (r < 0)
		return err_new(r, "become group %u", gid);
	r = sys_setresuid(uid);
	if (r == -EINVAL)
		return err_say(r, "become user %u: the user namespace does not map it", uid);
	if (r < 0)
		return err_new(r, "become user %u", uid);

	if (getresuid(&uids[0], &uids[1], &uids[2]) != 0 ||
		getresgid(&gids[0], &gids[1], &gids[2]) != 0)
		return err_say(-EPERM, "read user and group back");
	for (int i = 0; i < 3; i++) {
		if (uids[i] != uid || gids[i] != gid)
			return err_say(-EPERM, "the kernel has another user or group than %u:%u",
				uid, gid);
	}
	return 0;
}

int sec_ids_set(uid_t uid, gid_t gid, const gid_t *groups, size_t group_count)
{
	return set_ids(uid, gid, groups, group_count, false);
}

int sec_ids_set_mapped(uid_t uid, gid_t gid, const gid_t *groups, size_t group_count)
{
	return set_ids(uid, gid, groups, group_count, true);
}
