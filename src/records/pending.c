/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `pending/ID` is made and locked before the first object of a container exists, and removed when
 * the container is complete (detached) or gone. A pending file whose lock is free belongs to a
 * command that died, or that failed to clean up after its own failure: the next command undoes it.
 */
#include "records/internal.h"
#include "base/err.h"
#include "base/log.h"
#include "base/str.h"
#include "sys/calls.h"
#include "sys/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static int pending_path(char out[static 80], const char *id)
{
	return fmt_n(out, 80, "pending/%s", id);
}

int pending_begin(const struct engine *e, const char *id)
{
	char path[80];
	pending_path(path, id);
	/* Waits, because a sweep may hold the lock of the new file for a moment. */
	int fd = lock_file_at(e->state_fd, path, true);
	return fd < 0 ? space_explain(e, err_new(fd, "begin with container %.12s", id)) : fd;
}

int pending_try(const struct engine *e, const char *id)
{
	char path[80];
	pending_path(path, id);
	int fd = lock_file_at(e->state_fd, path, false);
	return fd < 0 ? -EBADF : fd;
}

void pending_keep(int *lock_fd)
{
	fd_replace(lock_fd, -EBADF);
}

void pending_end(const struct engine *e, const char *id, int *lock_fd)
{
	if (*lock_fd < 0)
		return;
	char path[80];
	pending_path(path, id);
	sys_unlink_at(e->state_fd, path, 0);
	fd_replace(lock_fd, -EBADF);
}

bool pending_exists(const struct engine *e, const char *id)
{
	char path[80];
	pending_path(path, id);
	return sys_access_at(e->state_fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}
