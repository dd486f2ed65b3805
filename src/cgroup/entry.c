/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way into a group without the kernel's lock over all thread groups. The host opens it, because
 * only the host sees the hierarchies and may write to them. The process that enters needs only the
 * fds.
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
#include <string.h>

/* Opens the directory of a group or, with `file`, that file of it for writing. The group is at the
 * hierarchy's root or below the caller's own group; path NULL: the caller's own group. */
static int open_place(
	const struct cgroup_hierarchy *h, const char *path, bool is_own, const char *file)
{
	char full[CGROUP_PATH_MAX];
	int len = fmt(full, "%s%s%s%s%s%s", h->mount_point,
		is_own && h->own_path[1] ? h->own_path : "", path ? "/" : "", path ? path : "",
		file ? "/" : "", file ? file : "");
	if (len < 0)
		return len;
	return sys_open_at(AT_FDCWD, full, file ? O_WRONLY : O_PATH | O_DIRECTORY, 0);
}

static int open_dir(const struct cgroup_hierarchy *h, const char *path, const char *file)
{
	int fd = path ? open_place(h, path, false, file) : -ENOENT;
	if (fd == -ENOENT && (!path || cgroup_place_count(h) > 1))
		fd = open_place(h, path, true, file);
	return fd;
}

/* The last subgroup that is given for this hierarchy. */
static const struct cgroup_subgroup *subgroup_find(
	const struct cgroup_hierarchy *h, const struct cgroup_subgroup *subgroups, size_t count)
{
	for (size_t i = count; i-- > 0;)
		if (!subgroups[i].controller ||
			cgroup_list_has(h->controllers, subgroups[i].controller))
			return &subgroups[i];
	return NULL;
}

/* The v2 tree of a hybrid host limits nothing, so the groups that a container has made in other
 * hierarchies need not exist there: then its own group is opened. */
static int open_subgroup(const struct cgroup_host *host, const struct cgroup_hierarchy *h, int dir,
	const struct cgroup_subgroup *subgroup)
{
	const char *below;
	if (str_eq(subgroup->path, "/"))
		return fd_dup(dir);
	int r = cgroup_path_check(subgroup->path, &below);
	if (r < 0)
		return r;
	int fd = sys_openat2(
		dir, below, O_PATH | O_DIRECTORY, 0, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
	if (fd == -ENOENT && !*h->controllers && !host->is_unified)
		return fd_dup(dir);
	return fd < 0
		? err_new(fd, "open cgroup %s of the container below %s", below, h->mount_point)
		: fd;
}

/* Opens the fd of cgroup_entry for one hierarchy; -ENODATA: that does not have the group. */
static int open_entry(const struct cgroup_host *host, const struct cgroup_hierarchy *h,
	const char *path, const struct cgroup_subgroup *subgroup)
{
	bool is_entered_by_file = *h->controllers;
	auto_close int dir = open_dir(h, path, is_entered_by_file && !subgroup ? "tasks" : NULL);
	if (dir == -ENOENT && subgroup && subgroup->controller)
		return err_say(dir, "the container has no cgroup below %s", h->mount_point);
	if (dir == -ENOENT)
		return -ENODATA;
	if (dir >= 0 && subgroup) {
		int below = open_subgroup(host, h, dir, subgroup);
		if (below < 0)
			return below;
		fd_replace(&dir, below);
	}
	int fd = dir < 0 || !is_entered_by_file || !subgroup
		? take_fd(&dir)
		: sys_open_at(dir, "tasks", O_WRONLY, 0);
	return fd < 0
		? err_new(fd, "open cgroup %s below %s", path ? path : h->own_path, h->mount_point)
		: fd;
}

int cgroup_dir_open(const struct cgroup_host *host, const char *path, const char *controllers)
{
	for (size_t i = 0; i < host->count; i++) {
		const struct cgroup_hierarchy *h = &host->hierarchies[i];
		if (!str_eq(h->controllers, controllers))
			continue;
		int fd = open_dir(h, path, NULL);
		if (fd == -ENOENT)
			fd = open_dir(h, NULL, NULL);
		return fd < 0 ? err_new(fd, "open the cgroup below %s", h->mount_point) : fd;
	}
	return err_say(-ENOENT, "there is no cgroup hierarchy %s", controllers);
}

/* Checks that each controller belongs to a hierarchy. */
static int subgroups_check(
	const struct cgroup_host *host, const struct cgroup_subgroup *subgroups, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const char *controller = subgroups[i].controller;
		bool is_there = !controller;
		for (size_t j = 0; j < host->count && !is_there; j++)
			is_there = cgroup_list_has(host->hierarchies[j].controllers, controller);
		if (!is_there)
			return err_say(-EINVAL,
				host->is_unified
					? "cgroup version 2 has one hierarchy for all controllers: "
					  "leave out \"%s:\""
					: "there is no cgroup hierarchy with the controller \"%s\"",
				controller);
	}
	return 0;
}

