/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Shared by the files behind opt.h (opt.c, command.c, help.c, completion.c), and only by them.
 */
#include "base/command.h"

/* The row of --help in every table that has none of its own. */
extern const struct opt opt_help_row;

const struct opt *opt_short_find(const struct opt *opts, char name);
const struct opt *opt_long_find(const struct opt *opts, const char *name);
/* True when the option takes the next word as its value. */
bool opt_needs_value(const struct opt *row);

/* As opt_parse_args, but --help stops the parsing and sets *out_wants_help. */
int opt_parse_or_help(const struct command *c, int argc, char **argv, void *args,
	bool *out_wants_help, int *out_first);

#define opt_each(row, opts) \
	for (const struct opt *row = (opts); row && row->kind != OPT_KIND_END; row++)

#define command_each(c, group) for (const struct command *const *c = (group)->sub; c && *c; c++)

/* Calls visit for the command and every command below it that is not hidden, with their paths:
 * "husk network create". */
struct command_visitor {
	void (*visit)(const struct command *c, const char *path, void *arg);
	void *arg;
};
void command_walk(const struct command *c, const struct command_visitor *visitor);

/* The rows to show for a command, in order: the visible ones of its table, then --help unless the
 * table has its own. */
const struct opt *opt_shown_next(const struct command *c, const struct opt *before);
#define opt_each_shown(row, c) \
	for (const struct opt *row = opt_shown_next((c), NULL); row; row = opt_shown_next((c), row))
/* The letter of a shown row; 0 for --help when the command gives -h to another row. */
char opt_shown_letter(const struct command *c, const struct opt *row);
