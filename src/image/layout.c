/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An OCI image layout: oci-layout, index.json, blobs/sha256/HEX. Its files are opened without following a symlink and
 * only when they are files. A document is read once, checked against its descriptor, and those bytes are parsed.
 */
#include "image/layout.h"
#include "archive/archive.h"
#include "base/json.h"
#include "base/str.h"
#include "sys/calls.h"
#include "sys/fd.h"
#include "sys/path.h"

#include <errno.h>
#include <fcntl.h>

enum { DESCRIPTORS_MAX = 1000, LAYERS_MAX = 127 };

static const char *const index_types[] = {"application/vnd.oci.image.index.v1+json",
	"application/vnd.docker.distribution.manifest.list.v2+json", NULL};
static const char *const manifest_types[] = {"application/vnd.oci.image.manifest.v1+json",
	"application/vnd.docker.distribution.manifest.v2+json", NULL};
static const char *const config_types[] = {"application/vnd.oci.image.config.v1+json",
	"application/vnd.docker.container.image.v1+json", NULL};

static const struct {
	const char *media_type;
	enum archive_compression compression;
} layer_types[] = {
	{"application/vnd.oci.image.layer.v1.tar", ARCHIVE_PLAIN},
	{"application/vnd.oci.image.layer.v1.tar+gzip", ARCHIVE_GZIP},
	{"application/vnd.oci.image.layer.v1.tar+zstd", ARCHIVE_ZSTD},
	{"application/vnd.docker.image.rootfs.diff.tar", ARCHIVE_PLAIN},
	{"application/vnd.docker.image.rootfs.diff.tar.gzip", ARCHIVE_GZIP},
};

static bool is_one_of(const char *word, const char *const *words)
{
	for (; *words; words++)
		if (str_eq(word, *words))
			return true;
	return false;
}

/* A regular file below the layout, never through a symlink. */
static int file_open(int layout_fd, const char *path)
{
	auto_close int found = path_open(layout_fd, path, O_PATH | O_NOFOLLOW, PATH_STRICT);
	struct stat st;
	int r = found < 0 ? found : sys_stat_fd(found, &st);
	if (r < 0)
		return err_new(r, "open %s of the image", path);
	if (!S_ISREG(st.st_mode))
		return err_say(-EINVAL, "%s of the image is not a regular file", path);
	int fd = path_open(
		layout_fd, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, PATH_STRICT);
	return fd < 0 ? err_new(fd, "open %s of the image", path) : fd;
}

static int document_read(int layout_fd, const char *path, struct buf *out)
{
	auto_close int fd = file_open(layout_fd, path);
	if (fd < 0)
		return fd;
	int r = fd_read_all(fd, MANIFEST_BYTES_MAX, out);
	return r < 0 ? err_new(r, "read %s of the image", path) : 0;
}

static void blob_path(char out[static 96], const char *hex)
{
	fmt_n(out, 96, "blobs/sha256/%s", hex);
}

int layout_blob_open(int layout_fd, const struct descriptor *d)
{
	char path[96];
	blob_path(path, d->hex);
	return file_open(layout_fd, path);
}

int layout_blob_read(int layout_fd, const struct descriptor *d, struct buf *out)
{
	char path[96], hex[ARCHIVE_HEX_LEN + 1];
	blob_path(path, d->hex);
	int r = document_read(layout_fd, path, out);
	if (r < 0)
		return r;
	archive_digest_of(out->data, out->len, hex);
	if (out->len != d->size_bytes || !str_eq(hex, d->hex))
		return err_say(-EBADMSG,
			"blob sha256:%s of the image has other bytes than its name says", d->hex);
	return 0;
}

static int descriptor_take(const struct json_cursor *c, struct arena *a, struct descriptor *out)
{
	const char *digest = NULL;
	*out = (struct descriptor){0};
	int r = json_opt_string(c, "mediaType", a, &out->media_type);
	if (r >= 0)
		r = json_opt_string(c, "digest", a, &digest);
	if (r >= 0)
		r = json_opt_u64(c, "size", &out->size_bytes);
	if (r < 0)
		return r;
	out->hex = digest ? digest_hex(digest) : NULL;
	if (!out->hex)
		return json_err(c, -EINVAL, "its digest is not sha256: and 64 hex digits");
	return out->media_type ? 0 : json_err(c, -EINVAL, "it has no mediaType");
}

