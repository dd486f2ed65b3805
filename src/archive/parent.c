/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Directories that members are put into. The kernel resolves them with the target as root: a
 * symlink of the layer leads at most to another place in the layer. The fd of the last parent is
 * kept, and dropped as soon as anything is removed, because that may have been on the parent's
 * path.
 */
#include "archive/internal.h"
#include "base/err.h"
#include "base/str.h"
#include "sys/calls.h"
#include "sys/file.h"
#include "sys/path.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <sys/stat.h>

static int failed(int code, const char *path, const char *what)
{
	auto_buf struct buf shown = BUF_INIT;
	buf_add_escaped(&shown, path);
	return err_new(code, "%s %.200s of a layer", what, shown.data);
}

void unpack_forget_parent(struct unpack *u)
{
	fd_replace(&u->parent_fd, -EBADF);
}

/* The topmost layer that has this directory decides about its metadata. A layer that has something
 * else there hides the layers below it. Returns an fd. */
static int lower_find(const struct unpack *u, const char *path)
{
	for (size_t i = u->target->lower_count; i-- > 0;) {
		int fd = path_open(
			u->target->lower_fds[i], *path ? path : ".", O_RDONLY | O_DIRECTORY, 0);
		if (fd != -ENOENT)
			return fd;
	}
	return -ENOENT;
}

/* The default ACL is set after everything is put into the directory. */
static int acl_remember(struct unpack *u, const char *path, int lower_fd)
{
	static const struct timespec as_it_is = {.tv_nsec = UTIME_OMIT};
	auto_free char *acl = mem_new(XATTR_SIZE_MAX);
	ssize_t size = sys_get_xattr(lower_fd, FILE_ACL_DEFAULT, acl, XATTR_SIZE_MAX);
	return size > 0 ? unpack_directory_remember(u, path, as_it_is, acl, (size_t)size) : 0;
}

int unpack_dress(struct unpack *u, const char *path, int dir_fd)
{
	struct stat st;
	auto_close int lower = lower_find(u, path);
	if (lower < 0)
		return 0;
	auto_close int fd = sys_open_at(dir_fd, ".", O_RDONLY | O_DIRECTORY, 0);
	int r = fd < 0 ? fd : sys_stat_fd(lower, &st);
	if (r == 0)
		r = sys_chown_at(fd, "", st.st_uid, st.st_gid, AT_EMPTY_PATH);
	if (r == 0)
		r = sys_chmod_fd(fd, st.st_mode & 07777);
	if (r == 0)
		r = file_xattrs_copy(lower, fd, FILE_ACL_DEFAULT);
	if (r == 0)
		r = acl_remember(u, path, lower);
	return r < 0 ? failed(r, path, "give owner and mode to directory") : 1;
}

static int directory_open(struct unpack *u, const char *path)
{
	return path_open(u->target->dir_fd, path, O_PATH | O_DIRECTORY, 0);
}

/* A symlink to something that does not exist: the directories are made where it points to. */
static int linked_make(struct unpack *u, const char *path)
{
	int r = unpack_count(u, PATH_LEVELS_MAX);
	return r < 0 ? r : path_make_dir(u->target->dir_fd, path, 0755, 0);
}

/* Makes the missing directories of a path. The deepest one that exists is searched from below; from
 * there each new directory is made in the one before it. No other process writes here, so what was
 * just made is not a symlink. `path` is overwritten. */
static int parents_make(struct unpack *u, char *path)
{
	size_t len = strlen(path), end = len;
	int fd = -ENOENT;
	while (fd == -ENOENT && end > 0) {
		while (end > 0 && path[end] != '/')
			end--;
		if (end > 0)
			path[end] = '\0';
		fd = directory_open(u, end > 0 ? path : ".");
	}
	if (fd < 0)
		return failed(fd, path, "open directory");
	auto_close int dir = fd;
	bool is_below = true; /* may the layers below have this directory? */
	while (end < len) {
		/* The end of the part that exists: the beginning of the path, or a slash. */
		const char *name = path + end + (end > 0);
		if (end > 0)
			path[end] = '/';
		end = (size_t)(name - path) + strlen(name);
		int r = unpack_count(u, 1);
		if (r < 0)
			return r;
		r = sys_mkdir_at(dir, name, 0755);
		if (r == -EEXIST)
			fd = linked_make(u, path);
		else
			fd = r < 0 ? r
				   : sys_open_at(dir, name, O_PATH | O_DIRECTORY | O_NOFOLLOW, 0);
		fd_replace(&dir, fd);
		if (fd < 0)
			return failed(fd, path, "make directory");
		r = is_below ? unpack_dress(u, path, dir) : 0;
		if (r < 0)
			return r;
		is_below = r > 0;
	}
	return take_fd(&dir);
}

int unpack_parent(struct unpack *u, const char *path, const char **out_name)
{
	const char *name = path_last(path);
	size_t len = (size_t)(name - path);
	*out_name = name;
	if (u->parent_fd >= 0 && u->parent_path.len == len &&
		memcmp(u->parent_path.data, path, len) == 0)
		return u->parent_fd;

	buf_clear(&u->parent_path);
	buf_add(&u->parent_path, path, len);
	auto_free char *dir = len > 0 ? mem_strdup(u->parent_path.data) : mem_strdup(".");
	if (len > 0)
		dir[len - 1] = '\0';
	int fd = directory_open(u, dir);
	if (fd == -ENOENT)
		fd = parents_make(u, dir);
	else if (fd < 0)
		fd = failed(fd, dir, "open directory");
	fd_replace(&u->parent_fd, fd < 0 ? -EBADF : fd);
	return fd;
}
