/* SPDX-License-Identifier: Apache-2.0 */
/* Archives that hold images: what is in them and where, and making a plain one of a compressed one. */
#include "archive/internal.h"
#include "base/err.h"
#include "sys/calls.h"

#include <errno.h>

enum { LIST_PIECE = 256 << 10 };

int archive_compression_find(int fd, uint64_t offset, enum archive_compression *out)
{
	static const unsigned char gzip[] = {0x1f, 0x8b}, zstd[] = {0x28, 0xb5, 0x2f, 0xfd};
	unsigned char first[sizeof(zstd)] = {0};
	ssize_t count = sys_read_at(fd, first, sizeof(first), offset);
	if (count < 0)
		return err_new((int)count, "read an archive");
	*out = memcmp(first, gzip, sizeof(gzip)) == 0	 ? ARCHIVE_GZIP
		: memcmp(first, zstd, sizeof(zstd)) == 0 ? ARCHIVE_ZSTD
							 : ARCHIVE_PLAIN;
	return 0;
}

struct copy {
	int fd;
	struct inflater *inflater;
	struct piece_in in;
	char *input;
	struct piece_out out;
	bool has_ended;
};

static void copy_release(struct copy *c)
{
	inflater_free(c->inflater);
	free(c->input);
	free(c->out.data);
}
AUTO_STRUCT(copy, struct copy, copy_release)

/* 1 while there may be more. */
static int copy_step(struct copy *c)
{
	if (c->in.left == 0 && !c->has_ended) {
		ssize_t count = sys_read(c->fd, c->input, LIST_PIECE);
		if (count < 0)
			return err_new((int)count, "read an archive");
		c->in = (struct piece_in){c->input, (size_t)count};
		c->has_ended = count == 0;
	}
	c->out.size = 0;
	if (c->has_ended && inflater_is_between(c->inflater))
		return 0;
	int r = inflater_run(c->inflater, &c->in, &c->out);
	if (r == 0 && c->has_ended && c->out.size == 0 && !inflater_is_between(c->inflater))
		return err_say(-EBADMSG, "a compressed archive ends too early");
	return r < 0 ? r : 1;
}

int archive_decompress(int fd, enum archive_compression compression, int out_fd, uint64_t max)
{
	uint64_t total = 0;
	auto_of(copy) struct copy c = {.fd = fd,
		.inflater = inflater_new(compression),
		.input = mem_new(LIST_PIECE),
		.out = {.data = mem_new(LIST_PIECE), .room = LIST_PIECE}};
	int r = sys_seek_start(fd);
	if (r < 0)
		return err_new(r, "read an archive");
	for (r = copy_step(&c); r > 0; r = copy_step(&c)) {
		total += c.out.size;
		if (total > max)
			return err_say(-EFBIG, "an archive has more than %llu bytes",
				(unsigned long long)max);
		int code = fd_write_full(out_fd, c.out.data, c.out.size);
		if (code < 0)
			return err_new(code, "decompress an archive");
	}
	return r;
}

struct file_source {
	int fd;
	uint64_t offset;
	char *piece;
};

static ssize_t file_read(void *context, const void **out_data)
{
	struct file_source *s = context;
	ssize_t count = sys_read_at(s->fd, s->piece, LIST_PIECE, s->offset);
	if (count < 0)
		return err_new((int)count, "read an archive");
	s->offset += (uint64_t)count;
	*out_data = s->piece;
	return count;
}

/* Of one entry: 1 to go on. Directories, devices and the like hold nothing that is looked for. */
static int entry_tell(struct tar *t, const struct tar_entry *entry, struct member *clean,
	int (*member)(void *context, const struct archive_member *m), void *context)
{
	bool is_link = entry->type == '1' || entry->type == '2';
	if (!is_link && entry->type != '0')
		return 1;
	int r = member_read(entry, UINT64_MAX, clean);
	if (r == 0 && !is_link && entry->regions.count > 0 &&
		(entry->regions.count > 1 || entry->regions.items[0].length != entry->size))
		r = err_say(-EINVAL, "%.200s of the archive is a sparse file", clean->path);
	if (r < 0)
		return r;
	const struct archive_member m = {.path = clean->path,
		.link = is_link ? entry->link : NULL,
		.offset = tar_place(t),
		.size_bytes = entry->size};
	r = member(context, &m);
	return r < 0 ? r : 1;
}

int archive_list(int fd, uint64_t entries_max,
	int (*member)(void *context, const struct archive_member *m), void *context)
{
	auto_free char *piece = mem_new(LIST_PIECE);
	auto_free struct member *clean = mem_new(sizeof(*clean));
	struct file_source source = {.fd = fd, .piece = piece};
	auto_of(tar) struct tar *t = tar_new(&(struct tar_source){file_read, &source}, NULL);
	struct tar_entry entry;
	int r = tar_next(t, &entry);
	for (uint64_t i = 0; r > 0; i++) {
		if (i == entries_max)
			return err_say(-E2BIG, "an archive has more than %llu members",
				(unsigned long long)entries_max);
		r = entry_tell(t, &entry, clean, member, context);
		if (r > 0)
			r = tar_next(t, &entry);
	}
	return r;
}
