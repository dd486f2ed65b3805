/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An OCI image layout: oci-layout, index.json, blobs/sha256/HEX. A document is read once and
 * checked against its descriptor; the same bytes are then parsed.
 */
#include "image/layout.h"
#include "archive/archive.h"
#include "base/json.h"
#include "base/str.h"
#include "sys/fd.h"

#include <errno.h>
#include <sys/utsname.h>

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
	/* Layers that their makers did not want at every registry. OCI has given up this
	 * distinction. */
	{"application/vnd.oci.image.layer.nondistributable.v1.tar", ARCHIVE_PLAIN},
	{"application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", ARCHIVE_GZIP},
	{"application/vnd.oci.image.layer.nondistributable.v1.tar+zstd", ARCHIVE_ZSTD},
	{"application/vnd.docker.image.rootfs.foreign.diff.tar", ARCHIVE_PLAIN},
	{"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", ARCHIVE_GZIP},
};

static bool is_one_of(const char *word, const char *const *words)
{
	for (; *words; words++)
		if (str_eq(word, *words))
			return true;
	return false;
}

bool layout_media_is_image(const char *media_type)
{
	return is_one_of(media_type, index_types) || is_one_of(media_type, manifest_types);
}

enum { BLOB_PATH_ROOM = 96 };

/* A directory of skopeo's has one image, or an index with its images. The digest of each file is
 * checked. */
static void blob_path(
	const struct layout *l, const struct descriptor *d, char out[static BLOB_PATH_ROOM])
{
	bool is_manifest = layout_media_is_image(d->media_type);
	fmt_n(out, BLOB_PATH_ROOM, "%s%s%s", l->is_flat ? "" : "blobs/sha256/", d->hex,
		l->is_flat && is_manifest ? ".manifest.json" : "");
	if (l->is_flat && is_manifest && !layout_has(l, out))
		fmt_n(out, BLOB_PATH_ROOM, "manifest.json");
}

int layout_blob_open(const struct layout *l, const struct descriptor *d, bool is_growing,
	struct layout_file *out)
{
	char path[BLOB_PATH_ROOM];
	blob_path(l, d, path);
	int r = layout_file_open(l, path, false, out);
	if (r == 0 && is_growing && out->size_bytes < d->size_bytes)
		out->size_bytes = d->size_bytes;
	if (r == 0 && out->size_bytes != d->size_bytes) {
		fd_replace(&out->fd, -EBADF);
		r = err_say(-EBADMSG, "blob sha256:%s of the image has %llu bytes, not %llu",
			d->hex, (unsigned long long)out->size_bytes,
			(unsigned long long)d->size_bytes);
	}
	return r;
}

