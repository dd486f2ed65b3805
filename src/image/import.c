/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Imports an image from a layout into the store, in the order layers, content, record, reference.
 * Each is durable before the next begins, so a crash leaves layers that the next import finds, and
 * no image that lacks a layer. An import takes images.lock at its beginning and again to store the
 * image. In between it holds images.making, so that no removal discards layers that no record names
 * yet. The import of a built-in image is short: it holds images.lock until the end, and if two
 * begin at once, the second finds the image there.
 */
#include "image/layout.h"
#include "base/str.h"
#include "image/board.h"
#include "storage/storage.h"
#include "sys/calls.h"
#include "sys/fd.h"
#include "sys/file.h"
#include "sys/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>

enum { LAYERS_MAX = 127 };

/* One image, described by an OCI manifest or by Docker's list of files. */
struct job {
	const struct import *import;
	const struct docker_image *docker; /* or NULL */
	struct str_list names; /* canonical references that it shall have */
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

/* Is the wanted manifest already in the store, and complete? */
static bool is_there(struct job *j)
{
	struct image there;
	bool is_whole = j->manifest_blob.hex &&
		image_load(j->import->store_fd, j->manifest_blob.hex, &j->arena, &there) == 0;
	if (is_whole)
		j->image = there;
	return is_whole;
}

/* The chain id of the lowest layer is its diff id. Above, it is a hash of the chain id below and
 * the layer's own diff id. */
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

static int config_take(struct job *j)
{
	int r = config_parse(j->config_text.data, j->config_text.len, &j->arena, &j->config);
	if (r < 0)
		return r;
	if (j->config.diff_hex.count != j->manifest.count)
		return err_say(-EINVAL, "the image has %zu layers and %zu diff ids",
			j->manifest.count, j->config.diff_hex.count);
	chain_compute(j);
	return 0;
}

static int documents_read(struct job *j)
{
	const struct layout *layout = j->import->layout;
	int r = layout_blob_read(layout, &j->manifest_blob, &j->manifest_text);
	if (r == 0)
		r = manifest_parse(&j->manifest_text, &j->arena, &j->manifest);
	if (r == 0)
		r = layout_blob_read(layout, &j->manifest.config, &j->config_text);
	return r < 0 ? r : config_take(j);
}

/* The manifest is written after the layers (docker_manifest_make). */
static int docker_documents_read(struct job *j)
{
	char hex[ARCHIVE_HEX_LEN + 1];
	int r = layout_document_read(j->import->layout, j->docker->config, &j->config_text);
	if (r < 0)
		return r;
	archive_digest_of(j->config_text.data, j->config_text.len, hex);
	j->manifest.config = (struct descriptor){
		.hex = arena_str(&j->arena, hex), .size_bytes = j->config_text.len};
	for (size_t i = 0; i < j->docker->layers.count; i++)
		arena_push(&j->arena, &j->manifest);
	return config_take(j);
}

static int docker_manifest_make(struct job *j)
{
	char hex[ARCHIVE_HEX_LEN + 1];
	const struct plain_manifest m = {.store_fd = j->import->store_fd,
		.config_hex = j->manifest.config.hex,
		.config_size = j->config_text.len,
		.chain_ids = &j->image.chain_ids,
		.diff_hex = &j->config.diff_hex};
	int r = plain_manifest_write(&m, &j->manifest_text);
	if (r < 0)
		return r;
	archive_digest_of(j->manifest_text.data, j->manifest_text.len, hex);
	j->manifest_blob.hex = arena_str(&j->arena, hex);
	return 0;
}

struct arrival {
	const struct board *board;
	size_t layer;
	bool was_over;
};

static bool arrival_wait(void *context, uint64_t have_bytes)
{
	struct arrival *a = context;
	uint32_t look = board_look(a->board);
	/* The last bytes may have come after the reader looked, so the reader looks once more. */
	if (board_is_over(a->board)) {
		bool is_first = !a->was_over;
		a->was_over = true;
		return is_first;
	}
	if (board_have(a->board, a->layer) <= have_bytes)
		board_wait(a->board, look);
	return true;
}

/* Opens the blob of a layer; the caller closes the file. */
static int blob_open(struct job *j, size_t index, struct archive_blob *out)
{
	const struct layer_descriptor *layer = &j->manifest.items[index];
	struct layout_file file;
	*out = (struct archive_blob){.fd = -EBADF,
		.compression = layer->compression,
		.digest_hex = layer->blob.hex,
		.diff_hex = j->config.diff_hex.items[index]};
	int r;
	if (j->docker)
		r = layout_file_open(
			j->import->layout, j->docker->layers.items[index], true, &file);
	else
		r = layout_blob_open(
			j->import->layout, &layer->blob, j->import->board != NULL, &file);
	if (r < 0)
		return r;
	out->fd = file.fd;
	out->offset = file.offset;
	out->size_bytes = file.size_bytes;
	/* Docker's list does not name the compression. */
	return j->docker ? archive_compression_find(out->fd, out->offset, &out->compression) : 0;
}

static int layer_make(struct job *j, size_t index)
{
	struct archive_blob blob;
	struct arrival arrival = {.board = j->import->board, .layer = index};
	int r = blob_open(j, index, &blob);
	auto_close int fd = blob.fd;
	if (j->import->board) {
		blob.wait = arrival_wait;
		blob.wait_context = &arrival;
	}
	if (r < 0)
		return r;
	auto_of(storage_stage) struct storage_stage stage = STORAGE_STAGE_INIT;
	r = storage_stage_begin(j->import->store_fd, &stage);
	if (r < 0)
		return r;
	const struct archive_target target = {
		.dir_fd = stage.tree_fd,
		.budget = j->import->budget,
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

__attribute__((format(printf, 2, 3))) static int import_say(
	const struct import *i, const char *format, ...)
{
	auto_buf struct buf text = BUF_INIT;
	va_list args;
	va_start(args, format);
	buf_vaddf(&text, format, args);
	va_end(args);
	return i->say ? i->say(i->context, text.data) : 0;
}

/* The fetcher waits for these decisions. */
static void layers_decide(struct job *j)
{
	for (size_t i = 0; j->import->board && i < j->manifest.count; i++)
		board_decide(j->import->board, i,
			storage_layer_find(j->import->store_fd, j->image.chain_ids.items[i])
				? BOARD_THERE
				: BOARD_WANTED);
}

static int layers_make(struct job *j)
{
	layers_decide(j);
	for (size_t i = 0; i < j->manifest.count; i++) {
		const char *chain = j->image.chain_ids.items[i];
		int r = storage_layer_find(j->import->store_fd, chain) ? 0 : layer_make(j, i);
		if (r < 0)
			return r;
		if (j->import->board && board_state(j->import->board, i) == BOARD_WANTED)
			board_decide(j->import->board, i, BOARD_DONE);
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

static int name_store(struct job *j, const char *name)
{
	struct image_reference reference;
	auto_buf struct buf file = BUF_INIT, digest = BUF_INIT, shown = BUF_INIT;
	char old[DIGEST_HEX_LEN + 1];
	buf_addf(&digest, "sha256:%s\n", j->manifest_blob.hex);
	buf_adds(&file, "refs/");
	int r = reference_parse(name, &j->arena, &reference);
	if (r < 0)
		return r;
	r = reference_file(&reference, &file);
	if (r < 0)
		return err_new(r, "store the reference %s", name);
	reference_write_short(&reference, &shown);
	bool was_there = reference_read(j->import->store_fd, file.data + strlen("refs/"), old) == 0;
	bool is_same = was_there && str_eq(old, j->manifest_blob.hex);
	if (was_there && !is_same)
		r = import_say(j->import,
			"the image that was called %s, %.12s, has no such name any more",
			shown.data, old);
	if (r == 0 && !is_same)
		r = file_store(j, file.data, digest.data, digest.len);
	return r < 0 ? r : import_say(j->import, "Loaded image: %s", shown.data);
}

static int names_store(struct job *j)
{
	int r = 0;
	for (size_t i = 0; i < j->names.count && r == 0; i++)
		r = name_store(j, j->names.items[i]);
	if (r == 0 && j->names.count == 0)
		r = import_say(j->import, "Loaded image ID: %s", j->image.id);
	return r;
}

static int image_store(struct job *j)
{
	char path[96];
	auto_buf struct buf record = BUF_INIT;
	j->image.id = arena_printf(&j->arena, "sha256:%s", j->manifest.config.hex);
	j->image.digest = arena_printf(&j->arena, "sha256:%s", j->manifest_blob.hex);
	j->image.created_ns = j->config.created_ns;
	record_write(&j->image, &record);
	int r = content_store(j, j->manifest.config.hex, &j->config_text);
	if (r == 0)
		r = content_store(j, j->manifest_blob.hex, &j->manifest_text);
	fmt(path, "images/%s.json", j->manifest_blob.hex);
	return r < 0 ? r : file_store(j, path, record.data, record.len);
}

static int directories_make(int store_fd)
{
	static const char *const names[] = {
		"content", "content/sha256", "images", "layers", "refs"};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		int r = file_make_dirs_at(store_fd, names[i], 0700);
		if (r < 0)
			return err_new(r, "make %s in the engine's root", names[i]);
	}
	return 0;
}

/* Removes temporary files of a killed import: under the lock they belong to no running import. */
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

static int image_make(struct job *j)
{
	int r = j->docker ? docker_documents_read(j) : documents_read(j);
	if (r == 0)
		r = layers_make(j);
	return r == 0 && j->docker ? docker_manifest_make(j) : r;
}

static int job_run(struct job *j)
{
	const struct import *i = j->import;
	bool was_there = is_there(j);
	for (size_t k = 0; was_there && i->board && k < BOARD_LAYERS_MAX; k++)
		board_decide(i->board, k, BOARD_THERE);
	int r = was_there ? 0 : image_make(j);
	if (r < 0)
		return r;
	auto_close int lock = i->is_short ? -EBADF : images_lock(i->store_fd);
	if (!i->is_short && lock < 0)
		return lock;
	if (was_there && !is_there(j))
		return err_say(-EAGAIN, "the image was removed at this moment: try it again");
	r = was_there ? 0 : image_store(j);
	return r < 0 ? r : names_store(j);
}

static void job_init(struct job *j, const struct import *i)
{
	*j = (struct job){.import = i, .manifest_text = BUF_INIT, .config_text = BUF_INIT};
}

/* Takes the lock that is held until the import is done. */
static int store_begin(const struct import *i)
{
	int r = directories_make(i->store_fd);
	if (r == 0)
		r = storage_sweep(i->store_fd);
	auto_close int lock = r < 0 ? r : images_lock(i->store_fd);
	if (lock < 0)
		return lock;
	r = halves_sweep(i->store_fd);
	if (r < 0 || i->is_short)
		return r < 0 ? r : take_fd(&lock);
	r = lock_shared_at(i->store_fd, IMAGES_MAKING_LOCK);
	return r < 0 ? err_new(r, "begin an import") : r;
}

/* An image that was asked for by digest must have it. An image that was chosen from an index also
 * gets a name with the digest of the index. */
static int digest_take(struct job *j, const char *name, const struct layout_image *found)
{
	struct image_reference reference;
	auto_buf struct buf text = BUF_INIT;
	int r = reference_parse(name, &j->arena, &reference);
	if (r < 0)
		return r;
	const char *wanted = reference.digest ? digest_hex(reference.digest) : found->listed_hex;
	if (!str_eq(wanted, found->listed_hex))
		return err_say(-EBADMSG, "%s is not what was asked for", name);
	if (reference.digest || str_eq(found->listed_hex, found->manifest.hex))
		return 0;
	reference.tag = NULL;
	reference.digest = arena_printf(&j->arena, "sha256:%s", found->listed_hex);
	reference_write(&reference, &text);
	*arena_push(&j->arena, &j->names) = arena_str(&j->arena, text.data);
	return 0;
}

int import_layout(const struct import *i, const char *name)
{
	auto_of(job) struct job j;
	struct layout_image found;
	job_init(&j, i);
	*arena_push(&j.arena, &j.names) = name;
	int r = layout_find(i->layout, name, &j.arena, &found);
	if (r == 0)
		r = digest_take(&j, name, &found);
	if (r < 0)
		return r;
	j.manifest_blob = found.manifest;
	auto_close int lock = store_begin(i);
	return lock < 0 ? lock : job_run(&j);
}

/* A name as another program wrote it. A digest in it is kept only if it is that of what the layout
 * lists. If it is not, or if that is unknown, the digest would name nothing and is dropped; a name
 * that is then left without a tag is dropped as well. */
static int name_take(struct job *j, const char *name, const char *listed_hex)
{
	struct image_reference parsed;
	auto_buf struct buf text = BUF_INIT;
	int r = reference_parse(name, &j->arena, &parsed);
	if (r < 0)
		return r;
	if (parsed.digest && (!listed_hex || !str_eq(digest_hex(parsed.digest), listed_hex))) {
		parsed.digest = NULL;
		if (!parsed.tag)
			return 0;
	}
	reference_write(&parsed, &text);
	*arena_push(&j->arena, &j->names) = arena_str(&j->arena, text.data);
	return 0;
}

/* A manifest with several names is listed once for each. From the second on, it is in the store
 * already. */
static int layout_import(const struct import *i)
{
	auto_arena struct arena a = ARENA_INIT;
	struct layout_images images = {0};
	int r = layout_list(i->layout, &a, &images);
	if (r == 0 && images.count == 0)
		return err_say(-ENODATA, "there is no image for this machine in it");
	for (size_t k = 0; k < images.count && r == 0; k++) {
		auto_of(job) struct job j;
		job_init(&j, i);
		j.manifest_blob = images.items[k].manifest;
		if (images.items[k].name)
			r = name_take(&j, images.items[k].name, images.items[k].listed_hex);
		if (r == 0)
			r = job_run(&j);
	}
	return r;
}

static int docker_names_take(struct job *j)
{
	int r = 0;
	for (size_t i = 0; i < j->docker->names.count && r == 0; i++)
		r = name_take(j, j->docker->names.items[i], NULL);
	return r;
}

static int docker_import(const struct import *i)
{
	auto_arena struct arena a = ARENA_INIT;
	struct docker_images images = {0};
	int r = docker_list(i->layout, &a, &images);
	for (size_t k = 0; k < images.count && r == 0; k++) {
		auto_of(job) struct job j;
		job_init(&j, i);
		j.docker = &images.items[k];
		r = docker_names_take(&j);
		if (r == 0)
			r = job_run(&j);
	}
	return r;
}

int import_all(const struct import *i)
{
	bool is_layout = layout_is_there(i->layout);
	if (!is_layout && !layout_has(i->layout, "manifest.json"))
		return err_say(-EINVAL,
			"it holds no images: neither index.json and oci-layout nor manifest.json");
	auto_close int lock = store_begin(i);
	if (lock < 0)
		return lock;
	return is_layout ? layout_import(i) : docker_import(i);
}
