/* SPDX-License-Identifier: Apache-2.0 */
/* The values of templates: made from JSON, looked up, tested for truth, and printed as in Go. */
#include "template/tree.h"
#include "base/err.h"
#include "base/str.h"

#include <inttypes.h>
#include <stdio.h>

struct value value_string(const char *s)
{
	return (struct value){.kind = VALUE_STRING, .string = s};
}

struct value value_bool(bool flag)
{
	return (struct value){.kind = VALUE_BOOL, .is_true = flag};
}

struct value value_integer(int64_t number)
{
	return (struct value){.kind = VALUE_INTEGER, .integer = number};
}

bool value_is_true(const struct value *v)
{
	switch (v->kind) {
	case VALUE_NONE:
	case VALUE_NULL:
		return false;
	case VALUE_BOOL:
		return v->is_true;
	case VALUE_INTEGER:
		return v->integer != 0;
	case VALUE_FRACTION:
		return v->fraction != 0;
	case VALUE_STRING:
		return v->string[0] != '\0';
	case VALUE_LIST:
	case VALUE_MAP:
		return v->count > 0;
	}
	BUG("value of kind %d", (int)v->kind);
}

const char *value_type(const struct value *v)
{
	static const char *const words[] = {
		[VALUE_NONE] = "no value",
		[VALUE_NULL] = "null",
		[VALUE_BOOL] = "a boolean",
		[VALUE_INTEGER] = "a number",
		[VALUE_FRACTION] = "a number with a fraction",
		[VALUE_STRING] = "a string",
		[VALUE_LIST] = "a list",
		[VALUE_MAP] = "a map",
	};
	return words[v->kind];
}

/* The keys and values of an object while it is read; they are sorted at the end. */
struct pair {
	const char *key;
	struct value value;
};

struct pairs {
	struct arena *arena;
	struct pair *items;
	size_t count;
};

static int pair_order(const void *a, const void *b)
{
	const struct pair *x = a, *y = b;
	return strcmp(x->key, y->key);
}

static int add_pair(const char *key, const struct json_cursor *c, void *arg)
{
	struct pairs *pairs = arg;
	struct pair *pair = arena_push(pairs->arena, pairs);
	pair->key = arena_str(pairs->arena, key);
	pair->value = value_from_json(c, pairs->arena);
	return 0;
}

/* Fields that Docker's types declare as maps: whatever their keys look like, any key may be
 * missing. */
static bool is_map_field(const char *name)
{
	static const char *const names[] = {"Annotations", "DriverOpts", "ExposedPorts", "Labels",
		"LogOpts", "Networks", "Options", "PortBindings", "Ports", "StorageOpt", "Sysctls",
		"Tmpfs", "Volumes", "Containers"};
	for (size_t i = 0; name && i < sizeof(names) / sizeof(names[0]); i++)
		if (str_eq(names[i], name))
			return true;
	return false;
}

static struct value map_from_json(const struct json_cursor *c, struct arena *a)
{
	struct pairs pairs = {.arena = a};
	json_each(c, add_pair, &pairs);
	if (pairs.count)
		qsort(pairs.items, pairs.count, sizeof(*pairs.items), pair_order);
	const char **keys = arena_new_array(a, const char *, pairs.count);
	struct value *items = arena_new_array(a, struct value, pairs.count);
	bool is_struct = pairs.count > 0 && !is_map_field(c->key);
	for (size_t i = 0; i < pairs.count; i++) {
		keys[i] = pairs.items[i].key;
		items[i] = pairs.items[i].value;
		is_struct = is_struct && keys[i][0] >= 'A' && keys[i][0] <= 'Z';
	}
	return (struct value){
		.kind = VALUE_MAP,
		.is_struct = is_struct,
		.items = items,
		.keys = keys,
		.count = pairs.count,
	};
}

static struct value list_from_json(const struct json_cursor *c, struct arena *a)
{
	size_t count = (size_t)json_count(c);
	struct value *items = arena_new_array(a, struct value, count);
	for (size_t i = 0; i < count; i++) {
		struct json_cursor item = json_item(c, i);
		items[i] = value_from_json(&item, a);
	}
	return (struct value){.kind = VALUE_LIST, .items = items, .count = count};
}

