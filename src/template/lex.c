/* SPDX-License-Identifier: Apache-2.0 */
/* Cutting a template into text and tokens: trim markers, comments, strings, numbers, names. */
#include "template/lex.h"
#include "base/err.h"
#include "base/str.h"

#include <errno.h>

static const char blanks[] = " \t\r\n";

int template_err(const char *text, size_t position, int code, const char *format, ...)
{
	size_t line = 1, column = 1;
	for (size_t i = 0; i < position && text[i] != '\0'; i++) {
		column = text[i] == '\n' ? 1 : column + 1;
		line += text[i] == '\n';
	}
	auto_buf struct buf words = BUF_INIT;
	va_list args;
	va_start(args, format);
	buf_vaddf(&words, format, args);
	va_end(args);
	return err_say(code, "template: line %zu, column %zu: %s", line, column, words.data);
}

static int refuse(const struct lexer *l, size_t position, const char *words)
{
	return template_err(l->text, position, -EINVAL, "%s", words);
}

/* " -}}" is a marker only with its blank; "-3}}" is a number. */
static bool at_trimmed_end(const char *s)
{
	return s[0] != '\0' && strchr(blanks, s[0]) && str_prefix(s + strspn(s, blanks), "-}}") &&
		strspn(s, blanks) > 0;
}

/* Skips a comment with its braces: 1 when there was one. */
static int skip_comment(struct lexer *l)
{
	const char *s = l->text + l->at;
	if (!str_prefix(s, "/*"))
		return 0;
	const char *end = strstr(s + 2, "*/");
	if (!end)
		return refuse(l, l->at, "expected \"*/\" at the end of the comment");
	const char *after = end + 2;
	l->trims = at_trimmed_end(after);
	if (l->trims)
		after += strspn(after, blanks) + 1;
	if (!str_prefix(after, "}}"))
		return refuse(
			l, (size_t)(after - l->text), "expected \"}}\" right after the comment");
	l->at = (size_t)(after - l->text) + 2;
	return 1;
}

int lex_text(struct lexer *l, struct arena *a, const char **out_text)
{
	auto_buf struct buf text = BUF_INIT;
	int has_comment;
	do {
		if (l->trims)
			l->at += strspn(l->text + l->at, blanks);
		l->trims = false;
		const char *begin = l->text + l->at;
		const char *action = strstr(begin, "{{");
		size_t len = action ? (size_t)(action - begin) : strlen(begin);
		l->at += len + (action ? 2 : 0);
		bool trims_before = action && action[2] == '-' && action[3] != '\0' &&
			strchr(blanks, action[3]);
		while (trims_before && len > 0 && strchr(blanks, begin[len - 1]))
			len--;
		buf_add(&text, begin, len);
		if (!action) {
			*out_text = arena_str(a, text.data);
			return 0;
		}
		if (trims_before)
			l->at += 1 + strspn(action + 3, blanks);
		has_comment = skip_comment(l);
	} while (has_comment > 0);
	*out_text = arena_str(a, text.data);
	return has_comment < 0 ? has_comment : 1;
}

static bool is_name_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		c == '_' || (unsigned char)c >= 0x80;
}

static size_t name_length(const char *s)
{
	size_t len = 0;
	while (is_name_byte(s[len]))
		len++;
	return len;
}

static void add_utf8(struct buf *out, uint32_t code)
{
	if (code < 0x80) {
		buf_addc(out, (char)code);
		return;
	}
	unsigned more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
	static const unsigned char marks[] = {0, 0xc0, 0xe0, 0xf0};
	buf_addc(out, (char)(marks[more] | code >> (6 * more)));
	while (more-- > 0)
		buf_addc(out, (char)(0x80 | (code >> (6 * more) & 0x3f)));
}

static int hex_digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	char lower = c >= 'A' && c <= 'F' ? (char)(c + 'a' - 'A') : c;
	const char *at = c != '\0' ? strchr(digits, lower) : NULL;
	return at ? (int)(at - digits) : -1;
}

