/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Shared by the commands of `husk ns`. */
#include "cli/cli.h"
#include "ns/ns.h"
#include "sys/process.h"

/* Parsers for OPT_VALUE: a user or group by name or number. */
int ns_opt_user(const char *text, void *field);
int ns_opt_group(const char *text, void *field);

/* Prints a failure of the command itself and returns its exit code, 126 or 127; others are returned as they came. */
int ns_finish(int r, int code, const char *words);

/* What a user types to name a process. */
struct ns_target {
	pid_t pid;
	uint64_t inode, start_ticks; /* 0: not known */
	const char *file; /* a namespace file instead */
};

/* The first process of a running container; -ENOENT when there is no such container, or no engine to ask. */
int ns_container_process(struct cli_context *context, const char *name, struct process_id *out);
/* Each running container: its name and first process. None when the engine cannot be asked. Makes no directories. */
void ns_container_each(struct cli_context *context,
	void (*each)(const char *name, pid_t pid, void *data), void *data);

/* PID, CONTAINER and, if `with_files`, FILE and PID:INODE. */
int ns_target_parse(
	struct cli_context *context, const char *word, bool with_files, struct ns_target *out);

extern const struct command cmd_ns_run, cmd_ns_enter, cmd_ns_ls, cmd_ns_show, cmd_ns_tree;
