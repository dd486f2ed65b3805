/* SPDX-License-Identifier: Apache-2.0 */
/* `husk tag`, `husk rmi`, `husk image prune`. */
#include "image/image.h"
#include "base/err.h"
#include "cli/internal.h"
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

static void said_print(const struct strvec *said)
{
	strvec_each (line, said) {
		auto_buf struct buf shown = BUF_INIT;
		buf_add_escaped(&shown, *line);
		printf("%s\n", shown.data);
	}
	fflush(stdout); /* an error of the next one comes after it */
}

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
		said_print(&said);
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
	said_print(&said);
	return r;
}

static const struct command cmd_prune_image = {
	.name = "prune",
	.summary = "remove images that nobody needs",
	.opts = prune_opts,
	.args_size = sizeof(struct prune_args),
	.run = prune_main,
};

static const struct command *const image_commands[] = {
	&cmd_prune_image,
	NULL,
};

const struct command cmd_image = {
	.name = "image",
	.summary = "images",
	.sub = image_commands,
};
