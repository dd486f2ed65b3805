/* SPDX-License-Identifier: Apache-2.0 */
#include "image/fetch.h"
#include "archive/archive.h"
#include "base/json.h"
#include "base/str.h"
#include "image/board.h"
#include "image/layout.h"
#include "image/worker.h"
#include "registry/registry.h"
#include "sys/calls.h"
#include "sys/fd.h"
#include "sys/file.h"

#include <errno.h>
#include <fcntl.h>

enum { AUTHORITIES_MAX = 4 << 20, RESOLVER_FILE_MAX = 1 << 20 };

static const char manifest_accept[] = "application/vnd.oci.image.index.v1+json,"
				      "application/vnd.oci.image.manifest.v1+json,"
				      "application/vnd.docker.distribution.manifest.list.v2+json,"
				      "application/vnd.docker.distribution.manifest.v2+json";

struct fetch {
	struct arena arena;
	struct fetch_request request;
	struct registry_place place;
	struct buf authorities;
	struct registry *registry;
	int dir_fd;
	struct board *board;
	struct registry_blob blobs[BOARD_LAYERS_MAX];
	size_t blob_count;
};

static void fetch_end(struct fetch *f)
{
	registry_close(f->registry);
	for (size_t i = 0; i < f->blob_count; i++)
		fd_close(f->blobs[i].fd);
	if (f->board)
		board_unmap(f->board);
	buf_release(&f->authorities);
	arena_release(&f->arena);
}
AUTO_STRUCT(fetch, struct fetch, fetch_end)

/* Reads the certificates that the distribution trusts, and those that docker and podman have for
 * this registry. */
static void authorities_read(struct fetch *f)
{
	static const char *const bundles[] = {"/etc/ssl/certs/ca-certificates.crt",
		"/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"};
	static const char *const dirs[] = {
		"/etc/husk/certs.d", "/etc/containers/certs.d", "/etc/docker/certs.d"};
	for (size_t i = 0; i < sizeof(bundles) / sizeof(bundles[0]) && f->authorities.len == 0; i++)
		file_read(bundles[i], AUTHORITIES_MAX, &f->authorities);
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		auto_strvec struct strvec names = STRVEC_INIT;
		auto_buf struct buf dir = BUF_INIT;
		buf_addf(&dir, "%s/%s", dirs[i], f->place.domain);
		if (file_list_at(AT_FDCWD, dir.data, &names) < 0)
			continue;
		strvec_each (name, &names) {
			auto_buf struct buf path = BUF_INIT;
			buf_addf(&path, "%s/%s", dir.data, *name);
			if (str_suffix(*name, ".crt")) {
				buf_addc(&f->authorities, '\n');
				file_read(path.data, AUTHORITIES_MAX, &f->authorities);
			}
		}
	}
	f->place.authorities = &f->authorities;
}

/* All files of the host are read before the process is locked in. */
static int lock_in(struct fetch *f)
{
	struct confined_file files[] = {{"resolv.conf", BUF_INIT}, {"hosts", BUF_INIT},
		{"nsswitch.conf", BUF_INIT}, {"host.conf", BUF_INIT}, {"gai.conf", BUF_INIT}};
	enum { FILES = sizeof(files) / sizeof(files[0]) };
	for (size_t i = 0; i < FILES; i++) {
		auto_buf struct buf path = BUF_INIT;
		buf_addf(&path, "/etc/%s", files[i].name);
		file_read(path.data, RESOLVER_FILE_MAX, &files[i].text);
	}
	int r = worker_confine(&(struct confinement){.store_fd = f->dir_fd < 0 ? NULL : &f->dir_fd,
		.files = files,
		.file_count = FILES,
		.has_network = true});
	for (size_t i = 0; i < FILES; i++)
		buf_release(&files[i].text);
	return r;
}

static int document_store(struct fetch *f, const char *hex, const struct buf *text)
{
	char path[96];
	fmt(path, "blobs/sha256/%s", hex);
	int r = file_replace_at(f->dir_fd, path, text->data, text->len, 0600, false);
	return r < 0 ? err_new(r, "keep a document of the image") : 0;
}

/* Gets one document, which must be the one that `d` describes. Without d->hex any document is
 * accepted, and `d` is filled in from it. */
