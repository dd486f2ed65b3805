/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening and making what is beneath a root. openat2(2) opens. The walker below does what openat2
 * cannot (making missing components on the way), and replaces openat2 where the kernel lacks it.
 * It opens one component at a time relative to an fd that it found beneath the root. It reads
 * symlinks and never follows them, and goes up only along the fds that it came down. If
 * components are swapped meanwhile, it fails or ends up elsewhere beneath the root, never
 * outside. Nothing here allocates, except path_join and path_clean.
 */
#include "sys/path.h"

#include "base/str.h"
#include "sys/calls.h"
#include "sys/fd.h"
#include "sys/internal.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdbool.h>

enum {
	SYMLINKS_MAX = 40, /* as in the kernel */
	LEVELS_MAX = PATH_LEVELS_MAX + 1, /* one fd per level, and the root */
	RACES_MAX = 128, /* for another process that keeps removing what the walker makes */
	PROC_ROOT_INODE = 1,
};

enum walk_mode { WALK_OPEN, WALK_MAKE_DIR, WALK_MAKE_FILE };

struct path_walk {
	int fds[LEVELS_MAX]; /* fds[0] is the root, which the caller owns */
	int depth; /* fds[depth] is the current directory */
	enum walk_mode mode;
	int open_flags;
	unsigned flags;
	mode_t make_mode;
	int symlinks, races;
	char *rest; /* the part of the path still to be walked, at the end of buffer */
	char buffer[2 * PATH_MAX];
};

/* The next component and what follows it. */
struct walk_part {
	char name[NAME_MAX + 1];
	bool is_last;
	bool must_be_dir; /* something follows, at least a slash */
};

static void walk_up_to(struct path_walk *w, int depth)
{
	for (; w->depth > depth; w->depth--)
		fd_close(w->fds[w->depth]);
}

static void walk_release(struct path_walk *w)
{
	walk_up_to(w, 0);
}
AUTO_STRUCT(path_walk, struct path_walk, walk_release)

/* Puts text in front of the part that is still to be walked. */
static int walk_prepend(struct path_walk *w, const char *text, size_t len)
{
	if (len > (size_t)(w->rest - w->buffer))
		return -ENAMETOOLONG;
	w->rest -= len;
	memcpy(w->rest, text, len);
	return 0;
}

/* Cuts off the next component; 0 when there is none. */
static int walk_next(struct path_walk *w, struct walk_part *out)
{
	w->rest += strspn(w->rest, "/");
	size_t len = strcspn(w->rest, "/");
	if (len == 0)
		return 0;
	if (len > NAME_MAX)
		return -ENAMETOOLONG;
	memcpy(out->name, w->rest, len);
	out->name[len] = '\0';
	w->rest += len;
	out->must_be_dir = *w->rest != '\0';
	out->is_last = w->rest[strspn(w->rest, "/")] == '\0';
	return 1;
}

/* The text of a magic link of procfs does not say where the link leads. The kernel refuses magic
 * links for RESOLVE_NO_MAGICLINKS. The symlinks in the topmost directory of procfs (self, mounts,
 * net) are ordinary. */
static bool walk_is_magic(int dir_fd, int link_fd)
{
	uint64_t magic;
	struct stat info;
	return sys_fs_magic(link_fd, &magic) < 0 ||
		(magic == PROC_SUPER_MAGIC &&
			(sys_stat_fd(dir_fd, &info) < 0 || info.st_ino != PROC_ROOT_INODE));
}

/* Continues with the target of a symlink; the name of the link has been cut off already. */
static int walk_symlink(struct path_walk *w, int link_fd)
{
	char target[PATH_MAX];
	if (w->flags & PATH_STRICT || ++w->symlinks > SYMLINKS_MAX ||
		walk_is_magic(w->fds[w->depth], link_fd))
		return -ELOOP;
	int len = sys_readlink_at(link_fd, "", target, sizeof(target));
	if (len <= 0)
		return len < 0 ? len : -ENOENT;
	if (target[0] == '/')
		walk_up_to(w, 0);
	return walk_prepend(w, target, (size_t)len);
}

/* Makes a missing component. The caller then tries the name again, as another process may have
 * replaced the component already. */
