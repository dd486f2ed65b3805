/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the six kinds of hooks. */
#include "bundle/internal.h"

#include <errno.h>

/* HOOK_WORDS_MAX is also the limit of a plan. */
enum { HOOKS_MAX = 1024, HOOK_WORDS_MAX = 1024 };

static const char *const hook_keys[OCI_HOOK_COUNT] = {
	[OCI_HOOK_PRESTART] = "prestart",
	[OCI_HOOK_CREATE_RUNTIME] = "createRuntime",
	[OCI_HOOK_CREATE_CONTAINER] = "createContainer",
	[OCI_HOOK_START_CONTAINER] = "startContainer",
	[OCI_HOOK_POSTSTART] = "poststart",
	[OCI_HOOK_POSTSTOP] = "poststop",
};

/* Reads args or env. */
static int words_read(
	struct bundle_reader *r, const struct json_cursor *c, const char *key, struct str_list *out)
{
	struct json_cursor list;
	int result = json_opt_strings(c, key, r->a, out);
	if (result > 0 && out->count > HOOK_WORDS_MAX && json_field(c, key, &list))
		return json_err(
			&list, -E2BIG, "%zu items are more than %d", out->count, HOOK_WORDS_MAX);
	return result;
}

static int hook_read(struct bundle_reader *r, const struct json_cursor *c, struct oci_hook *hook)
{
	struct json_cursor timeout;
	int result = bundle_need_path(r, c, "path", &hook->path);
	if (result >= 0)
		result = words_read(r, c, "args", &hook->args);
	if (result >= 0)
		result = words_read(r, c, "env", &hook->env);
	hook->has_env = result > 0;
	if (result >= 0)
		result = bundle_u32(c, "timeout", &hook->timeout_s);
	if (result > 0 && hook->timeout_s == 0 && json_field(c, "timeout", &timeout))
		return json_err(&timeout, -ERANGE, "a timeout is at least one second");
	return result < 0 ? result : 0;
}

static int hook_list_read(
	struct bundle_reader *r, const struct json_cursor *c, enum oci_hook_kind kind)
{
	int count = json_count(c);
	if (count > HOOKS_MAX)
		return json_err(c, -E2BIG, "%d hooks are more than %d", count, HOOKS_MAX);
	int result = count < 0 ? count : 0;
	for (int i = 0; i < count && result == 0; i++) {
		struct json_cursor item = json_item(c, (size_t)i);
		struct oci_hook hook = {0};
		result = hook_read(r, &item, &hook);
		if (result == 0)
			*(struct oci_hook *)arena_push(r->a, &r->spec->hooks[kind]) = hook;
	}
	return result;
}

int bundle_hooks_read(struct bundle_reader *r, const struct json_cursor *c)
{
	int result = json_need_object(c);
	for (int kind = 0; kind < OCI_HOOK_COUNT && result == 0; kind++) {
		struct json_cursor list;
		if (json_field(c, hook_keys[kind], &list))
			result = hook_list_read(r, &list, (enum oci_hook_kind)kind);
	}
	return result;
}
