/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a log back: the files from the oldest to the newest, the last lines of all of them, and what comes. A follower
 * holds the file it reads open, so a rotation does not take lines away from it; when that file ends and another one has
 * its name, it goes on there.
 */
#include "monitor/internal.h"
#include "base/err.h"
#include "base/str.h"
#include "sys/calls.h"
#include "sys/fd.h"

#include <errno.h>
#include <fcntl.h>

enum { FILES_MAX = 16, READ_BYTES = 65536, FOLLOW_STEP_MS = 50, PREFIX_MAX = 128 };

struct reading {
	int (*each)(void *context, const struct monitor_log_line *line);
	void *context;
	struct buf pending; /* the begin of a line whose end is not read yet */
	uint64_t skip;      /* lines before the wanted tail */
};

/* "TIME STREAM F|P TEXT"; what is not such a line (half a line after a full disk) is passed over. */
static int line_give(struct reading *r, char *text, size_t size)
{
	if (r->skip > 0) {
		r->skip--;
		return 0;
	}
	char *space = memchr(text, ' ', size < PREFIX_MAX ? size : PREFIX_MAX);
	size_t used = space ? (size_t)(space - text) + 1 : size;
	bool is_stderr = size - used >= 9 && memcmp(text + used, "stderr ", 7) == 0;
	bool is_stdout = size - used >= 9 && memcmp(text + used, "stdout ", 7) == 0;
	if (!space || !(is_stderr || is_stdout))
		return 0;
	*space = '\0';
	struct monitor_log_line line = {
		.time = text,
		.stream = is_stderr ? MONITOR_STDERR : MONITOR_STDOUT,
		.text = text + used + 9,
		.size = size - used - 9,
		.has_newline = text[used + 7] == 'F',
	};
	return r->each(r->context, &line);
}

static int lines_give(struct reading *r)
{
	char *at = r->pending.data;
	char *end = at + r->pending.len;
	char *newline;
	while ((newline = memchr(at, '\n', (size_t)(end - at)))) {
		int result = line_give(r, at, (size_t)(newline - at));
		if (result < 0)
			return result;
		at = newline + 1;
	}
	size_t rest = (size_t)(end - at);
	memmove(r->pending.data, at, rest);
	buf_clear(&r->pending);
	buf_grew(&r->pending, rest);
	return 0;
}

/* Everything there is in this file from here on. */
static int file_read_on(struct reading *r, int fd)
{
	for (;;) {
		ssize_t n = sys_read(fd, buf_reserve(&r->pending, READ_BYTES), READ_BYTES);
		if (n < 0)
			return err_new((int)n, "read the log");
		if (n == 0)
			return 0;
		buf_grew(&r->pending, (size_t)n);
		int result = lines_give(r);
		if (result < 0)
			return result;
	}
}

static int lines_count(int fd, uint64_t *count)
{
	char data[4096];
	ssize_t n;
	while ((n = sys_read(fd, data, sizeof(data))) > 0)
		for (ssize_t i = 0; i < n; i++)
			*count += data[i] == '\n';
	return n < 0 ? err_new((int)n, "read the log") : 0;
}

/* The open files, oldest first; a container that never wrote has none. */
static int files_open(int directory_fd, int out[static FILES_MAX], int *out_count)
{
	int count = 0;
	for (unsigned i = FILES_MAX; i-- > 0;) {
		char name[16];
		monitor_log_name(name, i);
		int fd = sys_open_at(directory_fd, name, O_RDONLY | O_NOFOLLOW, 0);
		if (fd >= 0)
			out[count++] = fd;
		else if (fd != -ENOENT)
			return err_new(fd, "open %s", name);
	}
	*out_count = count;
	return 0;
}

static bool is_current(int directory_fd, int fd)
{
	struct stat open_file, named;
	return sys_stat_fd(fd, &open_file) == 0 && sys_stat_at(directory_fd, "log", AT_SYMLINK_NOFOLLOW, &named) == 0 &&
		open_file.st_ino == named.st_ino && open_file.st_dev == named.st_dev;
}

static int follow(struct reading *r, int directory_fd, int *fd, bool (*is_ended)(void *context))
{
	for (;;) {
		bool was_last = is_ended(r->context); /* asked before reading: what came before its end is still read */
		int result = *fd >= 0 ? file_read_on(r, *fd) : 0;
		if (result < 0)
			return result;
		if (*fd < 0 || !is_current(directory_fd, *fd)) {
			int next = sys_open_at(directory_fd, "log", O_RDONLY | O_NOFOLLOW, 0);
			if (next >= 0) {
				result = *fd >= 0 ? file_read_on(r, *fd) : 0;
				fd_replace(fd, next);
				if (result < 0)
					return result;
				continue;
			}
		}
		if (was_last)
			return 0;
		clock_sleep_ms(FOLLOW_STEP_MS);
	}
}

int monitor_log_read(int directory_fd, uint64_t tail, bool follows,
	int (*each)(void *context, const struct monitor_log_line *line), bool (*is_ended)(void *context), void *context)
{
	int files[FILES_MAX];
	int count = 0;
	struct reading r = {.each = each, .context = context, .pending = BUF_INIT};
	int result = files_open(directory_fd, files, &count);
	uint64_t lines = 0;
	for (int i = 0; i < count && result == 0 && tail != UINT64_MAX; i++)
		result = lines_count(files[i], &lines);
	r.skip = lines > tail ? lines - tail : 0;
	for (int i = 0; i < count && result == 0; i++) {
		if (tail != UINT64_MAX && sys_seek_start(files[i]) < 0)
			result = err_new(-EIO, "read the log again");
		if (result == 0)
			result = file_read_on(&r, files[i]);
	}
	auto_close int last = count ? fd_dup(files[count - 1]) : -EBADF;
	if (result == 0 && follows)
		result = follow(&r, directory_fd, &last, is_ended);
	for (int i = 0; i < count; i++)
		fd_close(files[i]);
	buf_release(&r.pending);
	return result;
}
