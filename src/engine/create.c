/* SPDX-License-Identifier: Apache-2.0 */
/* Makes a container's files and directories. */
#include "engine/internal.h"
#include "base/err.h"
#include "storage/storage.h"
#include "sys/calls.h"

#include <errno.h>

int container_run_dir_begin(struct engine *e, const struct container *c)
{
	auto_close int run_dir = container_run_dir_make(e, c->id);
	if (run_dir < 0)
		return err_new(run_dir, "make the run directory of container %.12s", c->id);
	sys_unlink_at(run_dir, "exit", 0);
	/* The lock is made before the disk can be full: without it the container could not be
	 * cleaned up. */
	int r = sys_mknod_at(run_dir, "lock", S_IFREG | 0600, 0);
	if (r < 0 && r != -EEXIST)
		return err_new(r, "make the lock of container %.12s", c->id);
	return own_files_make(c, run_dir);
}

/* Makes the writable layer. Its root directory gets the attributes of the topmost layer's root,
 * which it covers. */
static int snapshot_make(struct engine *e, const struct container *c)
{
	auto_close int top = container_top_open(e, c);
	if (top < 0)
		return top;
	auto_of(storage_snapshot) struct storage_snapshot snapshot = STORAGE_SNAPSHOT_INIT;
	return storage_snapshot_create(e->root_fd, c->id, top, &snapshot);
}

/* The name's owner may be left by a command that died: then the owner is swept. Another command may
 * have chosen the same invented name first: then a new one is invented. */
static int name_take(struct engine *e, struct container *c)
{
	char owner[CONTAINER_ID_LEN + 1];
	int r = name_claim(e, c->name, c->id, owner);
	if (r == -EEXIST && owner[0]) {
		pending_settle(e, owner);
		r = name_claim(e, c->name, c->id, owner);
	}
	while (r == -EEXIST && c->has_invented_name) {
		name_invent(e, &e->arena, &c->name);
		r = name_claim(e, c->name, c->id, owner);
	}
	return r;
}

/* Makes all files in such an order that an undo by id finds all of them. */
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
	r = container_run_dir_begin(e, c);
	if (r == 0)
		r = snapshot_make(e, c);
	auto_close int uses = r == 0 && c->mounts.count ? volumes_use_lock(e, false) : -EBADF;
	if (uses < 0 && uses != -EBADF)
		r = uses;
	if (r == 0)
		r = volumes_make(e, c);
	/* The record comes last: its fsync also makes the summary's directory entry durable, if not
	 * its content. */
	if (r == 0)
		r = summary_make(e, c);
	if (r == 0)
		r = container_record_store(e, c, !c->is_auto_remove);
	fd_replace(&e->image_use_fd, -EBADF);
	return r;
}
