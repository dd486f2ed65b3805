/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Strict, bounded reading of JSON, with the path of the field in every message, and a writer. Only
 * programs that may parse JSON link this; init and the monitor do not.
 */
#include "base/arena.h"
#include "base/buf.h"
#include "base/json_tree.h"

#include <stdbool.h>
#include <stdint.h>

struct json; /* a parsed document */

/* Parses one whole document (-EBADMSG, speaking: line and column; -EFBIG above a JSON_*_MAX).
 * `name` is the document's name in messages: "config.json". Duplicate keys, trailing bytes, NUL in
 * strings, invalid UTF-8 and integers that fit neither uint64_t nor int64_t are refused. */
int json_parse(const char *name, const char *text, size_t len, struct json **out);
void json_free(struct json *j);
AUTO_TYPE(json, struct json *, json_free)

/*
 * Cursors: a value and the path to it. Getters are speaking and strict: a value of another type is
 * -EINVAL ("config.json: process.args[1]: expected a string, found a number"), a number outside of
 * the type is -ERANGE; 1.0 and 1e3 are no integers. For json_opt_* a missing field is no error:
 * they return 0 and do not change *out, and 1 when the field is there. A cursor borrows its parent,
 * which must outlive it.
 */
struct json_cursor {
	const struct json *document;
	const struct json_value *value;
	const struct json_cursor *parent;
	const char *key; /* or NULL, then `index` */
	size_t index;
};

struct json_cursor json_root(const struct json *j);
/* 1 and the child when there is such a field (null counts as missing), else 0. */
int json_field(const struct json_cursor *c, const char *key, struct json_cursor *out);
int json_need_object(const struct json_cursor *c);
/* The number of items of an array (-EINVAL for another type), then each item. */
int json_count(const struct json_cursor *c);
struct json_cursor json_item(const struct json_cursor *c, size_t index);
/* Strings are copied into the arena. */
int json_opt_string(
	const struct json_cursor *c, const char *key, struct arena *a, const char **out);
int json_opt_bool(const struct json_cursor *c, const char *key, bool *out);
int json_opt_u64(const struct json_cursor *c, const char *key, uint64_t *out);
int json_opt_i64(const struct json_cursor *c, const char *key, int64_t *out);
int json_opt_strings(
	const struct json_cursor *c, const char *key, struct arena *a, struct str_list *out);
/* The value itself; a number must be within its range. */
int json_string(const struct json_cursor *c, struct arena *a, const char **out);
int json_boolean(const struct json_cursor *c, bool *out);
int json_u64(const struct json_cursor *c, uint64_t max, uint64_t *out);
int json_i64(const struct json_cursor *c, int64_t min, int64_t max, int64_t *out);
/* Calls `each` with every field of an object, in order, until it fails. */
int json_each(const struct json_cursor *c,
	int (*each)(const char *key, const struct json_cursor *v, void *arg), void *arg);
/* For readers of any document: the kind of a value, and a scalar without checks (false or "" for a
 * value of another kind). A number's text is as in the document. */
enum json_kind json_kind(const struct json_cursor *c);
bool json_is_true(const struct json_cursor *c);
const char *json_number(const struct json_cursor *c, struct arena *a);
/* Starts a sentence with the cursor's path in front and returns code. */
int json_err(const struct json_cursor *c, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * Writing: a pretty (4 blanks, as docker inspect) or compact document, directly into a buffer.
 * Calls nest; a key is given inside objects, NULL inside arrays. Invalid UTF-8 is written as
 * U+FFFD.
 */
struct json_writer {
	struct buf *out;
	bool is_pretty;
	unsigned depth;
	bool has_item[JSON_DEPTH_MAX];
};

void json_open_object(struct json_writer *w, const char *key);
void json_open_array(struct json_writer *w, const char *key);
void json_close_object(struct json_writer *w);
void json_close_array(struct json_writer *w);
void json_put_string(
	struct json_writer *w, const char *key, const char *value); /* NULL writes null */
void json_put_bool(struct json_writer *w, const char *key, bool value);
void json_put_u64(struct json_writer *w, const char *key, uint64_t value);
void json_put_i64(struct json_writer *w, const char *key, int64_t value);
/* `number` is written unchanged. */
void json_put_number(struct json_writer *w, const char *key, const char *number);
void json_put_null(struct json_writer *w, const char *key);
/* A value of a document, unchanged. */
void json_put_value(struct json_writer *w, const char *key, const struct json_cursor *v);
/* An array of strings; an empty list is written as null, as Go does. */
void json_put_list(struct json_writer *w, const char *key, const struct str_list *list);
