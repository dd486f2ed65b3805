/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log writer. Whole lines go from the relay's buffer to the file without a copy, many in one
 * writev(2). A line without a newline is kept in a line buffer, one for each stream. Nothing is
 * allocated after opening, and no error ever reaches the payload: bytes that cannot be written are
 * counted, and a line reports them when there is room again.
 */
#include "monitor/monitor.h"
#include "monitor/internal.h"
#include "base/str.h"
#include "sys/calls.h"
#include "sys/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/uio.h>

enum { BATCH_LINES = 32, HEAD_BYTES = 48, PARTS = 3 };

struct line {
	size_t len;
	char text[MONITOR_LINE_MAX];
};

struct monitor_log {
	int directory_fd; /* own */
	int fd; /* own; -EBADF while it cannot be opened */
	uint64_t written, max_bytes;
	unsigned max_files;
	uint64_t lost;
	struct line lines[MONITOR_STREAMS];
};

/* Records to be written. Each has three parts: its head, its text and a newline. */
struct batch {
	int count;
	uint64_t size;
	char time[32];
	char heads[BATCH_LINES][HEAD_BYTES];
	struct iovec parts[BATCH_LINES * PARTS];
};

static const char *const stream_names[MONITOR_STREAMS] = {
	[MONITOR_STDOUT] = "stdout",
	[MONITOR_STDERR] = "stderr",
};

void monitor_log_name(char out[static 16], unsigned number)
{
	if (number == 0)
		fmt_n(out, 16, "log");
	else
		fmt_n(out, 16, "log.%u", number);
}

/* A monitor that was killed may have left half a record at the end: a newline is added to it. */
static int file_end_line(int fd, uint64_t *size)
{
	const char *data;
	size_t mapped;
	if (*size == 0)
		return 0;
	int r = fd_map(fd, (const void **)&data, &mapped);
	if (r < 0)
		return r;
	bool is_whole = data[mapped - 1] == '\n';
	fd_unmap(data, mapped);
	if (is_whole)
		return 0;
	ssize_t n = sys_write(fd, "\n", 1);
	if (n < 0)
		return (int)n;
	*size += 1;
	return 0;
}

static int file_open(struct monitor_log *log)
{
	auto_close int fd = sys_open_at(log->directory_fd, "log",
		O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_NOCTTY, 0600);
	if (fd < 0)
		return fd;
	struct stat info;
	int r = sys_stat_fd(fd, &info);
	if (r < 0)
		return r;
	if (!S_ISREG(info.st_mode))
		return -EINVAL;
	log->written = (uint64_t)info.st_size;
	r = file_end_line(fd, &log->written);
	if (r == 0)
		log->fd = take_fd(&fd);
	return r;
}

int monitor_log_open(
	int directory_fd, uint64_t max_bytes, unsigned max_files, struct monitor_log **out)
{
	/* Not zeroed: most of it is buffers, and memory that is never touched costs nothing. */
	auto_of(monitor_log) struct monitor_log *log = mem_resize(NULL, 1, sizeof(*log));
	log->fd = -EBADF;
	log->written = 0;
	log->lost = 0;
	for (int i = 0; i < MONITOR_STREAMS; i++)
		log->lines[i].len = 0;
	log->max_bytes = max_bytes;
	log->max_files = max_files;
	log->directory_fd = fd_dup(directory_fd);
	int r = log->directory_fd < 0 ? log->directory_fd : file_open(log);
	if (r < 0)
		return err_new(r, "open the log");
	*out = take_ptr(&log);
	return 0;
}

/* log.1 becomes log.2, log becomes log.1, and a new log begins; the oldest file is replaced. If the
 * directory refuses that, the old file stays, and nothing more is written to it. */
static void rotate(struct monitor_log *log)
{
	char from[16], to[16];
	for (unsigned i = log->max_files - 1; i > 0 && log->max_files > 1; i--) {
		monitor_log_name(from, i - 1);
		monitor_log_name(to, i);
		sys_rename_at(log->directory_fd, from, log->directory_fd, to, 0);
	}
	if (log->max_files <= 1)
		sys_unlink_at(log->directory_fd, "log", 0);
	fd_replace(&log->fd, -EBADF);
	file_open(log);
}

/* After a write of only n bytes: keeps whole records, and counts the text of the others as lost. */
static void batch_lose(struct monitor_log *log, const struct batch *b, ssize_t n)
{
	uint64_t left = n > 0 ? (uint64_t)n : 0;
	uint64_t whole = 0;
	bool is_lost = false;
	for (int i = 0; i < b->count; i++) {
		const struct iovec *parts = &b->parts[(size_t)i * PARTS];
		uint64_t size = parts[0].iov_len + parts[1].iov_len + parts[2].iov_len;
		is_lost = is_lost || size > left;
		if (is_lost) {
			log->lost += parts[1].iov_len;
			continue;
		}
		left -= size;
		whole += size;
	}
	log->written += whole;
	if (left > 0 && sys_truncate_fd(log->fd, log->written) < 0)
		log->written += left;
}

static void batch_write(struct monitor_log *log, struct batch *b)
{
	if (b->count == 0)
		return;
	ssize_t n = log->fd < 0 ? -EBADF : sys_writev(log->fd, b->parts, b->count * PARTS);
	if (n >= 0 && (uint64_t)n == b->size)
		log->written += b->size;
	else
		batch_lose(log, b, n);
	b->count = 0;
	b->size = 0;
}

