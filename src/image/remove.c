/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Removes names and images, and with the last name also what only that image needed. The order is
 * reference, record, layers, content: a crash leaves what the next sweep finds, and no image that
 * lacks a layer. A file is durably removed before what it needed. The caller holds image_uses_lock
 * alone, so no container starts with a removed image; images.lock keeps imports and tags away.
 * Container starts wait for image_uses_lock, so layers are only renamed under it, however large
 * they are; image_sweep deletes them when both locks are free again.
 */
#include "base/str.h"
#include "image/internal.h"
#include "storage/storage.h"
#include "sys/calls.h"
#include "sys/fd.h"
#include "sys/file.h"
#include "sys/lock.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static int directory_sync(int root_fd, const char *path)
{
	int r = file_sync_dir_at(root_fd, path);
	return r < 0 ? err_new(r, "write out %s", path) : 0;
}

static int unlink_in(int root_fd, const char *dir, const char *name, const char *suffix)
{
	auto_buf struct buf path = BUF_INIT;
	buf_addf(&path, "%s/%s%s", dir, name, suffix);
	int r = sys_unlink_at(root_fd, path.data, 0);
	return r < 0 && r != -ENOENT ? err_new(r, "remove %s", path.data) : 0;
}

static int name_remove(const struct image_removal *job, const char *name)
{
	auto_arena struct arena a = ARENA_INIT;
	struct image_reference reference;
	auto_buf struct buf file = BUF_INIT;
	int r = reference_parse(name, &a, &reference);
	if (r == 0)
		r = reference_file(&reference, &file);
	if (r == 0)
		r = unlink_in(job->root_fd, "refs", file.data, "");
	if (r == 0)
		strvec_pushf(job->said, "Untagged: %s", name);
	return r;
}

/* The container that uses the image; a running one is preferred. */
static const struct image_use *use_find(const struct image_removal *job, const char *image_id)
{
	const struct image_use *found = NULL;
	for (size_t i = 0; i < job->uses->count; i++) {
		const struct image_use *use = &job->uses->items[i];
		if (str_eq(use->image_id, image_id) && (!found || use->is_running))
			found = use;
	}
	return found;
}

static int use_check(const struct image_removal *job, const struct image *image)
{
	const struct image_use *use = use_find(job, image->id);
	if (!use || (!use->is_running && job->is_forced))
		return 0;
	return err_say(-EBUSY,
		use->is_running
			? "image %.12s is in use by container %.12s, which runs"
			: "image %.12s is in use by container %.12s, which is stopped: -f removes "
			  "it all the same",
		digest_hex(image->id), use->container_id);
}

static int record_erase(const struct image_removal *job, const char *manifest_hex)
{
	int r = unlink_in(job->root_fd, "images", manifest_hex, ".json");
	return r < 0 ? r : directory_sync(job->root_fd, "images");
}

/* Removes an image with its names and all its manifests. */
static int image_erase(const struct image_removal *job, const struct image *image)
{
	auto_arena struct arena a = ARENA_INIT;
	struct str_list manifests = {0};
	int r = image_manifests(job->root_fd, image->id, &a, &manifests);
	for (size_t i = 0; i < image->references.count && r == 0; i++)
		r = name_remove(job, image->references.items[i]);
	for (size_t i = 0; i < image->digests.count && r == 0; i++)
		r = name_remove(job, image->digests.items[i]);
	if (r == 0)
		r = directory_sync(job->root_fd, "refs");
	for (size_t i = 0; i < manifests.count && r == 0; i++)
		r = record_erase(job, manifests.items[i]);
	if (r == 0)
		strvec_pushf(job->said, "Deleted: %s", image->id);
	return r;
}

/* What records and containers still need: sorted names. */
struct reachable {
	struct arena arena;
	struct str_list layers, content;
};

static void reachable_release(struct reachable *r)
{
	arena_release(&r->arena);
}
AUTO_STRUCT(reachable, struct reachable, reachable_release)

