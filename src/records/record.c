/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record.json: what the user asked for and the image decided, as JSON through one table of fields. A record is intent
 * and never changes with what the container does.
 */
#include "records/internal.h"
#include "base/err.h"
#include "base/json.h"
#include "base/str.h"
#include "sys/file.h"

#include <errno.h>
#include <stddef.h>

enum field_kind { FIELD_STRING, FIELD_STRINGS, FIELD_U64, FIELD_I64, FIELD_BOOL };

struct field {
	const char *key;
	enum field_kind kind;
	size_t offset;
};

#define FIELD(kind, key, member) \
	{ \
		key, kind, offsetof(struct container, member) \
	}

static const struct field fields[] = {
	FIELD(FIELD_STRING, "id", id),
	FIELD(FIELD_STRING, "name", name),
	FIELD(FIELD_U64, "created", created_ns),
	FIELD(FIELD_STRING, "image", image),
	FIELD(FIELD_STRING, "imageId", image_id),
	FIELD(FIELD_STRING, "rootfs", rootfs),
	FIELD(FIELD_STRINGS, "layers", layers),
	FIELD(FIELD_STRINGS, "entrypoint", process.entrypoint),
	FIELD(FIELD_STRINGS, "command", process.command),
	FIELD(FIELD_STRINGS, "env", process.env),
	FIELD(FIELD_STRING, "cwd", process.cwd),
	FIELD(FIELD_STRING, "user", process.user),
	FIELD(FIELD_STRING, "hostname", hostname),
	FIELD(FIELD_STRINGS, "labels", labels),
	FIELD(FIELD_STRINGS, "volumes", volumes),
	FIELD(FIELD_STRINGS, "tmpfs", tmpfs),
	FIELD(FIELD_STRING, "network", network),
	FIELD(FIELD_STRINGS, "ports", ports),
	FIELD(FIELD_STRINGS, "capAdd", security.cap_add),
	FIELD(FIELD_STRINGS, "capDrop", security.cap_drop),
	FIELD(FIELD_STRINGS, "securityOptions", security.options),
	FIELD(FIELD_STRINGS, "ulimits", limits.ulimits),
	FIELD(FIELD_U64, "memory", limits.memory_bytes),
	FIELD(FIELD_U64, "nanoCpus", limits.nano_cpus),
	FIELD(FIELD_STRING, "cpusetCpus", limits.cpuset_cpus),
	FIELD(FIELD_I64, "pidsLimit", limits.pids_limit),
	FIELD(FIELD_STRING, "stopSignal", stop_signal),
	FIELD(FIELD_U64, "stopTimeoutMs", stop_timeout_ms),
	FIELD(FIELD_BOOL, "privileged", security.is_privileged),
	FIELD(FIELD_BOOL, "tty", process.has_tty),
	FIELD(FIELD_BOOL, "stdin", process.has_stdin),
	FIELD(FIELD_BOOL, "autoRemove", is_auto_remove),
	FIELD(FIELD_BOOL, "detached", is_detached),
	FIELD(FIELD_BOOL, "readOnly", root_is_readonly),
	FIELD(FIELD_BOOL, "init", process.wants_init),
	FIELD(FIELD_BOOL, "noPivot", no_pivot),
};

enum { FIELD_COUNT = sizeof(fields) / sizeof(fields[0]) };

static void field_write(struct json_writer *w, const struct field *f, const void *value)
{
	switch (f->kind) {
	case FIELD_STRING:
		if (*(const char *const *)value)
			json_put_string(w, f->key, *(const char *const *)value);
		break;
	case FIELD_STRINGS: {
		const struct str_list *list = value;
		json_open_array(w, f->key);
		for (size_t i = 0; i < list->count; i++)
			json_put_string(w, NULL, list->items[i]);
		json_close_array(w);
		break;
	}
	case FIELD_U64:
		json_put_u64(w, f->key, *(const uint64_t *)value);
		break;
	case FIELD_I64:
		json_put_i64(w, f->key, *(const int64_t *)value);
		break;
	case FIELD_BOOL:
		json_put_bool(w, f->key, *(const bool *)value);
		break;
	}
}

static int field_read(
	const struct json_cursor *object, const struct field *f, struct arena *a, void *value)
{
	switch (f->kind) {
	case FIELD_STRING:
		return json_opt_string(object, f->key, a, value);
	case FIELD_STRINGS:
		return json_opt_strings(object, f->key, a, value);
	case FIELD_U64:
		return json_opt_u64(object, f->key, value);
	case FIELD_I64:
		return json_opt_i64(object, f->key, value);
	case FIELD_BOOL:
		return json_opt_bool(object, f->key, value);
	}
	BUG("field kind %d", (int)f->kind);
}

static void record_write(const struct container *c, struct buf *out)
{
	struct json_writer w = {.out = out};
	json_open_object(&w, NULL);
	json_put_u64(&w, "version", 1);
	for (size_t i = 0; i < FIELD_COUNT; i++)
		field_write(&w, &fields[i], (const char *)c + fields[i].offset);
	json_close_object(&w);
}

int container_record_check(const struct container *c)
{
	auto_buf struct buf text = BUF_INIT;
	record_write(c, &text);
	if (text.len <= RECORD_BYTES_MAX)
		return 0;
	return err_say(-E2BIG,
		"the command, the environment and the options of the container are %zu bytes as a "
		"record: at most %d are possible",
		text.len, RECORD_BYTES_MAX);
}

int container_record_store(const struct engine *e, const struct container *c, bool is_durable)
{
	auto_buf struct buf text = BUF_INIT;
	record_write(c, &text);
	auto_close int dir = container_dir_open(e, c->id);
	int r = dir < 0
		? dir
		: file_replace_at(dir, "record.json", text.data, text.len, 0600, is_durable);
	return r < 0 ? err_new(r, "write the record of container %.12s", c->id) : 0;
}

int container_load(struct engine *e, const char *id, struct arena *a, struct container *out)
{
	auto_close int dir = container_dir_open(e, id);
	if (dir == -ENOENT)
		return err_say(-ENOENT, "no such container: %s", id);
	auto_buf struct buf text = BUF_INIT;
	int r = dir < 0 ? dir : file_read_at(dir, "record.json", RECORD_BYTES_MAX, &text);
	if (r < 0)
		return err_new(r, "read the record of container %.12s", id);

	auto_of(json) struct json *document = NULL;
	r = json_parse("record.json", text.data, text.len, &document);
	if (r < 0)
		return err_wrap(r, "container %s", id);
	struct json_cursor root = json_root(document);
	struct container c = {0};
	for (size_t i = 0; i < FIELD_COUNT; i++) {
		r = field_read(&root, &fields[i], a, (char *)&c + fields[i].offset);
		if (r < 0)
			return err_wrap(r, "container %s", id);
	}
	if (!c.id || !str_eq(c.id, id) || !c.name || !c.process.cwd || !c.network)
		return err_say(-EBADMSG, "container %s: record.json is not of this container", id);
	*out = c;
	return 0;
}
