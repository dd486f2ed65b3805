/* SPDX-License-Identifier: Apache-2.0 */
/*
 * downloads/KEY and KEY+lock: what pulls have downloaded so far. The lock holder may change or
 * remove both. The lock file is removed last, so no directory is ever without one.
 */
#include "base/str.h"
#include "image/internal.h"
#include "sys/calls.h"
#include "sys/fd.h"
#include "sys/file.h"
#include "sys/lock.h"
#include "sys/process.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

/* A key has no `+` (reference_file). */
#define LOCK_SUFFIX "+lock"
#define DOWNLOADS "downloads/"

static int lock_take(int root_fd, const char *key, bool is_waiting)
{
	auto_buf struct buf path = BUF_INIT;
	buf_addf(&path, DOWNLOADS "%s" LOCK_SUFFIX, key);
	return lock_file_at(root_fd, path.data, is_waiting);
}

int download_open(int root_fd, const char *key, struct download_place *out)
{
	auto_buf struct buf path = BUF_INIT;
	buf_addf(&path, DOWNLOADS "%s", key);
	*out = (struct download_place){.lock_fd = -EBADF, .dir_fd = -EBADF};
	int r = file_make_dirs_at(root_fd, "downloads", 0700);
	if (r == 0)
		r = out->lock_fd = lock_take(root_fd, key, true);
	if (r >= 0)
		r = out->dir_fd = file_make_dir_open_at(root_fd, path.data, 0700);
	return r < 0 ? err_new(r, "make room for a download") : 0;
}

int download_remove(int root_fd, const char *key)
{
	auto_buf struct buf path = BUF_INIT;
	buf_addf(&path, DOWNLOADS "%s", key);
	int r = file_remove_tree_at(root_fd, path.data);
	if (r == 0 || r == -ENOENT) {
		buf_adds(&path, LOCK_SUFFIX);
		r = sys_unlink_at(root_fd, path.data, 0);
	}
	return r < 0 ? err_new(r, "remove %s", path.data) : 0;
}

/* Each pull replaces a file in the directory when it begins, which renews the directory's mtime. */
static bool is_old(int root_fd, const char *key, uint64_t age_s)
{
	struct stat st;
	auto_buf struct buf path = BUF_INIT;
	buf_addf(&path, DOWNLOADS "%s", key);
	uint64_t now = clock_real_ns() / 1000000000u;
	return sys_stat_at(root_fd, path.data, AT_SYMLINK_NOFOLLOW, &st) < 0 ||
		(uint64_t)st.st_mtime + age_s <= now;
}

int downloads_sweep(int root_fd, uint64_t age_s)
{
	auto_strvec struct strvec names = STRVEC_INIT;
	int r = file_list_at(root_fd, "downloads", &names);
	if (r < 0)
		return r == -ENOENT ? 0 : err_new(r, "list downloads");
	strvec_each (name, &names) {
		if (r < 0 || !str_suffix(*name, LOCK_SUFFIX))
			continue;
		(*name)[strlen(*name) - strlen(LOCK_SUFFIX)] = '\0';
		auto_close int lock = lock_take(root_fd, *name, false);
		if (lock >= 0 && is_old(root_fd, *name, age_s))
			r = download_remove(root_fd, *name);
	}
	return r;
}