static int walk_make(struct path_walk *w, const struct walk_part *part)
{
	int dir = w->fds[w->depth];
	if (++w->races > RACES_MAX)
		return -EAGAIN;
	if (!part->is_last || w->mode == WALK_MAKE_DIR) {
		int r = sys_mkdir_at(dir, part->name, w->make_mode);
		return r == -EEXIST ? 0 : r;
	}
	if (part->must_be_dir)
		return -EISDIR;
	int fd = sys_open_at(
		dir, part->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_NOCTTY, 0644);
	fd_close(fd);
	return fd < 0 && fd != -EEXIST ? fd : 0;
}

/* An O_PATH fd of one component of any type. A missing component is made if the mode says so. */
static int walk_enter(struct path_walk *w, const struct walk_part *part)
{
	for (;;) {
		int fd = sys_open_at(w->fds[w->depth], part->name, O_PATH | O_NOFOLLOW, 0);
		if (fd != -ENOENT || w->mode == WALK_OPEN)
			return fd;
		int r = walk_make(w, part);
		if (r < 0)
			return r;
	}
}

/* The result, when the path ends at something that is not a directory. */
static int walk_end_at(struct path_walk *w, const struct walk_part *part, int *fd)
{
	if (w->mode == WALK_MAKE_DIR || w->open_flags & O_DIRECTORY)
		return -ENOTDIR;
	if (w->open_flags & O_PATH)
		return take_fd(fd);
	/* Opened by name, because an O_PATH fd can be opened only through /proc, which init may
	 * not have. */
	return sys_open_at(w->fds[w->depth], part->name, w->open_flags | O_NOFOLLOW, 0);
}

/* The result, when the path ends at the current directory. */
static int walk_end(struct path_walk *w)
{
	if (w->mode == WALK_MAKE_FILE)
		return -EISDIR;
	return sys_open_at(w->fds[w->depth], ".", w->open_flags & ~O_NOFOLLOW, 0);
}

/* Walks one component. Returns 0 to go on, otherwise the resulting fd (above 0, as fd 0 is never
 * closed) or the failure. */
static int walk_part(struct path_walk *w, const struct walk_part *part)
{
	if (str_eq(part->name, "."))
		return 0;
	if (str_eq(part->name, "..")) {
		walk_up_to(w, w->depth ? w->depth - 1 : 0);
		return 0;
	}

	struct stat info;
	auto_close int fd = walk_enter(w, part);
	if (fd < 0)
		return fd;
	int r = sys_stat_fd(fd, &info);
	if (r < 0)
		return r;
	bool is_end = part->is_last && !part->must_be_dir;
	if (S_ISLNK(info.st_mode) && !(is_end && w->open_flags & O_NOFOLLOW))
		return walk_symlink(w, fd);
	if (S_ISLNK(info.st_mode) && !(w->open_flags & O_PATH))
		return -ELOOP;
	if (!S_ISDIR(info.st_mode))
		return is_end ? walk_end_at(w, part, &fd) : -ENOTDIR;
	if (w->depth + 1 == LEVELS_MAX)
		return -ENAMETOOLONG;
	w->fds[++w->depth] = take_fd(&fd);
	return 0;
}

static int path_walk(int root_fd, const char *path, enum walk_mode mode, mode_t make_mode,
	int open_flags, unsigned flags)
{
	if (!*path)
		return -ENOENT;
	if (flags & PATH_DIR && mode != WALK_MAKE_FILE)
		open_flags |= O_DIRECTORY;

	auto_of(path_walk) struct path_walk w = {
		.fds = {root_fd},
		.mode = mode,
		.make_mode = make_mode,
		.open_flags = open_flags,
		.flags = flags,
	};
	w.rest = w.buffer + sizeof(w.buffer) - 1;
	*w.rest = '\0';

	size_t len = strlen(path);
	if (len >= PATH_MAX)
		return -ENAMETOOLONG;
	int r = walk_prepend(&w, path, len);
	if (r < 0)
		return r;
	struct walk_part part;
	while ((r = walk_next(&w, &part)) > 0) {
		r = walk_part(&w, &part);
		if (r != 0)
			return r;
	}
	return r < 0 ? r : walk_end(&w);
}

