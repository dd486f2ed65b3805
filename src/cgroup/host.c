/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What this machine has. Usually that is version 2 alone in its usual place. Otherwise there is one
 * line of /proc/self/mountinfo per mounted hierarchy, and one line of /proc/self/cgroup per
 * hierarchy that the caller is in. A hierarchy may be mounted many times (containers, chroots,
 * snaps), and a mount may lie hidden beneath a later one: the best visible mount is taken.
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
#include <linux/magic.h>
#include <unistd.h>

/* The inode of a hierarchy's root; and PROC_CGROUP_INIT_INO of the kernel, the same since 4.6. */
enum { MOUNTINFO_MAX = 16 * 1024 * 1024, ROOT_INODE = 1 };
static const uint64_t first_namespace_inode = 0xeffffffb;
static const char usual_place[] = "/sys/fs/cgroup";

/* Fields of a line of mountinfo, unescaped, in the caller's copy of the text. */
struct mount_line {
	uint32_t id, parent;
	const char *root;
	const char *mount_point;
	const char *options; /* of the mount */
	const char *fstype;
	const char *super_options; /* of the file system: has the controllers */
};

struct mount_lines {
	struct mount_line *items;
	size_t count;
	char *text;
};

static void mount_lines_release(struct mount_lines *lines)
{
	free(lines->items);
	free(lines->text);
}
AUTO_STRUCT(mount_lines, struct mount_lines, mount_lines_release)

static bool list_has_part(const char *list, const char *word, size_t len)
{
	for (const char *at = list; *at; at += *at == ',') {
		size_t part = strcspn(at, ",");
		if (part == len && memcmp(at, word, len) == 0)
			return true;
		at += part;
	}
	return false;
}

bool cgroup_list_has(const char *list, const char *word)
{
	return list_has_part(list, word, strlen(word));
}

static bool list_has_all(const char *list, const char *words)
{
	for (const char *at = words; *at; at += *at == ',') {
		size_t part = strcspn(at, ",");
		if (!list_has_part(list, at, part))
			return false;
		at += part;
	}
	return true;
}

/* "36 35 98:0 /root /mount/point rw,noatime shared:1 - cgroup2 cgroup2 rw,nsdelegate" */
static int mount_line_parse(char *rest, struct mount_line *out)
{
	const char *id = str_cut(&rest, ' '), *parent = str_cut(&rest, ' ');

	str_cut(&rest, ' '); /* device number */
	char *root = str_cut(&rest, ' '), *mount_point = str_cut(&rest, ' ');
	out->options = str_cut(&rest, ' ');
	const char *optional = str_cut(&rest, ' ');
	while (optional && !str_eq(optional, "-"))
		optional = str_cut(&rest, ' ');
	out->fstype = str_cut(&rest, ' ');
	str_cut(&rest, ' '); /* source */
	out->super_options = str_cut(&rest, ' ');
	if (!out->super_options || parse_u32(id, &out->id) < 0 ||
		parse_u32(parent, &out->parent) < 0)
		return -EINVAL;
	out->root = str_octal_decode(root);
	out->mount_point = str_octal_decode(mount_point);
	return 0;
}

static void mount_lines_parse(const char *mountinfo, struct mount_lines *out)
{
	size_t room = 1;

	for (const char *c = mountinfo; *c; c++)
		room += *c == '\n';
	out->items = mem_new(room * sizeof(out->items[0]));
	out->text = mem_strdup(mountinfo);
	char *rest = out->text;
	for (char *line; (line = str_cut(&rest, '\n'));)
		out->count += mount_line_parse(line, &out->items[out->count]) == 0;
}

/* Is `path` the directory `above` or below it? */
static bool is_below(const char *path, const char *above)
{
	if (str_eq(above, "/"))
		return true;
	const char *after = str_after(path, above);
	return after && (*after == '\0' || *after == '/');
}

/* True if something is mounted on top of the mount, or beside it on a directory above it (a tmpfs
 * over /sys/fs/cgroup). */
static bool is_covered(const struct mount_lines *lines, const struct mount_line *mount,
	const struct mount_line *except)
{
	for (size_t i = 0; i < lines->count; i++) {
		const struct mount_line *other = &lines->items[i];
		bool is_on_it = other->parent == mount->id;
		bool is_beside = other->parent == mount->parent;
		if (other == mount || other == except || other->id == other->parent ||
			(!is_on_it && !is_beside))
			continue;
		if (str_eq(other->mount_point, mount->mount_point)
				? is_on_it
				: is_beside && is_below(mount->mount_point, other->mount_point))
			return true;
	}
	return false;
}

