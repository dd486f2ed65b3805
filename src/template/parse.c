/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes a tree from the text of a template. Names of functions and variables are checked here, so
 * that a template with a mistake prints nothing at all.
 */
#include "template/tree.h"
#include "template/lex.h"
#include "base/err.h"
#include "base/str.h"

#include <errno.h>

struct parser {
	struct lexer lexer;
	struct token token; /* the next one */
	struct arena *arena;
	struct str_list scope; /* variables that are visible */
	size_t depth, loops;
};

static int advance(struct parser *p)
{
	return lex_token(&p->lexer, &p->token);
}

static int mistake(const struct parser *p, const char *expected)
{
	auto_buf struct buf found = BUF_INIT;
	token_print(&p->lexer, &p->token, &found);
	return template_err(p->lexer.text, p->token.position, -EINVAL, "expected %s, found %s",
		expected, found.data);
}

static int parse_pipeline(struct parser *p, bool is_range, struct pipeline **out);

static int deeper(struct parser *p)
{
	if (p->depth == TEMPLATE_DEPTH_MAX)
		return template_err(p->lexer.text, p->token.position, -EFBIG,
			"nested deeper than %d levels", TEMPLATE_DEPTH_MAX);
	p->depth++;
	return 0;
}

static int check_variable(struct parser *p, const char *name, size_t position)
{
	for (size_t i = 0; i < p->scope.count; i++)
		if (str_eq(p->scope.items[i], name))
			return 0;
	const char *nearest = str_nearest(name, p->scope.items, p->scope.count);
	return template_err(p->lexer.text, position, -EINVAL,
		"no variable %s is declared here%s%s%s", name, nearest ? "; did you mean " : "",
		nearest ? nearest : "", nearest ? "?" : "");
}

static int check_function(struct parser *p, const char *name, size_t position)
{
	if (template_function_find(name))
		return 0;
	const char *nearest = template_function_nearest(name);
	return template_err(p->lexer.text, position, -EINVAL, "there is no function \"%s\"%s%s%s",
		name, nearest ? "; did you mean \"" : "", nearest ? nearest : "",
		nearest ? "\"?" : "");
}

static int parse_parentheses(struct parser *p, struct term *term)
{
	struct pipeline *inner;
	term->kind = TERM_PIPELINE;
	int r = deeper(p);
	if (r == 0)
		r = advance(p);
	if (r == 0)
		r = parse_pipeline(p, false, &inner);
	if (r < 0)
		return r;
	p->depth--;
	term->pipeline = inner;
	return p->token.kind == TOKEN_CLOSE ? 0 : mistake(p, "\")\"");
}

/* Parses the operand that begins with the next token. Its last token is not consumed yet. */
static int parse_operand(struct parser *p, struct term *term)
{
	const struct token *token = &p->token;
	term->position = token->position;
	switch (token->kind) {
	case TOKEN_DOT:
		return 0;
	case TOKEN_FIELD:
		*arena_push(p->arena, &term->fields) = token->name;
		return 0;
	case TOKEN_VARIABLE:
		term->kind = TERM_VARIABLE;
		term->name = token->name;
		return check_variable(p, token->name, token->position);
	case TOKEN_WORD:
		term->kind = TERM_FUNCTION;
		term->name = token->name;
		return check_function(p, token->name, token->position);
	case TOKEN_LITERAL:
		term->kind = TERM_LITERAL;
		term->literal = token->literal;
		return 0;
	case TOKEN_OPEN:
		return parse_parentheses(p, term);
	case TOKEN_CLOSE:
	case TOKEN_PIPE:
	case TOKEN_COMMA:
	case TOKEN_DECLARE:
	case TOKEN_ASSIGN:
	case TOKEN_ACTION_END:
		break;
	}
	return mistake(p, "a value, a field or a function");
}

static int parse_term(struct parser *p, struct term *term)
{
	*term = (struct term){.kind = TERM_DOT};
	int r = parse_operand(p, term);
	if (r == 0)
		r = advance(p);
	while (r == 0 && p->token.kind == TOKEN_FIELD && !p->token.has_space) {
		if (term->kind == TERM_LITERAL || term->kind == TERM_FUNCTION)
			return mistake(p, "a space before the field");
		*arena_push(p->arena, &term->fields) = p->token.name;
		r = advance(p);
	}
	if (r == 0 && !p->token.has_space && token_begins_operand(&p->token))
		return mistake(p, "a space");
	return r;
}

static int parse_command(struct parser *p, struct command_terms *command)
{
	do {
		int r = parse_term(p, arena_push(p->arena, command));
		if (r < 0)
			return r;
	} while (token_begins_operand(&p->token));
	return 0;
}

