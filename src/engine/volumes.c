/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Volumes: the directories of named and anonymous volumes below the engine's root, and the removal
 * of anonymous ones. A container's file `anonymous` lists its anonymous volumes, one name a line.
 * The file is written before the first of them is made, and does not need a readable record.
 */
#include "engine/internal.h"
#include "base/err.h"
#include "base/str.h"
#include "mount/mount.h"
#include "sys/calls.h"
#include "sys/file.h"
#include "sys/lock.h"
#include "sys/path.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/file.h>

#define VOLUMES_USE "volumes.use"

enum { ANONYMOUS_BYTES_MAX = 1 << 20, VOLUME_PATH_MAX = 4096 };

static int anonymous_store(const struct engine *e, const struct container *c)
{
	auto_buf struct buf text = BUF_INIT;
	for (size_t i = 0; i < c->mounts.count; i++)
		if (c->mounts.items[i].is_anonymous)
			buf_addf(&text, "%s\n", c->mounts.items[i].volume);
	if (text.len == 0)
		return 0;
	auto_close int dir = container_dir_open(e, c->id);
	int r = dir < 0 ? dir : file_replace_at(dir, "anonymous", text.data, text.len, 0600, false);
	return r < 0 ? err_new(r, "write the volumes of container %.12s", c->id) : 0;
}

/* The state while a container's volumes are filled from the image. The image's root is opened for
 * the first volume that needs it. */
struct filling {
	struct engine *e;
	const struct container *c;
	int root_fd;
};

/* Copies the image's files at the volume's path, and the attributes of that directory: programs
 * expect both. */
static int volume_fill(struct filling *f, const struct container_mount *volume, int data_fd)
{
	if (f->c->rootfs || volume->keeps_empty)
		return 0;
	if (f->root_fd < 0)
		f->root_fd = container_image_root_open(f->e, f->c);
	if (f->root_fd < 0)
		return f->root_fd;
	auto_close int from = path_open(f->root_fd, volume->destination, O_PATH | O_DIRECTORY, 0);
	if (from == -ENOENT || from == -ENOTDIR || from == -ELOOP)
		return 0;
	int r = from < 0 ? err_new(from, "open it") : mount_copy_up(from, data_fd);
	if (r == 0)
		r = mount_copy_attributes(from, data_fd);
	return r < 0
		? err_wrap(r, "copy what the image has in %s to its volume", volume->destination)
		: 0;
}

/* A volume that is being made, and its maker's lock, which is made before it and removed after
 * it. */
#define STAGE_PREFIX "volumes/.making-"
#define STAGE_LOCK ".lock"

/* Returns an fd, which is the lock. */
static int stage_lock(const struct engine *e, const char *stage)
{
	auto_buf struct buf name = BUF_INIT;
	buf_addf(&name, "%s" STAGE_LOCK, stage);
	int lock = lock_file_at(e->root_fd, name.data, true);
	return lock < 0 ? err_new(lock, "lock %s", stage) : lock;
}

static void stage_remove(const struct engine *e, const char *stage)
{
	auto_buf struct buf lock = BUF_INIT;
	buf_addf(&lock, "%s" STAGE_LOCK, stage);
	file_remove_tree_at(e->root_fd, stage);
	sys_unlink_at(e->root_fd, lock.data, 0);
}

/* Removes what killed commands left. */
static void stages_sweep(const struct engine *e)
{
	auto_strvec struct strvec names = STRVEC_INIT;
	if (file_list_at(e->root_fd, "volumes", &names) < 0)
		return;
	strvec_each (name, &names) {
		auto_buf struct buf stage = BUF_INIT;
		buf_addf(&stage, "volumes/%s", *name);
		if (!str_prefix(stage.data, STAGE_PREFIX) || !str_suffix(*name, STAGE_LOCK))
			continue;
		auto_close int lock = lock_file_at(e->root_fd, stage.data, false);
		stage.data[stage.len - strlen(STAGE_LOCK)] = '\0';
		if (lock >= 0)
			stage_remove(e, stage.data);
	}
}

/* A new volume appears with all its files, or not at all. */
static int stage_fill(struct filling *f, const struct container_mount *volume, const char *stage)
{
	auto_buf struct buf data = BUF_INIT;
	char name[VOLUME_PATH_MAX];
	buf_addf(&data, "%s/_data", stage);
	int r = sys_mkdir_at(f->e->root_fd, stage, 0755);
	auto_close int fd = r < 0 ? r : file_make_dir_open_at(f->e->root_fd, data.data, 0755);
	if (fd < 0)
		return err_new(fd, "make %s", data.data);
	r = volume_fill(f, volume, fd);
	if (r < 0)
		return r;
	r = fmt(name, "%.*s", (int)(strlen(volume->source) - strlen("/_data")), volume->source);
	if (r >= 0)
		r = sys_rename_at(f->e->root_fd, stage, AT_FDCWD, name, RENAME_NOREPLACE);
	/* Another container was faster, and made the same volume. */
	return r < 0 && r != -EEXIST ? err_new(r, "make volume %s", volume->source) : 0;
}

