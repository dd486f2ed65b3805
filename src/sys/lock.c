/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Locks on files of the state directory. The kernel keeps them with the open file, so a killed
 * holder releases them.
 */
#include "sys/lock.h"

#include "sys/calls.h"
#include "sys/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/time.h>
#include <unistd.h>

enum { ALARM_AGAIN_US = 10000 };

static int lock_open(int dirfd, const char *name)
{
	return sys_open_at(dirfd, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_NOCTTY, 0600);
}

/* 1 when the name still leads to this file, 0 when another process removed or replaced the file
 * during the wait. */
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

/* Not sys_fcntl, which would restart an interrupted wait. */
static int lock_place(int fd, int command, unsigned place)
{
	struct flock lock = {
		.l_type = F_WRLCK,
		.l_whence = SEEK_SET,
		.l_start = (off_t)place,
		.l_len = 1,
	};
	if (fcntl(fd, command, &lock) == 0)
		return 0;
	return errno == EACCES ? -EAGAIN : -errno;
}

static void nothing(int number)
{
	(void)number;
}

/* The kernel has no lock with a deadline, so an alarm ends the wait. The alarm repeats, as the
 * first may come before the wait has begun. */
static int place_await(int fd, unsigned place, unsigned patience_ms)
{
	struct sigaction quiet = {.sa_handler = nothing}, before;
	struct itimerval alarm = {
		.it_value = {patience_ms / 1000, patience_ms % 1000 * 1000L},
		.it_interval = {.tv_usec = ALARM_AGAIN_US},
	};
	struct itimerval none = {0};
	if (sigaction(SIGALRM, &quiet, &before) < 0 || setitimer(ITIMER_REAL, &alarm, NULL) < 0)
		return -errno;
	int r = lock_place(fd, F_OFD_SETLKW, place);
	setitimer(ITIMER_REAL, &none, NULL);
	sigaction(SIGALRM, &before, NULL);
	return r == -EINTR ? -ETIMEDOUT : r;
}

int lock_gate_at(int dirfd, const char *name, unsigned slots, unsigned patience_ms)
{
	if (slots == 0)
		return -EINVAL;
	auto_close int fd = lock_open(dirfd, name);
	if (fd < 0)
		return fd;

	/* Processes begin at different places, so that waiting processes spread over the places. */
	unsigned first = (unsigned)getpid() % slots;
	int r = -EAGAIN;
	for (unsigned i = 0; i < slots && r == -EAGAIN; i++)
		r = lock_place(fd, F_OFD_SETLK, (first + i) % slots);
	if (r == -EAGAIN)
		r = place_await(fd, first, patience_ms);
	return r < 0 ? r : take_fd(&fd);
}