/* Adds one record; false when there is no room for it, even after a rotation. */
static bool batch_add(struct monitor_log *log, struct batch *b, enum monitor_stream stream,
	const char *text, size_t size, bool is_full)
{
	char *head = b->heads[b->count];
	fmt_n(head, HEAD_BYTES, "%s %s %c ", b->time, stream_names[stream], is_full ? 'F' : 'P');
	size_t head_size = strlen(head);
	uint64_t total = head_size + size + 1;
	if (log->fd < 0)
		file_open(log);
	if (log->written + b->size + total > log->max_bytes && log->written + b->size > 0) {
		/* The head that was just written moves with the record. */
		char moved[HEAD_BYTES];
		memcpy(moved, head, sizeof(moved));
		batch_write(log, b);
		rotate(log);
		head = b->heads[0];
		memcpy(head, moved, sizeof(moved));
		if (log->fd >= 0 && log->written > 0 && log->written + total > log->max_bytes)
			return false;
	}
	struct iovec *parts = &b->parts[(size_t)b->count * PARTS];
	parts[0] = (struct iovec){.iov_base = head, .iov_len = head_size};
	parts[1] = (struct iovec){.iov_base = (char *)text, .iov_len = size};
	parts[2] = (struct iovec){.iov_base = (char *)"\n", .iov_len = 1};
	b->size += total;
	if (++b->count == BATCH_LINES)
		batch_write(log, b);
	return true;
}

/* Writes "[N bytes lost]" before anything else is written; false when there is still no room. */
static bool lost_say(struct monitor_log *log, struct batch *b)
{
	char text[40];
	uint64_t lost = log->lost;
	fmt(text, "[%llu bytes lost]", (unsigned long long)lost);
	batch_write(log, b);
	log->lost = 0;
	bool is_said = batch_add(log, b, MONITOR_STDERR, text, strlen(text), true);
	batch_write(log, b);
	is_said = is_said && log->lost == 0;
	if (!is_said)
		log->lost = lost;
	return is_said;
}

static void record_add(struct monitor_log *log, struct batch *b, enum monitor_stream stream,
	const char *text, size_t size, bool is_full)
{
	if (log->lost > 0 && !lost_say(log, b)) {
		log->lost += size;
		return;
	}
	if (!batch_add(log, b, stream, text, size, is_full))
		log->lost += size;
}

static void batch_init(struct batch *b)
{
	struct timespec now;
	struct tm parts;
	char date[24];
	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &parts);
	if (strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &parts) == 0)
		date[0] = '\0';
	fmt(b->time, "%s.%09ldZ", date, now.tv_nsec);
	b->count = 0;
	b->size = 0;
}

/* Adds the line buffer as a record. The batch refers to the buffer, so the batch is written at
 * once. */
static void line_write(
	struct monitor_log *log, struct batch *b, enum monitor_stream stream, bool is_full)
{
	struct line *line = &log->lines[stream];
	record_add(log, b, stream, line->text, line->len, is_full);
	batch_write(log, b);
	line->len = 0;
}

/* Takes the bytes that belong to the line in the buffer; returns their number. */
static size_t line_continue(struct monitor_log *log, struct batch *b, enum monitor_stream stream,
	const char *at, size_t size)
{
	struct line *line = &log->lines[stream];
	size_t room = sizeof(line->text) - line->len;
	const char *newline = memchr(at, '\n', size);
	size_t want = newline ? (size_t)(newline - at) : size;
	size_t take = want < room ? want : room;
	memcpy(line->text + line->len, at, take);
	line->len += take;
	if (take == want && newline) {
		line_write(log, b, stream, true);
		return take + 1;
	}
	if (line->len == sizeof(line->text))
		line_write(log, b, stream, false);
	return take;
}

void monitor_log_write(
	struct monitor_log *log, enum monitor_stream stream, const void *data, size_t size)
{
	struct batch b;
	const char *at = data;
	batch_init(&b);
	while (size > 0) {
		const char *newline = memchr(at, '\n', size);
		size_t len = newline ? (size_t)(newline - at) : 0;
		size_t used = len + 1;
		if (log->lines[stream].len == 0 && newline && len <= MONITOR_LINE_MAX)
			record_add(log, &b, stream, at, len, true);
		else
			used = line_continue(log, &b, stream, at, size);
		at += used;
		size -= used;
	}
	batch_write(log, &b);
}

bool monitor_log_has_partial(const struct monitor_log *log)
{
	return log->lines[MONITOR_STDOUT].len > 0 || log->lines[MONITOR_STDERR].len > 0;
}

void monitor_log_flush(struct monitor_log *log)
{
	struct batch b;
	batch_init(&b);
	for (int i = 0; i < MONITOR_STREAMS; i++)
		if (log->lines[i].len > 0)
			line_write(log, &b, (enum monitor_stream)i, false);
	if (log->lost > 0)
		lost_say(log, &b);
}

void monitor_log_close(struct monitor_log *log)
{
	if (!log)
		return;
	if (log->fd >= 0)
		monitor_log_flush(log);
	fd_close(log->fd);
	fd_close(log->directory_fd);
	free(log);
}
