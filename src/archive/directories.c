/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The times and default ACLs of directories. They are set after the last member: a new entry
 * changes the time of its directory and inherits its default ACL. Until then they are remembered in
 * one chunk of memory, and full chunks in a file without a name. A layer may have a million
 * directories.
 */
#include "archive/internal.h"
#include "base/err.h"
#include "base/str.h"
#include "sys/calls.h"
#include "sys/file.h"
#include "sys/path.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

enum { CHUNK_BYTES = 64 << 10, ACL_BYTES_MAX = 32 << 10 /* 4000 entries */ };

/* Rows follow each other in a chunk. No row is split between chunks; zeros fill the rest of a
 * chunk. */
struct directory_row {
	int64_t seconds;
	uint32_t nanoseconds;
	uint32_t acl_bytes; /* 0: it has none */
	uint32_t path_bytes; /* with its NUL */
	uint32_t size_bytes; /* of the row with its path, the ACL and padding */
	char path[]; /* then the ACL */
};

static int chunk_store(struct unpack *u)
{
	struct directories *d = &u->directories;
	if (d->fd < 0)
		d->fd = sys_open_at(u->target->dir_fd, ".", O_RDWR | O_TMPFILE, 0600);
	int r = d->fd < 0 ? d->fd : fd_write_full(d->fd, d->chunk, CHUNK_BYTES);
	if (r < 0)
		return err_new(r, "keep what a layer's directories get");
	d->stored_chunks++;
	d->used_bytes = 0;
	memset(d->chunk, 0, CHUNK_BYTES);
	return 0;
}

int unpack_directory_remember(struct unpack *u, const char *path, struct timespec modified,
	const void *acl, size_t acl_bytes)
{
	if (acl_bytes > ACL_BYTES_MAX)
		return err_say(-E2BIG, "a default ACL of %zu bytes", acl_bytes);
	struct directories *d = &u->directories;
	size_t path_bytes = strlen(path) + 1;
	size_t size = (sizeof(struct directory_row) + path_bytes + acl_bytes + 7) & ~(size_t)7;
	if (!d->chunk)
		d->chunk = mem_new(CHUNK_BYTES);
	if (size > CHUNK_BYTES - d->used_bytes) {
		int r = chunk_store(u);
		if (r < 0)
			return r;
	}
	struct directory_row *row = (void *)(d->chunk + d->used_bytes);
	row->seconds = modified.tv_sec;
	row->nanoseconds = (uint32_t)modified.tv_nsec;
	row->acl_bytes = (uint32_t)acl_bytes;
	row->path_bytes = (uint32_t)path_bytes;
	row->size_bytes = (uint32_t)size;
	memcpy(row->path, path, path_bytes);
	if (acl_bytes > 0)
		memcpy(row->path + path_bytes, acl, acl_bytes);
	d->used_bytes += size;
	return 0;
}

static int row_apply(const struct unpack *u, const struct directory_row *row)
{
	/* A directory that was replaced later is not a directory any more, or has a later row of
	 * its own. */
	auto_close int fd = path_open(u->target->dir_fd, *row->path ? row->path : ".",
		O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	if (fd < 0)
		return 0;
	const struct timespec time = {row->seconds, row->nanoseconds};
	const struct timespec times[2] = {time, time};
	int r = row->acl_bytes
		? sys_set_xattr(fd, FILE_ACL_DEFAULT, row->path + row->path_bytes, row->acl_bytes)
		: 0;
	if (r < 0)
		return err_new(r, "set the default ACL of a layer's directory");
	r = sys_set_times_at(fd, ".", times, 0);
	return r < 0 ? err_new(r, "set the times of a layer's directory") : 0;
}

static int chunk_apply(struct unpack *u)
{
	const struct directory_row *row;
	int r = 0;
	for (size_t at = 0; at + sizeof(*row) <= CHUNK_BYTES && r == 0; at += row->size_bytes) {
		row = (const void *)(u->directories.chunk + at);
		if (row->size_bytes == 0)
			break;
		r = row_apply(u, row);
	}
	return r;
}

int unpack_directories_finish(struct unpack *u)
{
	struct directories *d = &u->directories;
	int r = d->stored_chunks && d->used_bytes ? chunk_store(u) : 0;
	if (r == 0 && d->stored_chunks == 0 && d->chunk)
		r = chunk_apply(u);
	for (uint64_t i = 0; i < d->stored_chunks && r == 0; i++) {
		ssize_t count = sys_read_at(d->fd, d->chunk, CHUNK_BYTES, i * CHUNK_BYTES);
		if (count != CHUNK_BYTES)
			return err_new(count < 0 ? (int)count : -EIO,
				"read what a layer's directories get");
		r = chunk_apply(u);
	}
	return r;
}

void unpack_directories_release(struct directories *d)
{
	free(d->chunk);
	d->chunk = NULL;
	fd_replace(&d->fd, -EBADF);
}
