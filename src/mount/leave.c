/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Without pivot_root the host's mounts stay below the container's root. No path leads to them, but
 * the kernel counts them: if a whole procfs or sysfs is anywhere in its mount namespace, a process
 * may mount another one in a user namespace of its own, where nothing is masked. So they are
 * detached here, while "/" is still the host's. A mount that this process may not detach is locked:
 * it came from a user namespace above. Of a procfs or sysfs that is locked a directory is covered:
 * then the kernel no longer counts it as whole.
 */
#include "mount/internal.h"
#include "base/err.h"
#include "base/str.h"
#include "sys/calls.h"
#include "sys/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/mount.h>

enum { CHUNK = 16 * 1024, PASSES_MAX = 1000, STACK_MAX = 1000 };

/* The mount point of a line, "36 35 98:0 /root /mnt/point options tags - type source options", and
 * what follows it. NULL: there is none, or it is "/". */
static char *point_of(char *line, char **out_rest)
{
	char *rest = line, *point = NULL;
	for (int field = 0; field < 5 && rest; field++)
		point = str_cut(&rest, ' ');
	*out_rest = rest;
	return point && !str_eq(point, "/") ? str_octal_decode(point) : NULL;
}

/* The paths of the new root's mounts are among the lines, and mean nothing here: the host has
 * nothing mounted there, or that is detached. 1: something was detached, and the list has
 * changed. */
static int line_detach(char *line)
{
	char *rest, *point = point_of(line, &rest);
	int count = 0;
	while (point && count < STACK_MAX && sys_umount(point, MNT_DETACH | UMOUNT_NOFOLLOW) == 0)
		count++;
	return count > 0;
}

static const struct {
	const char *type; /* as in the line */
	uint64_t magic;
	const char *directory; /* one that is never empty */
} whole[] = {
	{" - proc ", PROC_SUPER_MAGIC, "sys"},
	{" - sysfs ", SYSFS_MAGIC, "kernel"},
};

static bool is_of(int fd, uint64_t wanted)
{
	uint64_t magic;
	return fd >= 0 && sys_fs_magic(fd, &magic) == 0 && magic == wanted;
}

static int line_cover(char *line)
{
	char *rest, *point = point_of(line, &rest);
	for (size_t i = 0; point && rest && i < sizeof(whole) / sizeof(whole[0]); i++) {
		if (!strstr(rest, whole[i].type))
			continue;
		auto_close int at = sys_open_at(
			AT_FDCWD, point, O_PATH | O_DIRECTORY | O_NOFOLLOW, 0);
		auto_close int directory = at < 0
			? at
			: sys_open_at(at, whole[i].directory, O_PATH | O_DIRECTORY, 0);
		/* Something else lies over it, or it is covered. */
		if (!is_of(at, whole[i].magic) || !is_of(directory, whole[i].magic))
			return 0;
		auto_close int empty = mount_empty_open();
		int r = empty < 0 ? empty : mount_tree_attach(empty, directory);
		return r < 0 ? err_new(r, "cover %s of the host", point) : 0;
	}
	return 0;
}

/* Reads the list once. 1: an `each` has changed the list. */
static int pass(int proc_fd, int (*each)(char *line))
{
	char text[CHUNK + 1];
	size_t len = 0;
	int has_changed = 0, r = 0;
	bool is_rest = false; /* of a line that did not fit */
	auto_close int fd = sys_open_at(proc_fd, "self/mountinfo", O_RDONLY, 0);
	ssize_t n = fd;
	while (r >= 0 && n >= 0 && (n = sys_read(fd, text + len, CHUNK - len)) > 0) {
		len += (size_t)n;
		text[len] = '\0';
		char *rest = text;
		while (r >= 0 && strchr(rest, '\n')) {
			char *line = rest;
			rest = strchr(rest, '\n') + 1;
			rest[-1] = '\0';
			r = is_rest ? 0 : each(line);
			has_changed |= r > 0;
			is_rest = false;
		}
		len -= (size_t)(rest - text);
		memmove(text, rest, len);
		if (len < CHUNK)
			continue;
		/* The mount point is at the beginning; the layers of an overlay can be long. */
		r = is_rest ? 0 : each(text);
		has_changed |= r > 0;
		is_rest = true;
		len = 0;
	}
	if (r < 0)
		return r;
	return n < 0 ? err_new((int)n, "read the list of mounts") : has_changed;
}

int mount_host_leave(int proc_fd)
{
	int r = 1;
	for (int i = 0; i < PASSES_MAX && r > 0; i++)
		r = pass(proc_fd, line_detach);
	if (r > 0)
		return err_say(-EBUSY, "the host's mounts do not end");
	return r < 0 ? r : pass(proc_fd, line_cover);
}
