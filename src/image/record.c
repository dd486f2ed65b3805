/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records of images, and the manifests that references stand for. The chain ids are in the record
 * because computing them needs a digest function, which only the worker links; the configuration is
 * read from the content store.
 */
#include "image/internal.h"
#include "base/json.h"
#include "base/str.h"
#include "storage/storage.h"
#include "sys/file.h"

#include <errno.h>

enum { CONTENT_PATH_MAX = 128 };

void record_write(const struct image *image, struct buf *out)
{
	struct json_writer w = {.out = out};
	json_open_object(&w, NULL);
	json_put_string(&w, "config", image->id);
	json_put_u64(&w, "sizeBytes", image->size_bytes);
	json_open_array(&w, "layers");
	for (size_t i = 0; i < image->chain_ids.count; i++)
		json_put_string(&w, NULL, image->chain_ids.items[i]);
	json_close_array(&w);
	json_close_object(&w);
	buf_addc(out, '\n');
}

static int record_take(const struct json_cursor *root, struct arena *a, struct image *out)
{
	int r = json_need_object(root);
	if (r >= 0)
		r = json_opt_string(root, "config", a, &out->id);
	if (r >= 0)
		r = json_opt_u64(root, "sizeBytes", &out->size_bytes);
	if (r >= 0)
		r = json_opt_strings(root, "layers", a, &out->chain_ids);
	if (r < 0)
		return r;
	if (!out->id || !digest_hex(out->id))
		return json_err(root, -EBADMSG, "config is not a digest");
	for (size_t i = 0; i < out->chain_ids.count; i++)
		if (!str_is_hex(out->chain_ids.items[i], DIGEST_HEX_LEN))
			return json_err(root, -EBADMSG, "layers[%zu] is not 64 hex digits", i);
	return 0;
}

int record_load(int root_fd, const char *manifest_hex, struct arena *a, struct image *out)
{
	char path[CONTENT_PATH_MAX];
	int r = fmt(path, "images/%s.json", manifest_hex);
	auto_buf struct buf text = BUF_INIT;
	if (r >= 0)
		r = file_read_at(root_fd, path, RECORD_BYTES_MAX, &text);
	if (r < 0)
		return err_new(r, "read the record of image %.12s", manifest_hex);
	auto_of(json) struct json *document = NULL;
	r = json_parse(path, text.data, text.len, &document);
	if (r < 0)
		return r;
	struct json_cursor root = json_root(document);
	*out = (struct image){.digest = arena_printf(a, "sha256:%s", manifest_hex)};
	return record_take(&root, a, out);
}

/* A crash cannot cause this (import.c), but a manual change of the store can. The image must then
 * be imported again. */
static int layers_check(int root_fd, const struct image *image)
{
	for (size_t i = 0; i < image->chain_ids.count; i++)
		if (!storage_layer_find(root_fd, image->chain_ids.items[i]))
			return err_say(-ENOENT, "image %.12s is incomplete: layer %.12s is missing",
				digest_hex(image->id), image->chain_ids.items[i]);
	return 0;
}

int image_load(int root_fd, const char *manifest_hex, struct arena *a, struct image *out)
{
	int r = record_load(root_fd, manifest_hex, a, out);
	if (r == 0)
		r = layers_check(root_fd, out);
	if (r < 0)
		return r;
	char path[CONTENT_PATH_MAX];
	r = fmt(path, "content/sha256/%s", digest_hex(out->id));
	auto_buf struct buf text = BUF_INIT;
	if (r >= 0)
		r = file_read_at(root_fd, path, CONFIG_BYTES_MAX, &text);
	if (r < 0)
		return err_new(r, "read the configuration of image %.12s", digest_hex(out->id));
	struct config_facts facts;
	r = config_parse(text.data, text.len, a, &facts);
	if (r < 0)
		return err_wrap(r, "image %.12s", digest_hex(out->id));
	if (facts.diff_hex.count != out->chain_ids.count)
		return err_say(-EBADMSG, "image %.12s: its record and its configuration differ",
			digest_hex(out->id));
	out->config = facts.config;
	out->created_ns = facts.created_ns;
	return 0;
}

int reference_read(int root_fd, const char *file_name, char out_hex[static DIGEST_HEX_LEN + 1])
{
	auto_buf struct buf path = BUF_INIT, text = BUF_INIT;
	buf_addf(&path, "refs/%s", file_name);
	int r = file_read_at(root_fd, path.data, DIGEST_TEXT_LEN + 1, &text);
	if (r < 0)
		return r;
	if (text.len > 0 && text.data[text.len - 1] == '\n')
		text.data[--text.len] = '\0';
	const char *hex = digest_hex(text.data);
	if (!hex)
		return -EBADMSG;
	fmt_n(out_hex, DIGEST_HEX_LEN + 1, "%s", hex);
	return 0;
}

int reference_resolve(
	int root_fd, const struct image_reference *ref, char out_hex[static DIGEST_HEX_LEN + 1])
{
	struct image_reference stored = *ref;
	auto_buf struct buf file = BUF_INIT;
	if (ref->digest)
		stored.tag = NULL;
	int r = reference_file(&stored, &file);
	r = r < 0 ? -ENOENT : reference_read(root_fd, file.data, out_hex);
	if (r == 0 || !ref->digest)
		return r;
	/* A digest says which bytes are meant, under whatever name they were stored. */
	fmt_n(out_hex, DIGEST_HEX_LEN + 1, "%s", digest_hex(ref->digest));
	return 0;
}
