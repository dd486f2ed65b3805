/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A layer's blob as a tar stream. The caller names the compression; it is not guessed here. A
 * separate thread reads, digests and decompresses the blob into a ring of pieces. The reader of the
 * stream digests and unpacks the pieces.
 */
#include "archive/internal.h"
#include "base/err.h"
#include "base/str.h"
#include "sys/calls.h"

#include <errno.h>
#include <pthread.h>

enum { PIECE_BYTES = 256 << 10, PIECES = 4 };

struct layer_stream {
	const struct archive_blob *blob;
	uint64_t tar_bytes_max;
	/* Only for the thread, until it has ended. */
	uint64_t blob_bytes;
	struct archive_digest *blob_digest;
	struct inflater *inflater; /* NULL: not compressed */
	char *blob_piece;
	struct err_packet trail; /* why the thread failed, if code is not 0 */
	/* Only for the reader. */
	uint64_t tar_bytes;
	struct archive_digest *tar_digest;
	bool holds_piece;
	/* Shared, under the lock: pieces from `first` on are full. */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	pthread_t thread;
	bool has_thread, has_ended, is_unwanted;
	unsigned first, full;
	struct piece_out pieces[PIECES];
};

static bool is_unwanted(struct layer_stream *s)
{
	pthread_mutex_lock(&s->lock);
	bool is = s->is_unwanted;
	pthread_mutex_unlock(&s->lock);
	return is;
}

/* Reads what there is of a blob that may still be growing. */
static ssize_t blob_read_some(struct layer_stream *s, char *data, size_t wanted)
{
	ssize_t count;
	while ((count = sys_read_at(s->blob->fd, data, wanted, s->blob->offset + s->blob_bytes)) ==
			0 &&
		s->blob->wait && !is_unwanted(s) &&
		s->blob->wait(s->blob->wait_context, s->blob_bytes))
		;
	return count;
}

static ssize_t blob_read(struct layer_stream *s, char *data)
{
	uint64_t left = s->blob->size_bytes - s->blob_bytes;
	size_t wanted = left < PIECE_BYTES ? (size_t)left : PIECE_BYTES;
	ssize_t count = wanted ? blob_read_some(s, data, wanted) : 0;
	if (count < 0)
		return err_new((int)count, "read the blob of a layer");
	s->blob_bytes += (uint64_t)count;
	archive_digest_add(s->blob_digest, data, (size_t)count);
	return count;
}

static ssize_t blob_pieces(void *context, const void **out_data)
{
	struct layer_stream *s = context;
	*out_data = s->blob_piece;
	return blob_read(s, s->blob_piece);
}

static int piece_fill(struct layer_stream *s, struct piece_out *out)
{
	if (s->inflater)
		return inflater_fill(s->inflater, out);
	ssize_t count = blob_read(s, out->data);
	out->size = count < 0 ? 0 : (size_t)count;
	return count < 0 ? (int)count : 0;
}

/* NULL: the reader wants no more pieces. */
static struct piece_out *piece_free_wait(struct layer_stream *s)
{
	pthread_mutex_lock(&s->lock);
	while (s->full == PIECES && !s->is_unwanted)
		pthread_cond_wait(&s->changed, &s->lock);
	struct piece_out *piece = s->is_unwanted ? NULL : &s->pieces[(s->first + s->full) % PIECES];
	pthread_mutex_unlock(&s->lock);
	return piece;
}

static void piece_give(struct layer_stream *s, bool is_last)
{
	pthread_mutex_lock(&s->lock);
	s->full += !is_last;
	s->has_ended = is_last;
	pthread_cond_signal(&s->changed);
	pthread_mutex_unlock(&s->lock);
}

static void *thread_main(void *context)
{
	struct layer_stream *s = context;
	struct piece_out *piece;
	while ((piece = piece_free_wait(s))) {
		int r = piece_fill(s, piece);
		if (r < 0)
			err_pack(&s->trail);
		if (r < 0 || piece->size == 0)
			break;
		piece_give(s, false);
	}
	piece_give(s, true);
	return NULL;
}

