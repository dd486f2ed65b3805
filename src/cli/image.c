/* SPDX-License-Identifier: Apache-2.0 */
/* `husk tag`, `husk rmi`, `husk history`, `husk image prune`, `husk image inspect`. */
#include "image/image.h"
#include "base/err.h"
#include "base/json.h"
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

static int rmi_main(void *context, void *raw, int argc, char **argv)
{
	const struct rmi_args *args = raw;
	auto_of(engine) struct engine e;
	int r = cli_engine_open(context, &e), worst = 0;
	for (int i = 0; i < argc && r == 0; i++) {
		auto_strvec struct strvec said = STRVEC_INIT;
		int code = engine_image_remove(&e, argv[i], args->is_forced, &said);
		cli_print_lines(&said);
		if (code < 0) {
			cli_print_error();
			worst = 1;
		}
	}
	return r < 0 ? r : worst;
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

/* 1: yes. */
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
	bool is_whole, is_quiet;
	const char *format;
};

static const struct opt history_opts[] = {
	OPT_STRING(0, "format", struct history_args, format, "TEMPLATE",
		"print by a Go template, \"table TEMPLATE\" or \"json\""),
	OPT_FLAG(0, "no-trunc", struct history_args, is_whole, "do not shorten"),
	OPT_FLAG('q', "quiet", struct history_args, is_quiet, "ids only"),
	OPT_END,
};

enum { CREATED_BY_LEN = 45 };

/* What the columns show; the newest step is the image's, the id of any other is not known. */
struct step_words {
	struct buf created_by;
	char id[72], since[40], size[16];
};

static void step_words_release(struct step_words *w)
{
	buf_release(&w->created_by);
}
AUTO_STRUCT(step_words, struct step_words, step_words_release)

static void step_words_fill(
	const struct image_steps *steps, size_t i, bool is_whole, struct step_words *out)
{
	const struct image_step *step = &steps->items[i];
	char ago[32];
	uint64_t now = clock_real_ns();
	size_t len = strlen(step->created_by);
	bool is_cut = !is_whole && len > CREATED_BY_LEN;
	*out = (struct step_words){.created_by = BUF_INIT};
	buf_add(&out->created_by, step->created_by, is_cut ? CREATED_BY_LEN - 1 : len);
	buf_adds(&out->created_by, is_cut ? "\xe2\x80\xa6" : "");
	fmt(out->id, "%s", "<missing>");
	if (i + 1 == steps->count)
		fmt(out->id, is_whole ? "%s" : "%.12s", steps->image_id + (is_whole ? 0 : 7));
	format_size_decimal(out->size, step->size_bytes);
	format_ago(ago, now > step->created_ns ? (now - step->created_ns) / 1000000000u : 0);
	fmt(out->since, step->created_ns ? "%s ago" : "N/A", ago);
}

static void history_print(const struct image_steps *steps, bool is_whole)
{
	static const char *const heads[] = {
		"IMAGE", "CREATED", "CREATED BY", "SIZE", "COMMENT", NULL};
	auto_of(table) struct table table = {0};
	table_heads(&table, heads);
	for (size_t i = steps->count; i-- > 0;) {
		auto_of(step_words) struct step_words words;
		auto_buf struct buf by = BUF_INIT, comment = BUF_INIT;
		step_words_fill(steps, i, is_whole, &words);
		buf_add_escaped(&by, words.created_by.data);
		buf_add_escaped(&comment, steps->items[i].comment);
		table_add(&table, words.id);
		table_add(&table, words.since);
		table_add(&table, by.data);
		table_add(&table, words.size);
		table_add(&table, comment.data);
	}
	table_print(&table, stdout);
}

static void step_put(const struct image_step *step, const struct step_words *words, struct buf *out)
{
	struct json_writer w = {.out = out};
	json_open_object(&w, NULL);
	json_put_string(&w, "Comment", step->comment);
	json_put_string(&w, "CreatedBy", words->created_by.data);
	json_put_string(&w, "CreatedSince", words->since);
	json_put_string(&w, "ID", words->id);
	json_put_string(&w, "Size", words->size);
	json_close_object(&w);
}

static int history_print_format(const char *text, const struct image_steps *steps, bool is_whole)
{
	static const char *const heads[][2] = {{"Comment", "COMMENT"}, {"CreatedBy", "CREATED BY"},
		{"CreatedSince", "CREATED"}, {"ID", "IMAGE"}, {"Size", "SIZE"}, {NULL}};
	auto_of(cli_format) struct cli_format format = {.lines = BUF_INIT};
	int r = cli_format_open(&format, text, heads);
	for (size_t i = steps->count; i-- > 0 && r == 0;) {
		auto_of(step_words) struct step_words words;
		auto_buf struct buf row = BUF_INIT;
		step_words_fill(steps, i, is_whole, &words);
		step_put(&steps->items[i], &words, &row);
		r = cli_format_add(&format, &row);
	}
	if (r == 0)
		cli_format_print(&format, stdout);
	return r;
}

static int history_main(void *context, void *raw, int argc, char **argv)
{
	const struct history_args *args = raw;
	auto_of(engine) struct engine e;
	auto_arena struct arena a = ARENA_INIT;
	struct image_steps steps;
	int r = cli_engine_open(context, &e);
	if (r == 0)
		r = image_history(e.root_fd, argv[0], &a, &steps);
	if (r < 0)
		return r;
	for (size_t i = steps.count; i-- > 0 && args->is_quiet;) {
		auto_of(step_words) struct step_words words;
		step_words_fill(&steps, i, args->is_whole, &words);
		printf("%s\n", words.id);
	}
	if (args->is_quiet)
		return 0;
	if (!cli_format_is_usual(args->format))
		return history_print_format(args->format, &steps, args->is_whole);
	history_print(&steps, args->is_whole);
	return 0;
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