static int document_get(struct fetch *f, const char *kind, struct descriptor *d, struct buf *out)
{
	char hex[ARCHIVE_HEX_LEN + 1];
	auto_buf struct buf tail = BUF_INIT;
	struct registry_document document = {.body = BUF_INIT};
	if (d->hex)
		buf_addf(&tail, "%s/sha256:%s", kind, d->hex);
	else
		buf_addf(&tail, "%s/%s", kind, f->request.version);
	int r = registry_get(f->registry, tail.data,
		str_eq(kind, "manifests") ? manifest_accept : NULL, MANIFEST_BYTES_MAX, &document);
	if (r == 0) {
		archive_digest_of(document.body.data, document.body.len, hex);
		if (d->hex && !str_eq(d->hex, hex))
			r = err_say(-EBADMSG, "the registry %s sent other bytes than sha256:%s",
				f->place.domain, d->hex);
	}
	if (r == 0)
		r = document_store(f, hex, &document.body);
	if (r == 0) {
		d->hex = arena_str(&f->arena, hex);
		d->size_bytes = document.body.len;
		if (!d->media_type)
			d->media_type = arena_str(&f->arena, document.media_type);
		*out = document.body;
		return 0;
	}
	buf_release(&document.body);
	return r;
}

static int layout_begin(struct fetch *f, const struct descriptor *top)
{
	static const char version[] = "{\"imageLayoutVersion\":\"1.0.0\"}\n";
	auto_buf struct buf text = BUF_INIT, digest = BUF_INIT;
	struct json_writer w = {.out = &text};
	buf_addf(&digest, "sha256:%s", top->hex);
	json_open_object(&w, NULL);
	json_put_u64(&w, "schemaVersion", 2);
	json_open_array(&w, "manifests");
	json_open_object(&w, NULL);
	json_put_string(&w, "mediaType", top->media_type);
	json_put_string(&w, "digest", digest.data);
	json_put_u64(&w, "size", top->size_bytes);
	json_open_object(&w, "annotations");
	json_put_string(&w, "io.containerd.image.name", f->request.reference);
	json_close_object(&w);
	json_close_object(&w);
	json_close_array(&w);
	json_close_object(&w);
	int r = file_replace_at(f->dir_fd, "oci-layout", version, strlen(version), 0600, false);
	if (r == 0)
		r = file_replace_at(f->dir_fd, "index.json", text.data, text.len, 0600, false);
	return r < 0 ? err_new(r, "keep what the image is") : 0;
}

/* Opens the file of a layer, with what an earlier pull has got of it. */
static int blob_add(struct fetch *f, const struct descriptor *d)
{
	char path[96];
	struct stat st;
	for (size_t i = 0; i < f->blob_count; i++)
		if (str_eq(f->blobs[i].hex, d->hex)) {
			board_layer_add(f->board, d->hex, d->size_bytes, f->blobs[i].have_bytes);
			return 0;
		}
	fmt(path, "blobs/sha256/%s", d->hex);
	auto_close int fd = sys_open_at(f->dir_fd, path, O_RDWR | O_CREAT | O_NOFOLLOW, 0600);
	int r = fd < 0 ? fd : sys_stat_fd(fd, &st);
	if (r == 0 && (uint64_t)st.st_size > d->size_bytes) {
		r = sys_truncate_fd(fd, 0);
		st.st_size = 0;
	}
	if (r < 0)
		return err_new(r, "make room for a layer");
	f->blobs[f->blob_count++] = (struct registry_blob){.hex = d->hex,
		.fd = take_fd(&fd),
		.size_bytes = d->size_bytes,
		.have_bytes = (uint64_t)st.st_size};
	board_layer_add(f->board, d->hex, d->size_bytes, (uint64_t)st.st_size);
	return 0;
}

