/* SPDX-License-Identifier: Apache-2.0 */
#include "archive/recipe.h"
#include "base/buf.h"
#include "base/err.h"
#include "sys/fd.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

/* Headers of one directory are much alike, and the fastest level already makes use of that. */
enum { RECIPE_LEVEL = 1, RAW_ROOM = 64 << 10 };

struct recipe {
	int fd;
	ZSTD_CCtx *zstd;
	struct buf raw; /* of the row R that is not written yet */
	size_t out_room;
	char out[];
};

void recipe_free(struct recipe *r)
{
	if (!r)
		return;
	ZSTD_freeCCtx(r->zstd);
	buf_release(&r->raw);
	free(r);
}

static int put(struct recipe *r, const void *data, size_t size, ZSTD_EndDirective end)
{
	ZSTD_inBuffer in = {.src = data, .size = size};
	size_t left;
	do {
		ZSTD_outBuffer out = {.dst = r->out, .size = r->out_room};
		left = ZSTD_compressStream2(r->zstd, &out, &in, end);
		if (ZSTD_isError(left))
			return err_say(-EIO, "compress a recipe: %s", ZSTD_getErrorName(left));
		int code = fd_write_full(r->fd, r->out, out.pos);
		if (code < 0)
			return err_new(code, "write the recipe of a layer");
	} while (in.pos < in.size || (end == ZSTD_e_end && left > 0));
	return 0;
}

int recipe_begin(int fd, struct recipe **out)
{
	size_t room = ZSTD_CStreamOutSize();
	struct recipe *r = mem_new(sizeof(*r) + room);
	*r = (struct recipe){
		.fd = fd, .raw = BUF_INIT, .out_room = room, .zstd = ZSTD_createCCtx()};
	if (!r->zstd)
		BUG("zstd: no memory");
	ZSTD_CCtx_setParameter(r->zstd, ZSTD_c_compressionLevel, RECIPE_LEVEL);
	ZSTD_CCtx_setParameter(r->zstd, ZSTD_c_checksumFlag, 1);
	*out = r;
	return put(r, RECIPE_MAGIC, strlen(RECIPE_MAGIC), ZSTD_e_continue);
}

static void number_add(struct buf *out, uint64_t value)
{
	uint64_t bytes = htole64(value);
	buf_add(out, &bytes, sizeof(bytes));
}

static int raw_flush(struct recipe *r)
{
	auto_buf struct buf head = BUF_INIT;
	if (r->raw.len == 0)
		return 0;
	buf_addc(&head, 'R');
	number_add(&head, r->raw.len);
	int code = put(r, head.data, head.len, ZSTD_e_continue);
	if (code == 0)
		code = put(r, r->raw.data, r->raw.len, ZSTD_e_continue);
	buf_clear(&r->raw);
	return code;
}

int recipe_raw(struct recipe *r, const void *data, size_t size)
{
	buf_add(&r->raw, data, size);
	return r->raw.len < RAW_ROOM ? 0 : raw_flush(r);
}

static int row_put(struct recipe *r, char kind, const char *path, uint64_t first, uint64_t second)
{
	auto_buf struct buf row = BUF_INIT;
	int code = raw_flush(r);
	buf_addc(&row, kind);
	number_add(&row, strlen(path));
	buf_adds(&row, path);
	number_add(&row, first);
	if (kind == 'F')
		number_add(&row, second);
	return code < 0 ? code : put(r, row.data, row.len, ZSTD_e_continue);
}

int recipe_content(struct recipe *r, const char *path, uint64_t offset, uint64_t length)
{
	return length ? row_put(r, 'F', path, offset, length) : 0;
}

int recipe_replaced(struct recipe *r, const char *path, uint64_t number)
{
	return row_put(r, 'X', path, number, 0);
}

int recipe_finish(struct recipe *r)
{
	int code = raw_flush(r);
	return code < 0 ? code : put(r, NULL, 0, ZSTD_e_end);
}
