/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing JSON directly into a buffer. Characters that could control a terminal are escaped too:
 * people print these documents.
 */
#include "base/json.h"
#include "base/err.h"
#include "base/str.h"

#include <inttypes.h>
#include <string.h>

static void add_newline(struct json_writer *w)
{
	if (w->is_pretty)
		buf_addf(w->out, "\n%*s", (int)(4 * w->depth), "");
}

/* DEL, C1 and the bidirectional marks are legal in JSON and harmful on a terminal. */
static bool wants_escape(uint32_t code)
{
	return code < 0x20 || (code >= 0x7f && code <= 0x9f) || code == 0x61c ||
		(code >= 0x200e && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e) ||
		(code >= 0x2066 && code <= 0x2069);
}

static void add_character(struct buf *out, uint32_t code, const char *bytes, size_t size)
{
	static const char names[] = "\"\\\n\r\t";
	static const char *const escapes[] = {"\\\"", "\\\\", "\\n", "\\r", "\\t"};
	const char *name = code < 0x80 && code > 0 ? strchr(names, (int)code) : NULL;
	if (name)
		buf_adds(out, escapes[name - names]);
	else if (wants_escape(code))
		buf_addf(out, "\\u%04x", code);
	else
		buf_add(out, bytes, size);
}

static void add_string(struct buf *out, const char *s)
{
	buf_addc(out, '"');
	size_t len = strlen(s);
	while (len > 0) {
		uint32_t code;
		size_t size = str_utf8(s, len, &code);
		if (size == 0) {
			buf_adds(out, "\xef\xbf\xbd");
			size = 1;
		} else {
			add_character(out, code, s, size);
		}
		s += size;
		len -= size;
	}
	buf_addc(out, '"');
}

/* Writes the comma, the line end and the key before a value. */
static void begin_value(struct json_writer *w, const char *key)
{
	if (w->depth > 0) {
		if (w->has_item[w->depth - 1])
			buf_addc(w->out, ',');
		w->has_item[w->depth - 1] = true;
		add_newline(w);
	}
	if (key) {
		add_string(w->out, key);
		buf_adds(w->out, w->is_pretty ? ": " : ":");
	}
}

static void open_container(struct json_writer *w, const char *key, char bracket)
{
	if (w->depth == JSON_DEPTH_MAX)
		BUG("JSON nested deeper than %d levels", JSON_DEPTH_MAX);
	begin_value(w, key);
	buf_addc(w->out, bracket);
	w->has_item[w->depth++] = false;
}

static void close_container(struct json_writer *w, char bracket)
{
	if (w->depth == 0)
		BUG("JSON closed more often than opened");
	bool has_item = w->has_item[--w->depth];
	if (has_item)
		add_newline(w);
	buf_addc(w->out, bracket);
}

void json_open_object(struct json_writer *w, const char *key)
{
	open_container(w, key, '{');
}

void json_open_array(struct json_writer *w, const char *key)
{
	open_container(w, key, '[');
}

void json_close_object(struct json_writer *w)
{
	close_container(w, '}');
}

void json_close_array(struct json_writer *w)
{
	close_container(w, ']');
}

void json_put_string(struct json_writer *w, const char *key, const char *value)
{
	begin_value(w, key);
	if (value)
		add_string(w->out, value);
	else
		buf_adds(w->out, "null");
}

void json_put_bool(struct json_writer *w, const char *key, bool value)
{
	begin_value(w, key);
	buf_adds(w->out, value ? "true" : "false");
}

void json_put_u64(struct json_writer *w, const char *key, uint64_t value)
{
	begin_value(w, key);
	buf_addf(w->out, "%" PRIu64, value);
}

void json_put_i64(struct json_writer *w, const char *key, int64_t value)
{
	begin_value(w, key);
	buf_addf(w->out, "%" PRId64, value);
}

void json_put_number(struct json_writer *w, const char *key, const char *number)
{
	begin_value(w, key);
	buf_adds(w->out, number);
}

void json_put_null(struct json_writer *w, const char *key)
{
	begin_value(w, key);
	buf_adds(w->out, "null");
}

void json_put_list(struct json_writer *w, const char *key, const struct str_list *list)
{
	if (list->count == 0) {
		json_put_null(w, key);
		return;
	}
	json_open_array(w, key);
	for (size_t i = 0; i < list->count; i++)
		json_put_string(w, NULL, list->items[i]);
	json_close_array(w);
}

static int copy_field(const char *key, const struct json_cursor *v, void *arg)
{
	json_put_value(arg, key, v);
	return 0;
}

static void put_items(struct json_writer *w, const struct json_cursor *v)
{
	int count = json_count(v);
	for (int i = 0; i < count; i++) {
		struct json_cursor item = json_item(v, (size_t)i);
		json_put_value(w, NULL, &item);
	}
}

void json_put_value(struct json_writer *w, const char *key, const struct json_cursor *v)
{
	auto_arena struct arena a = ARENA_INIT;
	const char *text = "";
	switch (json_kind(v)) {
	case JSON_NULL:
		json_put_null(w, key);
		return;
	case JSON_BOOL:
		json_put_bool(w, key, json_is_true(v));
		return;
	case JSON_INTEGER:
	case JSON_FRACTION:
		json_put_number(w, key, json_number(v, &a));
		return;
	case JSON_STRING:
		json_string(v, &a, &text);
		json_put_string(w, key, text);
		return;
	case JSON_ARRAY:
		json_open_array(w, key);
		put_items(w, v);
		json_close_array(w);
		return;
	case JSON_OBJECT:
		json_open_object(w, key);
		json_each(v, copy_field, w);
		json_close_object(w);
		return;
	}
	BUG("JSON of kind %d", (int)json_kind(v));
}
