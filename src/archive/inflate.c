/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decompressing in pieces: a table of what is known. Several gzip members, or zstd frames, behind each other are one stream,
 * as for every tool; what is left behind the last of them and is none is an error.
 */
#include "archive/internal.h"
#include "base/err.h"

#include <errno.h>
#include <isa-l/igzip_lib.h>
#include <zstd.h>

/* A layer may not ask for more memory than 32 MiB to be read: what zstd's level 20 needs, and nobody who makes layers uses. */
enum { WINDOW_LOG_MAX = 25 };

struct inflater {
	const struct kind *kind;
	struct inflate_state gzip;
	ZSTD_DCtx *zstd;
	bool is_between;
};

struct kind {
	int (*begin)(struct inflater *f);
	/* Takes from *in, fills *out; the rest of either may be left for the next call. */
	int (*run)(struct inflater *f, struct piece_in *in, struct piece_out *out);
};

static int broken(const char *what)
{
	return err_say(-EBADMSG, "decompress a layer: %s", what);
}

static int gzip_begin(struct inflater *f)
{
	isal_inflate_init(&f->gzip);
	f->gzip.crc_flag = ISAL_GZIP;
	return 0;
}

static const char *gzip_words(int code)
{
	static const struct {
		int code;
		const char *words;
	} rows[] = {
		{ISAL_INVALID_WRAPPER, "it is not gzip"},
		{ISAL_UNSUPPORTED_METHOD, "gzip of an unknown method"},
		{ISAL_INCORRECT_CHECKSUM, "the checksum of gzip is wrong"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].code == code)
			return rows[i].words;
	return "the data of gzip is broken";
}

static int gzip_run(struct inflater *f, struct piece_in *in, struct piece_out *out)
{
	if (f->gzip.block_state == ISAL_BLOCK_FINISH) {
		isal_inflate_reset(&f->gzip);
		f->gzip.crc_flag = ISAL_GZIP;
	}
	f->gzip.next_in = (uint8_t *)in->data;
	f->gzip.avail_in = (uint32_t)in->left;
	f->gzip.next_out = (uint8_t *)out->data + out->size;
	f->gzip.avail_out = (uint32_t)(out->room - out->size);
	int r = isal_inflate(&f->gzip);
	if (r < 0)
		return broken(gzip_words(r));
	in->data += in->left - f->gzip.avail_in;
	in->left = f->gzip.avail_in;
	out->size = out->room - f->gzip.avail_out;
	f->is_between = f->gzip.block_state == ISAL_BLOCK_FINISH;
	return 0;
}

static int zstd_begin(struct inflater *f)
{
	f->zstd = ZSTD_createDCtx();
	if (!f->zstd)
		BUG("zstd: no memory");
	ZSTD_DCtx_setParameter(f->zstd, ZSTD_d_windowLogMax, WINDOW_LOG_MAX);
	return 0;
}

static int zstd_run(struct inflater *f, struct piece_in *in, struct piece_out *out)
{
	ZSTD_inBuffer from = {.src = in->data, .size = in->left};
	ZSTD_outBuffer to = {.dst = out->data, .size = out->room, .pos = out->size};
	size_t r = ZSTD_decompressStream(f->zstd, &to, &from);
	if (ZSTD_isError(r))
		return broken(ZSTD_getErrorName(r));
	in->data += from.pos;
	in->left -= from.pos;
	out->size = to.pos;
	f->is_between = r == 0;
	return 0;
}

static const struct kind kinds[] = {
	[ARCHIVE_GZIP] = {gzip_begin, gzip_run},
	[ARCHIVE_ZSTD] = {zstd_begin, zstd_run},
};

struct inflater *inflater_new(enum archive_compression compression)
{
	struct inflater *f = mem_new(sizeof(*f));
	f->kind = &kinds[compression];
	f->kind->begin(f);
	return f;
}

void inflater_free(struct inflater *f)
{
	if (!f)
		return;
	ZSTD_freeDCtx(f->zstd);
	free(f);
}

int inflater_run(struct inflater *f, struct piece_in *in, struct piece_out *out)
{
	return f->kind->run(f, in, out);
}

bool inflater_is_between(const struct inflater *f)
{
	return f->is_between;
}
