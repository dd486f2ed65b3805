/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way into a group without the kernel's lock over all thread groups. The host opens it, because only the host sees
 * the hierarchies and may write to them; whoever goes through it needs nothing but the fds.
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

/* The directory of a group, at the hierarchy's root or below the caller's own group; NULL: the caller's own group. */
static int open_place(const struct cgroup_hierarchy *h, const char *path, bool is_own)
{
	char full[CGROUP_PATH_MAX];
	int len = fmt(full, "%s%s%s%s", h->mount_point, is_own && h->own_path[1] ? h->own_path : "",
		path ? "/" : "", path ? path : "");
	return len < 0 ? len : sys_open_at(AT_FDCWD, full, O_PATH | O_DIRECTORY, 0);
}

static int open_dir(const struct cgroup_hierarchy *h, const char *path)
{
	int fd = path ? open_place(h, path, false) : -ENOENT;
	if (fd == -ENOENT && (!path || cgroup_place_count(h) > 1))
		fd = open_place(h, path, true);
	return fd;
}

/* What cgroup_entry says of one hierarchy. */
static int open_entry(const struct cgroup_hierarchy *h, const char *path)
{
	auto_close int dir = open_dir(h, path);
	if (dir < 0 || !*h->controllers)
		return take_fd(&dir);
	return sys_open_at(dir, "tasks", O_WRONLY, 0);
}

int cgroup_dir_open(const struct cgroup_host *host, const char *path, const char *controllers)
{
	for (size_t i = 0; i < host->count; i++) {
		const struct cgroup_hierarchy *h = &host->hierarchies[i];
		if (!str_eq(h->controllers, controllers))
			continue;
		int fd = open_dir(h, path);
		if (fd == -ENOENT)
			fd = open_dir(h, NULL);
		return fd < 0 ? err_new(fd, "open the cgroup below %s", h->mount_point) : fd;
	}
	return err_say(-ENOENT, "there is no cgroup hierarchy %s", controllers);
}

int cgroup_entry_open(const struct cgroup_host *host, const char *path, struct cgroup_entry *out)
{
	auto_of(cgroup_entry) struct cgroup_entry entry = CGROUP_ENTRY_INIT;

	for (size_t i = 0; i < host->count; i++) {
		const struct cgroup_hierarchy *h = &host->hierarchies[i];
		int fd = open_entry(h, path);
		if (fd == -ENOENT)
			continue;
		if (fd < 0)
			return err_new(fd, "open cgroup %s below %s", path ? path : h->own_path,
				h->mount_point);
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
