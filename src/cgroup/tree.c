/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A group and the groups below it. A container may have made these itself, as deep as it likes, so
 * nothing here recurses or holds an fd per level. Directories are left through "..", which cannot
 * lead elsewhere, because a cgroup directory cannot be moved to another parent.
 */
#include "cgroup/cgroup.h"
#include "cgroup/internal.h"

#include "base/err.h"
#include "base/str.h"
#include "sys/calls.h"
#include "sys/fd.h"
#include "sys/file.h"
#include "sys/process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>

enum {
	DIR_ROOM = 8 * 1024,
	DEPTH_MAX = 4096,
	REMOVE_MS = 2000,
	SLEEP_MAX_MS = 50,
};

static bool is_subgroup(const struct dir_row *row)
{
	return row->type == DT_DIR && !str_eq(row->name, ".") && !str_eq(row->name, "..");
}

/* The names of the directories in a directory. With `is_first` it stops at the first. */
static int list_subgroups(int fd, bool is_first, struct strvec *out)
{
	_Alignas(struct dir_row) char rows[DIR_ROOM];
	auto_close int dir = sys_open_at(fd, ".", O_RDONLY | O_DIRECTORY, 0);
	int len = dir;

	while (len >= 0 && (len = sys_read_dir(dir, rows, sizeof(rows))) > 0) {
		for (int at = 0; at < len; at += ((struct dir_row *)(rows + at))->length) {
			const struct dir_row *row = (const struct dir_row *)(rows + at);
			if (!is_subgroup(row))
				continue;
			strvec_push(out, row->name);
			if (is_first)
				return 0;
		}
	}
	return len;
}

static int open_below(int fd, const char *name)
{
	return sys_open_at(fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW, 0);
}

/* The names that are still to visit in each directory from the top to the current one. Names are
 * taken from the end. */
struct walk {
	int fd; /* the current directory */
	struct strvec *levels;
	size_t depth, room;
};

static void walk_release(struct walk *w)
{
	for (size_t i = 0; i < w->depth; i++)
		strvec_release(&w->levels[i]);
	free(w->levels);
	fd_close(w->fd);
}
AUTO_STRUCT(walk, struct walk, walk_release)

/* Enters the directory `fd` (taken over) and lists the names that are to visit. */
static int walk_enter_take(struct walk *w, int fd)
{
	fd_replace(&w->fd, fd);
	if (w->depth == DEPTH_MAX)
		return -ELOOP;
	if (w->depth == w->room) {
		w->room = w->room ? 2 * w->room : 8;
		w->levels = mem_resize(w->levels, w->room, sizeof(w->levels[0]));
	}
	struct strvec *names = &w->levels[w->depth++];
	*names = (struct strvec)STRVEC_INIT;
	int r = list_subgroups(w->fd, false, names);
	return r == -ENOENT ? 0 : r; /* the directory was removed meanwhile */
}

static int walk_leave(struct walk *w)
{
	strvec_release(&w->levels[--w->depth]);
	if (w->depth == 0)
		return 0;
	int up = open_below(w->fd, "..");
	if (up >= 0)
		fd_replace(&w->fd, up);
	return up < 0 ? up : 0;
}

/* Moves to the next directory; -ENOENT if that has vanished, 1 at the end. */
static int walk_next(struct walk *w)
{
	while (w->depth > 0) {
		struct strvec *names = &w->levels[w->depth - 1];
		if (names->count == 0) {
			int r = walk_leave(w);
			if (r < 0)
				return r;
			continue;
		}
		auto_free char *name = names->items[--names->count];
		names->items[names->count] = NULL;
		int fd = open_below(w->fd, name);
		return fd < 0 ? fd : walk_enter_take(w, fd);
	}
	return 1;
}

/* Calls `visit` for the directory and all below it, parents first, until a call returns < 0.
 * Silent. */
static int cgroup_walk(int fd, int (*visit)(int fd, void *context), void *context)
{
	auto_of(walk) struct walk w = {.fd = -EBADF};

	int top = open_below(fd, ".");
	int r = top < 0 ? top : walk_enter_take(&w, top);
	while (r <= 0) {
		if (r < 0 && r != -ENOENT)
			return r;
		r = r == 0 ? visit(w.fd, context) : 0;
		if (r < 0)
			return r;
		r = walk_next(&w);
	}
	return 0;
}

