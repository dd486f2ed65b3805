/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making and opening groups. Every container start comes this way, so each hierarchy costs one
 * mkdir and one open. What can go wrong only in a race (controllers not yet enabled in the
 * instance's directory, the directory removed by the last container's end) is not looked for: it is
 * repaired when the kernel refuses the next step. An empty cpuset is looked for, because only init
 * would notice it, and init can repair nothing.
 */
#include "cgroup/cgroup.h"
#include "cgroup/internal.h"

#include "base/err.h"
#include "base/log.h"
#include "base/str.h"
#include "sys/calls.h"
#include "sys/fd.h"
#include "sys/file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum {
	DIRECTORY_MODE = 0755,
	RACE_TRIES = 100, /* another container's end removes the parent between our two mkdirs */
};

static const char *dir_name(const struct cgroup_dir *dir)
{
	return *dir->controllers ? dir->controllers : "v2";
}

int cgroup_path_check(const char *path, const char **out_path)
{
	const char *plain = path + (path[0] == '/');

	if (cgroup_levels(plain) > CGROUP_LEVELS_MAX)
		return err_say(-EINVAL, "cgroup path \"%s\" has more than %d parts", path,
			CGROUP_LEVELS_MAX);
	for (const char *at = plain;;) {
		size_t len = strcspn(at, "/");
		if (len == 0 || (at[0] == '.' && (len == 1 || (len == 2 && at[1] == '.'))))
			return err_say(-EINVAL, "\"%s\" is no path of a cgroup", path);
		if (!at[len])
			break;
		at += len + 1;
	}
	*out_path = plain;
	return 0;
}

size_t cgroup_levels(const char *path)
{
	size_t levels = 1;

	for (const char *c = path; *c; c++)
		levels += *c == '/';
	return levels;
}

int cgroup_dir_of(const struct cgroup *g, const char *controllers)
{
	for (size_t i = 0; g && i < g->count; i++)
		if (str_eq(g->dirs[i].controllers, controllers))
			return g->dirs[i].fd;
	return -EBADF;
}

int cgroup_dir_find(const struct cgroup *g, const char *controller)
{
	for (size_t i = 0; i < g->count; i++) {
		const struct cgroup_dir *dir = &g->dirs[i];
		if (controller && !g->is_unified ? cgroup_list_has(dir->controllers, controller)
						 : !*dir->controllers)
			return dir->fd;
	}
	return -EBADF;
}

static struct cgroup *cgroup_new(const struct cgroup_host *host, const char *path)
{
	struct cgroup *g = mem_new(sizeof(*g));

	g->is_unified = host->is_unified;
	g->count = host->count;
	g->path = mem_strdup(path);
	for (size_t i = 0; i < g->count; i++) {
		g->dirs[i].fd = -EBADF;
		fmt(g->dirs[i].controllers, "%s", host->hierarchies[i].controllers);
	}
	return g;
}

void cgroup_close(struct cgroup *g)
{
	if (!g)
		return;
	int fds[CGROUP_HIERARCHIES_MAX];
	for (size_t i = 0; i < g->count; i++)
		fds[i] = g->dirs[i].fd;
	fd_close_all(fds, g->count);
	free(g->path);
	free(g);
}

static int open_directory(const char *path)
{
	return sys_open_at(AT_FDCWD, path, O_PATH | O_DIRECTORY | O_NOFOLLOW, 0);
}

/* Is there a process in the group itself? A file that cannot be read counts as yes. */
static bool has_processes(const char *path)
{
	auto_buf struct buf procs = BUF_INIT;
	auto_close int fd = open_directory(path);

	return fd < 0 || file_read_at(fd, "cgroup.procs", CGROUP_PROCS_MAX, &procs) < 0 ||
		procs.len;
}

/* Replaces an empty group of that name, left by a start that was killed, so that no limit of it
 * survives. If this user may not remove the group, somebody else has made it for this user, and it
 * is used as it is. */
