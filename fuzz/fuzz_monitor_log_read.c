/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads a log, whatever its files contain. The input: the number of wanted lines of the tail, then
 * the files from the oldest to the newest, separated by a byte 0xff. A byte 0xfe stands for a page
 * of x, so that buffers become too small.
 */
#include "monitor/log_read.c"

#include "fuzz.h"

#include <sys/mman.h>
#include <unistd.h>

enum { PAGE = 4096, PAGES_MAX = 40, LOGS_MAX = 4 };

/* All lines that a reader was given, separated by bytes that no line contains. */
struct given {
	struct buf text;
	size_t count;
};

static int give(void *context, const struct monitor_log_line *line)
{
	struct given *given = context;
	if ((unsigned)line->stream >= MONITOR_STREAMS || line->size > RECORD_MAX + READ_BYTES ||
		memchr(line->text, '\n', line->size) || strlen(line->time) >= TIME_BYTES)
		BUG("a line of %zu bytes", line->size);
	buf_addf(&given->text, "%d %d %s ", (int)line->stream, line->has_newline, line->time);
	buf_add(&given->text, line->text, line->size);
	buf_addc(&given->text, '\n');
	given->count++;
	return 0;
}

static void read_all(struct files *files, uint64_t tail, struct given *out)
{
	struct reading r = {.each = give, .context = out, .pending = BUF_INIT};
	for (int i = 0; i < FILES_MAX; i++)
		if (files->fds[i] >= 0 && sys_seek_start(files->fds[i]) < 0)
			BUG("seek");
	if (tail_find(&r, files, tail) < 0 || files_read(&r, files) < 0)
		BUG("%s", err_text());
	buf_release(&r.pending);
}

static int file_make(const uint8_t *data, size_t size, int *pages)
{
	auto_buf struct buf text = BUF_INIT;
	for (size_t i = 0; i < size; i++) {
		if (data[i] != 0xfe)
			buf_addc(&text, (char)data[i]);
		else if (++*pages < PAGES_MAX)
			memset(buf_reserve(&text, PAGE), 'x', PAGE), buf_grew(&text, PAGE);
	}
	int fd = memfd_create("log", MFD_CLOEXEC);
	if (fd < 0 || fd_write_full(fd, text.data, text.len) < 0)
		BUG("no file");
	return fd;
}

static void files_make(const uint8_t *data, size_t size, struct files *out)
{
	int pages = 0, count = 1;
	for (int i = 0; i < FILES_MAX; i++)
		out->fds[i] = -EBADF;
	for (size_t i = 0; i < size && count < LOGS_MAX; i++)
		count += data[i] == 0xff;
	while (count-- > 0) {
		const uint8_t *end = count > 0 ? memchr(data, 0xff, size) : data + size;
		size_t here = (size_t)(end - data);
		out->fds[count] = file_make(data, here, &pages);
		data += here + (count > 0);
		size -= here + (count > 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1)
		return 0;
	struct files files;
	struct given all = {.text = BUF_INIT}, tail = {.text = BUF_INIT};
	files_make(data + 1, size - 1, &files);
	read_all(&files, UINT64_MAX, &all);
	read_all(&files, data[0], &tail);
	/* The tail must be the end of the whole log, with as many lines as wanted and available. */
	if (tail.count != (all.count < data[0] ? all.count : data[0]) ||
		tail.text.len > all.text.len ||
		memcmp(all.text.data + all.text.len - tail.text.len, tail.text.data,
			tail.text.len) != 0)
		BUG("%zu lines in all, %zu of %d in the tail", all.count, tail.count, data[0]);
	buf_release(&all.text);
	buf_release(&tail.text);
	files_close(&files);
	return 0;
}
