/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rm -rf for trees that an attacker filled. Depth costs a few bytes of heap per level, never
 * stack or fds: only the deepest levels stay open. The levels above are opened again through
 * `..`, which must lead to the inode that the walk came from. Nothing is followed: neither a
 * symlink, nor a mount, nor a directory that is moved during the walk leads out of the tree.
 */
#include "sys/file.h"

#include "base/str.h"
#include "sys/calls.h"
#include "sys/fd.h"
#include "sys/internal.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

enum {
	ROWS_ROOM = 8 * 1024,
	OPEN_LEVELS = 16,
	/* Passes over one directory: a tree that grows as fast as it shrinks must not keep husk
	 * busy for ever. */
	PASSES_MAX = 64,
	DIR_FLAGS = O_RDONLY | O_DIRECTORY | O_NOFOLLOW,
};

struct remove_level {
	int fd; /* -EBADF when it was closed meanwhile */
	uint64_t inode;
	int64_t offset; /* where reading continues */
	size_t name; /* offset in `names` of the name of this directory */
	uint32_t removed; /* entries removed in this pass */
	uint32_t passes;
};

struct remove_walk {
	struct statx root;
	struct remove_level *levels;
	size_t depth, room;
	struct buf names;
	int error; /* the first error; other entries are still removed */
};

static void remove_release(struct remove_walk *w)
{
	for (size_t i = 0; i < w->depth; i++)
		fd_close(w->levels[i].fd);
	free(w->levels);
	buf_release(&w->names);
}
AUTO_STRUCT(remove_walk, struct remove_walk, remove_release)

static void remove_note(struct remove_walk *w, int error)
{
	if (!w->error)
		w->error = error;
}

static int remove_stat(int fd, struct statx *out)
{
	return sys_statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_MNT_ID, out);
}

/* True in the same file system and the same mount. The device number alone is not enough: a bind
 * mount has that of its source. */
static bool remove_is_inside(const struct statx *root, const struct statx *info)
{
	return root->stx_dev_major == info->stx_dev_major &&
		root->stx_dev_minor == info->stx_dev_minor &&
		(!(root->stx_mask & info->stx_mask & STATX_MNT_ID) ||
			root->stx_mnt_id == info->stx_mnt_id);
}

/* Opens a directory whose mode denies access to this process, which owns it but is not root. */
static int remove_open_closed(int dirfd, const char *name)
{
	auto_close int fd = sys_open_at(dirfd, name, DIR_FLAGS | O_PATH, 0);
	if (fd < 0)
		return fd;
	/* fchmod(2) refuses O_PATH. The link in /proc leads to exactly this inode: no other file
	 * can take its place in between. */
	if (chmod(PROC_FD_PATH(fd), 0700) < 0)
		return -errno;
	return sys_open_at(fd, ".", DIR_FLAGS, 0);
}

/* Enters a directory: it becomes the deepest level. */
static int remove_push(struct remove_walk *w, int dirfd, const char *name)
{
	auto_close int fd = sys_open_at(dirfd, name, DIR_FLAGS, 0);
	if (fd == -EACCES)
		fd = remove_open_closed(dirfd, name);
	if (fd < 0)
		return fd;
	struct statx info;
	int r = remove_stat(fd, &info);
	if (r < 0)
		return r;
	if (w->depth == 0)
		w->root = info;
	if (!remove_is_inside(&w->root, &info))
		return -EXDEV;
	/* Root does not need these bits. For other users a failure shows when the entries are
	 * removed. */
	if ((info.stx_mode & 0700) != 0700 && geteuid() != 0)
		sys_chmod_fd(fd, 0700);

	if (w->depth == w->room) {
		w->room = w->room ? w->room * 2 : 16;
		w->levels = mem_resize(w->levels, w->room, sizeof(*w->levels));
	}
	if (w->depth >= OPEN_LEVELS)
		fd_replace(&w->levels[w->depth - OPEN_LEVELS].fd, -EBADF);
	w->levels[w->depth++] = (struct remove_level){
		.fd = take_fd(&fd), .inode = info.stx_ino, .name = w->names.len};
	buf_add(&w->names, name, strlen(name) + 1);
	return 0;
}

/* Leaves the deepest level and removes it from the level above. Fails only when there is no way
 * back up. */
