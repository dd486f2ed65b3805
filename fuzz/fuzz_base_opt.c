/* SPDX-License-Identifier: Apache-2.0 */
/* Command lines, one word a line, with every kind of option, in order and mixed. */
#include "fuzz.h"
#include "base/err.h"
#include "base/command.h"
#include "base/str.h"

struct args {
	bool detach;
	const char *name;
	const char *mount;
	const char *old;
	struct strvec env;
	uint64_t memory;
};

static const struct opt opts[] = {
	OPT_FLAG('d', "detach", struct args, detach, "flag"),
	OPT_STRING('n', "name", struct args, name, "NAME", "string"),
	OPT_OPTIONAL(0, "mount", struct args, mount, "FILE", "optional"),
	OPT_LIST('e', "env", struct args, env, "KEY=VALUE", "list"),
	OPT_VALUE('m', "memory", struct args, memory, "SIZE", opt_parse_size, "a size", "value"),
	OPT_HIDDEN(0, "memory-old", struct args, old),
	OPT_END,
};

static int run_check(void *context, void *args, int argc, char **argv)
{
	for (int i = 0; i < argc; i++)
		if (!argv[i])
			BUG("argument %d of %d is missing", i, argc);
	if (argv[argc])
		BUG("arguments without an end");
	return 0;
}

static const struct command cmd_run = {
	.name = "run",
	.synopsis = "ARG...",
	.opts = opts,
	.args_size = sizeof(struct args),
	.run = run_check,
};
static const struct command cmd_rm = {
	.name = "rm",
	.synopsis = "ARG...",
	.flags = COMMAND_OPTIONS_MIXED,
	.min_args = 1,
	.max_args = 3,
	.opts = opts,
	.args_size = sizeof(struct args),
	.run = run_check,
};
static const struct command *const commands[] = {&cmd_run, &cmd_rm, NULL};
static const struct command root = {.name = "husk", .sub = commands};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_of(strvec) struct strvec words = STRVEC_INIT;
	auto_of(buf) struct buf text = BUF_INIT;
	auto_of(buf) struct buf out = BUF_INIT;
	buf_add(&text, data, size);
	strvec_push(&words, "husk");
	char *rest = text.data;
	for (char *word = str_cut(&rest, '\n'); word; word = str_cut(&rest, '\n'))
		strvec_push(&words, word);

	/* A mixed command moves its options, so the words are passed in an array that may be
	 * permuted. */
	int code;
	int r = command_main(&root, NULL, (int)words.count, words.items, &out, &code);
	if (r < 0 && (r != err_code() || !*err_text()))
		BUG("%d without a sentence", r);
	return 0;
}
