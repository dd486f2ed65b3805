/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Command tables; base/opt.h says what a row gives. */
#include "base/opt.h"

enum command_flags {
	COMMAND_OPTIONS_MIXED =
		1, /* options may stand after arguments, as `ns enter` and `rm` allow */
	COMMAND_HIDDEN = 2,
	COMMAND_RUNS_PROGRAM = 4, /* exits with a program's code, so what fails is 125 and not 1 */
	COMMAND_TAKES_PREFIXES = 8, /* --map-r is --map-root-user, as getopt_long has it */
};

struct command {
	const char *name; /* "run"; a group's commands are in `sub` */
	const char *synopsis; /* "IMAGE [COMMAND [ARG...]]"; NULL: the command takes no arguments */
	const char *summary;
	const char *alias; /* other name, or NULL: "ls" and "list" */
	unsigned flags;
	unsigned min_args, max_args; /* max 0: any number */
	const struct opt *opts;
	size_t args_size; /* of the struct the options fill; zeroed before. A group's options, which stand before the
			   * command's name, fill *context instead, and whoever owns that releases it. */
	/* Runs with the filled struct and the remaining arguments (NULL-terminated); returns an exit code >= 0, or
	 * -errno with the trail set. */
	int (*run)(void *context, void *args, int argc, char **argv);
	const struct command *const *sub; /* NULL-terminated; then run is NULL */
	/* Of a group: names that people know from elsewhere and that are to come, NULL-terminated, or NULL. */
	const char *const *planned;
};

enum { COMMAND_FAILED = 1, COMMAND_MISUSED = 125 };

/* Runs what argv names: parses, answers --help (and -h, where no row is called so), checks argument counts, calls run,
 * releases. The whole of a main(); returns an exit code >= 0, or -errno with the trail set and *out_code: 125 for words
 * that make no command, as Docker, and for what a command could not do the code that it fails with. Help goes to `out`. */
int command_main(const struct command *root, void *context, int argc, char **argv, struct buf *out,
	int *out_code);

/* The help text of a command or group, and completions for a whole tree in the syntax of bash, zsh or fish. */
void command_help(const struct command *c, const char *path, struct buf *out);
int command_completion(const struct command *root, const char *shell, struct buf *out);
/* One line for each command (no option name) and each of its options, hidden ones left out, for check-man:
 * "husk run<TAB>--name<TAB>NAME<TAB>help<TAB>-n". */
void command_list(const struct command *root, struct buf *out);
