/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading JSON: json_check vouches for the text, json-c builds the tree, and cursors remember how a value was reached
 * so that every message can name it.
 */
#include "base/json.h"
#include "base/err.h"
#include "base/json_check.h"
#include "base/str.h"

#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>

struct json {
	char *name;
	struct json_object *root; /* NULL for the document "null" */
};

void json_free(struct json *j)
{
	if (!j)
		return;
	json_object_put(j->root);
	free(j->name);
	free(j);
}

static void tokener_free(struct json_tokener *tokener)
{
	if (tokener)
		json_tokener_free(tokener);
}
AUTO_TYPE(tokener, struct json_tokener *, tokener_free)

int json_parse(const char *name, const char *text, size_t len, struct json **out)
{
	int r = json_check(text, len);
	if (r < 0)
		return err_wrap(r, "%s", name);

	/* json-c counts the value inside the innermost container as a level. */
	auto_of(tokener) struct json_tokener *tokener = json_tokener_new_ex(JSON_DEPTH_MAX + 1);
	if (!tokener)
		BUG("out of memory (a JSON tokener)");
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
	struct json_object *root = json_tokener_parse_ex(tokener, text, (int)len);
	/* A number at the top has no end before the terminator. */
	if (json_tokener_get_error(tokener) == json_tokener_continue)
		root = json_tokener_parse_ex(tokener, "", 1);
	enum json_tokener_error error = json_tokener_get_error(tokener);
	if (error != json_tokener_success)
		return err_say(-EBADMSG, "%s: %s", name, json_tokener_error_desc(error));

	struct json *j = mem_new(sizeof(*j));
	j->name = mem_strdup(name);
	j->root = root;
	*out = j;
	return 0;
}

struct json_cursor json_root(const struct json *j)
{
	return (struct json_cursor){.document = j, .value = j->root};
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

static const char *type_words(const struct json_object *value)
{
	static const char *const words[] = {
		[json_type_null] = "null",
		[json_type_boolean] = "a boolean",
		[json_type_double] = "a number with a fraction or an exponent",
		[json_type_int] = "a number",
		[json_type_object] = "an object",
		[json_type_array] = "an array",
		[json_type_string] = "a string",
	};
	return words[json_object_get_type(value)];
}

static int need_type(const struct json_cursor *c, enum json_type type, const char *expected)
{
	if (json_object_is_type(c->value, type))
		return 0;
	return json_err(c, -EINVAL, "expected %s, found %s", expected, type_words(c->value));
}

int json_field(const struct json_cursor *c, const char *key, struct json_cursor *out)
{
	struct json_object *value;
	if (!json_object_is_type(c->value, json_type_object) ||
		!json_object_object_get_ex(c->value, key, &value) || !value)
		return 0;
	*out = (struct json_cursor){
		.document = c->document,
		.value = value,
		.parent = c,
		.key = key,
	};
	return 1;
}

int json_need_object(const struct json_cursor *c)
{
	return need_type(c, json_type_object, "an object");
}

int json_count(const struct json_cursor *c)
{
	int r = need_type(c, json_type_array, "an array");
	return r < 0 ? r : (int)json_object_array_length(c->value);
}

struct json_cursor json_item(const struct json_cursor *c, size_t index)
{
	if (index >= json_object_array_length(c->value))
		BUG("item %zu of %zu", index, json_object_array_length(c->value));
	return (struct json_cursor){
		.document = c->document,
		.value = json_object_array_get_idx(c->value, index),
		.parent = c,
		.index = index,
	};
}

/* A field of an object; 1 when it is there, -EINVAL when c is no object. */
static int opt_field(const struct json_cursor *c, const char *key, struct json_cursor *out)
{
	int r = json_need_object(c);
	return r < 0 ? r : json_field(c, key, out);
}

int json_string(const struct json_cursor *c, struct arena *a, const char **out)
{
	int r = need_type(c, json_type_string, "a string");
	if (r < 0)
		return r;
	*out = arena_strn(
		a, json_object_get_string(c->value), (size_t)json_object_get_string_len(c->value));
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

int json_opt_bool(const struct json_cursor *c, const char *key, bool *out)
{
	struct json_cursor field;
	int r = opt_field(c, key, &field);
	if (r <= 0)
		return r;
	r = need_type(&field, json_type_boolean, "true or false");
	if (r < 0)
		return r;
	*out = json_object_get_boolean(field.value);
	return 1;
}

/* A field that holds an integer. */
static int opt_integer(const struct json_cursor *c, const char *key, struct json_cursor *out)
{
	struct json_cursor field;
	int r = opt_field(c, key, &field);
	if (r <= 0)
		return r;
	r = need_type(&field, json_type_int, "a number");
	if (r < 0)
		return r;
	*out = field;
	return 1;
}

int json_opt_u64(const struct json_cursor *c, const char *key, uint64_t *out)
{
	struct json_cursor field;
	int r = opt_integer(c, key, &field);
	if (r <= 0)
		return r;
	/* get_uint64 makes 0 of negative numbers, get_int64 keeps them. */
	int64_t as_signed = json_object_get_int64(field.value);
	if (as_signed < 0)
		return json_err(&field, -ERANGE,
			"expected a number from 0 to %" PRIu64 ", found %" PRId64, UINT64_MAX,
			as_signed);
	*out = json_object_get_uint64(field.value);
	return 1;
}

int json_opt_i64(const struct json_cursor *c, const char *key, int64_t *out)
{
	struct json_cursor field;
	int r = opt_integer(c, key, &field);
	if (r <= 0)
		return r;
	int64_t value = json_object_get_int64(field.value);
	/* get_int64 clamps what only a uint64_t holds. */
	if (value == INT64_MAX && json_object_get_uint64(field.value) != (uint64_t)INT64_MAX)
		return json_err(&field, -ERANGE,
			"expected a number up to %" PRId64 ", found %" PRIu64, INT64_MAX,
			json_object_get_uint64(field.value));
	*out = value;
	return 1;
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
	json_object_object_foreach(c->value, key, value)
	{
		struct json_cursor field = {
			.document = c->document,
			.value = value,
			.parent = c,
			.key = key,
		};
		r = each(key, &field, arg);
		if (r < 0)
			return r;
	}
	return 0;
}

enum json_kind json_kind(const struct json_cursor *c)
{
	static const enum json_kind kinds[] = {
		[json_type_null] = JSON_NULL,
		[json_type_boolean] = JSON_BOOL,
		[json_type_double] = JSON_FRACTION,
		[json_type_int] = JSON_INTEGER,
		[json_type_object] = JSON_OBJECT,
		[json_type_array] = JSON_ARRAY,
		[json_type_string] = JSON_STRING,
	};
	return kinds[json_object_get_type(c->value)];
}

bool json_is_true(const struct json_cursor *c)
{
	return json_object_is_type(c->value, json_type_boolean) &&
		json_object_get_boolean(c->value);
}

const char *json_number(const struct json_cursor *c, struct arena *a)
{
	bool is_number = json_object_is_type(c->value, json_type_int) ||
		json_object_is_type(c->value, json_type_double);
	return is_number ? arena_str(a, json_object_get_string(c->value)) : "";
}
