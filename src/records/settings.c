/* SPDX-License-Identifier: Apache-2.0 */
#include "records/settings.h"
#include "records/internal.h"
#include "base/err.h"
#include "base/str.h"

#include <errno.h>
#include <stddef.h>

static void string_put(struct json_writer *w, const char *key, const void *field)
{
	const char *text = *(const char *const *)field;
	json_put_string(w, key, text ? text : "");
}

/* Docker writes "" for a value that was not given. */
static int string_take(const struct json_cursor *v, struct arena *a, void *field)
{
	const char *text;
	int r = json_string(v, a, &text);
	if (r == 0)
		*(const char **)field = text[0] ? text : NULL;
	return r;
}

static void strings_put(struct json_writer *w, const char *key, const void *field)
{
	json_put_list(w, key, field);
}

/* Passes each string of an array to a function that appends it to a list. */
static int each_take(const struct json_cursor *v, struct arena *a, void *list,
	int (*add)(const char *text, struct arena *a, void *list))
{
	int count = json_count(v);
	for (int i = 0; i < count; i++) {
		struct json_cursor item = json_item(v, (size_t)i);
		const char *text;
		int r = json_string(&item, a, &text);
		if (r == 0)
			r = add(text, a, list);
		if (r < 0)
			return r;
	}
	return count < 0 ? json_err(v, count, "not an array") : 0;
}

static int word_add(const char *text, struct arena *a, void *list)
{
	*arena_push(a, (struct str_list *)list) = text;
	return 0;
}

static int strings_take(const struct json_cursor *v, struct arena *a, void *field)
{
	return each_take(v, a, field, word_add);
}

static void bool_put(struct json_writer *w, const char *key, const void *field)
{
	json_put_bool(w, key, *(const bool *)field);
}

static int bool_take(const struct json_cursor *v, struct arena *a, void *field)
{
	return json_boolean(v, field);
}

static void u64_put(struct json_writer *w, const char *key, const void *field)
{
	json_put_u64(w, key, *(const uint64_t *)field);
}

static int u64_take(const struct json_cursor *v, struct arena *a, void *field)
{
	return json_u64(v, UINT64_MAX, field);
}

/* 0: the user gave no limit. */
static void limit_put(struct json_writer *w, const char *key, const void *field)
{
	const int64_t *value = field;
	if (*value)
		json_put_i64(w, key, *value);
	else
		json_put_null(w, key);
}

/* In Docker both 0 and -1 mean "no limit". */
static int limit_take(const struct json_cursor *v, struct arena *a, void *field)
{
	int64_t value;
	int r = json_i64(v, -1, INT64_MAX, &value);
	if (r == 0)
		*(int64_t *)field = value ? value : -1;
	return r;
}

static void seconds_put(struct json_writer *w, const char *key, const void *field)
{
	json_put_u64(w, key, *(const uint64_t *)field / 1000);
}

static int seconds_take(const struct json_cursor *v, struct arena *a, void *field)
{
	uint64_t seconds;
	int r = json_u64(v, UINT64_MAX / 1000, &seconds);
	if (r == 0)
		*(uint64_t *)field = seconds * 1000;
	return r;
}

/* Labels: each is "KEY=VALUE". */
static void map_put(struct json_writer *w, const char *key, const void *field)
{
	const struct str_list *labels = field;
	json_open_object(w, key);
	for (size_t i = 0; i < labels->count; i++) {
		auto_free char *name = mem_strdup(labels->items[i]);
		char *value = strchr(name, '=');
		if (value)
			*value++ = '\0';
		json_put_string(w, name, value ? value : "");
	}
	json_close_object(w);
}

struct taking {
	struct arena *a;
	void *field;
};

static int label_take(const char *key, const struct json_cursor *v, void *arg)
{
	struct taking *t = arg;
	const char *value;
	int r = json_string(v, t->a, &value);
	if (r == 0)
		*arena_push(t->a, (struct str_list *)t->field) = arena_printf(
			t->a, "%s=%s", key, value);
	return r;
}

static int map_take(const struct json_cursor *v, struct arena *a, void *field)
{
	return json_each(v, label_take, &(struct taking){a, field});
}

static void mounts_put(struct json_writer *w, const char *key, const void *field)
{
	const struct container_mounts *mounts = field;
	json_open_array(w, key);
	for (size_t i = 0; i < mounts->count; i++) {
		auto_buf struct buf text = BUF_INIT;
		mount_write(&mounts->items[i], &text);
		json_put_string(w, NULL, text.data);
	}
	json_close_array(w);
}

