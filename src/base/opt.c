/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parses the options of one command by its table. The words of argv are read once, from left to
 * right. The meaning of a word depends only on the rows, never on words before it.
 */
#include "base/opt.h"
#include "base/internal.h"
#include "base/err.h"
#include "base/str.h"

#include <errno.h>
#include <string.h>

const struct opt opt_help_row = {
	.kind = OPT_KIND_FLAG,
	.short_name = 'h',
	.long_name = "help",
	.seen_offset = SIZE_MAX,
	.help = "show this help",
};

int opt_parse_u64(const char *text, void *field)
{
	return parse_u64(text, field);
}

int opt_parse_i64(const char *text, void *field)
{
	return parse_i64(text, field);
}

int opt_parse_size(const char *text, void *field)
{
	return parse_size(text, field);
}

int opt_parse_nano(const char *text, void *field)
{
	return parse_nano(text, field);
}

int opt_parse_duration(const char *text, void *field)
{
	return parse_duration(text, field);
}

const struct opt *opt_short_find(const struct opt *opts, char name)
{
	opt_each(row, opts) if (row->short_name == name) return row;
	return NULL;
}

const struct opt *opt_long_find(const struct opt *opts, const char *name)
{
	opt_each(row, opts) if (row->long_name && str_eq(row->long_name, name)) return row;
	return NULL;
}

bool opt_needs_value(const struct opt *row)
{
	return row->kind != OPT_KIND_FLAG && row->kind != OPT_KIND_OPTIONAL;
}

struct parser {
	const struct opt *opts;
	void *args;
	bool takes_prefixes;
	bool takes_help; /* --help is accepted: the table has no row for it */
	bool wants_help;
	/* The words that are left, from the one that is being read. */
	char **next;
};

/* The name of an option in messages: its long name, which says more, if it has one. */
static const char *row_name(const struct opt *row, char out[static 64])
{
	if (!row->long_name)
		fmt_n(out, 64, "-%c", row->short_name);
	else if (fmt_n(out, 64, "--%s", row->long_name) < 0)
		BUG("option name %s", row->long_name);
	return out;
}

static int row_parse_value(const struct opt *row, const char *value, void *field)
{
	int r = row->parse(value, field);
	if (r >= 0)
		return 0;
	char name[64];
	const char *expects = row->expects ? row->expects : row->value_name;
	if (r == -ERANGE)
		return err_say(-EINVAL, "%s: \"%s\" is out of range (expected %s)",
			row_name(row, name), value, expects);
	return err_say(-EINVAL, "%s: \"%s\" is not %s", row_name(row, name), value, expects);
}

static int row_parse_flag(const struct opt *row, const char *value, bool *field)
{
	char name[64];
	if (!value)
		*field = true;
	else if (parse_bool(value, field) < 0)
		return err_say(
			-EINVAL, "%s: \"%s\" is not true or false", row_name(row, name), value);
	return 0;
}

/* Stores one option; value is NULL for a flag, or for an optional value that was not given. */
static int row_store(struct parser *p, const struct opt *row, const char *value)
{
	if (row == &opt_help_row)
		return row_parse_flag(row, value, &p->wants_help);

	char *args = p->args;
	void *field = args + row->offset;
	int r = 0;
	switch (row->kind) {
	case OPT_KIND_FLAG:
		r = row_parse_flag(row, value, field);
		break;
	case OPT_KIND_STRING:
	case OPT_KIND_HIDDEN:
		*(const char **)field = value;
		break;
	case OPT_KIND_OPTIONAL:
		*(const char **)field = value ? value : "";
		break;
	case OPT_KIND_LIST:
		strvec_push(field, value);
		break;
	case OPT_KIND_ITEM:
		r = row->add(value, (struct arena *)(args + row->arena_offset), field);
		break;
	case OPT_KIND_VALUE:
		r = row_parse_value(row, value, field);
		break;
	case OPT_KIND_END:
		BUG("option without a kind");
	}
	if (r == 0 && row->seen_offset != SIZE_MAX)
		*(bool *)(args + row->seen_offset) = true;
	return r;
}

int opt_add_word(const char *text, struct arena *a, void *list)
{
	*arena_push(a, (struct str_list *)list) = text;
	return 0;
}

/* The long name nearest to a wrong one; hidden options are not suggested. */
static const char *nearest_long(const struct parser *p, const char *name)
{
	size_t count = 0;
	opt_each(row, p->opts) count++;
	auto_free const char **words = mem_new((count + 1) * sizeof(*words));
	count = 0;
	opt_each(row, p->opts) if (row->long_name && row->kind != OPT_KIND_HIDDEN)
		words[count++] = row->long_name;
	if (p->takes_help)
		words[count++] = opt_help_row.long_name;
	return str_nearest(name, words, count);
}

static int say_unknown_long(const struct parser *p, const char *name)
{
	const char *nearest = nearest_long(p, name);
	if (nearest)
		return err_say(-EINVAL, "unknown flag: --%s; did you mean --%s?", name, nearest);
	return err_say(-EINVAL, "unknown flag: --%s", name);
}

static bool row_begins_with(const struct opt *row, const char *prefix)
{
	return row->long_name && row->kind != OPT_KIND_HIDDEN && str_prefix(row->long_name, prefix);
}

