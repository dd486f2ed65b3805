/* SPDX-License-Identifier: Apache-2.0 */
/* Images that came with the installation. They are imported when they are first asked for. */
#include "image/internal.h"
#include "image/worker.h"
#include "base/str.h"
#include "sys/calls.h"
#include "sys/fd.h"
#include "sys/file.h"

#include <errno.h>
#include <fcntl.h>

static int missing(int root_fd, const char *share_path, const char *word)
{
	auto_strvec struct strvec names = STRVEC_INIT;
	auto_buf struct buf path = BUF_INIT;
	buf_addf(&path, "%s/images", share_path);
	file_list_at(AT_FDCWD, path.data, &names);
	return image_missing(root_fd, word, &names);
}

/* The name of the built-in image that the reference may mean: an official image, without a
 * digest. */
static const char *builtin_name(const struct image_reference *r)
{
	const char *name = str_eq(r->domain, "docker.io") ? str_after(r->path, "library/") : NULL;
	return name && !strchr(name, '/') && !r->digest ? name : NULL;
}

int image_import_builtin(
	int root_fd, const char *share_path, const char *libexec_path, const char *word)
{
	auto_arena struct arena a = ARENA_INIT;
	struct image_reference reference;
	const char *id = str_after(word, "sha256:");
	if (id || str_is_hex(word, DIGEST_HEX_LEN))
		return missing(root_fd, share_path, word);
	int r = reference_parse(word, &a, &reference);
	if (r < 0)
		return r;
	const char *name = builtin_name(&reference);
	if (!name)
		return missing(root_fd, share_path, word);
	auto_buf struct buf path = BUF_INIT, text = BUF_INIT;
	buf_addf(&path, "%s/images/%s", share_path, name);
	auto_close int layout = sys_open_at(AT_FDCWD, path.data, O_RDONLY | O_DIRECTORY, 0);
	if (layout == -ENOENT)
		return missing(root_fd, share_path, word);
	if (layout < 0)
		return err_new(layout, "open %s", path.data);
	reference_write(&reference, &text);
	r = worker_run(&(struct worker_call){
		.libexec_path = libexec_path,
		.argv = (const char *const[]){"husk-image", "import-layout", text.data, NULL},
		.file_fd = layout,
		.root_fd = root_fd,
		.board_fd = -EBADF,
	});
	if (r == -ENODATA) /* a tag that is not in the built-in image */
		return missing(root_fd, share_path, word);
	return r < 0 ? err_wrap(r, "import the built-in image %s", name) : 0;
}
