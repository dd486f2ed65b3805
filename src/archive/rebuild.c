/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rebuilds a layer's tar stream from its recipe and its tree. The recipe is read twice, because a
 * replacement is recorded after the rows that depend on it.
 */
#include "archive/archive.h"
#include "archive/recipe.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "sys/calls.h"
#include "sys/fd.h"
#include "sys/path.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <zstd.h>

enum { CHUNK_BYTES = 128 << 10 };

/* Rows before `row` find what was at `path` among the replaced nodes, under `number`. */
struct replaced {
	const char *path;
	uint64_t row, number;
};

struct rebuild {
	const struct archive_rebuild *told;
	int recipe_fd, shadows_fd;
	ZSTD_DCtx *zstd;
	ZSTD_inBuffer in;
	bool has_ended, is_whole; /* of the file; of the frame */
	char *compressed, *chunk;
	char path[ARCHIVE_NAME_MAX + 1];
	uint64_t row;
	struct arena arena;
	struct {
		struct replaced *items;
		size_t count;
	} replaced;
};

static void rebuild_release(struct rebuild *b)
{
	fd_replace(&b->recipe_fd, -EBADF);
	fd_replace(&b->shadows_fd, -EBADF);
	ZSTD_freeDCtx(b->zstd);
	free(b->compressed);
	free(b->chunk);
	arena_release(&b->arena);
}
AUTO_STRUCT(rebuild, struct rebuild, rebuild_release)

static int broken(void)
{
	return err_say(-EBADMSG, "the recipe of a layer is damaged");
}

/* Reads up to `size` bytes of the rows; 0 at their end. */
static ssize_t rows_read(struct rebuild *b, void *data, size_t size)
{
	ZSTD_outBuffer out = {.dst = data, .size = size};
	while (out.pos == 0) {
		if (b->in.pos == b->in.size && !b->has_ended) {
			ssize_t count = sys_read(b->recipe_fd, b->compressed, CHUNK_BYTES);
			if (count < 0)
				return err_new((int)count, "read the recipe of a layer");
			b->in = (ZSTD_inBuffer){.src = b->compressed, .size = (size_t)count};
			b->has_ended = count == 0;
		}
		if (b->has_ended && b->is_whole)
			return 0;
		size_t before = b->in.pos, r = ZSTD_decompressStream(b->zstd, &out, &b->in);
		b->is_whole = r == 0;
		if (ZSTD_isError(r) ||
			(b->has_ended && !b->is_whole && b->in.pos == before && out.pos == 0))
			return broken();
	}
	return (ssize_t)out.pos;
}

static int exactly_read(struct rebuild *b, void *data, size_t size)
{
	for (size_t done = 0; done < size;) {
		ssize_t count = rows_read(b, (char *)data + done, size - done);
		if (count <= 0)
			return count < 0 ? (int)count : broken();
		done += (size_t)count;
	}
	return 0;
}

static int number_read(struct rebuild *b, uint64_t *out)
{
	uint64_t bytes;
	int r = exactly_read(b, &bytes, sizeof(bytes));
	*out = le64toh(bytes);
	return r;
}

static int path_read(struct rebuild *b)
{
	uint64_t len;
	int r = number_read(b, &len);
	if (r == 0 && (len == 0 || len > ARCHIVE_NAME_MAX))
		r = broken();
	if (r == 0)
		r = exactly_read(b, b->path, len);
	if (r < 0)
		return r;
	b->path[len] = '\0';
	return strlen(b->path) == len ? 0 : broken();
}

static int emit(struct rebuild *b, const void *data, size_t size)
{
	return b->told->write(b->told->context, data, size);
}

static int raw_row(struct rebuild *b, bool is_emitted)
{
	uint64_t left;
	int r = number_read(b, &left);
	while (r == 0 && left > 0) {
		ssize_t count = rows_read(b, b->chunk, left < CHUNK_BYTES ? left : CHUNK_BYTES);
		if (count <= 0)
			return count < 0 ? (int)count : broken();
		r = is_emitted ? emit(b, b->chunk, (size_t)count) : 0;
		left -= (uint64_t)count;
	}
	return r;
}

/* The first replacement of that path after this row. */
static const struct replaced *replaced_find(const struct rebuild *b, const char *path, size_t len)
{
	size_t low = 0, high = b->replaced.count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct replaced *x = &b->replaced.items[middle];
		int order = strncmp(x->path, path, len);
		if (order == 0)
			order = x->path[len] != '\0';
		if (order < 0 || (order == 0 && x->row <= b->row))
			low = middle + 1;
		else
			high = middle;
	}
	const struct replaced *x = b->replaced.items + low;
	bool is_found = low < b->replaced.count && strncmp(x->path, path, len) == 0 &&
		x->path[len] == '\0';
	return is_found ? x : NULL;
}

/* The file, or a directory that it was in, may have been replaced after this row. The earliest
 * replacement counts. */