int layer_stream_open(
	const struct archive_blob *blob, uint64_t tar_bytes_max, struct layer_stream **out)
{
	bool is_plain = blob->compression == ARCHIVE_PLAIN;
	struct layer_stream *s = mem_new(sizeof(*s));
	*s = (struct layer_stream){
		.blob = blob,
		.tar_bytes_max = tar_bytes_max,
		.blob_digest = archive_digest_new(),
		.tar_digest = archive_digest_new(),
		.blob_piece = is_plain ? NULL : mem_new(PIECE_BYTES),
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.changed = PTHREAD_COND_INITIALIZER,
	};
	if (!is_plain)
		s->inflater = inflater_new(
			blob->compression, &(struct tar_source){blob_pieces, s}, "a layer");
	for (unsigned i = 0; i < PIECES; i++)
		s->pieces[i] = (struct piece_out){
			.data = mem_new(PIECE_BYTES), .room = PIECE_BYTES};
	*out = s;
	int code = pthread_create(&s->thread, NULL, thread_main, s);
	s->has_thread = code == 0;
	return code ? err_new(-code, "start a thread that reads a layer") : 0;
}

/* The thread ends at the latest after its current read. */
static void thread_end(struct layer_stream *s)
{
	if (!s->has_thread)
		return;
	pthread_mutex_lock(&s->lock);
	s->is_unwanted = true;
	pthread_cond_signal(&s->changed);
	pthread_mutex_unlock(&s->lock);
	pthread_join(s->thread, NULL);
	s->has_thread = false;
}

void layer_stream_free(struct layer_stream *s)
{
	if (!s)
		return;
	thread_end(s);
	inflater_free(s->inflater);
	archive_digest_free(s->blob_digest);
	archive_digest_free(s->tar_digest);
	free(s->blob_piece);
	for (unsigned i = 0; i < PIECES; i++)
		free(s->pieces[i].data);
	free(s);
}

/* Gives back the last piece and returns the next full one; NULL at the end. */
static const struct piece_out *piece_full_wait(struct layer_stream *s)
{
	pthread_mutex_lock(&s->lock);
	if (s->holds_piece) {
		s->first = (s->first + 1) % PIECES;
		s->full--;
		pthread_cond_signal(&s->changed);
	}
	while (s->full == 0 && !s->has_ended)
		pthread_cond_wait(&s->changed, &s->lock);
	s->holds_piece = s->full > 0;
	pthread_mutex_unlock(&s->lock);
	return s->holds_piece ? &s->pieces[s->first] : NULL;
}

ssize_t layer_stream_read(struct layer_stream *s, const void **out_data)
{
	const struct piece_out *piece = piece_full_wait(s);
	if (!piece)
		return s->trail.code ? err_unpack(&s->trail) : 0;
	s->tar_bytes += piece->size;
	if (s->tar_bytes > s->tar_bytes_max)
		return err_say(-EFBIG, "a layer unpacks to more than %llu bytes",
			(unsigned long long)s->tar_bytes_max);
	archive_digest_add(s->tar_digest, piece->data, piece->size);
	*out_data = piece->data;
	return (ssize_t)piece->size;
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

int layer_stream_finish(struct layer_stream *s, uint64_t *out_tar_bytes)
{
	const void *data;
	ssize_t count;
	do
		count = layer_stream_read(s, &data);
	while (count > 0);
	thread_end(s);
	if (count < 0)
		return (int)count;
	if (s->blob_bytes < s->blob->size_bytes)
		return err_say(-EBADMSG, "a layer has %llu bytes, not %llu as its manifest says",
			(unsigned long long)s->blob_bytes, (unsigned long long)s->blob->size_bytes);
	*out_tar_bytes = s->tar_bytes;
	int r = s->blob->digest_hex ? expect_digest(s->blob_digest, s->blob->digest_hex, "digest")
				    : 0;
	return r < 0 ? r : expect_digest(s->tar_digest, s->blob->diff_hex, "diff id");
}
