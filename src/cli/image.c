/* SPDX-License-Identifier: Apache-2.0 */
/* `husk tag`, `husk rmi`, `husk history`, `husk image prune`, `husk image inspect`. */
#include "image/image.h"
#include "base/err.h"
#include "base/str.h"
#include "cli/internal.h"
#include "sys/process.h"
#include "sys/term.h"

#include <errno.h>
#include <unistd.h>

static const struct opt no_opts[] = {OPT_END};

static int tag_main(void *context, void *args, int argc, char **argv)
{
	auto_of(engine) struct engine e;
	int r = cli_engine_open(context, &e);
	return r < 0 ? r : image_tag(e.root_fd, argv[0], argv[1]);
}

const struct command cmd_tag = {
	.name = "tag",
	.synopsis = "IMAGE NAME",
	.summary = "give an image a further name",
	.flags = COMMAND_OPTIONS_MIXED,
	.min_args = 2,
	.max_args = 2,
	.opts = no_opts,
	.run = tag_main,
};

struct rmi_args {
	bool is_forced;
};

static const struct opt rmi_opts[] = {
	OPT_FLAG('f', "force", struct rmi_args, is_forced,
		"with all its names, and although a stopped container has it"),
	OPT_END,
};

/* What was removed is printed, also before a failure. */
static int rmi_one(struct engine *e, const char *word, void *data)
{
	const struct rmi_args *args = data;
	auto_strvec struct strvec said = STRVEC_INIT;
	int r = engine_image_remove(e, word, args->is_forced, &said);
	cli_print_lines(&said);
	return r < 0 ? r : CLI_SAY_NOTHING;
}

static int rmi_main(void *context, void *raw, int argc, char **argv)
{
	return cli_each(context, argc, argv, rmi_one, raw);
}

const struct command cmd_rmi = {
	.name = "rmi",
	.synopsis = "IMAGE...",
	.summary = "remove names of images, and images with their last one",
	.flags = COMMAND_OPTIONS_MIXED,
	.min_args = 1,
	.opts = rmi_opts,
	.args_size = sizeof(struct rmi_args),
	.run = rmi_main,
};

struct prune_args {
	bool named_too, is_forced;
};

static const struct opt prune_opts[] = {
	OPT_FLAG('a', "all", struct prune_args, named_too,
		"also images with a name, if no container has them"),
	OPT_FLAG('f', "force", struct prune_args, is_forced, "do not ask"),
	OPT_END,
};

/* 1: the user agrees. */
static int asked(const struct prune_args *args)
{
	char answer[8];
	if (args->is_forced)
		return 1;
	if (!term_is(STDIN_FILENO))
		return err_say(-EINVAL, "image prune: there is nobody to ask: add -f");
	fprintf(stderr, "This will remove all images %s. Go on? [y/N] ",
		args->named_too ? "that no container has"
				: "that have no name and that no container has");
	return fgets(answer, sizeof(answer), stdin) && (answer[0] == 'y' || answer[0] == 'Y');
}

static int prune_main(void *context, void *raw, int argc, char **argv)
{
	const struct prune_args *args = raw;
	auto_of(engine) struct engine e;
	auto_strvec struct strvec said = STRVEC_INIT;
	int r = cli_engine_open(context, &e);
	int yes = r < 0 ? r : asked(args);
	if (yes <= 0)
		return yes;
	r = engine_image_prune(&e, args->named_too, &said);
	cli_print_lines(&said);
	return r;
}

static const struct command cmd_prune_image = {
	.name = "prune",
	.summary = "remove images that nobody needs",
	.opts = prune_opts,
	.args_size = sizeof(struct prune_args),
	.run = prune_main,
};

struct history_args {
	struct cli_list_args list;
};

static const struct opt history_opts[] = {
	CLI_LIST_FORMAT(struct history_args, list),
	CLI_LIST_WHOLE(struct history_args, list),
	CLI_LIST_QUIET(struct history_args, list, "ids only"),
	OPT_END,
};

