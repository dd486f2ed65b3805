/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * An arena: memory that is freed as a whole. One configuration is one arena. It contains plain
 * structs and const char * views, so no code has to free them one by one. Out of memory aborts.
 */
#include "base/cleanup.h"

#include <stdarg.h>
#include <stddef.h>

struct arena_block;

struct arena {
	struct arena_block *blocks;
	size_t total_bytes;
};

#define ARENA_INIT \
	{ \
		0 \
	}

void arena_release(struct arena *a);
AUTO_STRUCT(arena, struct arena, arena_release)
#define auto_arena auto_of(arena)

/* Zeroed memory, aligned for any type. */
void *arena_new(struct arena *a, size_t size);
#define arena_new_array(a, type, count) ((type *)arena_new_n((a), (count), sizeof(type)))
void *arena_new_n(struct arena *a, size_t count, size_t size);

const char *arena_str(struct arena *a, const char *s);
const char *arena_strn(struct arena *a, const char *s, size_t len);
const char *arena_printf(struct arena *a, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Appends one item to an array in the arena, which doubles when it is full; returns the (zeroed)
 * item. The room of the array follows from its count, so every item must have been added by
 * arena_push. */
#define arena_push(a, list) \
	({ \
		typeof(list) push_to = (list); \
		push_to->items = arena_grow( \
			(a), push_to->items, push_to->count, sizeof(*push_to->items)); \
		&push_to->items[push_to->count++]; \
	})
void *arena_grow(struct arena *a, void *items, size_t count, size_t size);

/* A list of strings whose bytes and array live in an arena. */
struct str_list {
	const char **items;
	size_t count;
};
