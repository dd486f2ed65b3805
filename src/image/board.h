/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What husk, the fetcher and the importer of one pull know of its layers: memory that all three map. The fetcher puts the
 * layers on it and says how much of each has arrived; the importer says which are wanted and which are done; husk only
 * reads it, to show it, and says when the fetcher is gone. Nothing on it is believed: it is bounded where it is used. Silent.
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
	uint32_t changes; /* counts, for who waits */
	uint32_t layer_count;
	uint32_t is_over; /* nothing arrives any more */
	struct board_layer layers[BOARD_LAYERS_MAX];
};

/* A memfd of an empty board. */
int board_create(void);
int board_map(int fd, bool is_writable, struct board **out);
void board_unmap(struct board *b);

void board_layer_add(struct board *b, const char *hex, uint64_t size_bytes, uint64_t have_bytes);
/* All layers with this digest have so much. */
void board_grow(struct board *b, const char *hex, uint64_t have_bytes);
void board_decide(struct board *b, size_t layer, enum board_state state);
void board_over(struct board *b);
bool board_is_over(const struct board *b);
enum board_state board_state(const struct board *b, size_t layer);
uint64_t board_have(const struct board *b, size_t layer);
/* Begins a look at the board; board_wait returns when it has changed since, and after a moment in any case. */
uint32_t board_look(const struct board *b);
void board_wait(const struct board *b, uint32_t look);
