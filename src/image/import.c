/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An image from a layout into the store. In the order layers, content, record, reference: each is durable before the
 * next begins, so a crash leaves layers that the next import finds, and no image that lacks one. One import at a time
 * (images.lock); who waited for the lock may find that all is done.
 */
#include "image/layout.h"
#include "base/str.h"
#include "storage/storage.h"
#include "sys/calls.h"
#include "sys/fd.h"
#include "sys/file.h"
#include "sys/lock.h"

#include <errno.h>
#include <fcntl.h>

enum { LAYERS_MAX = 127 };

struct job {
	const struct import *import;
	struct arena arena;
	struct descriptor manifest_blob;
	struct buf manifest_text, config_text;
	struct manifest manifest;
	struct config_facts config;
	struct image image;
	int lower_fds[LAYERS_MAX];
	size_t lower_count;
};

static void job_release(struct job *j)
{
	for (size_t i = 0; i < j->lower_count; i++)
		fd_close(j->lower_fds[i]);
	buf_release(&j->manifest_text);
	buf_release(&j->config_text);
	arena_release(&j->arena);
}
AUTO_STRUCT(job, struct job, job_release)

/* Is the wanted manifest already here, whole, and under the wanted name? */
static bool is_done(struct job *j, const struct image_reference *reference)
{
	char hex[DIGEST_HEX_LEN + 1];
	struct image there;
	return reference_resolve(j->import->store_fd, reference, hex) == 0 &&
		str_eq(hex, j->manifest_blob.hex) &&
		image_load(j->import->store_fd, hex, &j->arena, &there) == 0;
}

/* The chain id of the lowest layer is its diff id; above, a hash of what is below and the own one. */
static void chain_compute(struct job *j)
{
	struct str_list *chain = &j->image.chain_ids;
	for (size_t i = 0; i < j->config.diff_hex.count; i++) {
		const char *own = j->config.diff_hex.items[i];
		char hex[ARCHIVE_HEX_LEN + 1];
		auto_buf struct buf text = BUF_INIT;
		if (i > 0) {
			buf_addf(&text, "sha256:%s sha256:%s", chain->items[i - 1], own);
			archive_digest_of(text.data, text.len, hex);
			own = hex;
		}
		*arena_push(&j->arena, chain) = arena_str(&j->arena, own);
	}
}

static int documents_read(struct job *j)
{
	int layout = j->import->layout_fd;
	int r = layout_blob_read(layout, &j->manifest_blob, &j->manifest_text);
	if (r == 0)
		r = manifest_parse(&j->manifest_text, &j->arena, &j->manifest);
	if (r == 0)
		r = layout_blob_read(layout, &j->manifest.config, &j->config_text);
	if (r == 0)
		r = config_parse(j->config_text.data, j->config_text.len, &j->arena, &j->config);
	if (r < 0)
		return r;
	if (j->manifest.count == 0 || j->config.diff_hex.count != j->manifest.count)
		return err_say(-EINVAL, "the image has %zu layers and %zu diff ids",
			j->manifest.count, j->config.diff_hex.count);
	chain_compute(j);
	return 0;
}

static int layer_make(struct job *j, size_t index)
{
	const struct layer_descriptor *layer = &j->manifest.items[index];
	auto_close int fd = layout_blob_open(j->import->layout_fd, &layer->blob);
	if (fd < 0)
		return fd;
	auto_of(storage_stage) struct storage_stage stage = STORAGE_STAGE_INIT;
	int r = storage_stage_begin(j->import->store_fd, &stage);
	if (r < 0)
		return r;
	const struct archive_blob blob = {
		.fd = fd,
		.compression = layer->compression,
		.size_bytes = layer->blob.size_bytes,
		.digest_hex = layer->blob.hex,
		.diff_hex = j->config.diff_hex.items[index],
	};
	const struct archive_target target = {
		.dir_fd = stage.tree_fd,
		.limits = &archive_limits_default,
		.lower_fds = j->lower_fds,
		.lower_count = j->lower_count,
		.make_opaque = j->import->make_opaque,
		.side_fd = stage.side_fd,
		.context = j->import->context,
	};
	struct layer_facts facts;
	r = archive_unpack_layer(&blob, &target, &facts.sizes);
	if (r < 0)
		return err_wrap(r, "layer %zu of %zu", index + 1, j->manifest.count);
	r = layer_facts_store(stage.side_fd, &facts);
	if (r < 0)
		return r;
	return storage_stage_commit(&stage, j->image.chain_ids.items[index]);
}

