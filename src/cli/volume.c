/* SPDX-License-Identifier: Apache-2.0 */
/* `husk volume ls | rm`. */
#include "base/err.h"
#include "base/json.h"
#include "base/str.h"
#include "cli/internal.h"

struct ls_args {
	bool is_quiet;
	const char *format;
};

static const struct opt ls_opts[] = {
	OPT_STRING(0, "format", struct ls_args, format, "TEMPLATE",
		"print by a Go template, \"table TEMPLATE\" or \"json\""),
	OPT_FLAG('q', "quiet", struct ls_args, is_quiet, "names only"),
	OPT_END,
};

static int ls_print(const char *text, const struct volume_list *list)
{
	static const char *const heads[][2] = {{"Driver", "DRIVER"}, {"Mountpoint", "MOUNTPOINT"},
		{"Name", "VOLUME NAME"}, {"Scope", "SCOPE"}, {NULL}};
	auto_of(cli_format) struct cli_format format = {.lines = BUF_INIT};
	int r = cli_format_open(&format, text, heads);
	for (size_t i = 0; i < list->count && r == 0; i++) {
		auto_buf struct buf row = BUF_INIT;
		struct json_writer w = {.out = &row};
		json_open_object(&w, NULL);
		json_put_string(&w, "Driver", "local");
		json_put_string(&w, "Mountpoint", list->items[i].mountpoint);
		json_put_string(&w, "Name", list->items[i].name);
		json_put_string(&w, "Scope", "local");
		json_close_object(&w);
		r = cli_format_add(&format, &row);
	}
	if (r == 0)
		cli_format_print(&format, stdout);
	return r;
}

static int ls_main(void *context, void *raw, int argc, char **argv)
{
	const struct ls_args *args = raw;
	auto_of(engine) struct engine e;
	auto_arena struct arena a = ARENA_INIT;
	struct volume_list list;
	int r = cli_engine_open(context, &e);
	if (r == 0)
		r = volume_list(&e, &a, &list);
	if (r < 0)
		return r;
	for (size_t i = 0; i < list.count && args->is_quiet; i++)
		printf("%s\n", list.items[i].name);
	if (args->is_quiet)
		return 0;
	bool is_usual = cli_format_is_usual(args->format);
	return ls_print(is_usual ? "table {{.Driver}}\t{{.Name}}" : args->format, &list);
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

static int rm_main(void *context, void *raw, int argc, char **argv)
{
	auto_of(engine) struct engine e;
	int r = cli_engine_open(context, &e), worst = 0;
	for (int i = 0; i < argc && r == 0; i++) {
		if (volume_remove(&e, argv[i]) == 0) {
			printf("%s\n", argv[i]);
			continue;
		}
		cli_print_error();
		worst = 1;
	}
	return r < 0 ? r : worst;
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

/* Docker's that people will try. */
static const char *const planned[] = {"create", "inspect", "prune", NULL};

const struct command cmd_volume = {
	.name = "volume",
	.summary = "manage volumes",
	.opts = no_opts,
	.sub = volume_commands,
	.planned = planned,
};
