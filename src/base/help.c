/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Texts made from the tables: the help of a command, and the list of all commands for check-man.
 */
#include "base/internal.h"
#include "base/str.h"

#include <string.h>

static void walk_below(
	const struct command *c, struct buf *path, const struct command_visitor *visitor)
{
	size_t len = path->len;
	buf_addf(path, "%s%s", len ? " " : "", c->name);
	visitor->visit(c, path->data, visitor->arg);
	command_each(sub, c) if (!((*sub)->flags & COMMAND_HIDDEN)) walk_below(*sub, path, visitor);
	path->len = len;
	path->data[len] = '\0';
}

void command_walk(const struct command *c, const struct command_visitor *visitor)
{
	auto_buf struct buf path = BUF_INIT;
	walk_below(c, &path, visitor);
}

const struct opt *opt_shown_next(const struct command *c, const struct opt *before)
{
	if (before == &opt_help_row)
		return NULL;
	opt_each(row, before ? before + 1 : c->opts) if (row->kind != OPT_KIND_HIDDEN) return row;
	return opt_long_find(c->opts, opt_help_row.long_name) ? NULL : &opt_help_row;
}

char opt_shown_letter(const struct command *c, const struct opt *row)
{
	bool is_taken = row == &opt_help_row && opt_short_find(c->opts, row->short_name);
	return is_taken ? '\0' : row->short_name;
}

/* "  -m, --memory SIZE" */
static void add_option_name(struct buf *out, const struct command *c, const struct opt *row)
{
	char letter = opt_shown_letter(c, row);
	const char *value = row->value_name ? row->value_name : "VALUE";
	if (letter != '\0')
		buf_addf(out, "  -%c", letter);
	else
		buf_adds(out, "    ");
	if (row->long_name)
		buf_addf(out, "%s --%s", letter != '\0' ? "," : " ", row->long_name);
	if (row->kind == OPT_KIND_OPTIONAL)
		buf_addf(out, "[=%s]", value);
	else if (opt_needs_value(row))
		buf_addf(out, " %s", value);
}

enum { COLUMN_MIN = 12, COLUMN_MAX = 34 };

/* Adds `text` in the second column of a line that begins at `start`. If the first part is too long,
 * the text goes on the next line. */
static void add_column(struct buf *out, size_t start, size_t column, const char *text)
{
	size_t used = out->len - start;
	if (used + 2 > column) {
		buf_addc(out, '\n');
		used = 0;
	}
	buf_addf(out, "%*s%s\n", (int)(column - used), "", text ? text : "");
}

static size_t column_for(size_t longest)
{
	size_t column = longest + 3;
	return column > COLUMN_MAX ? COLUMN_MAX : column < COLUMN_MIN ? COLUMN_MIN : column;
}

static void add_options(struct buf *out, const struct command *c)
{
	auto_buf struct buf name = BUF_INIT;
	size_t longest = 0;
	opt_each_shown(row, c)
	{
		buf_clear(&name);
		add_option_name(&name, c, row);
		if (name.len > longest && name.len + 3 <= COLUMN_MAX)
			longest = name.len;
	}
	buf_adds(out, "\nOptions:\n");
	opt_each_shown(row, c)
	{
		size_t start = out->len;
		add_option_name(out, c, row);
		add_column(out, start, column_for(longest), row->help);
	}
}

static void add_commands(struct buf *out, const struct command *group)
{
	size_t longest = 0;
	command_each(c, group) if (strlen((*c)->name) > longest && !((*c)->flags & COMMAND_HIDDEN))
		longest = strlen((*c)->name);
	buf_adds(out, "\nCommands:\n");
	command_each(c, group)
	{
		if ((*c)->flags & COMMAND_HIDDEN)
			continue;
		size_t start = out->len;
		buf_addf(out, "  %s", (*c)->name);
		add_column(out, start, column_for(longest + 2), (*c)->summary);
	}
}

void command_help(const struct command *c, const char *path, struct buf *out)
{
	buf_addf(out, "Usage: %s [OPTIONS]", path);
	if (c->sub)
		buf_adds(out, " COMMAND");
	else if (c->synopsis)
		buf_addf(out, " %s", c->synopsis);
	buf_addc(out, '\n');
	if (c->summary && c->summary[0] != '\0') {
		char first = c->summary[0];
		if (first >= 'a' && first <= 'z')
			first = (char)(first - 'a' + 'A');
		buf_addf(out, "\n%c%s\n", first, c->summary + 1);
	}
	if (c->alias)
		buf_addf(out, "\nAlso called: %s\n", c->alias);
	if (c->sub)
		add_commands(out, c);
	add_options(out, c);
	if (c->sub)
		buf_addf(out, "\nMore about a command: %s COMMAND --help\n", path);
}

static void list_command(const struct command *c, const char *path, void *arg)
{
	struct buf *out = arg;
	buf_addf(out, "%s\t\t%s\t%s\t\n", path, c->synopsis ? c->synopsis : "",
		c->summary ? c->summary : "");
	opt_each_shown(row, c)
	{
		char letter = opt_shown_letter(c, row);
		buf_addf(out, "%s\t%s%s\t", path, row->long_name ? "--" : "",
			row->long_name ? row->long_name : "");
		if (row->kind == OPT_KIND_OPTIONAL)
			buf_addf(out, "[%s]", row->value_name ? row->value_name : "VALUE");
		else if (opt_needs_value(row))
			buf_adds(out, row->value_name ? row->value_name : "VALUE");
		buf_addf(out, "\t%s\t", row->help ? row->help : "");
		if (letter != '\0')
			buf_addf(out, "-%c", letter);
		buf_addc(out, '\n');
	}
}

void command_list(const struct command *root, struct buf *out)
{
	command_walk(root, &(struct command_visitor){.visit = list_command, .arg = out});
}
