/* SPDX-License-Identifier: Apache-2.0 */
/* Tables on standard output. Cells come from images and users, so characters that could control a
 * terminal are escaped. */
#include "base/table.h"

#include <string.h>

enum { COLUMNS_MAX = 16 };

void table_head(struct table *t, const char *head)
{
	strvec_push(&t->cells, head);
	t->columns++;
}

void table_heads(struct table *t, const char *const *heads)
{
	for (; *heads; heads++)
		table_head(t, *heads);
}

void table_add(struct table *t, const char *text)
{
	auto_buf struct buf cell = BUF_INIT;
	buf_add_escaped(&cell, text);
	strvec_push_take(&t->cells, buf_take(&cell));
}

void table_addf(struct table *t, const char *format, ...)
{
	auto_buf struct buf text = BUF_INIT;
	va_list args;
	va_start(args, format);
	buf_vaddf(&text, format, args);
	va_end(args);
	table_add(t, text.data);
}

size_t table_text_width(const char *s)
{
	size_t width = 0;
	for (; *s != '\0'; s++)
		width += ((unsigned char)*s & 0xc0) != 0x80;
	return width;
}

size_t table_column_width(size_t widest)
{
	enum { GAP = 3, LEAST = 10 };
	return widest + GAP < LEAST ? LEAST : widest + GAP;
}

static void add_blanks(struct buf *out, size_t count)
{
	memset(buf_reserve(out, count), ' ', count);
	buf_grew(out, count);
}

void table_print(const struct table *t, FILE *out)
{
	size_t widths[COLUMNS_MAX] = {0};
	for (size_t i = 0; i < t->cells.count; i++) {
		size_t width = table_text_width(t->cells.items[i]);
		if (width > widths[i % t->columns])
			widths[i % t->columns] = width;
	}
	auto_buf struct buf text = BUF_INIT; /* printed with one write */
	for (size_t i = 0; i < t->cells.count; i++) {
		size_t column = i % t->columns;
		size_t width = table_text_width(t->cells.items[i]);
		buf_adds(&text, t->cells.items[i]);
		if (column + 1 == t->columns)
			buf_addc(&text, '\n');
		else
			add_blanks(&text, table_column_width(widths[column]) - width);
	}
	fwrite(text.data, 1, text.len, out);
}

void table_release(struct table *t)
{
	strvec_release(&t->cells);
	t->columns = 0;
}
