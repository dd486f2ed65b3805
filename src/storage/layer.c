/* SPDX-License-Identifier: Apache-2.0 */
/* Layers: finding, opening, and making them so that a partial layer is never seen. */
#include "storage/storage.h"
#include "base/err.h"
#include "base/str.h"
#include "sys/calls.h"
#include "sys/fd.h"
#include "sys/file.h"
#include "sys/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/random.h>

/* Below layers/, because a rename from one mount to another is refused, and the worker for images
 * has a mount of its own for each directory of the root that it may see. */
#define STAGES "layers/making"

enum { STAGE_NAME_LEN = 16, LAYER_PATH_MAX = 96 };

static int layer_path(char out[static LAYER_PATH_MAX], const char *chain_id, const char *rest)
{
	if (!str_is_hex(chain_id, STORAGE_CHAIN_LEN))
		return -EINVAL;
	return fmt_n(out, LAYER_PATH_MAX, "layers/%s%s", chain_id, rest);
}

static int tree_open(int root_fd, const char *chain_id)
{
	char path[LAYER_PATH_MAX];
	int r = layer_path(path, chain_id, "/tree");
	return r < 0 ? r : sys_open_at(root_fd, path, O_PATH | O_DIRECTORY | O_NOFOLLOW, 0);
}

int storage_layer_find(int root_fd, const char *chain_id)
{
	auto_close int fd = tree_open(root_fd, chain_id);
	return fd >= 0;
}

int storage_layer_open(int root_fd, const char *chain_id)
{
	int fd = tree_open(root_fd, chain_id);
	if (fd == -EINVAL)
		return err_say(-EINVAL, "a chain id is 64 hex digits");
	return fd < 0 ? err_new(fd, "open layer %.12s", chain_id) : fd;
}

int storage_layer_open_side(int root_fd, const char *chain_id)
{
	char path[LAYER_PATH_MAX];
	int r = layer_path(path, chain_id, "");
	int fd = r < 0 ? r : file_open_dir_at(root_fd, path);
	return fd < 0 ? err_new(fd, "open layer %.12s", chain_id) : fd;
}

static int stage_name(char out[static STAGE_NAME_LEN + 1])
{
	uint64_t number;
	if (getrandom(&number, sizeof(number), 0) != sizeof(number))
		return -EIO;
	return fmt_n(out, STAGE_NAME_LEN + 1, "%016llx", (unsigned long long)number);
}

static int stage_path(char out[static LAYER_PATH_MAX], const char *name, const char *rest)
{
	return fmt_n(out, LAYER_PATH_MAX, STAGES "/%s%s", name, rest);
}

/* Makes a directory and sets its mode whatever the umask is. */
static int tree_make(int root_fd, const char *path)
{
	int r = sys_mkdir_at(root_fd, path, 0700);
	if (r < 0)
		return r;
	auto_close int fd = file_open_dir_at(root_fd, path);
	r = fd < 0 ? fd : sys_chmod_fd(fd, 0755);
	return r < 0 ? r : take_fd(&fd);
}

static void stage_close(struct storage_stage *s)
{
	fd_replace(&s->tree_fd, -EBADF);
	fd_replace(&s->side_fd, -EBADF);
	fd_replace(&s->lock_fd, -EBADF);
}

/* The lock is made first: storage_sweep would never find a directory without a lock. */
static int stage_make(struct storage_stage *s)
{
	char path[LAYER_PATH_MAX];
	int r = file_make_dirs_at(s->root_fd, STAGES, 0700);
	if (r == 0)
		r = stage_name(s->name);
	if (r < 0)
		return r;
	stage_path(path, s->name, ".lock");
	s->lock_fd = lock_file_at(s->root_fd, path, false);
	if (s->lock_fd < 0)
		return s->lock_fd;
	stage_path(path, s->name, "");
	r = sys_mkdir_at(s->root_fd, path, 0700);
	if (r == 0)
		r = s->side_fd = file_open_dir_at(s->root_fd, path);
	if (r < 0)
		return r;
	stage_path(path, s->name, "/tree");
	s->tree_fd = tree_make(s->root_fd, path);
	return s->tree_fd < 0 ? s->tree_fd : 0;
}

int storage_stage_begin(int root_fd, struct storage_stage *out)
{
	*out = (struct storage_stage)STORAGE_STAGE_INIT;
	out->root_fd = root_fd;
	int r = stage_make(out);
	if (r == 0)
		return 0;
	storage_stage_release(out);
	return err_new(r, "begin a layer");
}

