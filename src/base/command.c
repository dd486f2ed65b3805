/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds and runs the command that argv names. Groups may have options too (`husk --root DIR run
 * ...`): they are parsed into the context on the way to the command.
 */
#include "base/internal.h"
#include "base/err.h"
#include "base/str.h"

#include <errno.h>

static const struct command *sub_find(const struct command *group, const char *name)
{
	command_each(c, group) if (str_eq((*c)->name, name) ||
		((*c)->alias && str_eq((*c)->alias, name))) return *c;
	return NULL;
}

static int say_unknown_command(const struct command *group, const char *name)
{
	for (const char *const *planned = group->planned; planned && *planned; planned++)
		if (str_eq(*planned, name))
			return err_say(-EINVAL, "%s is planned and not there yet", name);
	size_t count = 0;
	command_each(c, group) count += 2;
	auto_free const char **words = mem_new((count + 1) * sizeof(*words));
	count = 0;
	command_each(c, group)
	{
		if ((*c)->flags & COMMAND_HIDDEN)
			continue;
		words[count++] = (*c)->name;
		if ((*c)->alias)
			words[count++] = (*c)->alias;
	}
	const char *nearest = str_nearest(name, words, count);
	if (nearest)
		return err_say(-EINVAL, "unknown command: %s; did you mean %s?", name, nearest);
	return err_say(-EINVAL, "unknown command: %s", name);
}

/* The state of the walk over the words of a command line: what was found, and what is left. */
struct walk {
	const struct command *command;
	struct buf path;
	int argc;
	char **argv;
	void *context; /* NULL: options of groups are not parsed */
	bool wants_help; /* --help: for the command where the walk is */
	bool wants_help_below; /* the word help: for the command that the next words name */
};

static void walk_take(struct walk *w, int count)
{
	w->argc -= count;
	w->argv += count;
}

/* Takes the options of a group and the name of one of its commands; 0 when there is no name. */
static int walk_step(struct walk *w)
{
	if (w->context || !w->command->opts) {
		int first;
		struct command group = *w->command;
		group.flags &= ~(unsigned)COMMAND_OPTIONS_MIXED;
		int r = opt_parse_or_help(
			&group, w->argc, w->argv, w->context, &w->wants_help, &first);
		if (r < 0)
			return err_wrap(r, "%s", w->path.data);
		walk_take(w, first);
	}
	if (w->wants_help || w->argc == 0)
		return 0;

	const struct command *sub = sub_find(w->command, w->argv[0]);
	if (!sub && str_eq(w->argv[0], "help")) {
		w->wants_help_below = true;
		walk_take(w, 1);
		return 1;
	}
	if (!sub) {
		int r = say_unknown_command(w->command, w->argv[0]);
		return err_wrap(r, "%s", w->path.data);
	}
	buf_addf(&w->path, " %s", sub->name);
	w->command = sub;
	walk_take(w, 1);
	return 1;
}

static int walk_down(struct walk *w, const struct command *root)
{
	w->command = root;
	buf_adds(&w->path, root->name);
	walk_take(w, w->argc > 0 ? 1 : 0);
	int r = 1;
	while (r > 0 && w->command->sub)
		r = walk_step(w);
	return r < 0 ? r : 0;
}

static void walk_release(struct walk *w)
{
	buf_release(&w->path);
}
AUTO_STRUCT(walk, struct walk, walk_release)

static int check_argument_count(const struct command *c, int argc)
{
	unsigned count = (unsigned)argc;
	if (count > 0 && !c->synopsis)
		return err_say(-EINVAL, "takes no arguments");
	if (count < c->min_args)
		return err_say(-EINVAL, "requires %s%u argument%s: %s",
			c->min_args == c->max_args ? "" : "at least ", c->min_args,
			c->min_args == 1 ? "" : "s", c->synopsis ? c->synopsis : "");
	if (c->max_args && count > c->max_args)
		return err_say(-EINVAL, "takes %s%u argument%s: %s",
			c->min_args == c->max_args ? "" : "at most ", c->max_args,
			c->max_args == 1 ? "" : "s", c->synopsis);
	return 0;
}

/* Parses the words after the command's name into args and runs the command. */
static int command_run(const struct walk *w, void *args, struct buf *out, int *out_code)
{
	const struct command *c = w->command;
	bool wants_help = false;
	int first;
	int r = opt_parse_or_help(c, w->argc, w->argv, args, &wants_help, &first);
	if (r < 0)
		return err_wrap(r, "%s", w->path.data);
	if (wants_help) {
		command_help(c, w->path.data, out);
		return 0;
	}
	r = check_argument_count(c, w->argc - first);
	if (r < 0)
		return err_wrap(r, "%s", w->path.data);
	*out_code = c->flags & COMMAND_RUNS_PROGRAM ? COMMAND_MISUSED : COMMAND_FAILED;
	return c->run(w->context, args, w->argc - first, w->argv + first);
}

int command_main(const struct command *root, void *context, int argc, char **argv, struct buf *out,
	int *out_code)
{
	*out_code = COMMAND_MISUSED;
	auto_of(walk) struct walk w = {
		.path = BUF_INIT, .argc = argc, .argv = argv, .context = context};
	int r = walk_down(&w, root);
	if (r < 0)
		return r;
	if (root->begin && !w.wants_help) {
		r = root->begin(context);
		if (r != 0)
			return r < 0 ? r : 0;
	}
	if (w.command->sub || w.wants_help_below) {
		command_help(w.command, w.path.data, out);
		return 0;
	}
	auto_free void *args = mem_new(w.command->args_size);
	r = command_run(&w, args, out, out_code);
	opt_release(w.command->opts, args);
	return r;
}
