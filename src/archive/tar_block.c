/* SPDX-License-Identifier: Apache-2.0 */
/* Header blocks: v7, ustar, GNU and star. */
#include "archive/tar_fields.h"
#include "base/err.h"
#include "base/str.h"

#include <errno.h>

enum field {
	F_NAME,
	F_MODE,
	F_UID,
	F_GID,
	F_SIZE,
	F_TIME,
	F_CHECKSUM,
	F_LINK,
	F_MAJOR,
	F_MINOR,
	F_PREFIX,
	F_STAR_PREFIX,
	F_SPARSE_SIZE
};
static const struct {
	uint16_t at, size;
} fields[] = {
	[F_NAME] = {0, 100},
	[F_MODE] = {100, 8},
	[F_UID] = {108, 8},
	[F_GID] = {116, 8},
	[F_SIZE] = {124, 12},
	[F_TIME] = {136, 12},
	[F_CHECKSUM] = {148, 8},
	[F_LINK] = {157, 100},
	[F_MAJOR] = {329, 8},
	[F_MINOR] = {337, 8},
	[F_PREFIX] = {345, 155},
	[F_STAR_PREFIX] = {345, 131},
	[F_SPARSE_SIZE] = {483, 12},
};
enum {
	TYPE_AT = 156,
	MAGIC_AT = 257,
	STAR_AT = 508,
	SPARSE_AT = 386,
	SPARSE_COUNT = 4,
	EXTENDED_AT = 482,
	MORE_COUNT = 21,
	MORE_EXTENDED_AT = 504,
	REGION_SIZE = 24
};

static int broken(const char *what)
{
	return err_say(-EBADMSG, "not a tar stream: %s", what);
}

/* Two's complement, most significant byte first. The highest bit only marks this format. */
static int binary_read(const unsigned char *at, size_t size, int64_t *out)
{
	bool is_negative = at[0] & 0x40;
	uint64_t value = is_negative ? UINT64_MAX : 0;
	for (size_t i = 0; i < size; i++) {
		unsigned char byte = at[i];
		if (i == 0)
			byte = (unsigned char)(is_negative ? byte | 0x80 : byte & 0x7f);
		if (value >> 56 != (is_negative ? 0xff : 0))
			return -ERANGE;
		value = value << 8 | byte;
	}
	*out = (int64_t)value;
	return (*out < 0) == is_negative ? 0 : -ERANGE;
}

static int octal_read(const unsigned char *at, size_t size, int64_t *out)
{
	const unsigned char *end = at + size;
	uint64_t value = 0;
	while (at < end && (*at == ' ' || *at == '\0'))
		at++;
	for (; at < end && *at >= '0' && *at <= '7'; at++) {
		if (value >> 60)
			return -ERANGE;
		value = value << 3 | (uint64_t)(*at - '0');
	}
	*out = (int64_t)value;
	return at == end || *at == ' ' || *at == '\0' ? 0 : -EINVAL;
}

static int number_at(const unsigned char *at, size_t size, int64_t *out)
{
	return *at & 0x80 ? binary_read(at, size, out) : octal_read(at, size, out);
}

static int number(const unsigned char *block, enum field f, int64_t *out)
{
	return number_at(block + fields[f].at, fields[f].size, out) < 0
		? broken("a number in a header is none")
		: 0;
}

static const char *text(const unsigned char *block, enum field f, struct arena *a)
{
	const char *at = (const char *)block + fields[f].at;
	return arena_strn(a, at, strnlen(at, fields[f].size));
}

/* Some writers have added the bytes as signed numbers. */
static bool checksum_is_right(const unsigned char *block)
{
	int64_t found, plain = 0, odd = 0;
	if (octal_read(block + fields[F_CHECKSUM].at, fields[F_CHECKSUM].size, &found) < 0)
		return false;
	for (int i = 0; i < TAR_BLOCK; i++) {
		bool is_own = i >= fields[F_CHECKSUM].at &&
			i < fields[F_CHECKSUM].at + fields[F_CHECKSUM].size;
		unsigned char byte = is_own ? ' ' : block[i];
		plain += byte;
		odd += (signed char)byte;
	}
	return found == plain || found == odd;
}

static bool is_zero(const unsigned char *block)
{
	static const unsigned char zeros[TAR_BLOCK];
	return memcmp(block, zeros, TAR_BLOCK) == 0;
}

