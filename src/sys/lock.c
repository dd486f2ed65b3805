/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Locks on files of the state directory. The kernel keeps them with the open file, so a killed holder lets go.
 */
#include "sys/lock.h"

#include "sys/calls.h"
#include "sys/internal.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

static int lock_open(int dirfd, const char *name)
{
	return sys_open_at(dirfd, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_NOCTTY, 0600);
}

/* 1 when the name still leads to this file, 0 when somebody removed or replaced it while we waited. */
static int lock_is_current(int dirfd, const char *name, int fd)
{
	struct stat held, named;
	int r = sys_stat_fd(fd, &held);
	if (r < 0)
		return r;
	r = sys_stat_at(dirfd, name, AT_SYMLINK_NOFOLLOW, &named);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	return held.st_dev == named.st_dev && held.st_ino == named.st_ino;
}

static int lock_at(int dirfd, const char *name, int operation)
{
	for (;;) {
		auto_close int fd = lock_open(dirfd, name);
		if (fd < 0)
			return fd;
		int r = sys_flock(fd, operation);
		if (r == 0)
			r = lock_is_current(dirfd, name, fd);
		if (r != 0)
			return r < 0 ? r : take_fd(&fd);
	}
}

int lock_file_at(int dirfd, const char *name, bool is_waiting)
{
	return lock_at(dirfd, name, LOCK_EX | (is_waiting ? 0 : LOCK_NB));
}

int lock_shared_at(int dirfd, const char *name)
{
	return lock_at(dirfd, name, LOCK_SH);
}

static int lock_place(int fd, int command, unsigned place)
{
	struct flock lock = {
		.l_type = F_WRLCK,
		.l_whence = SEEK_SET,
		.l_start = (off_t)place,
		.l_len = 1,
	};
	int r = sys_fcntl(fd, command, (long)(intptr_t)&lock);
	return r == -EACCES ? -EAGAIN : r;
}

int lock_gate_at(int dirfd, const char *name, unsigned slots)
{
	if (slots == 0)
		return -EINVAL;
	auto_close int fd = lock_open(dirfd, name);
	if (fd < 0)
		return fd;

	/* Where to begin differs between processes, so that those who wait spread over the places. */
	unsigned first = (unsigned)getpid() % slots;
	int r = -EAGAIN;
	for (unsigned i = 0; i < slots && r == -EAGAIN; i++)
		r = lock_place(fd, F_OFD_SETLK, (first + i) % slots);
	if (r == -EAGAIN)
		r = lock_place(fd, F_OFD_SETLKW, first);
	return r < 0 ? r : take_fd(&fd);
}
