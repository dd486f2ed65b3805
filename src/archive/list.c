/* SPDX-License-Identifier: Apache-2.0 */
/* Archives that hold images: lists their members, and makes a plain copy that can be read twice. */
#include "archive/internal.h"
#include "base/err.h"
#include "sys/calls.h"

#include <errno.h>

enum { LIST_PIECE = 256 << 10 };

static enum archive_compression compression_of(const void *first, size_t size)
{
	static const struct {
		const char *magic;
		size_t size;
		enum archive_compression compression;
	} rows[] = {
		{"\x1f\x8b", 2, ARCHIVE_GZIP},
		{"\x28\xb5\x2f\xfd", 4, ARCHIVE_ZSTD},
		{"\xfd\x37zXZ\0", 6, ARCHIVE_XZ},
		{"BZh", 3, ARCHIVE_BZIP2},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (size >= rows[i].size && memcmp(first, rows[i].magic, rows[i].size) == 0)
			return rows[i].compression;
	return ARCHIVE_PLAIN;
}

int archive_compression_find(int fd, uint64_t offset, enum archive_compression *out)
{
	char first[8];
	ssize_t count = sys_read_at(fd, first, sizeof(first), offset);
	if (count < 0)
		return err_new((int)count, "read an archive");
	*out = compression_of(first, (size_t)count);
	return 0;
}

struct file_source {
	int fd;
	bool is_file; /* read at `offset`; otherwise a pipe or the like, which is read once */
	uint64_t offset;
	char *piece;
	size_t first_bytes; /* at the beginning of the piece, read ahead and not given yet */
};

static ssize_t file_read_to(struct file_source *s, char *to, size_t room)
{
	ssize_t count = s->is_file ? sys_read_at(s->fd, to, room, s->offset)
				   : sys_read(s->fd, to, room);
	if (count < 0)
		return err_new((int)count, "read an archive");
	s->offset += (uint64_t)count;
	return count;
}

static ssize_t file_read(void *context, const void **out_data)
{
	struct file_source *s = context;
	ssize_t count = (ssize_t)s->first_bytes;
	s->first_bytes = 0;
	*out_data = s->piece;
	return count ? count : file_read_to(s, s->piece, LIST_PIECE);
}

/* Reads ahead at least a block, unless the file ends before: one read from a pipe may bring
 * less. */
static int first_read(struct file_source *s)
{
	ssize_t count;
	do {
		count = file_read_to(s, s->piece + s->first_bytes, LIST_PIECE - s->first_bytes);
		if (count < 0)
			return (int)count;
		s->first_bytes += (size_t)count;
	} while (count > 0 && s->first_bytes < TAR_BLOCK);
	return 0;
}

static int plain_fill(struct inflater *f, struct file_source *source, struct piece_out *out)
{
	const void *data;
	if (f)
		return inflater_fill(f, out);
	ssize_t count = file_read(source, &data);
	out->size = count > 0 ? (size_t)count : 0;
	if (count > 0)
		memcpy(out->data, data, out->size);
	return count < 0 ? (int)count : 0;
}

int archive_spool(int fd, bool is_file, int out_fd, uint64_t max)
{
	auto_free char *piece = mem_new(LIST_PIECE), *room = mem_new(LIST_PIECE);
	struct file_source source = {.fd = fd, .is_file = is_file, .piece = piece};
	struct piece_out out = {.data = room, .room = LIST_PIECE};
	uint64_t total = 0;
	int code = first_read(&source);
	if (code < 0)
		return code;
	enum archive_compression compression = compression_of(piece, source.first_bytes);
	auto_of(inflater) struct inflater *f = compression == ARCHIVE_PLAIN
		? NULL
		: inflater_new(compression, &(struct tar_source){file_read, &source}, "an archive");
	for (;;) {
		int r = plain_fill(f, &source, &out);
		/* The first block shows whether it is a tar stream, before anything is written. */
		if (r == 0 && total == 0)
			r = tar_begins(out.data, out.size);
		if (r < 0 || out.size == 0)
			return r;
		total += out.size;
		if (total > max)
			return err_say(-EFBIG, "an archive has more than %llu bytes",
				(unsigned long long)max);
		r = fd_write_full(out_fd, out.data, out.size);
		if (r < 0)
			return err_new(r, "keep an archive for a moment");
	}
}

/* Reports one entry: 1 to go on. Directories, devices and the like are of no interest. */
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
	struct file_source source = {.fd = fd, .is_file = true, .piece = piece};
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
