/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A flat table file: a header, arrays of fixed-size rows (sections), and a pool of strings and
 * blobs, with offsets instead of pointers. It is built once in memory, sealed in a memfd, mapped
 * read-only by processes that must neither parse nor allocate, compared byte by byte in tests, and
 * read from disk. A schema names the sections and where in their rows string offsets and blob
 * references are, so flat_open checks all of them: after that no reader has to check a bound.
 * Offset 0 is "no string". Everything is in host byte order: a flat file never leaves its machine.
 */
#include "base/buf.h"

#include <stdint.h>

enum { FLAT_SECTIONS_MAX = 32, FLAT_FIELDS_MAX = 12 };

/* A part of the pool that is not a string. */
struct flat_blob {
	uint32_t offset;
	uint32_t size;
};

struct flat_section_schema {
	const char *name;
	uint32_t row_size;
	/* Offsets of uint32_t string references within a row. A list cannot end at 0, so it has a
	 * count. */
	uint32_t string_count;
	uint32_t strings[FLAT_FIELDS_MAX];
	uint32_t blob_count;
	uint32_t blobs[2];
};

struct flat_schema {
	char magic[8];
	uint32_t version; /* 16 bits major, 16 bits minor; only another major version is refused */
	uint32_t section_count;
	const struct flat_section_schema *sections;
};

struct flat_section {
	uint32_t offset;
	uint32_t count;
	uint32_t row_size;
	uint32_t reserved;
};

struct flat_header {
	char magic[8];
	uint32_t version;
	uint32_t size_bytes;
	uint32_t section_count;
	uint32_t pool_offset;
	uint32_t pool_size;
	uint32_t reserved;
	struct flat_section sections[FLAT_SECTIONS_MAX];
};

/* Collects rows and strings; equal strings are stored once. */
struct flat_builder {
	const struct flat_schema *schema;
	struct buf rows[FLAT_SECTIONS_MAX];
	struct buf pool;
	uint32_t *interned; /* open hash of pool offsets */
	size_t interned_room;
	size_t interned_count;
};

void flat_builder_init(struct flat_builder *b, const struct flat_schema *schema);
void flat_builder_release(struct flat_builder *b);
AUTO_STRUCT(flat_builder, struct flat_builder, flat_builder_release)

/* A new zeroed row; the pointer is valid until the next row of the same section is added. */
void *flat_add(struct flat_builder *b, uint32_t section);
/* The offset of a copy of s in the pool; 0 for NULL. "" has its own offset. */
uint32_t flat_string(struct flat_builder *b, const char *s);
struct flat_blob flat_blob(struct flat_builder *b, const void *data, size_t size);
/* Appends the finished file to out. */
void flat_finish(const struct flat_builder *b, struct buf *out);

/* A checked view of a flat file; borrows the memory. */
struct flat {
	const unsigned char *base;
	const struct flat_header *header;
};

/* Checks all of the file; -EBADMSG (speaking) when a byte is wrong. `data` must be aligned for
 * uint64_t. */
int flat_open(
	struct flat *f, const struct flat_schema *schema, const void *data, size_t size_bytes);
uint32_t flat_count(const struct flat *f, uint32_t section);
/* Row `index` of a section, which must exist. */
const void *flat_row(const struct flat *f, uint32_t section, uint32_t index);
/* The string at an offset from a row; NULL for 0. */
const char *flat_str(const struct flat *f, uint32_t offset);
const void *flat_bytes(const struct flat *f, struct flat_blob blob);
