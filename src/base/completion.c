/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shell completion from the tables. Each script follows the words before the cursor down the tree
 * of commands. Then it offers the commands and options of that place. For values and arguments it
 * offers file names.
 */
#include "base/internal.h"
#include "base/err.h"
#include "base/str.h"

#include <errno.h>

/* How a shell writes a case over "$place $word", in parts. All patterns are in single quotes. */
struct syntax {
	const char *first; /* before the first pattern of a case */
	const char *either; /* between two patterns */
	const char *then; /* after the last */
	const char *end; /* after the case's command */
	const char *descend; /* followed by the new place in quotes */
	const char *skip_value;
	const char *any_first; /* around a place ("husk rm"): a case for every word after it */
	const char *any_last;
};

static const struct syntax posix_syntax = {
	.first = "\t\t",
	.either = "|",
	.then = ") ",
	.end = " ;;\n",
	.descend = "place=",
	.skip_value = "takes_value=1",
	.any_first = "\t\t'",
	.any_last = " '*) ;;\n",
};

static const struct syntax fish_syntax = {
	.first = "\t\t\tcase ",
	.either = " ",
	.then = "\n\t\t\t\t",
	.end = "\n",
	.descend = "set place ",
	.skip_value = "set takes_value 1",
	.any_first = "\t\t\tcase '",
	.any_last = " *'\n",
};

struct script {
	struct buf *out;
	const struct syntax *syntax;
	const char *program;
	const char *function; /* the program's name as part of a function's name */
};

/* Adds text in single quotes. Each shell ends the quoted part before an escaped quote, and begins
 * another one after it. */
static void add_quoted(struct buf *out, const char *text)
{
	buf_addc(out, '\'');
	for (; *text != '\0'; text++) {
		if (*text == '\'')
			buf_adds(out, "'\\''");
		else
			buf_addc(out, *text);
	}
	buf_addc(out, '\'');
}

static void walk(const struct command *root, struct script *s,
	void (*visit)(const struct command *c, const char *path, void *arg))
{
	command_walk(root, &(struct command_visitor){.visit = visit, .arg = s});
}

static void add_descents(struct script *s, const struct command *c, const char *path)
{
	command_each(sub, c)
	{
		if ((*sub)->flags & COMMAND_HIDDEN)
			continue;
		buf_addf(s->out, "%s'%s %s'", s->syntax->first, path, (*sub)->name);
		if ((*sub)->alias)
			buf_addf(s->out, "%s'%s %s'", s->syntax->either, path, (*sub)->alias);
		buf_addf(s->out, "%s%s'%s %s'%s", s->syntax->then, s->syntax->descend, path,
			(*sub)->name, s->syntax->end);
	}
}

static void add_value_options(struct script *s, const struct command *c, const char *path)
{
	const char *before = s->syntax->first;
	opt_each_shown(row, c)
	{
		if (!opt_needs_value(row))
			continue;
		if (row->long_name) {
			buf_addf(s->out, "%s'%s --%s'", before, path, row->long_name);
			before = s->syntax->either;
		}
		if (row->short_name) {
			buf_addf(s->out, "%s'%s -%c'", before, path, row->short_name);
			before = s->syntax->either;
		}
	}
	if (before == s->syntax->either)
		buf_addf(s->out, "%s%s%s", s->syntax->then, s->syntax->skip_value, s->syntax->end);
}

/* The cases of one place: a name leads to the place below, some options take the next word. */
static void visit_cases(const struct command *c, const char *path, void *arg)
{
	struct script *s = arg;
	add_descents(s, c, path);
	add_value_options(s, c, path);
}

/* Where options may follow arguments, any word keeps the place. */
static void visit_mixed(const struct command *c, const char *path, void *arg)
{
	struct script *s = arg;
	if (c->flags & COMMAND_OPTIONS_MIXED)
		buf_addf(s->out, "%s%s%s", s->syntax->any_first, path, s->syntax->any_last);
}

static void add_all_cases(struct script *s, const struct command *root)
{
	walk(root, s, visit_cases);
	walk(root, s, visit_mixed);
}

