/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Flat table files: builder and checked reader. The reader neither allocates nor calls the kernel,
 * so init may use it after clone(2).
 */
#include "base/flat.h"
#include "base/err.h"

#include <errno.h>
#include <string.h>

enum { ALIGNMENT = 8, SIZE_MAX_BYTES = 16 << 20 };

/* Aborts unless every reference is inside the row. */
static void schema_check(const struct flat_section_schema *schema)
{
	bool is_valid = schema->row_size > 0 && schema->string_count <= FLAT_FIELDS_MAX &&
		schema->blob_count <= sizeof(schema->blobs) / sizeof(schema->blobs[0]);
	for (uint32_t i = 0; is_valid && i < schema->string_count; i++)
		is_valid = schema->strings[i] + sizeof(uint32_t) <= schema->row_size;
	for (uint32_t i = 0; is_valid && i < schema->blob_count; i++)
		is_valid = schema->blobs[i] + sizeof(struct flat_blob) <= schema->row_size;
	if (!is_valid)
		BUG("schema of section %s", schema->name);
}

void flat_builder_init(struct flat_builder *b, const struct flat_schema *schema)
{
	*b = (struct flat_builder){.schema = schema, .pool = BUF_INIT};
	if (schema->section_count > FLAT_SECTIONS_MAX)
		BUG("schema of %u sections", schema->section_count);
	for (uint32_t i = 0; i < schema->section_count; i++)
		schema_check(&schema->sections[i]);
	for (uint32_t i = 0; i < FLAT_SECTIONS_MAX; i++)
		b->rows[i] = (struct buf)BUF_INIT;
	buf_addc(&b->pool, '\0');
}

void flat_builder_release(struct flat_builder *b)
{
	for (uint32_t i = 0; i < FLAT_SECTIONS_MAX; i++)
		buf_release(&b->rows[i]);
	buf_release(&b->pool);
	free(b->interned);
	*b = (struct flat_builder){.schema = NULL};
}

static uint32_t row_size(const struct flat_builder *b, uint32_t section)
{
	if (section >= b->schema->section_count)
		BUG("no section %u", section);
	return b->schema->sections[section].row_size;
}

void *flat_add(struct flat_builder *b, uint32_t section)
{
	uint32_t size = row_size(b, section);
	void *row = memset(buf_reserve(&b->rows[section], size), 0, size);
	buf_grew(&b->rows[section], size);
	return row;
}

static uint32_t flat_count_built(const struct flat_builder *b, uint32_t section)
{
	return (uint32_t)(b->rows[section].len / row_size(b, section));
}

static size_t hash_string(const char *s)
{
	size_t hash = 14695981039346656037u;
	for (; *s != '\0'; s++)
		hash = (hash ^ (unsigned char)*s) * 1099511628211u;
	return hash;
}

/* The slot of s in the table of interned strings, or the free slot for it. */
static uint32_t *interned_slot(const struct flat_builder *b, const char *s)
{
	size_t mask = b->interned_room - 1;
	for (size_t at = hash_string(s) & mask;; at = (at + 1) & mask) {
		uint32_t *slot = &b->interned[at];
		if (*slot == 0 || strcmp(b->pool.data + *slot, s) == 0)
			return slot;
	}
}

static void interned_grow(struct flat_builder *b)
{
	struct flat_builder bigger = *b;
	bigger.interned_room = b->interned_room ? b->interned_room * 2 : 256;
	bigger.interned = mem_new(bigger.interned_room * sizeof(*bigger.interned));
	for (size_t i = 0; i < b->interned_room; i++)
		if (b->interned[i])
			*interned_slot(&bigger, b->pool.data + b->interned[i]) = b->interned[i];
	free(b->interned);
	b->interned = bigger.interned;
	b->interned_room = bigger.interned_room;
}

uint32_t flat_string(struct flat_builder *b, const char *s)
{
	if (!s)
		return 0;
	if ((b->interned_count + 1) * 2 > b->interned_room)
		interned_grow(b);
	uint32_t *slot = interned_slot(b, s);
	if (*slot == 0) {
		*slot = (uint32_t)b->pool.len;
		buf_add(&b->pool, s, strlen(s) + 1);
		b->interned_count++;
	}
	return *slot;
}

struct flat_blob flat_blob(struct flat_builder *b, const void *data, size_t size)
{
	static const char zeros[ALIGNMENT];
	buf_add(&b->pool, zeros, -b->pool.len % ALIGNMENT);
	struct flat_blob blob = {.offset = (uint32_t)b->pool.len, .size = (uint32_t)size};
	buf_add(&b->pool, data, size);
	buf_addc(&b->pool, '\0');
	return blob;
}

