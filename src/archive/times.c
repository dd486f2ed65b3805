/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The times of directories. They are set when nothing is put into directories any more, so they are remembered until then:
 * in one chunk of memory, and what does not fit there in a file without a name. A layer may have a million directories.
 */
#include "archive/internal.h"
#include "base/err.h"
#include "base/str.h"
#include "sys/calls.h"
#include "sys/path.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

enum { CHUNK_BYTES = 64 << 10 };

/* Rows follow each other in a chunk; none is cut in two, and zeros fill the chunk behind the last one. */
struct directory_row {
	int64_t seconds;
	uint32_t nanoseconds;
	uint32_t size_bytes; /* of the row with its path, which is terminated, and padding */
	char path[];
};

static int chunk_store(struct unpack *u)
{
	struct directory_times *t = &u->times;
	if (t->fd < 0)
		t->fd = sys_open_at(u->target->dir_fd, ".", O_RDWR | O_TMPFILE, 0600);
	int r = t->fd < 0 ? t->fd : fd_write_full(t->fd, t->chunk, CHUNK_BYTES);
	if (r < 0)
		return err_new(r, "keep the times of a layer's directories");
	t->stored_chunks++;
	t->used_bytes = 0;
	memset(t->chunk, 0, CHUNK_BYTES);
	return 0;
}

int unpack_time_remember(struct unpack *u, const struct member *m)
{
	struct directory_times *t = &u->times;
	size_t path_bytes = strlen(m->path) + 1;
	size_t size = (sizeof(struct directory_row) + path_bytes + 7) & ~(size_t)7;
	if (!t->chunk)
		t->chunk = mem_new(CHUNK_BYTES);
	if (size > CHUNK_BYTES - t->used_bytes) {
		int r = chunk_store(u);
		if (r < 0)
			return r;
	}
	struct directory_row *row = (void *)(t->chunk + t->used_bytes);
	row->seconds = m->modified.tv_sec;
	row->nanoseconds = (uint32_t)m->modified.tv_nsec;
	row->size_bytes = (uint32_t)size;
	memcpy(row->path, m->path, path_bytes);
	t->used_bytes += size;
	return 0;
}

static int chunk_apply(struct unpack *u)
{
	const struct directory_row *row;
	for (size_t at = 0; at + sizeof(*row) <= CHUNK_BYTES; at += row->size_bytes) {
		row = (const void *)(u->times.chunk + at);
		if (row->size_bytes == 0)
			break;
		/* A directory that was replaced later is none any more, or has a row of its own further on. */
		auto_close int fd = path_open(u->target->dir_fd, *row->path ? row->path : ".",
			O_PATH | O_DIRECTORY | O_NOFOLLOW, 0);
		if (fd < 0)
			continue;
		const struct timespec time = {row->seconds, row->nanoseconds};
		const struct timespec times[2] = {time, time};
		int r = sys_set_times_at(fd, ".", times, 0);
		if (r < 0)
			return err_new(r, "set the times of a layer's directory");
	}
	return 0;
}

int unpack_times(struct unpack *u)
{
	struct directory_times *t = &u->times;
	int r = t->stored_chunks && t->used_bytes ? chunk_store(u) : 0;
	if (r == 0 && t->stored_chunks == 0 && t->chunk)
		r = chunk_apply(u);
	for (uint64_t i = 0; i < t->stored_chunks && r == 0; i++) {
		ssize_t count = sys_read_at(t->fd, t->chunk, CHUNK_BYTES, i * CHUNK_BYTES);
		if (count != CHUNK_BYTES)
			return err_new(count < 0 ? (int)count : -EIO,
				"read the times of a layer's directories");
		r = chunk_apply(u);
	}
	return r;
}

void unpack_times_release(struct directory_times *t)
{
	free(t->chunk);
	t->chunk = NULL;
	fd_replace(&t->fd, -EBADF);
}
