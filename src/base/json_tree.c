/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One pass over a JSON text. The children of containers that are still open are on a stack. A
 * container that ends moves its children into the arena. Duplicate keys are then found by sorting:
 * in a hash table a hostile text could choose collisions. JSON_DEPTH_MAX bounds the recursion.
 */
#include "base/json_tree.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#include <errno.h>
#include <string.h>

/* A child of a container that is still open, and its position in the text. */
struct child {
	struct json_value value;
	size_t at;
};

struct reader {
	const char *text;
	size_t len;
	size_t at;
	unsigned depth;
	unsigned values;
	struct buf children; /* struct child */
	struct arena *arena;
};

__attribute__((format(printf, 4, 5))) static int say_at(
	const struct reader *c, int code, size_t at, const char *format, ...)
{
	size_t line = 1;
	size_t column = 1;
	for (size_t i = 0; i < at; i++) {
		column++;
		if (c->text[i] == '\n') {
			line++;
			column = 1;
		}
	}
	auto_buf struct buf words = BUF_INIT;
	va_list args;
	va_start(args, format);
	buf_vaddf(&words, format, args);
	va_end(args);
	return err_say(code, "line %zu, column %zu: %s", line, column, words.data);
}

/* The byte to read next, or -1 at the end of the text. */
static int peek(const struct reader *c)
{
	return c->at < c->len ? (unsigned char)c->text[c->at] : -1;
}

static int say_unexpected(const struct reader *c, const char *expected)
{
	int next = peek(c);
	if (next < 0)
		return say_at(
			c, -EBADMSG, c->at, "expected %s, found the end of the text", expected);
	if (next <= ' ' || next >= 0x7f)
		return say_at(c, -EBADMSG, c->at, "expected %s, found byte 0x%02x", expected,
			(unsigned)next);
	return say_at(c, -EBADMSG, c->at, "expected %s, found '%c'", expected, next);
}

static void skip_blanks(struct reader *c)
{
	for (int next = peek(c); next == ' ' || next == '\t' || next == '\n' || next == '\r';
		next = peek(c))
		c->at++;
}

/* Takes the byte if it is the next one. */
static bool take(struct reader *c, int byte)
{
	if (peek(c) != byte)
		return false;
	c->at++;
	return true;
}

static bool take_digits(struct reader *c)
{
	size_t start = c->at;
	while (peek(c) >= '0' && peek(c) <= '9')
		c->at++;
	return c->at > start;
}

static bool fits_integer(const char *digits)
{
	uint64_t positive;
	int64_t negative;
	return (digits[0] == '-' ? parse_i64(digits, &negative) : parse_u64(digits, &positive)) ==
		0;
}

static int read_number(struct reader *c, struct json_value *out)
{
	size_t start = c->at;
	out->kind = JSON_INTEGER;
	take(c, '-');
	if (!take(c, '0') && !take_digits(c))
		return say_unexpected(c, "a digit");
	if (take(c, '.')) {
		out->kind = JSON_FRACTION;
		if (!take_digits(c))
			return say_unexpected(c, "a digit");
	}
	if (take(c, 'e') || take(c, 'E')) {
		out->kind = JSON_FRACTION;
		if (!take(c, '+'))
			take(c, '-');
		if (!take_digits(c))
			return say_unexpected(c, "a digit");
	}
	out->text = arena_strn(c->arena, c->text + start, c->at - start);
	if (out->kind == JSON_INTEGER && !fits_integer(out->text))
		return say_at(c, -EBADMSG, start, "the number is too large");
	return 0;
}

