/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A layer, member by member. libarchive reads the tar format and nothing else: no filter, no writing to disk, no
 * names that it resolves.
 */
#include "archive/internal.h"
#include "base/err.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>

const struct archive_limits archive_limits_default = {
	.bytes = 64ULL << 30,
	.entries = 1000000,
	.time_bytes = 64 << 20,
};

static la_ssize_t tar_reads(struct archive *a, void *context, const void **out_data)
{
	struct layer_stream *s = context;
	ssize_t count = layer_stream_read(s, out_data);
	if (count >= 0)
		return count;
	s->failure = (int)count;
	archive_set_error(a, EIO, "reading failed");
	return -1;
}

static int tar_open(struct archive *tar, struct layer_stream *s)
{
	int r = archive_read_support_format_tar(tar);
	if (r == ARCHIVE_OK)
		r = archive_read_support_format_empty(tar);
	if (r == ARCHIVE_OK)
		r = archive_read_open(tar, s, NULL, tar_reads, NULL);
	return r == ARCHIVE_OK ? 0 : archive_failure(tar, s->failure, "read a layer");
}

static int member_next(struct unpack *u, struct layer_stream *s, struct member *m)
{
	struct archive_entry *entry;
	int r = archive_read_next_header(u->tar, &entry);
	if (r == ARCHIVE_EOF)
		return 0;
	/* A warning is about a field that was passed over; names that could not be read are NULL then. */
	if (r != ARCHIVE_OK && r != ARCHIVE_WARN)
		return archive_failure(u->tar, s->failure, "read a layer");
	if (++u->entries > u->target->limits->entries)
		return err_say(-E2BIG, "a layer has more than %llu members",
			(unsigned long long)u->target->limits->entries);
	r = member_read(entry, u->target->limits->bytes, m);
	if (r == 0)
		r = unpack_whiteout(u, m);
	if (r == 0) {
		r = unpack_member(u, m);
		if (r > 0)
			r = archive_failure(u->tar, s->failure, "read a layer");
	}
	return r < 0 ? r : 1;
}

static int members_unpack(struct unpack *u, struct layer_stream *s)
{
	auto_free struct member *m = mem_new(sizeof(*m));
	int r = tar_open(u->tar, s);
	if (r < 0)
		return r;
	do
		r = member_next(u, s, m);
	while (r > 0);
	if (r == 0)
		r = layer_stream_finish(s);
	if (r == 0 && !u->has_root)
		r = unpack_dress(u, "", u->target->dir_fd);
	return r < 0 ? r : unpack_times(u);
}

int archive_unpack_layer(const struct archive_blob *blob, const struct archive_target *target)
{
	auto_of(layer_stream) struct layer_stream stream = {0};
	int r = layer_stream_open(&stream, blob, target->limits->bytes);
	if (r < 0)
		return r;
	struct unpack u = {
		.target = target,
		.tar = archive_read_new(),
		.parent_path = BUF_INIT,
		.parent_fd = -EBADF,
	};
	if (!u.tar)
		BUG("libarchive: no memory");
	r = members_unpack(&u, &stream);
	archive_read_free(u.tar);
	unpack_forget_parent(&u);
	buf_release(&u.parent_path);
	arena_release(&u.arena);
	return r;
}