static int documents_get(struct fetch *f)
{
	const struct layout layout = {.fd = f->dir_fd, .architecture = f->request.architecture};
	struct layout_images images = {0};
	struct manifest manifest;
	auto_buf struct buf top_text = BUF_INIT, text = BUF_INIT, config = BUF_INIT;
	struct descriptor top = {.hex = digest_hex(f->request.version)};
	int r = document_get(f, "manifests", &top, &top_text);
	if (r == 0 && !layout_media_is_image(top.media_type))
		r = err_say(-EINVAL, "%s: it is of the type \"%s\", which is no image",
			f->request.reference, top.media_type);
	if (r == 0)
		r = layout_begin(f, &top);
	if (r == 0)
		r = layout_list(&layout, &f->arena, &images);
	if (r == 0 && images.count == 0)
		r = err_say(-ENOENT, "%s has no image for %s", f->request.reference,
			f->request.architecture ? f->request.architecture : "this machine");
	if (r < 0)
		return r;
	struct descriptor chosen = images.items[0].manifest;
	r = str_eq(chosen.hex, top.hex) ? layout_blob_read(&layout, &chosen, &text)
					: document_get(f, "manifests", &chosen, &text);
	if (r == 0)
		r = manifest_parse(&text, &f->arena, &manifest);
	if (r == 0)
		r = document_get(f, "blobs", &manifest.config, &config);
	for (size_t i = 0; r == 0 && i < manifest.count; i++)
		r = blob_add(f, &manifest.items[i].blob);
	return r;
}

static int grown(void *context, const struct registry_blob *blob)
{
	const struct fetch *f = context;
	board_grow(f->board, blob->hex, blob->have_bytes);
	return 0;
}

static bool is_wanted(const struct board *b, const char *hex, bool *out_undecided)
{
	bool wanted = false;
	for (size_t i = 0; i < b->layer_count && i < BOARD_LAYERS_MAX; i++) {
		if (!str_eq(b->layers[i].hex, hex))
			continue;
		*out_undecided |= board_state(b, i) == BOARD_UNDECIDED;
		wanted |= board_state(b, i) == BOARD_WANTED;
	}
	return wanted;
}

/* Keeps the blobs that the importer wants. The importer decides once, about all layers. This wait
 * has no time limit: the fetcher is killed when husk ends. */
static void wanted_keep(struct fetch *f)
{
	bool undecided;
	size_t kept;
	do {
		uint32_t look = board_look(f->board);
		undecided = false;
		for (size_t i = 0; i < f->blob_count; i++)
			is_wanted(f->board, f->blobs[i].hex, &undecided);
		if (undecided)
			board_wait(f->board, look);
	} while (undecided);
	kept = 0;
	for (size_t i = 0; i < f->blob_count; i++) {
		if (is_wanted(f->board, f->blobs[i].hex, &undecided))
			f->blobs[kept++] = f->blobs[i];
		else
			fd_close(f->blobs[i].fd);
	}
	f->blob_count = kept;
}

/* Reads all that is needed of the host, and locks the process in. */
static int fetch_begin(struct fetch *f, int request_fd)
{
	int r = fetch_request_read(request_fd, &f->arena, &f->request);
	if (r == 0)
		r = registry_begin();
	if (r < 0)
		return r;
	f->place = (struct registry_place){.domain = f->request.domain,
		.path = f->request.path,
		.user = f->request.user,
		.secret = f->request.secret,
		.identity_token = f->request.identity_token,
		.is_unverified = f->request.is_unverified};
	authorities_read(f);
	r = lock_in(f);
	return r < 0 ? err_wrap(r, "lock the worker for images in")
		     : registry_open(&f->place, &f->registry);
}

int fetch(int request_fd, int dir_fd, int board_fd, int (*ready)(void))
{
	auto_of(fetch) struct fetch f = {.dir_fd = dir_fd, .authorities = BUF_INIT};
	int r = fetch_begin(&f, request_fd);
	if (r < 0)
		return r;
	r = board_map(board_fd, true, &f.board);
	if (r == 0)
		r = file_make_dirs_at(f.dir_fd, "blobs/sha256", 0700);
	if (r < 0)
		return err_new(r, "make room for an image");
	r = documents_get(&f);
	if (r == 0)
		r = ready();
	if (r < 0)
		return r;
	wanted_keep(&f);
	return registry_download(f.registry, f.blobs, f.blob_count, grown, &f);
}

int fetch_login(int request_fd)
{
	auto_of(fetch) struct fetch f = {.dir_fd = -EBADF, .authorities = BUF_INIT};
	int r = fetch_begin(&f, request_fd);
	return r < 0 ? r : registry_enter(f.registry);
}
