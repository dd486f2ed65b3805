/* SPDX-License-Identifier: Apache-2.0 */
/* Finds images by what users type, and lists them. */
#include "image/internal.h"
#include "base/str.h"
#include "sys/file.h"

#include <errno.h>
#include <stdlib.h>

/* Changes a stored, canonical reference into the short form that people write. */
static int short_form(const char *text, struct buf *out)
{
	auto_arena struct arena a = ARENA_INIT;
	struct image_reference r;
	int code = reference_parse(text, &a, &r);
	if (code < 0)
		return code;
	reference_write_short(&r, out);
	return 0;
}

/* Names that the user may have meant, with `:latest` and without. */
static void candidates_add(int root_fd, struct strvec *out)
{
	auto_strvec struct strvec files = STRVEC_INIT;
	if (file_list_at(root_fd, "refs", &files) < 0)
		return;
	strvec_each (file, &files) {
		auto_buf struct buf text = BUF_INIT, shown = BUF_INIT;
		if (reference_of_file(*file, &text) < 0 || short_form(text.data, &shown) < 0)
			continue;
		strvec_push(out, shown.data);
		if (str_suffix(shown.data, ":latest"))
			strvec_pushf(out, "%.*s", (int)(shown.len - strlen(":latest")), shown.data);
	}
}

int image_missing(int root_fd, const char *word, const struct strvec *others)
{
	auto_strvec struct strvec candidates = STRVEC_INIT;
	auto_buf struct buf shown = BUF_INIT;
	buf_add_escaped(&shown, word);
	candidates_add(root_fd, &candidates);
	if (others)
		strvec_each (other, others)
			strvec_push(&candidates, *other);
	const char *nearest = candidates.count
		? str_nearest(word, (const char *const *)candidates.items, candidates.count)
		: NULL;
	if (nearest && str_eq(nearest, word))
		return err_say(-ENOENT, "image %.300s is incomplete and has to be imported again",
			shown.data);
	int r = err_say(-ENOENT, "no such image: %.300s", shown.data);
	return nearest ? err_hint(r, "Did you mean %s?", nearest) : r;
}

bool record_name_take(const char *file_name, char out_hex[static DIGEST_HEX_LEN + 1])
{
	return fmt_n(out_hex, DIGEST_HEX_LEN + 1, "%.*s", DIGEST_HEX_LEN, file_name) >= 0 &&
		str_is_hex(out_hex, DIGEST_HEX_LEN) && str_eq(file_name + DIGEST_HEX_LEN, ".json");
}

/* Silent: -ENOENT, -EEXIST: several images match. */
static int id_find(
	int root_fd, const char *prefix, struct arena *a, char out_hex[static DIGEST_HEX_LEN + 1])
{
	auto_strvec struct strvec files = STRVEC_INIT;
	int r = file_list_at(root_fd, "images", &files);
	if (r < 0)
		return r;
	const char *found_id = NULL;
	strvec_each (file, &files) {
		struct image image;
		char hex[DIGEST_HEX_LEN + 1];
		if (!record_name_take(*file, hex) || record_load(root_fd, hex, a, &image) < 0 ||
			!str_prefix(digest_hex(image.id), prefix))
			continue;
		if (found_id && !str_eq(found_id, image.id))
			return -EEXIST;
		if (!found_id || strcmp(hex, out_hex) < 0)
			fmt_n(out_hex, DIGEST_HEX_LEN + 1, "%s", hex);
		found_id = image.id;
	}
	return found_id ? 0 : -ENOENT;
}

static bool is_hex_prefix(const char *s)
{
	size_t len = strlen(s);
	return len > 0 && len <= DIGEST_HEX_LEN && str_is_hex(s, len);
}

static int found(int root_fd, const char *hex, const struct image_reference *r, struct arena *a,
	struct image *out)
{
	int code = image_load(root_fd, hex, a, out);
	if (code < 0 || !r || r->digest)
		return code;
	auto_buf struct buf shown = BUF_INIT;
	reference_write_short(r, &shown);
	*arena_push(a, &out->references) = arena_str(a, shown.data);
	return 0;
}

int image_find(int root_fd, const char *word, struct arena *a, struct image *out)
{
	char hex[DIGEST_HEX_LEN + 1];
	struct image_reference reference;
	const char *id = str_after(word, "sha256:");
	bool is_id = is_hex_prefix(id ? id : word);
	bool is_only_id = is_id && (id || strlen(word) == DIGEST_HEX_LEN);
	int r = -ENOENT;
	if (!is_only_id) {
		r = reference_parse(word, a, &reference);
		if (r < 0)
			return r;
		r = reference_resolve(root_fd, &reference, hex);
		if (r == 0)
			r = found(root_fd, hex, &reference, a, out);
		else if (r != -ENOENT)
			return err_new(r, "read the reference %s", word);
		if (r != -ENOENT)
			return r;
	}
	if (r == -ENOENT && is_id)
		r = id_find(root_fd, id ? id : word, a, hex);
	if (r == 0)
		return found(root_fd, hex, NULL, a, out);
	if (r == -EEXIST)
		return err_say(r, "the id %s is the beginning of several images' ids", word);
	return r == -ENOENT ? image_missing(root_fd, word, NULL)
			    : err_new(r, "look for image %s", word);
}