/* `$x := `, `$x = `, `$i, $x := ` at the beginning of a pipeline. If there is none, the tokens are
 * read again. */
static int parse_declaration(struct parser *p, bool is_range, struct pipeline *pipeline)
{
	if (p->token.kind != TOKEN_VARIABLE)
		return 0;
	struct lexer saved_lexer = p->lexer;
	struct token first = p->token;
	const char *second = NULL;
	int r = advance(p);
	if (r == 0 && is_range && p->token.kind == TOKEN_COMMA) {
		r = advance(p);
		if (r == 0 && p->token.kind != TOKEN_VARIABLE)
			return mistake(p, "a second variable");
		second = p->token.name;
		if (r == 0)
			r = advance(p);
		if (r == 0 && p->token.kind != TOKEN_DECLARE && p->token.kind != TOKEN_ASSIGN)
			return mistake(p, "\":=\"");
	}
	if (r < 0)
		return r;
	if (p->token.kind != TOKEN_DECLARE && p->token.kind != TOKEN_ASSIGN) {
		p->lexer = saved_lexer;
		p->token = first;
		return 0;
	}
	pipeline->variables[0] = first.name;
	pipeline->variables[1] = second;
	pipeline->is_assignment = p->token.kind == TOKEN_ASSIGN;
	if (pipeline->is_assignment) {
		r = check_variable(p, first.name, first.position);
		if (r == 0 && second)
			r = check_variable(p, second, first.position);
	}
	return r < 0 ? r : advance(p);
}

static void declare(struct parser *p, const struct pipeline *pipeline)
{
	for (size_t i = 0; i < 2 && !pipeline->is_assignment; i++)
		if (pipeline->variables[i])
			*arena_push(p->arena, &p->scope) = pipeline->variables[i];
}

static int parse_pipeline(struct parser *p, bool is_range, struct pipeline **out)
{
	struct pipeline *pipeline = arena_new(p->arena, sizeof(*pipeline));
	pipeline->position = p->token.position;
	int r = parse_declaration(p, is_range, pipeline);
	while (r == 0) {
		struct command_terms *command = arena_push(p->arena, pipeline);
		r = parse_command(p, command);
		const struct term *head = command->items;
		if (r == 0 && pipeline->count > 1 && head->kind != TERM_FUNCTION)
			return template_err(p->lexer.text, head->position, -EINVAL,
				"expected a function after \"|\": only a function takes what comes "
				"through it");
		if (r < 0 || p->token.kind != TOKEN_PIPE)
			break;
		r = advance(p);
	}
	if (r < 0)
		return r;
	declare(p, pipeline);
	*out = pipeline;
	return 0;
}

static int expect_end_of_action(struct parser *p)
{
	return p->token.kind == TOKEN_ACTION_END ? 0 : mistake(p, "\"}}\", \"|\" or an argument");
}

/* What ended a list of nodes: the text's end or a word. */
enum list_end { END_OF_TEXT, END_END, END_ELSE };

static int parse_list(struct parser *p, struct node_list *list, enum list_end *out_end);

/* Parses if, with or range from after the word to its end. `else if` and `else with` become a node
 * inside the else part. */
static int parse_control(struct parser *p, struct node *node, size_t position)
{
	enum list_end end;
	size_t visible = p->scope.count;
	int r = deeper(p);
	if (r == 0)
		r = parse_pipeline(p, node->kind == NODE_RANGE, &node->pipeline);
	if (r == 0)
		r = expect_end_of_action(p);
	p->loops += node->kind == NODE_RANGE;
	if (r == 0)
		r = parse_list(p, &node->body, &end);
	p->loops -= node->kind == NODE_RANGE;
	if (r == 0 && end == END_ELSE) {
		bool is_chain = p->token.kind == TOKEN_WORD;
		bool is_same = is_chain &&
			((node->kind == NODE_IF && str_eq(p->token.name, "if")) ||
				(node->kind == NODE_WITH && str_eq(p->token.name, "with")));
		if (is_chain && !is_same)
			return mistake(p, "\"}}\" or the word it began with");
		if (is_chain) {
			struct node *chained = arena_push(p->arena, &node->otherwise);
			chained->kind = node->kind;
			r = advance(p);
			if (r == 0)
				r = parse_control(p, chained, position);
			end = END_END;
		} else {
			r = expect_end_of_action(p);
			if (r == 0)
				r = parse_list(p, &node->otherwise, &end);
		}
	}
	if (r < 0)
		return r;
	p->depth--;
	p->scope.count = visible;
	if (end == END_OF_TEXT)
		return template_err(p->lexer.text, position, -EINVAL,
			"expected {{end}} before the end of the template");
	if (end == END_ELSE)
		return template_err(p->lexer.text, p->token.position, -EINVAL,
			"expected {{end}}, found a second {{else}}");
	return 0;
}