static int remove_pop(struct remove_walk *w)
{
	struct remove_level *child = &w->levels[w->depth - 1];
	auto_close int child_fd = take_fd(&child->fd);
	const char *name = w->names.data + child->name;
	w->depth--;
	if (w->depth == 0)
		return 0;

	struct remove_level *parent = &w->levels[w->depth - 1];
	if (parent->fd < 0) {
		struct statx info;
		parent->fd = sys_open_at(child_fd, "..", DIR_FLAGS, 0);
		int r = parent->fd < 0 ? parent->fd : remove_stat(parent->fd, &info);
		if (r < 0)
			return r;
		if (info.stx_ino != parent->inode || !remove_is_inside(&w->root, &info))
			return -ESTALE;
		if (lseek(parent->fd, parent->offset, SEEK_SET) < 0)
			return -errno;
	}
	int r = sys_unlink_at(parent->fd, name, AT_REMOVEDIR);
	if (r == 0)
		parent->removed++;
	else if (r != -ENOENT)
		remove_note(w, r);
	w->names.len = child->name;
	return 0;
}

/* Removes the deepest level, if it is empty and not the root of the tree. */
static bool remove_empty(struct remove_walk *w)
{
	struct remove_level *child = &w->levels[w->depth - 1];
	if (w->depth < 2 || child[-1].fd < 0 ||
		sys_unlink_at(child[-1].fd, w->names.data + child->name, AT_REMOVEDIR) < 0)
		return false;
	fd_close(child->fd);
	child[-1].removed++;
	w->names.len = child->name;
	w->depth--;
	return true;
}

/* Removes one entry of the deepest level. 1 when it was a directory, which is the deepest level
 * now. */
static int remove_entry(struct remove_walk *w, const struct dir_row *row)
{
	struct remove_level *level = &w->levels[w->depth - 1];
	int r = row->type == DT_DIR ? -EISDIR : sys_unlink_at(level->fd, row->name, 0);
	if (r == -EISDIR) {
		level->offset = row->offset;
		r = remove_push(w, level->fd, row->name);
		if (r == 0)
			return 1;
	}
	if (r == 0)
		level->removed++;
	else if (r != -ENOENT)
		remove_note(w, r);
	return 0;
}

/* Removes entries until one is a directory (1), or the directory ends (0). */
static int remove_rows(struct remove_walk *w, char *rows, size_t size)
{
	int fd = w->levels[w->depth - 1].fd, len;
	while ((len = sys_read_dir(fd, rows, size)) > 0) {
		const struct dir_row *row;
		for (int at = 0; at < len; at += row->length) {
			row = (const struct dir_row *)(rows + at);
			if (str_eq(row->name, ".") || str_eq(row->name, ".."))
				continue;
			if (remove_entry(w, row) == 1)
				return 1;
		}
	}
	return len;
}

static int remove_walk(struct remove_walk *w)
{
	_Alignas(struct dir_row) char rows[ROWS_ROOM];
	while (w->depth > 0) {
		struct remove_level *level = &w->levels[w->depth - 1];
		if ((level->offset || level->passes) &&
			lseek(level->fd, level->offset, SEEK_SET) < 0)
			return -errno;
		int r = remove_rows(w, rows, sizeof(rows));
		if (r == 1)
			continue;
		if (r < 0)
			remove_note(w, r);

		/* Some file systems renumber the entries when some are removed, so that reading
		 * on skips entries. Only two cases show that none was skipped: the directory can
		 * be removed, or a pass removed nothing. */
		if (r == 0 && level->removed && remove_empty(w))
			continue;
		if (r == 0 && level->removed && level->passes < PASSES_MAX) {
			level->passes++;
			level->removed = 0;
			level->offset = 0;
			continue;
		}
		r = remove_pop(w);
		if (r < 0)
			return r;
	}
	return w->error;
}

int file_remove_tree_at(int dirfd, const char *path)
{
	/* Symlinks and files need no walk: this call removes them. For a directory it returns
	 * EISDIR (EPERM on some NFS). */
	int r = sys_unlink_at(dirfd, path, 0);
	if (r == 0 || r == -ENOENT)
		return 0;
	if (r != -EISDIR && r != -EPERM)
		return r;

	auto_of(remove_walk) struct remove_walk w = {.names = BUF_INIT};
	int refused = remove_push(&w, dirfd, path);
	if (refused == -ENOTDIR || refused == -ELOOP)
		return r;
	if (refused < 0)
		return refused == -ENOENT ? 0 : refused;
	r = remove_walk(&w);
	if (r < 0)
		return r;
	r = sys_unlink_at(dirfd, path, AT_REMOVEDIR);
	return r == -ENOENT ? 0 : r;
}
