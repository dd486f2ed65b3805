/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What is needed to rebuild a layer's tar stream, byte for byte, from its unpacked tree: the
 * original headers and padding, and where the content of files belongs. A recipe is the line
 * RECIPE_MAGIC and rows, compressed by zstd:
 *
 *	R length bytes			bytes of the stream
 *	F length path offset length	content of a file of the tree
 *	X length path number		for rows before: PATH is at SHADOWS/NUMBER, replaced later
 *
 * Lengths, offsets and numbers are 8 bytes, little-endian. The rows are trusted no more than the
 * layer: paths are resolved beneath the tree as root, and the digest of the result shows whether it
 * is the layer. Everything speaks.
 */
#include "base/cleanup.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define RECIPE_MAGIC "husk recipe 1\n"

struct recipe;
/* Writes to fd (borrowed). *out must be freed even after a failure. */
int recipe_begin(int fd, struct recipe **out);
void recipe_free(struct recipe *r);
AUTO_TYPE(recipe, struct recipe *, recipe_free)
int recipe_raw(struct recipe *r, const void *data, size_t size);
int recipe_content(struct recipe *r, const char *path, uint64_t offset, uint64_t length);
int recipe_replaced(struct recipe *r, const char *path, uint64_t number);
int recipe_finish(struct recipe *r);
