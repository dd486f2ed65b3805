/* SPDX-License-Identifier: Apache-2.0 */
/* `husk ps`: the list of containers, as a table or by a template. Which of them is ps_filter.c. */
#include "cli/internal.h"
#include "base/err.h"
#include "base/json.h"
#include "base/log.h"
#include "base/str.h"
#include "cli/ps.h"

#include <stdlib.h>
#include <time.h>

struct ps_args {
	bool shows_all, is_quiet, is_whole, is_latest;
	int64_t last;
	const char *format;
	struct strvec filters;
};

static const struct opt ps_opts[] = {
	OPT_FLAG('a', "all", struct ps_args, shows_all, "also those that do not run"),
	OPT_LIST('f', "filter", struct ps_args, filters, "KEY=VALUE",
		"only those with this name, id, status, label or ancestor (an image)"),
	OPT_VALUE('n', "last", struct ps_args, last, "NUMBER", opt_parse_i64, "a number",
		"this many that were created last, in any state"),
	OPT_FLAG('l', "latest", struct ps_args, is_latest,
		"the one that was created last, in any state"),
	OPT_FLAG(0, "no-trunc", struct ps_args, is_whole, "do not shorten"),
	OPT_FLAG('q', "quiet", struct ps_args, is_quiet, "ids only"),
	OPT_STRING(0, "format", struct ps_args, format, "TEMPLATE",
		"print by a Go template, \"table TEMPLATE\" or \"json\""),
	OPT_END,
};

enum { COMMAND_WIDTH = 20 };

struct ps_words {
	struct buf command, image;
};

static void ps_words_release(struct ps_words *w)
{
	buf_release(&w->command);
	buf_release(&w->image);
}
AUTO_STRUCT(ps_words, struct ps_words, ps_words_release)

static int ps_row_newer_first(const void *a, const void *b)
{
	const struct ps_row *x = a, *y = b;
	return (x->summary.created_ns < y->summary.created_ns) -
		(x->summary.created_ns > y->summary.created_ns);
}

static uint64_t seconds_since(uint64_t ns)
{
	uint64_t now = clock_real_ns();
	return now > ns ? (now - ns) / 1000000000u : 0;
}

static void status_text(const struct summary *s, struct buf *out)
{
	char ago[32];
	switch ((enum container_state)s->state) {
	case CONTAINER_CREATED:
		buf_adds(out, "Created");
		break;
	case CONTAINER_RUNNING:
		format_ago(ago, seconds_since(s->started_ns));
		buf_addf(out, "Up %s", ago);
		break;
	case CONTAINER_EXITED:
		format_ago(ago, seconds_since(s->finished_ns));
		if (s->finished_ns == 0) /* nobody has collected it yet */
			buf_adds(out, "Exited (unknown)");
		else if (s->exit_code < 0)
			buf_addf(out, "Exited (unknown) %s ago", ago);
		else
			buf_addf(out, "Exited (%d) %s ago", s->exit_code, ago);
		break;
	case CONTAINER_PAUSED:
		format_ago(ago, seconds_since(s->started_ns));
		buf_addf(out, "Up %s (Paused)", ago);
		break;
	case CONTAINER_RESTARTING:
		format_ago(ago, seconds_since(s->finished_ns));
		buf_addf(out, "Restarting (%d) %s ago", s->exit_code, ago);
		break;
	case CONTAINER_REMOVING:
		buf_adds(out, "Removal In Progress");
		break;
	case CONTAINER_DEAD:
		buf_adds(out, "Dead");
		break;
	case CONTAINER_BROKEN:
		buf_adds(out, "Broken (husk rm removes it)");
		break;
	}
}

static bool is_cut(const char *text)
{
	return str_suffix(text, "...");
}

/* The text, or its first 19 characters and an ellipsis. */
static void add_shortened(const char *text, struct buf *out)
{
	size_t len = strlen(text), at = 0, short_at = 0, count = 0;
	for (; at < len && count <= COMMAND_WIDTH; count++) {
		uint32_t code;
		size_t size = str_utf8(text + at, len - at, &code);
		if (count == COMMAND_WIDTH - 1)
			short_at = at;
		at += size ? size : 1;
	}
	bool is_long = count > COMMAND_WIDTH;
	buf_add(out, text, is_long ? short_at : len);
	buf_adds(out, is_long ? "…" : "");
}

