/* SPDX-License-Identifier: Apache-2.0 */
#include "image/board.h"
#include "base/str.h"
#include "sys/calls.h"
#include "sys/fd.h"

#include <string.h>

enum { WAIT_MS = 100 };

int board_create(void)
{
	return fd_memfd("husk-pull", sizeof(struct board));
}

int board_map(int fd, bool is_writable, struct board **out)
{
	void *data;
	int r = fd_map_shared(fd, sizeof(struct board), is_writable, &data);
	if (r == 0)
		*out = data;
	return r;
}

void board_unmap(struct board *b)
{
	fd_unmap(b, sizeof(*b));
}

static void changed(struct board *b)
{
	__atomic_add_fetch(&b->changes, 1, __ATOMIC_SEQ_CST);
	sys_futex_wake(&b->changes);
}

void board_layer_add(struct board *b, const char *hex, uint64_t size_bytes, uint64_t have_bytes)
{
	if (b->layer_count == BOARD_LAYERS_MAX)
		return;
	struct board_layer *layer = &b->layers[b->layer_count];
	fmt(layer->hex, "%s", hex);
	layer->size_bytes = size_bytes;
	layer->have_bytes = have_bytes;
	__atomic_add_fetch(&b->layer_count, 1, __ATOMIC_SEQ_CST);
	changed(b);
}

void board_grow(struct board *b, const char *hex, uint64_t have_bytes)
{
	for (size_t i = 0; i < b->layer_count && i < BOARD_LAYERS_MAX; i++)
		if (strncmp(b->layers[i].hex, hex, BOARD_HEX_LEN) == 0)
			__atomic_store_n(&b->layers[i].have_bytes, have_bytes, __ATOMIC_SEQ_CST);
	changed(b);
}

void board_decide(struct board *b, size_t layer, enum board_state state)
{
	if (layer < BOARD_LAYERS_MAX)
		__atomic_store_n(&b->layers[layer].state, state, __ATOMIC_SEQ_CST);
	changed(b);
}

void board_over(struct board *b)
{
	__atomic_store_n(&b->is_over, 1, __ATOMIC_SEQ_CST);
	changed(b);
}

bool board_is_over(const struct board *b)
{
	return __atomic_load_n(&b->is_over, __ATOMIC_SEQ_CST);
}

enum board_state board_state(const struct board *b, size_t layer)
{
	return layer < BOARD_LAYERS_MAX
		? (enum board_state)__atomic_load_n(&b->layers[layer].state, __ATOMIC_SEQ_CST)
		: BOARD_UNDECIDED;
}

uint64_t board_have(const struct board *b, size_t layer)
{
	return layer < BOARD_LAYERS_MAX
		? __atomic_load_n(&b->layers[layer].have_bytes, __ATOMIC_SEQ_CST)
		: 0;
}

uint32_t board_look(const struct board *b)
{
	return __atomic_load_n(&b->changes, __ATOMIC_SEQ_CST);
}

void board_wait(const struct board *b, uint32_t look)
{
	sys_futex_wait(&b->changes, look, WAIT_MS);
}
