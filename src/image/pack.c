/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes images as one archive that docker, podman, skopeo and husk load: an OCI layout in a tar
 * stream and, unless only that is wanted, Docker's manifest.json beside it. Layers are rebuilt from
 * their trees and not compressed, so the digest of a layer is its diff id and known before it is
 * written. The written bytes are compared with it. Each layer is written once.
 *
 * The arguments: the format, then for each image the hex digits of its manifest and its references.
 */
#include "archive/archive.h"
#include "base/json.h"
#include "base/str.h"
#include "image/layout.h"
#include "storage/storage.h"
#include "sys/fd.h"
#include "sys/file.h"

#include <errno.h>

struct saved_image {
	struct image image;
	struct config_facts config;
	struct str_list names; /* canonical references */
	const char *config_hex, *manifest_hex; /* of what is written */
	uint64_t config_size, manifest_size;
};

struct save {
	int store_fd, out_fd;
	struct arena arena;
	struct str_list written; /* blobs, by their hex digits */
	struct {
		struct saved_image *items;
		size_t count;
	} images;
};

static void save_release(struct save *s)
{
	arena_release(&s->arena);
}
AUTO_STRUCT(save, struct save, save_release)

static int out_write(struct save *s, const void *data, size_t size)
{
	int r = fd_write_full(s->out_fd, data, size);
	return r < 0 ? err_new(r, "write the archive") : 0;
}

static int header_write(struct save *s, const char *name, uint64_t size)
{
	char block[ARCHIVE_BLOCK];
	archive_tar_header(block, name, size);
	return out_write(s, block, sizeof(block));
}

static int padding_write(struct save *s, uint64_t size)
{
	static const char zeros[ARCHIVE_BLOCK];
	return out_write(s, zeros, -size % ARCHIVE_BLOCK);
}

static int file_write(struct save *s, const char *name, const struct buf *text)
{
	int r = header_write(s, name, text->len);
	if (r == 0)
		r = out_write(s, text->data, text->len);
	return r < 0 ? r : padding_write(s, text->len);
}

/* 1: the archive has the blob already. Otherwise notes the blob and writes its header. */
static int blob_begin(struct save *s, const char *hex, uint64_t size)
{
	auto_buf struct buf name = BUF_INIT;
	for (size_t i = 0; i < s->written.count; i++)
		if (str_eq(s->written.items[i], hex))
			return 1;
	*arena_push(&s->arena, &s->written) = hex;
	buf_addf(&name, "blobs/sha256/%s", hex);
	return header_write(s, name.data, size);
}

static int text_blob_write(struct save *s, const struct buf *text, const char **out_hex)
{
	char hex[ARCHIVE_HEX_LEN + 1];
	archive_digest_of(text->data, text->len, hex);
	*out_hex = arena_str(&s->arena, hex);
	int r = blob_begin(s, *out_hex, text->len);
	if (r == 0)
		r = out_write(s, text->data, text->len);
	if (r == 0)
		r = padding_write(s, text->len);
	return r < 0 ? r : 0;
}

/* A layer that is being written. */
struct layer_check {
	struct save *save;
	struct archive_digest *digest;
	uint64_t bytes, bytes_max;
};

static int layer_piece(void *context, const void *data, size_t size)
{
	struct layer_check *check = context;
	check->bytes += size;
	if (check->bytes > check->bytes_max)
		return err_say(-EBADMSG, "the recipe of a layer is damaged");
	archive_digest_add(check->digest, data, size);
	return out_write(check->save, data, size);
}

static int layer_rebuild(struct save *s, const char *chain, const char *diff, uint64_t tar_bytes)
{
	char hex[ARCHIVE_HEX_LEN + 1];
	auto_of(archive_digest) struct archive_digest *digest = archive_digest_new();
	auto_close int tree = storage_layer_open(s->store_fd, chain);
	auto_close int side = tree < 0 ? tree : storage_layer_open_side(s->store_fd, chain);
	if (side < 0)
		return side;
	struct layer_check check = {.save = s, .digest = digest, .bytes_max = tar_bytes};
	const struct archive_rebuild told = {
		.tree_fd = tree, .side_fd = side, .write = layer_piece, .context = &check};
	int r = archive_rebuild_layer(&told);
	archive_digest_hex(digest, hex);
	if (r == 0 && !str_eq(hex, diff))
		r = err_say(-EBADMSG, "its files are not those that it came with");
	return r;
}

static int layer_write(struct save *s, const char *chain, const char *diff)
{
	struct layer_facts facts;
	int r = layer_facts_load(s->store_fd, chain, &facts);
	if (r == 0)
		r = blob_begin(s, diff, facts.sizes.tar_bytes);
	if (r != 0)
		return r < 0 ? r : 0;
	r = layer_rebuild(s, chain, diff, facts.sizes.tar_bytes);
	return r < 0 ? err_wrap(r, "layer %.12s", chain) : padding_write(s, facts.sizes.tar_bytes);
}

static int manifest_write(struct save *s, struct saved_image *image)
{
	auto_buf struct buf text = BUF_INIT;
	const struct plain_manifest m = {.store_fd = s->store_fd,
		.config_hex = image->config_hex,
		.config_size = image->config_size,
		.chain_ids = &image->image.chain_ids,
		.diff_hex = &image->config.diff_hex};
	int r = plain_manifest_write(&m, &text);
	image->manifest_size = text.len;
	return r < 0 ? r : text_blob_write(s, &text, &image->manifest_hex);
}