/* A path of ustar may be split in two. GNU has other fields in that place. */
static void path_read(const unsigned char *block, struct arena *a, struct tar_entry *out)
{
	bool is_ustar = memcmp(block + MAGIC_AT, "ustar\0", 6) == 0;
	bool is_star = is_ustar && memcmp(block + STAR_AT, "tar\0", 4) == 0;
	const char *prefix = is_ustar ? text(block, is_star ? F_STAR_PREFIX : F_PREFIX, a) : "";
	const char *name = text(block, F_NAME, a);
	out->path = *prefix ? arena_printf(a, "%s/%s", prefix, name) : name;
	out->link = text(block, F_LINK, a);
}

static int numbers_read(const unsigned char *block, struct tar_entry *out)
{
	int64_t mode, size, major = 0, minor = 0, seconds;
	bool has_device = memcmp(block + MAGIC_AT, "ustar", 5) == 0;
	int r = number(block, F_MODE, &mode);
	if (r == 0)
		r = number(block, F_UID, &out->uid);
	if (r == 0)
		r = number(block, F_GID, &out->gid);
	if (r == 0)
		r = number(block, F_SIZE, &size);
	if (r == 0)
		r = number(block, F_TIME, &seconds);
	if (r == 0 && has_device)
		r = number(block, F_MAJOR, &major);
	if (r == 0 && has_device)
		r = number(block, F_MINOR, &minor);
	if (r < 0)
		return r;
	if (size < 0 || major < 0 || major > UINT32_MAX || minor < 0 || minor > UINT32_MAX)
		return broken("a number in a header is out of its range");
	out->mode = (uint32_t)(mode & 07777);
	out->size = (uint64_t)size;
	out->major = (uint32_t)major;
	out->minor = (uint32_t)minor;
	out->modified = (struct timespec){.tv_sec = seconds};
	return 0;
}

int tar_region_add(struct arena *a, struct tar_entry *out, uint64_t offset, uint64_t length)
{
	if (out->regions.count == TAR_REGIONS_MAX)
		return err_say(-E2BIG, "a file has more than %d regions", TAR_REGIONS_MAX);
	*arena_push(a, &out->regions) = (struct tar_region){offset, length};
	return 0;
}

static int regions_read(const unsigned char *at, int count, struct arena *a, struct tar_entry *out)
{
	int r = 0;
	/* A region without an offset ends the list. */
	for (int i = 0; i < count && *at && r == 0; i++, at += REGION_SIZE) {
		int64_t offset, length;
		if (number_at(at, REGION_SIZE / 2, &offset) < 0 || offset < 0 ||
			number_at(at + REGION_SIZE / 2, REGION_SIZE / 2, &length) < 0 || length < 0)
			return broken("a number in the map of a sparse file is none");
		r = tar_region_add(a, out, (uint64_t)offset, (uint64_t)length);
	}
	return r;
}

int tar_block_map(
	const unsigned char *block, struct arena *a, struct tar_entry *out, bool *out_is_extended)
{
	*out_is_extended = block[MORE_EXTENDED_AT];
	return regions_read(block, MORE_COUNT, a, out);
}

static int sparse_read(const unsigned char *block, struct arena *a, struct tar_entry *out,
	uint64_t *out_sparse_size, bool *out_is_extended)
{
	int64_t size;
	int r = number(block, F_SPARSE_SIZE, &size);
	if (r == 0 && size < 0)
		r = broken("the size of a sparse file is negative");
	if (r < 0)
		return r;
	*out_sparse_size = (uint64_t)size;
	*out_is_extended = block[EXTENDED_AT];
	return regions_read(block + SPARSE_AT, SPARSE_COUNT, a, out);
}

int tar_block_read(const unsigned char *block, struct arena *a, struct tar_entry *out,
	uint64_t *out_sparse_size, bool *out_is_extended)
{
	if (is_zero(block))
		return TAR_BLOCK_ZERO;
	if (!checksum_is_right(block))
		return broken("the checksum of a header is wrong");
	*out = (struct tar_entry){.type = (char)block[TYPE_AT]};
	*out_is_extended = false;
	path_read(block, a, out);
	int r = numbers_read(block, out);
	if (r == 0 && out->type == 'S')
		r = sparse_read(block, a, out, out_sparse_size, out_is_extended);
	return r < 0 ? r : TAR_BLOCK_HEADER;
}

int tar_begins(const void *first, size_t size)
{
	const unsigned char *block = first;
	if (size < TAR_BLOCK)
		return broken(size ? "it has not even one block" : "it is empty");
	if (is_zero(block))
		return broken("it begins with its end");
	return checksum_is_right(block) ? 0 : broken("it begins with no header");
}
