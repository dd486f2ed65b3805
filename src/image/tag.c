/* SPDX-License-Identifier: Apache-2.0 */
/* Gives an image another name. */
#include "image/internal.h"
#include "sys/fd.h"
#include "sys/file.h"

#include <errno.h>

int image_tag(int root_fd, const char *word, const char *name)
{
	auto_arena struct arena a = ARENA_INIT;
	struct image image;
	struct image_reference reference;
	auto_buf struct buf path = BUF_INIT, text = BUF_INIT;
	int r = reference_parse(name, &a, &reference);
	if (r == 0 && reference.digest)
		r = err_say(-EINVAL, "%s: a digest is not a name that can be given", name);
	if (r < 0)
		return r;
	auto_close int lock = images_lock(root_fd);
	r = lock < 0 ? lock : image_find(root_fd, word, &a, &image);
	if (r < 0)
		return r;
	buf_adds(&path, "refs/");
	r = reference_file(&reference, &path);
	if (r < 0)
		return err_new(r, "store the reference %s", name);
	buf_addf(&text, "%s\n", image.digest);
	r = file_replace_at(root_fd, path.data, text.data, text.len, 0600, true);
	return r < 0 ? err_new(r, "store the reference %s", name) : 0;
}
