/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON texts: json-c must read the same from every accepted text, and every getter must be able to
 * read every value.
 */
#include "fuzz.h"
#include "base/err.h"
#include "base/json.h"

#include <errno.h>
#include <json-c/json.h>
#include <string.h>

static int read_value(const char *key, const struct json_cursor *v, void *arg)
{
	struct arena *a = arg;
	const char *text;
	struct str_list list;
	uint64_t u64;
	int64_t i64;
	bool flag;
	json_opt_string(v->parent, key, a, &text);
	json_opt_strings(v->parent, key, a, &list);
	json_opt_bool(v->parent, key, &flag);
	json_opt_u64(v->parent, key, &u64);
	json_opt_i64(v->parent, key, &i64);
	json_each(v, read_value, a);
	return 0;
}

static const enum json_kind kinds[] = {
	[json_type_null] = JSON_NULL,
	[json_type_boolean] = JSON_BOOL,
	[json_type_double] = JSON_FRACTION,
	[json_type_int] = JSON_INTEGER,
	[json_type_object] = JSON_OBJECT,
	[json_type_array] = JSON_ARRAY,
	[json_type_string] = JSON_STRING,
};

static void compare(const struct json_value *ours, struct json_object *theirs)
{
	if (kinds[json_object_get_type(theirs)] != ours->kind)
		BUG("a value of kind %d is of another one for json-c", ours->kind);
	size_t i = 0;
	if (ours->kind == JSON_OBJECT) {
		json_object_object_foreach(theirs, key, value)
		{
			if (i == ours->count || strcmp(key, ours->items[i].key) != 0)
				BUG("json-c has a field %s", key);
			compare(&ours->items[i++], value);
		}
	} else if (ours->kind == JSON_ARRAY) {
		for (; i < json_object_array_length(theirs) && i < ours->count; i++)
			compare(&ours->items[i], json_object_array_get_idx(theirs, i));
		if (json_object_array_length(theirs) != i)
			BUG("json-c has more items");
	} else if (ours->kind == JSON_STRING) {
		if (strcmp(ours->text, json_object_get_string(theirs)) != 0)
			BUG("json-c reads another string");
	}
	if (i != ours->count)
		BUG("%zu children, json-c has %zu", ours->count, i);
}

static void compare_with_json_c(const struct json_cursor *root, const char *text, size_t len)
{
	/* json-c 0.16 reads U+FFFD out of some pairs ("\ud836\udc30"). */
	if (memmem(text, len, "\\ud", 3) || memmem(text, len, "\\uD", 3))
		return;
	/* json-c counts the value inside the innermost container as a level. */
	struct json_tokener *tokener = json_tokener_new_ex(JSON_DEPTH_MAX + 1);
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
	struct json_object *theirs = json_tokener_parse_ex(tokener, text, (int)len);
	/* A number at the top has no end before the terminator. */
	if (json_tokener_get_error(tokener) == json_tokener_continue)
		theirs = json_tokener_parse_ex(tokener, "", 1);
	if (json_tokener_get_error(tokener) != json_tokener_success)
		BUG("json-c refuses what we take");
	compare(root->value, theirs);
	json_object_put(theirs);
	json_tokener_free(tokener);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_of(json) struct json *j = NULL;
	auto_of(arena) struct arena a = ARENA_INIT;
	int r = json_parse("fuzz", (const char *)data, size, &j);
	if (r < 0 && (j || (r != -EBADMSG && r != -EFBIG)))
		BUG("refused with %d", r);
	if (r < 0)
		return 0;
	struct json_cursor root = json_root(j);
	json_each(&root, read_value, &a);
	compare_with_json_c(&root, (const char *)data, size);
	return 0;
}
