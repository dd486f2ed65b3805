/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The summary: one row of fixed size per container beside its record, all that `ps` reads.
 *
 * It is never fsynced, because it changes with every start and end. After a power cut it may be
 * outdated, which the checks find anyway, or empty, if the file system renames before it writes.
 * Then, and if it is damaged or of another version, it is made again from the record, which was
 * fsynced after the first row was written. The container's past is then unknown: it counts as one
 * that ran in an earlier boot, has ended since, and is collected by the next command that finds it.
 * If the row is missing, the container is just being made or removed.
 */
#include "records/internal.h"
#include "base/err.h"
#include "base/str.h"
#include "sys/calls.h"
#include "sys/fd.h"
#include "sys/file.h"

#include <errno.h>
#include <fcntl.h>

enum { SUMMARY_MAGIC = 0x6b737568, SUMMARY_VERSION = 2 };

/* All rows have the same size, so on a full disk the old row can be overwritten. */
static int summary_overwrite(int dir, const struct summary *row)
{
	auto_close int fd = sys_open_at(dir, "summary", O_WRONLY | O_NOFOLLOW | O_NOCTTY, 0);
	ssize_t n = fd < 0 ? fd : sys_write_at(fd, row, sizeof(*row), 0);
	return n < 0 ? (int)n : n == sizeof(*row) ? 0 : -ENOSPC;
}

int summary_store(const struct engine *e, const char *id, const struct summary *s)
{
	struct summary row = *s;
	row.magic = SUMMARY_MAGIC;
	row.version = SUMMARY_VERSION;
	row.flags &= ~(uint32_t)(SUMMARY_UNCOLLECTED | SUMMARY_WATCHED);
	memcpy(row.boot_id, e->boot_id, sizeof(e->boot_id));
	auto_close int dir = container_dir_open(e, id);
	int r = dir < 0 ? dir : file_replace_at(dir, "summary", &row, sizeof(row), 0600, false);
	if ((r == -ENOSPC || r == -EDQUOT) && summary_overwrite(dir, &row) == 0)
		r = 0;
	return r < 0 ? err_new(r, "write the summary of container %.12s", id) : 0;
}

/* A text that is cut ends with "...", and is not cut within a character. */
static void summary_text(char *out, size_t size, const char *text)
{
	if (fmt_n(out, size, "%s", text) >= 0)
		return;
	size_t len = size - sizeof("...");
	while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80)
		len--;
	fmt_n(out, size, "%.*s...", (int)len, text);
}

void container_command(const struct container *c, struct buf *out)
{
	const struct str_list *lists[] = {&c->process.entrypoint, &c->process.command};
	size_t count = 0;
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		for (size_t j = 0; j < lists[i]->count; j++, count++) {
			const char *word = lists[i]->items[j];
			const char *quote = count > 0 && strchr(word, ' ') ? "'" : "";
			buf_addf(out, "%s%s%s%s", count > 0 ? " " : "", quote, word, quote);
		}
	}
}

/* The row of a container at its creation. */
static void summary_fill(const struct container *c, struct summary *out)
{
	*out = (struct summary){
		.state = CONTAINER_CREATED,
		.created_ns = c->created_ns,
		.flags = (c->is_auto_remove ? SUMMARY_AUTO_REMOVE : 0) |
			(c->process.has_tty ? SUMMARY_TTY : 0) |
			(c->is_detached ? SUMMARY_DETACHED : 0),
	};
	auto_buf struct buf command = BUF_INIT;
	container_command(c, &command);
	summary_text(out->command, sizeof(out->command), command.data);
	summary_text(out->name, sizeof(out->name), c->name);
	summary_text(out->image, sizeof(out->image), c->image ? c->image : c->rootfs);
}

int summary_make(const struct engine *e, const struct container *c)
{
	struct summary row;
	summary_fill(c, &row);
	return summary_store(e, c->id, &row);
}

/* Returns 1; 0 for a row that is damaged, longer, or of another version. Allocates nothing: ps
 * reads thousands of rows. */
static int row_read(const struct engine *e, const char *path, struct summary *out)
{
	struct {
		struct summary row;
		char more;
	} place;
	auto_close int fd = sys_open_at(e->root_fd, path, O_RDONLY | O_NOFOLLOW | O_NOCTTY, 0);
	ssize_t n = fd < 0 ? fd : sys_read(fd, &place, sizeof(place));
	if (n < 0)
		return (int)n;
	*out = place.row;
	return n == sizeof(*out) && out->magic == SUMMARY_MAGIC &&
		out->version == SUMMARY_VERSION && out->state < CONTAINER_BROKEN;
}

static void rebuild(struct engine *e, const char *id, struct summary *out)
{
	auto_arena struct arena a = ARENA_INIT;
	struct container c;
	*out = (struct summary){.state = CONTAINER_BROKEN};
	if (container_load(e, id, &a, &c) < 0)
		return;
	summary_fill(&c, out);
	out->state = CONTAINER_RUNNING;
	out->exit_code = -1;
}

int summary_read(struct engine *e, const char *id, struct summary *out)
{
	char path[sizeof("containers//summary") + CONTAINER_ID_LEN];
	/* Not through the directory: for a thousand containers ps would open two thousand files. */
	int r = fmt(path, "containers/%s/summary", id);
	if (r >= 0)
		r = row_read(e, path, out);
	if (r == -ENOTDIR) /* what has an id for a name is no directory */
		return -ENOENT;
	if (r == -ENOENT) {
		auto_close int dir = container_dir_open(e, id);
		if (dir < 0)
			return dir;
		*out = (struct summary){.state = CONTAINER_BROKEN};
	} else if (r == 0 || r == -ELOOP || r == -EISDIR) { /* damaged, or not a file */
		rebuild(e, id, out);
	} else if (r < 0) {
		return r;
	}
	out->boot_id[sizeof(out->boot_id) - 1] = '\0';
	out->address[sizeof(out->address) - 1] = '\0';
	out->name[sizeof(out->name) - 1] = '\0';
	out->image[sizeof(out->image) - 1] = '\0';
	out->command[sizeof(out->command) - 1] = '\0';
	out->ports[sizeof(out->ports) - 1] = '\0';
	return 0;
}
