/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads objects by tables, and the kinds of values that several parts of the document have:
 * numbers, paths.
 */
#include "bundle/internal.h"
#include "base/str.h"
#include "sys/path.h"

#include <errno.h>

static int field_found(const char *key, const struct json_cursor *value, void *context)
{
	return -EEXIST;
}

/* Does the value ask for nothing, in one of the ways that engines use? */
static bool asks_for_nothing(const struct json_cursor *value, struct arena *a)
{
	const char *text;
	switch (json_kind(value)) {
	case JSON_NULL:
		return true;
	case JSON_BOOL:
		return !json_is_true(value);
	case JSON_STRING:
		return json_string(value, a, &text) == 0 && *text == '\0';
	case JSON_ARRAY:
		return json_count(value) == 0;
	case JSON_OBJECT:
		return json_each(value, field_found, NULL) == 0;
	case JSON_INTEGER:
	case JSON_FRACTION:
		break;
	}
	return false;
}

static int unsupported(const struct json_cursor *c)
{
	return json_err(c, -EOPNOTSUPP, "husk-runtime does not support this yet");
}

struct object_reading {
	struct bundle_reader *reader;
	const struct bundle_field *fields;
};

static int field_read(const char *key, const struct json_cursor *value, void *context)
{
	const struct object_reading *reading = context;
	const struct bundle_field *field = reading->fields;
	while (field->key && !str_eq(field->key, key))
		field++;
	if (!field->key || json_kind(value) == JSON_NULL)
		return 0;
	if (field->read)
		return field->read(reading->reader, value);
	return asks_for_nothing(value, reading->reader->a) ? 0 : unsupported(value);
}

int bundle_object_read(
	struct bundle_reader *r, const struct json_cursor *c, const struct bundle_field *fields)
{
	struct object_reading reading = {r, fields};
	return json_each(c, field_read, &reading);
}

int bundle_array_read(struct bundle_reader *r, const struct json_cursor *c, size_t max,
	int (*read)(struct bundle_reader *r, const struct json_cursor *item))
{
	int count = json_count(c);
	if (count > 0 && (size_t)count > max)
		return json_err(c, -E2BIG, "%d items are more than %zu", count, max);
	int result = count < 0 ? count : 0;
	for (int i = 0; i < count && result >= 0; i++) {
		struct json_cursor item = json_item(c, (size_t)i);
		result = read(r, &item);
	}
	return result < 0 ? result : 0;
}

int bundle_number(const struct json_cursor *c, uint32_t max, uint32_t *out)
{
	uint64_t number;
	int result = json_u64(c, max, &number);
	if (result == 0)
		*out = (uint32_t)number;
	return result;
}

int bundle_opt_number(const struct json_cursor *c, const char *key, uint32_t max, uint32_t *out)
{
	struct json_cursor field;
	int result = json_need_object(c);
	if (result < 0 || !json_field(c, key, &field))
		return result;
	result = bundle_number(&field, max, out);
	return result < 0 ? result : 1;
}

int bundle_u32(const struct json_cursor *c, const char *key, uint32_t *out)
{
	return bundle_opt_number(c, key, UINT32_MAX, out);
}

int bundle_need_u64(const struct json_cursor *c, const char *key, uint64_t *out)
{
	int result = json_opt_u64(c, key, out);
	return result == 0 ? json_err(c, -EINVAL, "\"%s\" is missing", key) : result;
}

int bundle_need_string(
	struct bundle_reader *r, const struct json_cursor *c, const char *key, const char **out)
{
	struct json_cursor field;
	int result = json_opt_string(c, key, r->a, out);
	if (result == 0)
		return json_err(c, -EINVAL, "\"%s\" is missing", key);
	if (result > 0 && **out == '\0' && json_field(c, key, &field))
		return json_err(&field, -EINVAL, "the string is empty");
	return result < 0 ? result : 0;
}

int bundle_path(struct bundle_reader *r, const struct json_cursor *c, const char **out)
{
	int result = json_string(c, r->a, out);
	if (result == 0 && **out != '/')
		return json_err(c, -EINVAL, "\"%s\" is not an absolute path", *out);
	return result;
}

int bundle_need_path(
	struct bundle_reader *r, const struct json_cursor *c, const char *key, const char **out)
{
	struct json_cursor field;
	int result = json_need_object(c);
	if (result == 0 && !json_field(c, key, &field))
		return json_err(c, -EINVAL, "\"%s\" is missing", key);
	return result < 0 ? result : bundle_path(r, &field, out);
}

int bundle_inner_path(
	struct bundle_reader *r, const struct json_cursor *c, const char *path, const char **out)
{
	auto_buf struct buf clean = BUF_INIT;
	path_clean(&clean, path);
	if (str_eq(clean.data, "/"))
		return json_err(c, -EINVAL, "\"%s\" is the root itself", path);
	*out = arena_strn(r->a, clean.data, clean.len);
	return 0;
}
