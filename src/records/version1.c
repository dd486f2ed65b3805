/* SPDX-License-Identifier: Apache-2.0 */
/* Records of version 1: they were flat, and had the items of lists as texts. They are only read. */
#include "records/internal.h"
#include "base/err.h"
#include "base/json.h"
#include "base/str.h"

#include <errno.h>
#include <stddef.h>

enum field_kind { FIELD_STRING, FIELD_STRINGS, FIELD_U64, FIELD_I64, FIELD_BOOL, FIELD_ITEMS };

struct field {
	const char *key;
	enum field_kind kind;
	size_t offset;
	int (*add)(const char *text, struct arena *a, void *list);
};

/* "SRC:DST:OPTIONS": the source is a path with any characters; for a volume it is the path of its
 * files. */
static int prepared_mount_add(const char *text, struct arena *a, void *list)
{
	char *copy = (char *)arena_str(a, text);
	char *options = strrchr(copy, ':');
	if (options)
		*options++ = '\0';
	char *destination = strrchr(copy, ':');
	if (!destination)
		return err_say(-EBADMSG, "\"%s\" is no volume of a record", text);
	*destination++ = '\0';
	*arena_push(a, (struct container_mounts *)list) = (struct container_mount){.source = copy,
		.destination = destination,
		.is_readonly = str_prefix(options, "ro") || strstr(options, ",ro"),
		.keeps_empty = strstr(options, "nocopy")};
	return 0;
}

#define FIELD(key, kind, member, ...) \
	{ \
		key, FIELD_##kind, offsetof(struct container, member), __VA_ARGS__ \
	}

static const struct field fields[] = {
	FIELD("id", STRING, id),
	FIELD("name", STRING, name),
	FIELD("created", U64, created_ns),
	FIELD("image", STRING, image),
	FIELD("imageId", STRING, image_id),
	FIELD("rootfs", STRING, rootfs),
	FIELD("layers", STRINGS, layers),
	FIELD("entrypoint", STRINGS, process.entrypoint),
	FIELD("command", STRINGS, process.command),
	FIELD("env", STRINGS, process.env),
	FIELD("cwd", STRING, process.cwd),
	FIELD("user", STRING, process.user),
	FIELD("hostname", STRING, hostname),
	FIELD("labels", STRINGS, labels),
	FIELD("volumes", ITEMS, mounts, prepared_mount_add),
	FIELD("tmpfs", ITEMS, tmpfs, tmpfs_add),
	FIELD("network", STRING, network),
	FIELD("ports", ITEMS, ports, port_add),
	FIELD("capAdd", STRINGS, security.cap_add),
	FIELD("capDrop", STRINGS, security.cap_drop),
	FIELD("securityOptions", STRINGS, security.options),
	FIELD("ulimits", ITEMS, limits.ulimits, ulimit_add),
	FIELD("memory", U64, limits.memory_bytes),
	FIELD("nanoCpus", U64, limits.nano_cpus),
	FIELD("cpusetCpus", STRING, limits.cpuset_cpus),
	FIELD("pidsLimit", I64, limits.pids_limit),
	FIELD("stopSignal", STRING, stop_signal),
	FIELD("stopTimeoutMs", U64, stop_timeout_ms),
	FIELD("privileged", BOOL, security.is_privileged),
	FIELD("tty", BOOL, process.has_tty),
	FIELD("stdin", BOOL, process.has_stdin),
	FIELD("autoRemove", BOOL, is_auto_remove),
	FIELD("detached", BOOL, is_detached),
	FIELD("readOnly", BOOL, root_is_readonly),
	FIELD("init", BOOL, process.wants_init),
	FIELD("noPivot", BOOL, no_pivot),
};

static int field_read(
	const struct json_cursor *object, const struct field *f, struct arena *a, void *value)
{
	struct str_list words = {0};
	int r = 0;
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
	case FIELD_ITEMS:
		r = json_opt_strings(object, f->key, a, &words);
		for (size_t i = 0; r >= 0 && i < words.count; i++)
			r = f->add(words.items[i], a, value);
		return r;
	}
	return -EINVAL;
}

/* A volume's source was the path of its files: below root/volumes/ the next part is the volume's
 * name. */
static void volumes_name(const char *root_path, struct arena *a, struct container_mounts *mounts)
{
	const char *prefix = arena_printf(a, "%s/volumes/", root_path);
	for (size_t i = 0; i < mounts->count; i++) {
		const char *name = str_after(mounts->items[i].source, prefix);
		if (name)
			mounts->items[i].volume = arena_strn(a, name, strcspn(name, "/"));
	}
}

int version1_take(const struct engine *e, const struct json_cursor *root, struct arena *a,
	struct container *out)
{
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		int r = field_read(root, &fields[i], a, (char *)out + fields[i].offset);
		if (r < 0)
			return r;
	}
	volumes_name(e->root_path, a, &out->mounts);
	if (out->rootfs)
		out->image = out->rootfs;
	settings_default(out);
	return 0;
}
