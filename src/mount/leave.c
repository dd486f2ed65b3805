/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Without pivot_root the host's mounts stay below the container's root. No path leads to them, but
 * the kernel counts them: if a whole procfs is anywhere in its mount namespace, a process may mount
 * another one in a user namespace of its own, where nothing is masked. So they are detached here,
 * while "/" is still the host's. A mount that this process may not detach is locked: it came from a
 * user namespace above.
 */
#include "mount/internal.h"
#include "base/err.h"
#include "base/str.h"
#include "sys/calls.h"
#include "sys/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>

enum { CHUNK = 16 * 1024, PASSES_MAX = 1000, STACK_MAX = 1000 };

/* "36 35 98:0 /root /mnt/point options ...". The paths of the new root's mounts are among them, and
 * mean nothing here: the host has nothing mounted there, or that is detached. */
static bool line_detach(char *line)
{
	char *rest = line, *point = NULL;
	for (int field = 0; field < 5 && rest; field++)
		point = str_cut(&rest, ' ');
	if (!point || str_eq(point, "/"))
		return false;
	str_octal_decode(point);
	int count = 0;
	while (count < STACK_MAX && sys_umount(point, MNT_DETACH | UMOUNT_NOFOLLOW) == 0)
		count++;
	return count > 0;
}

/* Reads the list once. 1: something was detached, and the list has changed. */
static int pass(int proc_fd)
{
	char text[CHUNK + 1];
	size_t len = 0;
	bool has_changed = false, is_rest = false; /* is_rest: of a line that did not fit */
	auto_close int fd = sys_open_at(proc_fd, "self/mountinfo", O_RDONLY, 0);
	ssize_t n = fd;
	while (n >= 0 && (n = sys_read(fd, text + len, CHUNK - len)) > 0) {
		len += (size_t)n;
		text[len] = '\0';
		char *rest = text;
		while (strchr(rest, '\n')) {
			char *line = rest;
			rest = strchr(rest, '\n') + 1;
			rest[-1] = '\0';
			has_changed |= !is_rest && line_detach(line);
			is_rest = false;
		}
		len -= (size_t)(rest - text);
		memmove(text, rest, len);
		if (len < CHUNK)
			continue;
		/* The mount point is at the beginning; the layers of an overlay can be long. */
		has_changed |= !is_rest && line_detach(text);
		is_rest = true;
		len = 0;
	}
	return n < 0 ? err_new((int)n, "read the list of mounts") : has_changed;
}

int mount_host_leave(int proc_fd)
{
	int r = 1;
	for (int i = 0; i < PASSES_MAX && r > 0; i++)
		r = pass(proc_fd);
	return r > 0 ? err_say(-EBUSY, "the host's mounts do not end") : r;
}
