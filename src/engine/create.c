/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making and unmaking what a container owns on disk, and the launch of its first process.
 *
 * Before the first object exists `pending/ID` is there and locked; it goes when the container is whole (detached) or
 * gone. A pending file whose lock is free belongs to a command that died, or that failed to clean up after its own
 * failure: the next one that passes undoes it.
 */
#include "engine/internal.h"
#include "base/err.h"
#include "base/log.h"
#include "base/str.h"
#include "storage/storage.h"
#include "sys/calls.h"
#include "sys/file.h"
#include "sys/lock.h"
#include "sys/process.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

enum { SETTLE_TRIES = 200, SETTLE_STEP_MS = 5 };

static int pending_path(char out[static 80], const char *id)
{
	return fmt_n(out, 80, "pending/%s", id);
}

int pending_begin(const struct engine *e, const char *id)
{
	char path[80];
	pending_path(path, id);
	/* Waits: a sweep that passes may have the lock of the new file for a moment. */
	int fd = lock_file_at(e->state_fd, path, true);
	return fd < 0 ? space_explain(e, err_new(fd, "begin with container %.12s", id)) : fd;
}

int pending_try(const struct engine *e, const char *id)
{
	char path[80];
	pending_path(path, id);
	int fd = lock_file_at(e->state_fd, path, false);
	return fd < 0 ? -EBADF : fd;
}

void pending_keep(int *lock_fd)
{
	fd_replace(lock_fd, -EBADF);
}

void pending_end(const struct engine *e, const char *id, int *lock_fd)
{
	if (*lock_fd < 0)
		return;
	char path[80];
	pending_path(path, id);
	sys_unlink_at(e->state_fd, path, 0);
	fd_replace(lock_fd, -EBADF);
}

/* Its command died: what only that command held is ended; a container that never ran, or is to be removed, goes; another
 * is exited. One that runs in the background is whole already. */
static int container_abandoned(struct engine *e, const char *id)
{
	struct summary summary = {.state = CONTAINER_BROKEN};
	bool has_summary = summary_read(e, id, &summary) == 0 && summary.state != CONTAINER_BROKEN;
	if (summary.state == CONTAINER_RUNNING && summary.flags & SUMMARY_DETACHED &&
		process_is_alive(&summary.process))
		return 0;
	int r = network_abandon(e, id);
	if (r == 0)
		r = container_release(e, id);
	if (r < 0)
		return r;
	bool stays = has_summary && !(summary.flags & SUMMARY_AUTO_REMOVE) &&
		(summary.state != CONTAINER_CREATED || summary.flags & SUMMARY_STAYS);
	if (!stays)
		return container_erase(e, id, has_summary ? summary.name : NULL);
	if (summary.state != CONTAINER_RUNNING)
		return 0;
	summary.state = CONTAINER_EXITED;
	summary.exit_code = -1;
	summary.finished_ns = clock_real_ns();
	return summary_store(e, id, &summary);
}

/* 1 when there is nothing pending of this container any more, 0 when its command lives. One that cannot be swept stays
 * for the next command and does not keep this one from its work. */
static int pending_sweep_one(struct engine *e, const char *id)
{
	char path[80];
	pending_path(path, id);
	auto_close int lock = lock_file_at(e->state_fd, path, false);
	if (lock < 0)
		return 0;
	log_debug("sweeping container %.12s of a command that died", id);
	int r = container_abandoned(e, id);
	if (r == 0)
		r = instance_groups_sweep(e);
	if (r < 0)
		log_warn("sweep container %.12s: %s", id, err_text());
	else
		pending_end(e, id, &lock);
	return 1;
}

void pending_settle(struct engine *e, const char *id)
{
	char path[80];
	struct summary summary;
	pending_path(path, id);
	for (int i = 0; i < SETTLE_TRIES; i++) {
		if (sys_access_at(e->state_fd, path, F_OK, AT_SYMLINK_NOFOLLOW) < 0 ||
			summary_read(e, id, &summary) < 0 || summary.state == CONTAINER_RUNNING ||
			pending_sweep_one(e, id))
			return;
		clock_sleep_ms(SETTLE_STEP_MS);
	}
}

