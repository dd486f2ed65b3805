/* SPDX-License-Identifier: Apache-2.0 */
/* JSON texts: whatever json_check lets through, json-c must take too, and every value can be read by every getter. */
#include "fuzz.h"
#include "base/err.h"
#include "base/json.h"

#include <errno.h>

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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_of(json) struct json *j = NULL;
	auto_of(arena) struct arena a = ARENA_INIT;
	int r = json_parse("fuzz", (const char *)data, size, &j);
	if (r < 0 && (j || (r != -EBADMSG && r != -EFBIG)))
		BUG("refused with %d", r);
	if (r < 0 && !strstr(err_text(), "line ") && r != -EFBIG)
		BUG("json-c refused what the check took: %s", err_text());
	if (r < 0)
		return 0;
	struct json_cursor root = json_root(j);
	json_each(&root, read_value, &a);
	return 0;
}
