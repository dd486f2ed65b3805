/* SPDX-License-Identifier: Apache-2.0 */
/* Removing images: the images and layers that containers need are known here. */
#include "base/err.h"
#include "engine/internal.h"
#include "image/image.h"
#include "sys/fd.h"

#include <errno.h>

/* A container without a record is being removed. If a record cannot be read, no image can be
 * removed. */
static int use_add(struct engine *e, const char *id, struct arena *a, struct image_uses *out)
{
	struct container c;
	struct summary summary;
	int r = container_load(e, id, a, &c);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	if (c.rootfs)
		return 0;
	struct image_use *use = arena_push(a, out);
	*use = (struct image_use){.container_id = c.id,
		.image_id = c.image_id ? c.image_id : "",
		.is_running = container_summary(e, id, &summary) == 0 &&
			summary.state == CONTAINER_RUNNING,
		.layers = c.layers};
	return 0;
}

static int uses_load(struct engine *e, struct arena *a, struct image_uses *out)
{
	auto_of(container_list) struct container_list list = {0};
	int r = container_list(e, &list);
	for (size_t i = 0; i < list.count && r == 0; i++)
		r = use_add(e, list.ids[i], a, out);
	return r;
}

/* `word` NULL: removes all images that may be removed. */
static int remove_locked(struct engine *e, const char *word, bool flag, struct strvec *said)
{
	auto_arena struct arena a = ARENA_INIT;
	struct image_uses uses = {0};
	auto_close int lock = image_uses_lock(e->root_fd, true);
	int r = lock < 0 ? lock : uses_load(e, &a, &uses);
	if (r < 0)
		return r;
	const struct image_removal job = {
		.root_fd = e->root_fd, .uses = &uses, .is_forced = word && flag, .said = said};
	return word ? image_remove(&job, word) : image_prune(&job, flag);
}

/* The images were only renamed. They are deleted after both locks are free again. */
static int remove_and_sweep(struct engine *e, const char *word, bool flag, struct strvec *said)
{
	int r = remove_locked(e, word, flag, said);
	return r < 0 ? r : image_sweep(e->root_fd);
}

int engine_image_remove(struct engine *e, const char *word, bool is_forced, struct strvec *said)
{
	return remove_and_sweep(e, word, is_forced, said);
}

int engine_image_prune(struct engine *e, bool named_too, struct strvec *said)
{
	return remove_and_sweep(e, NULL, named_too, said);
}
