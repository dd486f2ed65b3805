/* SPDX-License-Identifier: Apache-2.0 */
/* Arenas: blocks of doubling size, bump allocation, freed together. */
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct arena_block {
	struct arena_block *next;
	size_t used;
	size_t room;
	alignas(max_align_t) unsigned char bytes[];
};

enum { FIRST_BLOCK = 4096, LARGEST_BLOCK = 1 << 20 };

void arena_release(struct arena *a)
{
	while (a->blocks) {
		struct arena_block *next = a->blocks->next;
		free(a->blocks);
		a->blocks = next;
	}
	*a = (struct arena)ARENA_INIT;
}

static struct arena_block *block_add(struct arena *a, size_t size)
{
	size_t room = a->blocks ? a->blocks->room * 2 : FIRST_BLOCK;
	if (room > LARGEST_BLOCK)
		room = LARGEST_BLOCK;
	if (room < size)
		room = size;
	struct arena_block *block = mem_new(sizeof(*block) + room);
	block->room = room;
	block->next = a->blocks;
	a->blocks = block;
	return block;
}

void *arena_new(struct arena *a, size_t size)
{
	if (size > SIZE_MAX / 2)
		BUG("arena allocation of %zu bytes", size);
	size = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
	struct arena_block *block = a->blocks;
	if (!block || block->room - block->used < size)
		block = block_add(a, size);
	void *p = block->bytes + block->used;
	block->used += size;
	a->total_bytes += size;
	return p;
}

void *arena_new_n(struct arena *a, size_t count, size_t size)
{
	size_t bytes;
	if (__builtin_mul_overflow(count, size, &bytes))
		BUG("arena array of %zu times %zu bytes", count, size);
	return arena_new(a, bytes);
}

const char *arena_strn(struct arena *a, const char *s, size_t len)
{
	char *copy = arena_new(a, len + 1);
	if (len)
		memcpy(copy, s, len);
	return copy;
}

const char *arena_str(struct arena *a, const char *s)
{
	return arena_strn(a, s, strlen(s));
}

const char *arena_printf(struct arena *a, const char *format, ...)
{
	auto_buf struct buf b = BUF_INIT;
	va_list args;
	va_start(args, format);
	buf_vaddf(&b, format, args);
	va_end(args);
	return arena_strn(a, b.data, b.len);
}

/* The room is 4 for up to 4 items, then the next power of two. So the array is full exactly when
 * its count is one of these numbers. */
void *arena_grow(struct arena *a, void *items, size_t count, size_t size)
{
	bool is_full = count == 0 || (count >= 4 && (count & (count - 1)) == 0);
	if (!is_full)
		return items;
	void *bigger = arena_new_n(a, count ? count * 2 : 4, size);
	if (count)
		memcpy(bigger, items, count * size);
	return bigger;
}