/* \xNN, \uNNNN, \UNNNNNNNN: returns how many bytes of s were used; 0 when this is no escape. */
static size_t add_hex_escape(const char *s, struct buf *out)
{
	size_t digits = *s == 'x' ? 2 : *s == 'u' ? 4 : *s == 'U' ? 8 : 0;
	uint32_t code = 0;
	for (size_t i = 1; i <= digits; i++) {
		int digit = hex_digit(s[i]);
		if (digit < 0)
			return 0;
		code = code << 4 | (uint32_t)digit;
	}
	bool is_character = code > 0 && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
	if (digits == 0 || !is_character)
		return 0;
	if (digits == 2)
		buf_addc(out, (char)code);
	else
		add_utf8(out, code);
	return digits + 1;
}

/* The escape after a backslash: returns how many bytes it has; 0 when this is no escape. */
static size_t add_escape(const char *s, char quote, struct buf *out)
{
	static const char names[] = "abfnrtv\\";
	static const char bytes[] = "\a\b\f\n\r\t\v\\";
	const char *name = *s != '\0' ? strchr(names, *s) : NULL;
	if (name || *s == quote) {
		buf_addc(out, name ? bytes[name - names] : quote);
		return *s == '\0' ? 0 : 1;
	}
	return add_hex_escape(s, out);
}

/* Reads a literal between quotes and sets the token's end, or refuses it. */
static int lex_quoted(struct lexer *l, struct token *token, char quote, struct buf *out)
{
	size_t at = token->position + 1;
	for (; l->text[at] != quote; at++) {
		if (l->text[at] == '\0' || (quote != '`' && l->text[at] == '\n'))
			return refuse(l, token->position, "expected a closing quote");
		if (quote == '`' || l->text[at] != '\\') {
			buf_addc(out, l->text[at]);
			continue;
		}
		size_t len = add_escape(l->text + at + 1, quote, out);
		if (len == 0)
			return refuse(l, at,
				"expected an escape that Go knows, as \\n, \\t, \\\", \\\\, \\x41, "
				"\\u00e9");
		at += len;
	}
	token->end = at + 1;
	return 0;
}

static int lex_string(struct lexer *l, struct token *token)
{
	auto_buf struct buf out = BUF_INIT;
	char quote = l->text[token->position];
	int r = lex_quoted(l, token, quote, &out);
	if (r < 0)
		return r;
	token->kind = TOKEN_LITERAL;
	if (quote != '\'') {
		token->literal = value_string(arena_str(l->arena, out.data));
		return 0;
	}
	uint32_t code;
	if (out.len == 0 || str_utf8(out.data, out.len, &code) != out.len)
		return refuse(l, token->position, "expected one character between single quotes");
	token->literal = value_integer(code);
	return 0;
}

static int lex_number(struct lexer *l, struct token *token)
{
	const char *s = l->text + token->position;
	size_t len = *s == '+' || *s == '-' ? 1 : 0;
	while (is_name_byte(s[len]) || s[len] == '.' ||
		((s[len] == '+' || s[len] == '-') && (s[len - 1] == 'e' || s[len - 1] == 'E') &&
			!str_prefix(s, "0x")))
		len++;
	const char *text = arena_strn(l->arena, s, len);
	const char *digits = text + (*text == '+' || *text == '-');
	token->kind = TOKEN_LITERAL;
	token->end = token->position + len;
	int64_t integer;
	if (str_prefix(digits, "0x")) {
		uint64_t bits = 0;
		bool is_good = digits[2] != '\0' && strlen(digits + 2) <= 15;
		for (const char *d = digits + 2; *d != '\0' && is_good; d++) {
			is_good = hex_digit(*d) >= 0;
			bits = bits << 4 | (uint64_t)(hex_digit(*d) & 0xf);
		}
		token->literal = value_integer(*text == '-' ? -(int64_t)bits : (int64_t)bits);
		return is_good ? 0 : refuse(l, token->position, "expected a number");
	}
	if (parse_i64(*text == '+' ? digits : text, &integer) == 0) {
		token->literal = value_integer(integer);
		return 0;
	}
	char *end;
	double fraction = strtod(text, &end);
	bool is_plain = strspn(text, "+-.0123456789eE") == len;
	if (*end != '\0' || !is_plain || end == text || fraction - fraction != 0)
		return refuse(l, token->position, "expected a number");
	token->literal = (struct value){.kind = VALUE_FRACTION, .fraction = fraction};
	return 0;
}

