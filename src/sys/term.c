/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Terminals, by fd only.
 */
#include "sys/term.h"

#include "sys/calls.h"
#include "sys/internal.h"

#include <asm/ioctls.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

bool term_is(int fd)
{
	struct termios state;
	return tcgetattr(fd, &state) == 0;
}

int term_raw(int fd, struct termios *out_saved)
{
	struct termios saved;
	int r = SYS_RETRIED(tcgetattr(fd, &saved));
	if (r < 0)
		return r;
	struct termios raw = saved;
	cfmakeraw(&raw);
	r = term_restore(fd, &raw);
	if (r == 0)
		*out_saved = saved;
	return r;
}

int term_restore(int fd, const struct termios *saved)
{
	return SYS_RETRIED(tcsetattr(fd, TCSADRAIN, saved));
}

int term_get_size(int fd, uint16_t *out_rows, uint16_t *out_columns)
{
	struct winsize size;
	int r = sys_ioctl(fd, TIOCGWINSZ, &size);
	if (r < 0)
		return r;
	*out_rows = size.ws_row;
	*out_columns = size.ws_col;
	return 0;
}

int term_set_size(int fd, uint16_t rows, uint16_t columns)
{
	struct winsize size = {.ws_row = rows, .ws_col = columns};
	return sys_ioctl(fd, TIOCSWINSZ, &size);
}

int term_open_slave(int master_fd)
{
	/* A new pair is locked, and a locked slave cannot be opened. */
	int is_locked = 0;
	int r = sys_ioctl(master_fd, TIOCSPTLCK, &is_locked);
	if (r < 0)
		return r;
	/* TIOCGPTPEER exists since 4.13. A path would be resolved in a devpts that the container
	 * chose. */
	intptr_t flags = O_RDWR | O_NOCTTY | O_CLOEXEC;
	return sys_ioctl(master_fd, TIOCGPTPEER, (void *)flags);
}

int term_set_controlling(int fd)
{
	return sys_ioctl(fd, TIOCSCTTY, NULL);
}

int term_set_foreground(int fd)
{
	/* In a background process group tcsetpgrp(3) raises SIGTTOU, which every caller of this
	 * function blocks. */
	if (setpgid(0, 0) < 0 || tcsetpgrp(fd, getpid()) < 0)
		return -errno;
	return 0;
}
