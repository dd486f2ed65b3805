/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Paths below a root that an attacker may control. The root is opened once, as an fd. The kernel
 * resolves every path beneath it (openat2 with RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS: absolute
 * symlinks of the image stay inside the image, `..` stops at the root). The result is an fd,
 * never a path.
 *
 * On kernels without openat2 a walker opens one component at a time with O_PATH | O_NOFOLLOW and
 * resolves symlinks itself. Silent, -errno; -ELOOP for more than 40 symlinks, or for any symlink
 * with PATH_STRICT.
 */
#include "base/buf.h"

#include <stdint.h>
#include <sys/types.h>

enum { PATH_LEVELS_MAX = 127 };

enum path_flags {
	PATH_STRICT = 1, /* no symlinks at all: for /proc, /sys, /dev and what is below them */
	PATH_DIR = 2, /* the last component is a directory */
};

/* Opens an existing path beneath root. `open_flags` as for open(2), mostly O_PATH; O_CREAT is
 * refused. */
int path_open(int root_fd, const char *path, int open_flags, unsigned flags);

/* Makes every missing directory of `path` (with this mode) and returns an O_PATH fd of the last.
 * Missing directories behind a dangling symlink are made where the symlink points, inside the
 * root. The umask applies. More than 127 levels (PATH_LEVELS_MAX): -ENAMETOOLONG. */
int path_make_dir(int root_fd, const char *path, mode_t mode, unsigned flags);

/* Makes a mount point for a file: the parent as in path_make_dir, then an empty regular file
 * (O_EXCL), unless something that is not a directory exists already. Returns an O_PATH fd and
 * never opens what it finds. -EISDIR: a directory exists. */
int path_make_file(int root_fd, const char *path, unsigned flags);

/* An O_PATH fd of the parent directory beneath root, made if `is_made`. *out_last is the last
 * component and points into `path`. -EINVAL: the path ends in a slash. */
int path_open_parent(
	int root_fd, const char *path, int is_made, unsigned flags, const char **out_last);

/* The last component of a path: "c" of "/a/b/c". Points into `path`. */
const char *path_last(const char *path);
/* `a/b` joined into out with exactly one slash between. */
void path_join(struct buf *out, const char *a, const char *b);
/* Removes `.`, `//`, and `..` lexically; the result is absolute. Only for container paths that
 * are shown or compared, never in place of resolving. */
void path_clean(struct buf *out, const char *path);
