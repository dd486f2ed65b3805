/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The layers of one pull, in memory that husk, the fetcher and the importer all map. The fetcher
 * puts the layers on the board and says how much of each has arrived. The importer says which
 * layers are wanted and which are done. husk only says when the fetcher has ended. Nothing on the
 * board is trusted: every reader checks what it reads. Silent.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { BOARD_LAYERS_MAX = 127, BOARD_HEX_LEN = 64 };

enum board_state {
	BOARD_UNDECIDED,
	BOARD_WANTED,
	BOARD_THERE, /* already in the store */
	BOARD_DONE,
};

struct board_layer {
	char hex[BOARD_HEX_LEN + 1]; /* of the blob */
	uint32_t state;
	uint64_t size_bytes, have_bytes;
};

struct board {
	uint32_t changes; /* counted up at each change; board_wait waits on it */
	uint32_t layer_count;
	uint32_t is_over; /* nothing arrives any more */
	struct board_layer layers[BOARD_LAYERS_MAX];
};

/* A memfd of an empty board. */
int board_create(void);
int board_map(int fd, bool is_writable, struct board **out);
void board_unmap(struct board *b);

void board_layer_add(struct board *b, const char *hex, uint64_t size_bytes, uint64_t have_bytes);
/* All layers with this digest have so many bytes. */
void board_grow(struct board *b, const char *hex, uint64_t have_bytes);
void board_decide(struct board *b, size_t layer, enum board_state state);
void board_over(struct board *b);
bool board_is_over(const struct board *b);
enum board_state board_state(const struct board *b, size_t layer);
uint64_t board_have(const struct board *b, size_t layer);
/* Begins a look at the board. board_wait returns when the board has changed since, or after a
 * moment. */
uint32_t board_look(const struct board *b);
void board_wait(const struct board *b, uint32_t look);
