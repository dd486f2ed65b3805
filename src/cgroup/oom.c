/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reports that a group runs out of memory. Version 2 wakes a process that polls memory.events,
 * whose count of kills tells. Version 1 counts up an eventfd: when memory is out, before anything
 * is killed for it, and once more when the group is removed.
 */
#include "cgroup/cgroup.h"
#include "cgroup/internal.h"

#include "base/err.h"
#include "base/str.h"
#include "sys/calls.h"
#include "sys/fd.h"
#include "sys/file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>

static int counted(const struct cgroup_oom_watch *watch, uint64_t *out)
{
	int r = sys_seek_start(watch->fd);
	return r < 0 ? r : cgroup_oom_kills(watch->fd, out);
}

static int watch_events(const struct cgroup *g, struct cgroup_oom_watch *out)
{
	out->events = POLLPRI;
	out->fd = cgroup_oom_open(g);
	return out->fd < 0 ? 0 : counted(out, &out->count);
}

static int watch_control(int dir, struct cgroup_oom_watch *out)
{
	char text[32];
	out->events = POLLIN;
	out->dir_fd = fd_dup(dir);
	out->file_fd = sys_open_at(dir, "memory.oom_control", O_RDONLY, 0);
	if (out->dir_fd < 0 || out->file_fd < 0)
		return out->dir_fd < 0 ? out->dir_fd : out->file_fd;
	out->fd = sys_eventfd();
	if (out->fd < 0)
		return out->fd;
	fmt(text, "%d %d", out->fd, out->file_fd);
	return file_write_at(dir, "cgroup.event_control", text);
}

int cgroup_oom_watch_open(const struct cgroup *g, struct cgroup_oom_watch *out)
{
	auto_of(cgroup_oom_watch) struct cgroup_oom_watch watch = {
		.fd = -EBADF, .file_fd = -EBADF, .dir_fd = -EBADF};
	int dir = cgroup_dir_find(g, "memory"), r = 0;
	if (dir >= 0)
		r = g->is_unified ? watch_events(g, &watch) : watch_control(dir, &watch);
	if (r < 0)
		return err_new(r, "watch the memory of cgroup %s", g->path);
	*out = watch;
	watch = (struct cgroup_oom_watch){.fd = -EBADF, .file_fd = -EBADF, .dir_fd = -EBADF};
	return 0;
}

void cgroup_oom_watch_close(struct cgroup_oom_watch *watch)
{
	fd_replace(&watch->fd, -EBADF);
	fd_replace(&watch->file_fd, -EBADF);
	fd_replace(&watch->dir_fd, -EBADF);
}

static int take_control(const struct cgroup_oom_watch *watch)
{
	uint64_t signals = 0;
	ssize_t n = sys_read(watch->fd, &signals, sizeof(signals));
	if (n == -EAGAIN)
		return 0;
	if (n < 0)
		return err_new((int)n, "read what memory.oom_control tells");
	bool is_gone = sys_access_at(watch->dir_fd, "memory.oom_control", F_OK, 0) < 0;
	return signals > (is_gone ? 1 : 0);
}

int cgroup_oom_watch_take(struct cgroup_oom_watch *watch)
{
	uint64_t count = watch->count;
	if (watch->fd < 0)
		return 0;
	if (watch->dir_fd >= 0)
		return take_control(watch);
	int r = counted(watch, &count);
	if (r < 0 && r != -ENODEV) /* the group has gone */
		return err_new(r, "read memory.events");
	bool is_new = count > watch->count;
	watch->count = count;
	return is_new;
}