/* As a string of a program: in quotes, with those in it, backslashes and what drives a terminal escaped. */
static void add_quoted(const char *text, struct buf *out)
{
	auto_buf struct buf inner = BUF_INIT;
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			buf_addc(&inner, '\\');
		buf_addc(&inner, *text);
	}
	buf_addc(out, '"');
	buf_add_escaped(out, inner.data);
	buf_addc(out, '"');
}

/* What is cut in the row is whole in the record; --no-trunc wants it, and who has letters of several bytes. */
static void row_words(struct engine *e, const struct ps_args *args, const struct ps_row *row,
	struct ps_words *out)
{
	auto_arena struct arena a = ARENA_INIT;
	auto_buf struct buf command = BUF_INIT;
	struct container c;
	const struct summary *s = &row->summary;
	*out = (struct ps_words){BUF_INIT, BUF_INIT};
	bool needs_record = is_cut(s->command) || (args->is_whole && is_cut(s->image));
	if (needs_record && container_load(e, row->id, &a, &c) == 0) {
		container_command(&c, &command);
		buf_adds(&out->image,
			!args->is_whole	   ? s->image
				: c.image  ? c.image
				: c.rootfs ? c.rootfs
					   : s->image);
	} else {
		buf_adds(&command, s->command);
		buf_adds(&out->image, s->image);
	}
	auto_buf struct buf shown = BUF_INIT;
	if (args->is_whole)
		buf_adds(&shown, command.data);
	else
		add_shortened(command.data, &shown);
	add_quoted(shown.data, &out->command);
}

static void ps_print(
	struct engine *e, const struct ps_args *args, const struct ps_row *rows, size_t count)
{
	static const char *const heads[] = {
		"CONTAINER ID", "IMAGE", "COMMAND", "CREATED", "STATUS", "PORTS", "NAMES", NULL};
	auto_of(table) struct table table = {0};
	if (!args->is_quiet)
		table_heads(&table, heads);
	for (size_t i = 0; i < count; i++) {
		const struct summary *s = &rows[i].summary;
		const char *id = rows[i].id;
		if (args->is_quiet) {
			printf("%.*s\n", args->is_whole ? CONTAINER_ID_LEN : CONTAINER_ID_SHORT,
				id);
			continue;
		}
		auto_buf struct buf status = BUF_INIT;
		auto_of(ps_words) struct ps_words words;
		char ago[32];
		status_text(s, &status);
		format_ago(ago, seconds_since(s->created_ns));
		row_words(e, args, &rows[i], &words);
		table_addf(
			&table, "%.*s", args->is_whole ? CONTAINER_ID_LEN : CONTAINER_ID_SHORT, id);
		table_add(&table, words.image.data);
		table_add(&table, words.command.data);
		table_addf(&table, "%s ago", ago);
		table_add(&table, status.data);
		table_add(&table, s->ports);
		table_add(&table, s->name);
	}
	table_print(&table, stdout);
}

/* A row in Docker's words. What is not in the summary comes from the record. */
static int put_row(
	struct engine *e, const struct ps_args *args, const struct ps_row *row, struct buf *out)
{
	auto_arena struct arena a = ARENA_INIT;
	auto_buf struct buf status = BUF_INIT, labels = BUF_INIT;
	auto_of(ps_words) struct ps_words words = {BUF_INIT, BUF_INIT};
	const struct summary *s = &row->summary;
	struct container c;
	int r = container_load(e, row->id, &a, &c);
	if (r < 0)
		return r;
	char ago[32], created[32];
	time_t seconds = (time_t)(s->created_ns / 1000000000u);
	struct tm tm;
	gmtime_r(&seconds, &tm);
	strftime(created, sizeof(created), "%Y-%m-%d %H:%M:%S +0000 UTC", &tm);
	format_ago(ago, seconds_since(s->created_ns));
	status_text(s, &status);
	row_words(e, args, row, &words);
	for (size_t i = 0; i < c.labels.count; i++)
		buf_addf(&labels, "%s%s", i > 0 ? "," : "", c.labels.items[i]);
	struct json_writer w = {.out = out};
	json_open_object(&w, NULL);
	json_put_string(&w, "Command", words.command.data);
	json_put_string(&w, "CreatedAt", created);
	json_put_string(&w, "ID",
		arena_printf(&a, "%.*s", args->is_whole ? CONTAINER_ID_LEN : CONTAINER_ID_SHORT,
			row->id));
	json_put_string(&w, "Image", words.image.data);
	json_put_string(&w, "Labels", labels.data);
	json_put_string(&w, "Names", s->name);
	json_put_string(&w, "Networks", c.network);
	json_put_string(&w, "Ports", s->ports);
	json_put_string(&w, "RunningFor", arena_printf(&a, "%s ago", ago));
	json_put_string(&w, "Size", "");
	json_put_string(&w, "State", container_state_words[s->state]);
	json_put_string(&w, "Status", status.data);
	json_close_object(&w);
	return 0;
}

