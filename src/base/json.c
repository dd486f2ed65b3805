/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cursors over a tree of JSON. Each cursor knows its parent, so that a message can name the path of
 * the value.
 */
#include "base/json.h"
#include "base/err.h"
#include "base/str.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct json {
	char *name;
	struct arena arena;
	struct json_value root;
};

void json_free(struct json *j)
{
	if (!j)
		return;
	arena_release(&j->arena);
	free(j->name);
	free(j);
}

int json_parse(const char *name, const char *text, size_t len, struct json **out)
{
	auto_of(json) struct json *j = mem_new(sizeof(*j));
	int r = json_tree_read(text, len, &j->arena, &j->root);
	if (r < 0)
		return err_wrap(r, "%s", name);
	j->name = mem_strdup(name);
	*out = take_ptr(&j);
	return 0;
}

struct json_cursor json_root(const struct json *j)
{
	return (struct json_cursor){.document = j, .value = &j->root};
}

static void add_path(struct buf *out, const struct json_cursor *c)
{
	if (!c->parent)
		return;
	add_path(out, c->parent);
	if (!c->key) {
		buf_addf(out, "[%zu]", c->index);
		return;
	}
	if (out->len)
		buf_addc(out, '.');
	buf_add_escaped(out, c->key);
}

int json_err(const struct json_cursor *c, int code, const char *format, ...)
{
	auto_buf struct buf path = BUF_INIT;
	auto_buf struct buf words = BUF_INIT;
	add_path(&path, c);
	va_list args;
	va_start(args, format);
	buf_vaddf(&words, format, args);
	va_end(args);
	return err_say(
		code, "%s: %s%s%s", c->document->name, path.data, path.len ? ": " : "", words.data);
}

static const char *const kind_words[] = {
	[JSON_NULL] = "null",
	[JSON_BOOL] = "a boolean",
	[JSON_INTEGER] = "a number",
	[JSON_FRACTION] = "a number with a fraction or an exponent",
	[JSON_STRING] = "a string",
	[JSON_ARRAY] = "an array",
	[JSON_OBJECT] = "an object",
};

static int need_kind(const struct json_cursor *c, enum json_kind kind, const char *expected)
{
	if (c->value->kind == kind)
		return 0;
	return json_err(c, -EINVAL, "expected %s, found %s", expected, kind_words[c->value->kind]);
}

static struct json_cursor child(const struct json_cursor *c, size_t index)
{
	return (struct json_cursor){
		.document = c->document,
		.value = &c->value->items[index],
		.parent = c,
		.key = c->value->items[index].key,
		.index = index,
	};
}

int json_field(const struct json_cursor *c, const char *key, struct json_cursor *out)
{
	for (size_t i = 0; c->value->kind == JSON_OBJECT && i < c->value->count; i++) {
		if (!str_eq(c->value->items[i].key, key))
			continue;
		*out = child(c, i);
		return out->value->kind != JSON_NULL;
	}
	return 0;
}

int json_need_object(const struct json_cursor *c)
{
	return need_kind(c, JSON_OBJECT, "an object");
}

int json_count(const struct json_cursor *c)
{
	int r = need_kind(c, JSON_ARRAY, "an array");
	return r < 0 ? r : (int)c->value->count;
}

struct json_cursor json_item(const struct json_cursor *c, size_t index)
{
	if (c->value->kind != JSON_ARRAY || index >= c->value->count)
		BUG("item %zu of %zu", index, c->value->count);
	return child(c, index);
}

/* A field of an object; 1 when it is there, -EINVAL when c is no object. */
static int opt_field(const struct json_cursor *c, const char *key, struct json_cursor *out)
{
	int r = json_need_object(c);
	return r < 0 ? r : json_field(c, key, out);
}

int json_string(const struct json_cursor *c, struct arena *a, const char **out)
{
	int r = need_kind(c, JSON_STRING, "a string");
	if (r < 0)
		return r;
	*out = arena_str(a, c->value->text);
	return 0;
}

int json_opt_string(const struct json_cursor *c, const char *key, struct arena *a, const char **out)
{
	struct json_cursor field;
	int r = opt_field(c, key, &field);
	if (r <= 0)
		return r;
	r = json_string(&field, a, out);
	return r < 0 ? r : 1;
}

int json_boolean(const struct json_cursor *c, bool *out)
{
	int r = need_kind(c, JSON_BOOL, "true or false");
	if (r < 0)
		return r;
	*out = c->value->is_true;
	return 0;
}

int json_opt_bool(const struct json_cursor *c, const char *key, bool *out)
{
	struct json_cursor field;
	int r = opt_field(c, key, &field);
	if (r <= 0)
		return r;
	r = json_boolean(&field, out);
	return r < 0 ? r : 1;
}

int json_u64(const struct json_cursor *c, uint64_t max, uint64_t *out)
{
	uint64_t number;
	int r = need_kind(c, JSON_INTEGER, "a number");
	if (r < 0)
		return r;
	if (parse_u64(c->value->text, &number) < 0 || number > max)
		return json_err(c, -ERANGE, "expected a number from 0 to %" PRIu64 ", found %s",
			max, c->value->text);
	*out = number;
	return 0;
}

int json_opt_u64(const struct json_cursor *c, const char *key, uint64_t *out)
{
	struct json_cursor field;
	int r = opt_field(c, key, &field);
	if (r <= 0)
		return r;
	r = json_u64(&field, UINT64_MAX, out);
	return r < 0 ? r : 1;
}

int json_i64(const struct json_cursor *c, int64_t min, int64_t max, int64_t *out)
{
	int64_t number;
	int r = need_kind(c, JSON_INTEGER, "a number");
	if (r < 0)
		return r;
	if (parse_i64(c->value->text, &number) < 0 || number < min || number > max)
		return json_err(c, -ERANGE,
			"expected a number from %" PRId64 " to %" PRId64 ", found %s", min, max,
			c->value->text);
	*out = number;
	return 0;
}

int json_opt_i64(const struct json_cursor *c, const char *key, int64_t *out)
{
	struct json_cursor field;
	int r = opt_field(c, key, &field);
	if (r <= 0)
		return r;
	r = json_i64(&field, INT64_MIN, INT64_MAX, out);
	return r < 0 ? r : 1;
}

int json_opt_strings(
	const struct json_cursor *c, const char *key, struct arena *a, struct str_list *out)
{
	struct json_cursor field;
	int r = opt_field(c, key, &field);
	if (r <= 0)
		return r;
	int count = json_count(&field);
	if (count < 0)
		return count;
	struct str_list list = {0};
	for (int i = 0; i < count; i++) {
		struct json_cursor item = json_item(&field, (size_t)i);
		const char *string;
		r = json_string(&item, a, &string);
		if (r < 0)
			return r;
		*arena_push(a, &list) = string;
	}
	*out = list;
	return 1;
}

int json_each(const struct json_cursor *c,
	int (*each)(const char *key, const struct json_cursor *v, void *arg), void *arg)
{
	int r = json_need_object(c);
	if (r < 0)
		return r;
	for (size_t i = 0; i < c->value->count; i++) {
		struct json_cursor field = child(c, i);
		r = each(field.key, &field, arg);
		if (r < 0)
			return r;
	}
	return 0;
}

enum json_kind json_kind(const struct json_cursor *c)
{
	return c->value->kind;
}

bool json_is_true(const struct json_cursor *c)
{
	return c->value->is_true;
}

const char *json_number(const struct json_cursor *c, struct arena *a)
{
	bool is_number = c->value->kind == JSON_INTEGER || c->value->kind == JSON_FRACTION;
	return is_number ? arena_str(a, c->value->text) : "";
}