static int content_open(struct rebuild *b)
{
	const struct replaced *first = NULL;
	size_t first_len = 0;
	size_t len = strlen(b->path);
	for (size_t at = b->replaced.count ? 1 : len + 1; at <= len; at++) {
		const struct replaced *x = b->path[at] == '/' || at == len
			? replaced_find(b, b->path, at)
			: NULL;
		if (x && (!first || x->row < first->row)) {
			first = x;
			first_len = at;
		}
	}
	auto_buf struct buf place = BUF_INIT;
	if (first)
		buf_addf(&place, "%llu%s", (unsigned long long)first->number, b->path + first_len);
	const char *path = first ? place.data : b->path;
	int root = first ? b->shadows_fd : b->told->tree_fd;
	auto_close int found = path_open(root, path, O_PATH | O_NOFOLLOW, 0);
	struct stat st;
	int r = found < 0 ? found : sys_stat_fd(found, &st);
	if (r == 0 && !S_ISREG(st.st_mode))
		r = -EINVAL;
	if (r == 0)
		r = path_open(root, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0);
	return r < 0 ? err_new(r, "open %.200s of a layer, which its recipe needs", b->path) : r;
}

static int content_emit(struct rebuild *b, uint64_t offset, uint64_t left)
{
	auto_close int fd = content_open(b);
	int r = fd < 0 ? fd : 0;
	while (r == 0 && left > 0) {
		ssize_t count = sys_read_at(
			fd, b->chunk, left < CHUNK_BYTES ? left : CHUNK_BYTES, offset);
		if (count <= 0)
			return err_new(count < 0 ? (int)count : -EBADMSG,
				"read %.200s of a layer, which its recipe needs", b->path);
		r = emit(b, b->chunk, (size_t)count);
		offset += (uint64_t)count;
		left -= (uint64_t)count;
	}
	return r;
}

static int content_row(struct rebuild *b, bool is_emitted)
{
	uint64_t offset, length;
	int r = path_read(b);
	if (r == 0)
		r = number_read(b, &offset);
	if (r == 0)
		r = number_read(b, &length);
	return r < 0 || !is_emitted ? r : content_emit(b, offset, length);
}

static int replaced_row(struct rebuild *b, bool is_emitted)
{
	uint64_t number;
	int r = path_read(b);
	if (r == 0)
		r = number_read(b, &number);
	if (r == 0 && !is_emitted)
		*arena_push(&b->arena, &b->replaced) = (struct replaced){
			arena_str(&b->arena, b->path), b->row, number};
	return r;
}

static int replaced_order(const void *left, const void *right)
{
	const struct replaced *a = left, *b = right;
	int order = strcmp(a->path, b->path);
	return order ? order : a->row < b->row ? -1 : 1;
}

static int row_do(struct rebuild *b, char kind, bool is_emitted)
{
	switch (kind) {
	case 'R':
		return raw_row(b, is_emitted);
	case 'F':
		return content_row(b, is_emitted);
	case 'X':
		return replaced_row(b, is_emitted);
	default:
		return broken();
	}
}

/* Goes over all rows once. */
static int rows_do(struct rebuild *b, bool is_emitted)
{
	char magic[sizeof(RECIPE_MAGIC) - 1], kind;
	ZSTD_DCtx_reset(b->zstd, ZSTD_reset_session_only);
	b->in = (ZSTD_inBuffer){0};
	b->has_ended = b->is_whole = false;
	b->row = 1;
	ssize_t r = sys_seek_start(b->recipe_fd);
	if (r < 0)
		return err_new((int)r, "read the recipe of a layer");
	r = exactly_read(b, magic, sizeof(magic));
	if (r == 0 && memcmp(magic, RECIPE_MAGIC, sizeof(magic)) != 0)
		r = broken();
	for (; r >= 0; b->row++) {
		r = rows_read(b, &kind, 1);
		if (r <= 0)
			break;
		r = row_do(b, kind, is_emitted);
	}
	return (int)r;
}

int archive_rebuild_layer(const struct archive_rebuild *told)
{
	auto_of(rebuild) struct rebuild b = {
		.told = told,
		.recipe_fd = sys_open_at(told->side_fd, ARCHIVE_RECIPE, O_RDONLY | O_NOFOLLOW, 0),
		.shadows_fd = sys_open_at(
			told->side_fd, ARCHIVE_SHADOWS, O_PATH | O_DIRECTORY | O_NOFOLLOW, 0),
		.zstd = ZSTD_createDCtx(),
		.compressed = mem_new(CHUNK_BYTES),
		.chunk = mem_new(CHUNK_BYTES),
	};
	if (b.recipe_fd < 0)
		return err_new(b.recipe_fd, "open the recipe of a layer");
	int r = rows_do(&b, false);
	if (b.replaced.count)
		qsort(b.replaced.items, b.replaced.count, sizeof(*b.replaced.items),
			replaced_order);
	return r < 0 ? r : rows_do(&b, true);
}
