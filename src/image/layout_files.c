/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of what is imported. In a directory a file is opened without following a symlink, and only
 * if it is a regular file. In an archive it is looked up in the list of members; no archive is
 * unpacked to be read.
 */
#include "base/str.h"
#include "image/layout.h"
#include "sys/calls.h"
#include "sys/fd.h"
#include "sys/path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { MEMBERS_MAX = 100000, MEMBERS_BYTES_MAX = 16 << 20 };

static int member_add(void *context, const struct archive_member *m)
{
	struct layout *l = context;
	if (l->arena.total_bytes > MEMBERS_BYTES_MAX ||
		(m->link && strlen(m->link) > ARCHIVE_NAME_MAX))
		return err_say(-E2BIG, "the names in the archive are too long");
	*arena_push(&l->arena, &l->members) = (struct archive_member){
		.path = arena_str(&l->arena, m->path),
		.link = m->link ? arena_str(&l->arena, m->link) : NULL,
		.offset = m->offset,
		.size_bytes = m->size_bytes};
	return 0;
}

/* Of two members with one name the later one counts, as after unpacking the archive. */
static int member_order(const void *left, const void *right)
{
	const struct archive_member *a = left, *b = right;
	int order = strcmp(a->path, b->path);
	return order ? order : a->offset < b->offset ? 1 : -1;
}

/* Recognises skopeo's directory by the file `version` that skopeo and podman write there. */
static int flat_find(struct layout *l)
{
	auto_buf struct buf text = BUF_INIT;
	if (!layout_has(l, "version") || !layout_has(l, "manifest.json"))
		return 0;
	int r = layout_document_read(l, "version", &text);
	l->is_flat = r == 0 && str_prefix(text.data, "Directory Transport Version: 1.");
	return r;
}

int layout_open(struct layout *l, int fd)
{
	struct stat st;
	*l = (struct layout){.fd = fd};
	int r = sys_stat_fd(fd, &st);
	if (r < 0)
		return err_new(r, "look at the archive");
	l->is_archive = !S_ISDIR(st.st_mode);
	if (l->is_archive)
		r = archive_list(fd, MEMBERS_MAX, member_add, l);
	if (l->members.count)
		qsort(l->members.items, l->members.count, sizeof(*l->members.items), member_order);
	return r < 0 ? r : flat_find(l);
}

void layout_close(struct layout *l)
{
	arena_release(&l->arena);
}

static const struct archive_member *member_find(const struct layout *l, const char *path)
{
	size_t low = 0, high = l->members.count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (strcmp(l->members.items[middle].path, path) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	const struct archive_member *m = l->members.items + low;
	return low < l->members.count && str_eq(m->path, path) ? m : NULL;
}

static int missing(const char *path)
{
	auto_buf struct buf shown = BUF_INIT;
	buf_add_escaped(&shown, path);
	return err_say(-ENOENT, "the image has no file %.200s", shown.data);
}

/* The target of a link: "../ID/layer.tar" of ID/layer.tar, which Docker once wrote for a layer that
 * the archive had already, or a path from the top of the archive. */
static const struct archive_member *member_linked(
	const struct layout *l, const struct archive_member *m)
{
	auto_buf struct buf near = BUF_INIT, clean = BUF_INIT;
	buf_addf(&near, "/%.*s/%s", (int)(path_last(m->path) - m->path), m->path, m->link);
	path_clean(&clean, near.data);
	const struct archive_member *found = member_find(l, clean.data + 1);
	return found ? found : member_find(l, m->link);
}

static int member_open(
	const struct layout *l, const char *path, bool follows_link, struct layout_file *out)
{
	const struct archive_member *m = member_find(l, path);
	if (m && m->link && follows_link)
		m = member_linked(l, m);
	if (!m)
		return missing(path);
	if (m->link)
		return err_say(-EINVAL, "%.200s of the image is not a regular file", m->path);
	*out = (struct layout_file){fd_dup(l->fd), m->offset, m->size_bytes};
	return out->fd < 0 ? err_new(out->fd, "read the archive") : 0;
}

static int file_open(const struct layout *l, const char *path, struct layout_file *out)
{
	auto_close int found = path_open(l->fd, path, O_PATH | O_NOFOLLOW, PATH_STRICT);
	struct stat st;
	int r = found < 0 ? found : sys_stat_fd(found, &st);
	if (r == -ENOENT)
		return missing(path);
	if (r < 0)
		return err_new(r, "open %s of the image", path);
	if (!S_ISREG(st.st_mode))
		return err_say(-EINVAL, "%s of the image is not a regular file", path);
	int fd = path_open(l->fd, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, PATH_STRICT);
	*out = (struct layout_file){fd, 0, (uint64_t)st.st_size};
	return fd < 0 ? err_new(fd, "open %s of the image", path) : 0;
}

int layout_file_open(
	const struct layout *l, const char *path, bool follows_link, struct layout_file *out)
{
	*out = (struct layout_file){.fd = -EBADF};
	return l->is_archive ? member_open(l, path, follows_link, out) : file_open(l, path, out);
}

bool layout_has(const struct layout *l, const char *path)
{
	return l->is_archive ? member_find(l, path) != NULL
			     : sys_access_at(l->fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

int layout_document_read(const struct layout *l, const char *path, struct buf *out)
{
	struct layout_file file;
	int r = layout_file_open(l, path, false, &file);
	if (r < 0)
		return r;
	auto_close int fd = file.fd;
	if (file.size_bytes > MANIFEST_BYTES_MAX)
		return err_say(
			-EFBIG, "%s of the image has more than %d bytes", path, MANIFEST_BYTES_MAX);
	while (r == 0 && out->len < file.size_bytes) {
		ssize_t count = sys_read_at(fd, buf_reserve(out, file.size_bytes - out->len),
			file.size_bytes - out->len, file.offset + out->len);
		if (count <= 0)
			return err_new(
				count < 0 ? (int)count : -EBADMSG, "read %s of the image", path);
		buf_grew(out, (size_t)count);
	}
	return r;
}