int path_open(int root_fd, const char *path, int open_flags, unsigned flags)
{
	static bool is_missing; /* openat2 is missing; learned once */

	if (open_flags & O_CREAT || (open_flags & O_TMPFILE) == O_TMPFILE)
		return -EINVAL;
	if (flags & PATH_DIR)
		open_flags |= O_DIRECTORY;
	if (!is_missing) {
		int fd = sys_openat2(root_fd, path, (uint64_t)(unsigned)open_flags, 0,
			RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS |
				(flags & PATH_STRICT ? RESOLVE_NO_SYMLINKS : 0));
		is_missing = fd == -ENOSYS;
		/* EPERM: a seccomp filter that is older than openat2 refuses it. EAGAIN: a
		 * lasting race on `..`. Neither concerns the walker. */
		if (fd != -ENOSYS && fd != -EPERM && fd != -EAGAIN)
			return fd;
	}
	return path_walk(root_fd, path, WALK_OPEN, 0, open_flags, flags);
}

static size_t path_levels(const char *path)
{
	size_t count = 0;
	for (; *path; path++)
		count += *path != '/' && (path[1] == '/' || path[1] == '\0');
	return count;
}

/* Most often only the last component is missing: then nothing is walked. -ENOENT: more components
 * are missing, a link leads nowhere, or the path is so deep that the walker has to check it. */
static int path_make_last(int root_fd, const char *path, mode_t mode, unsigned flags)
{
	const char *last;
	if (path_levels(path) >= LEVELS_MAX)
		return -ENOENT;
	auto_close int parent = path_open_parent(root_fd, path, false, flags, &last);
	int r = parent < 0 ? -ENOENT : sys_mkdir_at(parent, last, mode);
	if (r < 0 && r != -EEXIST)
		return r;
	return path_open(root_fd, path, O_PATH, flags | PATH_DIR);
}

int path_make_dir(int root_fd, const char *path, mode_t mode, unsigned flags)
{
	int fd = path_open(root_fd, path, O_PATH, flags | PATH_DIR);
	if (fd == -ENOENT)
		fd = path_make_last(root_fd, path, mode, flags);
	if (fd != -ENOENT)
		return fd;
	return path_walk(root_fd, path, WALK_MAKE_DIR, mode, O_PATH, flags | PATH_DIR);
}

int path_make_file(int root_fd, const char *path, unsigned flags)
{
	struct stat info;
	flags &= ~(unsigned)PATH_DIR;
	auto_close int fd = path_open(root_fd, path, O_PATH, flags);
	if (fd == -ENOENT)
		return path_walk(root_fd, path, WALK_MAKE_FILE, 0755, O_PATH, flags);
	int r = fd < 0 ? fd : sys_stat_fd(fd, &info);
	if (r < 0)
		return r;
	return S_ISDIR(info.st_mode) ? -EISDIR : take_fd(&fd);
}

int path_open_parent(
	int root_fd, const char *path, int is_made, unsigned flags, const char **out_last)
{
	char parent[PATH_MAX];
	const char *last = path_last(path);
	if (!*last || last[strcspn(last, "/")] || str_eq(last, ".") || str_eq(last, ".."))
		return -EINVAL;
	int r = fmt(parent, "%.*s", (int)(last - path), path);
	if (r < 0)
		return r;

	const char *dir = *parent ? parent : ".";
	int fd = is_made ? path_make_dir(root_fd, dir, 0755, flags)
			 : path_open(root_fd, dir, O_PATH, flags | PATH_DIR);
	if (fd >= 0)
		*out_last = last;
	return fd;
}

const char *path_last(const char *path)
{
	size_t end = strlen(path);
	while (end > 0 && path[end - 1] == '/')
		end--;
	while (end > 0 && path[end - 1] != '/')
		end--;
	return path + end;
}

void path_join(struct buf *out, const char *a, const char *b)
{
	size_t len = strlen(a);
	while (len > 0 && a[len - 1] == '/')
		len--;
	buf_add(out, a, len);
	buf_addc(out, '/');
	buf_adds(out, b + strspn(b, "/"));
}

void path_clean(struct buf *out, const char *path)
{
	size_t start = out->len;
	for (const char *at = path; *at;) {
		at += strspn(at, "/");
		size_t len = strcspn(at, "/");
		if (len == 2 && at[0] == '.' && at[1] == '.') {
			while (out->len > start && out->data[--out->len] != '/')
				continue;
			if (out->room)
				out->data[out->len] = '\0';
		} else if (len > 0 && !(len == 1 && at[0] == '.')) {
			buf_addc(out, '/');
			buf_add(out, at, len);
		}
		at += len;
	}
	if (out->len == start)
		buf_addc(out, '/');
}
