/* SPDX-License-Identifier: Apache-2.0 */
/* Paths: the directories of a container and its lock, and which disk is full. */
#include "records/internal.h"
#include "base/err.h"
#include "base/str.h"
#include "sys/calls.h"
#include "sys/file.h"
#include "sys/lock.h"

#include <errno.h>

enum { FULL_BYTES = 64 << 10, FULL_INODES = 16 };

int space_explain(const struct engine *e, int code)
{
	const struct {
		int fd;
		const char *path;
	} disks[] = {{e->root_fd, e->root_path}, {e->state_fd, e->state_path}};
	for (size_t i = 0; code == -ENOSPC && i < sizeof(disks) / sizeof(disks[0]); i++) {
		uint64_t bytes, inodes;
		if (disks[i].fd < 0 || sys_fs_free(disks[i].fd, &bytes, &inodes) < 0)
			continue;
		if (bytes < FULL_BYTES)
			return err_hint(code, "The disk of %s is full: make room there (df -h %s)",
				disks[i].path, disks[i].path);
		if (inodes < FULL_INODES)
			return err_hint(code,
				"The disk of %s has no inodes left: remove files there (df -i %s)",
				disks[i].path, disks[i].path);
	}
	return code;
}

static int two_level_open(int fd, const char *id)
{
	char path[sizeof("containers/") + CONTAINER_ID_LEN];
	int r = fmt(path, "containers/%s", id);
	return r < 0 ? r : file_open_dir_at(fd, path);
}

int container_dir_open(const struct engine *e, const char *id)
{
	return two_level_open(e->root_fd, id);
}

int container_run_dir_open(const struct engine *e, const char *id)
{
	return two_level_open(e->state_fd, id);
}

int container_run_dir_make(const struct engine *e, const char *id)
{
	char path[sizeof("containers/") + CONTAINER_ID_LEN];
	fmt(path, "containers/%s", id);
	return file_make_dir_open_at(e->state_fd, path, 0700);
}

/* The run directory is made again only for a container that exists: a removal deletes the lock
 * with the container, and a command that was waiting for the lock must find that the container
 * is gone. */
int container_lock(const struct engine *e, const char *id)
{
	auto_close int container_dir = container_dir_open(e, id);
	auto_close int dir = container_dir < 0 ? container_dir : container_run_dir_make(e, id);
	int lock = dir < 0 ? dir : lock_file_at(dir, "lock", true);
	if (lock == -ENOENT)
		return err_say(lock, "no such container: %.12s", id);
	return lock < 0 ? err_new(lock, "lock container %.12s", id) : lock;
}