static int name_order(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool has(const struct str_list *list, const char *name)
{
	return list->count &&
		bsearch(&name, list->items, list->count, sizeof(*list->items), name_order);
}

static void layers_add(struct reachable *r, const struct str_list *layers)
{
	for (size_t i = 0; i < layers->count; i++)
		*arena_push(&r->arena, &r->layers) = layers->items[i];
}

static int record_add(int root_fd, struct reachable *r, const char *manifest_hex)
{
	struct image image;
	int code = record_load(root_fd, manifest_hex, &r->arena, &image);
	if (code < 0)
		return code;
	*arena_push(&r->arena, &r->content) = digest_hex(image.id);
	*arena_push(&r->arena, &r->content) = digest_hex(image.digest);
	layers_add(r, &image.chain_ids);
	return 0;
}

/* If a record cannot be read, nothing is removed, because the image may need it. */
static int reachable_load(const struct image_removal *job, struct reachable *out)
{
	auto_strvec struct strvec files = STRVEC_INIT;
	int r = file_list_at(job->root_fd, "images", &files);
	if (r < 0 && r != -ENOENT)
		return err_new(r, "list images");
	r = 0;
	strvec_each (file, &files) {
		char hex[DIGEST_HEX_LEN + 1];
		if (r == 0 && record_name_take(*file, hex))
			r = record_add(job->root_fd, out, hex);
	}
	for (size_t i = 0; i < job->uses->count; i++)
		layers_add(out, &job->uses->items[i].layers);
	struct str_list *lists[] = {&out->layers, &out->content};
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		if (lists[i]->count)
			qsort(lists[i]->items, lists[i]->count, sizeof(*lists[i]->items),
				name_order);
	return r;
}

static int layers_discard(const struct image_removal *job, const struct reachable *reachable)
{
	auto_strvec struct strvec names = STRVEC_INIT;
	int r = file_list_at(job->root_fd, "layers", &names);
	if (r < 0)
		return r == -ENOENT ? 0 : err_new(r, "list layers");
	strvec_each (name, &names) {
		if (r < 0 || !str_is_hex(*name, DIGEST_HEX_LEN) || has(&reachable->layers, *name))
			continue;
		r = storage_layer_discard(job->root_fd, *name);
		if (r == 0)
			strvec_pushf(job->said, "Deleted: sha256:%s", *name);
	}
	return r;
}

static int content_sweep(const struct image_removal *job, const struct reachable *reachable)
{
	auto_strvec struct strvec names = STRVEC_INIT;
	int r = file_list_at(job->root_fd, "content/sha256", &names);
	if (r < 0)
		return r == -ENOENT ? 0 : err_new(r, "list content");
	strvec_each (name, &names) {
		if (r == 0 && str_is_hex(*name, DIGEST_HEX_LEN) && !has(&reachable->content, *name))
			r = unlink_in(job->root_fd, "content/sha256", *name, "");
	}
	return r;
}

static int unreachable_discard(const struct image_removal *job)
{
	auto_of(reachable) struct reachable reachable = {0};
	/* A running import has layers that no record names yet. The next removal finds what stays
	 * now. */
	auto_close int imports = lock_file_at(job->root_fd, IMAGES_MAKING_LOCK, false);
	if (imports == -EWOULDBLOCK)
		return 0;
	int r = imports < 0 ? err_new(imports, "lock the images") : reachable_load(job, &reachable);
	if (r == 0)
		r = layers_discard(job, &reachable);
	return r < 0 ? r : content_sweep(job, &reachable);
}

/* Before anything is removed: with a record that cannot be read no removal could end. */
static int records_check(const struct image_removal *job)
{
	auto_of(reachable) struct reachable unused = {0};
	int r = reachable_load(job, &unused);
	return r == -EBADMSG ? err_hint(r, "Load or pull that image again, or remove the file") : r;
}

int image_sweep(int root_fd)
{
	int r = downloads_sweep(root_fd, 0);
	return r < 0 ? r : storage_sweep(root_fd);
}

int image_remove(const struct image_removal *job, const char *word)
{
	auto_arena struct arena a = ARENA_INIT;
	struct image image;
	auto_close int lock = images_lock(job->root_fd);
	int r = lock < 0 ? lock : image_find(job->root_fd, word, &a, &image);
	if (r < 0)
		return r;
	const char *name = image.references.count ? image.references.items[0] : NULL;
	r = image_names(job->root_fd, &a, &image);
	if (r < 0)
		return r;
	if (name && image.references.count > 1)
		return name_remove(job, name);
	if (!name && image.references.count > 1 && !job->is_forced)
		return err_say(-EBUSY, "image %.12s has %zu names: -f removes it with all of them",
			digest_hex(image.id), image.references.count);
	r = use_check(job, &image);
	if (r == 0)
		r = records_check(job);
	if (r == 0)
		r = image_erase(job, &image);
	return r < 0 ? r : unreachable_discard(job);
}

static bool record_is_there(const struct image_removal *job, const struct image *image)
{
	char path[96];
	fmt(path, "images/%s.json", digest_hex(image->digest));
	return sys_access_at(job->root_fd, path, F_OK, 0) == 0;
}

static int image_prune_one(const struct image_removal *job, struct image *image)
{
	auto_arena struct arena a = ARENA_INIT;
	if (image->is_double)
		return record_erase(job, digest_hex(image->digest));
	int r = image_names(job->root_fd, &a, image);
	return r < 0 ? r : image_erase(job, image);
}

int image_prune(const struct image_removal *job, bool named_too)
{
	auto_arena struct arena a = ARENA_INIT;
	struct image_list list = {0};
	auto_close int lock = images_lock(job->root_fd);
	int r = lock < 0 ? lock : records_check(job);
	if (r == 0)
		r = image_list(job->root_fd, &a, &list);
	for (size_t i = 0; i < list.count && r == 0; i++) {
		struct image *image = &list.items[i];
		bool is_kept = (image->references.count && !named_too) ||
			(!image->is_double && use_find(job, image->id));
		/* It may have been removed with another manifest of the same image. */
		if (!is_kept && record_is_there(job, image))
			r = image_prune_one(job, image);
	}
	return r < 0 ? r : unreachable_discard(job);
}