static int layers_make(struct job *j)
{
	for (size_t i = 0; i < j->manifest.count; i++) {
		const char *chain = j->image.chain_ids.items[i];
		int r = storage_layer_find(j->import->store_fd, chain) ? 0 : layer_make(j, i);
		if (r < 0)
			return r;
		int fd = storage_layer_open(j->import->store_fd, chain);
		if (fd < 0)
			return fd;
		j->lower_fds[j->lower_count++] = fd;
		struct layer_facts facts;
		r = layer_facts_load(j->import->store_fd, chain, &facts);
		if (r < 0)
			return r;
		j->image.size_bytes += facts.sizes.file_bytes;
	}
	return 0;
}

static int file_store(const struct job *j, const char *path, const char *data, size_t size)
{
	int r = file_replace_at(j->import->store_fd, path, data, size, 0600, true);
	return r < 0 ? err_new(r, "store %s", path) : 0;
}

static int content_store(const struct job *j, const char *hex, const struct buf *text)
{
	char path[96];
	fmt(path, "content/sha256/%s", hex);
	return file_store(j, path, text->data, text->len);
}

static int image_store(struct job *j, const struct image_reference *reference)
{
	char path[96];
	auto_buf struct buf record = BUF_INIT, name = BUF_INIT, digest = BUF_INIT;
	j->image.id = arena_printf(&j->arena, "sha256:%s", j->manifest.config.hex);
	j->image.digest = arena_printf(&j->arena, "sha256:%s", j->manifest_blob.hex);
	j->image.created_ns = j->config.created_ns;
	record_write(&j->image, &record);
	buf_addf(&digest, "%s\n", j->image.digest);
	buf_adds(&name, "refs/");
	int r = reference_file(reference, &name);
	if (r < 0)
		return err_new(r, "store the reference %s", j->import->reference);
	r = content_store(j, j->manifest.config.hex, &j->config_text);
	if (r == 0)
		r = content_store(j, j->manifest_blob.hex, &j->manifest_text);
	fmt(path, "images/%s.json", j->manifest_blob.hex);
	if (r == 0)
		r = file_store(j, path, record.data, record.len);
	return r < 0 ? r : file_store(j, name.data, digest.data, digest.len);
}

static int directories_make(int store_fd)
{
	static const char *const names[] = {
		"content", "content/sha256", "images", "layers", "refs", "tmp"};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		int r = file_make_dirs_at(store_fd, names[i], 0700);
		if (r < 0)
			return err_new(r, "make %s in the engine's root", names[i]);
	}
	return 0;
}

/* Files that a killed import was about to put in their place: under the lock they are nobody's. */
static int halves_sweep(int store_fd)
{
	static const char *const dirs[] = {"content/sha256", "images", "refs"};
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		auto_strvec struct strvec names = STRVEC_INIT;
		auto_close int dir = file_open_dir_at(store_fd, dirs[i]);
		int r = dir < 0 ? dir : file_list_at(dir, ".", &names);
		strvec_each (name, &names) {
			if (r == 0 && **name == '.')
				r = sys_unlink_at(dir, *name, 0);
		}
		if (r < 0)
			return err_new(r, "sweep %s of the engine's root", dirs[i]);
	}
	return 0;
}

static int job_run(struct job *j)
{
	const struct import *i = j->import;
	struct image_reference reference;
	int r = reference_parse(i->reference, &j->arena, &reference);
	if (r == 0)
		r = layout_find(i->layout_fd, i->reference, &j->arena, &j->manifest_blob);
	if (r < 0)
		return r;
	auto_close int lock = lock_file_at(i->store_fd, "images.lock", true);
	if (lock < 0)
		return err_new(lock, "lock the images");
	if (is_done(j, &reference))
		return 0;
	r = directories_make(i->store_fd);
	if (r == 0)
		r = storage_sweep(i->store_fd);
	if (r == 0)
		r = halves_sweep(i->store_fd);
	if (r == 0)
		r = documents_read(j);
	if (r == 0)
		r = layers_make(j);
	return r < 0 ? r : image_store(j, &reference);
}

int import_layout(const struct import *i)
{
	auto_of(job) struct job j = {
		.import = i,
		.manifest_text = BUF_INIT,
		.config_text = BUF_INIT,
	};
	return job_run(&j);
}
