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

int archive_decompress(int fd, enum archive_compression compression, int out_fd, uint64_t max)
{
	auto_free char *piece = mem_new(LIST_PIECE), *room = mem_new(LIST_PIECE);
	struct file_source source = {.fd = fd, .piece = piece};
	struct piece_out out = {.data = room, .room = LIST_PIECE};
	auto_of(inflater) struct inflater *f = inflater_new(
		compression, &(struct tar_source){file_read, &source}, "an archive");
	uint64_t total = 0;
	int r;
	do {
		r = inflater_fill(f, &out);
		total += out.size;
		if (r == 0 && total > max)
			return err_say(-EFBIG, "an archive has more than %llu bytes",
				(unsigned long long)max);
		int code = r < 0 ? 0 : fd_write_full(out_fd, out.data, out.size);
		if (code < 0)
			return err_new(code, "decompress an archive");
	} while (r == 0 && out.size > 0);
	return r;
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