static struct value number_from_json(const struct json_cursor *c, struct arena *a)
{
	const char *text = json_number(c, a);
	int64_t integer;
	if (json_kind(c) == JSON_INTEGER && parse_i64(text, &integer) == 0)
		return value_integer(integer);
	return (struct value){.kind = VALUE_FRACTION, .fraction = strtod(text, NULL)};
}

struct value value_from_json(const struct json_cursor *c, struct arena *a)
{
	const char *string;
	switch (json_kind(c)) {
	case JSON_NULL:
		return (struct value){.kind = VALUE_NULL};
	case JSON_BOOL:
		return value_bool(json_is_true(c));
	case JSON_INTEGER:
	case JSON_FRACTION:
		return number_from_json(c, a);
	case JSON_STRING:
		return json_string(c, a, &string) < 0 ? value_string("") : value_string(string);
	case JSON_ARRAY:
		return list_from_json(c, a);
	case JSON_OBJECT:
		return map_from_json(c, a);
	}
	BUG("JSON of kind %d", (int)json_kind(c));
}

const struct value *value_get(const struct value *map, const char *key)
{
	size_t low = 0, high = map->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(map->keys[middle], key);
		if (order == 0)
			return &map->items[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

/* Prints the fewest digits that are read back as the same number. The form with an exponent is
 * used if the exponent is outside of [low, high). Go's bounds are (-4, 6) for %v and (-6, 21)
 * for JSON. */
static void print_fraction(double number, int low, int high, struct buf *out)
{
	char text[64];
	int digits = 0;
	do
		fmt(text, "%.*e", digits, number);
	while (strtod(text, NULL) != number && ++digits < 17);
	const char *at = strchr(text, 'e');
	int64_t exponent = 0;
	if (!at || parse_i64(at[1] == '+' ? at + 2 : at + 1, &exponent) < 0 || exponent < low ||
		exponent >= high)
		buf_adds(out, text);
	else
		buf_addf(out, "%.*f", digits > exponent ? digits - (int)exponent : 0, number);
}

static void print_items(const struct value *v, struct buf *out)
{
	buf_adds(out, v->kind == VALUE_MAP ? "map[" : "[");
	for (size_t i = 0; i < v->count; i++) {
		if (i > 0)
			buf_addc(out, ' ');
		if (v->kind == VALUE_MAP)
			buf_addf(out, "%s:", v->keys[i]);
		if (v->items[i].kind == VALUE_NULL)
			buf_adds(out, "<nil>");
		else
			value_print(&v->items[i], out);
	}
	buf_addc(out, ']');
}

void value_print(const struct value *v, struct buf *out)
{
	switch (v->kind) {
	case VALUE_NONE:
	case VALUE_NULL:
		buf_adds(out, "<no value>");
		break;
	case VALUE_BOOL:
		buf_adds(out, v->is_true ? "true" : "false");
		break;
	case VALUE_INTEGER:
		buf_addf(out, "%" PRId64, v->integer);
		break;
	case VALUE_FRACTION:
		print_fraction(v->fraction, -4, 6, out);
		break;
	case VALUE_STRING:
		buf_adds(out, v->string);
		break;
	case VALUE_LIST:
	case VALUE_MAP:
		print_items(v, out);
		break;
	}
}

static void put_json(struct json_writer *w, const char *key, const struct value *v)
{
	auto_buf struct buf number = BUF_INIT;
	bool is_map = v->kind == VALUE_MAP;
	switch (v->kind) {
	case VALUE_NONE:
	case VALUE_NULL:
		json_put_null(w, key);
		break;
	case VALUE_BOOL:
		json_put_bool(w, key, v->is_true);
		break;
	case VALUE_INTEGER:
		json_put_i64(w, key, v->integer);
		break;
	case VALUE_FRACTION:
		print_fraction(v->fraction, -6, 21, &number);
		json_put_number(w, key, number.data);
		break;
	case VALUE_STRING:
		json_put_string(w, key, v->string);
		break;
	case VALUE_LIST:
	case VALUE_MAP:
		is_map ? json_open_object(w, key) : json_open_array(w, key);
		for (size_t i = 0; i < v->count; i++)
			put_json(w, is_map ? v->keys[i] : NULL, &v->items[i]);
		is_map ? json_close_object(w) : json_close_array(w);
		break;
	}
}

void value_print_json(const struct value *v, struct buf *out)
{
	struct json_writer w = {.out = out};
	put_json(&w, NULL, v);
}
