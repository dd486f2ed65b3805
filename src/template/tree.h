/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The tree that template_parse makes and template_execute runs, and the values in it. */
#include "template/template.h"

struct value {
	enum value_kind {
		VALUE_NONE, /* the value of a key that a map lacks */
		VALUE_NULL,
		VALUE_BOOL,
		VALUE_INTEGER,
		VALUE_FRACTION,
		VALUE_STRING,
		VALUE_LIST,
		VALUE_MAP,
	} kind;
	bool is_true; /* of VALUE_BOOL */
	bool is_struct; /* of VALUE_MAP: a missing field is an error */
	union {
		int64_t integer;
		double fraction;
		const char *string;
		const struct value *items; /* of VALUE_LIST, and of VALUE_MAP beside its keys */
	};
	const char *const *keys; /* of VALUE_MAP, sorted */
	size_t count;
};

struct pipeline;

/* An operand and the fields that follow it: `.A.B`, `$x.A`, `(index .A 0).B`. */
struct term {
	enum term_kind { TERM_DOT, TERM_VARIABLE, TERM_FUNCTION, TERM_LITERAL, TERM_PIPELINE } kind;
	size_t position; /* in the text */
	const char *name; /* of a variable or function */
	struct value literal;
	const struct pipeline *pipeline;
	struct str_list fields;
};

struct command_terms {
	struct term *items;
	size_t count;
};

struct pipeline {
	size_t position;
	const char *variables[2]; /* what it declares or assigns, NULL when nothing */
	bool is_assignment;
	struct command_terms *items;
	size_t count;
};

struct node;

struct node_list {
	struct node *items;
	size_t count;
};

struct node {
	enum node_kind {
		NODE_TEXT,
		NODE_ACTION,
		NODE_IF,
		NODE_WITH,
		NODE_RANGE,
		NODE_BREAK,
		NODE_CONTINUE
	} kind;
	const char *text;
	struct pipeline *pipeline;
	struct node_list body, otherwise;
};

struct template
{
	struct arena arena;
	const char *text;
	struct node_list nodes;
};

/* Starts a sentence with the line and column of a position and returns code. */
int template_err(const char *text, size_t position, int code, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* One run of a template; what it makes is in its arena. */
struct template_run {
	struct arena arena;
	const struct template *template;
	struct buf *out;
	size_t out_start, steps, depth;
	enum template_escape escape;
	bool is_head;
	struct variable *variables;
	size_t variables_count, variables_room;
};

/* The functions (functions.c), by name; NULL when there is none. Of `and` and `or` only the names
 * are in the table: they do not evaluate all their arguments. */
struct template_function {
	const char *name;
	size_t min_args, max_args;
	bool is_text_change; /* returns its text unchanged in heads */
	int (*call)(struct template_run *run, const struct value *args, size_t count,
		struct value *out);
};
const struct template_function *template_function_find(const char *name);
/* The nearest name, or NULL. */
const char *template_function_nearest(const char *name);

/* Values (value.c). */
struct value value_string(const char *s);
struct value value_bool(bool flag);
struct value value_integer(int64_t number);
bool value_is_true(const struct value *v);
const char *value_type(const struct value *v);
/* The document as a value. */
struct value value_from_json(const struct json_cursor *c, struct arena *a);
/* The value under a key of a map, or NULL. */
const struct value *value_get(const struct value *map, const char *key);
/* Prints it as Go does for %v, and as compact JSON. */
void value_print(const struct value *v, struct buf *out);
void value_print_json(const struct value *v, struct buf *out);

/* printf (printf.c): the result is at most TEMPLATE_OUTPUT_MAX long, else -EFBIG. */
int template_printf(
	struct template_run *run, const struct value *args, size_t count, struct value *out);
