/* SPDX-License-Identifier: Apache-2.0 */
/* The writable layer of a container. */
#include "storage/storage.h"
#include "base/err.h"
#include "base/str.h"
#include "sys/calls.h"
#include "sys/fd.h"
#include "sys/file.h"

#include <errno.h>
#include <fcntl.h>

enum { SNAPSHOT_PATH_MAX = 192 };

/* "containers/ID" */
static int container_path(char out[static SNAPSHOT_PATH_MAX], const char *id, const char *rest)
{
	if (!str_is_name(id))
		return -EINVAL;
	return fmt_n(out, SNAPSHOT_PATH_MAX, "containers/%s%s", id, rest);
}

static int container_open(int root_fd, const char *id)
{
	char path[SNAPSHOT_PATH_MAX];
	int r = container_path(path, id, "");
	return r < 0 ? r : file_open_dir_at(root_fd, path);
}

void storage_snapshot_release(struct storage_snapshot *s)
{
	fd_replace(&s->upper_fd, -EBADF);
	fd_replace(&s->work_fd, -EBADF);
}

static int snapshot_open(int dir, struct storage_snapshot *out)
{
	auto_close int upper = sys_open_at(dir, "upper", O_PATH | O_DIRECTORY | O_NOFOLLOW, 0);
	if (upper < 0)
		return upper;
	auto_close int work = sys_open_at(dir, "work", O_PATH | O_DIRECTORY | O_NOFOLLOW, 0);
	if (work < 0)
		return work;
	out->upper_fd = take_fd(&upper);
	out->work_fd = take_fd(&work);
	return 0;
}

int storage_snapshot_open(int root_fd, const char *id, struct storage_snapshot *out)
{
	auto_close int dir = container_open(root_fd, id);
	int r = dir < 0 ? dir : snapshot_open(dir, out);
	return r < 0 ? err_new(r, "open the writable layer of container %.12s", id) : 0;
}

static int upper_make(int dir, int like_fd)
{
	struct stat st;
	int r = sys_stat_fd(like_fd, &st);
	if (r == 0)
		r = sys_mkdir_at(dir, "upper", 0700);
	if (r < 0)
		return r;
	auto_close int fd = file_open_dir_at(dir, "upper");
	r = fd < 0 ? fd : sys_chown_at(fd, "", st.st_uid, st.st_gid, AT_EMPTY_PATH);
	return r < 0 ? r : sys_chmod_fd(fd, st.st_mode & 07777);
}

int storage_snapshot_create(int root_fd, const char *id, int like_fd, struct storage_snapshot *out)
{
	auto_close int dir = container_open(root_fd, id);
	int r = dir < 0 ? dir : upper_make(dir, like_fd);
	if (r == 0)
		r = sys_mkdir_at(dir, "work", 0700);
	if (r == 0)
		r = snapshot_open(dir, out);
	return r < 0 ? err_new(r, "make the writable layer of container %.12s", id) : 0;
}

int storage_snapshot_remove(int root_fd, const char *id)
{
	auto_close int dir = container_open(root_fd, id);
	if (dir == -ENOENT)
		return 0;
	int r = dir < 0 ? dir : file_remove_tree_at(dir, "upper");
	if (r == 0)
		r = file_remove_tree_at(dir, "work");
	return r < 0 ? err_new(r, "remove the writable layer of container %.12s", id) : 0;
}