static int mounts_take(const struct json_cursor *v, struct arena *a, void *field)
{
	return each_take(v, a, field, mount_add);
}

/* {"/data": {}}: the anonymous volumes of an image or a request. */
static int volume_take(const char *key, const struct json_cursor *v, void *arg)
{
	struct taking *t = arg;
	return strchr(key, ':') ? json_err(v, -EINVAL, "a colon in a path")
				: mount_add(key, t->a, t->field);
}

static int volumes_take(const struct json_cursor *v, struct arena *a, void *field)
{
	return json_each(v, volume_take, &(struct taking){a, field});
}

static void tmpfs_put(struct json_writer *w, const char *key, const void *field)
{
	const struct container_tmpfses *list = field;
	json_open_object(w, key);
	for (size_t i = 0; i < list->count; i++)
		json_put_string(w, list->items[i].destination, list->items[i].options);
	json_close_object(w);
}

static int one_tmpfs_take(const char *key, const struct json_cursor *v, void *arg)
{
	struct taking *t = arg;
	const char *options;
	int r = json_string(v, t->a, &options);
	return r < 0 ? r
		     : tmpfs_add(arena_printf(t->a, "%s%s%s", key, *options ? ":" : "", options),
			       t->a, t->field);
}

static int tmpfs_take(const struct json_cursor *v, struct arena *a, void *field)
{
	return json_each(v, one_tmpfs_take, &(struct taking){a, field});
}

static void port_words_put(struct json_writer *w, const char *key, const void *field)
{
	const struct container_ports *ports = field;
	json_open_array(w, key);
	for (size_t i = 0; i < ports->count; i++) {
		auto_buf struct buf text = BUF_INIT;
		port_write(&ports->items[i], &text);
		json_put_string(w, NULL, text.data);
	}
	json_close_array(w);
}

static int port_words_take(const struct json_cursor *v, struct arena *a, void *field)
{
	return each_take(v, a, field, port_add);
}

static void bindings_put(struct json_writer *w, const char *key, const void *field)
{
	const struct container_ports *ports = field;
	json_open_object(w, key);
	ports_put(w, ports->items, ports->count);
	json_close_object(w);
}

/* "80/tcp": [{"HostIp": "", "HostPort": "8080"}] */
static int binding_take(const char *key, const struct json_cursor *v, void *arg)
{
	struct taking *t = arg;
	int count = json_kind(v) == JSON_NULL ? 0 : json_count(v);
	for (int i = 0; i < count; i++) {
		struct json_cursor item = json_item(v, (size_t)i);
		const char *host = "", *port = "";
		int r = json_opt_string(&item, "HostIp", t->a, &host);
		if (r >= 0)
			r = json_opt_string(&item, "HostPort", t->a, &port);
		if (r < 0)
			return r;
		bool is_v6 = strchr(host, ':');
		const char *text = arena_printf(t->a, "%s%s%s%s%s:%s", is_v6 ? "[" : "", host,
			is_v6 ? "]" : "", *host ? ":" : "", port, key);
		r = port_add(*host || *port ? text : key, t->a, t->field);
		if (r < 0)
			return r;
	}
	return count < 0 ? json_err(v, count, "not an array") : 0;
}

static int bindings_take(const struct json_cursor *v, struct arena *a, void *field)
{
	return json_each(v, binding_take, &(struct taking){a, field});
}

static void ulimits_put(struct json_writer *w, const char *key, const void *field)
{
	const struct container_ulimits *list = field;
	json_open_array(w, key);
	for (size_t i = 0; i < list->count; i++) {
		json_open_object(w, NULL);
		json_put_string(w, "Name", sec_rlimit_name(list->items[i].resource));
		json_put_i64(w, "Soft", (int64_t)list->items[i].soft);
		json_put_i64(w, "Hard", (int64_t)list->items[i].hard);
		json_close_object(w);
	}
	json_close_array(w);
}

static int ulimits_take(const struct json_cursor *v, struct arena *a, void *field)
{
	int count = json_count(v);
	for (int i = 0; i < count; i++) {
		struct json_cursor item = json_item(v, (size_t)i);
		const char *name = "";
		int64_t soft = -1, hard = -1;
		int r = json_opt_string(&item, "Name", a, &name);
		if (r >= 0)
			r = json_opt_i64(&item, "Soft", &soft);
		if (r >= 0)
			r = json_opt_i64(&item, "Hard", &hard);
		if (r >= 0)
			r = ulimit_add(arena_printf(a, "%s=%lld:%lld", name, (long long)soft,
					       (long long)hard),
				a, field);
		if (r < 0)
			return r;
	}
	return count < 0 ? json_err(v, count, "not an array") : 0;
}