/* True if the mount is covered, or if a mount that it stands on is covered by some other mount. */
static bool is_hidden(const struct mount_lines *lines, const struct mount_line *mount)
{
	const struct mount_line *above = NULL;

	for (size_t depth = 0; mount && depth < lines->count; depth++) {
		if (is_covered(lines, mount, above))
			return true;
		const struct mount_line *parent = NULL;
		for (size_t i = 0; i < lines->count; i++) {
			if (lines->items[i].id == mount->parent)
				parent = &lines->items[i];
		}
		above = mount;
		mount = parent;
	}
	return false;
}

/* Is this a mount of the hierarchy with all these controllers? */
static bool is_of_hierarchy(const struct mount_line *mount, const char *controllers)
{
	if (!*controllers)
		return str_eq(mount->fstype, "cgroup2");
	return str_eq(mount->fstype, "cgroup") && list_has_all(mount->super_options, controllers);
}

/* 0: cannot be used. A writable mount ranks above a mount of the whole hierarchy. */
static int mount_rank(const struct mount_lines *lines, const struct mount_line *mount)
{
	if (str_suffix(mount->root, "//deleted") || is_hidden(lines, mount) ||
		strlen(mount->mount_point) >= sizeof(((struct cgroup_hierarchy *)0)->mount_point))
		return 0;
	return 1 + (cgroup_list_has(mount->options, "rw") ? 2 : 0) + str_eq(mount->root, "/");
}

static const struct mount_line *mount_find(const struct mount_lines *lines, const char *controllers)
{
	const struct mount_line *best = NULL;
	int best_rank = 0;

	for (size_t i = 0; i < lines->count; i++) {
		const struct mount_line *mount = &lines->items[i];
		if (!is_of_hierarchy(mount, controllers))
			continue;
		int rank = mount_rank(lines, mount);
		if (rank > best_rank) {
			best = mount;
			best_rank = rank;
		}
	}
	return best;
}

/* Paths of /proc/self/cgroup begin at the root of the caller's cgroup namespace, paths of a mount
 * at its own root. That root may be below the namespace's (a bind mount into a container) or above
 * it ("/.."): then the caller has no path in the mount. */
static int own_path_set(
	struct cgroup_hierarchy *h, const struct mount_line *mount, const char *self)
{
	const char *path = self;

	if (!str_eq(mount->root, "/"))
		path = is_below(self, mount->root) ? self + strlen(mount->root) : "/";
	if (!*path || str_prefix(path, "/.."))
		path = "/";
	if (fmt(h->own_path, "%s", path) < 0)
		return err_say(
			-ENAMETOOLONG, "the path of this process's cgroup is too long: %s", path);
	return 0;
}

static void controllers_add(char list[static 256], const char *controllers)
{
	char longer[256];

	if (fmt(longer, "%s%s%s", list, *list ? "," : "", controllers) >= 0)
		fmt_n(list, sizeof(longer), "%s", longer);
}

/* Adds the hierarchy of one line of /proc/self/cgroup, "4:memory:/path", if it is mounted. Cuts the
 * line. */
static int hierarchy_add(struct cgroup_host *host, const struct mount_lines *lines, char *line)
{
	char *path = line;

	str_cut(&path, ':');
	const char *controllers = str_cut(&path, ':');
	if (!path || path[0] != '/')
		return 0;
	const struct mount_line *mount = mount_find(lines, controllers);
	if (!mount || strlen(controllers) >= sizeof(host->hierarchies[0].controllers)) {
		controllers_add(host->unreachable, controllers);
		return 0;
	}
	if (host->count == CGROUP_HIERARCHIES_MAX)
		return err_say(-E2BIG, "more than %d cgroup hierarchies", CGROUP_HIERARCHIES_MAX);
	struct cgroup_hierarchy *h = &host->hierarchies[host->count++];
	fmt(h->controllers, "%s", controllers);
	fmt(h->mount_point, "%s", mount->mount_point);
	return own_path_set(h, mount, path);
}

static int hierarchies_parse(
	struct cgroup_host *host, const struct mount_lines *lines, const char *self_cgroup)
{
	auto_free char *text = mem_strdup(self_cgroup);
	char *rest = text, *tree = NULL;
	int r = 0;

	/* The v2 tree is the first line in some kernels and the last in others; here it is last. */
	for (char *line; r == 0 && (line = str_cut(&rest, '\n'));) {
		if (str_prefix(line, "0::") && !tree)
			tree = line;
		else
			r = hierarchy_add(host, lines, line);
	}
	return r == 0 && tree ? hierarchy_add(host, lines, tree) : r;
}

/* Parses the contents of mountinfo and cgroup, apart from reading them, for tests. The controllers
 * of a unified host are in a file of the tree, and are left empty here. */
