/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HOME, if it is not set: the home directory of the user in the container's /etc/passwd, as with
 * other runtimes, or /. The process that becomes the payload reads the file, with the user's
 * rights. A file that the image has prepared can do no harm: a FIFO does not block, and only the
 * beginning of a large file is read.
 */
#include "launch/init.h"
#include "base/str.h"
#include "sys/calls.h"
#include "sys/fd.h"

#include <fcntl.h>

enum { PASSWD_MAX = 64 * 1024 };

/* "name:password:uid:gid:comment:home:shell" */
static const char *line_home(char *line, uint32_t uid)
{
	uint32_t number;
	str_cut(&line, ':');
	str_cut(&line, ':');
	const char *id = str_cut(&line, ':');
	if (!id || parse_u32(id, &number) < 0 || number != uid)
		return NULL;
	str_cut(&line, ':');
	str_cut(&line, ':');
	const char *home = str_cut(&line, ':');
	return home && home[0] == '/' ? home : NULL;
}

static ssize_t passwd_read(char *out, size_t room)
{
	struct stat st;
	auto_close int fd = sys_open_at(
		AT_FDCWD, "/etc/passwd", O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	if (fd < 0 || sys_stat_fd(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return 0;
	ssize_t n = fd_read_full(fd, out, room);
	return n < 0 ? 0 : n;
}

void home_find(uint32_t uid, char out[static HOME_ROOM])
{
	char text[PASSWD_MAX];
	text[passwd_read(text, sizeof(text) - 1)] = '\0';
	char *rest = text;
	for (char *line = str_cut(&rest, '\n'); line; line = str_cut(&rest, '\n')) {
		const char *home = line_home(line, uid);
		if (home && fmt_n(out, HOME_ROOM, "HOME=%s", home) >= 0)
			return;
	}
	fmt_n(out, HOME_ROOM, "HOME=/");
}
