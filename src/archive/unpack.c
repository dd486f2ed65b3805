/* SPDX-License-Identifier: Apache-2.0 */
/* Unpacks a layer, member by member. */
#include "archive/internal.h"
#include "base/err.h"
#include "sys/calls.h"

#include <errno.h>
#include <fcntl.h>

static ssize_t piece_read(void *context, const void **out_data)
{
	return layer_stream_read(context, out_data);
}

static int member_next(struct unpack *u, struct member *m)
{
	struct tar_entry entry;
	int r = tar_next(u->tar, &entry);
	if (r <= 0)
		return r;
	r = unpack_count(u, 1);
	if (r == 0)
		r = member_read(&entry, u->target->budget->bytes, m);
	if (r == 0)
		r = unpack_whiteout(u, m);
	if (r == 0)
		r = unpack_member(u, m);
	return r < 0 ? r : 1;
}

static int members_unpack(struct unpack *u, struct layer_stream *s, struct archive_sizes *out)
{
	auto_free struct member *m = mem_new(sizeof(*m));
	int r;
	do
		r = member_next(u, m);
	while (r > 0);
	if (r == 0)
		r = layer_stream_finish(s, &out->tar_bytes);
	if (r == 0 && u->recipe)
		r = recipe_finish(u->recipe);
	if (r == 0 && !u->has_root)
		r = unpack_dress(u, "", u->target->dir_fd);
	if (r == 0)
		u->target->budget->bytes -= out->tar_bytes;
	out->file_bytes = u->file_bytes;
	return r < 0 ? r : unpack_directories_finish(u);
}

static void unpack_release(struct unpack *u)
{
	tar_free(u->tar);
	recipe_free(u->recipe);
	unpack_forget_parent(u);
	fd_replace(&u->shadows_fd, -EBADF);
	buf_release(&u->parent_path);
	unpack_directories_release(&u->directories);
}
AUTO_STRUCT(unpack, struct unpack, unpack_release)

static int recipe_make(struct unpack *u, int fd)
{
	return fd < 0 ? err_new(fd, "make the recipe of a layer") : recipe_begin(fd, &u->recipe);
}

int archive_unpack_layer(const struct archive_blob *blob, const struct archive_target *target,
	struct archive_sizes *out)
{
	auto_of(layer_stream) struct layer_stream *stream = NULL;
	auto_close int recipe = -EBADF;
	auto_of(unpack) struct unpack u = {
		.target = target,
		.parent_path = BUF_INIT,
		.parent_fd = -EBADF,
		.shadows_fd = -EBADF,
		.directories = {.fd = -EBADF},
	};
	int r = layer_stream_open(blob, target->budget->bytes, &stream);
	if (r == 0 && target->side_fd >= 0) {
		recipe = sys_open_at(
			target->side_fd, ARCHIVE_RECIPE, O_WRONLY | O_CREAT | O_EXCL, 0600);
		r = recipe_make(&u, recipe);
	}
	if (r < 0)
		return r;
	u.tar = tar_new(&(struct tar_source){piece_read, stream}, u.recipe);
	return members_unpack(&u, stream, out);
}
