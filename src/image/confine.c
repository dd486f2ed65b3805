/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Locks the worker in before it reads a byte of an image (SECURITY.md, "How it is kept"). husk has
 * made the worker process 1 of a pid namespace. It gets mount, IPC and UTS namespaces, a network
 * namespace unless it talks to a registry, and as root a read-only tmpfs without room, with only
 * mount points and, with a network, copies of the resolver's files. It keeps the layout, read-only,
 * the given parts of the engine's root, each a mount with nothing above it, and the privileges that
 * restrict.c leaves. Clones are made first: a mount of another namespace cannot be cloned.
 */
#include "image/internal.h"
#include "image/worker.h"
#include "base/str.h"
#include "mount/mount.h"
#include "sec/sec.h"
#include "sys/calls.h"
#include "sys/fd.h"
#include "sys/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>

#define PLAIN (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC)
#define STORE "store"

/* A part of the store. Its fd is a detached clone first, and later the same mount where it is
 * attached. */
struct part {
	const char *name;
	bool is_file;
	int fd;
};

struct shutting {
	const struct confinement *told;
	struct part parts[WORKER_PARTS_MAX];
	size_t part_count;
};

static void shutting_end(struct shutting *s)
{
	for (size_t i = 0; i < s->part_count; i++)
		fd_close(s->parts[i].fd);
}
AUTO_STRUCT(shutting, struct shutting, shutting_end)

static int clone_of(int fd, bool is_readonly)
{
	struct mount_attr attr = {.attr_set = PLAIN | (is_readonly ? MOUNT_ATTR_RDONLY : 0),
		.propagation = MS_PRIVATE};
	auto_close int clone = sys_open_tree(fd, "", OPEN_TREE_CLONE | AT_EMPTY_PATH);
	if (clone < 0)
		return err_new(clone, "clone a directory for the worker");
	int r = sys_mount_setattr(clone, "", AT_EMPTY_PATH, &attr);
	return r < 0 ? err_new(r, "restrict a directory of the worker") : take_fd(&clone);
}

static int clone_in_place(int *fd, bool is_readonly)
{
	int clone = clone_of(*fd, is_readonly);
	if (clone >= 0)
		fd_replace(fd, clone);
	return clone < 0 ? clone : 0;
}

/* A missing part is made here, because the worker cannot make it. */
static int part_clone(struct shutting *s, const char *word)
{
	struct part *part = &s->parts[s->part_count];
	const struct confinement *c = s->told;
	char name[WORKER_PART_NAME_MAX];
	bool is_directory = str_suffix(word, "/");
	int r = fmt(name, "%.*s", (int)(strlen(word) - is_directory), word);
	if (r >= 0 && is_directory && !c->store_is_readonly)
		r = file_make_dirs_at(*c->store_fd, name, 0700);
	if (r < 0)
		return err_new(r, "make %s in the engine's root", name);
	auto_close int fd = sys_open_at(*c->store_fd, name,
		is_directory ? O_RDONLY | O_DIRECTORY | O_NOFOLLOW : O_RDWR | O_CREAT | O_NOFOLLOW,
		0600);
	if (fd < 0)
		return err_new(fd, "open %s of the engine's root", name);
	*part = (struct part){word, !is_directory, clone_of(fd, c->store_is_readonly)};
	if (part->fd < 0)
		return part->fd;
	s->part_count++;
	return 0;
}

static int store_clone(struct shutting *s)
{
	const struct confinement *c = s->told;
	if (!c->store_fd)
		return 0;
	if (!c->store_parts)
		return clone_in_place(c->store_fd, c->store_is_readonly);
	int r = 0;
	for (size_t i = 0; c->store_parts[i] && r == 0; i++)
		r = part_clone(s, c->store_parts[i]);
	return r;
}

/* Makes the mount points of the parts. */
static int part_points_make(int root, const struct shutting *s)
{
	int r = s->part_count ? sys_mkdir_at(root, STORE, 0755) : 0;
	for (size_t i = 0; i < s->part_count && r == 0; i++) {
		const struct part *part = &s->parts[i];
		auto_buf struct buf path = BUF_INIT;
		buf_addf(&path, STORE "/%s", part->name);
		r = part->is_file ? file_create_at(root, path.data, "", 0, 0400)
				  : sys_mkdir_at(root, path.data, 0500);
	}
	return r;
}

static int files_write(int root, const struct confinement *c)
{
	int r = c->file_count ? sys_mkdir_at(root, "etc", 0755) : 0;
	for (size_t i = 0; i < c->file_count && r == 0; i++) {
		const struct confined_file *file = &c->files[i];
		auto_buf struct buf path = BUF_INIT;
		buf_addf(&path, "etc/%s", file->name);
		r = file_create_at(root, path.data, file->text.data, file->text.len, 0444);
	}
	return r;
}