static int take_over(const char *path)
{
	int r = sys_unlink_at(AT_FDCWD, path, AT_REMOVEDIR);
	if (r == 0 || r == -ENOENT)
		return sys_mkdir_at(AT_FDCWD, path, DIRECTORY_MODE);
	return (r == -EACCES || r == -EPERM) && !has_processes(path) ? 0 : -EEXIST;
}

/* Makes the directories between the hierarchy's root and the last one. 1 when one was made. */
static int make_parents(const char *base, char *path)
{
	int was_made = 0;

	for (char *slash = path + strlen(base) + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		int r = sys_mkdir_at(AT_FDCWD, path, DIRECTORY_MODE);
		*slash = '/';
		if (r < 0 && r != -EEXIST)
			return r;
		was_made |= r == 0;
	}
	return was_made;
}

/* Makes the directory of one hierarchy. 1 when a parent had to be made as well. Silent. */
static int make_directory(const struct cgroup_hierarchy *h, bool is_own, const char *path)
{
	char base[CGROUP_PATH_MAX], full[CGROUP_PATH_MAX];
	int was_made = 0;

	int r = cgroup_place(h, is_own, "", base);
	if (r == 0)
		r = cgroup_place(h, is_own, path, full);
	if (r < 0)
		return r;
	base[strlen(base) - 1] = '\0'; /* the trailing slash */

	r = sys_mkdir_at(AT_FDCWD, full, DIRECTORY_MODE);
	for (int i = 0; r == -ENOENT && i < RACE_TRIES; i++) {
		int parents = make_parents(base, full);
		if (parents < 0 && parents != -ENOENT)
			return parents;
		was_made |= parents > 0;
		r = sys_mkdir_at(AT_FDCWD, full, DIRECTORY_MODE);
	}
	if (r == -EEXIST)
		r = take_over(full);
	return r < 0 ? r : was_made;
}

static bool is_refusal(int r)
{
	return r == -EACCES || r == -EPERM || r == -EROFS;
}

/* Gives a new group what it needs from the groups above, if the kernel does not do so by itself. */
static int inherit(struct cgroup *g, const struct cgroup_dir *dir, bool has_new_parents)
{
	size_t levels = cgroup_levels(g->path);

	if (cgroup_list_has(dir->controllers, "cpuset") &&
		(has_new_parents || cgroup_cpuset_is_empty(dir->fd)))
		return cgroup_cpuset_inherit(dir->fd, levels);
	if (has_new_parents && !*dir->controllers && g->is_unified)
		return cgroup_enable_controllers(dir->fd, levels);
	return 0;
}

static int create_in(struct cgroup *g, const struct cgroup_hierarchy *h, struct cgroup_dir *dir)
{
	char full[CGROUP_PATH_MAX];

	int made = make_directory(h, false, g->path);
	if (is_refusal(made) && cgroup_place_count(h) > 1) {
		dir->is_own = true;
		made = make_directory(h, true, g->path);
	}
	if (made == -EEXIST)
		return err_say(made, "cgroup %s exists already and is in use (%s)", g->path,
			dir_name(dir));
	if (made == -EROFS)
		return err_say(made, "cannot make cgroup %s: %s is mounted read-only here", g->path,
			h->mount_point);
	if (made < 0)
		return err_new(made, "make cgroup %s below %s", g->path, h->mount_point);

	dir->is_made = true;
	cgroup_place(h, dir->is_own, g->path, full);
	dir->fd = open_directory(full);
	if (dir->fd < 0)
		return err_new(dir->fd, "open %s", full);
	return inherit(g, dir, made > 0);
}

/* Removes what create_in made: the group, and its parent unless another group is in it. */
static void undo_create(const struct cgroup *g, const struct cgroup_host *host)
{
	char full[CGROUP_PATH_MAX];

	for (size_t i = 0; i < g->count; i++) {
		if (cgroup_place(&host->hierarchies[i], g->dirs[i].is_own, g->path, full) < 0)
			continue;
		if (g->dirs[i].is_made)
			sys_unlink_at(AT_FDCWD, full, AT_REMOVEDIR);
		if (cgroup_levels(g->path) > 1) {
			*strrchr(full, '/') = '\0';
			sys_unlink_at(AT_FDCWD, full, AT_REMOVEDIR);
		}
	}
}