struct pid_list {
	pid_t *items;
	size_t count, room;
};

static void pid_list_release(struct pid_list *list)
{
	free(list->items);
}
AUTO_STRUCT(pid_list, struct pid_list, pid_list_release)

static void pid_list_add(struct pid_list *list, pid_t pid)
{
	if (list->count == list->room) {
		list->room = list->room ? 2 * list->room : 16;
		list->items = mem_resize(list->items, list->room, sizeof(list->items[0]));
	}
	list->items[list->count++] = pid;
}

static int visit_pids(int fd, void *context)
{
	auto_buf struct buf procs = BUF_INIT;

	int r = file_read_at(fd, "cgroup.procs", CGROUP_PROCS_MAX, &procs);
	/* The group is gone, or threaded: then its processes are listed in the group above. */
	if (r == -ENOENT || r == -ENODEV || r == -EOPNOTSUPP)
		return 0;
	if (r < 0)
		return r;
	char *rest = procs.data;
	for (char *line; (line = str_cut(&rest, '\n'));) {
		uint32_t pid;
		if (*line && parse_u32(line, &pid) < 0)
			return -EBADMSG;
		if (*line)
			pid_list_add(context, (pid_t)pid);
	}
	return 0;
}

int cgroup_compare_pids(const void *a, const void *b)
{
	pid_t left = *(const pid_t *)a, right = *(const pid_t *)b;
	return (left > right) - (left < right);
}

/* The hierarchy in which the processes of a group are looked up. Every process is in all of them.
 * The v2 tree comes first, because a container cannot rearrange it through a v1 mount. */
static int any_dir(const struct cgroup *g)
{
	static const char *const order[] = {NULL, "freezer", "pids", "memory", "cpu"};
	int fd = -EBADF;

	for (size_t i = 0; fd < 0 && i < sizeof(order) / sizeof(order[0]); i++)
		fd = cgroup_dir_find(g, order[i]);
	for (size_t i = 0; fd < 0 && i < g->count; i++)
		fd = g->dirs[i].fd;
	return fd;
}

int cgroup_pids(const struct cgroup *g, pid_t **out_pids, size_t *out_count)
{
	auto_of(pid_list) struct pid_list list = {0};

	int r = cgroup_walk(any_dir(g), visit_pids, &list);
	if (r < 0 && r != -ENOENT)
		return err_new(r, "list the processes of cgroup %s", g->path);
	if (list.count)
		qsort(list.items, list.count, sizeof(list.items[0]), cgroup_compare_pids);
	*out_count = list.count;
	*out_pids = take_ptr(&list.items);
	return 0;
}

/* -EEXIST stops the walk. */
static int visit_populated(int fd, void *context)
{
	auto_buf struct buf procs = BUF_INIT;

	int r = file_read_at(fd, "cgroup.procs", CGROUP_PROCS_MAX, &procs);
	return r == 0 && procs.len ? -EEXIST : 0;
}

bool cgroup_is_populated(const struct cgroup *g)
{
	auto_buf struct buf events = BUF_INIT;
	int tree = cgroup_dir_find(g, NULL);

	if (tree >= 0 && file_read_at(tree, "cgroup.events", CGROUP_FILE_MAX, &events) == 0)
		return str_prefix(events.data, "populated 1") ||
			strstr(events.data, "\npopulated 1");
	return cgroup_walk(any_dir(g), visit_populated, NULL) == -EEXIST;
}

/* rmdir of a group that has groups or processes: EBUSY; of a directory elsewhere, ENOTEMPTY. */
static bool is_in_use(int r)
{
	return r == -EBUSY || r == -ENOTEMPTY;
}

