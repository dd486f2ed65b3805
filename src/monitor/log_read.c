/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a log: all files from the oldest to the newest, the last lines of them, and new lines.
 * The writer rotates the files meanwhile and knows nothing of readers. A reader keeps its files
 * open, so a rotation takes no lines away from it. When the file that it follows has ended and has
 * been renamed, the reader goes on in the next younger file.
 */
#include "monitor/internal.h"
#include "base/str.h"
#include "sys/calls.h"
#include "sys/fd.h"

#include <errno.h>
#include <fcntl.h>

enum {
	FILES_MAX = 16,
	READ_BYTES = 65536,
	RECORD_MAX = MONITOR_LINE_MAX + 64,
	FOLLOW_STEP_MS = 100,
	RACES_MAX = 100,
	MARK_BYTES = 9, /* "stdout F " */
	TIME_BYTES = 40,
};

struct reading {
	int (*each)(void *context, const struct monitor_log_line *line);
	void *context;
	struct buf pending; /* the beginning of a line whose end is not read yet */
	uint64_t count; /* lines met while counting */
	uint64_t skip; /* lines before the wanted tail */
	bool is_counting;
	/* A long line comes in parts, and so does a line whose end comes late; parts of both
	 * streams may be mixed. */
	struct {
		bool is_inside; /* a line has begun and not ended */
		bool is_skipped; /* the line that began last is skipped */
	} streams[2];
};

/* Splits "TIME STREAM F|P TEXT"; false for other lines, such as half a line after a full disk. */
static bool line_parse(char *text, size_t size, struct monitor_log_line *out)
{
	static const struct {
		const char *mark;
		enum monitor_stream stream;
		bool has_newline;
	} marks[] = {
		{"stdout F ", MONITOR_STDOUT, true},
		{"stdout P ", MONITOR_STDOUT, false},
		{"stderr F ", MONITOR_STDERR, true},
		{"stderr P ", MONITOR_STDERR, false},
	};
	char *space = memchr(text, ' ', size < TIME_BYTES ? size : TIME_BYTES);
	if (!space || size - (size_t)(space + 1 - text) < MARK_BYTES)
		return false;
	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		if (memcmp(space + 1, marks[i].mark, MARK_BYTES) != 0)
			continue;
		*space = '\0';
		*out = (struct monitor_log_line){
			.time = text,
			.stream = marks[i].stream,
			.text = space + 1 + MARK_BYTES,
			.size = size - (size_t)(space + 1 - text) - MARK_BYTES,
			.has_newline = marks[i].has_newline,
		};
		return true;
	}
	return false;
}

static int line_give(struct reading *r, char *text, size_t size)
{
	struct monitor_log_line line;
	if (!line_parse(text, size, &line))
		return 0;
	typeof(r->streams[0]) *stream = &r->streams[line.stream == MONITOR_STDERR];
	line.is_begin = !stream->is_inside;
	stream->is_inside = !line.has_newline;
	if (r->is_counting) {
		r->count += line.is_begin;
		return 0;
	}
	if (line.is_begin) {
		stream->is_skipped = r->skip > 0;
		r->skip -= stream->is_skipped;
	}
	return stream->is_skipped ? 0 : r->each(r->context, &line);
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
	if (rest > RECORD_MAX)
		rest = 0; /* husk did not write this */
	memmove(r->pending.data, at, rest);
	buf_clear(&r->pending);
	if (rest > 0) {
		buf_reserve(&r->pending, rest);
		buf_grew(&r->pending, rest);
	}
	return 0;
}

/* Reads the rest of this file, at most `left` bytes. */
static int file_read_some(struct reading *r, int fd, uint64_t left)
{
	while (left > 0) {
		size_t wanted = left < READ_BYTES ? (size_t)left : READ_BYTES;
		ssize_t n = sys_read(fd, buf_reserve(&r->pending, READ_BYTES), wanted);
		if (n < 0)
			return err_new((int)n, "read the log");
		if (n == 0)
			return 0;
		left -= (uint64_t)n;
		buf_grew(&r->pending, (size_t)n);
		int result = lines_give(r);
		if (result < 0)
			return result;
	}
	return 0;
}

static int file_read_on(struct reading *r, int fd)
{
	return file_read_some(r, fd, UINT64_MAX);
}

/* The same for a file that is no longer written: half a line at its end is dropped. */
static int file_read_last(struct reading *r, int fd)
{
	int result = file_read_on(r, fd);
	buf_clear(&r->pending);
	return result;
}

/* Is this open file the log file with that number? */
static bool is_number(int directory_fd, int fd, unsigned number)
{
	char name[16];
	struct stat open_file, named;
	monitor_log_name(name, number);
	return sys_stat_fd(fd, &open_file) == 0 &&
		sys_stat_at(directory_fd, name, AT_SYMLINK_NOFOLLOW, &named) == 0 &&
		open_file.st_ino == named.st_ino && open_file.st_dev == named.st_dev;
}

static int number_open(int directory_fd, unsigned number)
{
	char name[16];
	monitor_log_name(name, number);
	int fd = sys_open_at(directory_fd, name, O_RDONLY | O_NOFOLLOW | O_NOCTTY, 0);
	return fd < 0 && fd != -ENOENT ? err_new(fd, "open %s", name) : fd;
}

struct files {
	int fds[FILES_MAX]; /* by age, -EBADF for none */
	/* The size of the youngest file when all were opened: reading ends there, however fast it
	 * grows. */
	uint64_t end;
};