static const struct setting_kind kind_string = {string_put, string_take};
static const struct setting_kind kind_strings = {strings_put, strings_take};
static const struct setting_kind kind_bool = {bool_put, bool_take};
static const struct setting_kind kind_u64 = {u64_put, u64_take};
static const struct setting_kind kind_limit = {limit_put, limit_take};
static const struct setting_kind kind_seconds = {seconds_put, seconds_take};
static const struct setting_kind kind_map = {map_put, map_take};
static const struct setting_kind kind_mounts = {mounts_put, mounts_take};
static const struct setting_kind kind_volumes = {NULL, volumes_take};
static const struct setting_kind kind_tmpfs = {tmpfs_put, tmpfs_take};
static const struct setting_kind kind_port_words = {port_words_put, port_words_take};
static const struct setting_kind kind_bindings = {bindings_put, bindings_take};
static const struct setting_kind kind_ulimits = {ulimits_put, ulimits_take};

#define ROW(section, key, kind, field, ...) \
	{ \
		SETTING_##section, key, &kind_##kind, offsetof(struct container, field), \
			__VA_ARGS__ \
	}

static const struct setting settings[] = {
	ROW(CONFIG, "Hostname", string, hostname, .option = "--hostname"),
	ROW(CONFIG, "User", string, process.user, .option = "--user"),
	ROW(CONFIG, "Tty", bool, process.has_tty, .option = "--tty"),
	ROW(CONFIG, "OpenStdin", bool, process.has_stdin, .option = "--interactive"),
	ROW(CONFIG, "Env", strings, process.env, .option = "--env"),
	ROW(CONFIG, "Cmd", strings, process.command),
	ROW(CONFIG, "Entrypoint", strings, process.entrypoint, .option = "--entrypoint"),
	ROW(CONFIG, "Image", string, image),
	ROW(CONFIG, "Volumes", volumes, mounts, .flags = SETTING_FOREIGN),
	ROW(CONFIG, "WorkingDir", string, process.cwd, .option = "--workdir", .text = "/"),
	ROW(CONFIG, "Labels", map, labels, .option = "--label"),
	ROW(CONFIG, "StopSignal", string, stop_signal, .option = "--stop-signal",
		.text = "SIGTERM"),
	ROW(CONFIG, "StopTimeout", seconds, stop_timeout_ms, .number = STOP_TIMEOUT_MS),

	ROW(HOST_CONFIG, "Binds", mounts, mounts, .option = "-v"),
	ROW(HOST_CONFIG, "NetworkMode", string, network, .option = "--network", .text = "bridge"),
	ROW(HOST_CONFIG, "PortBindings", bindings, ports, .flags = SETTING_FOREIGN, .option = "-p"),
	ROW(HOST_CONFIG, "AutoRemove", bool, is_auto_remove, .option = "--rm"),
	ROW(HOST_CONFIG, "Privileged", bool, security.is_privileged, .option = "--privileged"),
	ROW(HOST_CONFIG, "ReadonlyRootfs", bool, root_is_readonly, .option = "--read-only"),
	ROW(HOST_CONFIG, "Init", bool, process.wants_init, .option = "--init"),
	ROW(HOST_CONFIG, "CapAdd", strings, security.cap_add, .option = "--cap-add"),
	ROW(HOST_CONFIG, "CapDrop", strings, security.cap_drop, .option = "--cap-drop"),
	ROW(HOST_CONFIG, "SecurityOpt", strings, security.options, .option = "--security-opt"),
	ROW(HOST_CONFIG, "Memory", u64, limits.memory_bytes, .flags = SETTING_UPDATE,
		.option = "-m"),
	ROW(HOST_CONFIG, "NanoCpus", u64, limits.nano_cpus, .flags = SETTING_UPDATE,
		.option = "--cpus"),
	ROW(HOST_CONFIG, "CpusetCpus", string, limits.cpuset_cpus, .flags = SETTING_UPDATE,
		.option = "--cpuset-cpus"),
	ROW(HOST_CONFIG, "PidsLimit", limit, limits.pids_limit, .flags = SETTING_UPDATE,
		.option = "--pids-limit", .number = PIDS_LIMIT),
	ROW(HOST_CONFIG, "Ulimits", ulimits, limits.ulimits, .option = "--ulimit"),
	ROW(HOST_CONFIG, "Tmpfs", tmpfs, tmpfs, .option = "--tmpfs"),
	ROW(HOST_CONFIG, "ShmSize", u64, shm_bytes, .option = "--shm-size", .number = SHM_BYTES),

	ROW(HUSK, "Id", string, id),
	ROW(HUSK, "Name", string, name, .option = "--name"),
	ROW(HUSK, "Created", u64, created_ns),
	ROW(HUSK, "ImageId", string, image_id),
	ROW(HUSK, "Rootfs", string, rootfs, .option = "--rootfs"),
	ROW(HUSK, "Layers", strings, layers),
	ROW(HUSK, "Publish", port_words, ports, .option = "-p"),
	ROW(HUSK, "Detached", bool, is_detached, .option = "--detach"),
	ROW(HUSK, "NoPivot", bool, no_pivot, .option = "--no-pivot"),
};
enum { SETTING_COUNT = sizeof(settings) / sizeof(settings[0]) };
_Static_assert(SETTING_COUNT <= 64, "container.defaults has a bit for each");

