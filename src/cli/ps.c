/* SPDX-License-Identifier: Apache-2.0 */
/* `husk ps`: the list of containers, as a table or by a template. ps_filter.c chooses the
 * containers. */
#include "cli/internal.h"
#include "base/err.h"
#include "base/log.h"
#include "base/str.h"
#include "cli/ps.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

struct ps_args {
	struct cli_list_args list;
	bool shows_all, is_latest;
	int64_t last;
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
	CLI_LIST_WHOLE(struct ps_args, list),
	CLI_LIST_QUIET(struct ps_args, list, "ids only"),
	CLI_LIST_FORMAT(struct ps_args, list),
	OPT_END,
};

enum { COMMAND_WIDTH = 20 };

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
		if (s->finished_ns == 0) /* its end has not been collected yet */
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

/* Adds the text, or its first 19 characters and an ellipsis. */
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

/* Adds the text in quotes, with quotes, backslashes and control characters in it escaped. */
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

enum {
	COMMAND,
	CREATED_AT,
	ID,
	IMAGE,
	LABELS,
	NAMES,
	NETWORKS,
	PORTS,
	RUNNING_FOR,
	SIZE,
	STATE,
	STATUS
};
static const struct cli_column columns[] = {
	[COMMAND] = {"Command", "COMMAND", 3},
	[CREATED_AT] = {"CreatedAt", "CREATED AT", 0},
	[ID] = {"ID", "CONTAINER ID", 1},
	[IMAGE] = {"Image", "IMAGE", 2},
	[LABELS] = {"Labels", "LABELS", 0},
	[NAMES] = {"Names", "NAMES", 7},
	[NETWORKS] = {"Networks", "NETWORKS", 0},
	[PORTS] = {"Ports", "PORTS", 6},
	[RUNNING_FOR] = {"RunningFor", "CREATED", 4},
	[SIZE] = {"Size", "SIZE", 0},
	[STATE] = {"State", "STATE", 0},
	[STATUS] = {"Status", "STATUS", 5},
};

/* Only the record has labels and networks, and the full text of what the summary has cut. The full
 * text is needed for --no-trunc, and for letters of several bytes. */
static bool needs_record(const struct summary *s, uint64_t wanted, bool is_whole)
{
	uint64_t of_record = UINT64_C(1) << LABELS | UINT64_C(1) << NETWORKS;
	return wanted & of_record ||
		(wanted & UINT64_C(1) << COMMAND &&
			(is_cut(s->command) || (is_whole && is_cut(s->image))));
}

static void record_fill(
	const struct container *c, bool is_whole, struct buf *command, struct buf *cells)
{
	buf_clear(command);
	container_command(c, command);
	if (is_whole && c->image) {
		buf_clear(&cells[IMAGE]);
		buf_adds(&cells[IMAGE], c->image);
	}
	for (size_t i = 0; i < c->labels.count; i++)
		buf_addf(&cells[LABELS], "%s%s", i > 0 ? "," : "", c->labels.items[i]);
	buf_adds(&cells[NETWORKS], c->network);
}

struct ps_context {
	struct engine *e;
	const struct ps_row *rows;
	bool is_whole;
};

static int row_fill(void *context, size_t row, uint64_t wanted, struct buf *cells)
{
	const struct ps_context *ps = context;
	const struct summary *s = &ps->rows[row].summary;
	auto_arena struct arena a = ARENA_INIT;
	auto_buf struct buf command = BUF_INIT, shown = BUF_INIT;
	buf_addf(&cells[ID], "%.*s", ps->is_whole ? CONTAINER_ID_LEN : CONTAINER_ID_SHORT,
		ps->rows[row].id);
	if (wanted == UINT64_C(1) << ID)
		return 0;
	struct container c;
	buf_adds(&command, s->command);
	buf_adds(&cells[IMAGE], s->image);
	if (needs_record(s, wanted, ps->is_whole)) {
		int r = container_load(ps->e, ps->rows[row].id, &a, &c);
		if (r == 0)
			record_fill(&c, ps->is_whole, &command, cells);
		else if (wanted == UINT64_MAX)
			return r;
	}
	char ago[32], created[32];
	time_t seconds = (time_t)(s->created_ns / 1000000000u);
	struct tm tm;
	gmtime_r(&seconds, &tm);
	strftime(created, sizeof(created), "%Y-%m-%d %H:%M:%S +0000 UTC", &tm);
	format_ago(ago, seconds_since(s->created_ns));
	if (ps->is_whole)
		buf_adds(&shown, command.data);
	else
		add_shortened(command.data, &shown);
	add_quoted(shown.data, &cells[COMMAND]);
	buf_adds(&cells[CREATED_AT], created);
	buf_adds(&cells[NAMES], s->name);
	buf_adds(&cells[PORTS], s->ports);
	buf_addf(&cells[RUNNING_FOR], "%s ago", ago);
	buf_adds(&cells[STATE], container_state_words[s->state]);
	status_text(s, &cells[STATUS]);
	return 0;
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

/* Loads all containers that the filters let through, the newest first. */
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
		r = container_summary(e, list.ids[i], &row->summary);
		if (r < 0 && r != -ENOENT)
			log_warn("%s", err_text());
		if (r < 0)
			continue; /* removed meanwhile */
		if (container_settle(e, list.ids[i], &row->summary) < 0)
			log_warn("%s", err_text());
		if (row->summary.flags & SUMMARY_UNCOLLECTED &&
			container_summary(e, list.ids[i], &row->summary) < 0)
			continue; /* it was to be removed at its end */
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
	struct ps_context ps = {&e, rows.items, args->list.is_whole};
	const struct cli_list list = {
		columns, sizeof(columns) / sizeof(columns[0]), ID, rows.count, row_fill, &ps};
	return cli_list_print(&list, &args->list);
}

const struct command cmd_ps = {
	.name = "ps",
	.summary = "list containers",
	.opts = ps_opts,
	.args_size = sizeof(struct ps_args),
	.run = ps_main,
};