static int compare_age(const void *left, const void *right)
{
	const struct image *a = left, *b = right;
	if (a->created_ns != b->created_ns)
		return a->created_ns < b->created_ns ? 1 : -1;
	return strcmp(a->digest, b->digest);
}

static int compare_names(const void *left, const void *right)
{
	return strcmp(*(char *const *)left, *(char *const *)right);
}

struct name {
	char hex[DIGEST_HEX_LEN + 1]; /* of the manifest */
	const char *shown; /* as people write it */
};
struct name_list {
	struct name *items;
	size_t count;
};

static int names_load(int root_fd, struct arena *a, struct name_list *out)
{
	auto_strvec struct strvec files = STRVEC_INIT;
	int r = file_list_at(root_fd, "refs", &files);
	if (r < 0)
		return r == -ENOENT ? 0 : err_new(r, "list image references");
	if (files.count)
		qsort(files.items, files.count, sizeof(*files.items), compare_names);
	strvec_each (file, &files) {
		struct name name;
		auto_buf struct buf text = BUF_INIT, shown = BUF_INIT;
		if (reference_of_file(*file, &text) < 0 || short_form(text.data, &shown) < 0 ||
			reference_read(root_fd, *file, name.hex) < 0)
			continue;
		name.shown = arena_str(a, shown.data);
		*arena_push(a, out) = name;
	}
	return 0;
}

/* Attaches the names of one manifest. */
static void names_attach(const struct name_list *names, const char *manifest_hex, struct arena *a,
	struct image *image)
{
	for (size_t i = 0; i < names->count; i++) {
		const struct name *name = &names->items[i];
		if (str_eq(name->hex, manifest_hex))
			*arena_push(a,
				strchr(name->shown, '@') ? &image->digests
							 : &image->references) = name->shown;
	}
}

int image_manifests(int root_fd, const char *id, struct arena *a, struct str_list *out)
{
	auto_strvec struct strvec files = STRVEC_INIT;
	int r = file_list_at(root_fd, "images", &files);
	if (r < 0)
		return r == -ENOENT ? 0 : err_new(r, "list images");
	if (files.count)
		qsort(files.items, files.count, sizeof(*files.items), compare_names);
	strvec_each (file, &files) {
		struct image image;
		char hex[DIGEST_HEX_LEN + 1];
		if (record_name_take(*file, hex) && record_load(root_fd, hex, a, &image) == 0 &&
			str_eq(image.id, id))
			*arena_push(a, out) = arena_str(a, hex);
	}
	return 0;
}

int image_names(int root_fd, struct arena *a, struct image *image)
{
	struct name_list names = {0};
	struct str_list manifests = {0};
	int r = names_load(root_fd, a, &names);
	if (r == 0)
		r = image_manifests(root_fd, image->id, a, &manifests);
	image->references = image->digests = (struct str_list){0};
	for (size_t i = 0; i < manifests.count; i++)
		names_attach(&names, manifests.items[i], a, image);
	return r;
}

/* A manifest without a name is a double if another manifest of the same image has a name, or comes
 * before it. */
static void doubles_mark(struct image_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		struct image *image = &list->items[i];
		for (size_t j = 0; j < list->count && image->references.count == 0; j++) {
			const struct image *other = &list->items[j];
			if (j != i && str_eq(other->id, image->id) &&
				(other->references.count || j < i))
				image->is_double = true;
		}
	}
}

int image_list(int root_fd, struct arena *a, struct image_list *out)
{
	auto_strvec struct strvec files = STRVEC_INIT;
	struct image_list list = {0};
	int r = file_list_at(root_fd, "images", &files);
	if (r < 0 && r != -ENOENT)
		return err_new(r, "list images");
	strvec_each (file, &files) {
		char hex[DIGEST_HEX_LEN + 1];
		if (!record_name_take(*file, hex))
			continue;
		struct image image;
		/* A damaged image cannot be run and is not listed. */
		if (image_load(root_fd, hex, a, &image) == 0)
			*arena_push(a, &list) = image;
	}
	if (list.count)
		qsort(list.items, list.count, sizeof(*list.items), compare_age);
	struct name_list names = {0};
	r = names_load(root_fd, a, &names);
	if (r < 0)
		return r;
	for (size_t i = 0; i < list.count; i++)
		names_attach(&names, digest_hex(list.items[i].digest), a, &list.items[i]);
	doubles_mark(&list);
	*out = list;
	return 0;
}
