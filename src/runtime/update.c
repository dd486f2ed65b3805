/* SPDX-License-Identifier: Apache-2.0 */
/* update: sets other limits for an existing container. A limit that is not named stays as it is. */
#include "runtime/groups.h"
#include "base/err.h"
#include "base/str.h"
#include "bundle/bundle.h"
#include "runtime/rdt.h"
#include "sys/file.h"

#include <errno.h>
#include <unistd.h>

/* "-" is standard input. */
static int resources_read(const char *path, struct arena *a, struct oci_spec *out)
{
	auto_buf struct buf text = BUF_INIT;
	bool is_stdin = str_eq(path, "-");
	int r = is_stdin ? fd_read_all(STDIN_FILENO, CONFIG_BYTES_MAX, &text)
			 : file_read(path, CONFIG_BYTES_MAX, &text);
	if (r < 0)
		return runtime_document_failure(r, is_stdin ? "standard input" : path);
	return bundle_resources_parse("resources", text.data, text.len, a, out);
}

/* Sizes may have a unit; -1 is unlimited. */
static int value_parse(const struct runtime_limit *limit, int64_t *out)
{
	uint64_t size = 0;
	if (limit->is_size && !str_eq(limit->value, "-1")) {
		if (parse_size(limit->value, &size) < 0 || size > INT64_MAX)
			return err_say(
				-EINVAL, "--%s: \"%s\" is not a size", limit->option, limit->value);
		*out = (int64_t)size;
		return 0;
	}
	return parse_i64(limit->value, out) < 0
		? err_say(-EINVAL, "--%s: \"%s\" is not a number", limit->option, limit->value)
		: 0;
}

static struct oci_limit *limit_find(struct oci_spec *spec, uint32_t limit)
{
	for (size_t i = 0; i < spec->limits.count; i++)
		if (spec->limits.items[i].limit == limit)
			return &spec->limits.items[i];
	return NULL;
}

/* A quota and its period are one limit of two numbers; a period alone leaves the quota as it is. */
static int limit_add(const struct runtime_limit *limit, struct arena *a, struct oci_spec *spec)
{
	struct oci_limit *row = limit_find(spec, limit->limit);
	bool is_second = limit->is_second && row;
	if (!row) {
		row = arena_push(a, &spec->limits);
		*row = (struct oci_limit){
			.limit = limit->is_second ? CGROUP_CPU_PERIOD : limit->limit,
			.origin = "update"};
	}
	if (limit->is_text) {
		row->text = limit->value;
		return 0;
	}
	return value_parse(limit, is_second ? &row->second : &row->value);
}

/* As runc: 0 processes mean no limit, as in a configuration; and memory without a limit has none
 * with swap either, which on cgroup version 1 would otherwise be in the way. */
static void unlimited_complete(struct arena *a, struct oci_spec *spec)
{
	struct oci_limit *pids = limit_find(spec, CGROUP_PIDS_MAX);
	if (pids && pids->value == 0)
		pids->value = -1;
	const struct oci_limit *memory = limit_find(spec, CGROUP_MEMORY_MAX);
	if (memory && memory->value == -1 && !limit_find(spec, CGROUP_MEMORY_SWAP))
		*(struct oci_limit *)arena_push(a, &spec->limits) = (struct oci_limit){
			.limit = CGROUP_MEMORY_SWAP, .value = -1, .origin = "update"};
}

int runtime_update(struct runtime *rt, const char *id, const char *resources, const char *schemata,
	const struct runtime_limit *limits, size_t count)
{
	auto_arena struct arena a = ARENA_INIT;
	auto_of(cgroup) struct cgroup *group = NULL;
	struct oci_spec spec = {0};
	struct runtime_state state;
	int r = runtime_state(rt, id, &a, &state);
	if (r < 0)
		return r;
	if (state.status == RUNTIME_STOPPED)
		return err_say(-EINVAL, "cannot update a stopped container: \"%s\"", id);
	if (resources)
		r = resources_read(resources, &a, &spec);
	for (size_t i = 0; i < count && r == 0; i++)
		if (limits[i].value)
			r = limit_add(&limits[i], &a, &spec);
	unlimited_complete(&a, &spec);
	spec.device_rules.count = 0; /* as with runc, an update changes only limits */
	if (r == 0)
		r = runtime_group_open(rt, &state, &group);
	if (r == 0 && *schemata)
		r = runtime_rdt_update(&state, schemata);
	return r < 0 ? r : runtime_group_update(rt, &state, &spec, group);
}
