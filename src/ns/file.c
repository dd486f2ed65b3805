/* SPDX-License-Identifier: Apache-2.0 */
/* Namespaces as files: /proc/PID/ns/NAME, their inodes, and binding them to files that stay. */
#include "ns/ns.h"

#include "ns/internal.h"
#include "base/err.h"
#include "base/str.h"
#include "sys/calls.h"
#include "sys/fd.h"
#include "sys/file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>

/* PROC_USER_INIT_INO of the kernel, the same since 3.8. */
static const uint64_t user_initial_inode = 0xeffffffd;

int ns_proc_path(char out[static 64], pid_t pid, const char *name)
{
	if (pid == 0)
		return fmt_n(out, 64, "/proc/self/ns/%s", name);
	return fmt_n(out, 64, "/proc/%d/ns/%s", pid, name);
}

int64_t ns_sysctl(const char *path)
{
	auto_buf struct buf text = BUF_INIT;
	int64_t value;
	if (file_read_at(AT_FDCWD, path, 4096, &text) < 0)
		return -1;
	char *rest = text.data;
	char *first = str_cut(&rest, '\n');
	return parse_i64(first, &value) < 0 ? -1 : value;
}

/* Says which it is: /proc/PID is missing, only its namespace is, or the caller may not see it. */
static int say_no_file(int code, pid_t pid, enum ns_kind kind)
{
	char path[32];
	fmt(path, "/proc/%d", pid);
	if (code == -ENOENT && pid != 0 && sys_access_at(AT_FDCWD, path, 0, 0) < 0)
		return err_say(-ESRCH, "no such process: %d", pid);
	if (code == -ENOENT)
		return err_say(-EOPNOTSUPP,
			"%s namespace of process %d: it has ended, or this kernel has none",
			ns_info[kind].option, pid);
	if (code == -EACCES || code == -EPERM)
		return err_say(code,
			"%s namespace of process %d: permission denied, it belongs to another user",
			ns_info[kind].option, pid);
	return err_new(code, "%s namespace of process %d", ns_info[kind].option, pid);
}

int ns_open(pid_t pid, enum ns_kind kind)
{
	char path[64];
	ns_proc_path(path, pid, ns_info[kind].name);
	int fd = sys_open_at(AT_FDCWD, path, O_RDONLY, 0);
	return fd < 0 ? say_no_file(fd, pid, kind) : fd;
}

int ns_inode(pid_t pid, enum ns_kind kind, uint64_t *out)
{
	char path[64];
	struct stat st;
	ns_proc_path(path, pid, ns_info[kind].name);
	int r = sys_stat_at(AT_FDCWD, path, 0, &st);
	if (r == -ENOENT) {
		r = say_no_file(r, pid, kind);
		if (r == -ESRCH)
			return r;
		*out = 0;
		return 0;
	}
	if (r < 0)
		return say_no_file(r, pid, kind);
	*out = st.st_ino;
	return 0;
}

int ns_file_kind_find(const char *path)
{
	uint64_t magic = 0;
	auto_close int fd = sys_open_at(AT_FDCWD, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	if (fd < 0)
		return fd;
	int r = sys_fs_magic(fd, &magic);
	if (r < 0)
		return r;
	if (magic != NSFS_MAGIC)
		return -EINVAL;
	r = sys_ns_ioctl(fd, NS_GET_NSTYPE, NULL);
	for (int kind = 0; r >= 0 && kind < NS_COUNT; kind++) {
		if (ns_info[kind].clone_flag == (uint32_t)r)
			return kind;
	}
	return r < 0 ? r : -EINVAL;
}

/* For pid and time the namespace of the children: the process that makes one is not in it. */
static const char *persist_name(enum ns_kind kind)
{
	if (kind == NS_PID)
		return "pid_for_children";
	return kind == NS_TIME ? "time_for_children" : ns_info[kind].name;
}

static int say_not_bound(int code, enum ns_kind kind, const char *path)
{
	if (code == -EPERM)
		return err_say(code, "keep the %s namespace at %s: binding it there needs root",
			ns_info[kind].option, path);
	if (code == -ELOOP)
		return err_say(code,
			"keep the mount namespace at %s: the kernel takes it for a loop, as the "
			"new one is not younger "
			"than the one that the file is in",
			path);
	if (code == -EINVAL && kind == NS_MNT)
		return err_say(code,
			"keep the mount namespace at %s: the file must be on a mount whose "
			"propagation is private",
			path);
	return err_new(code, "keep the %s namespace at %s", ns_info[kind].option, path);
}

static bool is_empty_file(const char *path)
{
	struct stat st;
	return sys_stat_at(AT_FDCWD, path, 0, &st) == 0 && S_ISREG(st.st_mode) && st.st_size == 0;
}

int ns_persist(pid_t pid, enum ns_kind kind, const char *path)
{
	char from[64];
	ns_proc_path(from, pid, persist_name(kind));
	auto_close int tree = sys_open_tree(AT_FDCWD, from, OPEN_TREE_CLONE);
	if (tree < 0)
		return say_not_bound(tree, kind, path);

	int r = file_create_at(AT_FDCWD, path, "", 0, 0444);
	bool is_made = r >= 0;
	if (r < 0 && r != -EEXIST)
		return err_new(r, "make %s for the %s namespace", path, ns_info[kind].option);
	if (!is_made && !is_empty_file(path))
		return err_say(-EEXIST,
			"keep the %s namespace at %s: that is no empty file, and would be hidden",
			ns_info[kind].option, path);
	r = sys_move_mount(
		tree, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_SYMLINKS);
	if (r < 0 && is_made)
		sys_unlink_at(AT_FDCWD, path, 0);
	return r < 0 ? say_not_bound(r, kind, path) : 0;
}

bool ns_user_is_initial(void)
{
	struct stat st;
	return sys_stat_at(AT_FDCWD, "/proc/self/ns/user", 0, &st) == 0 &&
		st.st_ino == user_initial_inode;
}
