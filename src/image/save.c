/* SPDX-License-Identifier: Apache-2.0 */
/* The caller's side of `save`: finds the images and their names. The worker does the rest
 * (pack.c). */
#include "image/internal.h"
#include "image/worker.h"
#include "base/str.h"

#include <errno.h>

const char *const image_save_formats[] = {
	[SAVE_DOCKER] = "docker-archive", [SAVE_OCI] = "oci-archive", NULL};

int save_format_find(const char *word)
{
	for (int i = 0; image_save_formats[i]; i++)
		if (str_eq(image_save_formats[i], word))
			return i;
	return -EINVAL;
}

/* The arguments of the worker. */
struct save_args {
	struct arena arena;
	struct str_list argv;
	struct {
		struct saved_word {
			const char *manifest_hex;
			struct str_list names;
		} * items;
		size_t count;
	} images;
};

static void save_args_release(struct save_args *s)
{
	arena_release(&s->arena);
}
AUTO_STRUCT(save_args, struct save_args, save_args_release)

static bool has_name(const struct str_list *names, const char *name)
{
	for (size_t i = 0; i < names->count; i++)
		if (str_eq(names->items[i], name))
			return true;
	return false;
}

/* An image with two names is saved once, with both. */
static struct saved_word *image_place(struct save_args *s, const char *manifest_hex)
{
	for (size_t i = 0; i < s->images.count; i++)
		if (str_eq(s->images.items[i].manifest_hex, manifest_hex))
			return &s->images.items[i];
	struct saved_word *image = arena_push(&s->arena, &s->images);
	image->manifest_hex = manifest_hex;
	return image;
}

static int name_add(struct save_args *s, struct saved_word *place, const char *name)
{
	struct image_reference reference;
	auto_buf struct buf text = BUF_INIT;
	int r = reference_parse(name, &s->arena, &reference);
	if (r < 0)
		return r;
	reference_write(&reference, &text);
	if (!has_name(&place->names, text.data))
		*arena_push(&s->arena, &place->names) = arena_str(&s->arena, text.data);
	return 0;
}

static int word_take(struct save_args *s, int root_fd, const char *word)
{
	struct image image;
	int r = image_find(root_fd, word, &s->arena, &image);
	if (r < 0)
		return r;
	struct saved_word *place = image_place(s, digest_hex(image.digest));
	if (image.references.count == 0 && !strchr(word, '@'))
		r = image_names(root_fd, &s->arena, &image);
	for (size_t i = 0; i < image.references.count && r == 0; i++)
		r = name_add(s, place, image.references.items[i]);
	return r;
}

static void argv_fill(struct save_args *s, const char *format)
{
	*arena_push(&s->arena, &s->argv) = "husk-image";
	*arena_push(&s->arena, &s->argv) = "save";
	*arena_push(&s->arena, &s->argv) = format;
	for (size_t i = 0; i < s->images.count; i++) {
		const struct saved_word *image = &s->images.items[i];
		*arena_push(&s->arena, &s->argv) = image->manifest_hex;
		for (size_t j = 0; j < image->names.count; j++)
			*arena_push(&s->arena, &s->argv) = image->names.items[j];
	}
	*arena_push(&s->arena, &s->argv) = NULL;
}

int image_save(const struct image_save *request)
{
	auto_of(save_args) struct save_args s = {0};
	if (save_format_find(request->format) < 0)
		return err_say(-EINVAL, "--format: \"%s\" is neither %s nor %s", request->format,
			image_save_formats[SAVE_DOCKER], image_save_formats[SAVE_OCI]);
	for (size_t i = 0; i < request->word_count; i++) {
		int r = word_take(&s, request->root_fd, request->words[i]);
		if (r < 0)
			return r;
	}
	argv_fill(&s, request->format);
	return worker_run(&(struct worker_call){.libexec_path = request->libexec_path,
		.argv = s.argv.items,
		.file_fd = request->out_fd,
		.root_fd = request->root_fd,
		.board_fd = -EBADF});
}
