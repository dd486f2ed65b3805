/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Volumes: what -v says, the directories of named and anonymous ones below the engine's root, and the end of anonymous
 * ones. Which those of a container are is in its file `anonymous`, a name a line: it is there before the first of them
 * is made, and needs no record to be read.
 */
#include "engine/internal.h"
#include "base/err.h"
#include "base/str.h"
#include "sys/file.h"
#include "sys/path.h"

#include <errno.h>
#include <fcntl.h>

enum { ANONYMOUS_BYTES_MAX = 1 << 20 };

/* "/", and "/." and "/x/..", which are the same place. */
bool volume_is_root(const char *path)
{
	auto_buf struct buf clean = BUF_INIT;
	path_clean(&clean, path);
	return str_eq(clean.data, "/");
}

/* "SRC:DST[:OPTIONS]" or "DST"; a source without a slash is a named volume below the engine's root. Afterwards it is SRC:DST:OPTIONS, and SRC a path. */
int volume_normalize(struct engine *e, struct arena *a, struct container *c, size_t index)
{
	const char *text = c->volumes.items[index];
	auto_free char *copy = mem_strdup(text);
	char *rest = copy;
	const char *source = str_cut(&rest, ':');
	const char *destination = rest ? str_cut(&rest, ':') : NULL;
	const char *options = rest;
	bool is_anonymous = false;
	if (!destination) {
		destination = source;
		source = id_make(a);
		is_anonymous = true;
	}
	if (destination[0] != '/')
		return err_say(-EINVAL,
			"-v \"%s\": \"%s\" is not an absolute path in the container", text,
			destination);
	if (strchr(destination, '\n') || volume_is_root(destination))
		return err_say(
			-EINVAL, "-v \"%s\": the destination can't be \"%s\"", text, destination);
	if (options && !str_eq(options, "ro") && !str_eq(options, "rw"))
		return err_say(
			-EINVAL, "-v \"%s\": the option \"%s\" is not ro or rw", text, options);
	const char *name = source;
	if (source[0] != '/') {
		if (!str_is_name(source))
			return err_say(-EINVAL,
				"-v \"%s\": \"%s\" is neither an absolute path nor a volume name",
				text, source);
		source = arena_printf(a, "%s/volumes/%s/_data", e->root_path, name);
	}
	if (is_anonymous)
		*arena_push(a, &c->anonymous) = name;
	c->volumes.items[index] = arena_printf(
		a, "%s:%s:%s", source, destination, options ? options : "rw");
	return 0;
}

void volume_split(char *volume, struct volume *out)
{
	/* From the end: the source is a path of the host, with whatever is in it. */
	char *options = strrchr(volume, ':');
	if (options)
		*options++ = '\0';
	char *destination = strrchr(volume, ':');
	if (destination)
		*destination++ = '\0';
	*out = (struct volume){volume, destination ? destination : "", options ? options : ""};
}

static int anonymous_store(const struct engine *e, const struct container *c)
{
	if (c->anonymous.count == 0)
		return 0;
	auto_buf struct buf text = BUF_INIT;
	for (size_t i = 0; i < c->anonymous.count; i++)
		buf_addf(&text, "%s\n", c->anonymous.items[i]);
	auto_close int dir = container_dir_open(e, c->id);
	int r = dir < 0 ? dir : file_replace_at(dir, "anonymous", text.data, text.len, 0600, false);
	return r < 0 ? err_new(r, "write the volumes of container %.12s", c->id) : 0;
}

int volumes_make(struct engine *e, const struct container *c)
{
	auto_buf struct buf prefix = BUF_INIT;
	buf_addf(&prefix, "%s/volumes/", e->root_path);
	int r = anonymous_store(e, c);
	for (size_t i = 0; i < c->volumes.count && r == 0; i++) {
		auto_free char *copy = mem_strdup(c->volumes.items[i]);
		struct volume volume;
		volume_split(copy, &volume);
		if (!str_prefix(volume.source, prefix.data))
			continue;
		r = file_make_dirs_at(AT_FDCWD, volume.source, 0755);
		if (r < 0)
			return err_new(r, "make volume %s", volume.source);
	}
	return r;
}

/* Does another container name it? One whose record cannot be read may. */
static bool is_used(struct engine *e, const char *id, const char *name)
{
	auto_of(container_list) struct container_list list = {0};
	auto_buf struct buf prefix = BUF_INIT;
	buf_addf(&prefix, "%s/volumes/%s/", e->root_path, name);
	if (container_list(e, &list) < 0)
		return true;
	for (size_t i = 0; i < list.count; i++) {
		auto_arena struct arena a = ARENA_INIT;
		struct container c;
		if (str_eq(list.ids[i], id))
			continue;
		int r = container_load(e, list.ids[i], &a, &c);
		if (r < 0 && r != -ENOENT)
			return true;
		for (size_t j = 0; r == 0 && j < c.volumes.count; j++)
			if (str_prefix(c.volumes.items[j], prefix.data))
				return true;
	}
	return false;
}

int anonymous_remove(struct engine *e, const char *id)
{
	auto_close int dir = container_dir_open(e, id);
	auto_buf struct buf text = BUF_INIT;
	int r = dir < 0 ? dir : file_read_at(dir, "anonymous", ANONYMOUS_BYTES_MAX, &text);
	if (r == -ENOENT)
		return 0;
	char *rest = text.data, *name;
	while (r >= 0 && (name = str_cut(&rest, '\n'))) {
		auto_buf struct buf path = BUF_INIT;
		buf_addf(&path, "volumes/%s", name);
		if (str_is_hex(name, CONTAINER_ID_LEN) && !is_used(e, id, name))
			r = file_remove_tree_at(e->root_fd, path.data);
	}
	return r < 0 ? err_new(r, "remove the anonymous volumes of container %.12s", id) : 0;
}
