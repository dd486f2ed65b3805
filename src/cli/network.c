/* SPDX-License-Identifier: Apache-2.0 */
/* `husk network create | ls | inspect | rm`. */
#include "cli/internal.h"

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
	struct cli_list_args list;
};

static const struct opt ls_opts[] = {
	CLI_LIST_FORMAT(struct ls_args, list),
	CLI_LIST_QUIET(struct ls_args, list, "ids only"),
	OPT_END,
};

enum { DRIVER, GATEWAY, ID, NAME, SCOPE, SUBNET };
static const struct cli_column columns[] = {
	[DRIVER] = {"Driver", "DRIVER", 3},
	[GATEWAY] = {"Gateway", "GATEWAY", 0},
	[ID] = {"ID", "NETWORK ID", 1},
	[NAME] = {"Name", "NAME", 2},
	[SCOPE] = {"Scope", "SCOPE", 4},
	[SUBNET] = {"Subnet", "SUBNET", 0},
};

static int row_fill(void *context, size_t row, uint64_t wanted, struct buf *cells)
{
	const struct network_view *n = &((const struct network_list *)context)->items[row];
	buf_adds(&cells[DRIVER], n->driver);
	buf_adds(&cells[GATEWAY], n->gateway ? n->gateway : "");
	buf_addf(&cells[ID], "%.12s", n->id);
	buf_adds(&cells[NAME], n->name);
	buf_adds(&cells[SCOPE], "local");
	buf_adds(&cells[SUBNET], n->subnet ? n->subnet : "");
	return 0;
}

static int ls_main(void *context, void *raw, int argc, char **argv)
{
	const struct ls_args *args = raw;
	auto_of(engine) struct engine e;
	auto_arena struct arena a = ARENA_INIT;
	struct network_list networks;
	int r = cli_engine_open(context, &e);
	if (r == 0)
		r = network_list(&e, &a, &networks);
	const struct cli_list list = {columns, sizeof(columns) / sizeof(columns[0]), ID,
		r < 0 ? 0 : networks.count, row_fill, &networks};
	return r < 0 ? r : cli_list_print(&list, &args->list);
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

static int rm_one(struct engine *e, const char *word, void *data)
{
	int r = network_remove(e, word);
	return r < 0 ? r : CLI_SAY_WORD;
}

static int rm_main(void *context, void *args, int argc, char **argv)
{
	return cli_each(context, argc, argv, rm_one, NULL);
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

struct prune_args {
	bool is_forced;
};

static const struct opt prune_opts[] = {
	OPT_FLAG('f', "force", struct prune_args, is_forced, "accepted: husk does not ask"),
	OPT_END,
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
	.opts = prune_opts,
	.args_size = sizeof(struct prune_args),
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
