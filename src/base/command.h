/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Tables of commands; base/opt.h says what a row gives. */
#include "base/opt.h"

enum command_flags {
	COMMAND_OPTIONS_MIXED =
		1, /* options may stand after arguments, as `ns enter` and `rm` allow */
	COMMAND_HIDDEN = 2,
	COMMAND_RUNS_PROGRAM = 4, /* exits with a program's code: own failures are 125, not 1 */
	COMMAND_TAKES_PREFIXES = 8, /* --map-r is --map-root-user, as in getopt_long */
};

struct command {
	const char *name; /* "run"; a group's commands are in `sub` */
	const char *synopsis; /* "IMAGE [COMMAND [ARG...]]"; NULL: the command takes no arguments */
	const char *summary;
	const char *alias; /* other name, or NULL: "ls" and "list" */
	unsigned flags;
	unsigned min_args, max_args; /* max 0: any number */
	const struct opt *opts;
	/* Size of the struct that the options fill; it is zeroed before. The options of a group,
	 * which stand before the command's name, fill *context instead; the owner of *context
	 * releases it. */
	size_t args_size;
	/* Runs with the filled struct and the remaining arguments (NULL-terminated); returns an
	 * exit code >= 0, or -errno with the trail set. */
	int (*run)(void *context, void *args, int argc, char **argv);
	const struct command *const *sub; /* NULL-terminated; then run is NULL */
	/* For the root, or NULL: after its options, before the command. Returns 0 to go on, 1 if
	 * everything is done, or -errno with the trail set. */
	int (*begin)(void *context);
	/* For a group: names known from other programs that are not implemented yet,
	 * NULL-terminated, or NULL. */
	const char *const *planned;
};

enum { COMMAND_FAILED = 1, COMMAND_MISUSED = 125 };

/* Runs the command that argv names: parses, answers --help (and -h, unless a row has this letter),
 * checks argument counts, calls run, releases. This is all that a main() needs. Returns an exit
 * code >= 0, or -errno with the trail set and *out_code: 125 for a command line that is wrong, as
 * Docker, and for a command that failed the code for that. Help goes to `out`. */
int command_main(const struct command *root, void *context, int argc, char **argv, struct buf *out,
	int *out_code);

/* The help text of a command or group, and completions for a whole tree in the syntax of bash, zsh
 * or fish. */
void command_help(const struct command *c, const char *path, struct buf *out);
int command_completion(const struct command *root, const char *shell, struct buf *out);
/* One line for each command (with no option name) and one for each of its options, without hidden
 * ones, for check-man: "husk run<TAB>--name<TAB>NAME<TAB>help<TAB>-n". */
void command_list(const struct command *root, struct buf *out);
