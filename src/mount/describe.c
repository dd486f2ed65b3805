/* SPDX-License-Identifier: Apache-2.0 */
/* The sentence of each row, for --plan, for errors and for golden tests. It depends on the row
 * alone, not on the machine. */
#include "mount/mount.h"

#include <linux/mount.h>
#include <sys/mount.h>

/* " (ro,nosuid,size=64m)", or nothing. */
static void add_options(const struct flat *plan, const struct mount_row *row, struct buf *out)
{
	auto_buf struct buf words = BUF_INIT;
	mount_attr_words(row->attr_set, &words);
	if (row->attr_set_recursive & MOUNT_ATTR_RDONLY)
		buf_addf(&words, "%srro", words.len ? "," : "");
	if (row->flags & MOUNT_COPY_UP)
		buf_addf(&words, "%stmpcopyup", words.len ? "," : "");
	if (row->flags & MOUNT_IDMAP)
		buf_addf(&words, "%s%s", words.len ? "," : "",
			row->flags & MOUNT_IDMAP_RECURSIVE ? "ridmap" : "idmap");
	const char *data = flat_str(plan, row->data);
	if (data && data[0] != '\0')
		buf_addf(&words, "%s%s", words.len ? "," : "", data);
	const char *label = flat_str(plan, row->label);
	if (label)
		buf_addf(&words, "%scontext=%s", words.len ? "," : "", label);
	if (words.len)
		buf_addf(out, " (%s)", words.data);
}

void mount_row_describe(const struct flat *plan, const struct mount_row *row, struct buf *out)
{
	const char *target = flat_str(plan, row->target);
	const char *source = flat_str(plan, row->source);

	if (row->kind == MOUNT_KIND_REMOUNT)
		buf_addf(out, "remount %s", target);
	else if (row->fstype)
		buf_addf(out, "mount %s on %s", flat_str(plan, row->fstype), target);
	else
		buf_addf(out, "bind %s%s on %s", source ? source : "a file of husk",
			row->kind == MOUNT_KIND_INNER ? " of the root" : "", target);
	add_options(plan, row, out);
}

void mount_node_describe(const struct flat *plan, const struct mount_node_row *row, struct buf *out)
{
	const char *path = flat_str(plan, row->path);

	switch ((enum mount_node_kind)row->kind) {
	case MOUNT_NODE_LINK:
		buf_addf(out, "link %s to %s", path, flat_str(plan, row->target));
		break;
	case MOUNT_NODE_FIFO:
		buf_addf(out, "make fifo %s mode %04o", path, row->mode);
		break;
	case MOUNT_NODE_CHAR:
	case MOUNT_NODE_BLOCK:
		buf_addf(out, "make device %s %c %u:%u mode %04o", path,
			row->kind == MOUNT_NODE_CHAR ? 'c' : 'b', row->major, row->minor,
			row->mode);
		break;
	}
}

void mount_guard_describe(
	const struct flat *plan, const struct mount_guard_row *row, struct buf *out)
{
	buf_addf(out, "%s %s", row->kind == MOUNT_GUARD_MASK ? "hide" : "make read-only",
		flat_str(plan, row->path));
}
