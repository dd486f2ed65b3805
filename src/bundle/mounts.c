/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mounts. The mount table knows what an option means. Here options only become comma-separated
 * words.
 */
#include "bundle/internal.h"
#include "base/str.h"
#include "mount/mount.h"

#include <errno.h>

enum { OPTIONS_MAX = 1024 };

static int option_check(const struct json_cursor *c, const char *option)
{
	/* From here on commas separate the options. */
	if (strchr(option, ','))
		return json_err(
			c, -EINVAL, "\"%s\" has a comma in it, which would end the option", option);
	return 0;
}

static int options_read(struct bundle_reader *r, const struct json_cursor *c, struct buf *words,
	struct mount_options *options)
{
	int count = json_count(c);
	if (count > OPTIONS_MAX)
		return json_err(c, -E2BIG, "%d options are more than %d", count, OPTIONS_MAX);
	for (int i = 0; i < count; i++) {
		struct json_cursor item = json_item(c, (size_t)i);
		const char *option;
		int result = json_string(&item, r->a, &option);
		if (result == 0)
			result = option_check(&item, option);
		if (result < 0)
			return result;
		result = mount_options_parse(option, options);
		if (result < 0)
			return json_err(&item, result, "%s", err_text());
		buf_addf(words, "%s%s", words->len && *option ? "," : "", option);
	}
	return count < 0 ? count : 0;
}

/* A bind mount has no type here, whatever the document says ("bind", "none" or the name of a file
 * system). */
static int kind_set(
	struct bundle_reader *r, const struct json_cursor *c, bool is_bind, struct oci_mount *mount)
{
	bool has_type = mount->type && *mount->type;
	if (!is_bind && !(has_type && str_eq(mount->type, "bind"))) {
		if (has_type && !str_eq(mount->type, "none"))
			return 0;
		return json_err(c, -EINVAL,
			"a mount needs a \"type\", or the option \"bind\" or \"rbind\"");
	}
	mount->type = NULL;
	int result = bundle_need_string(r, c, "source", &mount->source);
	if (result == 0 && *mount->source != '/')
		mount->source = arena_printf(r->a, "%s/%s", r->bundle_path, mount->source);
	return result;
}

/* A relative destination is below the root, as in other runtimes. */
static int destination_read(struct bundle_reader *r, const struct json_cursor *c, const char **out)
{
	struct json_cursor field;
	const char *path;
	int result = bundle_need_string(r, c, "destination", &path);
	if (result < 0 || !json_field(c, "destination", &field))
		return result;
	return bundle_inner_path(r, &field, path, out);
}

/* A mount with mappings is id-mapped, even without the option. */
static int idmaps_read(struct bundle_reader *r, const struct json_cursor *c,
	struct mount_options *options, struct buf *words, struct oci_mount *mount)
{
	OCI_LIST(struct oci_idmap) list = {0};
	size_t counts[2] = {0};
	for (size_t i = 0; i < 2; i++) {
		struct json_cursor maps;
		if (!json_field(c, i ? "gidMappings" : "uidMappings", &maps))
			continue;
		int count = json_count(&maps), result = count < 0 ? count : 0;
		counts[i] = count > 0 ? (size_t)count : 0;
		for (int j = 0; j < count && result == 0; j++) {
			struct json_cursor item = json_item(&maps, (size_t)j);
			result = bundle_idmap_read(&item, i == 1, arena_push(r->a, &list));
		}
		if (result == 0)
			result = bundle_idmaps_check(&maps, list.items, list.count, i == 1);
		if (result < 0)
			return result;
	}
	if ((counts[0] == 0) != (counts[1] == 0))
		return json_err(c, -EINVAL, "\"uidMappings\" and \"gidMappings\" go together");
	if (list.count && !options->is_idmapped) {
		options->is_idmapped = true;
		buf_addf(words, "%sidmap", words->len ? "," : "");
	}
	mount->idmaps = list.items;
	mount->idmap_count = list.count;
	if (options->is_idmapped && mount->type)
		return json_err(c, -EINVAL, "only bind mounts can be id-mapped");
	return 0;
}

int bundle_mount_read(struct bundle_reader *r, const struct json_cursor *c)
{
	auto_buf struct buf words = BUF_INIT;
	auto_of(mount_options) struct mount_options options = {.data = BUF_INIT};
	struct oci_mount mount = {.origin = BUNDLE_ORIGIN};
	struct json_cursor list;
	int result = destination_read(r, c, &mount.destination);
	if (result >= 0)
		result = json_opt_string(c, "type", r->a, &mount.type);
	if (result >= 0)
		result = json_opt_string(c, "source", r->a, &mount.source);
	if (result >= 0 && json_field(c, "options", &list))
		result = options_read(r, &list, &words, &options);
	if (result >= 0 && !options.is_remount)
		result = kind_set(r, c, options.is_bind, &mount);
	if (result >= 0)
		result = idmaps_read(r, c, &options, &words, &mount);
	if (result < 0)
		return result;
	if (options.is_remount && (options.is_idmapped || options.copies_up))
		return json_err(c, -EINVAL, "what is remounted keeps its ids and its content");
	if (options.copies_up && !(mount.type && str_eq(mount.type, "tmpfs")))
		return json_err(c, -EINVAL, "only a tmpfs can have the option \"tmpcopyup\"");
	if (words.len)
		mount.options = arena_strn(r->a, words.data, words.len);
	*(struct oci_mount *)arena_push(r->a, &r->spec->mounts) = mount;
	return 0;
}
