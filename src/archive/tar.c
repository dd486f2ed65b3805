/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tar reader: makes blocks from pieces, and members from blocks. Special members are collected
 * until the member that they describe. Everything except kept content of files goes to the recipe
 * as it is read.
 */
#include "archive/tar.h"
#include "archive/recipe.h"
#include "archive/tar_fields.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#include <errno.h>
#include <stdlib.h>

struct tar {
	struct tar_source source;
	struct recipe *recipe;
	/* What the source has brought and has not been taken yet. */
	const char *piece;
	size_t piece_left;
	bool has_ended;
	uint64_t taken;
	/* The member that was returned last. */
	struct arena arena;
	struct tar_entry entry;
	uint64_t stored_left; /* of its content in the stream */
	unsigned padding;
	size_t region;
	uint64_t region_done;
	bool is_kept;
	struct buf special;
};

struct tar *tar_new(const struct tar_source *source, struct recipe *recipe)
{
	struct tar *t = mem_new(sizeof(*t));
	*t = (struct tar){.source = *source, .recipe = recipe, .special = BUF_INIT};
	return t;
}

void tar_free(struct tar *t)
{
	if (!t)
		return;
	arena_release(&t->arena);
	buf_release(&t->special);
	free(t);
}

static int broken(const char *what)
{
	return err_say(-EBADMSG, "not a tar stream: %s", what);
}

/* Makes sure that the piece has at least one byte: 1; 0 at the end. */
static int fill(struct tar *t)
{
	const void *data;
	if (t->piece_left > 0)
		return 1;
	ssize_t count = t->has_ended ? 0 : t->source.read(t->source.context, &data);
	if (count <= 0) {
		t->has_ended = count == 0;
		return (int)count;
	}
	t->piece = data;
	t->piece_left = (size_t)count;
	return 1;
}

static void piece_advance(struct tar *t, size_t size)
{
	t->piece += size;
	t->piece_left -= size;
	t->taken += size;
}

uint64_t tar_place(const struct tar *t)
{
	return t->taken;
}

static int raw_tell(struct tar *t, const char *data, size_t size)
{
	return t->recipe ? recipe_raw(t->recipe, data, size) : 0;
}

/* Takes at most `max` bytes, none of them kept content: how many, and where; 0 at the end. */
static ssize_t raw_take(struct tar *t, uint64_t max, const char **out)
{
	int r = fill(t);
	if (r <= 0)
		return r;
	size_t size = t->piece_left < max ? t->piece_left : (size_t)max;
	r = raw_tell(t, t->piece, size);
	if (r < 0)
		return r;
	*out = t->piece;
	piece_advance(t, size);
	return (ssize_t)size;
}

/* Appends exactly `size` bytes; 0 when the stream has ended before the first one. */
static int raw_read(struct tar *t, uint64_t size, struct buf *out)
{
	for (uint64_t left = size; left > 0;) {
		const char *data;
		ssize_t count = raw_take(t, left, &data);
		if (count == 0 && left < size)
			return broken("it ends within a member");
		if (count <= 0)
			return (int)count;
		buf_add(out, data, (size_t)count);
		left -= (uint64_t)count;
	}
	return 1;
}

static int raw_skip(struct tar *t, uint64_t size)
{
	while (size > 0) {
		const char *data;
		ssize_t count = raw_take(t, size, &data);
		if (count == 0)
			return broken("it ends within a member");
		if (count < 0)
			return (int)count;
		size -= (uint64_t)count;
	}
	return 0;
}

/* Skips what fills the last block of a content. A stream that ends without it is accepted: umoci
 * writes such layers, and docker takes them. */
static int padding_skip(struct tar *t)
{
	int r = t->padding ? fill(t) : 0;
	return r <= 0 ? r : raw_skip(t, t->padding);
}

/* Takes a block from one piece, or puts it together from several. */
static int block_take(struct tar *t, const unsigned char **out)
{
	const char *data;
	int r = fill(t);
	if (r > 0 && t->piece_left >= TAR_BLOCK) {
		ssize_t count = raw_take(t, TAR_BLOCK, &data);
		*out = (const unsigned char *)data;
		return count < 0 ? (int)count : 1;
	}
	buf_clear(&t->special);
	r = r <= 0 ? r : raw_read(t, TAR_BLOCK, &t->special);
	*out = (const unsigned char *)t->special.data;
	return r;
}

static unsigned padding_of(uint64_t size)
{
	return (unsigned)(-size % TAR_BLOCK);
}