static void visit_bash_words(const struct command *c, const char *path, void *arg)
{
	struct script *s = arg;
	buf_addf(s->out, "\t'%s')\n\t\tnames='", path);
	const char *before = "";
	command_each(sub, c)
	{
		if ((*sub)->flags & COMMAND_HIDDEN)
			continue;
		buf_addf(s->out, "%s%s", before, (*sub)->name);
		before = " ";
	}
	buf_adds(s->out, "'\n\t\toptions='");
	before = "";
	opt_each_shown(row, c)
	{
		if (row->long_name)
			buf_addf(s->out, "%s--%s", before, row->long_name);
		else
			buf_addf(s->out, "%s-%c", before, row->short_name);
		before = " ";
	}
	buf_adds(s->out, "'\n\t\t;;\n");
}

static void write_bash(struct script *s, const struct command *root)
{
	buf_addf(s->out,
		"# bash completion for %s; made from its tables.\n"
		"_%s()\n{\n"
		"\tlocal current=${COMP_WORDS[COMP_CWORD]} place='%s' word takes_value argument=0\n"
		"\tlocal names= options= i\n"
		"\tCOMPREPLY=()\n"
		"\tfor ((i = 1; i < COMP_CWORD && ! argument; i++)); do\n"
		"\t\tword=${COMP_WORDS[i]} takes_value=0\n"
		"\t\tcase \"$place $word\" in\n",
		s->program, s->function, s->program);
	add_all_cases(s, root);
	/* bash cuts --name=value into three words. */
	buf_adds(s->out,
		"\t\t*' -'*) ;;\n"
		"\t\t*) argument=1 ;;\n"
		"\t\tesac\n"
		"\t\tif [[ ${COMP_WORDS[i + 1]} == '=' ]]; then\n"
		"\t\t\t((i += 2))\n"
		"\t\telif ((takes_value)); then\n"
		"\t\t\t((i++))\n"
		"\t\tfi\n"
		"\tdone\n"
		"\tif ((argument || i > COMP_CWORD)); then\n"
		"\t\treturn 0\n"
		"\tfi\n"
		"\tcase $place in\n");
	walk(root, s, visit_bash_words);
	buf_addf(s->out,
		"\tesac\n"
		"\tif [[ $current == -* ]]; then\n"
		"\t\tCOMPREPLY=($(compgen -W \"$options\" -- \"$current\"))\n"
		"\telif [[ $names ]]; then\n"
		"\t\tCOMPREPLY=($(compgen -W \"$names\" -- \"$current\"))\n"
		"\t\tcompopt +o default 2>/dev/null\n"
		"\tfi\n"
		"\treturn 0\n"
		"}\n"
		"complete -o default -F _%s %s\n",
		s->function, s->program);
}

static void add_described(struct script *s, const char *name, const char *text)
{
	auto_free char *item = mem_printf("%s:%s", name, text ? text : "");
	buf_adds(s->out, "\n\t\t\t");
	add_quoted(s->out, item);
}

static void visit_zsh_words(const struct command *c, const char *path, void *arg)
{
	struct script *s = arg;
	buf_addf(s->out, "\t('%s')\n\t\tnames=(", path);
	command_each(sub, c) if (!((*sub)->flags & COMMAND_HIDDEN))
		add_described(s, (*sub)->name, (*sub)->summary);
	buf_adds(s->out, ")\n\t\toptions=(");
	opt_each_shown(row, c)
	{
		char name[64];
		bool is_long = row->long_name && fmt(name, "--%s", row->long_name) >= 0;
		if (!is_long)
			fmt(name, "-%c", row->short_name);
		add_described(s, name, row->help);
	}
	buf_adds(s->out, ")\n\t\t;;\n");
}