int cgroup_entry_open(const struct cgroup_host *host, const char *path, struct cgroup_entry *out)
{
	return cgroup_entry_open_sub(host, path, NULL, 0, out);
}

int cgroup_entry_open_sub(const struct cgroup_host *host, const char *path,
	const struct cgroup_subgroup *subgroups, size_t count, struct cgroup_entry *out)
{
	auto_of(cgroup_entry) struct cgroup_entry entry = CGROUP_ENTRY_INIT;

	int r = subgroups_check(host, subgroups, count);
	if (r < 0)
		return r;
	for (size_t i = 0; i < host->count; i++) {
		const struct cgroup_hierarchy *h = &host->hierarchies[i];
		int fd = open_entry(host, h, path, subgroup_find(h, subgroups, count));
		if (fd == -ENODATA)
			continue;
		if (fd < 0)
			return fd;
		if (*h->controllers)
			entry.fds[entry.count++] = fd;
		else
			entry.tree_fd = fd;
	}
	if (entry.count == 0 && entry.tree_fd < 0)
		return err_say(-ENOENT, "there is no cgroup %s", path ? path : "of this process");
	*out = entry;
	entry = (struct cgroup_entry)CGROUP_ENTRY_INIT;
	return 0;
}

int cgroup_entry_below(int tree_fd, const char *path, pid_t pid)
{
	char file[32];
	auto_buf struct buf text = BUF_INIT;
	fmt(file, "/proc/%d/cgroup", pid);
	int r = file_read(file, CGROUP_FILE_MAX, &text);
	if (r < 0)
		return err_new(r, "read %s", file);
	char *rest = text.data;
	for (char *line = str_cut(&rest, '\n'); line; line = str_cut(&rest, '\n')) {
		const char *group = str_after(line, "0::"),
			   *own = group ? strstr(group, path) : NULL;
		const char *below = own ? str_after(own + strlen(path), "/") : NULL;
		if (!below)
			continue;
		int fd = sys_openat2(tree_fd, below, O_PATH | O_DIRECTORY, 0,
			RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
		return fd < 0 ? err_new(fd, "open cgroup %s", group) : fd;
	}
	return err_say(-ENOENT, "process %d is not below cgroup %s", pid, path);
}

void cgroup_entry_close(struct cgroup_entry *entry)
{
	fd_replace(&entry->tree_fd, -EBADF);
	for (size_t i = 0; i < entry->count; i++)
		fd_close(entry->fds[i]);
	entry->count = 0;
}

int cgroup_entry_move(int fd)
{
	ssize_t n = sys_write(fd, "0", 1);
	return n < 0 ? (int)n : 0;
}

int cgroup_entry_move_all(const struct cgroup_entry *entry)
{
	int r = entry->tree_fd < 0 ? 0 : file_write_at(entry->tree_fd, "cgroup.procs", "0");

	for (size_t i = 0; i < entry->count; i++) {
		int moved = cgroup_entry_move(entry->fds[i]);
		r = r < 0 ? r : moved;
	}
	return r < 0 ? err_new(r, "move into another cgroup") : 0;
}
