/* SPDX-License-Identifier: Apache-2.0 */
/* Lists by --format: a template for each row, "table" with a head and aligned columns, or "json"
 * with rows as they are. */
#include "cli/internal.h"
#include "base/str.h"
#include "sys/term.h"

#include <errno.h>
#include <unistd.h>

enum { COLUMNS_MAX = 64 };

/* Shells pass \t and \n on as two characters. */
static void add_unescaped(struct buf *out, const char *s)
{
	for (; *s != '\0'; s++) {
		bool is_escape = s[0] == '\\' && (s[1] == 't' || s[1] == 'n');
		buf_addc(out, !is_escape ? *s : s[1] == 't' ? '\t' : '\n');
		s += is_escape;
	}
}

/* The row of heads: each field has the head of its column. */
static void put_heads(const char *const heads[][2], struct buf *out)
{
	struct json_writer w = {.out = out};
	json_open_object(&w, NULL);
	for (size_t i = 0; heads[i][0]; i++)
		json_put_string(&w, heads[i][0], heads[i][1]);
	json_close_object(&w);
}

bool cli_format_is_usual(const char *format)
{
	return cli_format_is_none(format) || str_eq(format, "table");
}

int cli_format_open(struct cli_format *f, const char *format, const char *const heads[][2])
{
	auto_buf struct buf text = BUF_INIT, row = BUF_INIT;
	auto_of(json) struct json *document = NULL;
	const char *columns = str_after(format, "table ");
	f->is_table = columns != NULL;
	f->escape = columns || term_is(STDOUT_FILENO) ? TEMPLATE_CELLS : TEMPLATE_RAW;
	if (str_eq(format, "json"))
		return 0;
	add_unescaped(&text, columns ? columns + strspn(columns, " ") : format);
	int r = template_parse(text.data, &f->template);
	if (r < 0 || !columns)
		return r;
	put_heads(heads, &row);
	r = json_parse("heads", row.data, row.len, &document);
	if (r == 0)
		r = template_execute_heads(f->template, document, &f->lines);
	buf_addc(&f->lines, '\n');
	return r;
}

int cli_format_add(struct cli_format *f, const struct buf *row)
{
	auto_of(json) struct json *document = NULL;
	int r = 0;
	if (!f->template && f->escape == TEMPLATE_RAW)
		buf_add(&f->lines, row->data, row->len);
	else if (!f->template)
		buf_add_escaped(&f->lines, row->data);
	else
		r = json_parse("row", row->data, row->len, &document);
	if (r == 0 && f->template)
		r = template_execute(f->template, document, f->escape, &f->lines);
	buf_addc(&f->lines, '\n');
	return r;
}

/* Cells end at tabs. The last cell of a line is not padded. Called twice: first to measure, then to
 * print. */
static void each_cell(const struct cli_format *f, size_t *widths, bool is_measuring, FILE *out)
{
	auto_free char *copy = mem_strdup(f->lines.data);
	char *rest = copy;
	for (char *line = str_cut(&rest, '\n'); line && rest; line = str_cut(&rest, '\n')) {
		char *cells = line;
		size_t column = 0;
		for (char *raw = str_cut(&cells, '\t'); raw; raw = str_cut(&cells, '\t')) {
			auto_buf struct buf cell = BUF_INIT;
			buf_add_escaped(&cell, raw);
			size_t width = table_text_width(cell.data);
			size_t *widest = &widths[column < COLUMNS_MAX - 1 ? column++ : column];
			if (is_measuring && cells && width > *widest)
				*widest = width;
			if (!is_measuring)
				fprintf(out, "%s%*s", cell.data,
					cells && *widest >= width
						? (int)(table_column_width(*widest) - width)
						: 0,
					"");
		}
		if (!is_measuring)
			fputc('\n', out);
	}
}

void cli_format_print(const struct cli_format *f, FILE *out)
{
	size_t widths[COLUMNS_MAX] = {0};
	if (!f->is_table) {
		fputs(f->lines.data, out);
		return;
	}
	each_cell(f, widths, true, out);
	each_cell(f, widths, false, out);
}

void cli_format_release(struct cli_format *f)
{
	template_free(f->template);
	buf_release(&f->lines);
	f->template = NULL;
}