enum { KEYWORD_END = 100, KEYWORD_ELSE, KEYWORD_UNKNOWN };

/* What the first word of an action begins; -1 when it is no keyword. */
static int keyword(const struct token *token)
{
	static const struct {
		const char *name;
		int what;
	} rows[] = {
		{"if", NODE_IF},
		{"with", NODE_WITH},
		{"range", NODE_RANGE},
		{"break", NODE_BREAK},
		{"continue", NODE_CONTINUE},
		{"end", KEYWORD_END},
		{"else", KEYWORD_ELSE},
		{"define", KEYWORD_UNKNOWN},
		{"template", KEYWORD_UNKNOWN},
		{"block", KEYWORD_UNKNOWN},
	};
	for (size_t i = 0; token->kind == TOKEN_WORD && i < sizeof(rows) / sizeof(rows[0]); i++)
		if (str_eq(rows[i].name, token->name))
			return rows[i].what;
	return -1;
}

static int parse_jump(struct parser *p, struct node_list *list, int what, size_t position)
{
	struct node *node = arena_push(p->arena, list);
	node->kind = what;
	if (p->loops == 0)
		return template_err(p->lexer.text, position, -EINVAL,
			"expected {{%s}} only inside {{range}}",
			what == NODE_BREAK ? "break" : "continue");
	return expect_end_of_action(p);
}

/* Parses one action; 1 when it ends the list. */
static int parse_action(struct parser *p, struct node_list *list, enum list_end *out_end)
{
	int r = advance(p);
	if (r < 0)
		return r;
	size_t position = p->token.position;
	int what = keyword(&p->token);
	if (what == KEYWORD_UNKNOWN)
		return mistake(
			p, "anything but define, template and block, which are not supported");
	if (what == -1) {
		struct node *node = arena_push(p->arena, list);
		node->kind = NODE_ACTION;
		r = parse_pipeline(p, false, &node->pipeline);
		return r < 0 ? r : expect_end_of_action(p);
	}
	r = advance(p);
	if (r < 0)
		return r;
	if (what == KEYWORD_ELSE || what == KEYWORD_END) {
		*out_end = what == KEYWORD_ELSE ? END_ELSE : END_END;
		if (p->depth == 0)
			return template_err(p->lexer.text, position, -EINVAL,
				"{{%s}} without {{if}}, {{with}} or {{range}}",
				what == KEYWORD_ELSE ? "else" : "end");
		r = what == KEYWORD_END ? expect_end_of_action(p) : 0;
		return r < 0 ? r : 1;
	}
	if (what == NODE_BREAK || what == NODE_CONTINUE)
		return parse_jump(p, list, what, position);
	struct node *node = arena_push(p->arena, list);
	node->kind = what;
	return parse_control(p, node, position);
}

/* Parses nodes up to {{end}}, {{else or the end of the text. After END_ELSE the next token is the
 * one after "else". */
static int parse_list(struct parser *p, struct node_list *list, enum list_end *out_end)
{
	for (;;) {
		const char *text;
		int has_action = lex_text(&p->lexer, p->arena, &text);
		if (has_action < 0)
			return has_action;
		if (text[0] != '\0')
			*arena_push(p->arena, list) = (struct node){
				.kind = NODE_TEXT, .text = text};
		if (!has_action) {
			*out_end = END_OF_TEXT;
			return 0;
		}
		int r = parse_action(p, list, out_end);
		if (r != 0)
			return r < 0 ? r : 0;
	}
}

int template_parse(const char *text, struct template **out)
{
	size_t len = strlen(text);
	if (len > TEMPLATE_BYTES_MAX)
		return err_say(-EFBIG, "template: expected at most %d bytes, found %zu",
			TEMPLATE_BYTES_MAX, len);
	auto_of(template) struct template *t = mem_new(sizeof(*t));
	t->text = arena_str(&t->arena, text);
	struct parser p = {.arena = &t->arena, .lexer = {.text = t->text, .arena = &t->arena}};
	*arena_push(p.arena, &p.scope) = "$";
	enum list_end end;
	int r = parse_list(&p, &t->nodes, &end);
	if (r < 0)
		return r;
	*out = take_ptr(&t);
	return 0;
}