/* Reads the content of a special member, NUL-terminated. */
static int special_read(struct tar *t, const struct tar_entry *e)
{
	if (e->size > TAR_SPECIAL_MAX)
		return err_say(-EFBIG, "not a tar stream: a special member of more than %d bytes",
			TAR_SPECIAL_MAX);
	buf_clear(&t->special);
	int r = raw_read(t, e->size, &t->special);
	if (r == 0)
		return broken("it ends within a member");
	return r < 0 ? r : raw_skip(t, padding_of(e->size));
}

/* 1: it was a special member, and has been processed. */
static int special_take(struct tar *t, const struct tar_entry *e, struct tar_pending *p)
{
	int r;
	switch (e->type) {
	case 'x':
	case 'X': /* of Solaris, before there was a standard */
		r = special_read(t, e);
		if (r < 0)
			return r;
		/* A new header cancels what an earlier one said, except the path and the link. */
		*p = (struct tar_pending){.path = p->path, .link = p->link, .count = p->count};
		r = tar_pax_read(t->special.data, t->special.len, &t->arena, p);
		break;
	case 'g':
		r = raw_skip(t, e->size);
		if (r == 0)
			r = raw_skip(t, padding_of(e->size));
		break;
	case 'L':
	case 'K':
		r = special_read(t, e);
		if (r < 0)
			return r;
		*(e->type == 'L' ? &p->path : &p->link) = arena_str(&t->arena, t->special.data);
		break;
	default:
		return 0;
	}
	if (r == 0 && ++p->count > TAR_SPECIALS_MAX)
		r = err_say(
			-E2BIG, "more than %d special members before one member", TAR_SPECIALS_MAX);
	if (r == 0 && t->arena.total_bytes > TAR_HEADERS_MAX)
		r = err_say(-E2BIG, "what stands before one member takes more than %d bytes",
			TAR_HEADERS_MAX);
	return r < 0 ? r : 1;
}

/* Members without content, whatever their size says. */
static bool is_only_header(char type)
{
	return type >= '1' && type <= '6';
}

static void kind_normalize(struct tar_entry *e)
{
	size_t len = strlen(e->path);
	if (e->type == '\0')
		e->type = len > 0 && e->path[len - 1] == '/' ? '5' : '0';
	if (e->type == '7' || e->type == 'S')
		e->type = '0';
}

/* Reads the map of a sparse file that stands before its content (pax, version 1.0). */
static int map_read(struct tar *t, uint64_t *stored)
{
	auto_buf struct buf text = BUF_INIT;
	size_t at = 0;
	uint64_t numbers[2], count = 0;
	int r = 0;
	for (uint64_t i = 0, all = 1; i < all;) {
		r = tar_map_number(text.data, text.len, &at, &numbers[i ? (i - 1) % 2 : 0]);
		if (r < 0)
			return r;
		if (r == 0 && *stored < TAR_BLOCK)
			return broken("a map of a sparse file that is longer than its content");
		if (r == 0) {
			r = raw_read(t, TAR_BLOCK, &text);
			if (r <= 0)
				return r < 0 ? r : broken("it ends within a member");
			*stored -= TAR_BLOCK;
			continue;
		}
		if (i == 0) {
			count = numbers[0];
			if (count > TAR_REGIONS_MAX)
				return err_say(
					-E2BIG, "a file has more than %d regions", TAR_REGIONS_MAX);
			all = 1 + 2 * count;
		} else if (i % 2 == 0) {
			r = tar_region_add(&t->arena, &t->entry, numbers[0], numbers[1]);
			if (r < 0)
				return r;
		}
		i++;
	}
	return 0;
}

static int sparse_apply(struct tar *t, const struct tar_pending *p, uint64_t *stored)
{
	bool has_map_before = p->sparse.has_version && p->sparse.major == 1 && p->sparse.minor == 0;
	struct tar_entry *e = &t->entry;
	if (e->type != '0' || (!has_map_before && !p->sparse.has_map))
		return 0;
	if (p->sparse.name)
		e->path = p->sparse.name;
	if (p->sparse.has_size)
		e->size = p->sparse.size;
	if (has_map_before)
		return map_read(t, stored);
	if (p->sparse.has_offset)
		return broken("a map of a sparse file that is none");
	e->regions = p->sparse.map;
	return 0;
}

static void pending_apply(struct tar_entry *e, const struct tar_pending *p)
{
	if (p->path)
		e->path = p->path;
	if (p->link)
		e->link = p->link;
	if (p->has_size)
		e->size = p->size;
	if (p->has_uid)
		e->uid = p->uid;
	if (p->has_gid)
		e->gid = p->gid;
	if (p->has_time)
		e->modified = p->modified;
	if (p->has_group_mode)
		e->mode &= ~(mode_t)S_IRWXG | p->group_mode;
	e->xattrs = p->xattrs;
}

