/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The reader behind json.h: it makes of a text a tree of values in an arena, or an error with line
 * and column. It accepts one document of RFC 8259 within the bounds below. Only json.c looks into
 * values.
 */
#include "base/arena.h"

#include <stdbool.h>
#include <stddef.h>

/* A value of one byte needs a struct json_value in memory, so values are counted too. */
enum { JSON_BYTES_MAX = 16 << 20, JSON_DEPTH_MAX = 64, JSON_VALUES_MAX = 1 << 17 };

enum json_kind {
	JSON_NULL,
	JSON_BOOL,
	JSON_INTEGER, /* fits uint64_t or int64_t */
	JSON_FRACTION,
	JSON_STRING,
	JSON_ARRAY,
	JSON_OBJECT,
};

struct json_value {
	enum json_kind kind;
	bool is_true;
	const char *key; /* a field's name without its escapes; NULL for an item of an array */
	const char *text; /* a string without its escapes, or a number as in the document */
	const struct json_value *items; /* fields or items, in the order of the document */
	size_t count;
};

/* Speaking: -EBADMSG, or -EFBIG above a bound; the message begins with line and column. The tree
 * borrows nothing from the text. */
int json_tree_read(const char *text, size_t len, struct arena *a, struct json_value *out);
