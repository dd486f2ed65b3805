/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration of an image (OCI image specification; Docker's is the same document). It was
 * written by the maker of the image: only the fields of the workload are read, and nothing in it
 * names a file of the host.
 */
#include "image/internal.h"
#include "base/json.h"
#include "base/str.h"

#include <errno.h>
#include <time.h>

enum { LAYERS_MAX = 127 };

/* "2026-05-07T20:33:11.5+02:00". A text that cannot be read counts as 1970: no decision depends on
 * a date. */
uint64_t config_time(const char *text)
{
	struct tm tm = {0};
	const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	if (!rest)
		return 0;
	uint64_t nano = 0, unit = 100000000;
	if (*rest == '.')
		for (rest++; *rest >= '0' && *rest <= '9'; rest++, unit /= 10)
			nano += (uint64_t)(*rest - '0') * unit;
	struct tm offset = {0};
	long seconds = 0;
	if ((*rest == '+' || *rest == '-') && strptime(rest + 1, "%H:%M", &offset))
		seconds = (offset.tm_hour * 3600L + offset.tm_min * 60L) * (*rest == '-' ? -1 : 1);
	int64_t at = (int64_t)timegm(&tm) - seconds;
	return at > 0 && at < (int64_t)(UINT64_MAX / 2000000000) ? (uint64_t)at * 1000000000 + nano
								 : 0;
}

struct collector {
	struct arena *arena;
	struct str_list *out;
};

static int collect_key(const char *key, const struct json_cursor *value, void *arg)
{
	struct collector *c = arg;
	*arena_push(c->arena, c->out) = arena_str(c->arena, key);
	return 0;
}

static int collect_pair(const char *key, const struct json_cursor *value, void *arg)
{
	struct collector *c = arg;
	const char *text;
	int r = json_string(value, c->arena, &text);
	if (r < 0)
		return r;
	*arena_push(c->arena, c->out) = arena_printf(c->arena, "%s=%s", key, text);
	return 0;
}

static int collect(const struct json_cursor *c, const char *field, struct arena *a,
	int (*each)(const char *, const struct json_cursor *, void *), struct str_list *out)
{
	struct json_cursor value;
	if (!json_field(c, field, &value))
		return 0;
	struct collector collector = {a, out};
	return json_each(&value, each, &collector);
}

/* An entry without "=" is left out: for some programs it means "as in the environment of the
 * engine". */
static int env_take(const struct json_cursor *c, struct arena *a, struct image_config *out)
{
	struct str_list all = {0};
	int r = json_opt_strings(c, "Env", a, &all);
	for (size_t i = 0; r >= 0 && i < all.count; i++)
		if (all.items[i][0] != '=' && strchr(all.items[i], '='))
			*arena_push(a, &out->env) = all.items[i];
	return r;
}

static void empty_is_null(const char **text)
{
	if (*text && !**text)
		*text = NULL;
}

static int workload_take(const struct json_cursor *c, struct arena *a, struct image_config *out)
{
	int r = json_need_object(c);
	if (r >= 0)
		r = env_take(c, a, out);
	if (r >= 0)
		r = json_opt_strings(c, "Entrypoint", a, &out->entrypoint);
	if (r >= 0)
		r = json_opt_strings(c, "Cmd", a, &out->cmd);
	if (r >= 0)
		r = json_opt_string(c, "User", a, &out->user);
	if (r >= 0)
		r = json_opt_string(c, "WorkingDir", a, &out->working_dir);
	if (r >= 0)
		r = json_opt_string(c, "StopSignal", a, &out->stop_signal);
	if (r >= 0)
		r = collect(c, "Labels", a, collect_pair, &out->labels);
	if (r >= 0)
		r = collect(c, "Volumes", a, collect_key, &out->volumes);
	if (r >= 0)
		r = collect(c, "ExposedPorts", a, collect_key, &out->ports);
	empty_is_null(&out->user);
	empty_is_null(&out->working_dir);
	empty_is_null(&out->stop_signal);
	return r < 0 ? r : 0;
}

static int layers_take(const struct json_cursor *root, struct arena *a, struct config_facts *out)
{
	struct json_cursor rootfs;
	struct str_list digests = {0};
	if (!json_field(root, "rootfs", &rootfs))
		return json_err(root, -EINVAL, "it has no rootfs");
	int r = json_opt_strings(&rootfs, "diff_ids", a, &digests);
	if (r < 0)
		return r;
	if (digests.count > LAYERS_MAX)
		return json_err(&rootfs, -E2BIG, "an image has at most %d layers", LAYERS_MAX);
	for (size_t i = 0; i < digests.count; i++) {
		const char *hex = digest_hex(digests.items[i]);
		if (!hex)
			return json_err(&rootfs, -EINVAL,
				"diff_ids[%zu] is not sha256: and 64 hex digits", i);
		*arena_push(a, &out->diff_hex) = hex;
	}
	return 0;
}

int config_parse(const char *text, size_t len, struct arena *a, struct config_facts *out)
{
	auto_of(json) struct json *document = NULL;
	int r = json_parse("image configuration", text, len, &document);
	if (r < 0)
		return r;
	struct json_cursor root = json_root(document), workload;
	*out = (struct config_facts){0};
	r = json_need_object(&root);
	if (r >= 0 && json_field(&root, "config", &workload))
		r = workload_take(&workload, a, &out->config);
	const char *created = NULL;
	if (r >= 0)
		r = json_opt_string(&root, "created", a, &created);
	if (r < 0)
		return r;
	out->created_ns = created ? config_time(created) : 0;
	return layers_take(&root, a, out);
}