static int cgroup_host_parse(
	const char *mountinfo, const char *self_cgroup, struct cgroup_host *out)
{
	auto_of(mount_lines) struct mount_lines lines = {0};
	struct cgroup_host host = {0};

	mount_lines_parse(mountinfo, &lines);
	int r = hierarchies_parse(&host, &lines, self_cgroup);
	if (r < 0)
		return r;
	if (host.count == 0)
		return err_say(-EOPNOTSUPP,
			"no cgroup file system is mounted; mount one: mount -t cgroup2 none "
			"/sys/fs/cgroup");
	for (size_t i = 0; i < host.count; i++) {
		const char *controllers = host.hierarchies[i].controllers;
		if (*controllers && !str_prefix(controllers, "name="))
			controllers_add(host.controllers, controllers);
	}
	host.is_unified = !*host.controllers && !*host.hierarchies[host.count - 1].controllers;
	*out = host;
	return 0;
}

/* "cpuset cpu io memory pids\n" of a unified tree. */
static void unified_controllers_parse(struct cgroup_host *host, char *text)
{
	char *line = str_cut(&text, '\n');

	for (char *word; (word = str_cut(&line, ' '));) {
		if (*word)
			controllers_add(host->controllers, word);
	}
}

/* "0::/a/b\n" and nothing else: where the caller is in the only tree there is. Silent. */
static bool unified_parse(const char *self_cgroup, struct cgroup_hierarchy *out)
{
	const char *path = str_after(self_cgroup, "0::");
	size_t len = path ? strcspn(path, "\n") : 0;

	return len > 0 && path[0] == '/' && path[len] == '\n' && path[len + 1] == '\0' &&
		!str_suffix(self_cgroup, " (deleted)\n") &&
		fmt(out->own_path, "%.*s", (int)len, path) >= 0;
}

/* Is the v2 tree mounted whole and writable in its usual place, and do paths begin there? */
static bool unified_is_usual(void)
{
	struct stat root, ns;
	uint64_t magic;

	auto_close int fd = sys_open_at(AT_FDCWD, usual_place, O_PATH | O_DIRECTORY, 0);
	return fd >= 0 && sys_fs_magic(fd, &magic) == 0 && magic == CGROUP2_SUPER_MAGIC &&
		sys_stat_fd(fd, &root) == 0 && root.st_ino == ROOT_INODE &&
		sys_stat_at(AT_FDCWD, "/proc/self/ns/cgroup", 0, &ns) == 0 &&
		ns.st_ino == first_namespace_inode &&
		sys_access_at(AT_FDCWD, usual_place, W_OK, 0) != -EROFS;
}

/* On the usual machine the mounts are not read: engines add lines to them for each container. */
static int hierarchies_load(struct cgroup_host *out)
{
	auto_buf struct buf mountinfo = BUF_INIT, self = BUF_INIT;

	int r = file_read_at(AT_FDCWD, "/proc/self/cgroup", CGROUP_FILE_MAX, &self);
	if (r < 0)
		return err_new(r, "read /proc/self/cgroup");
	*out = (struct cgroup_host){.is_unified = true, .count = 1};
	if (unified_parse(self.data, &out->hierarchies[0]) && unified_is_usual()) {
		fmt(out->hierarchies[0].mount_point, "%s", usual_place);
		return 0;
	}
	r = file_read_at(AT_FDCWD, "/proc/self/mountinfo", MOUNTINFO_MAX, &mountinfo);
	return r < 0 ? err_new(r, "read /proc/self/mountinfo")
		     : cgroup_host_parse(mountinfo.data, self.data, out);
}

int cgroup_host_load(struct cgroup_host *out)
{
	auto_buf struct buf controllers = BUF_INIT;
	struct cgroup_host host;

	int r = hierarchies_load(&host);
	if (r < 0)
		return r;
	if (host.is_unified) {
		char path[CGROUP_PATH_MAX];
		r = cgroup_place(
			&host.hierarchies[host.count - 1], false, "cgroup.controllers", path);
		if (r == 0)
			r = file_read_at(AT_FDCWD, path, CGROUP_FILE_MAX, &controllers);
		if (r < 0)
			return err_new(r, "read %s", path);
		unified_controllers_parse(&host, controllers.data);
	}
	*out = host;
	return 0;
}

int cgroup_place(const struct cgroup_hierarchy *h, bool is_own, const char *path,
	char out[static CGROUP_PATH_MAX])
{
	const char *own = is_own && !str_eq(h->own_path, "/") ? h->own_path : "";

	int len = fmt_n(out, CGROUP_PATH_MAX, "%s%s/%s", h->mount_point, own, path);
	return len < 0 ? len : 0;
}

int cgroup_place_count(const struct cgroup_hierarchy *h)
{
	return str_eq(h->own_path, "/") ? 1 : 2;
}

bool cgroup_has_controller(const struct cgroup_host *host, const char *controller)
{
	static const char in_every_tree[] = "devices,freezer,cpuacct";

	return cgroup_list_has(host->controllers, controller) ||
		(host->is_unified && cgroup_list_has(in_every_tree, controller));
}
