/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The documents of a layout, as its maker may have written them: index.json, Docker's
 * manifest.json, a manifest.
 */
#include "heap.h"
#include "image/layout.h"

#include "base/str.h"
#include "sys/file.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char place[] = "/tmp/husk-fuzz-layout-XXXXXX";

static void place_remove(void)
{
	file_remove_tree_at(AT_FDCWD, place);
}

/* Makes a directory in which each document has the same bytes. */
static int layout_dir(const uint8_t *data, size_t size)
{
	static int dir = -1;
	static const char version[] = "{\"imageLayoutVersion\":\"1.0.0\"}";
	if (dir < 0) {
		if (!mkdtemp(place))
			BUG("no directory");
		atexit(place_remove);
		dir = open(place, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (file_replace_at(dir, "oci-layout", version, sizeof(version) - 1, 0600, false) <
			0)
			BUG("no layout");
	}
	static const char *const names[] = {"index.json", "manifest.json"};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		int fd = openat(dir, names[i], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		if (fd < 0 || write(fd, data, size) != (ssize_t)size)
			BUG("no %s", names[i]);
		close(fd);
	}
	return dir;
}

static void descriptor_check(const struct descriptor *d)
{
	if (strlen(d->hex) != 64 || !str_is_hex(d->hex, 64))
		BUG("a digest of %s", d->hex);
}

static void documents_check(const uint8_t *data, size_t size)
{
	auto_of(arena) struct arena a = ARENA_INIT;
	auto_of(buf) struct buf text = BUF_INIT;
	auto_of(layout) struct layout l = {0};
	struct layout_images images = {0};
	struct layout_image found;
	struct docker_images docker = {0};
	struct manifest manifest = {0};
	if (layout_open(&l, layout_dir(data, size)) < 0)
		return;
	if (layout_list(&l, &a, &images) == 0)
		for (size_t i = 0; i < images.count; i++)
			descriptor_check(&images.items[i].manifest);
	if (layout_find(&l, "docker.io/library/x:latest", &a, &found) == 0)
		descriptor_check(&found.manifest);
	if (docker_list(&l, &a, &docker) == 0)
		for (size_t i = 0; i < docker.count; i++)
			if (!docker.items[i].config)
				BUG("an image without a configuration");
	buf_add(&text, data, size);
	if (manifest_parse(&text, &a, &manifest) == 0) {
		descriptor_check(&manifest.config);
		for (size_t i = 0; i < manifest.count; i++)
			descriptor_check(&manifest.items[i].blob);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_in_heap(documents_check, data, size);
	return 0;
}
