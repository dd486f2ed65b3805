/* SPDX-License-Identifier: Apache-2.0 */
/* The table of commands, and the options that stand before them. */
#include "cli/cli.h"
#include "cli/internal.h"

static const struct opt root_opts[] = {
	OPT_STRING(0, "root", struct cli_context, root_path, "DIR",
		"where images and containers are kept (HUSK_ROOT)"),
	OPT_STRING(0, "state", struct cli_context, state_path, "DIR",
		"where the state of this boot is kept (HUSK_STATE)"),
	OPT_FLAG('v', "version", struct cli_context, wants_version, "show the version"),
	OPT_END,
};

static const struct opt no_opts[] = {OPT_END};

static int cli_begin(void *data)
{
	const struct cli_context *context = data;
	if (context->wants_version)
		cli_print_version();
	return context->wants_version;
}

/* One line for each option of each command. check-man compares this with the manual pages. */
static int options_main(void *context, void *args, int argc, char **argv)
{
	auto_buf struct buf out = BUF_INIT;
	command_list(&command_root, &out);
	fputs(out.data, stdout);
	return 0;
}

static const struct command cmd_options = {
	.name = "_options",
	.summary = "list commands and options for checks",
	.flags = COMMAND_HIDDEN,
	.opts = no_opts,
	.run = options_main,
};

static int completion_main(void *context, void *args, int argc, char **argv)
{
	auto_buf struct buf out = BUF_INIT;
	int r = command_completion(&command_root, argv[0], &out);
	if (r < 0)
		return r;
	fputs(out.data, stdout);
	return 0;
}

static const struct command cmd_completion = {
	.name = "completion",
	.synopsis = "bash|zsh|fish",
	.summary = "print the completion script for a shell",
	.min_args = 1,
	.max_args = 1,
	.opts = no_opts,
	.run = completion_main,
};

#define ROW(name) &cmd_##name
static const struct command *const commands[] = {
	CLI_COMMANDS(ROW), &cmd_completion, &cmd_options, NULL};
#undef ROW

/* Commands of Docker that users may try. */
static const char *const planned[] = {"attach", "build", "commit", "compose", "cp", "create",
	"events", "export", "import", "manifest", "pause", "port", "push", "rename", "restart",
	"search", "stats", "system", "top", "unpause", "update", NULL};

const struct command command_root = {
	.name = "husk",
	.summary = "containers on Linux, without a daemon",
	.opts = root_opts,
	.args_size = sizeof(struct cli_context),
	.sub = commands,
	.begin = cli_begin,
	.planned = planned,
};
