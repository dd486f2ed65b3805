/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The command line of husk-runtime, which is runc's, as one tree of tables. bin/husk-runtime.c
 * hands argv to command_main with runtime_command_root and a context. Everything else is private to
 * this folder.
 */
#include "base/command.h"

/* What the options before the command's name say; the context of every command. */
struct runtime_cli_context {
	const char *root_path, *log_path, *log_format, *rootless, *cgroup_manager, *criu;
	bool is_debug, wants_systemd, wants_version;
	int log_fd; /* the file of --log, or -EBADF; the caller closes it */
};

extern const struct command runtime_command_root;

/* Reports the failure of a command: on standard error for people, and in the file of --log, which
 * engines read. */
void runtime_cli_report(const struct runtime_cli_context *context, const char *message);
/* A warning: only in the file of --log if there is one, because standard error may belong to the
 * container. `level` is a word of runc's log. */
void runtime_cli_log(
	const struct runtime_cli_context *context, const char *level, const char *message);