/* Removes all groups below a directory, deepest first. -EBUSY if something is in use. */
static int remove_below(int top)
{
	auto_close int fd = open_below(top, ".");
	size_t depth = 0;
	bool was_climbing = false;

	while (fd >= 0) {
		auto_strvec struct strvec first = STRVEC_INIT;
		int r = list_subgroups(fd, true, &first);
		if (r < 0)
			return r;
		if (first.count == 0 && depth == 0)
			return 0;
		r = first.count ? sys_unlink_at(fd, first.items[0], AT_REMOVEDIR) : 0;
		if (first.count && (r == 0 || r == -ENOENT)) {
			was_climbing = false;
			continue;
		}
		if (r < 0 && (!is_in_use(r) || was_climbing))
			return r;
		/* Down into the group that is not empty, or up again from one that has no
		 * groups. */
		was_climbing = first.count == 0;
		depth = was_climbing ? depth - 1 : depth + 1;
		fd_replace(&fd, open_below(fd, was_climbing ? ".." : first.items[0]));
	}
	return fd;
}

static int remove_directory(const char *path)
{
	int r = sys_unlink_at(AT_FDCWD, path, AT_REMOVEDIR);
	if (r == 0 || r == -ENOENT)
		return 0;
	auto_close int fd = open_below(AT_FDCWD, path);
	/* On a read-only mount rmdir fails even if there is no such directory. */
	if (fd == -ENOENT)
		return 0;
	if (!is_in_use(r))
		return r;
	if (fd >= 0)
		remove_below(fd);
	r = sys_unlink_at(AT_FDCWD, path, AT_REMOVEDIR);
	return r == -ENOENT ? 0 : r;
}

/* Removes at the root of a hierarchy and below the caller's own group: a group may be in either. */
static int remove_in(const struct cgroup_hierarchy *h, const char *path)
{
	char full[CGROUP_PATH_MAX];

	for (int is_own = 0; is_own < cgroup_place_count(h); is_own++) {
		int r = cgroup_place(h, is_own, path, full);
		if (r == 0)
			r = remove_directory(full);
		if (r < 0)
			return r;
	}
	return 0;
}

/* One attempt in every hierarchy that is not done yet: *pending has a bit for each. Returns the
 * last failure, or the first that waiting does not cure. */
static int remove_pending(const struct cgroup_host *host, const char *path, uint32_t *pending)
{
	int failure = 0;

	for (size_t i = 0; i < host->count; i++) {
		if (!(*pending & 1U << i))
			continue;
		int r = remove_in(&host->hierarchies[i], path);
		if (r == 0)
			*pending &= ~(1U << i);
		else if (failure == 0 || is_in_use(failure))
			failure = err_new(r, "remove cgroup %s below %s", path,
				host->hierarchies[i].mount_point);
	}
	return failure;
}

int cgroup_remove(const struct cgroup_host *host, const char *path)
{
	uint32_t pending = (uint32_t)((1ULL << host->count) - 1);
	const char *plain;

	int r = cgroup_path_check(path, &plain);
	if (r == 0)
		r = remove_pending(host, plain, &pending);
	if (r == 0)
		return 0;
	uint64_t end_ms = clock_boot_ms() + REMOVE_MS;
	for (uint64_t sleep_ms = 1; is_in_use(r) && clock_boot_ms() < end_ms; sleep_ms *= 2) {
		clock_sleep_ms(sleep_ms < SLEEP_MAX_MS ? sleep_ms : SLEEP_MAX_MS);
		r = remove_pending(host, plain, &pending);
	}
	return r;
}

int cgroup_remove_empty_parent(const struct cgroup_host *host, const char *path)
{
	const char *plain;

	int r = cgroup_path_check(path, &plain);
	if (r < 0)
		return r;
	auto_free char *parent = mem_strdup(plain);
	char *slash = strrchr(parent, '/');
	if (!slash)
		return 0;
	*slash = '\0';
	for (size_t i = 0; i < host->count; i++) {
		const struct cgroup_hierarchy *h = &host->hierarchies[i];
		char full[CGROUP_PATH_MAX];
		for (int is_own = 0; is_own < cgroup_place_count(h); is_own++) {
			r = cgroup_place(h, is_own, parent, full);
			if (r == 0)
				r = sys_unlink_at(AT_FDCWD, full, AT_REMOVEDIR);
			/* its users try again after they leave, in all hierarchies */
			if (is_in_use(r))
				return 0;
			/* A hierarchy that is read-only here is another process's to clean up. */
			if (r < 0 && r != -ENOENT && r != -EROFS)
				return err_new(r, "remove %s", full);
		}
	}
	return 0;
}
