/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the document as a whole, checks its parts against each other, and has the entry points for
 * the three kinds of documents.
 */
#include "bundle/internal.h"
#include "base/str.h"

#include <errno.h>

enum { MOUNTS_MAX = 4096, UTS_NAME_MAX = 64 /* the kernel's limit for both names */ };

#define DIGITS "0123456789"
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

/* 1.MINOR[.PATCH][-BEFORE][+BUILD]: within a major number the specification only grows. */
static bool is_version_1(const char *text)
{
	const char *at = str_after(text, "1.");
	size_t len = at ? strspn(at, DIGITS) : 0;
	if (len == 0)
		return false;
	at += len;
	if (*at == '.') {
		len = strspn(at + 1, DIGITS);
		if (len == 0)
			return false;
		at += 1 + len;
	}
	if (*at == '-' || *at == '+') {
		len = strspn(at + 1, DIGITS LETTERS ".-+");
		if (len == 0)
			return false;
		at += 1 + len;
	}
	return *at == '\0';
}

static int version_read(struct bundle_reader *r, const struct json_cursor *c)
{
	const char *version;
	int result = json_string(c, r->a, &version);
	if (result == 0 && !is_version_1(version))
		return json_err(
			c, -EINVAL, "\"%s\" is not a version 1.x of the specification", version);
	return result;
}

static int root_read(struct bundle_reader *r, const struct json_cursor *c)
{
	const char *path;
	int result = bundle_need_string(r, c, "path", &path);
	if (result >= 0)
		result = json_opt_bool(c, "readonly", &r->spec->root_is_readonly);
	if (result < 0)
		return result;
	*arena_push(r->a, &r->spec->layers) = *path == '/'
		? path
		: arena_printf(r->a, "%s/%s", r->bundle_path, path);
	return 0;
}

/* An empty name means no name, as for every runtime. */
static int name_read(struct bundle_reader *r, const struct json_cursor *c, const char **out)
{
	const char *name;
	int result = json_string(c, r->a, &name);
	if (result < 0)
		return result;
	if (strlen(name) > UTS_NAME_MAX)
		return json_err(
			c, -ENAMETOOLONG, "%zu bytes are more than %d", strlen(name), UTS_NAME_MAX);
	*out = *name ? name : NULL;
	return 0;
}

static int hostname_read(struct bundle_reader *r, const struct json_cursor *c)
{
	return name_read(r, c, &r->spec->hostname);
}

static int domainname_read(struct bundle_reader *r, const struct json_cursor *c)
{
	return name_read(r, c, &r->spec->domainname);
}

static int mounts_read(struct bundle_reader *r, const struct json_cursor *c)
{
	return bundle_array_read(r, c, MOUNTS_MAX, bundle_mount_read);
}

static int annotation_read(const char *key, const struct json_cursor *value, void *context)
{
	struct bundle_reader *r = context;
	struct oci_pair pair = {.key = arena_str(r->a, key), .origin = BUNDLE_ORIGIN};
	if (*key == '\0')
		return json_err(value, -EINVAL, "an annotation needs a name");
	int result = json_string(value, r->a, &pair.value);
	if (result < 0)
		return result;
	*(struct oci_pair *)arena_push(r->a, &r->spec->annotations) = pair;
	return 0;
}

static int annotations_read(struct bundle_reader *r, const struct json_cursor *c)
{
	return json_each(c, annotation_read, r);
}

static int foreign_read(struct bundle_reader *r, const struct json_cursor *c)
{
	return json_err(c, -EOPNOTSUPP, "is for another platform, this is Linux");
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
	{"solaris", foreign_read},
	{"windows", foreign_read},
	{"vm", foreign_read},
	{"zos", foreign_read},
	{"freebsd", foreign_read},
	{0},
};

static const struct oci_namespace *namespace_find(const struct oci_spec *spec, const char *type)
{
	for (size_t i = 0; i < spec->namespaces.count; i++)
		if (str_eq(spec->namespaces.items[i].type, type))
			return &spec->namespaces.items[i];
	return NULL;
}