void pending_sweep(struct engine *e)
{
	auto_strvec struct strvec names = STRVEC_INIT;
	int r = file_list_at(e->state_fd, "pending", &names);
	if (r < 0)
		log_warn("list %s/pending: error %d", e->state_path, -r);
	strvec_each (name, &names) {
		if (str_is_hex(*name, CONTAINER_ID_LEN))
			pending_sweep_one(e, *name);
	}
}

int container_run_dir_begin(struct engine *e, const struct container *c)
{
	auto_close int run_dir = container_run_dir_make(e, c->id);
	if (run_dir < 0)
		return err_new(run_dir, "make the run directory of container %.12s", c->id);
	sys_unlink_at(run_dir, "exit", 0);
	/* The lock is there before the disk is full: without it the container could not be cleaned up. */
	int r = sys_mknod_at(run_dir, "lock", S_IFREG | 0600, 0);
	if (r < 0 && r != -EEXIST)
		return err_new(r, "make the lock of container %.12s", c->id);
	return own_files_make(c, run_dir);
}

/* The writable layer; its root looks like the topmost layer's, which it covers. */
static int snapshot_make(struct engine *e, const struct container *c)
{
	auto_close int top = container_top_open(e, c);
	if (top < 0)
		return top;
	auto_of(storage_snapshot) struct storage_snapshot snapshot = STORAGE_SNAPSHOT_INIT;
	return storage_snapshot_create(e->root_fd, c->id, top, &snapshot);
}

/* Another command may have invented the same and been faster. */
static int name_take(struct engine *e, struct container *c)
{
	int r = name_claim(e, c->name, c->id);
	while (r == -EEXIST && c->has_invented_name) {
		name_invent(e, &e->arena, &c->name);
		r = name_claim(e, c->name, c->id);
	}
	return r;
}

/* Everything on disk, in an order in which an undo by id finds all of it. */
int container_create(struct engine *e, struct container *c)
{
	auto_buf struct buf path = BUF_INIT;
	buf_addf(&path, "containers/%s", c->id);
	int r = sys_mkdir_at(e->root_fd, path.data, 0700);
	if (r < 0)
		return err_new(r, "make %s/%s", e->root_path, path.data);
	r = name_take(e, c);
	if (r < 0)
		return r;
	struct summary summary;
	summary_fill(c, &summary);
	r = container_run_dir_begin(e, c);
	if (r == 0)
		r = snapshot_make(e, c);
	auto_close int uses = r == 0 && c->volumes.count ? volumes_use_lock(e, false) : -EBADF;
	if (uses < 0 && uses != -EBADF)
		r = uses;
	if (r == 0)
		r = volumes_make(e, c);
	/* The record comes last: its fsync takes the name of the summary with it, if not its content. */
	if (r == 0)
		r = summary_store(e, c->id, &summary);
	if (r == 0)
		r = container_record_store(e, c, !c->is_auto_remove);
	fd_replace(&e->image_use_fd, -EBADF);
	return r;
}

/* What the kernel still has of a container: processes, cgroup, and what the network leased. Twice is fine. */
int container_release(struct engine *e, const char *id)
{
	auto_buf struct buf path = BUF_INIT;
	container_cgroup_path(e, id, &path);
	auto_of(cgroup) struct cgroup *group = NULL;
	int r = cgroup_open(&e->cgroup, path.data, &group);
	if (r == 0)
		r = cgroup_kill_all(group);
	if (r == 0)
		r = cgroup_remove(&e->cgroup, path.data);
	if (r < 0 && r != -ENOENT)
		return r;
	return instance_groups_remove(e);
}

int container_forget(struct engine *e, const char *id, const char *name)
{
	int r = name && name[0] != '\0' ? name_release(e, name, id) : name_release_all(e, id);
	if (r < 0)
		return r;
	auto_buf struct buf path = BUF_INIT;
	buf_addf(&path, "containers/%s", id);
	/* In this order: who waits for the lock, which is in the second, finds no container to make it again for. */
	r = file_remove_tree_at(e->root_fd, path.data);
	if (r == 0)
		r = file_remove_tree_at(e->state_fd, path.data);
	return r < 0 ? err_new(r, "remove the files of container %.12s", id) : 0;
}

int container_erase(struct engine *e, const char *id, const char *name)
{
	int r = anonymous_remove(e, id);
	return r < 0 ? r : container_forget(e, id, name);
}