static int ps_print_format(
	struct engine *e, const struct ps_args *args, const struct ps_row *rows, size_t count)
{
	static const char *const heads[][2] = {{"Command", "COMMAND"}, {"CreatedAt", "CREATED AT"},
		{"ID", "CONTAINER ID"}, {"Image", "IMAGE"}, {"Labels", "LABELS"},
		{"Names", "NAMES"}, {"Networks", "NETWORKS"}, {"Ports", "PORTS"},
		{"RunningFor", "CREATED"}, {"Size", "SIZE"}, {"State", "STATE"},
		{"Status", "STATUS"}, {NULL}};
	auto_of(cli_format) struct cli_format format = {.lines = BUF_INIT};
	int r = cli_format_open(&format, args->format, heads);
	for (size_t i = 0; i < count && r == 0; i++) {
		auto_buf struct buf row = BUF_INIT;
		if (put_row(e, args, &rows[i], &row) < 0)
			continue; /* removed meanwhile */
		r = cli_format_add(&format, &row);
	}
	if (r == 0)
		cli_format_print(&format, stdout);
	return r;
}

struct ps_rows {
	struct ps_row *items;
	size_t count;
};

static void ps_rows_release(struct ps_rows *rows)
{
	free(rows->items);
}
AUTO_STRUCT(ps_rows, struct ps_rows, ps_rows_release)

/* All that the filters let through, the newest first. */
static int rows_load(struct engine *e, const struct ps_args *args, const struct ps_filter *filter,
	struct ps_rows *out)
{
	auto_of(container_list) struct container_list list = {0};
	int r = container_list(e, &list);
	if (r < 0)
		return r;
	out->items = mem_new(list.count * sizeof(*out->items));
	bool has_any_state = args->shows_all || args->is_latest || args->last > 0 ||
		filter->has_status;
	for (size_t i = 0; i < list.count; i++) {
		struct ps_row *row = &out->items[out->count];
		if (container_summary(e, list.ids[i], &row->summary) < 0)
			continue; /* removed meanwhile */
		if (container_settle(e, list.ids[i], &row->summary) < 0)
			log_warn("%s", err_text());
		if (row->summary.flags & SUMMARY_UNCOLLECTED &&
			container_summary(e, list.ids[i], &row->summary) < 0)
			continue; /* it was to be removed when it ends */
		memcpy(row->id, list.ids[i], sizeof(row->id));
		out->count += (has_any_state || row->summary.state == CONTAINER_RUNNING) &&
			ps_filter_passes(filter, e, row);
	}
	qsort(out->items, out->count, sizeof(*out->items), ps_row_newer_first);
	uint64_t most = args->is_latest ? 1 : args->last > 0 ? (uint64_t)args->last : UINT64_MAX;
	if (out->count > most)
		out->count = (size_t)most;
	return 0;
}

static int ps_main(void *context, void *raw, int argc, char **argv)
{
	const struct ps_args *args = raw;
	auto_of(ps_filter) struct ps_filter filter = {0};
	auto_of(engine) struct engine e;
	auto_of(ps_rows) struct ps_rows rows = {0};
	int r = cli_engine_open(context, &e);
	if (r == 0)
		r = ps_filter_open(&filter, &e, &args->filters);
	if (r == 0)
		r = rows_load(&e, args, &filter, &rows);
	if (r < 0)
		return r;
	if (!args->is_quiet && !cli_format_is_usual(args->format))
		return ps_print_format(&e, args, rows.items, rows.count);
	ps_print(&e, args, rows.items, rows.count);
	return 0;
}

const struct command cmd_ps = {
	.name = "ps",
	.summary = "list containers",
	.opts = ps_opts,
	.args_size = sizeof(struct ps_args),
	.run = ps_main,
};
