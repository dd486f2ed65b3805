/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The root of a container: its own writable layer above an overlay of its image's layers, or above
 * a directory of the user's.
 */
#include "engine/internal.h"
#include "base/err.h"
#include "base/str.h"
#include "mount/mount.h"
#include "storage/storage.h"
#include "sys/calls.h"

#include <errno.h>
#include <fcntl.h>

/* The directories of the image, or of --rootfs, lowest first. */
static int image_layers(
	const struct engine *e, const struct container *c, struct arena *a, struct str_list *out)
{
	if (c->rootfs)
		*arena_push(a, out) = c->rootfs;
	else if (c->layers.count > STORAGE_LAYERS_MAX)
		return err_say(-EINVAL, "an image of %zu layers cannot be run", c->layers.count);
	for (size_t i = 0; !c->rootfs && i < c->layers.count; i++) {
		if (!str_is_hex(c->layers.items[i], STORAGE_CHAIN_LEN))
			return err_say(-EBADMSG, "container %.12s: a chain id is %d hex digits",
				c->id, STORAGE_CHAIN_LEN);
		*arena_push(a, out) = arena_printf(
			a, "%s/layers/%s/tree", e->root_path, c->layers.items[i]);
	}
	return 0;
}

/* Mount points are only for images: a --rootfs may be any directory, even "/", and the kernel
 * refuses layers that contain each other. */
int root_layers(
	const struct engine *e, const struct container *c, struct arena *a, struct str_list *out)
{
	if (!c->rootfs)
		*arena_push(a, out) = arena_printf(a, "%s/mountpoints", e->root_path);
	return image_layers(e, c, a, out);
}

static int layer_open(const char *path)
{
	int fd = sys_open_at(AT_FDCWD, path, O_PATH | O_DIRECTORY, 0);
	return fd < 0 ? err_new(fd, "open layer %s", path) : fd;
}

static int overlay_open(const struct container *c, const struct str_list *layers,
	const struct storage_snapshot *snapshot)
{
	int fds[1 + STORAGE_LAYERS_MAX];
	size_t opened = 0;
	int r = 0;
	for (; opened < layers->count; opened++) {
		r = fds[opened] = layer_open(layers->items[opened]);
		if (r < 0)
			break;
	}
	struct mount_overlay overlay = {
		.layers = fds,
		.layer_count = opened,
		.upper_fd = snapshot->upper_fd,
		.work_fd = snapshot->work_fd,
		.is_volatile = c->is_auto_remove,
	};
	if (r >= 0)
		r = mount_overlay_open(&overlay);
	for (size_t i = 0; i < opened; i++)
		fd_close(fds[i]);
	return r < 0 ? err_wrap(r, "assemble the root of container %.12s", c->id) : r;
}

int root_open(const struct engine *e, const struct container *c)
{
	auto_arena struct arena a = ARENA_INIT;
	struct str_list layers = {0};
	auto_of(storage_snapshot) struct storage_snapshot snapshot = STORAGE_SNAPSHOT_INIT;
	int r = root_layers(e, c, &a, &layers);
	if (r == 0)
		r = storage_snapshot_open(e->root_fd, c->id, &snapshot);
	if (r < 0)
		return r;
	r = overlay_open(c, &layers, &snapshot);
	if (r != -ENOENT || c->rootfs)
		return r;
	/* For the first container of an instance, the mount points do not exist yet. */
	auto_close int made = storage_mountpoints_open(e->root_fd);
	return made < 0 ? made : overlay_open(c, &layers, &snapshot);
}

static int top_open(const struct engine *e, const struct str_list *layers)
{
	return layers->count ? layer_open(layers->items[layers->count - 1])
			     : storage_mountpoints_open(e->root_fd);
}

int container_top_open(const struct engine *e, const struct container *c)
{
	auto_arena struct arena a = ARENA_INIT;
	struct str_list layers = {0};
	int r = image_layers(e, c, &a, &layers);
	return r < 0 ? r : top_open(e, &layers);
}

int container_image_root_open(const struct engine *e, const struct container *c)
{
	auto_arena struct arena a = ARENA_INIT;
	struct str_list layers = {0};
	int r = image_layers(e, c, &a, &layers);
	if (r < 0)
		return r;
	if (layers.count <= 1)
		return top_open(e, &layers);
	struct storage_snapshot none = STORAGE_SNAPSHOT_INIT;
	return overlay_open(c, &layers, &none);
}