int storage_stage_commit(struct storage_stage *s, const char *chain_id)
{
	char from[LAYER_PATH_MAX], to[LAYER_PATH_MAX];
	if (layer_path(to, chain_id, "") < 0)
		return err_say(-EINVAL, "a chain id is 64 hex digits");
	stage_path(from, s->name, "");
	int r = file_make_dirs_at(s->root_fd, "layers", 0700);
	/* One syncfs is enough for a tree of any size. The rename comes after it, so it cannot
	 * become durable before the tree. */
	if (r == 0)
		r = sys_syncfs(s->tree_fd);
	if (r == 0)
		r = sys_rename_at(s->root_fd, from, s->root_fd, to, RENAME_NOREPLACE);
	if (r == -EEXIST)
		return 0;
	if (r == 0)
		r = file_sync_dir_at(s->root_fd, "layers");
	return r < 0 ? err_new(r, "store layer %.12s", chain_id) : 0;
}

int storage_layer_discard(int root_fd, const char *chain_id)
{
	char from[LAYER_PATH_MAX], to[LAYER_PATH_MAX];
	struct storage_stage s;
	if (layer_path(from, chain_id, "") < 0)
		return err_say(-EINVAL, "a chain id is 64 hex digits");
	int r = storage_stage_begin(root_fd, &s);
	if (r < 0)
		return r;
	stage_path(to, s.name, "/removed");
	r = sys_rename_at(root_fd, from, root_fd, to, 0);
	/* Without a held lock, the stage looks like that of a dead process: storage_sweep removes
	 * it. */
	stage_close(&s);
	return r < 0 && r != -ENOENT ? err_new(r, "remove layer %.12s", chain_id) : 0;
}

static int mountpoints_fill(int tree)
{
	static const char *const directories[] = {"dev", "etc", "proc", "sys"};
	static const char *const files[] = {"etc/hostname", "etc/hosts", "etc/resolv.conf"};
	int r = 0;
	for (size_t i = 0; r >= 0 && i < sizeof(directories) / sizeof(directories[0]); i++) {
		auto_close int fd = tree_make(tree, directories[i]);
		r = fd;
	}
	for (size_t i = 0; r >= 0 && i < sizeof(files) / sizeof(files[0]); i++)
		r = file_create_at(tree, files[i], "", 0, 0644);
	return r;
}

static int mountpoints_make(int root_fd)
{
	auto_of(storage_stage) struct storage_stage s = STORAGE_STAGE_INIT;
	int r = storage_stage_begin(root_fd, &s);
	if (r < 0)
		return r;
	char from[LAYER_PATH_MAX];
	stage_path(from, s.name, "/tree");
	r = mountpoints_fill(s.tree_fd);
	if (r >= 0)
		r = sys_syncfs(s.tree_fd);
	if (r >= 0)
		r = sys_rename_at(root_fd, from, root_fd, "mountpoints", RENAME_NOREPLACE);
	return r == -EEXIST ? 0 : r;
}

int storage_mountpoints_open(int root_fd)
{
	int fd = sys_open_at(root_fd, "mountpoints", O_PATH | O_DIRECTORY | O_NOFOLLOW, 0);
	if (fd != -ENOENT)
		return fd < 0 ? err_new(fd, "open the layer of mount points") : fd;
	int r = mountpoints_make(root_fd);
	if (r == 0)
		r = sys_open_at(root_fd, "mountpoints", O_PATH | O_DIRECTORY | O_NOFOLLOW, 0);
	return r < 0 ? err_new(r, "make the layer of mount points") : r;
}

void storage_stage_release(struct storage_stage *s)
{
	char path[LAYER_PATH_MAX];
	if (s->lock_fd >= 0) {
		stage_path(path, s->name, "");
		file_remove_tree_at(s->root_fd, path);
		stage_path(path, s->name, ".lock");
		sys_unlink_at(s->root_fd, path, 0);
	}
	stage_close(s);
}

/* Removes the stage of one lock file, if its name is one that stage_make gives and no process
 * holds the lock. */
static int stage_sweep(int root_fd, const char *file)
{
	struct storage_stage s = STORAGE_STAGE_INIT;
	if (!str_suffix(file, ".lock") || fmt(s.name, "%.*s", STAGE_NAME_LEN, file) < 0 ||
		!str_is_hex(s.name, STAGE_NAME_LEN) || strlen(file) != STAGE_NAME_LEN + 5)
		return 0;
	char path[LAYER_PATH_MAX];
	stage_path(path, s.name, ".lock");
	s.root_fd = root_fd;
	s.lock_fd = lock_file_at(root_fd, path, false);
	if (s.lock_fd == -EWOULDBLOCK)
		return 0;
	if (s.lock_fd < 0)
		return s.lock_fd;
	storage_stage_release(&s);
	return 0;
}

int storage_sweep(int root_fd)
{
	auto_strvec struct strvec names = STRVEC_INIT;
	int r = file_list_at(root_fd, STAGES, &names);
	if (r == -ENOENT)
		return 0;
	strvec_each (name, &names) {
		if (r == 0)
			r = stage_sweep(root_fd, *name);
	}
	return r < 0 ? err_new(r, "sweep layers that were never finished") : 0;
}
