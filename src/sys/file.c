/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole files and directories of husk's own state, and files of the kernel. Removing trees is in
 * file_remove.c.
 */
#include "sys/file.h"

#include "base/str.h"
#include "sys/calls.h"
#include "sys/fd.h"
#include "sys/internal.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <linux/limits.h>
#include <unistd.h>

enum {
	DIR_ROOM = 16 * 1024,
	/* A name is taken only by a writer that died, or that runs in another pid namespace. */
	TEMPORARY_TRIES = 100,
};

bool file_xattr_is_kept(const char *name)
{
	return str_eq(name, "security.capability") || str_eq(name, FILE_ACL_ACCESS) ||
		str_eq(name, FILE_ACL_DEFAULT) ||
		(str_prefix(name, "user.") && !str_prefix(name, "user.overlay."));
}

int file_xattrs_copy(int from, int to, const char *except)
{
	char few[256];
	ssize_t len = sys_list_xattr(from, few, sizeof(few));
	if (len == 0 || len == -EOPNOTSUPP)
		return 0;
	auto_free char *names = mem_new(XATTR_LIST_MAX), *value = mem_new(XATTR_SIZE_MAX);
	len = sys_list_xattr(from, names, XATTR_LIST_MAX);
	if (len < 0)
		return (int)len;
	for (const char *name = names; name < names + len; name += strlen(name) + 1) {
		if (!file_xattr_is_kept(name) || (except && str_eq(name, except)))
			continue;
		ssize_t size = sys_get_xattr(from, name, value, XATTR_SIZE_MAX);
		int r = size < 0 ? (int)size : sys_set_xattr(to, name, value, (size_t)size);
		if (r < 0 && r != -EOPNOTSUPP && r != -EPERM)
			return r;
	}
	return 0;
}

int file_read_at(int dirfd, const char *path, size_t max, struct buf *out)
{
	auto_close int fd = sys_open_at(
		dirfd, path, O_RDONLY | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK, 0);
	return fd < 0 ? fd : fd_read_all(fd, max, out);
}

int file_read(const char *path, size_t max, struct buf *out)
{
	auto_close int fd = sys_open_at(AT_FDCWD, path, O_RDONLY | O_NOCTTY, 0);
	return fd < 0 ? fd : fd_read_all(fd, max, out);
}

int file_write_at(int dirfd, const char *path, const char *text)
{
	auto_close int fd = sys_open_at(dirfd, path, O_WRONLY | O_NOFOLLOW | O_NOCTTY, 0);
	if (fd < 0)
		return fd;
	size_t len = strlen(text);
	ssize_t count = sys_write(fd, text, len);
	if (count < 0)
		return (int)count;
	return (size_t)count == len ? 0 : -EIO;
}

enum { NEW_MODE = 0600 };

/* Fills a new file and sets its mode whatever the umask is. NEW_MODE is set already, as the umask
 * takes no rights from the owner. */
static int file_fill(int fd, const void *data, size_t size, mode_t mode)
{
	int r = fd_write_full(fd, data, size);
	return r < 0 || mode == NEW_MODE ? r : sys_chmod_fd(fd, mode);
}

static int file_open_new(int dirfd, const char *path)
{
	return sys_open_at(
		dirfd, path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_NOCTTY, NEW_MODE);
}

int file_create_at(int dirfd, const char *path, const void *data, size_t size, mode_t mode)
{
	auto_close int fd = file_open_new(dirfd, path);
	if (fd < 0)
		return fd;
	int r = file_fill(fd, data, size, mode);
	if (r < 0)
		sys_unlink_at(dirfd, path, 0);
	return r;
}

/* Opens a new file with an unused name in the directory `prefix` ("" or "a/b/"); out_name is that
 * name. */
static int file_open_temporary(int dirfd, const char *prefix, char out_name[static PATH_MAX])
{
	int fd = -EEXIST;
	for (int i = 0; i < TEMPORARY_TRIES && fd == -EEXIST; i++) {
		int r = fmt_n(out_name, PATH_MAX, "%s.new.%d.%d", prefix, getpid(), i);
		if (r < 0)
			return r;
		fd = file_open_new(dirfd, out_name);
	}
	return fd;
}

int file_sync_dir_at(int dirfd, const char *path)
{
	auto_close int dir = sys_open_at(dirfd, *path ? path : ".", O_RDONLY | O_DIRECTORY, 0);
	return dir < 0 ? dir : sys_fsync(dir);
}

