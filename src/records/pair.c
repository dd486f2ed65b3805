/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A root directory and a state directory belong together: what one of them records about a
 * container's kernel objects is only found with the other. Each has a symbolic link to its partner.
 * A command with another partner is refused: it would take running containers for dead.
 */
#include "records/internal.h"
#include "base/err.h"
#include "base/str.h"
#include "sys/calls.h"
#include "sys/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>

enum { TIES_TRIES = 8 };

/* A state directory of another boot, or one that is gone, has no containers any more. */
static bool state_lives(const struct engine *e, const char *path)
{
	auto_buf struct buf boot = BUF_INIT;
	auto_close int dir = sys_open_at(AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0);
	return dir >= 0 && file_read_at(dir, "boot", 64, &boot) == 0 &&
		str_eq(boot.data, e->boot_id);
}

static bool root_lives(const struct engine *e, const char *path)
{
	return sys_access_at(AT_FDCWD, path, F_OK, 0) == 0;
}

struct tie {
	int dir;
	const char *path, *kind;
	const char *name; /* the name of the link in `dir` */
	const char *partner, *partner_kind;
	bool (*lives)(const struct engine *e, const char *path);
	const char *remedy;
};

static int tie_check(const struct engine *e, const struct tie *tie)
{
	char found[PATH_MAX];
	for (int i = 0; i < TIES_TRIES; i++) {
		int r = sys_readlink_at(tie->dir, tie->name, found, sizeof(found));
		if (r >= 0 && str_eq(found, tie->partner))
			return 0;
		if (r >= 0 && tie->lives(e, found))
			return err_say(-EBUSY,
				"the %s %s is in use with the %s %s: use both together (%s)",
				tie->kind, tie->path, tie->partner_kind, found, tie->remedy);
		if (r >= 0)
			sys_unlink_at(tie->dir, tie->name, 0);
		else if (r != -ENOENT)
			return err_new(r, "read the link %s/%s", tie->path, tie->name);
		r = sys_symlink_at(tie->partner, tie->dir, tie->name);
		if (r < 0 && r != -EEXIST)
			return err_new(r, "make the link %s/%s", tie->path, tie->name);
	}
	return err_say(-EBUSY, "other commands change %s/%s all the time", tie->path, tie->name);
}

int records_pair(const struct engine *e)
{
	const struct tie ties[] = {
		{e->root_fd, e->root_path, "root", "state", e->state_path, "state directory",
			state_lives, "--state, HUSK_STATE"},
		{e->state_fd, e->state_path, "state directory", "root", e->root_path, "root",
			root_lives, "--root, HUSK_ROOT"},
	};
	int r = 0;
	for (size_t i = 0; r == 0 && i < sizeof(ties) / sizeof(ties[0]); i++)
		r = tie_check(e, &ties[i]);
	return r;
}
