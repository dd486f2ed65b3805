/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Option tables and command tables. One row gives parsing, --help, errors, "did you mean",
 * completion and the OPTIONS section that check-man compares with the page. argv is read once.
 * Rules (Docker's and getopt_long's): -abc, -p8080:80, -p 8080:80, -p=VALUE, --name=x, --name x,
 * --flag=true or =false; `--` ends options; so does the first argument, unless the command has
 * COMMAND_OPTIONS_MIXED. Unique prefixes of long options only with COMMAND_TAKES_PREFIXES (Docker
 * has none). A value may begin with '-'.
 */
#include "base/arena.h"
#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum opt_kind {
	OPT_KIND_END,
	OPT_KIND_FLAG, /* bool */
	OPT_KIND_STRING, /* const char *, borrowed from argv; the last one wins */
	OPT_KIND_LIST, /* struct strvec */
	OPT_KIND_ITEM, /* a list in an arena of the struct; `add` appends, opt_release releases */
	OPT_KIND_VALUE, /* parsed by `parse` into the field */
	OPT_KIND_OPTIONAL, /* const char *, --name or --name=VALUE; without a value: "" */
	OPT_KIND_HIDDEN, /* as OPT_KIND_STRING, not in the help: accepted for compatibility */
};

/* Parses text into the field; silent, -errno. The message is made from the row. */
typedef int (*opt_parse)(const char *text, void *field);
/* Parses text and appends the result to the list, which may borrow from text. Speaking. */
typedef int (*opt_add)(const char *text, struct arena *a, void *list);

struct command;
struct opt {
	enum opt_kind kind;
	char short_name; /* or 0 */
	const char *long_name;
	size_t offset;
	size_t seen_offset; /* of a bool that is set when the option was given; SIZE_MAX: none */
	const char *value_name; /* "SIZE" */
	opt_parse parse;
	const char *expects; /* a description of right values: "a size such as 512k, 100m or 2g" */
	const char *help;
	opt_add add;
	size_t arena_offset; /* of the arena for `add` */
};

#define OPT_FIELD_IS(type, args, field) \
	offsetof(args, field) + \
		0 * \
			sizeof(char[__builtin_types_compatible_p(type, typeof(((args *)0)->field)) \
					? 1 \
					: -1])

#define OPT_FLAG(s, l, args, field, text) \
	{ \
		OPT_KIND_FLAG, s, l, OPT_FIELD_IS(bool, args, field), SIZE_MAX, NULL, NULL, NULL, \
			text \
	}
#define OPT_STRING(s, l, args, field, value, text) \
	{ \
		OPT_KIND_STRING, s, l, OPT_FIELD_IS(const char *, args, field), SIZE_MAX, value, \
			NULL, NULL, text \
	}
#define OPT_OPTIONAL(s, l, args, field, value, text) \
	{ \
		OPT_KIND_OPTIONAL, s, l, OPT_FIELD_IS(const char *, args, field), SIZE_MAX, value, \
			NULL, NULL, text \
	}
#define OPT_LIST(s, l, args, field, value, text) \
	{ \
		OPT_KIND_LIST, s, l, OPT_FIELD_IS(struct strvec, args, field), SIZE_MAX, value, \
			NULL, NULL, text \
	}
#define OPT_ITEM(s, l, args, field, arena, value, adder, text) \
	{ \
		.kind = OPT_KIND_ITEM, .short_name = s, .long_name = l, \
		.offset = offsetof(args, field), .seen_offset = SIZE_MAX, .value_name = value, \
		.help = text, .add = adder, \
		.arena_offset = OPT_FIELD_IS(struct arena, args, arena) \
	}
#define OPT_VALUE(s, l, args, field, value, parser, expected, text) \
	{ \
		OPT_KIND_VALUE, s, l, offsetof(args, field), SIZE_MAX, value, parser, expected, \
			text \
	}
/* As OPT_VALUE; the bool `seen` tells a value of 0 from "not given". */
#define OPT_VALUE_SEEN(s, l, args, field, seen, value, parser, expected, text) \
	{ \
		OPT_KIND_VALUE, s, l, offsetof(args, field), OPT_FIELD_IS(bool, args, seen), \
			value, parser, expected, text \
	}
/* Accepted with a value, but not shown in the help, the completions and the suggestions. */
#define OPT_HIDDEN(s, l, args, field) \
	{ \
		OPT_KIND_HIDDEN, s, l, OPT_FIELD_IS(const char *, args, field), SIZE_MAX, NULL, \
			NULL, NULL, NULL \
	}
#define OPT_END \
	{ \
		.kind = OPT_KIND_END \
	}

int opt_add_word(const char *text, struct arena *a, void *list); /* struct str_list */

/* Parsers of common values for OPT_VALUE. */
int opt_parse_u64(const char *text, void *field); /* uint64_t */
int opt_parse_i64(const char *text, void *field); /* int64_t */
int opt_parse_size(const char *text, void *field); /* uint64_t, bytes */
int opt_parse_nano(const char *text, void *field); /* uint64_t, billionths */
int opt_parse_duration(const char *text, void *field); /* uint64_t, nanoseconds */

/* Parses the options of one command; *out_first is the index of the first argument. Speaking:
 * -EINVAL. The caller releases the lists with opt_release. With COMMAND_OPTIONS_MIXED argv is
 * permuted, arguments last. argv begins after the command's name and argv[argc] is NULL. "--help"
 * and "-h" are options like any other here. */
int opt_parse_args(const struct command *c, int argc, char **argv, void *args, int *out_first);
void opt_release(const struct opt *opts, void *args);
