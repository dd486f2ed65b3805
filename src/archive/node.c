/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes members. Every node is new: an older node of the same name is removed first (only a
 * directory that is repeated stays), and regular files are opened with O_EXCL only. The kernel
 * clears set-id bits and file capabilities when the owner changes, so the order is owner, mode,
 * attributes, times.
 */
#include "archive/internal.h"
#include "base/err.h"
#include "base/str.h"
#include "sys/calls.h"
#include "sys/file.h"
#include "sys/path.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>

static int failed(int code, const struct member *m, const char *what)
{
	auto_buf struct buf shown = BUF_INIT;
	buf_add_escaped(&shown, m->path[0] ? m->path : "/");
	return err_new(code, "%s %.200s of a layer", what, shown.data);
}

/* A default ACL is set after everything is put into its directory, see directories.c. */
static int xattrs_set(const struct member *m, int fd)
{
	for (size_t i = 0; i < m->entry->xattrs.count; i++) {
		const struct tar_xattr *x = &m->entry->xattrs.items[i];
		bool is_taken = file_xattr_is_kept(x->name) && !str_eq(x->name, FILE_ACL_DEFAULT);
		int r = is_taken ? sys_set_xattr(fd, x->name, x->value, x->size) : 0;
		if (r < 0)
			return failed(r, m, "set an extended attribute of");
	}
	return 0;
}

/* Sets owner, mode and extended attributes of an open file or directory. */
static int unpack_metadata(const struct member *m, int fd)
{
	int r = sys_chown_at(fd, "", m->uid, m->gid, AT_EMPTY_PATH);
	if (r == 0)
		r = sys_chmod_fd(fd, m->mode);
	return r < 0 ? failed(r, m, "set owner and mode of") : xattrs_set(m, fd);
}

static int times_set(const struct member *m, int parent, const char *name)
{
	const struct timespec times[2] = {m->modified, m->modified};
	int r = sys_set_times_at(parent, name, times, AT_SYMLINK_NOFOLLOW);
	return r < 0 ? failed(r, m, "set the times of") : 0;
}

static bool is_deletion(const struct stat *st)
{
	return S_ISCHR(st->st_mode) && st->st_rdev == 0;
}

/* Moves a replaced node, under the next number, to the directory of replaced nodes. The first one
 * makes that directory. */
static int shadow_make(struct unpack *u, const struct member *m, int parent, const char *name)
{
	char number[24];
	fmt(number, "%llu", (unsigned long long)u->shadows);
	if (u->shadows_fd < 0)
		u->shadows_fd = file_make_dir_open_at(u->target->side_fd, ARCHIVE_SHADOWS, 0700);
	int r = u->shadows_fd < 0
		? u->shadows_fd
		: sys_rename_at(parent, name, u->shadows_fd, number, RENAME_NOREPLACE);
	return r < 0 ? failed(r, m, "put aside")
		     : recipe_replaced(u->recipe, m->path, u->shadows++);
}

/* A replaced node whose content the recipe refers to is kept beside the tree. */
static int name_clear(struct unpack *u, const struct member *m, int parent, const char *name,
	const struct stat *there)
{
	bool has_content = S_ISREG(there->st_mode) || S_ISDIR(there->st_mode);
	if (u->recipe && has_content)
		return shadow_make(u, m, parent, name);
	int r = S_ISDIR(there->st_mode) ? file_remove_tree_at(parent, name)
					: sys_unlink_at(parent, name, 0);
	return r < 0 ? failed(r, m, "replace") : 0;
}

static int block_write(int fd, const char *data, size_t size, uint64_t offset)
{
	while (size > 0) {
		ssize_t count = sys_write_at(fd, data, size, offset);
		if (count <= 0)
			return count < 0 ? (int)count : -EIO;
		data += count;
		size -= (size_t)count;
		offset += (uint64_t)count;
	}
	return 0;
}

/* Holes of sparse members stay holes. */
static int content_write(struct unpack *u, const struct member *m, int fd)
{
	const void *data;
	uint64_t offset, end = 0;
	int r = tar_keep(u->tar, m->path);
	while (r == 0) {
		ssize_t size = tar_content(u->tar, &data, &offset);
		if (size < 0)
			return (int)size;
		if (size == 0)
			break;
		r = block_write(fd, data, (size_t)size, offset);
		if (r < 0)
			return failed(r, m, "write");
		end = offset + (uint64_t)size;
	}
	if (r < 0)
		return r;
	r = end < m->size_bytes ? sys_truncate_fd(fd, m->size_bytes) : 0;
	return r < 0 ? failed(r, m, "write") : 0;
}

static int regular_make(struct unpack *u, const struct member *m, int parent, const char *name)
{
	auto_close int fd = sys_open_at(
		parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_NOCTTY, 0600);
	if (fd < 0)
		return failed(fd, m, "make");
	int r = content_write(u, m, fd);
	u->file_bytes += m->size_bytes;
	if (r == 0)
		r = unpack_metadata(m, fd);
	return r == 0 ? times_set(m, parent, name) : r;
}

