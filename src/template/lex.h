/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The words of a template: text between actions, and tokens inside them. */
#include "template/tree.h"

struct token {
	enum token_kind {
		TOKEN_DOT, /* TOKEN_DOT to TOKEN_OPEN begin an operand */
		TOKEN_FIELD, /* .Name, name without the dot */
		TOKEN_VARIABLE, /* $ or $name, name with the dollar */
		TOKEN_WORD,
		TOKEN_LITERAL,
		TOKEN_OPEN,
		TOKEN_CLOSE,
		TOKEN_PIPE,
		TOKEN_COMMA,
		TOKEN_DECLARE,
		TOKEN_ASSIGN,
		TOKEN_ACTION_END, /* }} */
	} kind;
	bool has_space; /* before it */
	size_t position, end;
	const char *name;
	struct value literal;
};

struct lexer {
	const char *text;
	size_t at;
	bool trims; /* the last action ended in -}} */
	struct arena *arena;
};

/* The text up to the next action, trimmed; 1 when an action follows (comments are skipped), 0 at
 * the end. */
int lex_text(struct lexer *l, struct arena *a, const char **out_text);
/* The next token of an action. Speaking: -EINVAL. */
int lex_token(struct lexer *l, struct token *out);
bool token_begins_operand(const struct token *token);
/* The token as it stands in the text, for messages. */
void token_print(const struct lexer *l, const struct token *token, struct buf *out);