/* As atomic as a rename over the old file. But such a rename makes ext4 write the new content out
 * at once (auto_da_alloc), which costs up to two milliseconds though the caller asked for no
 * durability. An exchange does not cost that. */
static int file_exchange(int dirfd, const char *name, const char *path)
{
	int r = sys_rename_at(dirfd, name, dirfd, path, RENAME_NOREPLACE); /* most files are new */
	if (r == 0)
		return 0;
	r = sys_rename_at(dirfd, name, dirfd, path, RENAME_EXCHANGE);
	if (r < 0) /* the old file has gone meanwhile, or the file system cannot exchange */
		return sys_rename_at(dirfd, name, dirfd, path, 0);
	r = sys_unlink_at(dirfd, name, 0);
	if (r < 0) /* a directory had that name */
		sys_rename_at(dirfd, name, dirfd, path, RENAME_EXCHANGE);
	return r;
}

int file_replace_at(
	int dirfd, const char *path, const void *data, size_t size, mode_t mode, bool is_durable)
{
	char prefix[PATH_MAX], name[PATH_MAX];
	const char *slash = strrchr(path, '/');
	int r = fmt(prefix, "%.*s", slash ? (int)(slash - path + 1) : 0, path);
	if (r < 0)
		return r;

	auto_close int fd = file_open_temporary(dirfd, prefix, name);
	if (fd < 0)
		return fd;
	r = file_fill(fd, data, size, mode);
	if (r == 0 && is_durable)
		r = sys_fsync(fd);
	if (r == 0)
		r = is_durable ? sys_rename_at(dirfd, name, dirfd, path, 0)
			       : file_exchange(dirfd, name, path);
	if (r < 0) {
		sys_unlink_at(dirfd, name, 0);
		return r;
	}
	return is_durable ? file_sync_dir_at(dirfd, prefix) : 0;
}

/* mkdir that succeeds also when the directory exists. */
static int file_make_dir(int dirfd, const char *path, mode_t mode)
{
	int r = sys_mkdir_at(dirfd, path, mode);
	if (r != -EEXIST)
		return r;
	struct stat info;
	r = sys_stat_at(dirfd, path, 0, &info);
	if (r < 0)
		return r;
	return S_ISDIR(info.st_mode) ? 0 : -ENOTDIR;
}

int file_make_dirs_at(int dirfd, const char *path, mode_t mode)
{
	/* Mostly only the last directory is missing, or none. */
	int r = file_make_dir(dirfd, path, mode);
	if (r != -ENOENT || !*path)
		return r;

	char part[PATH_MAX];
	r = fmt(part, "%s", path);
	if (r < 0)
		return r;
	for (char *slash = part; (slash = strchr(slash, '/')); slash++) {
		if (slash == part)
			continue;
		*slash = '\0';
		r = file_make_dir(dirfd, part, mode);
		*slash = '/';
		if (r < 0)
			return r;
	}
	return file_make_dir(dirfd, part, mode);
}

int file_open_dir_at(int dirfd, const char *path)
{
	return sys_open_at(dirfd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
}

int file_check_private(int dir_fd, uid_t *out_owner)
{
	struct stat st;
	int r = sys_stat_fd(dir_fd, &st);
	if (r < 0)
		return r;
	*out_owner = st.st_uid;
	if (st.st_uid != 0 && st.st_uid != geteuid())
		return -EPERM;
	return st.st_mode & S_IWOTH ? -EACCES : 0;
}

int file_make_dir_open_at(int dirfd, const char *path, mode_t mode)
{
	int r = sys_mkdir_at(dirfd, path, mode);
	return r < 0 && r != -EEXIST ? r : file_open_dir_at(dirfd, path);
}

int file_list_at(int dirfd, const char *path, struct strvec *out)
{
	auto_close int dir = file_open_dir_at(dirfd, path);
	if (dir < 0)
		return dir;

	_Alignas(struct dir_row) char rows[DIR_ROOM];
	int len;
	while ((len = sys_read_dir(dir, rows, sizeof(rows))) > 0) {
		const struct dir_row *row;
		for (int at = 0; at < len; at += row->length) {
			row = (const struct dir_row *)(rows + at);
			if (!str_eq(row->name, ".") && !str_eq(row->name, ".."))
				strvec_push(out, row->name);
		}
	}
	return len;
}