enum { CREATED_BY_LEN = 45 };
enum { COMMENT, CREATED_BY, CREATED_SINCE, ID, SIZE };
static const struct cli_column history_columns[] = {
	[COMMENT] = {"Comment", "COMMENT", 5},
	[CREATED_BY] = {"CreatedBy", "CREATED BY", 3},
	[CREATED_SINCE] = {"CreatedSince", "CREATED", 2},
	[ID] = {"ID", "IMAGE", 1},
	[SIZE] = {"Size", "SIZE", 4},
};

struct history {
	struct image_steps steps;
	bool is_whole;
};

/* The newest step comes first and has the image's id. The ids of the others are not known. */
static int step_fill(void *context, size_t row, uint64_t wanted, struct buf *cells)
{
	const struct history *h = context;
	const struct image_step *step = &h->steps.items[h->steps.count - 1 - row];
	char ago[32], size[16];
	uint64_t now = clock_real_ns();
	size_t len = strlen(step->created_by);
	bool is_cut = !h->is_whole && len > CREATED_BY_LEN;
	format_ago(ago, now > step->created_ns ? (now - step->created_ns) / 1000000000u : 0);
	format_size_decimal(size, step->size_bytes);
	buf_adds(&cells[COMMENT], step->comment);
	buf_add(&cells[CREATED_BY], step->created_by, is_cut ? CREATED_BY_LEN - 1 : len);
	buf_adds(&cells[CREATED_BY], is_cut ? "\xe2\x80\xa6" : "");
	buf_addf(&cells[CREATED_SINCE], step->created_ns ? "%s ago" : "N/A", ago);
	buf_adds(&cells[SIZE], size);
	if (row > 0)
		buf_adds(&cells[ID], "<missing>");
	else
		buf_addf(&cells[ID], h->is_whole ? "%s" : "%.12s",
			h->steps.image_id + (h->is_whole ? 0 : strlen("sha256:")));
	return 0;
}

static int history_main(void *context, void *raw, int argc, char **argv)
{
	const struct history_args *args = raw;
	auto_of(engine) struct engine e;
	auto_arena struct arena a = ARENA_INIT;
	struct history history = {.is_whole = args->list.is_whole};
	int r = cli_engine_open(context, &e);
	if (r == 0)
		r = image_history(e.root_fd, argv[0], &a, &history.steps);
	const struct cli_list list = {history_columns,
		sizeof(history_columns) / sizeof(history_columns[0]), ID, history.steps.count,
		step_fill, &history};
	return r < 0 ? r : cli_list_print(&list, &args->list);
}

const struct command cmd_history = {
	.name = "history",
	.synopsis = "IMAGE",
	.summary = "show the steps that an image was made by",
	.flags = COMMAND_OPTIONS_MIXED,
	.min_args = 1,
	.max_args = 1,
	.opts = history_opts,
	.args_size = sizeof(struct history_args),
	.run = history_main,
};

static int show(struct engine *e, const char *word, struct buf *out)
{
	return image_show(e->root_fd, word, out);
}

static int inspect_main(void *context, void *raw, int argc, char **argv)
{
	const struct cli_format_args *args = raw;
	return cli_inspect(context, args->format, argc, argv, show);
}

static const struct command cmd_inspect_image = {
	.name = "inspect",
	.synopsis = "IMAGE...",
	.summary = "show everything about images, as JSON",
	.flags = COMMAND_OPTIONS_MIXED,
	.min_args = 1,
	.opts = cli_format_opts,
	.args_size = sizeof(struct cli_format_args),
	.run = inspect_main,
};

static const struct command *const image_commands[] = {
	&cmd_inspect_image,
	&cmd_prune_image,
	NULL,
};

const struct command cmd_image = {
	.name = "image",
	.summary = "images",
	.sub = image_commands,
};
