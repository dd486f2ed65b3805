/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `diff`: the differences between a container's writable layer and the image below it. Overlayfs
 * writes a deletion as a character device 0:0. Everything else in the upper directory is new or
 * changed. The upper directory is only read, and never mounted a second time.
 */
#include "engine/internal.h"
#include "base/err.h"
#include "base/str.h"
#include "sys/calls.h"
#include "sys/file.h"
#include "sys/path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

enum { DIFF_DEPTH_MAX = 512 };

struct diff {
	int lower_fd; /* the image, read-only */
	struct strvec *out;
};

static bool is_in_image(const struct diff *d, const char *path)
{
	const char *name;
	auto_close int parent = path_open_parent(d->lower_fd, path, false, 0, &name);
	struct stat st;
	return parent >= 0 && sys_stat_at(parent, name, AT_SYMLINK_NOFOLLOW, &st) == 0;
}

/* Is this a mount point that husk made for its own mounts? */
static bool is_own_mount_point(const char *path, const struct stat *st)
{
	static const char *const paths[] = {
		"/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/dev/console"};
	static const char *const directories[] = {"/dev", "/proc", "/sys"};
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		if (str_eq(path, paths[i]))
			return S_ISREG(st->st_mode) && st->st_size == 0;
	for (size_t i = 0; i < sizeof(directories) / sizeof(directories[0]); i++)
		if (str_eq(path, directories[i]))
			return S_ISDIR(st->st_mode);
	return false;
}

static int compare_words(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Drops the line of a directory that contains only husk's own mount points. */
static void line_drop(struct strvec *lines, size_t at)
{
	free(lines->items[at]);
	lines->items[at] = NULL;
	lines->count = at;
}

static int diff_directory(struct diff *d, int dir, const char *path, unsigned depth);

static int diff_entry(struct diff *d, int dir, const char *name, const char *path, unsigned depth)
{
	struct stat st;
	if (sys_stat_at(dir, name, AT_SYMLINK_NOFOLLOW, &st) < 0)
		return 0; /* a running container removed it meanwhile */
	auto_free char *inner = mem_printf("%s/%s", path, name);
	if (is_own_mount_point(inner, &st))
		return 1;
	bool is_whiteout = S_ISCHR(st.st_mode) && st.st_rdev == 0;
	char kind = is_whiteout ? 'D' : is_in_image(d, inner) ? 'C' : 'A';
	size_t line = d->out->count;
	strvec_pushf(d->out, "%c %s", kind, inner);
	if (!S_ISDIR(st.st_mode))
		return 0;
	auto_close int inner_dir = file_open_dir_at(dir, name);
	int own = inner_dir < 0 ? 0 : diff_directory(d, inner_dir, inner, depth + 1);
	if (own > 0 && d->out->count == line + 1)
		line_drop(d->out, line);
	return own < 0 ? own : 0;
}

/* Returns the number of husk's own mount points in the directory. */
static int diff_directory(struct diff *d, int dir, const char *path, unsigned depth)
{
	if (depth > DIFF_DEPTH_MAX)
		return err_say(-ELOOP, "directories below %s are nested too deeply", path);
	auto_strvec struct strvec names = STRVEC_INIT;
	int r = file_list_at(dir, ".", &names);
	if (r < 0)
		return err_new(r, "list %s of the writable layer", path);
	if (names.count)
		qsort(names.items, names.count, sizeof(*names.items), compare_words);
	int own = 0;
	strvec_each (name, &names) {
		r = diff_entry(d, dir, *name, path, depth);
		if (r < 0)
			return r;
		own += r;
	}
	return own;
}

int container_diff(struct engine *e, const char *id, struct strvec *out)
{
	auto_arena struct arena a = ARENA_INIT;
	struct container c;
	int r = container_load(e, id, &a, &c);
	if (r < 0)
		return r;
	auto_close int lower = container_image_root_open(e, &c);
	if (lower < 0)
		return lower;
	auto_close int dir = container_dir_open(e, id);
	auto_close int upper = dir < 0 ? dir : file_open_dir_at(dir, "upper");
	if (upper < 0)
		return err_new(upper, "open the writable layer of container %.12s", id);
	struct diff d = {lower, out};
	r = diff_directory(&d, upper, "", 0);
	return r < 0 ? r : 0;
}
