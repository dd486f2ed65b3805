/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decompresses in pieces, by a table of the known formats. Several gzip members, or zstd frames, in
 * a row are one stream, as for every tool. Other bytes after the last one are an error.
 */
#include "archive/internal.h"
#include "base/err.h"

#include <bzlib.h>
#include <errno.h>
#include <isa-l/igzip_lib.h>
#include <lzma.h>
#include <zstd.h>

/* The memory that a stream may need: 128 MiB for zstd's window (its highest levels, --long=27) and
 * as much for xz (xz -9 needs 65 MiB). No other memory of a worker depends on what it reads;
 * restrict.c limits it as well. */
enum { WINDOW_LOG_MAX = 27, XZ_BYTES_MAX = 128 << 20 };

/* Beyond the first 256 MiB a stream may be at most this many times as long as its compressed form.
 * Deflate reaches at most 1,032, and only bombs come near it; zstd could reach 30,000. */
enum { RATIO_MAX = 1100, RATIO_FREE_BYTES = 256 << 20 };

/* Input that has not been read yet. */
struct piece_in {
	const char *data;
	size_t left;
};

struct inflater {
	const struct kind *kind;
	struct inflate_state gzip;
	ZSTD_DCtx *zstd;
	lzma_stream xz;
	bz_stream bzip2;
	bool has_bzip2; /* bzip2 is within a stream */
	bool is_between; /* the last stream has ended, and no other has begun */
	const char *what;
	struct tar_source source;
	struct piece_in in;
	uint64_t in_bytes, out_bytes;
	bool has_ended;
};

struct kind {
	void (*begin)(struct inflater *f);
	/* Takes from f->in and fills *out. The rest of either may be left for the next call. */
	int (*run)(struct inflater *f, struct piece_out *out);
	void (*end)(struct inflater *f); /* NULL: there is nothing to free */
};

static int broken(const struct inflater *f, const char *why)
{
	return err_say(-EBADMSG, "decompress %s: %s", f->what, why);
}

