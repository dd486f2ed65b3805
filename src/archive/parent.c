/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Directories that members are put into. They are resolved in the target as in a root, by the kernel: a symlink that
 * the layer made leads at most to another place in the layer. The fd of the last parent is kept, and forgotten as soon
 * as anything is removed, for it may have been on the way.
 */
#include "archive/internal.h"
#include "base/err.h"
#include "base/str.h"
#include "sys/calls.h"
#include "sys/path.h"

#include <errno.h>
#include <fcntl.h>

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

/* The uppermost layer that has this directory says how it looks; one that has something else there hides those below
 * it. */
static int lower_find(const struct unpack *u, const char *path, struct stat *out)
{
	for (size_t i = u->target->lower_count; i-- > 0;) {
		auto_close int fd = path_open(
			u->target->lower_fds[i], *path ? path : ".", O_PATH | O_DIRECTORY, 0);
		if (fd == -ENOENT)
			continue;
		return fd < 0 ? fd : sys_stat_fd(fd, out);
	}
	return -ENOENT;
}

int unpack_dress(struct unpack *u, const char *path, int dir_fd)
{
	struct stat st;
	if (lower_find(u, path, &st) < 0)
		return 0;
	auto_close int fd = sys_open_at(dir_fd, ".", O_RDONLY | O_DIRECTORY, 0);
	int r = fd < 0 ? fd : sys_chown_at(fd, "", st.st_uid, st.st_gid, AT_EMPTY_PATH);
	if (r == 0)
		r = sys_chmod_fd(fd, st.st_mode & 07777);
	return r < 0 ? failed(r, path, "give owner and mode to directory") : 0;
}

static int directory_open(struct unpack *u, const char *path)
{
	return path_open(u->target->dir_fd, path, O_PATH | O_DIRECTORY, 0);
}

/* Every prefix of the path in turn. Layers that leave parents out are rare, so this is the slow way. */
static int parents_make(struct unpack *u, const char *dir)
{
	auto_free char *path = mem_strdup(dir);
	auto_close int fd = -EBADF;
	for (char *end = path; end;) {
		end = strchr(end, '/');
		if (end)
			*end = '\0';
		fd_replace(&fd, directory_open(u, path));
		bool is_missing = fd == -ENOENT;
		if (is_missing)
			fd_replace(&fd, path_make_dir(u->target->dir_fd, path, 0755, 0));
		int r = fd < 0 ? failed(fd, path, "make directory") : 0;
		if (r == 0 && is_missing)
			r = unpack_dress(u, path, fd);
		if (r < 0)
			return r;
		if (end)
			*end++ = '/';
	}
	return take_fd(&fd);
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

int unpack_times(struct unpack *u)
{
	for (size_t i = 0; i < u->times.count; i++) {
		const struct directory_time *t = &u->times.items[i];
		/* One that was replaced since is no directory, or has its own row further on. */
		auto_close int fd = path_open(u->target->dir_fd, *t->path ? t->path : ".",
			O_PATH | O_DIRECTORY | O_NOFOLLOW, 0);
		if (fd < 0)
			continue;
		const struct timespec times[2] = {t->modified, t->modified};
		int r = sys_set_times_at(fd, ".", times, 0);
		if (r < 0)
			return failed(r, t->path, "set the times of directory");
	}
	return 0;
}
