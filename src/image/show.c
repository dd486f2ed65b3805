/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of an image: the JSON of `image inspect`, with Docker's names, and its history. */
#include "base/json.h"
#include "base/str.h"
#include "image/internal.h"
#include "sys/file.h"

#include <errno.h>

enum { STEPS_MAX = 10000 };

/* An image and its configuration as a document. */
struct shown {
	struct arena arena;
	struct image image;
	struct buf text;
	struct json *document;
};

static void shown_release(struct shown *s)
{
	json_free(s->document);
	buf_release(&s->text);
	arena_release(&s->arena);
}
AUTO_STRUCT(shown, struct shown, shown_release)

static int shown_load(struct shown *s, int root_fd, const char *word)
{
	auto_buf struct buf path = BUF_INIT;
	int r = image_find(root_fd, word, &s->arena, &s->image);
	if (r < 0)
		return r;
	buf_addf(&path, "content/sha256/%s", digest_hex(s->image.id));
	r = file_read_at(root_fd, path.data, CONFIG_BYTES_MAX, &s->text);
	if (r < 0)
		return err_new(r, "read the configuration of image %.12s", digest_hex(s->image.id));
	r = json_parse("image configuration", s->text.data, s->text.len, &s->document);
	return r < 0 ? r : image_names(root_fd, &s->arena, &s->image);
}

/* A set: an object with an empty object for each name. */
static void set_put(struct json_writer *w, const char *key, const struct str_list *list)
{
	if (list->count == 0) {
		json_put_null(w, key);
		return;
	}
	json_open_object(w, key);
	for (size_t i = 0; i < list->count; i++) {
		json_open_object(w, list->items[i]);
		json_close_object(w);
	}
	json_close_object(w);
}

static void labels_put(struct json_writer *w, const struct str_list *labels, struct arena *a)
{
	if (labels->count == 0) {
		json_put_null(w, "Labels");
		return;
	}
	json_open_object(w, "Labels");
	for (size_t i = 0; i < labels->count; i++) {
		const char *pair = labels->items[i];
		size_t len = strcspn(pair, "=");
		json_put_string(w, arena_strn(a, pair, len), pair + len + 1);
	}
	json_close_object(w);
}

static void config_put(struct json_writer *w, const struct image_config *c, struct arena *a)
{
	json_open_object(w, "Config");
	json_put_string(w, "User", c->user ? c->user : "");
	set_put(w, "ExposedPorts", &c->ports);
	json_put_list(w, "Env", &c->env);
	json_put_list(w, "Entrypoint", &c->entrypoint);
	json_put_list(w, "Cmd", &c->cmd);
	set_put(w, "Volumes", &c->volumes);
	json_put_string(w, "WorkingDir", c->working_dir ? c->working_dir : "");
	labels_put(w, &c->labels, a);
	if (c->stop_signal)
		json_put_string(w, "StopSignal", c->stop_signal);
	json_close_object(w);
}

static bool has_digest(const struct image *image, const char *bare)
{
	for (size_t i = 0; i < image->digests.count; i++) {
		const char *rest = str_after(image->digests.items[i], bare);
		if (rest && *rest == '@')
			return true;
	}
	return false;
}

/* The digests that the image has at its registries. For a name without such a digest, its own:
 * "NAME@DIGEST", without the tag. */
static void digests_put(struct json_writer *w, const struct image *image, struct arena *a)
{
	json_open_array(w, "RepoDigests");
	const char *last = "";
	for (size_t i = 0; i < image->references.count; i++) {
		const char *name = image->references.items[i], *tag = strrchr(name, ':');
		const char *bare = tag ? arena_strn(a, name, (size_t)(tag - name)) : name;
		if (!str_eq(bare, last) && !has_digest(image, bare))
			json_put_string(w, NULL, arena_printf(a, "%s@%s", bare, image->digest));
		last = bare;
	}
	for (size_t i = 0; i < image->digests.count; i++)
		json_put_string(w, NULL, image->digests.items[i]);
	json_close_array(w);
}

