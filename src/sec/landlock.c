/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Landlock: a process gives up all files that are beneath no directory of a list, and what it never
 * needs of the network, of other processes and of their sockets. The kernel's interface grew (its
 * "ABI", a number); what a kernel does not know yet is left out. Landlock is a second wall behind
 * namespaces and seccomp.
 */
#include "sec/landlock.h"
#include "base/err.h"
#include "sys/calls.h"
#include "sys/fd.h"
#include "sys/uapi.h"

#include <errno.h>

#define READS \
	(LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define FIRST_WRITES \
	(LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR | \
		LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_CHAR | \
		LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG | \
		LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO | \
		LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM)

/* Rights that came with each version. */
static const struct {
	int abi;
	uint64_t rights, writes;
} fs_rights[] = {
	{1, READS | FIRST_WRITES, FIRST_WRITES},
	{2, LANDLOCK_ACCESS_FS_REFER, LANDLOCK_ACCESS_FS_REFER},
	{3, LANDLOCK_ACCESS_FS_TRUNCATE, LANDLOCK_ACCESS_FS_TRUNCATE},
	{5, LANDLOCK_ACCESS_FS_IOCTL_DEV, LANDLOCK_ACCESS_FS_IOCTL_DEV},
};

enum {
	ABI_NEEDED = 2, /* 5.19: before it no file could be renamed to another directory */
	ABI_TCP = 4, /* 6.7 */
	ABI_SCOPES = 6, /* 6.12 */
};

/* Files have fewer rights than directories. */
static const uint64_t file_rights = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_FILE |
	LANDLOCK_ACCESS_FS_TRUNCATE | LANDLOCK_ACCESS_FS_IOCTL_DEV;

static int rule_add(
	int ruleset, const struct sec_landlock_rule *rule, uint64_t all, uint64_t writes)
{
	uint64_t rights = all & ~(uint64_t)LANDLOCK_ACCESS_FS_EXECUTE;
	if (rule->is_readonly)
		rights &= ~writes;
	if (rule->is_file)
		rights &= file_rights;
	int r = sys_landlock_add_path(ruleset, rights, rule->fd);
	return r < 0 ? err_new(r, "allow a directory by Landlock") : 0;
}

int sec_landlock(const struct sec_landlock *what)
{
	struct landlock_ruleset ruleset = {0};
	uint64_t writes = 0;
	int abi = sys_landlock_version();
	if (abi == -ENOSYS || abi == -EOPNOTSUPP || (abi >= 0 && abi < ABI_NEEDED))
		return 0;
	if (abi < 0)
		return err_new(abi, "ask for Landlock");
	for (size_t i = 0; i < sizeof(fs_rights) / sizeof(fs_rights[0]); i++)
		if (fs_rights[i].abi <= abi) {
			ruleset.handled_fs |= fs_rights[i].rights;
			writes |= fs_rights[i].writes;
		}
	if (abi >= ABI_TCP)
		ruleset.handled_net = LANDLOCK_ACCESS_NET_BIND_TCP |
			(what->connects ? 0 : LANDLOCK_ACCESS_NET_CONNECT_TCP);
	if (abi >= ABI_SCOPES)
		ruleset.scoped = LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET | LANDLOCK_SCOPE_SIGNAL;
	auto_close int fd = sys_landlock_create(&ruleset);
	if (fd < 0)
		return err_new(fd, "make a Landlock ruleset");
	int r = 0;
	for (size_t i = 0; i < what->count && r == 0; i++)
		r = rule_add(fd, &what->items[i], ruleset.handled_fs, writes);
	if (r < 0)
		return r;
	r = sys_landlock_restrict(fd);
	return r < 0 ? err_new(r, "restrict the process by Landlock") : 1;
}