/* A document that is what its media type says, and not something else as well (CVE-2021-41190). */
static int document_check(const struct json_cursor *root, struct arena *a, const char *const *types,
	const char *foreign)
{
	struct json_cursor other;
	uint64_t version = 0;
	const char *media_type = NULL;
	int r = json_need_object(root);
	if (r >= 0)
		r = json_opt_u64(root, "schemaVersion", &version);
	if (r >= 0)
		r = json_opt_string(root, "mediaType", a, &media_type);
	if (r < 0)
		return r;
	if (version != 2)
		return json_err(root, -EINVAL, "schemaVersion must be 2");
	if ((media_type && !is_one_of(media_type, types)) || json_field(root, foreign, &other))
		return json_err(root, -EINVAL, "it is something else than it was announced as");
	return 0;
}

static int is_named(const struct json_cursor *c, struct arena *a, const char *reference)
{
	struct json_cursor annotations;
	struct image_reference parsed;
	const char *name = NULL;
	auto_buf struct buf text = BUF_INIT;
	if (!json_field(c, "annotations", &annotations))
		return 0;
	int r = json_opt_string(&annotations, "org.opencontainers.image.ref.name", a, &name);
	if (r < 0 || !name)
		return r < 0 ? r : 0;
	if (reference_parse(name, a, &parsed) < 0)
		return 0;
	reference_write(&parsed, &text);
	return str_eq(text.data, reference);
}

static int index_search(const struct json_cursor *list, struct arena *a, const char *reference,
	struct descriptor *out)
{
	int count = json_count(list);
	if (count > DESCRIPTORS_MAX)
		return json_err(list, -E2BIG, "more than %d manifests", DESCRIPTORS_MAX);
	for (int i = 0; i < count; i++) {
		struct json_cursor item = json_item(list, (size_t)i);
		int r = is_named(&item, a, reference);
		if (r > 0)
			r = descriptor_take(&item, a, out);
		else if (r == 0)
			continue;
		if (r == 0 && !is_one_of(out->media_type, manifest_types))
			r = json_err(&item, -EINVAL, "its media type is not that of an image");
		return r;
	}
	return count < 0 ? count : err_say(-ENODATA, "the layout has no image %s", reference);
}

int layout_find(int layout_fd, const char *reference, struct arena *a, struct descriptor *out)
{
	auto_buf struct buf text = BUF_INIT;
	auto_of(json) struct json *layout = NULL, *index = NULL;
	const char *version = NULL;
	int r = document_read(layout_fd, "oci-layout", &text);
	if (r == 0)
		r = json_parse("oci-layout", text.data, text.len, &layout);
	if (r < 0)
		return r;
	struct json_cursor root = json_root(layout), list;
	r = json_opt_string(&root, "imageLayoutVersion", a, &version);
	if (r < 0)
		return r;
	if (!version || !str_eq(version, "1.0.0"))
		return json_err(&root, -EINVAL, "imageLayoutVersion must be 1.0.0");
	buf_clear(&text);
	r = document_read(layout_fd, "index.json", &text);
	if (r == 0)
		r = json_parse("index.json", text.data, text.len, &index);
	if (r < 0)
		return r;
	root = json_root(index);
	r = document_check(&root, a, index_types, "layers");
	if (r < 0)
		return r;
	if (!json_field(&root, "manifests", &list))
		return json_err(&root, -EINVAL, "it has no manifests");
	return index_search(&list, a, reference, out);
}

static int layer_take(const struct json_cursor *c, struct arena *a, struct layer_descriptor *out)
{
	int r = descriptor_take(c, a, &out->blob);
	if (r < 0)
		return r;
	for (size_t i = 0; i < sizeof(layer_types) / sizeof(layer_types[0]); i++)
		if (str_eq(out->blob.media_type, layer_types[i].media_type)) {
			out->compression = layer_types[i].compression;
			return 0;
		}
	return json_err(c, -EINVAL, "its media type is not that of a layer");
}

int manifest_parse(const struct buf *text, struct arena *a, struct manifest *out)
{
	auto_of(json) struct json *document = NULL;
	int r = json_parse("image manifest", text->data, text->len, &document);
	if (r < 0)
		return r;
	struct json_cursor root = json_root(document), config, layers;
	*out = (struct manifest){0};
	r = document_check(&root, a, manifest_types, "manifests");
	if (r < 0)
		return r;
	if (!json_field(&root, "config", &config) || !json_field(&root, "layers", &layers))
		return json_err(&root, -EINVAL, "it has no config or no layers");
	r = descriptor_take(&config, a, &out->config);
	if (r == 0 && !is_one_of(out->config.media_type, config_types))
		r = json_err(
			&config, -EINVAL, "its media type is not that of an image's configuration");
	int count = r < 0 ? r : json_count(&layers);
	if (count > LAYERS_MAX)
		return json_err(&layers, -E2BIG, "an image has at most %d layers", LAYERS_MAX);
	for (int i = 0; i < count && r == 0; i++) {
		struct json_cursor item = json_item(&layers, (size_t)i);
		r = layer_take(&item, a, arena_push(a, out));
	}
	return count < 0 ? count : r;
}