static void lex_word(struct lexer *l, struct token *token)
{
	size_t len = name_length(l->text + token->position);
	token->kind = TOKEN_WORD;
	token->end = token->position + len;
	token->name = arena_strn(l->arena, l->text + token->position, len);
	bool is_true = str_eq(token->name, "true");
	if (is_true || str_eq(token->name, "false")) {
		token->kind = TOKEN_LITERAL;
		token->literal = value_bool(is_true);
	} else if (str_eq(token->name, "nil")) {
		token->kind = TOKEN_LITERAL;
		token->literal = (struct value){.kind = VALUE_NULL};
	}
}

/* Marks, dots and variables; false when the text begins with none of them. */
static bool lex_mark(struct lexer *l, struct token *token)
{
	static const struct {
		const char *text;
		enum token_kind kind;
	} marks[] = {
		{"}}", TOKEN_ACTION_END},
		{":=", TOKEN_DECLARE},
		{"=", TOKEN_ASSIGN},
		{"(", TOKEN_OPEN},
		{")", TOKEN_CLOSE},
		{"|", TOKEN_PIPE},
		{",", TOKEN_COMMA},
	};
	const char *s = l->text + token->position;
	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		if (!str_prefix(s, marks[i].text))
			continue;
		token->kind = marks[i].kind;
		token->end = token->position + strlen(marks[i].text);
		return true;
	}
	size_t len = name_length(s + 1);
	if (*s == '.') {
		token->kind = len ? TOKEN_FIELD : TOKEN_DOT;
		token->name = arena_strn(l->arena, s + 1, len);
	} else if (*s == '$') {
		token->kind = TOKEN_VARIABLE;
		token->name = arena_strn(l->arena, s, len + 1);
	} else {
		return false;
	}
	token->end = token->position + 1 + len;
	return true;
}

int lex_token(struct lexer *l, struct token *out)
{
	const char *s = l->text + l->at;
	size_t space = strspn(s, blanks);
	*out = (struct token){.has_space = space > 0, .position = l->at + space};
	int r = 0;
	if (at_trimmed_end(s)) {
		l->trims = true;
		out->kind = TOKEN_ACTION_END;
		out->end = out->position + 3;
		l->at = out->end;
		return 0;
	}
	s += space;
	bool has_sign = *s == '+' || *s == '-';
	if (*s == '\0')
		return refuse(l, out->position, "expected \"}}\" before the end of the template");
	if (*s == '"' || *s == '`' || *s == '\'')
		r = lex_string(l, out);
	else if ((s[has_sign] >= '0' && s[has_sign] <= '9') ||
		(s[has_sign] == '.' && s[has_sign + 1] >= '0' && s[has_sign + 1] <= '9'))
		r = lex_number(l, out);
	else if (is_name_byte(*s))
		lex_word(l, out);
	else if (!lex_mark(l, out))
		r = template_err(l->text, out->position, -EINVAL, "expected an action, found '%c'",
			*s >= ' ' && *s <= '~' ? *s : '?');
	l->at = out->end;
	return r;
}

bool token_begins_operand(const struct token *token)
{
	return token->kind <= TOKEN_OPEN;
}

void token_print(const struct lexer *l, const struct token *token, struct buf *out)
{
	enum { SHOWN_MAX = 40 };
	auto_buf struct buf text = BUF_INIT;
	size_t len = token->end - token->position;
	buf_add(&text, l->text + token->position, len < SHOWN_MAX ? len : SHOWN_MAX);
	buf_addc(out, '"');
	buf_add_escaped(out, text.data);
	buf_addc(out, '"');
}