static size_t aligned(size_t at)
{
	return (at + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
}

static void add_padding(struct buf *out, size_t start)
{
	static const char zeros[ALIGNMENT];
	size_t at = out->len - start;
	buf_add(out, zeros, aligned(at) - at);
}

void flat_finish(const struct flat_builder *b, struct buf *out)
{
	struct flat_header header = {.version = b->schema->version};
	memcpy(header.magic, b->schema->magic, sizeof(header.magic));
	header.section_count = b->schema->section_count;

	size_t at = sizeof(header);
	for (uint32_t i = 0; i < header.section_count; i++) {
		at = aligned(at);
		header.sections[i] = (struct flat_section){
			.offset = (uint32_t)at,
			.count = flat_count_built(b, i),
			.row_size = row_size(b, i),
		};
		at += b->rows[i].len;
	}
	at = aligned(at);
	header.pool_offset = (uint32_t)at;
	header.pool_size = (uint32_t)b->pool.len;
	at += b->pool.len;
	if (at > SIZE_MAX_BYTES)
		BUG("flat file of %zu bytes", at);
	header.size_bytes = (uint32_t)at;

	size_t start = out->len;
	buf_add(out, &header, sizeof(header));
	for (uint32_t i = 0; i < header.section_count; i++) {
		add_padding(out, start);
		buf_add(out, b->rows[i].data, b->rows[i].len);
	}
	add_padding(out, start);
	buf_add(out, b->pool.data, b->pool.len);
}

static bool range_is_inside(uint32_t offset, uint64_t length, uint32_t size)
{
	return offset <= size && length <= size - offset;
}

/* Every string reference of a row must be inside the pool (which ends with a terminator), and so
 * must every blob. */
static bool row_is_valid(const struct flat_section_schema *schema, const unsigned char *row,
	const struct flat_header *header)
{
	for (uint32_t i = 0; i < schema->string_count; i++) {
		uint32_t offset;
		memcpy(&offset, row + schema->strings[i], sizeof(offset));
		if (offset >= header->pool_size)
			return false;
	}
	for (uint32_t i = 0; i < schema->blob_count; i++) {
		struct flat_blob blob;
		memcpy(&blob, row + schema->blobs[i], sizeof(blob));
		if (!range_is_inside(blob.offset, blob.size, header->pool_size) ||
			(blob.size && blob.offset % ALIGNMENT))
			return false;
	}
	return true;
}

/* Sections are in the order of the schema, one after another. This one must begin at *at. */
static int section_check(const struct flat *f, const struct flat_section_schema *schema,
	const struct flat_section *s, size_t *at)
{
	*at = aligned(*at);
	if (s->row_size != schema->row_size || s->offset != *at || s->reserved ||
		!range_is_inside(
			s->offset, (uint64_t)s->count * s->row_size, f->header->size_bytes))
		return err_say(-EBADMSG,
			"section %s has %u rows of %u bytes at %u, which cannot be", schema->name,
			s->count, s->row_size, s->offset);
	for (uint32_t i = 0; i < s->count; i++)
		if (!row_is_valid(schema, f->base + s->offset + (size_t)i * s->row_size, f->header))
			return err_say(-EBADMSG, "section %s, row %u points outside the file",
				schema->name, i);
	*at += (size_t)s->count * s->row_size;
	return 0;
}

static int sections_check(const struct flat *f, const struct flat_schema *schema)
{
	size_t at = sizeof(*f->header);
	for (uint32_t i = 0; i < schema->section_count; i++) {
		int r = section_check(f, &schema->sections[i], &f->header->sections[i], &at);
		if (r < 0)
			return err_wrap(r, "%.8s file", schema->magic);
	}
	if (f->header->pool_offset != aligned(at))
		return err_say(-EBADMSG, "%.8s file with a misplaced string pool", schema->magic);
	return 0;
}

int flat_open(struct flat *f, const struct flat_schema *schema, const void *data, size_t size_bytes)
{
	const struct flat_header *header = data;
	if ((uintptr_t)data % ALIGNMENT)
		BUG("flat file at a misaligned address");
	if (size_bytes < sizeof(*header) || size_bytes > SIZE_MAX_BYTES ||
		memcmp(header->magic, schema->magic, sizeof(header->magic)) != 0)
		return err_say(-EBADMSG, "not a %.8s file", schema->magic);
	if (header->version >> 16 != schema->version >> 16)
		return err_say(-EBADMSG, "%.8s file of version %u, this program reads version %u",
			schema->magic, header->version >> 16, schema->version >> 16);
	if (header->size_bytes != size_bytes || header->section_count != schema->section_count ||
		header->pool_size == 0 || header->pool_offset > size_bytes ||
		header->pool_size != size_bytes - header->pool_offset || header->reserved)
		return err_say(-EBADMSG, "%.8s file with a damaged header", schema->magic);

	struct flat opened = {.base = data, .header = header};
	const unsigned char *pool = opened.base + header->pool_offset;
	if (pool[0] != '\0' || pool[header->pool_size - 1] != '\0')
		return err_say(-EBADMSG, "%.8s file with a damaged string pool", schema->magic);
	int r = sections_check(&opened, schema);
	if (r < 0)
		return r;
	*f = opened;
	return 0;
}

uint32_t flat_count(const struct flat *f, uint32_t section)
{
	return f->header->sections[section].count;
}

const void *flat_row(const struct flat *f, uint32_t section, uint32_t index)
{
	const struct flat_section *s = &f->header->sections[section];
	if (index >= s->count)
		BUG("row %u of %u in section %u", index, s->count, section);
	return f->base + s->offset + (size_t)index * s->row_size;
}

const char *flat_str(const struct flat *f, uint32_t offset)
{
	return offset ? (const char *)f->base + f->header->pool_offset + offset : NULL;
}

const void *flat_bytes(const struct flat *f, struct flat_blob blob)
{
	return blob.size ? f->base + f->header->pool_offset + blob.offset : NULL;
}