/* Reads the blocks in which an old GNU map continues. */
static int old_map_read(struct tar *t, bool is_extended)
{
	int r = 0;
	while (is_extended && r >= 0) {
		const unsigned char *block;
		r = block_take(t, &block);
		if (r > 0)
			r = tar_block_map(block, &t->arena, &t->entry, &is_extended);
		else if (r == 0)
			r = broken("it ends within a member");
	}
	return r < 0 ? r : 0;
}

/* Turns a header into a member whose content is next in the stream. */
static int member_complete(
	struct tar *t, const struct tar_pending *p, uint64_t sparse_size, bool is_extended)
{
	struct tar_entry *e = &t->entry;
	bool is_old_sparse = e->type == 'S';
	pending_apply(e, p);
	kind_normalize(e);
	uint64_t stored = is_only_header(e->type) ? 0 : e->size;
	t->padding = padding_of(stored);
	if (is_only_header(e->type))
		e->size = 0;
	int r = old_map_read(t, is_extended);
	if (r == 0 && is_old_sparse)
		e->size = sparse_size;
	else if (r == 0)
		r = sparse_apply(t, p, &stored);
	bool is_whole = !is_old_sparse && e->regions.count == 0 && e->size == stored;
	if (r == 0 && is_whole && stored > 0)
		r = tar_region_add(&t->arena, e, 0, stored);
	if (r == 0)
		r = tar_regions_check(e, stored);
	t->stored_left = stored;
	t->region = 0;
	t->region_done = 0;
	return r < 0 ? r : 1;
}

/* Two blocks of zeros, or the end of the stream, end an archive. What follows means nothing, but a
 * recipe keeps it. */
static int end_read(struct tar *t)
{
	const unsigned char *block;
	struct tar_entry nothing;
	uint64_t size;
	bool is_extended;
	int r = block_take(t, &block);
	if (r > 0 &&
		tar_block_read(block, &t->arena, &nothing, &size, &is_extended) != TAR_BLOCK_ZERO)
		return broken("a block of zeros between members");
	if (r < 0 || !t->recipe)
		return r < 0 ? r : 0;
	const char *data;
	for (ssize_t count = r; count > 0;)
		count = r = (int)raw_take(t, INT32_MAX, &data);
	return r;
}

static int header_next(struct tar *t)
{
	struct tar_pending pending = {0};
	for (;;) {
		const unsigned char *block;
		uint64_t sparse_size = 0;
		bool is_extended = false;
		int r = block_take(t, &block);
		if (r <= 0)
			return r;
		r = tar_block_read(block, &t->arena, &t->entry, &sparse_size, &is_extended);
		if (r == TAR_BLOCK_ZERO)
			return end_read(t);
		if (r > 0)
			r = special_take(t, &t->entry, &pending);
		if (r == 0)
			return member_complete(t, &pending, sparse_size, is_extended);
		if (r < 0)
			return r;
	}
}

static int rest_skip(struct tar *t)
{
	const void *data;
	uint64_t offset;
	ssize_t count = 0;
	if (!t->is_kept)
		count = raw_skip(t, t->stored_left);
	else
		do
			count = tar_content(t, &data, &offset);
		while (count > 0);
	t->stored_left = 0;
	t->is_kept = false;
	return count < 0 ? (int)count : padding_skip(t);
}

int tar_next(struct tar *t, struct tar_entry *out)
{
	int r = rest_skip(t);
	if (r < 0)
		return r;
	arena_release(&t->arena);
	t->padding = 0;
	r = header_next(t);
	if (r > 0)
		*out = t->entry;
	return r;
}

int tar_keep(struct tar *t, const char *path)
{
	int r = 0;
	t->is_kept = true;
	for (size_t i = 0; i < t->entry.regions.count && t->recipe && r == 0; i++) {
		const struct tar_region *region = &t->entry.regions.items[i];
		r = recipe_content(t->recipe, path, region->offset, region->length);
	}
	return r;
}

ssize_t tar_content(struct tar *t, const void **out_data, uint64_t *out_offset)
{
	const struct tar_region *region = t->entry.regions.items + t->region;
	while (t->region < t->entry.regions.count && t->region_done == region->length) {
		t->region++;
		region++;
		t->region_done = 0;
	}
	if (t->region == t->entry.regions.count)
		return 0;
	int r = fill(t);
	if (r <= 0)
		return r < 0 ? r : broken("it ends within a member");
	uint64_t left = region->length - t->region_done;
	size_t size = t->piece_left < left ? t->piece_left : (size_t)left;
	if (!t->is_kept)
		r = raw_tell(t, t->piece, size);
	if (r < 0)
		return r;
	*out_data = t->piece;
	*out_offset = region->offset + t->region_done;
	piece_advance(t, size);
	t->region_done += size;
	t->stored_left -= size;
	return (ssize_t)size;
}