static const char *const section_names[] = {
	[SETTING_CONFIG] = "", [SETTING_HOST_CONFIG] = "HostConfig", [SETTING_HUSK] = "Husk"};

void settings_put(struct json_writer *w, enum setting_section section,
	enum settings_document document, const struct container *c)
{
	for (size_t i = 0; i < SETTING_COUNT; i++) {
		const struct setting *s = &settings[i];
		bool is_wanted = s->section == section && s->kind->put &&
			!(document == SETTINGS_RECORD && s->flags & SETTING_FOREIGN);
		if (is_wanted)
			s->kind->put(w, s->key, (const char *)c + s->offset);
	}
}

struct reading {
	enum settings_document document;
	enum setting_section section;
	struct arena *a;
	struct container *c;
	struct strvec *unknown;
};

static const struct setting *setting_find(enum setting_section section, const char *key)
{
	for (size_t i = 0; i < SETTING_COUNT; i++)
		if (settings[i].section == section && str_eq(settings[i].key, key))
			return &settings[i];
	return NULL;
}

static int field_take(const char *key, const struct json_cursor *v, void *arg);

static int section_take(
	struct reading *r, enum setting_section section, const struct json_cursor *v)
{
	struct reading inner = *r;
	inner.section = section;
	return json_each(v, field_take, &inner);
}

/* husk's own section is only read in husk's own record. */
static int field_take(const char *key, const struct json_cursor *v, void *arg)
{
	struct reading *r = arg;
	bool is_record = r->document == SETTINGS_RECORD;
	if (json_kind(v) == JSON_NULL)
		return 0;
	if (r->section == SETTING_CONFIG && str_eq(key, section_names[SETTING_HOST_CONFIG]))
		return section_take(r, SETTING_HOST_CONFIG, v);
	if (r->section == SETTING_CONFIG && is_record && str_eq(key, section_names[SETTING_HUSK]))
		return section_take(r, SETTING_HUSK, v);
	const struct setting *s = setting_find(r->section, key);
	if (!s || (is_record && s->flags & SETTING_FOREIGN)) {
		if (r->unknown)
			strvec_pushf(r->unknown, "%s%s%s", section_names[r->section],
				r->section == SETTING_CONFIG ? "" : ".", key);
		return 0;
	}
	if (r->document == SETTINGS_CHANGE && !(s->flags & SETTING_UPDATE))
		return json_err(v, -EINVAL, "it cannot be changed of a container that is there");
	return s->kind->take(v, r->a, (char *)r->c + s->offset);
}

int settings_take(const struct json_cursor *root, enum settings_document document, struct arena *a,
	struct container *c, struct strvec *unknown)
{
	struct reading r = {document, SETTING_CONFIG, a, c, unknown};
	return json_each(root, field_take, &r);
}

/* A field with a default is a number of 64 bits or a text. */
void settings_default(struct container *c)
{
	for (size_t i = 0; i < SETTING_COUNT; i++) {
		void *field = (char *)c + settings[i].offset;
		const char **text = field;
		int64_t *number = field;
		if (settings[i].text && !*text)
			*text = settings[i].text;
		else if (settings[i].number && !*number)
			*number = settings[i].number;
		else
			continue;
		c->defaults |= 1ull << i;
	}
}

const char *setting_origin(const struct container *c, size_t offset)
{
	for (size_t i = 0; i < SETTING_COUNT; i++)
		if (settings[i].offset == offset && settings[i].option)
			return c->defaults & 1ull << i ? "default" : settings[i].option;
	BUG("no option sets a field at %zu", offset);
}