static int volume_make_new(struct filling *f, const struct container_mount *volume)
{
	struct err_packet trail;
	auto_buf struct buf stage = BUF_INIT;
	buf_addf(&stage, STAGE_PREFIX "%s", f->c->id);
	stages_sweep(f->e);
	auto_close int lock = stage_lock(f->e, stage.data);
	if (lock < 0)
		return lock;
	int r = stage_fill(f, volume, stage.data);
	err_pack(&trail);
	stage_remove(f->e, stage.data);
	return r < 0 ? err_unpack(&trail) : 0;
}

static bool is_empty(int dir_fd)
{
	auto_strvec struct strvec names = STRVEC_INIT;
	return file_list_at(dir_fd, ".", &names) == 0 && names.count == 0;
}

/* An existing empty volume is filled in place, because a running container may use it. */
static int volume_make(struct filling *f, const struct container_mount *volume)
{
	auto_close int fd = file_open_dir_at(AT_FDCWD, volume->source);
	if (fd == -ENOENT)
		return volume_make_new(f, volume);
	if (fd < 0)
		return err_new(fd, "open volume %s", volume->source);
	if (f->c->rootfs || volume->keeps_empty || !is_empty(fd))
		return 0;
	int r = sys_flock(fd, LOCK_EX);
	if (r < 0)
		return err_new(r, "lock volume %s", volume->source);
	return is_empty(fd) ? volume_fill(f, volume, fd) : 0;
}

int volumes_make(struct engine *e, const struct container *c)
{
	struct filling f = {e, c, -EBADF};
	int r = anonymous_store(e, c);
	for (size_t i = 0; i < c->mounts.count && r == 0; i++)
		if (c->mounts.items[i].volume)
			r = volume_make(&f, &c->mounts.items[i]);
	fd_replace(&f.root_fd, -EBADF);
	return r;
}

/* Does another container name the volume? A container whose record cannot be read may. */
static bool is_used(struct engine *e, const char *id, const char *name)
{
	auto_of(container_list) struct container_list list = {0};
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
		for (size_t j = 0; r == 0 && j < c.mounts.count; j++) {
			const char *volume = c.mounts.items[j].volume;
			if (volume && str_eq(volume, name))
				return true;
		}
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

int volumes_use_lock(struct engine *e, bool is_alone)
{
	int fd = is_alone ? lock_file_at(e->root_fd, VOLUMES_USE, true)
			  : lock_shared_at(e->root_fd, VOLUMES_USE);
	return fd < 0 ? err_new(fd, "lock the volumes that are in use") : fd;
}

static int name_order(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int volume_list(struct engine *e, struct arena *a, struct volume_list *out)
{
	auto_strvec struct strvec names = STRVEC_INIT;
	*out = (struct volume_list){0};
	int r = file_list_at(e->root_fd, "volumes", &names);
	if (r < 0)
		return r == -ENOENT ? 0 : err_new(r, "list volumes");
	if (names.count)
		qsort(names.items, names.count, sizeof(*names.items), name_order);
	strvec_each (name, &names)
		if (**name != '.')
			*arena_push(a, out) = (struct volume_view){arena_str(a, *name),
				arena_printf(a, "%s/volumes/%s/_data", e->root_path, *name)};
	return 0;
}

/* Under the lock the volume is only renamed to the name of a volume that is being made, which no
 * container can use. If this process is killed, the next command that makes or removes a volume
 * deletes it. */
static int volume_take_away(struct engine *e, const char *name, const char *stage)
{
	auto_buf struct buf path = BUF_INIT;
	auto_close int uses = volumes_use_lock(e, true);
	if (uses < 0)
		return uses;
	buf_addf(&path, "volumes/%s", name);
	if (!*name || *name == '.' || strchr(name, '/') ||
		sys_access_at(e->root_fd, path.data, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return err_say(-ENOENT, "no such volume: %s", name);
	if (is_used(e, "", name))
		return err_say(-EBUSY, "volume %s is in use by a container", name);
	auto_close int lock = stage_lock(e, stage);
	if (lock < 0)
		return lock;
	int r = sys_rename_at(e->root_fd, path.data, e->root_fd, stage, RENAME_NOREPLACE);
	return r < 0 ? err_new(r, "remove volume %s", name) : take_fd(&lock);
}

int volume_remove(struct engine *e, const char *name)
{
	auto_arena struct arena a = ARENA_INIT;
	const char *stage = arena_printf(&a, STAGE_PREFIX "%s", id_make(&a));
	stages_sweep(e);
	auto_close int lock = volume_take_away(e, name, stage);
	if (lock < 0)
		return lock;
	stage_remove(e, stage);
	return 0;
}
