/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log writer. One line buffer a stream, nothing on the heap after opening, and no error ever reaches the payload:
 * what cannot be written is counted, and said when there is room again.
 */
#include "monitor/monitor.h"
#include "monitor/internal.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "sys/calls.h"
#include "sys/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/uio.h>
#include <time.h>

struct line {
	size_t len;
	char text[MONITOR_LINE_MAX];
};

struct monitor_log {
	int directory_fd; /* own */
	int fd;
	uint64_t written, max_bytes;
	unsigned max_files;
	uint64_t lost;
	struct line lines[2];
};

void monitor_log_name(char out[static 16], unsigned number)
{
	if (number == 0)
		fmt_n(out, 16, "log");
	else
		fmt_n(out, 16, "log.%u", number);
}

static int file_open(struct monitor_log *log)
{
	log->fd = sys_open_at(log->directory_fd, "log", O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW, 0600);
	if (log->fd < 0)
		return log->fd;
	struct stat st;
	int r = sys_stat_fd(log->fd, &st);
	log->written = r < 0 ? 0 : (uint64_t)st.st_size;
	return r;
}

int monitor_log_open(int directory_fd, uint64_t max_bytes, unsigned max_files, struct monitor_log **out)
{
	struct monitor_log *log = mem_new(sizeof(*log));
	*log = (struct monitor_log){.directory_fd = fd_dup(directory_fd), .fd = -EBADF, .max_bytes = max_bytes,
		.max_files = max_files};
	int r = log->directory_fd < 0 ? log->directory_fd : file_open(log);
	if (r < 0) {
		monitor_log_close(log);
		return err_new(r, "open the log");
	}
	*out = log;
	return 0;
}

/* log.1 becomes log.2, log becomes log.1, and a new log begins. The oldest is replaced by its successor. */
static void rotate(struct monitor_log *log)
{
	char from[16], to[16];
	for (unsigned i = log->max_files - 1; i > 0; i--) {
		monitor_log_name(from, i - 1);
		monitor_log_name(to, i);
		sys_rename_at(log->directory_fd, from, log->directory_fd, to, 0);
	}
	if (log->max_files <= 1)
		sys_unlink_at(log->directory_fd, "log", 0);
	fd_replace(&log->fd, -EBADF);
	file_open(log);
}

static void time_format(char out[static 40])
{
	struct timespec now;
	struct tm tm;
	char date[24];
	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
	fmt_n(out, 40, "%s.%09ldZ", date, now.tv_nsec);
}

static const char *const stream_names[] = {[MONITOR_STDOUT] = "stdout", [MONITOR_STDERR] = "stderr"};

static void record_write(struct monitor_log *log, enum monitor_stream stream, const char *text, size_t size, bool is_full)
{
	char when[40], head[64];
	time_format(when);
	fmt(head, "%s %s %c ", when, stream_names[stream], is_full ? 'F' : 'P');
	struct iovec parts[] = {
		{.iov_base = head, .iov_len = strlen(head)},
		{.iov_base = (char *)text, .iov_len = size},
		{.iov_base = (char *)"\n", .iov_len = 1},
	};
	size_t total = parts[0].iov_len + size + 1;
	if (log->written + total > log->max_bytes && log->written > 0)
		rotate(log);
	ssize_t n = log->fd < 0 ? -EBADF : sys_writev(log->fd, parts, 3);
	if (n == (ssize_t)total) {
		log->written += total;
		return;
	}
	if (n > 0 && sys_truncate_fd(log->fd, log->written) < 0)
		log->written += (uint64_t)n; /* half a line stays: the reader passes over it */
	log->lost += size;
}

static void lost_say(struct monitor_log *log)
{
	char text[64];
	uint64_t lost = log->lost;
	fmt(text, "[%llu bytes lost]", (unsigned long long)lost);
	log->lost = 0;
	record_write(log, MONITOR_STDERR, text, strlen(text), true);
	if (log->lost)
		log->lost = lost;
}

static void line_write(struct monitor_log *log, enum monitor_stream stream, bool is_full)
{
	struct line *line = &log->lines[stream];
	if (log->lost)
		lost_say(log);
	record_write(log, stream, line->text, line->len, is_full);
	line->len = 0;
}

void monitor_log_write(struct monitor_log *log, enum monitor_stream stream, const void *data, size_t size)
{
	struct line *line = &log->lines[stream];
	const char *at = data;
	while (size > 0) {
		size_t room = sizeof(line->text) - line->len;
		size_t take = size < room ? size : room;
		const char *newline = memchr(at, '\n', take);
		if (newline)
			take = (size_t)(newline - at);
		memcpy(line->text + line->len, at, take);
		line->len += take;
		at += take;
		size -= take;
		if (newline) {
			line_write(log, stream, true);
			at++;
			size--;
		} else if (line->len == sizeof(line->text)) {
			line_write(log, stream, false);
		}
	}
}

void monitor_log_close(struct monitor_log *log)
{
	if (!log)
		return;
	for (int i = 0; i < 2; i++)
		if (log->lines[i].len && log->fd >= 0)
			line_write(log, (enum monitor_stream)i, false);
	fd_close(log->fd);
	fd_close(log->directory_fd);
	free(log);
}
