/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A layer's blob as a tar stream. Which compression it has is said by its media type and never guessed: one filter of
 * libarchive is offered, the format above it is "raw".
 */
#include "archive/internal.h"
#include "base/err.h"
#include "base/str.h"
#include "sys/calls.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>

enum { PIECE_BYTES = 128 << 10 };

int archive_failure(struct archive *a, int ours, const char *what)
{
	if (ours < 0)
		return ours;
	const char *words = archive_error_string(a);
	auto_buf struct buf shown = BUF_INIT;
	buf_add_escaped(&shown, words ? words : "unknown failure");
	int code = archive_errno(a) == ENOMEM ? -ENOMEM : -EBADMSG;
	return err_say(code, "%s: %s", what, shown.data);
}

static ssize_t blob_read(struct layer_stream *s)
{
	ssize_t count = sys_read(s->blob->fd, s->piece, PIECE_BYTES);
	if (count < 0)
		return err_new((int)count, "read the blob of a layer");
	s->blob_bytes += (uint64_t)count;
	if (s->blob_bytes > s->blob->size_bytes)
		return err_say(-EBADMSG, "a layer is larger than the %llu bytes its manifest says",
			(unsigned long long)s->blob->size_bytes);
	archive_digest_add(s->blob_digest, s->piece, (size_t)count);
	return count;
}

static la_ssize_t filter_reads(struct archive *a, void *context, const void **out_data)
{
	struct layer_stream *s = context;
	ssize_t count = blob_read(s);
	*out_data = s->piece;
	if (count >= 0)
		return count;
	s->failure = (int)count;
	archive_set_error(a, EIO, "reading failed");
	return -1;
}

static int filter_open(struct layer_stream *s)
{
	struct archive_entry *entry;
	s->filter = archive_read_new();
	if (!s->filter)
		BUG("libarchive: no memory");
	int r = s->blob->compression == ARCHIVE_GZIP ? archive_read_support_filter_gzip(s->filter)
						     : archive_read_support_filter_zstd(s->filter);
	if (r == ARCHIVE_OK)
		r = archive_read_support_format_raw(s->filter);
	if (r == ARCHIVE_OK)
		r = archive_read_open(s->filter, s, NULL, filter_reads, NULL);
	if (r == ARCHIVE_OK && archive_filter_count(s->filter) != 2)
		return err_say(-EBADMSG, "a layer is not compressed as its media type says");
	if (r == ARCHIVE_OK)
		r = archive_read_next_header(s->filter, &entry);
	return r == ARCHIVE_OK ? 0 : archive_failure(s->filter, s->failure, "decompress a layer");
}

int layer_stream_open(
	struct layer_stream *s, const struct archive_blob *blob, uint64_t tar_bytes_max)
{
	*s = (struct layer_stream){
		.blob = blob,
		.tar_bytes_max = tar_bytes_max,
		.blob_digest = archive_digest_new(),
		.tar_digest = archive_digest_new(),
		.piece = mem_new(PIECE_BYTES),
	};
	return blob->compression == ARCHIVE_PLAIN ? 0 : filter_open(s);
}

void layer_stream_release(struct layer_stream *s)
{
	if (s->filter)
		archive_read_free(s->filter);
	archive_digest_free(s->blob_digest);
	archive_digest_free(s->tar_digest);
	free(s->piece);
	*s = (struct layer_stream){0};
}

static ssize_t tar_piece(struct layer_stream *s, const void **out_data)
{
	if (!s->filter) {
		*out_data = s->piece;
		return blob_read(s);
	}
	size_t size;
	la_int64_t offset;
	int r = archive_read_data_block(s->filter, out_data, &size, &offset);
	if (r == ARCHIVE_EOF)
		return 0;
	if (r != ARCHIVE_OK)
		return archive_failure(s->filter, s->failure, "decompress a layer");
	return (ssize_t)size;
}

ssize_t layer_stream_read(struct layer_stream *s, const void **out_data)
{
	ssize_t count = tar_piece(s, out_data);
	if (count <= 0)
		return count;
	s->tar_bytes += (uint64_t)count;
	if (s->tar_bytes > s->tar_bytes_max)
		return err_say(-EFBIG, "a layer unpacks to more than %llu bytes",
			(unsigned long long)s->tar_bytes_max);
	archive_digest_add(s->tar_digest, *out_data, (size_t)count);
	return count;
}

/* What follows the end of the compressed stream counts as part of the blob. */
static int blob_drain(struct layer_stream *s)
{
	ssize_t count;
	do
		count = blob_read(s);
	while (count > 0);
	return (int)count;
}

static int expect_digest(struct archive_digest *digest, const char *expected, const char *what)
{
	char hex[ARCHIVE_HEX_LEN + 1];
	archive_digest_hex(digest, hex);
	if (str_eq(hex, expected))
		return 0;
	return err_say(
		-EBADMSG, "the %s of a layer is sha256:%s, not sha256:%s", what, hex, expected);
}

int layer_stream_finish(struct layer_stream *s)
{
	const void *data;
	ssize_t count;
	do
		count = layer_stream_read(s, &data);
	while (count > 0);
	int r = count < 0 ? (int)count : blob_drain(s);
	if (r < 0)
		return r;
	if (s->blob_bytes != s->blob->size_bytes)
		return err_say(-EBADMSG, "a layer has %llu bytes, not %llu as its manifest says",
			(unsigned long long)s->blob_bytes, (unsigned long long)s->blob->size_bytes);
	r = expect_digest(s->blob_digest, s->blob->digest_hex, "digest");
	return r < 0 ? r : expect_digest(s->tar_digest, s->blob->diff_hex, "diff id");
}
