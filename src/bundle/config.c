/* SPDX-License-Identifier: Apache-2.0 */
/* The document as a whole, and how objects are read by tables. */
#include "bundle/internal.h"
#include "base/str.h"

#include <errno.h>

enum { MOUNTS_MAX = 4096 };

static bool asks_for_nothing(const struct json_cursor *value)
{
	const struct json_value *v = value->value;
	switch (json_kind(value)) {
	case JSON_NULL:
		return true;
	case JSON_BOOL:
		return !v->is_true;
	case JSON_STRING:
		return *v->text == '\0';
	case JSON_ARRAY:
	case JSON_OBJECT:
		return v->count == 0;
	case JSON_INTEGER:
	case JSON_FRACTION:
		break;
	}
	return false;
}

struct object_reading {
	struct bundle_reader *reader;
	const struct bundle_field *fields;
};

static int field_read(const char *key, const struct json_cursor *value, void *context)
{
	const struct object_reading *reading = context;
	for (const struct bundle_field *field = reading->fields; field->key; field++) {
		if (!str_eq(field->key, key) || json_kind(value) == JSON_NULL)
			continue;
		if (field->read)
			return field->read(reading->reader, value);
		return asks_for_nothing(value)
			? 0
			: json_err(value, -EOPNOTSUPP, "husk-runtime does not support this yet");
	}
	return 0;
}

int bundle_object_read(
	struct bundle_reader *r, const struct json_cursor *c, const struct bundle_field *fields)
{
	struct object_reading reading = {r, fields};
	int need = json_need_object(c);
	return need < 0 ? need : json_each(c, field_read, &reading);
}

int bundle_array_read(struct bundle_reader *r, const struct json_cursor *c, size_t max,
	int (*read)(struct bundle_reader *r, const struct json_cursor *item))
{
	int count = json_count(c);
	if (count > 0 && (size_t)count > max)
		return json_err(c, -E2BIG, "more than %zu items", max);
	for (int i = 0; i < count; i++) {
		struct json_cursor item = json_item(c, (size_t)i);
		int result = read(r, &item);
		if (result < 0)
			return result;
	}
	return count < 0 ? count : 0;
}

int bundle_u32(const struct json_cursor *c, const char *key, uint32_t *out)
{
	uint64_t number = 0;
	struct json_cursor field;
	int r = json_opt_u64(c, key, &number);
	if (r <= 0)
		return r;
	if (number > UINT32_MAX && json_field(c, key, &field))
		return json_err(&field, -ERANGE, "the number is above %u", UINT32_MAX);
	*out = (uint32_t)number;
	return 1;
}

int bundle_need_string(
	struct bundle_reader *r, const struct json_cursor *c, const char *key, const char **out)
{
	*out = "";
	int result = json_opt_string(c, key, r->a, out);
	if (result >= 0 && **out == '\0')
		return json_err(c, -EINVAL, "\"%s\" is missing", key);
	return result < 0 ? result : 0;
}

int bundle_need_path(
	struct bundle_reader *r, const struct json_cursor *c, const char *key, const char **out)
{
	struct json_cursor field;
	int result = bundle_need_string(r, c, key, out);
	if (result == 0 && **out != '/' && json_field(c, key, &field))
		return json_err(&field, -EINVAL, "\"%s\" is not an absolute path", *out);
	return result;
}

static int version_read(struct bundle_reader *r, const struct json_cursor *c)
{
	const char *version;
	int result = json_string(c, r->a, &version);
	if (result < 0)
		return result;
	return str_prefix(version, "1.")
		? 0
		: json_err(c, -EINVAL, "version \"%s\" of the specification is not 1.x", version);
}

static int root_read(struct bundle_reader *r, const struct json_cursor *c)
{
	const char *path;
	int result = bundle_need_string(r, c, "path", &path);
	if (result == 0)
		result = json_opt_bool(c, "readonly", &r->spec->root_is_readonly);
	if (result < 0)
		return result;
	*arena_push(r->a, &r->spec->layers) = *path == '/'
		? path
		: arena_printf(r->a, "%s/%s", r->bundle_path, path);
	return 0;
}

static int hostname_read(struct bundle_reader *r, const struct json_cursor *c)
{
	return json_string(c, r->a, &r->spec->hostname);
}

static int domainname_read(struct bundle_reader *r, const struct json_cursor *c)
{
	return json_string(c, r->a, &r->spec->domainname);
}

static int mounts_read(struct bundle_reader *r, const struct json_cursor *c)
{
	return bundle_array_read(r, c, MOUNTS_MAX, bundle_mount_read);
}

static int annotation_read(const char *key, const struct json_cursor *value, void *context)
{
	struct bundle_reader *r = context;
	struct oci_pair *pair = arena_push(r->a, &r->spec->annotations);
	pair->key = arena_str(r->a, key);
	pair->origin = BUNDLE_ORIGIN;
	if (*key == '\0')
		return json_err(value, -EINVAL, "an annotation needs a name");
	return json_string(value, r->a, &pair->value);
}

static int annotations_read(struct bundle_reader *r, const struct json_cursor *c)
{
	int result = json_need_object(c);
	return result < 0 ? result : json_each(c, annotation_read, r);
}

static const struct bundle_field config_fields[] = {
	{"ociVersion", version_read},
	{"root", root_read},
	{"process", bundle_process_read},
	{"hostname", hostname_read},
	{"domainname", domainname_read},
	{"mounts", mounts_read},
	{"hooks", bundle_hooks_read},
	{"annotations", annotations_read},
	{"linux", bundle_linux_read},
	{"solaris", NULL},
	{"windows", NULL},
	{"vm", NULL},
	{"zos", NULL},
	{"freebsd", NULL},
	{0},
};

/* What is asked across parts of the document. */
static int config_check(const struct json_cursor *root, const struct oci_spec *spec)
{
	struct json_cursor version;
	if (!json_field(root, "ociVersion", &version))
		return json_err(root, -EINVAL, "\"ociVersion\" is missing");
	if (spec->layers.count == 0)
		return json_err(root, -EINVAL, "\"root\" is missing");
	return 0;
}

int bundle_config_parse(const char *text, size_t len, const char *bundle_path, struct arena *a,
	struct oci_spec *out)
{
	auto_of(json) struct json *document = NULL;
	*out = (struct oci_spec){0};
	struct bundle_reader reader = {a, out, bundle_path};
	int r = json_parse("config.json", text, len, &document);
	if (r < 0)
		return r;
	struct json_cursor root = json_root(document);
	r = bundle_object_read(&reader, &root, config_fields);
	return r < 0 ? r : config_check(&root, out);
}

int bundle_process_parse(
	const char *name, const char *text, size_t len, struct arena *a, struct oci_spec *out)
{
	auto_of(json) struct json *document = NULL;
	*out = (struct oci_spec){0};
	struct bundle_reader reader = {a, out, "/"};
	int r = json_parse(name, text, len, &document);
	if (r < 0)
		return r;
	struct json_cursor root = json_root(document);
	return bundle_process_read(&reader, &root);
}

int bundle_resources_parse(
	const char *name, const char *text, size_t len, struct arena *a, struct oci_spec *out)
{
	auto_of(json) struct json *document = NULL;
	struct bundle_reader reader = {a, out, "/"};
	int r = json_parse(name, text, len, &document);
	if (r < 0)
		return r;
	struct json_cursor root = json_root(document);
	out->limits.count = 0;
	out->device_rules.count = 0;
	return bundle_resources_read(&reader, &root);
}