/* An fd of a tmpfs that holds these files and directories and has no room for more. */
static int root_make(const struct shutting *s)
{
	char inodes[16];
	const struct confinement *c = s->told;
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY};
	auto_close int fs = sys_fsopen("tmpfs", FSOPEN_CLOEXEC);
	if (fs < 0)
		return fs;
	/* The root, one to spare (some kernels refuse to have only one), and two directories with
	 * their content. */
	fmt(inodes, "%zu", 4 + c->file_count + s->part_count);
	int r = sys_fsconfig(fs, FSCONFIG_SET_STRING, "nr_inodes", inodes, 0);
	if (r == 0)
		r = sys_fsconfig(fs, FSCONFIG_SET_STRING, "mode", "0555", 0);
	if (r == 0)
		r = sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
	if (r < 0)
		return r;
	auto_close int root = sys_fsmount(fs, FSMOUNT_CLOEXEC, PLAIN);
	if (root < 0)
		return root;
	r = files_write(root, c);
	if (r == 0)
		r = part_points_make(root, s);
	if (r == 0)
		r = sys_mount_setattr(root, "", AT_EMPTY_PATH, &attr);
	return r < 0 ? r : take_fd(&root);
}

static int root_leave(const struct shutting *s)
{
	auto_close int root = root_make(s);
	if (root < 0)
		return err_new(root, "make a root for the worker");
	struct mount_context context = {.root_fd = -EBADF,
		.null_fd = -EBADF,
		.empty_fd = -EBADF,
		.devices_fd = -EBADF,
		.node_dir_fd = -EBADF};
	auto_close int proc = sys_open_at(AT_FDCWD, "/proc", O_PATH | O_DIRECTORY, 0);
	int r = mount_root_attach(&context, root, NULL);
	if (r == 0) {
		r = mount_root_enter(&context, -EBADF, MS_PRIVATE);
		if (r == -EINVAL && proc >= 0) /* the host runs from an initramfs */
			r = mount_root_enter(&context, proc, MS_PRIVATE);
	}
	fd_replace(&context.null_fd, -EBADF);
	return r;
}

static int parts_attach(struct shutting *s)
{
	if (s->part_count == 0)
		return 0;
	auto_close int store = file_open_dir_at(AT_FDCWD, "/" STORE);
	if (store < 0)
		return err_new(store, "open the root of the worker");
	for (size_t i = 0; i < s->part_count; i++) {
		struct part *part = &s->parts[i];
		int r = sys_move_mount(part->fd, "", store, part->name, MOVE_MOUNT_F_EMPTY_PATH);
		if (r < 0)
			return err_new(r, "attach %s for the worker", part->name);
	}
	fd_replace(s->told->store_fd, take_fd(&store));
	return 0;
}

/* Restricts the process with Landlock to the directories that it has left. */
static int reach_restrict(struct shutting *s)
{
	const struct confinement *c = s->told;
	struct sec_landlock_rule rules[WORKER_PARTS_MAX + 3];
	struct sec_landlock reach = {.items = rules, .connects = c->has_network};
	for (size_t i = 0; i < s->part_count; i++)
		rules[reach.count++] = (struct sec_landlock_rule){
			s->parts[i].fd, s->parts[i].is_file, c->store_is_readonly};
	if (c->store_fd && s->part_count == 0)
		rules[reach.count++] = (struct sec_landlock_rule){
			*c->store_fd, false, c->store_is_readonly};
	if (c->layout_fd)
		rules[reach.count++] = (struct sec_landlock_rule){*c->layout_fd, false, true};
	auto_close int etc = c->file_count ? file_open_dir_at(AT_FDCWD, "/etc") : -EBADF;
	if (etc >= 0)
		rules[reach.count++] = (struct sec_landlock_rule){etc, false, true};
	return worker_restrict(c, &reach);
}

int worker_confine(const struct confinement *c)
{
	auto_of(shutting) struct shutting s = {.told = c};
	int r = sys_prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	if (r < 0)
		return err_new(r, "hide the worker from debuggers");
	r = c->layout_fd ? clone_in_place(c->layout_fd, true) : 0;
	if (r == 0)
		r = store_clone(&s);
	if (r < 0)
		return r;
	r = sys_unshare(
		CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS | (c->has_network ? 0 : CLONE_NEWNET));
	if (r < 0)
		return err_new(r, "give the worker namespaces of its own");
	r = root_leave(&s);
	if (r == 0)
		r = parts_attach(&s);
	return r < 0 ? r : reach_restrict(&s);
}
