/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The command line of husk as one tree of tables. bin/husk.c hands argv to command_main with
 * command_root and a context. Everything else is private to this folder.
 */
#include "base/command.h"

/* What the options before the command's name say; the context of every command. */
struct cli_context {
	const char *root_path,
		*state_path; /* --root, --state; NULL: from the environment, or the defaults */
	bool wants_version;
};

extern const struct command command_root;

/* Prints the error trail on standard error, always as one line, whatever text an image or a user
 * has put into it. */
void cli_print_error(void);
