/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Shared by the commands of `husk ns`. */
#include "cli/cli.h"
#include "ns/ns.h"
#include "sys/process.h"

/* Parsers for OPT_VALUE: a user or group by name or number. */
int ns_opt_user(const char *text, void *field);
int ns_opt_group(const char *text, void *field);

/* Prints a failure of the command itself (exit code 126 or 127) and returns that code. Other
 * failures are returned unchanged. */
int ns_finish(int r, int code, const char *words);

/* A process, as a user names it. */
struct ns_target {
	pid_t pid;
	uint64_t inode, start_ticks; /* 0: not known */
	const char *file; /* a namespace file instead */
};

/* The first process of a running container. -ENOENT: there is no such container, or no engine. */
int ns_container_process(struct cli_context *context, const char *name, struct process_id *out);
/* Calls `each` with the name and first process of every running container. Without a usable engine
 * there are none. Makes no directories. */
void ns_container_each(struct cli_context *context,
	void (*each)(const char *name, pid_t pid, void *data), void *data);

/* `word` is PID, CONTAINER or, if `with_files`, FILE or PID:INODE. */
int ns_target_parse(
	struct cli_context *context, const char *word, bool with_files, struct ns_target *out);

extern const struct command cmd_ns_run, cmd_ns_enter, cmd_ns_ls, cmd_ns_show, cmd_ns_tree;
