/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What is needed to make a layer's tar stream again, byte for byte, from its unpacked tree: headers and padding as they
 * were, and where the content of files lies. A recipe is the line RECIPE_MAGIC and rows, compressed by zstd:
 *
 *	R length bytes			bytes of the stream
 *	F length path offset length	content of a file of the tree
 *	X length path number		from here back, what is at PATH is at SHADOWS/NUMBER: it was replaced later on
 *
 * Lengths, offsets and numbers are 8 bytes, little-endian. The rows are no more to be believed than the layer was: they
 * are read beneath the tree as a root, and the digest of what comes out says whether it is the layer. Everything speaks.
 */
#include "base/cleanup.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define RECIPE_MAGIC "husk recipe 1\n"

struct recipe;
/* Writes to fd (borrowed). *out is to be freed in any case. */
int recipe_begin(int fd, struct recipe **out);
void recipe_free(struct recipe *r);
AUTO_TYPE(recipe, struct recipe *, recipe_free)
int recipe_raw(struct recipe *r, const void *data, size_t size);
int recipe_content(struct recipe *r, const char *path, uint64_t offset, uint64_t length);
int recipe_replaced(struct recipe *r, const char *path, uint64_t number);
int recipe_finish(struct recipe *r);