static void gzip_begin(struct inflater *f)
{
	isal_inflate_init(&f->gzip);
	f->gzip.crc_flag = ISAL_GZIP;
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

static int gzip_run(struct inflater *f, struct piece_out *out)
{
	if (f->gzip.block_state == ISAL_BLOCK_FINISH) {
		isal_inflate_reset(&f->gzip);
		f->gzip.crc_flag = ISAL_GZIP;
	}
	f->gzip.next_in = (uint8_t *)f->in.data;
	f->gzip.avail_in = (uint32_t)f->in.left;
	f->gzip.next_out = (uint8_t *)out->data + out->size;
	f->gzip.avail_out = (uint32_t)(out->room - out->size);
	int r = isal_inflate(&f->gzip);
	if (r < 0)
		return broken(f, gzip_words(r));
	f->in.data += f->in.left - f->gzip.avail_in;
	f->in.left = f->gzip.avail_in;
	out->size = out->room - f->gzip.avail_out;
	f->is_between = f->gzip.block_state == ISAL_BLOCK_FINISH;
	return 0;
}

static void zstd_begin(struct inflater *f)
{
	f->zstd = ZSTD_createDCtx();
	if (!f->zstd)
		BUG("zstd: no memory");
	ZSTD_DCtx_setParameter(f->zstd, ZSTD_d_windowLogMax, WINDOW_LOG_MAX);
}

static int zstd_run(struct inflater *f, struct piece_out *out)
{
	ZSTD_inBuffer from = {.src = f->in.data, .size = f->in.left};
	ZSTD_outBuffer to = {.dst = out->data, .size = out->room, .pos = out->size};
	size_t r = ZSTD_decompressStream(f->zstd, &to, &from);
	if (ZSTD_isError(r))
		return broken(f, ZSTD_getErrorName(r));
	f->in.data += from.pos;
	f->in.left -= from.pos;
	out->size = to.pos;
	f->is_between = r == 0;
	return 0;
}

static void zstd_end(struct inflater *f)
{
	ZSTD_freeDCtx(f->zstd);
}

static void xz_begin(struct inflater *f)
{
	f->xz = (lzma_stream)LZMA_STREAM_INIT;
	if (lzma_stream_decoder(&f->xz, XZ_BYTES_MAX, LZMA_CONCATENATED) != LZMA_OK)
		BUG("xz: no memory");
}

static int xz_run(struct inflater *f, struct piece_out *out)
{
	f->xz.next_in = (const uint8_t *)f->in.data;
	f->xz.avail_in = f->in.left;
	f->xz.next_out = (uint8_t *)out->data + out->size;
	f->xz.avail_out = out->room - out->size;
	lzma_ret r = lzma_code(&f->xz, f->has_ended ? LZMA_FINISH : LZMA_RUN);
	if (r == LZMA_MEMLIMIT_ERROR)
		return broken(f, "xz that needs more than 128 MiB of memory");
	if (r != LZMA_OK && r != LZMA_STREAM_END && r != LZMA_BUF_ERROR)
		return broken(f, "the data of xz is broken");
	f->in.data += f->in.left - f->xz.avail_in;
	f->in.left = f->xz.avail_in;
	out->size = out->room - f->xz.avail_out;
	f->is_between = r == LZMA_STREAM_END;
	return 0;
}

static void xz_end(struct inflater *f)
{
	lzma_end(&f->xz);
}

static void bzip2_begin(struct inflater *f)
{
	f->bzip2 = (bz_stream){0};
	if (BZ2_bzDecompressInit(&f->bzip2, 0, 0) != BZ_OK)
		BUG("bzip2: no memory");
	f->has_bzip2 = true;
}

static void bzip2_end(struct inflater *f)
{
	if (f->has_bzip2)
		BZ2_bzDecompressEnd(&f->bzip2);
	f->has_bzip2 = false;
}

static int bzip2_run(struct inflater *f, struct piece_out *out)
{
	if (!f->has_bzip2)
		bzip2_begin(f);
	f->bzip2.next_in = (char *)f->in.data;
	f->bzip2.avail_in = (unsigned)f->in.left;
	f->bzip2.next_out = out->data + out->size;
	f->bzip2.avail_out = (unsigned)(out->room - out->size);
	int r = BZ2_bzDecompress(&f->bzip2);
	if (r != BZ_OK && r != BZ_STREAM_END)
		return broken(f, "the data of bzip2 is broken");
	f->in.data += f->in.left - f->bzip2.avail_in;
	f->in.left = f->bzip2.avail_in;
	out->size = out->room - f->bzip2.avail_out;
	f->is_between = r == BZ_STREAM_END;
	if (f->is_between)
		bzip2_end(f);
	return 0;
}

static const struct kind kinds[] = {
	[ARCHIVE_GZIP] = {gzip_begin, gzip_run, NULL},
	[ARCHIVE_ZSTD] = {zstd_begin, zstd_run, zstd_end},
	[ARCHIVE_XZ] = {xz_begin, xz_run, xz_end},
	[ARCHIVE_BZIP2] = {bzip2_begin, bzip2_run, bzip2_end},
};

struct inflater *inflater_new(
	enum archive_compression compression, const struct tar_source *source, const char *what)
{
	struct inflater *f = mem_new(sizeof(*f));
	f->kind = &kinds[compression];
	f->source = *source;
	f->what = what;
	f->kind->begin(f);
	return f;
}

void inflater_free(struct inflater *f)
{
	if (!f)
		return;
	if (f->kind->end)
		f->kind->end(f);
	free(f);
}

static int input_fill(struct inflater *f)
{
	const void *data;
	if (f->in.left > 0 || f->has_ended)
		return 0;
	ssize_t count = f->source.read(f->source.context, &data);
	if (count < 0)
		return (int)count;
	f->has_ended = count == 0;
	f->in_bytes += (uint64_t)count;
	f->in = (struct piece_in){data, (size_t)count};
	return 0;
}

int inflater_fill(struct inflater *f, struct piece_out *out)
{
	out->size = 0;
	while (out->size < out->room) {
		size_t before = out->size;
		int r = input_fill(f);
		if (r < 0)
			return r;
		if (f->has_ended && f->is_between)
			return 0;
		r = f->kind->run(f, out);
		if (r < 0)
			return r;
		/* The decompressor had no output left either. */
		if (f->has_ended && out->size == before && !f->is_between)
			return broken(f, "it ends too early");
	}
	f->out_bytes += out->size;
	if (f->out_bytes > RATIO_FREE_BYTES && f->out_bytes / RATIO_MAX > f->in_bytes)
		return err_say(-EFBIG, "decompress %s: it grows to more than %d times its size",
			f->what, RATIO_MAX);
	return 0;
}