/* Texts at the top level of the configuration. */
static int texts_put(struct json_writer *w, const struct json *document, struct arena *a)
{
	static const char *const keys[][2] = {{"Comment", "comment"}, {"Created", "created"},
		{"Author", "author"}, {"Architecture", "architecture"}, {"Variant", "variant"},
		{"Os", "os"}};
	struct json_cursor root = json_root(document);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		const char *text = "";
		int r = json_opt_string(&root, keys[i][1], a, &text);
		if (r < 0)
			return r;
		if (*text || !str_eq(keys[i][0], "Variant"))
			json_put_string(w, keys[i][0], text);
	}
	return 0;
}

static void layers_put(struct json_writer *w, const struct config_facts *facts, struct arena *a)
{
	json_open_object(w, "RootFS");
	json_put_string(w, "Type", "layers");
	json_open_array(w, "Layers");
	for (size_t i = 0; i < facts->diff_hex.count; i++)
		json_put_string(w, NULL, arena_printf(a, "sha256:%s", facts->diff_hex.items[i]));
	json_close_array(w);
	json_close_object(w);
}

int image_show(int root_fd, const char *word, struct buf *out)
{
	auto_of(shown) struct shown s = {.text = BUF_INIT};
	struct json_writer w = {.out = out, .is_pretty = true};
	struct config_facts facts;
	int r = shown_load(&s, root_fd, word);
	if (r == 0)
		r = config_parse(s.text.data, s.text.len, &s.arena, &facts);
	if (r < 0)
		return r;
	json_open_object(&w, NULL);
	json_put_string(&w, "Id", s.image.id);
	json_put_list(&w, "RepoTags", &s.image.references);
	digests_put(&w, &s.image, &s.arena);
	json_put_string(&w, "Parent", "");
	r = texts_put(&w, s.document, &s.arena);
	config_put(&w, &facts.config, &s.arena);
	json_put_u64(&w, "Size", s.image.size_bytes);
	layers_put(&w, &facts, &s.arena);
	json_close_object(&w);
	return r;
}

static int step_take(const struct json_cursor *c, struct arena *a, struct image_step *out)
{
	const char *created = NULL;
	*out = (struct image_step){.created_by = "", .comment = ""};
	int r = json_need_object(c);
	if (r >= 0)
		r = json_opt_string(c, "created_by", a, &out->created_by);
	if (r >= 0)
		r = json_opt_string(c, "comment", a, &out->comment);
	if (r >= 0)
		r = json_opt_string(c, "created", a, &created);
	if (r >= 0)
		r = json_opt_bool(c, "empty_layer", &out->is_empty);
	out->created_ns = created ? config_time(created) : 0;
	return r < 0 ? r : 0;
}

static int steps_take(const struct shown *s, struct arena *a, struct image_steps *out)
{
	struct json_cursor root = json_root(s->document), list;
	int count = json_field(&root, "history", &list) ? json_count(&list) : 0;
	if (count > STEPS_MAX)
		return json_err(&list, -E2BIG, "more than %d steps", STEPS_MAX);
	for (int i = 0, r; i < count; i++) {
		struct json_cursor item = json_item(&list, (size_t)i);
		r = step_take(&item, a, arena_push(a, out));
		if (r < 0)
			return r;
	}
	return count < 0 ? count : 0;
}

/* The layers belong to the steps that are not empty, in order. If a layer has no step, a step
 * without text is added for it. */
static int sizes_take(int root_fd, const struct shown *s, struct arena *a, struct image_steps *out)
{
	size_t step = 0;
	for (size_t i = 0; i < s->image.chain_ids.count; i++, step++) {
		struct layer_facts facts;
		int r = layer_facts_load(root_fd, s->image.chain_ids.items[i], &facts);
		if (r < 0)
			return r;
		while (step < out->count && out->items[step].is_empty)
			step++;
		if (step == out->count)
			*arena_push(a, out) = (struct image_step){.created_by = "", .comment = ""};
		out->items[step].size_bytes = facts.sizes.file_bytes;
	}
	return 0;
}

int image_history(int root_fd, const char *word, struct arena *a, struct image_steps *out)
{
	auto_of(shown) struct shown s = {.text = BUF_INIT};
	*out = (struct image_steps){0};
	int r = shown_load(&s, root_fd, word);
	if (r == 0)
		r = steps_take(&s, a, out);
	if (r == 0)
		r = sizes_take(root_fd, &s, a, out);
	if (r == 0)
		out->image_id = arena_str(a, s.image.id);
	return r;
}
