/* SPDX-License-Identifier: Apache-2.0 */
/* Hooks of six kinds. */
#include "bundle/internal.h"

#include <errno.h>

enum { HOOKS_MAX = 1024, HOOK_WORDS_MAX = 1024 };

static const char *const hook_keys[OCI_HOOK_COUNT] = {
	"prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"};

static int hook_read(struct bundle_reader *r, const struct json_cursor *c, enum oci_hook_kind kind)
{
	struct oci_hook hook = {0};
	struct json_cursor timeout;
	int result = bundle_need_path(r, c, "path", &hook.path);
	if (result == 0)
		result = json_opt_strings(c, "args", r->a, &hook.args);
	if (result >= 0)
		result = json_opt_strings(c, "env", r->a, &hook.env);
	if (result >= 0)
		result = bundle_u32(c, "timeout", &hook.timeout_s);
	if (result == 1 && hook.timeout_s == 0 && json_field(c, "timeout", &timeout))
		return json_err(&timeout, -ERANGE, "a timeout is at least one second");
	if (result >= 0 && (hook.args.count > HOOK_WORDS_MAX || hook.env.count > HOOK_WORDS_MAX))
		return json_err(c, -E2BIG, "more than %d arguments or variables", HOOK_WORDS_MAX);
	if (result < 0)
		return result;
	*(struct oci_hook *)arena_push(r->a, &r->spec->hooks[kind]) = hook;
	return 0;
}

int bundle_hooks_read(struct bundle_reader *r, const struct json_cursor *c)
{
	int result = json_need_object(c);
	for (int kind = 0; kind < OCI_HOOK_COUNT && result >= 0; kind++) {
		struct json_cursor list;
		if (!json_field(c, hook_keys[kind], &list))
			continue;
		int count = json_count(&list);
		if (count > HOOKS_MAX)
			return json_err(&list, -E2BIG, "more than %d hooks", HOOKS_MAX);
		result = count < 0 ? count : 0;
		for (int i = 0; i < count && result >= 0; i++) {
			struct json_cursor item = json_item(&list, (size_t)i);
			result = hook_read(r, &item, (enum oci_hook_kind)kind);
		}
	}
	return result < 0 ? result : 0;
}
