/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record.json: what the user asked for and the image decided, as Docker's create body with a
 * section of husk's own. A record is intent, and never changes with the container's state. Records
 * of version 1 can be read as well (version1.c).
 */
#include "records/internal.h"
#include "records/settings.h"
#include "base/err.h"
#include "base/json.h"
#include "base/str.h"
#include "sys/calls.h"
#include "sys/file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum { RECORD_VERSION = 2 };

static void record_write(const struct container *c, struct buf *out)
{
	struct json_writer w = {.out = out};
	json_open_object(&w, NULL);
	settings_put(&w, SETTING_CONFIG, SETTINGS_RECORD, c);
	json_open_object(&w, "HostConfig");
	settings_put(&w, SETTING_HOST_CONFIG, SETTINGS_RECORD, c);
	json_close_object(&w);
	json_open_object(&w, "Husk");
	json_put_u64(&w, "Version", RECORD_VERSION);
	settings_put(&w, SETTING_HUSK, SETTINGS_RECORD, c);
	json_close_object(&w);
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

void mounts_resolve(const struct engine *e, struct arena *a, struct container_mounts *mounts)
{
	for (size_t i = 0; i < mounts->count; i++) {
		struct container_mount *m = &mounts->items[i];
		if (m->volume)
			m->source = arena_printf(a, "%s/volumes/%s/_data", e->root_path, m->volume);
	}
}

static int record_read(const struct engine *e, const struct json_cursor *root, struct arena *a,
	struct container *out)
{
	uint64_t version = 0;
	struct json_cursor husk;
	int r = json_need_object(root);
	if (r == 0 && json_field(root, "Husk", &husk))
		r = json_opt_u64(&husk, "Version", &version);
	if (r < 0)
		return r;
	if (version > RECORD_VERSION)
		return err_say(-EBADMSG, "record.json is of version %llu, made by a later husk",
			(unsigned long long)version);
	return version == 0 ? version1_take(e, root, a, out)
			    : settings_take(root, SETTINGS_RECORD, a, out, NULL);
}

bool container_has_record(const struct engine *e, const char *id)
{
	char path[sizeof("containers//record.json") + CONTAINER_ID_LEN];
	fmt(path, "containers/%s/record.json", id);
	return sys_access_at(e->root_fd, path, F_OK, AT_SYMLINK_NOFOLLOW) != -ENOENT;
}

int container_load(struct engine *e, const char *id, struct arena *a, struct container *out)
{
	auto_buf struct buf text = BUF_INIT;
	char path[sizeof("containers//record.json") + CONTAINER_ID_LEN];
	int r = fmt(path, "containers/%s/record.json", id);
	if (r >= 0)
		r = file_read_at(e->root_fd, path, RECORD_BYTES_MAX, &text);
	auto_close int dir = r == -ENOENT ? container_dir_open(e, id) : -EBADF;
	if (r == -ENOENT && dir == -ENOENT)
		return err_say(-ENOENT, "no such container: %s", id);
	if (r < 0)
		return err_new(r, "read the record of container %.12s", id);

	auto_of(json) struct json *document = NULL;
	struct container c = {0};
	r = json_parse("record.json", text.data, text.len, &document);
	struct json_cursor root = {0};
	if (r == 0) {
		root = json_root(document);
		r = record_read(e, &root, a, &c);
	}
	if (r < 0)
		return err_wrap(r, "container %s", id);
	if (!c.id || !str_eq(c.id, id) || !c.name || !c.process.cwd || !c.network)
		return err_say(-EBADMSG, "container %s: record.json is not of this container", id);
	mounts_resolve(e, a, &c.mounts);
	*out = c;
	return 0;
}