int layout_blob_read(const struct layout *l, const struct descriptor *d, struct buf *out)
{
	char path[BLOB_PATH_ROOM], hex[ARCHIVE_HEX_LEN + 1];
	blob_path(l, d, path);
	int r = layout_document_read(l, path, out);
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

/* Checks that a document is what its media type says, and not something else as well
 * (CVE-2021-41190). */
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

/* Docker writes the whole name beside the tag. Others write the whole name, or only a tag, which is
 * no name. */
static int name_take(const struct json_cursor *c, struct arena *a, const char **out)
{
	struct json_cursor annotations;
	struct image_reference parsed;
	const char *whole = NULL, *name = NULL;
	auto_buf struct buf text = BUF_INIT;
	*out = NULL;
	if (!json_field(c, "annotations", &annotations))
		return 0;
	int r = json_opt_string(&annotations, "io.containerd.image.name", a, &whole);
	if (r >= 0)
		r = json_opt_string(&annotations, "org.opencontainers.image.ref.name", a, &name);
	if (r < 0)
		return r;
	name = whole ? whole : name;
	if (!name || (!whole && !strpbrk(name, ":/")) || reference_parse(name, a, &parsed) < 0)
		return 0;
	reference_write(&parsed, &text);
	*out = arena_str(a, text.data);
	return 0;
}

struct listing {
	const struct layout *layout;
	struct arena *a;
	struct layout_images *out;
	const char *name, *hex; /* of the index that is read, if it is in another one */
};

/* OCI's word for the machine that uname(2) names. */
static const char *architecture_here(void)
{
	static const char *const words[][2] = {{"x86_64", "amd64"}, {"aarch64", "arm64"},
		{"i686", "386"}, {"armv7l", "arm"}, {"ppc64le", "ppc64le"}, {"s390x", "s390x"},
		{"riscv64", "riscv64"}};
	struct utsname host;
	if (uname(&host) < 0)
		return "";
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (str_eq(words[i][0], host.machine))
			return words[i][1];
	return "";
}

/* A manifest that does not name its platform is accepted. */
static int is_for_machine(const struct json_cursor *c, const char *wanted, struct arena *a)
{
	struct json_cursor platform;
	const char *architecture = NULL, *os = NULL;
	if (!json_field(c, "platform", &platform))
		return 1;
	int r = json_opt_string(&platform, "architecture", a, &architecture);
	if (r >= 0)
		r = json_opt_string(&platform, "os", a, &os);
	if (r < 0)
		return r;
	return (!architecture || str_eq(architecture, wanted ? wanted : architecture_here())) &&
		(!os || str_eq(os, "linux"));
}

static int index_read(struct listing *l, const char *what, const struct buf *text);

static int inner_index_read(struct listing *l, const struct descriptor *d, const char *name)
{
	auto_buf struct buf text = BUF_INIT;
	if (l->hex)
		return err_say(-EINVAL, "an index within an index within an index");
	int r = layout_blob_read(l->layout, d, &text);
	struct listing inner = {l->layout, l->a, l->out, name, d->hex};
	return r < 0 ? r : index_read(&inner, "index of an image", &text);
}

/* An entry that is neither an image nor an index is an artifact of another program and is
 * skipped. */
static int manifest_list(struct listing *l, const struct json_cursor *c)
{
	struct descriptor d;
	const char *name = NULL;
	int r = descriptor_take(c, l->a, &d);
	if (r == 0)
		r = name_take(c, l->a, &name);
	if (r < 0)
		return r;
	name = name ? name : l->name;
	if (is_one_of(d.media_type, index_types))
		return inner_index_read(l, &d, name);
	r = l->hex ? is_for_machine(c, l->layout->architecture, l->a) : 1;
	if (r <= 0 || !is_one_of(d.media_type, manifest_types))
		return r < 0 ? r : 0;
	if (l->out->count == DESCRIPTORS_MAX)
		return json_err(c, -E2BIG, "more than %d manifests", DESCRIPTORS_MAX);
	*arena_push(l->a, l->out) = (struct layout_image){d, l->hex ? l->hex : d.hex, name};
	return 0;
}

static int index_read(struct listing *l, const char *what, const struct buf *text)
{
	auto_of(json) struct json *document = NULL;
	int r = json_parse(what, text->data, text->len, &document);
	if (r < 0)
		return r;
	struct json_cursor root = json_root(document), list;
	r = document_check(&root, l->a, index_types, "layers");
	if (r < 0)
		return r;
	if (!json_field(&root, "manifests", &list))
		return json_err(&root, -EINVAL, "it has no manifests");
	int count = json_count(&list);
	if (count > DESCRIPTORS_MAX)
		return json_err(&list, -E2BIG, "more than %d manifests", DESCRIPTORS_MAX);
	for (int i = 0; i < count && r == 0; i++) {
		struct json_cursor item = json_item(&list, (size_t)i);
		r = manifest_list(l, &item);
	}
	return count < 0 ? count : r;
}

static int version_check(const struct layout *l, struct arena *a)
{
	auto_buf struct buf text = BUF_INIT;
	auto_of(json) struct json *document = NULL;
	const char *version = NULL;
	int r = layout_document_read(l, "oci-layout", &text);
	if (r == 0)
		r = json_parse("oci-layout", text.data, text.len, &document);
	if (r < 0)
		return r;
	struct json_cursor root = json_root(document);
	r = json_opt_string(&root, "imageLayoutVersion", a, &version);
	if (r < 0)
		return r;
	return version && str_eq(version, "1.0.0")
		? 0
		: json_err(&root, -EINVAL, "imageLayoutVersion must be 1.0.0");
}

bool layout_is_there(const struct layout *l)
{
	return l->is_flat || (layout_has(l, "oci-layout") && layout_has(l, "index.json"));
}

/* The one image of skopeo's directory, or the images of its index. */
static int flat_list(struct listing *l)
{
	auto_buf struct buf text = BUF_INIT;
	auto_of(json) struct json *document = NULL;
	char hex[ARCHIVE_HEX_LEN + 1];
	struct json_cursor list;
	int r = layout_document_read(l->layout, "manifest.json", &text);
	if (r == 0)
		r = json_parse("manifest.json", text.data, text.len, &document);
	if (r < 0)
		return r;
	archive_digest_of(text.data, text.len, hex);
	l->hex = arena_str(l->a, hex);
	struct json_cursor root = json_root(document);
	if (json_field(&root, "manifests", &list))
		return index_read(l, "manifest.json", &text);
	const struct descriptor d = {manifest_types[0], l->hex, text.len};
	*arena_push(l->a, l->out) = (struct layout_image){d, l->hex, NULL};
	return 0;
}

int layout_list(const struct layout *l, struct arena *a, struct layout_images *out)
{
	auto_buf struct buf text = BUF_INIT;
	struct listing listing = {.layout = l, .a = a, .out = out};
	if (l->is_flat)
		return flat_list(&listing);
	int r = version_check(l, a);
	if (r == 0)
		r = layout_document_read(l, "index.json", &text);
	return r < 0 ? r : index_read(&listing, "index.json", &text);
}

int layout_find(
	const struct layout *l, const char *reference, struct arena *a, struct layout_image *out)
{
	struct layout_images images = {0};
	int r = layout_list(l, a, &images);
	if (r < 0)
		return r;
	for (size_t i = 0; i < images.count; i++)
		if (images.items[i].name && str_eq(images.items[i].name, reference)) {
			*out = images.items[i];
			return 0;
		}
	return err_say(-ENODATA, "the layout has no image %s", reference);
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
