/* SPDX-License-Identifier: Apache-2.0 */
/* Archives in the form that `docker save` wrote for ten years and podman still writes:
 * manifest.json names the files of each image. */
#include "base/json.h"
#include "image/layout.h"

#include <errno.h>

enum { IMAGES_MAX = 1000, NAMES_MAX = 1000, LAYERS_MAX = 127 };

static int image_take(const struct json_cursor *c, struct arena *a, struct docker_image *out)
{
	int r = json_need_object(c);
	*out = (struct docker_image){0};
	if (r >= 0)
		r = json_opt_string(c, "Config", a, &out->config);
	if (r >= 0)
		r = json_opt_strings(c, "RepoTags", a, &out->names);
	if (r >= 0)
		r = json_opt_strings(c, "Layers", a, &out->layers);
	if (r < 0)
		return r;
	if (!out->config)
		return json_err(c, -EINVAL, "it has no Config");
	if (out->layers.count > LAYERS_MAX)
		return json_err(c, -E2BIG, "an image has at most %d layers", LAYERS_MAX);
	return out->names.count > NAMES_MAX ? json_err(c, -E2BIG, "more than %d names", NAMES_MAX)
					    : 0;
}

int docker_list(const struct layout *l, struct arena *a, struct docker_images *out)
{
	auto_buf struct buf text = BUF_INIT;
	auto_of(json) struct json *document = NULL;
	int r = layout_document_read(l, "manifest.json", &text);
	if (r == 0)
		r = json_parse("manifest.json", text.data, text.len, &document);
	if (r < 0)
		return r;
	struct json_cursor root = json_root(document);
	int count = json_count(&root);
	if (count > IMAGES_MAX)
		return json_err(&root, -E2BIG, "more than %d images", IMAGES_MAX);
	for (int i = 0; i < count && r >= 0; i++) {
		struct json_cursor item = json_item(&root, (size_t)i);
		r = image_take(&item, a, arena_push(a, out));
	}
	return count < 0 ? count : r < 0 ? r : 0;
}
