/* SPDX-License-Identifier: Apache-2.0 */
/* All lists of husk: the usual table, -q, and every kind of --format, from the same rows and
 * cells. */
#include "cli/internal.h"
#include "base/json.h"
#include "base/err.h"
#include "base/str.h"

enum { COLUMNS_MAX = 16 };

struct cells {
	struct buf items[COLUMNS_MAX];
};

static void cells_release(struct cells *c)
{
	for (size_t i = 0; i < COLUMNS_MAX; i++)
		buf_release(&c->items[i]);
}
AUTO_STRUCT(cells, struct cells, cells_release)

static int row_fill(const struct cli_list *l, size_t row, uint64_t wanted, struct cells *out)
{
	for (size_t i = 0; i < COLUMNS_MAX; i++)
		out->items[i] = (struct buf)BUF_INIT;
	return l->fill(l->context, row, wanted, out->items);
}

static int print_quiet(const struct cli_list *l)
{
	for (size_t row = 0; row < l->row_count; row++) {
		auto_of(cells) struct cells cells;
		if (row_fill(l, row, UINT64_C(1) << l->quiet, &cells) == 0)
			printf("%s\n", cells.items[l->quiet].data);
	}
	return 0;
}

/* The columns of the usual table in their order; returns how many there are. */
static size_t usual_columns(const struct cli_list *l, size_t out[static COLUMNS_MAX])
{
	size_t count = 0;
	for (unsigned place = 1; place <= COLUMNS_MAX; place++)
		for (size_t i = 0; i < l->column_count; i++)
			if (l->columns[i].place == place)
				out[count++] = i;
	return count;
}

static int print_table(const struct cli_list *l)
{
	auto_of(table) struct table table = {0};
	size_t shown[COLUMNS_MAX], count = usual_columns(l, shown);
	uint64_t wanted = 0;
	for (size_t i = 0; i < count; i++) {
		table_head(&table, l->columns[shown[i]].head);
		wanted |= UINT64_C(1) << shown[i];
	}
	for (size_t row = 0; row < l->row_count; row++) {
		auto_of(cells) struct cells cells;
		if (row_fill(l, row, wanted, &cells) < 0)
			continue;
		for (size_t i = 0; i < count; i++)
			table_add(&table, cells.items[shown[i]].data);
	}
	table_print(&table, stdout);
	return 0;
}

static int print_format(const struct cli_list *l, const char *text)
{
	const char *heads[COLUMNS_MAX + 1][2] = {{NULL}};
	auto_of(cli_format) struct cli_format format = {.lines = BUF_INIT};
	for (size_t i = 0; i < l->column_count; i++) {
		heads[i][0] = l->columns[i].key;
		heads[i][1] = l->columns[i].head;
	}
	int r = cli_format_open(&format, text, heads);
	for (size_t row = 0; row < l->row_count && r == 0; row++) {
		auto_of(cells) struct cells cells;
		auto_buf struct buf object = BUF_INIT;
		if (row_fill(l, row, UINT64_MAX, &cells) < 0)
			continue;
		struct json_writer w = {.out = &object};
		json_open_object(&w, NULL);
		for (size_t i = 0; i < l->column_count; i++)
			json_put_string(&w, l->columns[i].key, cells.items[i].data);
		json_close_object(&w);
		r = cli_format_add(&format, &object);
	}
	if (r == 0)
		cli_format_print(&format, stdout);
	return r;
}

int cli_list_print(const struct cli_list *l, const struct cli_list_args *args)
{
	if (l->column_count > COLUMNS_MAX)
		BUG("a list of %zu columns", l->column_count);
	if (args->is_quiet)
		return print_quiet(l);
	return cli_format_is_usual(args->format) ? print_table(l) : print_format(l, args->format);
}

int cli_each(void *context, int argc, char **argv,
	int (*action)(struct engine *e, const char *word, void *data), void *data)
{
	auto_of(engine) struct engine e;
	int r = cli_engine_open(context, &e), worst = 0;
	for (int i = 0; i < argc && r == 0; i++) {
		int said = action(&e, argv[i], data);
		if (said < 0)
			cli_print_error();
		else if (said == CLI_SAY_WORD)
			printf("%s\n", argv[i]);
		worst |= said < 0;
	}
	return r < 0 ? r : worst;
}