static void write_zsh(struct script *s, const struct command *root)
{
	buf_addf(s->out,
		"#compdef %s\n"
		"# zsh completion for %s; made from its tables.\n"
		"_%s()\n{\n"
		"\tlocal place='%s' word takes_value=0 argument=0 i\n"
		"\tlocal -a names options\n"
		"\tfor ((i = 2; i < CURRENT && ! argument; i++)); do\n"
		"\t\tword=${words[i]} takes_value=0\n"
		"\t\tcase \"$place $word\" in\n",
		s->program, s->program, s->function, s->program);
	add_all_cases(s, root);
	buf_adds(s->out,
		"\t\t*' -'*) ;;\n"
		"\t\t*) argument=1 ;;\n"
		"\t\tesac\n"
		"\t\t((i += takes_value))\n"
		"\tdone\n"
		"\tif ((argument || i > CURRENT)); then\n"
		"\t\t_files\n"
		"\t\treturn\n"
		"\tfi\n"
		"\tcase $place in\n");
	walk(root, s, visit_zsh_words);
	buf_addf(s->out,
		"\tesac\n"
		"\tif [[ ${words[CURRENT]} == -* ]]; then\n"
		"\t\t_describe -o option options\n"
		"\telif (($#names)); then\n"
		"\t\t_describe command names\n"
		"\telse\n"
		"\t\t_files\n"
		"\tfi\n"
		"}\n"
		"if [[ $funcstack[1] == _%s ]]; then\n"
		"\t_%s \"$@\"\n"
		"else\n"
		"\tcompdef _%s %s\n"
		"fi\n",
		s->function, s->function, s->function, s->program);
}

static void add_fish_line(struct script *s, const char *path, const char *text)
{
	buf_addf(s->out, "complete -c %s -n '__%s_at \"%s\"'", s->program, s->function, path);
	if (text) {
		buf_adds(s->out, " -d ");
		add_quoted(s->out, text);
	}
}

static void visit_fish_words(const struct command *c, const char *path, void *arg)
{
	struct script *s = arg;
	command_each(sub, c)
	{
		if ((*sub)->flags & COMMAND_HIDDEN)
			continue;
		add_fish_line(s, path, (*sub)->summary);
		buf_addf(s->out, " -f -a %s\n", (*sub)->name);
	}
	opt_each_shown(row, c)
	{
		char letter = opt_shown_letter(c, row);
		add_fish_line(s, path, row->help);
		if (row->long_name)
			buf_addf(s->out, " -l %s", row->long_name);
		if (letter != '\0')
			buf_addf(s->out, " -s %c", letter);
		buf_adds(s->out, opt_needs_value(row) ? " -r\n" : "\n");
	}
}

static void write_fish(struct script *s, const struct command *root)
{
	buf_addf(s->out,
		"# fish completion for %s; made from its tables.\n"
		"function __%s_at\n"
		"\tset -l place '%s'\n"
		"\tset -l takes_value 0\n"
		"\tset -l words (commandline -opc)\n"
		"\tset -e words[1]\n"
		"\tfor word in $words\n"
		"\t\tif test $takes_value = 1\n"
		"\t\t\tset takes_value 0\n"
		"\t\t\tcontinue\n"
		"\t\tend\n"
		"\t\tswitch \"$place $word\"\n",
		s->program, s->function, s->program);
	add_all_cases(s, root);
	buf_adds(s->out,
		"\t\t\tcase '* -*'\n"
		"\t\t\tcase '*'\n"
		"\t\t\t\treturn 1\n"
		"\t\tend\n"
		"\tend\n"
		"\ttest $takes_value = 0 -a \"$place\" = \"$argv[1]\"\n"
		"end\n");
	walk(root, s, visit_fish_words);
}

int command_completion(const struct command *root, const char *shell, struct buf *out)
{
	static const struct {
		const char *name;
		const struct syntax *syntax;
		void (*write)(struct script *s, const struct command *root);
	} shells[] = {
		{"bash", &posix_syntax, write_bash},
		{"zsh", &posix_syntax, write_zsh},
		{"fish", &fish_syntax, write_fish},
	};

	char function[64];
	if (fmt(function, "%s", root->name) < 0)
		BUG("program name %s", root->name);
	for (char *c = function; *c != '\0'; c++)
		if (*c == '-' || *c == '.')
			*c = '_';

	for (size_t i = 0; i < sizeof(shells) / sizeof(shells[0]); i++) {
		if (!str_eq(shell, shells[i].name))
			continue;
		struct script s = {
			.out = out,
			.syntax = shells[i].syntax,
			.program = root->name,
			.function = function,
		};
		shells[i].write(&s, root);
		return 0;
	}
	return err_say(-EINVAL, "no completion for %s; there is one for bash, zsh and fish", shell);
}