static bool has_map(const struct oci_spec *spec, bool is_gid)
{
	for (size_t i = 0; i < spec->idmaps.count; i++)
		if (spec->idmaps.items[i].is_gid == is_gid)
			return true;
	return false;
}

/* Without a namespace its settings would change the host: its mounts, its name. */
static int namespaces_check(const struct json_cursor *root, const struct oci_spec *spec)
{
	if (!namespace_find(spec, "mount"))
		return json_err(root, -EINVAL,
			"linux.namespaces has no \"mount\", without which a root would be "
			"the host's");
	bool has_name = spec->hostname || spec->domainname;
	if (has_name && !namespace_find(spec, "uts"))
		return json_err(root, -EINVAL, "%s needs a \"uts\" in linux.namespaces",
			spec->hostname ? "hostname" : "domainname");
	const struct oci_namespace *user = namespace_find(spec, "user");
	bool is_new_user = user && !user->path;
	if (is_new_user && !has_map(spec, false))
		return json_err(
			root, -EINVAL, "linux.uidMappings is missing for the user namespace");
	if (is_new_user && !has_map(spec, true))
		return json_err(
			root, -EINVAL, "linux.gidMappings is missing for the user namespace");
	return 0;
}

static int config_check(const struct json_cursor *root, const struct oci_spec *spec)
{
	struct json_cursor version;
	if (!json_field(root, "ociVersion", &version))
		return json_err(root, -EINVAL, "\"ociVersion\" is missing");
	if (spec->layers.count == 0)
		return json_err(root, -EINVAL, "\"root\" is missing");
	return namespaces_check(root, spec);
}

int bundle_config_parse(const char *text, size_t len, const char *bundle_path, struct arena *a,
	struct oci_spec *out)
{
	auto_of(json) struct json *document = NULL;
	struct oci_spec spec = {0};
	struct bundle_reader reader = {a, &spec, bundle_path};
	int r = json_parse(BUNDLE_ORIGIN, text, len, &document);
	if (r < 0)
		return r;
	struct json_cursor root = json_root(document);
	r = bundle_object_read(&reader, &root, config_fields);
	if (r >= 0)
		r = config_check(&root, &spec);
	if (r < 0)
		return r;
	*out = spec;
	return 0;
}

static struct oci_rlimit *rlimit_place(struct arena *a, struct oci_spec *spec, uint32_t resource)
{
	for (size_t i = 0; i < spec->rlimits.count; i++)
		if (spec->rlimits.items[i].resource == resource)
			return &spec->rlimits.items[i];
	return arena_push(a, &spec->rlimits);
}

int bundle_process_parse(
	const char *name, const char *text, size_t len, struct arena *a, struct oci_spec *out)
{
	auto_of(json) struct json *document = NULL;
	struct oci_spec spec = {0};
	struct bundle_reader reader = {a, &spec, "/"};
	int r = json_parse(name, text, len, &document);
	if (r < 0)
		return r;
	struct json_cursor root = json_root(document);
	r = bundle_process_read(&reader, &root);
	if (r < 0)
		return r;
	out->process = spec.process;
	for (size_t i = 0; i < spec.rlimits.count; i++)
		*rlimit_place(a, out, spec.rlimits.items[i].resource) = spec.rlimits.items[i];
	for (size_t i = 0; i < spec.scheds.count; i++)
		*(struct oci_sched *)arena_push(a, &out->scheds) = spec.scheds.items[i];
	return 0;
}

int bundle_resources_parse(
	const char *name, const char *text, size_t len, struct arena *a, struct oci_spec *out)
{
	auto_of(json) struct json *document = NULL;
	struct oci_spec spec = {0};
	struct bundle_reader reader = {a, &spec, "/"};
	int r = json_parse(name, text, len, &document);
	if (r < 0)
		return r;
	struct json_cursor root = json_root(document);
	r = bundle_resources_read(&reader, &root);
	if (r < 0)
		return r;
	out->limits.items = spec.limits.items;
	out->limits.count = spec.limits.count;
	out->device_rules.items = spec.device_rules.items;
	out->device_rules.count = spec.device_rules.count;
	return 0;
}
