/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The root of a container: an overlay of the layers of its image, or a directory of the user's, below its own writable
 * layer.
 */
#include "engine/internal.h"
#include "base/err.h"
#include "monitor/monitor.h"
#include "mount/mount.h"
#include "storage/storage.h"
#include "sys/calls.h"

#include <errno.h>
#include <fcntl.h>

static size_t layer_count(const struct container *c)
{
	return c->rootfs ? 1 : c->layers.count;
}

static int layer_open(const struct engine *e, const struct container *c, size_t index)
{
	if (!c->rootfs)
		return storage_layer_open(e->root_fd, c->layers.items[index]);
	int fd = sys_open_at(AT_FDCWD, c->rootfs, O_PATH | O_DIRECTORY, 0);
	return fd < 0 ? err_new(fd, "open %s", c->rootfs) : fd;
}

int container_top_open(const struct engine *e, const struct container *c)
{
	size_t count = layer_count(c);
	return count ? layer_open(e, c, count - 1) : storage_mountpoints_open(e->root_fd);
}

/* The overlay of all layers: of an image, above that of the mount points where something will be mounted. A --rootfs may
 * be anything, "/" as well, and the kernel wants layers that do not contain each other. */
static int overlay_open(
	const struct engine *e, const struct container *c, const struct storage_snapshot *snapshot)
{
	int layers[1 + STORAGE_LAYERS_MAX];
	size_t count = layer_count(c), opened = 0;
	if (count > STORAGE_LAYERS_MAX)
		return err_say(-EINVAL, "an image of %zu layers cannot be run", count);
	int r = 0;
	if (snapshot->upper_fd >= 0 && !c->rootfs) {
		r = storage_mountpoints_open(e->root_fd);
		if (r >= 0)
			layers[opened++] = r;
	}
	for (size_t i = 0; i < count && r >= 0; i++) {
		r = layer_open(e, c, i);
		if (r >= 0)
			layers[opened++] = r;
	}
	struct mount_overlay overlay = {
		.layers = layers,
		.layer_count = opened,
		.upper_fd = snapshot->upper_fd,
		.work_fd = snapshot->work_fd,
		.is_volatile = c->is_auto_remove,
	};
	if (r >= 0)
		r = mount_overlay_open(&overlay);
	for (size_t i = 0; i < opened; i++)
		fd_close(layers[i]);
	return r < 0 ? err_wrap(r, "assemble the root of container %.12s", c->id) : r;
}

int root_open(const struct engine *e, const struct container *c)
{
	auto_of(storage_snapshot) struct storage_snapshot snapshot = STORAGE_SNAPSHOT_INIT;
	int r = storage_snapshot_open(e->root_fd, c->id, &snapshot);
	return r < 0 ? r : overlay_open(e, c, &snapshot);
}

int container_image_root_open(const struct engine *e, const struct container *c)
{
	if (layer_count(c) <= 1)
		return container_top_open(e, c);
	struct storage_snapshot none = STORAGE_SNAPSHOT_INIT;
	return overlay_open(e, c, &none);
}