/* Symlinks, devices and fifos. No other process writes here, so the node that gets the mode is the
 * one that was made. */
static int node_make(struct unpack *u, const struct member *m, int parent, const char *name)
{
	int r = m->type == S_IFLNK ? sys_symlink_at(m->symlink, parent, name)
				   : sys_mknod_at(parent, name, m->type, m->device);
	if (r == 0)
		r = sys_chown_at(parent, name, m->uid, m->gid, AT_SYMLINK_NOFOLLOW);
	if (r == 0 && m->type != S_IFLNK)
		r = sys_chmod_at(parent, name, m->mode);
	return r < 0 ? failed(r, m, "make") : times_set(m, parent, name);
}

static int directory_remember(struct unpack *u, const struct member *m)
{
	const struct tar_xattr *acl = NULL;
	for (size_t i = 0; i < m->entry->xattrs.count; i++)
		if (str_eq(m->entry->xattrs.items[i].name, FILE_ACL_DEFAULT))
			acl = &m->entry->xattrs.items[i];
	return unpack_directory_remember(
		u, m->path, m->modified, acl ? acl->value : NULL, acl ? acl->size : 0);
}

static int directory_make(struct unpack *u, const struct member *m, int parent, const char *name)
{
	int r = sys_mkdir_at(parent, name, 0700);
	if (r < 0 && r != -EEXIST)
		return failed(r, m, "make directory");
	auto_close int fd = sys_open_at(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	if (fd < 0)
		return failed(fd, m, "open directory");
	r = unpack_metadata(m, fd);
	return r < 0 ? r : directory_remember(u, m);
}

/* The target is looked up beneath the root like any other name. A symlink there is linked, not
 * followed. */
static int hard_link_make(struct unpack *u, const struct member *m, int parent, const char *name)
{
	const char *last;
	auto_close int from = path_open_parent(u->target->dir_fd, m->link_path, false, 0, &last);
	int r = from < 0 ? from : sys_link_at(from, last, parent, name, 0);
	if (r == -ENOENT || r == -ENOTDIR)
		return failed(-EINVAL, m, "find the target of hard link");
	return r < 0 ? failed(r, m, "make hard link") : 0;
}

static bool is_link_to_itself(struct unpack *u, const struct member *m, const struct stat *there)
{
	const char *last;
	struct stat st;
	auto_close int from = path_open_parent(u->target->dir_fd, m->link_path, false, 0, &last);
	return from >= 0 && sys_stat_at(from, last, AT_SYMLINK_NOFOLLOW, &st) == 0 &&
		st.st_ino == there->st_ino && st.st_dev == there->st_dev;
}

static int root_make(struct unpack *u, const struct member *m)
{
	auto_close int fd = sys_open_at(u->target->dir_fd, ".", O_RDONLY | O_DIRECTORY, 0);
	if (fd < 0)
		return failed(fd, m, "open");
	u->has_root = true;
	int r = unpack_metadata(m, fd);
	return r < 0 ? r : directory_remember(u, m);
}

static int kind_make(struct unpack *u, const struct member *m, int parent, const char *name)
{
	if (m->is_hard_link)
		return hard_link_make(u, m, parent, name);
	switch (m->type) {
	case S_IFREG:
		return regular_make(u, m, parent, name);
	case S_IFDIR:
		return directory_make(u, m, parent, name);
	case S_IFLNK:
	case S_IFCHR:
	case S_IFBLK:
	case S_IFIFO:
		return node_make(u, m, parent, name);
	default:
		BUG("a member of kind %o", m->type);
	}
}

/* Makes the name free: 1 when the node that is there is already the wanted one. */
static int name_prepare(
	struct unpack *u, const struct member *m, int *parent, const char *name, bool *out_hides)
{
	struct stat there;
	int r = sys_stat_at(*parent, name, AT_SYMLINK_NOFOLLOW, &there);
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return failed(r, m, "look for");
	if (m->is_hard_link && is_link_to_itself(u, m, &there))
		return 1;
	if (m->type == S_IFDIR && S_ISDIR(there.st_mode))
		return 0;
	*out_hides = is_deletion(&there) && m->type == S_IFDIR;
	r = name_clear(u, m, *parent, name, &there);
	if (r < 0)
		return r;
	unpack_forget_parent(u);
	*parent = unpack_parent(u, m->path, &name);
	return *parent < 0 ? *parent : 0;
}

int unpack_member(struct unpack *u, const struct member *m)
{
	if (!m->path[0])
		return root_make(u, m);
	const char *name;
	bool hides = false;
	int parent = unpack_parent(u, m->path, &name);
	if (parent < 0)
		return parent;
	int r = name_prepare(u, m, &parent, name, &hides);
	if (r != 0)
		return r < 0 ? r : 0;
	r = kind_make(u, m, parent, name);
	if (r < 0 || !hides)
		return r;
	auto_close int fd = sys_open_at(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	return fd < 0 ? failed(fd, m, "open") : u->target->make_opaque(u->target->context, fd);
}
