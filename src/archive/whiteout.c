/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deletions. In a tar stream they are names (of AUFS, taken over by OCI), in overlayfs a character
 * device 0:0 or a mark on a directory. They concern only the layers below: what this layer has
 * under the same name stays. If that is a directory, it is marked, so that nothing of the deleted
 * directory shows in it, in whichever order the two came.
 */
#include "archive/internal.h"
#include "base/err.h"
#include "base/str.h"
#include "sys/calls.h"
#include "sys/path.h"

#include <errno.h>
#include <fcntl.h>

static const char prefix[] = ".wh.";

static int failed(int code, const char *path)
{
	auto_buf struct buf shown = BUF_INIT;
	buf_add_escaped(&shown, path);
	return err_new(code, "make whiteout %.200s of a layer", shown.data);
}

static int refuse(const char *path)
{
	auto_buf struct buf shown = BUF_INIT;
	buf_add_escaped(&shown, path);
	return err_say(-EINVAL, "member %.200s: not a whiteout that can be meant", shown.data);
}

static int opaque_set(struct unpack *u, const char *path, int dir, const char *name)
{
	auto_close int fd = sys_open_at(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	if (fd < 0)
		return failed(fd, path);
	return u->target->make_opaque(u->target->context, fd);
}

static int deletion_make(struct unpack *u, const char *path, int parent, const char *name)
{
	int r = sys_mknod_at(parent, name, S_IFCHR, 0);
	if (r != -EEXIST)
		return r < 0 ? failed(r, path) : 0;
	struct stat st;
	r = sys_stat_at(parent, name, AT_SYMLINK_NOFOLLOW, &st);
	if (r < 0)
		return failed(r, path);
	return S_ISDIR(st.st_mode) ? opaque_set(u, path, parent, name) : 0;
}

int unpack_whiteout(struct unpack *u, const struct member *m)
{
	const char *name = path_last(m->path);
	if (strncmp(m->path, prefix, strlen(prefix)) != 0 && !strstr(m->path, "/.wh."))
		return 0;
	/* A directory with such a name is not accepted in a layer. */
	for (const char *at = m->path; at < name; at = strchr(at, '/') + 1)
		if (str_prefix(at, prefix))
			return refuse(m->path);
	bool is_opaque = str_eq(name, ".wh..wh..opq");
	if (!is_opaque && str_prefix(name, ".wh..wh."))
		return 1; /* AUFS's own files: .wh..wh.plnk, .wh..wh.aufs */
	const char *hidden = name + strlen(prefix);
	if (m->type != S_IFREG || !*hidden || str_eq(hidden, ".") || str_eq(hidden, ".."))
		return refuse(m->path);
	const char *last;
	int parent = unpack_parent(u, m->path, &last);
	if (parent < 0)
		return parent;
	int r = is_opaque ? opaque_set(u, m->path, parent, ".")
			  : deletion_make(u, m->path, parent, hidden);
	return r < 0 ? r : 1;
}