static void files_close(struct files *f)
{
	for (int i = 0; i < FILES_MAX; i++)
		fd_replace(&f->fds[i], -EBADF);
}

/* Has no rotation happened since the files were opened? A rotation renames the youngest last. */
static bool files_are_current(int directory_fd, const struct files *f)
{
	for (unsigned i = 0; i < FILES_MAX; i++)
		if (f->fds[i] >= 0 && !is_number(directory_fd, f->fds[i], i))
			return false;
	return true;
}

static int youngest_of(const struct files *f)
{
	int youngest = 0;
	while (youngest < FILES_MAX - 1 && f->fds[youngest] < 0)
		youngest++;
	return youngest;
}

static int end_find(struct files *f)
{
	struct stat st = {0};
	int fd = f->fds[youngest_of(f)], r = fd < 0 ? 0 : sys_stat_fd(fd, &st);
	f->end = (uint64_t)st.st_size;
	return r < 0 ? err_new(r, "look at the log") : 0;
}

/* Opens all files as they are between two rotations; a container that never wrote has none. */
static int files_open(int directory_fd, struct files *f)
{
	for (int race = 0; race < RACES_MAX; race++) {
		for (unsigned i = 0; i < FILES_MAX; i++) {
			f->fds[i] = number_open(directory_fd, i);
			if (f->fds[i] < 0 && f->fds[i] != -ENOENT)
				return f->fds[i];
		}
		if (files_are_current(directory_fd, f))
			return end_find(f);
		files_close(f);
	}
	return err_say(-EAGAIN, "the log rotates faster than it can be opened");
}

/* For a reader without a file: there was none yet, or rotations have removed it, and its lines are
 * lost. Returns one more than the number of the oldest file, or 1. */
static unsigned number_after_oldest(int directory_fd)
{
	unsigned number = FILES_MAX;
	for (; number > 1; number--) {
		auto_close int oldest = number_open(directory_fd, number - 1);
		if (oldest >= 0)
			break;
	}
	return number;
}

/* Goes on in the next younger file if the one that ended is not the youngest any more. Then returns
 * 1, and *fd is that file. */
static int follow_next(struct reading *r, int directory_fd, int *fd)
{
	for (int race = 0; race < RACES_MAX; race++) {
		unsigned number = *fd < 0 ? FILES_MAX : 0;
		while (number < FILES_MAX && !is_number(directory_fd, *fd, number))
			number++;
		if (number == 0)
			return 0;
		if (number == FILES_MAX)
			number = number_after_oldest(directory_fd);
		auto_close int next = number_open(directory_fd, number - 1);
		if (next < 0)
			return next == -ENOENT ? 0 : next;
		/* Try again if a rotation came between. */
		if (!is_number(directory_fd, next, number - 1))
			continue;
		int result = *fd >= 0 ? file_read_last(r, *fd) : 0;
		fd_replace(fd, take_fd(&next));
		return result < 0 ? result : 1;
	}
	return 0;
}

static int follow(struct reading *r, int directory_fd, int *fd, bool (*is_ended)(void *context))
{
	for (;;) {
		/* Asked before reading: all that was written before the end is then read. */
		bool was_last = is_ended(r->context);
		int result = 0;
		do {
			result = *fd >= 0 ? file_read_on(r, *fd) : 0;
			if (result == 0)
				result = follow_next(r, directory_fd, fd);
		} while (result > 0);
		if (result < 0 || was_last)
			return result;
		clock_sleep_ms(FOLLOW_STEP_MS);
	}
}

/* One pass over all files, oldest first. */
static int files_read(struct reading *r, const struct files *f)
{
	int youngest = youngest_of(f);
	for (int i = FILES_MAX - 1; i >= youngest; i--) {
		int result = 0;
		if (f->fds[i] >= 0)
			result = i > youngest ? file_read_last(r, f->fds[i])
					      : file_read_some(r, f->fds[i], f->end);
		if (result < 0)
			return result;
	}
	return 0;
}

static int tail_find(struct reading *r, const struct files *f, uint64_t tail)
{
	r->is_counting = true;
	int result = files_read(r, f);
	for (int i = 0; i < FILES_MAX && result == 0; i++)
		if (f->fds[i] >= 0)
			result = sys_seek_start(f->fds[i]);
	r->is_counting = false;
	buf_clear(&r->pending);
	memset(r->streams, 0, sizeof(r->streams));
	r->skip = r->count > tail ? r->count - tail : 0;
	return result;
}

int monitor_log_read(int directory_fd, uint64_t tail, bool follows,
	int (*each)(void *context, const struct monitor_log_line *line),
	bool (*is_ended)(void *context), void *context)
{
	struct files files;
	struct reading r = {.each = each, .context = context, .pending = BUF_INIT};
	for (int i = 0; i < FILES_MAX; i++)
		files.fds[i] = -EBADF;
	int result = files_open(directory_fd, &files);
	if (result == 0 && tail != UINT64_MAX)
		result = tail_find(&r, &files, tail);
	if (result == 0)
		result = files_read(&r, &files);
	/* Between two steps of a rotation there may be no `log`: the youngest has another name. */
	auto_close int last = take_fd(&files.fds[youngest_of(&files)]);
	files_close(&files);
	if (result == 0 && follows)
		result = follow(&r, directory_fd, &last, is_ended);
	buf_release(&r.pending);
	return result;
}
