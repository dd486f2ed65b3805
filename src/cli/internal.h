/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Shared inside cli/: the engine that commands open, tables. */
#include "base/arena.h"
#include "base/buf.h"
#include "base/command.h"
#include "base/table.h"
#include "cli/cli.h"
#include "template/template.h"
#include "engine/engine.h"

#include <stdio.h>

/* Opens the engine that the global options name. */
int cli_engine_open(void *context, struct engine *e);

/*
 * A list as --format asks: "json" (an object a line), "table TEMPLATE" (a head and aligned columns), or a template a line.
 * Rows come as JSON objects of one shape; heads are pairs of a field and its head, up to a NULL.
 */
struct cli_format {
	struct template *template; /* NULL: json */
	bool is_table;
	enum template_escape escape;
	struct buf lines;
};

/* No --format, or an empty one: shells write "$FORMAT". */
static inline bool cli_format_is_none(const char *format)
{
	return !format || *format == '\0';
}
/* Nor one that asks for the usual table. */
bool cli_format_is_usual(const char *format);
/* Speaking: a template with a mistake. Also takes \t and \n, which shells hand over unchanged. */
int cli_format_open(struct cli_format *f, const char *format, const char *const heads[][2]);
int cli_format_add(struct cli_format *f, const struct buf *row);
void cli_format_print(const struct cli_format *f, FILE *out);
void cli_format_release(struct cli_format *f);
AUTO_STRUCT(cli_format, struct cli_format, cli_format_release)

/* One JSON object by --format: a template, or "json". */
int cli_print_document(const char *format, const struct buf *document);
/* The option --format of what shows documents. */
struct cli_format_args {
	const char *format;
};
extern const struct opt cli_format_opts[];
/* The value of --tls-verify, NULL where it was not given. Speaks. */
int cli_tls_verify(const char *text, bool *out_is_unverified);

/* By the word of --pull (NULL: "missing") lets the engine get an image that is not here, or gets `word` (which may be NULL)
 * now. Speaks. */
int cli_pull_policy(struct engine *e, const char *policy, const char *word);

/* Lines of the engine, escaped. */
void cli_print_lines(const struct strvec *lines);
/* Shows what each argument names: an array of objects, or with a format each by it. What cannot be shown is an error
 * after which the others follow, as by Docker; returns the exit code. */
int cli_inspect(void *context, const char *format, int argc, char **argv,
	int (*show)(struct engine *e, const char *name, struct buf *out));

extern const struct command cmd_run, cmd_exec, cmd_ps, cmd_logs, cmd_stop, cmd_start, cmd_kill,
	cmd_rm, cmd_wait, cmd_diff, cmd_inspect, cmd_ended, cmd_images, cmd_history, cmd_image,
	cmd_load, cmd_login, cmd_logout, cmd_pull, cmd_rmi, cmd_tag, cmd_save, cmd_info,
	cmd_network, cmd_volume, cmd_version, cmd_ns;
