/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Shared inside cli/: opening the engine, lists and output. */
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
 * A list as --format asks for it: "json" (one object a line), "table TEMPLATE" (a head and aligned
 * columns), or a template for each line. Rows are JSON objects of one shape; `heads` are pairs of a
 * field and its head, up to a NULL.
 */
struct cli_format {
	struct template *template; /* NULL: json */
	bool is_table;
	enum template_escape escape;
	struct buf lines;
};

/* No --format, or an empty one, as in --format "$FORMAT". */
static inline bool cli_format_is_none(const char *format)
{
	return !format || *format == '\0';
}
/* As above, or a format that asks for the usual table. */
bool cli_format_is_usual(const char *format);
/* Speaking: the template has a mistake. Also accepts \t and \n, which shells pass on unchanged. */
int cli_format_open(struct cli_format *f, const char *format, const char *const heads[][2]);
int cli_format_add(struct cli_format *f, const struct buf *row);
void cli_format_print(const struct cli_format *f, FILE *out);
void cli_format_release(struct cli_format *f);
AUTO_STRUCT(cli_format, struct cli_format, cli_format_release)

/*
 * A list: a row of cells for each item. A column has its field in a template or JSON, its head, and
 * its place in the usual table (1 is the first; 0: not shown there).
 */
struct cli_column {
	const char *key, *head;
	unsigned place;
};
struct cli_list {
	const struct cli_column *columns; /* in the order of JSON */
	size_t column_count, quiet; /* what -q shows */
	size_t row_count;
	/* Fills the wanted cells: bit i is column i. A row that fails is left out, because its item
	 * has gone meanwhile. */
	int (*fill)(void *context, size_t row, uint64_t wanted, struct buf *cells);
	void *context;
};
struct cli_list_args {
	bool is_quiet, is_whole; /* -q, --no-trunc */
	const char *format;
};
#define CLI_LIST_FORMAT(args, list) \
	OPT_STRING(0, "format", args, list.format, "TEMPLATE", \
		"print by a Go template, \"table TEMPLATE\" or \"json\"")
#define CLI_LIST_WHOLE(args, list) OPT_FLAG(0, "no-trunc", args, list.is_whole, "do not shorten")
#define CLI_LIST_QUIET(args, list, what) OPT_FLAG('q', "quiet", args, list.is_quiet, what)
int cli_list_print(const struct cli_list *l, const struct cli_list_args *args);

/* Does one thing for each word; the others are done even if one fails. Reports each failure. The
 * action returns -errno with the trail set, or what is left to print: */
enum { CLI_SAY_WORD, CLI_SAY_NOTHING };
/* Returns the exit code, or -errno when the engine cannot be opened. */
int cli_each(void *context, int argc, char **argv,
	int (*action)(struct engine *e, const char *word, void *data), void *data);

/* One JSON object by --format: a template, or "json". */
int cli_print_document(const char *format, const struct buf *document);
/* The option --format of commands that show documents. */
struct cli_format_args {
	const char *format;
};
extern const struct opt cli_format_opts[];
/* The value of --tls-verify; NULL: not given. Speaks. */
int cli_tls_verify(const char *text, bool *out_is_unverified);

/* Follows the word of --pull (NULL: "missing"): lets the engine pull a missing image later, or
 * pulls `word` (which may be NULL) now. Speaks. */
int cli_pull_policy(struct engine *e, const char *policy, const char *word);

void cli_print_version(void);
/* Prints lines of the engine, escaped. */
void cli_print_lines(const struct strvec *lines);
/* Shows what each argument names: an array of objects, or each through the format. As by Docker, a
 * failure is reported and the other arguments follow; returns the exit code. */
int cli_inspect(void *context, const char *format, int argc, char **argv,
	int (*show)(struct engine *e, const char *name, struct buf *out));

/* The commands in the order of the help. A new one is added here, and to meson.build if it has its
 * own file. */
#define CLI_COMMANDS(X) \
	X(run), X(exec), X(ps), X(logs), X(stop), X(start), X(kill), X(rm), X(wait), X(inspect), \
		X(diff), X(images), X(load), X(history), X(image), X(pull), X(login), X(logout), \
		X(rmi), X(tag), X(save), X(network), X(volume), X(info), X(version), X(ns), \
		X(ended)
#define CLI_COMMAND_NAME(name) cmd_##name
extern const struct command CLI_COMMANDS(CLI_COMMAND_NAME);
