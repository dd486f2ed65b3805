/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copies the files of an image's directory into the tmpfs that will cover it: names, content,
 * modes, owners and times. Init does it; husk does the same for a new volume. No symbolic link is
 * followed: each name is opened from the fd of its directory. Of the extended attributes only those
 * of programs are copied. Sockets are not copied: they mean nothing without the program that
 * listens.
 */
#include "mount/internal.h"
#include "base/err.h"
#include "base/str.h"
#include "sys/calls.h"
#include "sys/fd.h"
#include "sys/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/mount.h>
#include <sys/stat.h>

enum {
	DEPTH_MAX = 64,
	ROWS_ROOM = 4096,
	DATA_ROOM = 32 * 1024,
	DIR_FLAGS = O_RDONLY | O_DIRECTORY | O_NOFOLLOW
};

/* The owner comes first, because changing it clears set-id bits and capabilities. */
static int attributes_copy(int from, int fd, const struct stat *st)
{
	const struct timespec times[2] = {st->st_atim, st->st_mtim};
	int r = sys_chown_at(fd, "", st->st_uid, st->st_gid, AT_EMPTY_PATH);
	if (r == 0)
		r = sys_chmod_fd(fd, st->st_mode & 07777);
	if (r == 0)
		r = file_xattrs_copy(from, fd, NULL);
	return r < 0 ? r : sys_set_times_at(fd, "", times, AT_EMPTY_PATH);
}

static int content_copy(int from, int to)
{
	char data[DATA_ROOM];
	for (;;) {
		ssize_t n = sys_read(from, data, sizeof(data));
		if (n <= 0)
			return (int)n;
		int r = fd_write_full(to, data, (size_t)n);
		if (r < 0)
			return r;
	}
}

static int file_copy(int from_dir, int to_dir, const char *name, const struct stat *st)
{
	struct stat opened;
	auto_close int from = sys_open_at(
		from_dir, name, O_RDONLY | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK, 0);
	int r = from < 0 ? from : sys_stat_fd(from, &opened);
	if (r < 0)
		return r;
	if (!S_ISREG(opened.st_mode))
		return -ESTALE;
	auto_close int to = sys_open_at(
		to_dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
	r = to < 0 ? to : content_copy(from, to);
	return r < 0 ? r : attributes_copy(from, to, st);
}

static int link_copy(int from_dir, int to_dir, const char *name, const struct stat *st)
{
	char target[PATH_MAX];
	int len = sys_readlink_at(from_dir, name, target, sizeof(target) - 1);
	if (len < 0)
		return len;
	target[len] = '\0';
	int r = sys_symlink_at(target, to_dir, name);
	return r < 0 ? r : sys_chown_at(to_dir, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW);
}

static int node_copy(int to_dir, const char *name, const struct stat *st)
{
	int r = sys_mknod_at(to_dir, name, st->st_mode & ~07777u, st->st_rdev);
	if (r == 0)
		r = sys_chown_at(to_dir, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW);
	return r < 0 ? r : sys_chmod_at(to_dir, name, st->st_mode & 07777);
}

static int directory_copy(int from, int to, unsigned depth);

static int subdirectory_copy(
	int from_dir, int to_dir, const char *name, const struct stat *st, unsigned depth)
{
	if (depth == DEPTH_MAX)
		return err_say(-ELOOP, "%s: more than %d directories deep", name, DEPTH_MAX);
	auto_close int from = sys_open_at(from_dir, name, DIR_FLAGS, 0);
	int r = from < 0 ? from : sys_mkdir_at(to_dir, name, 0700);
	if (r < 0)
		return err_new(r, "%s", name);
	auto_close int to = sys_open_at(to_dir, name, DIR_FLAGS, 0);
	r = to < 0 ? err_new(to, "%s", name) : directory_copy(from, to, depth + 1);
	if (r < 0)
		return r;
	r = attributes_copy(from, to, st);
	return r < 0 ? err_new(r, "%s", name) : 0;
}

static int entry_copy(int from, int to, const char *name, unsigned depth)
{
	struct stat st;
	int r = sys_stat_at(from, name, AT_SYMLINK_NOFOLLOW, &st);
	if (r == 0 && S_ISDIR(st.st_mode))
		return subdirectory_copy(from, to, name, &st, depth);
	if (r == 0 && S_ISREG(st.st_mode))
		r = file_copy(from, to, name, &st);
	else if (r == 0 && S_ISLNK(st.st_mode))
		r = link_copy(from, to, name, &st);
	else if (r == 0 && !S_ISSOCK(st.st_mode))
		r = node_copy(to, name, &st);
	if (r == -ESTALE)
		return err_say(r, "%s: somebody has put something else in its place", name);
	return r < 0 ? err_new(r, "%s", name) : 0;
}

static int directory_copy(int from, int to, unsigned depth)
{
	_Alignas(struct dir_row) char rows[ROWS_ROOM];
	int len;
	while ((len = sys_read_dir(from, rows, sizeof(rows))) > 0) {
		for (int at = 0; at < len; at += ((struct dir_row *)(rows + at))->length) {
			const struct dir_row *row = (const struct dir_row *)(rows + at);
			if (str_eq(row->name, ".") || str_eq(row->name, ".."))
				continue;
			int r = entry_copy(from, to, row->name, depth);
			if (r < 0)
				return r;
		}
	}
	return len < 0 ? err_new(len, "read a directory") : 0;
}

/* Copies from a clone of the tree that has no devices. Another container that shares the image may
 * put a device, or a FIFO, in the place of a file that was just looked at. */
int mount_copy_up(int from_fd, int to_fd)
{
	const struct mount_row nodev = {
		.flags = MOUNT_RECURSIVE, .attr_set_recursive = MOUNT_ATTR_NODEV};
	auto_close int tree = mount_clone_fd(from_fd, &nodev);
	if (tree < 0)
		return tree;
	auto_close int from = sys_open_at(tree, ".", DIR_FLAGS, 0);
	auto_close int to = sys_open_at(to_fd, ".", DIR_FLAGS, 0);
	if (from < 0 || to < 0)
		return err_new(from < 0 ? from : to, "open the directory");
	return directory_copy(from, to, 0);
}

int mount_copy_attributes(int from_fd, int to_fd)
{
	struct stat st;
	auto_close int from = sys_open_at(from_fd, ".", DIR_FLAGS, 0);
	auto_close int to = sys_open_at(to_fd, ".", DIR_FLAGS, 0);
	if (from < 0 || to < 0)
		return err_new(from < 0 ? from : to, "open the directory");
	int r = sys_stat_fd(from, &st);
	if (r == 0)
		r = attributes_copy(from, to, &st);
	return r < 0 ? err_new(r, "give it owner and mode") : 0;
}