int cgroup_create(const struct cgroup_host *host, const char *path, struct cgroup **out)
{
	const char *plain;

	int r = cgroup_path_check(path, &plain);
	if (r < 0)
		return r;
	auto_of(cgroup) struct cgroup *g = cgroup_new(host, plain);
	for (size_t i = 0; r == 0 && i < g->count; i++)
		r = create_in(g, &host->hierarchies[i], &g->dirs[i]);
	if (r < 0) {
		undo_create(g, host);
		return r;
	}
	*out = take_ptr(&g);
	return 0;
}

static int open_in(struct cgroup *g, const struct cgroup_hierarchy *h, struct cgroup_dir *dir)
{
	char full[CGROUP_PATH_MAX];
	int fd = -ENOENT;

	for (int is_own = 0; fd == -ENOENT && is_own < cgroup_place_count(h); is_own++) {
		int r = cgroup_place(h, is_own, g->path, full);
		if (r < 0)
			return err_new(r, "cgroup %s", g->path);
		fd = open_directory(full);
		dir->is_own = is_own;
	}
	if (fd < 0 && fd != -ENOENT)
		return err_new(fd, "open %s", full);
	dir->fd = fd < 0 ? -EBADF : fd;
	return fd >= 0;
}

int cgroup_open(const struct cgroup_host *host, const char *path, struct cgroup **out)
{
	const char *plain;
	size_t found = 0;

	int r = cgroup_path_check(path, &plain);
	if (r < 0)
		return r;
	auto_of(cgroup) struct cgroup *g = cgroup_new(host, plain);
	for (size_t i = 0; i < g->count; i++) {
		r = open_in(g, &host->hierarchies[i], &g->dirs[i]);
		if (r < 0)
			return r;
		found += r > 0;
	}
	if (!found)
		return err_say(-ENOENT, "there is no cgroup %s", plain);
	*out = take_ptr(&g);
	return 0;
}

/* The nearest directory above the group that exists decides; the root of the hierarchy exists. */
static bool may_create_in(const struct cgroup_hierarchy *h, bool is_own, const char *path)
{
	char full[CGROUP_PATH_MAX];
	if (cgroup_place(h, is_own, path, full) < 0)
		return false;
	char *slash;
	while ((slash = strrchr(full, '/')) && (size_t)(slash - full) >= strlen(h->mount_point)) {
		*slash = '\0';
		if (sys_access_at(AT_FDCWD, full, F_OK, 0) == 0)
			return sys_access_at(AT_FDCWD, full, W_OK, AT_EACCESS) == 0;
	}
	return false;
}

bool cgroup_may_create(const struct cgroup_host *host, const char *path)
{
	const char *plain;
	if (cgroup_path_check(path, &plain) < 0)
		return false;
	for (size_t i = 0; i < host->count; i++) {
		const struct cgroup_hierarchy *h = &host->hierarchies[i];
		bool may = false;
		for (int is_own = 0; is_own < cgroup_place_count(h) && !may; is_own++)
			may = may_create_in(h, is_own, plain);
		if (!may)
			return false;
	}
	return true;
}

int cgroup_future_path(
	const struct cgroup_host *host, const char *path, const char *controllers, struct buf *out)
{
	const char *plain = NULL;
	int r = path ? cgroup_path_check(path, &plain) : 0;
	for (size_t i = 0; i < host->count && r == 0; i++) {
		const struct cgroup_hierarchy *h = &host->hierarchies[i];
		if (!str_eq(h->controllers, controllers))
			continue;
		bool is_own = !path || !may_create_in(h, false, plain);
		buf_addf(out, "%s%s%s%s", h->mount_point,
			is_own && !str_eq(h->own_path, "/") ? h->own_path : "", path ? "/" : "",
			path ? plain : "");
		return 0;
	}
	return r < 0 ? r : err_say(-ENOENT, "there is no cgroup hierarchy %s", controllers);
}
