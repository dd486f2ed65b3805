/* SPDX-License-Identifier: Apache-2.0 */
/* `husk network create | ls | inspect | rm`. */
#include "cli/internal.h"
#include "base/err.h"
#include "base/json.h"
#include "base/str.h"

struct create_args {
	const char *driver, *subnet, *gateway;
	bool is_internal;
};

static const struct opt create_opts[] = {
	OPT_STRING('d', "driver", struct create_args, driver, "DRIVER",
		"kind of network (default bridge)"),
	OPT_STRING(0, "gateway", struct create_args, gateway, "ADDRESS",
		"address of the bridge (default the first)"),
	OPT_FLAG(0, "internal", struct create_args, is_internal, "no way out of this network"),
	OPT_STRING(0, "subnet", struct create_args, subnet, "NETWORK",
		"addresses, such as 10.77.0.0/24 (default a free one)"),
	OPT_END,
};

static int create_main(void *context, void *raw, int argc, char **argv)
{
	const struct create_args *args = raw;
	auto_of(engine) struct engine e;
	auto_arena struct arena a = ARENA_INIT;
	struct network_request request = {
		argv[0], args->driver, args->subnet, args->gateway, args->is_internal};
	const char *id = NULL;
	int r = cli_engine_open(context, &e);
	if (r == 0)
		r = network_create(&e, &request, &a, &id);
	if (r == 0)
		printf("%s\n", id);
	return r;
}

static const struct command cmd_create = {
	.name = "create",
	.synopsis = "NETWORK",
	.summary = "make a network",
	.flags = COMMAND_OPTIONS_MIXED,
	.min_args = 1,
	.max_args = 1,
	.opts = create_opts,
	.args_size = sizeof(struct create_args),
	.run = create_main,
};

struct ls_args {
	bool is_quiet;
	const char *format;
};

static const struct opt ls_opts[] = {
	OPT_STRING(0, "format", struct ls_args, format, "TEMPLATE",
		"print by a Go template, \"table TEMPLATE\" or \"json\""),
	OPT_FLAG('q', "quiet", struct ls_args, is_quiet, "ids only"),
	OPT_END,
};

static void ls_print(const struct network_list *list)
{
	static const char *const heads[] = {"NETWORK ID", "NAME", "DRIVER", "SCOPE", NULL};
	auto_of(table) struct table table = {0};
	table_heads(&table, heads);
	for (size_t i = 0; i < list->count; i++) {
		const struct network_view *n = &list->items[i];
		table_addf(&table, "%.12s", n->id);
		table_add(&table, n->name);
		table_add(&table, n->driver);
		table_add(&table, "local");
	}
	table_print(&table, stdout);
}

static int ls_print_format(const char *text, struct arena *a, const struct network_list *list)
{
	static const char *const heads[][2] = {{"Driver", "DRIVER"}, {"Gateway", "GATEWAY"},
		{"ID", "NETWORK ID"}, {"Name", "NAME"}, {"Scope", "SCOPE"}, {"Subnet", "SUBNET"},
		{NULL}};
	auto_of(cli_format) struct cli_format format = {.lines = BUF_INIT};
	int r = cli_format_open(&format, text, heads);
	for (size_t i = 0; i < list->count && r == 0; i++) {
		const struct network_view *n = &list->items[i];
		auto_buf struct buf row = BUF_INIT;
		struct json_writer w = {.out = &row};
		json_open_object(&w, NULL);
		json_put_string(&w, "Driver", n->driver);
		json_put_string(&w, "Gateway", n->gateway ? n->gateway : "");
		json_put_string(&w, "ID", arena_printf(a, "%.12s", n->id));
		json_put_string(&w, "Name", n->name);
		json_put_string(&w, "Scope", "local");
		json_put_string(&w, "Subnet", n->subnet ? n->subnet : "");
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
	struct network_list list;
	int r = cli_engine_open(context, &e);
	if (r == 0)
		r = network_list(&e, &a, &list);
	if (r < 0)
		return r;
	for (size_t i = 0; i < list.count && args->is_quiet; i++)
		printf("%.12s\n", list.items[i].id);
	if (args->is_quiet)
		return 0;
	if (!cli_format_is_usual(args->format))
		return ls_print_format(args->format, &a, &list);
	ls_print(&list);
	return 0;
}

static const struct command cmd_ls = {
	.name = "ls",
	.alias = "list",
	.summary = "list networks",
	.opts = ls_opts,
	.args_size = sizeof(struct ls_args),
	.run = ls_main,
};

static const struct opt no_opts[] = {OPT_END};

static int inspect_main(void *context, void *raw, int argc, char **argv)
{
	const struct cli_format_args *args = raw;
	return cli_inspect(context, args->format, argc, argv, network_show);
}

static const struct command cmd_inspect_network = {
	.name = "inspect",
	.synopsis = "NETWORK...",
	.summary = "show networks and their endpoints, as JSON",
	.flags = COMMAND_OPTIONS_MIXED,
	.min_args = 1,
	.opts = cli_format_opts,
	.args_size = sizeof(struct cli_format_args),
	.run = inspect_main,
};

/* What one name says does not keep the others from being done. */
static int rm_main(void *context, void *args, int argc, char **argv)
{
	auto_of(engine) struct engine e;
	int r = cli_engine_open(context, &e);
	if (r < 0)
		return r;
	int worst = 0;
	for (int i = 0; i < argc; i++) {
		if (network_remove(&e, argv[i]) < 0) {
			cli_print_error();
			worst = 1;
		} else {
			printf("%s\n", argv[i]);
		}
	}
	return worst;
}

static const struct command cmd_rm_network = {
	.name = "rm",
	.alias = "remove",
	.synopsis = "NETWORK...",
	.summary = "remove networks",
	.min_args = 1,
	.opts = no_opts,
	.run = rm_main,
};

static int prune_main(void *context, void *args, int argc, char **argv)
{
	auto_of(engine) struct engine e;
	auto_strvec struct strvec removed = STRVEC_INIT;
	int r = cli_engine_open(context, &e);
	if (r == 0)
		r = network_prune(&e, &removed);
	strvec_each (name, &removed)
		printf("%s\n", *name);
	return r;
}

static const struct command cmd_prune_network = {
	.name = "prune",
	.summary = "remove networks that no container uses, and what the kernel still has of them",
	.opts = no_opts,
	.run = prune_main,
};

static const struct command *const network_commands[] = {
	&cmd_create,
	&cmd_ls,
	&cmd_inspect_network,
	&cmd_rm_network,
	&cmd_prune_network,
	NULL,
};

const struct command cmd_network = {
	.name = "network",
	.summary = "networks",
	.sub = network_commands,
};