static int image_write(struct save *s, struct saved_image *image)
{
	auto_buf struct buf config = BUF_INIT, path = BUF_INIT;
	buf_addf(&path, "content/sha256/%s", digest_hex(image->image.id));
	int r = file_read_at(s->store_fd, path.data, CONFIG_BYTES_MAX, &config);
	if (r < 0)
		return err_new(
			r, "read the configuration of image %.12s", digest_hex(image->image.id));
	r = config_parse(config.data, config.len, &s->arena, &image->config);
	if (r < 0)
		return r;
	for (size_t i = 0; i < image->image.chain_ids.count && r == 0; i++)
		r = layer_write(
			s, image->image.chain_ids.items[i], image->config.diff_hex.items[i]);
	image->config_size = config.len;
	if (r == 0)
		r = text_blob_write(s, &config, &image->config_hex);
	return r < 0 ? r : manifest_write(s, image);
}

/* As Docker does: an image without a name is listed once, an image with several names once for
 * each. */
static void index_put(struct json_writer *w, const struct saved_image *image, const char *name)
{
	auto_buf struct buf digest = BUF_INIT;
	buf_addf(&digest, "sha256:%s", image->manifest_hex);
	json_open_object(w, NULL);
	json_put_string(w, "mediaType", MEDIA_MANIFEST);
	json_put_string(w, "digest", digest.data);
	json_put_u64(w, "size", image->manifest_size);
	if (name) {
		const char *tag = strrchr(name, ':');
		json_open_object(w, "annotations");
		json_put_string(w, "io.containerd.image.name", name);
		json_put_string(w, "org.opencontainers.image.ref.name", tag ? tag + 1 : name);
		json_close_object(w);
	}
	json_close_object(w);
}

static int index_write(struct save *s)
{
	auto_buf struct buf text = BUF_INIT;
	struct json_writer w = {.out = &text};
	json_open_object(&w, NULL);
	json_put_u64(&w, "schemaVersion", 2);
	json_put_string(&w, "mediaType", "application/vnd.oci.image.index.v1+json");
	json_open_array(&w, "manifests");
	for (size_t i = 0; i < s->images.count; i++) {
		const struct saved_image *image = &s->images.items[i];
		if (image->names.count == 0)
			index_put(&w, image, NULL);
		for (size_t j = 0; j < image->names.count; j++)
			index_put(&w, image, image->names.items[j]);
	}
	json_close_array(&w);
	json_close_object(&w);
	return file_write(s, "index.json", &text);
}

static void blob_name_put(struct json_writer *w, const char *key, const char *hex)
{
	auto_buf struct buf name = BUF_INIT;
	buf_addf(&name, "blobs/sha256/%s", hex);
	json_put_string(w, key, name.data);
}

static void docker_image_put(
	struct json_writer *w, const struct saved_image *image, struct arena *a)
{
	json_open_object(w, NULL);
	blob_name_put(w, "Config", image->config_hex);
	json_open_array(w, "RepoTags");
	for (size_t i = 0; i < image->names.count; i++) {
		auto_buf struct buf shown = BUF_INIT;
		struct image_reference parsed;
		if (reference_parse(image->names.items[i], a, &parsed) == 0)
			reference_write_short(&parsed, &shown);
		json_put_string(w, NULL, shown.data);
	}
	json_close_array(w);
	json_open_array(w, "Layers");
	for (size_t i = 0; i < image->config.diff_hex.count; i++)
		blob_name_put(w, NULL, image->config.diff_hex.items[i]);
	json_close_array(w);
	json_close_object(w);
}

static int docker_manifest_write(struct save *s)
{
	auto_buf struct buf text = BUF_INIT;
	struct json_writer w = {.out = &text};
	json_open_array(&w, NULL);
	for (size_t i = 0; i < s->images.count; i++)
		docker_image_put(&w, &s->images.items[i], &s->arena);
	json_close_array(&w);
	return file_write(s, "manifest.json", &text);
}

static int archive_write(struct save *s, enum save_format format)
{
	static const char end[2 * ARCHIVE_BLOCK];
	auto_buf struct buf layout = BUF_INIT;
	buf_adds(&layout, "{\"imageLayoutVersion\":\"1.0.0\"}");
	int r = file_write(s, "oci-layout", &layout);
	if (r == 0)
		r = header_write(s, "blobs/", 0);
	if (r == 0)
		r = header_write(s, "blobs/sha256/", 0);
	for (size_t i = 0; i < s->images.count && r == 0; i++)
		r = image_write(s, &s->images.items[i]);
	if (r == 0)
		r = index_write(s);
	if (r == 0 && format == SAVE_DOCKER)
		r = docker_manifest_write(s);
	return r < 0 ? r : out_write(s, end, sizeof(end));
}

static int images_take(struct save *s, int argc, char **argv)
{
	for (int i = 0; i < argc; i++) {
		struct saved_image *last = s->images.items + s->images.count - 1;
		if (!str_is_hex(argv[i], DIGEST_HEX_LEN) && s->images.count == 0)
			return err_say(-EINVAL, "a name before an image");
		if (!str_is_hex(argv[i], DIGEST_HEX_LEN)) {
			*arena_push(&s->arena, &last->names) = argv[i];
			continue;
		}
		struct saved_image *image = arena_push(&s->arena, &s->images);
		int r = image_load(s->store_fd, argv[i], &s->arena, &image->image);
		if (r < 0)
			return r;
	}
	return 0;
}

int save_images(int store_fd, int out_fd, int argc, char **argv)
{
	auto_of(save) struct save s = {.store_fd = store_fd, .out_fd = out_fd};
	int format = argc > 1 ? save_format_find(argv[0]) : -EINVAL;
	if (format < 0)
		return err_say(-EINVAL, "save takes a format and images");
	int r = images_take(&s, argc - 1, argv + 1);
	return r < 0 ? r : archive_write(&s, (enum save_format)format);
}