static int say_ambiguous(const struct parser *p, const char *prefix)
{
	auto_buf struct buf names = BUF_INIT;
	opt_each(row, p->opts) if (row_begins_with(row, prefix))
		buf_addf(&names, "%s--%s", names.len ? ", " : "", row->long_name);
	if (p->takes_help && row_begins_with(&opt_help_row, prefix))
		buf_adds(&names, ", --help");
	return err_say(-EINVAL, "ambiguous flag: --%s (could be %s)", prefix, names.data);
}

/* The row named `name`, or (if prefixes are accepted) the only one that begins with it.
 * Speaking. */
static int long_row(const struct parser *p, const char *name, const struct opt **out_row)
{
	const struct opt *row = opt_long_find(p->opts, name);
	if (!row && p->takes_help && str_eq(name, opt_help_row.long_name))
		row = &opt_help_row;
	unsigned matches = row ? 1 : 0;
	if (!row && p->takes_prefixes && *name != '\0') {
		opt_each(each, p->opts)
		{
			if (row_begins_with(each, name)) {
				row = each;
				matches++;
			}
		}
		if (p->takes_help && row_begins_with(&opt_help_row, name)) {
			row = &opt_help_row;
			matches++;
		}
	}
	if (matches == 0)
		return say_unknown_long(p, name);
	if (matches > 1)
		return say_ambiguous(p, name);
	*out_row = row;
	return 0;
}

/* --name, --name=VALUE or --name VALUE, at p->next. */
static int parse_long(struct parser *p)
{
	const char *word = *p->next++ + 2;
	const char *equals = strchr(word, '=');
	auto_buf struct buf name = BUF_INIT;
	buf_add(&name, word, equals ? (size_t)(equals - word) : strlen(word));

	const struct opt *row = NULL;
	int r = long_row(p, name.data, &row);
	if (r < 0)
		return r;
	const char *value = equals ? equals + 1 : NULL;
	if (!value && opt_needs_value(row)) {
		if (!*p->next)
			return err_say(-EINVAL, "flag needs an argument: --%s", row->long_name);
		value = *p->next++;
	}
	return row_store(p, row, value);
}

/* -a, -abc, -pVALUE, -p VALUE or (as in Docker) -p=VALUE, at p->next. */
static int parse_short(struct parser *p)
{
	const char *word = *p->next++;
	for (const char *at = word + 1; *at != '\0'; at++) {
		const struct opt *row = opt_short_find(p->opts, *at);
		if (!row && p->takes_help && *at == opt_help_row.short_name)
			row = &opt_help_row;
		if (!row)
			return err_say(-EINVAL, "unknown shorthand flag: '%c' in %s", *at, word);

		const char *value = NULL;
		if (at[1] == '=')
			value = at + 2;
		else if (opt_needs_value(row))
			value = at[1] != '\0' ? at + 1 : *p->next;
		if (opt_needs_value(row) && !value)
			return err_say(-EINVAL, "flag needs an argument: '%c' in %s", *at, word);
		if (value == *p->next && value)
			p->next++;
		int r = row_store(p, row, value);
		if (r < 0 || value)
			return r;
	}
	return 0;
}

/* Moves the words that are no options behind those that are, and keeps the order of both. */
static void argv_permute(char **argv, char *const *plain, size_t plain_count, size_t count)
{
	size_t kept = 0;
	size_t at_plain = 0;
	for (size_t i = 0; i < count; i++) {
		if (at_plain < plain_count && argv[i] == plain[at_plain])
			at_plain++;
		else
			argv[kept++] = argv[i];
	}
	for (size_t i = 0; i < plain_count; i++)
		argv[kept + i] = plain[i];
}

static bool is_option(const char *word)
{
	return word[0] == '-' && word[1] != '\0';
}

int opt_parse_or_help(const struct command *c, int argc, char **argv, void *args,
	bool *out_wants_help, int *out_first)
{
	struct parser p = {
		.opts = c->opts,
		.args = args,
		.takes_prefixes = c->flags & COMMAND_TAKES_PREFIXES,
		.takes_help = out_wants_help && !opt_long_find(c->opts, opt_help_row.long_name),
		.next = argv,
	};
	char **end = argv + argc;
	auto_free char **plain = mem_new(((size_t)argc + 1) * sizeof(*plain));
	size_t plain_count = 0;

	while (p.next < end && !p.wants_help) {
		const char *word = *p.next;
		if (!is_option(word)) {
			if (!(c->flags & COMMAND_OPTIONS_MIXED))
				break;
			plain[plain_count++] = *p.next++;
			continue;
		}
		if (str_eq(word, "--")) {
			p.next++;
			break;
		}
		int r = word[1] == '-' ? parse_long(&p) : parse_short(&p);
		if (r < 0)
			return r;
	}
	size_t seen = (size_t)(p.next - argv);
	argv_permute(argv, plain, plain_count, seen);
	if (out_wants_help)
		*out_wants_help = p.wants_help;
	*out_first = (int)(seen - plain_count);
	return 0;
}

int opt_parse_args(const struct command *c, int argc, char **argv, void *args, int *out_first)
{
	return opt_parse_or_help(c, argc, argv, args, NULL, out_first);
}

void opt_release(const struct opt *opts, void *args)
{
	opt_each(row, opts)
	{
		if (row->kind == OPT_KIND_LIST)
			strvec_release((struct strvec *)((char *)args + row->offset));
		else if (row->kind == OPT_KIND_ITEM)
			arena_release((struct arena *)((char *)args + row->arena_offset));
	}
}