static int hex_value(int byte)
{
	if (byte >= '0' && byte <= '9')
		return byte - '0';
	byte |= 0x20;
	return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

/* The four digits of \uXXXX. */
static int read_code_unit(struct reader *c, uint32_t *out_unit)
{
	uint32_t unit = 0;
	for (unsigned i = 0; i < 4; i++, c->at++) {
		int digit = peek(c) < 0 ? -1 : hex_value(peek(c));
		if (digit < 0)
			return say_unexpected(c, "four hex digits");
		unit = unit << 4 | (uint32_t)digit;
	}
	*out_unit = unit;
	return 0;
}

static bool is_high_surrogate(uint32_t unit)
{
	return unit >= 0xd800 && unit <= 0xdbff;
}

static bool is_low_surrogate(uint32_t unit)
{
	return unit >= 0xdc00 && unit <= 0xdfff;
}

static void add_utf8(struct buf *out, uint32_t code)
{
	if (code < 0x80) {
		buf_addc(out, (char)code);
		return;
	}
	unsigned extra = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
	static const unsigned char marks[] = {0, 0xc0, 0xe0, 0xf0};
	buf_addc(out, (char)(marks[extra] | code >> (6 * extra)));
	while (extra-- > 0)
		buf_addc(out, (char)(0x80 | (code >> (6 * extra) & 0x3f)));
}

/* Reads what follows \u. Half of a surrogate pair alone is no character. */
static int read_unicode_escape(struct reader *c, struct buf *out)
{
	size_t start = c->at;
	uint32_t code = 0;
	int r = read_code_unit(c, &code);
	if (r < 0)
		return r;
	if (code == 0)
		return say_at(c, -EBADMSG, start, "a string must not contain NUL");
	if (is_high_surrogate(code)) {
		uint32_t low = 0;
		if (take(c, '\\') && take(c, 'u'))
			r = read_code_unit(c, &low);
		if (r < 0)
			return r;
		if (!is_low_surrogate(low))
			return say_at(c, -EBADMSG, start, "half a surrogate pair");
		code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
	} else if (is_low_surrogate(code)) {
		return say_at(c, -EBADMSG, start, "half a surrogate pair");
	}
	add_utf8(out, code);
	return 0;
}

static int read_escape(struct reader *c, struct buf *out)
{
	static const char names[] = "\"\\/bfnrt";
	static const char bytes[] = "\"\\/\b\f\n\r\t";
	int next = peek(c);
	if (take(c, 'u'))
		return read_unicode_escape(c, out);
	const char *name = next > 0 ? strchr(names, next) : NULL;
	if (!name)
		return say_unexpected(c, "an escape");
	buf_addc(out, bytes[name - names]);
	c->at++;
	return 0;
}

/* Reads a string after its opening quote; `out` gets it without its escapes. */
static int read_quoted(struct reader *c, struct buf *out)
{
	size_t start = c->at;
	while (!take(c, '"')) {
		int next = peek(c);
		if (next < 0)
			return say_at(c, -EBADMSG, start, "the string has no end");
		if (next < ' ')
			return say_at(
				c, -EBADMSG, c->at, "byte 0x%02x in a string", (unsigned)next);
		if (take(c, '\\')) {
			int r = read_escape(c, out);
			if (r < 0)
				return r;
			continue;
		}
		uint32_t code;
		size_t size = str_utf8(c->text + c->at, c->len - c->at, &code);
		if (size == 0)
			return say_at(c, -EBADMSG, c->at, "the string is not UTF-8");
		buf_add(out, c->text + c->at, size);
		c->at += size;
	}
	return 0;
}

/* How many of the next bytes are plain characters of a string. */
static size_t plain_run(const struct reader *c)
{
	size_t at = c->at;
	while (at < c->len && c->text[at] >= ' ' && c->text[at] < 0x7f && c->text[at] != '"' &&
		c->text[at] != '\\')
		at++;
	return at - c->at;
}

/* Reads a string after its opening quote. Most strings are plain and are copied at once. */
static int read_string(struct reader *c, const char **out)
{
	size_t plain = plain_run(c);
	if (c->at + plain < c->len && c->text[c->at + plain] == '"') {
		*out = arena_strn(c->arena, c->text + c->at, plain);
		c->at += plain + 1;
		return 0;
	}
	auto_buf struct buf bytes = BUF_INIT;
	int r = read_quoted(c, &bytes);
	if (r == 0)
		*out = arena_strn(c->arena, bytes.data, bytes.len);
	return r;
}

static int compare_keys(const void *left, const void *right)
{
	const struct child *const *a = left;
	const struct child *const *b = right;
	int order = strcmp((*a)->value.key, (*b)->value.key);
	return order ? order : (*a)->at < (*b)->at ? -1 : 1;
}

static int check_keys(const struct reader *c, const struct child *children, size_t count)
{
	auto_buf struct buf sorted = BUF_INIT;
	for (const struct child *child = children; child < children + count; child++)
		buf_add(&sorted, &child, sizeof(child));
	const struct child **items = (const struct child **)(void *)sorted.data;
	if (count > 1)
		qsort(items, count, sizeof(*items), compare_keys);
	for (size_t i = 1; i < count; i++) {
		if (!str_eq(items[i]->value.key, items[i - 1]->value.key))
			continue;
		auto_buf struct buf shown = BUF_INIT;
		buf_add_escaped(&shown, items[i]->value.key);
		return say_at(c, -EBADMSG, items[i]->at, "the key \"%s\" stands twice", shown.data);
	}
	return 0;
}

static int read_value(struct reader *c, struct json_value *out);

static int read_field(struct reader *c, struct json_value *out)
{
	if (!take(c, '"'))
		return say_unexpected(c, "a key in quotes");
	const char *key;
	int r = read_string(c, &key);
	if (r < 0)
		return r;
	skip_blanks(c);
	if (!take(c, ':'))
		return say_unexpected(c, "':'");
	r = read_value(c, out);
	out->key = key;
	return r;
}

/* Reads the children of a container, after its bracket, onto the stack. */
static int read_children(struct reader *c, bool is_object)
{
	int close = is_object ? '}' : ']';
	skip_blanks(c);
	if (take(c, close))
		return 0;
	for (;;) {
		skip_blanks(c);
		struct child child = {.at = c->at};
		int r = is_object ? read_field(c, &child.value) : read_value(c, &child.value);
		if (r < 0)
			return r;
		buf_add(&c->children, &child, sizeof(child));
		skip_blanks(c);
		if (take(c, close))
			return 0;
		if (!take(c, ','))
			return say_unexpected(c, is_object ? "',' or '}'" : "',' or ']'");
	}
}

static int read_container(struct reader *c, struct json_value *out)
{
	if (++c->depth > JSON_DEPTH_MAX)
		return say_at(c, -EFBIG, c->at - 1, "nested deeper than %d levels", JSON_DEPTH_MAX);
	size_t first = c->children.len;
	int r = read_children(c, out->kind == JSON_OBJECT);
	if (r < 0)
		return r;
	c->depth--;

	const struct child *children = (const void *)(c->children.data + first);
	out->count = (c->children.len - first) / sizeof(*children);
	struct json_value *items = arena_new_array(c->arena, struct json_value, out->count);
	for (size_t i = 0; i < out->count; i++)
		items[i] = children[i].value;
	out->items = items;
	r = out->kind == JSON_OBJECT ? check_keys(c, children, out->count) : 0;
	c->children.len = first;
	return r;
}

static int read_word(struct reader *c, const char *word)
{
	size_t len = strlen(word);
	if (c->len - c->at < len || memcmp(c->text + c->at, word, len) != 0)
		return say_unexpected(c, "a value");
	c->at += len;
	return 0;
}

static int read_value(struct reader *c, struct json_value *out)
{
	if (++c->values > JSON_VALUES_MAX)
		return say_at(c, -EFBIG, c->at, "more than %d values", JSON_VALUES_MAX);
	skip_blanks(c);
	int next = peek(c);
	switch (next) {
	case '{':
	case '[':
		c->at++;
		out->kind = next == '{' ? JSON_OBJECT : JSON_ARRAY;
		return read_container(c, out);
	case '"':
		c->at++;
		out->kind = JSON_STRING;
		return read_string(c, &out->text);
	case 't':
	case 'f':
		out->kind = JSON_BOOL;
		out->is_true = next == 't';
		return read_word(c, out->is_true ? "true" : "false");
	case 'n':
		return read_word(c, "null");
	default:
		if (next == '-' || (next >= '0' && next <= '9'))
			return read_number(c, out);
		return say_unexpected(c, "a value");
	}
}

int json_tree_read(const char *text, size_t len, struct arena *a, struct json_value *out)
{
	if (len > JSON_BYTES_MAX)
		return err_say(-EFBIG, "larger than %d bytes", JSON_BYTES_MAX);

	struct reader c = {.text = text, .len = len, .children = BUF_INIT, .arena = a};
	*out = (struct json_value){.kind = JSON_NULL};
	int r = read_value(&c, out);
	if (r == 0) {
		skip_blanks(&c);
		if (c.at < c.len)
			r = say_unexpected(&c, "the end of the text");
	}
	buf_release(&c.children);
	return r;
}
