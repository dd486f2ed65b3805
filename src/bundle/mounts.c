/* SPDX-License-Identifier: Apache-2.0 */
/* Mounts. What an option means is the mount table's affair; here they become its comma separated words. */
#include "bundle/internal.h"
#include "base/str.h"

#include <errno.h>

enum { OPTIONS_MAX = 1024 };

static int options_read(
	struct bundle_reader *r, const struct json_cursor *c, struct buf *out, bool *out_is_bind)
{
	int count = json_count(c);
	if (count > OPTIONS_MAX)
		return json_err(c, -E2BIG, "more than %d options", OPTIONS_MAX);
	for (int i = 0; i < count; i++) {
		struct json_cursor item = json_item(c, (size_t)i);
		const char *option;
		int result = json_string(&item, r->a, &option);
		if (result < 0)
			return result;
		/* Later they are told apart by commas. */
		if (strchr(option, ','))
			return json_err(&item, -EINVAL, "\"%s\" has a comma in it", option);
		*out_is_bind |= str_eq(option, "bind") || str_eq(option, "rbind");
		buf_addf(out, "%s%s", out->len ? "," : "", option);
	}
	return count < 0 ? count : 0;
}

int bundle_mount_read(struct bundle_reader *r, const struct json_cursor *c)
{
	static const struct bundle_field refused[] = {
		{"uidMappings", NULL}, {"gidMappings", NULL}, {0}};
	auto_buf struct buf words = BUF_INIT;
	struct oci_mount mount = {.origin = BUNDLE_ORIGIN};
	struct json_cursor options;
	bool is_bind = false;
	int result = bundle_object_read(r, c, refused);
	if (result == 0)
		result = bundle_need_string(r, c, "destination", &mount.destination);
	if (result >= 0)
		result = json_opt_string(c, "type", r->a, &mount.type);
	if (result >= 0)
		result = json_opt_string(c, "source", r->a, &mount.source);
	if (result >= 0 && json_field(c, "options", &options))
		result = options_read(r, &options, &words, &is_bind);
	if (result < 0)
		return result;
	/* runc takes a relative one as below the root, with a warning. */
	if (*mount.destination != '/')
		mount.destination = arena_printf(r->a, "/%s", mount.destination);
	if (words.len)
		mount.options = arena_str(r->a, words.data);
	/* "none" and any other word beside the option bind mean no file system. */
	if (is_bind)
		mount.type = NULL;
	is_bind = !mount.type || str_eq(mount.type, "bind") || *mount.type == '\0';
	if (is_bind) {
		mount.type = NULL;
		if (!mount.source || *mount.source == '\0')
			return json_err(c, -EINVAL, "a bind mount needs a \"source\"");
		if (*mount.source != '/')
			mount.source = arena_printf(r->a, "%s/%s", r->bundle_path, mount.source);
	}
	*(struct oci_mount *)arena_push(r->a, &r->spec->mounts) = mount;
	return 0;
}
