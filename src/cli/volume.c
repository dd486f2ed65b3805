/* SPDX-License-Identifier: Apache-2.0 */
/* `husk volume ls | rm`. */
#include "cli/internal.h"

struct ls_args {
	struct cli_list_args list;
};

static const struct opt ls_opts[] = {
	CLI_LIST_FORMAT(struct ls_args, list),
	CLI_LIST_QUIET(struct ls_args, list, "names only"),
	OPT_END,
};

enum { DRIVER, MOUNTPOINT, NAME, SCOPE };
static const struct cli_column columns[] = {
	[DRIVER] = {"Driver", "DRIVER", 1},
	[MOUNTPOINT] = {"Mountpoint", "MOUNTPOINT", 0},
	[NAME] = {"Name", "VOLUME NAME", 2},
	[SCOPE] = {"Scope", "SCOPE", 0},
};

static int row_fill(void *context, size_t row, uint64_t wanted, struct buf *cells)
{
	const struct volume_view *volume = &((const struct volume_list *)context)->items[row];
	buf_adds(&cells[DRIVER], "local");
	buf_adds(&cells[MOUNTPOINT], volume->mountpoint);
	buf_adds(&cells[NAME], volume->name);
	buf_adds(&cells[SCOPE], "local");
	return 0;
}

static int ls_main(void *context, void *raw, int argc, char **argv)
{
	const struct ls_args *args = raw;
	auto_of(engine) struct engine e;
	auto_arena struct arena a = ARENA_INIT;
	struct volume_list volumes;
	int r = cli_engine_open(context, &e);
	if (r == 0)
		r = volume_list(&e, &a, &volumes);
	const struct cli_list list = {columns, sizeof(columns) / sizeof(columns[0]), NAME,
		r < 0 ? 0 : volumes.count, row_fill, &volumes};
	return r < 0 ? r : cli_list_print(&list, &args->list);
}

static const struct command cmd_ls = {
	.name = "ls",
	.alias = "list",
	.summary = "list volumes",
	.opts = ls_opts,
	.args_size = sizeof(struct ls_args),
	.run = ls_main,
};

static const struct opt no_opts[] = {OPT_END};

static int rm_one(struct engine *e, const char *word, void *data)
{
	int r = volume_remove(e, word);
	return r < 0 ? r : CLI_SAY_WORD;
}

static int rm_main(void *context, void *raw, int argc, char **argv)
{
	return cli_each(context, argc, argv, rm_one, NULL);
}

static const struct command cmd_rm_volume = {
	.name = "rm",
	.synopsis = "VOLUME...",
	.summary = "remove volumes",
	.flags = COMMAND_OPTIONS_MIXED,
	.min_args = 1,
	.opts = no_opts,
	.run = rm_main,
};

static const struct command *const volume_commands[] = {&cmd_ls, &cmd_rm_volume, NULL};

/* Commands of Docker that users may try. */
static const char *const planned[] = {"create", "inspect", "prune", NULL};

const struct command cmd_volume = {
	.name = "volume",
	.summary = "manage volumes",
	.opts = no_opts,
	.sub = volume_commands,
	.planned = planned,
};
