/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checks a JSON text without building anything but the keys of the objects that are open. Duplicate keys are found by
 * sorting when an object closes: a hash would let a text choose its collisions. The recursion is bounded by
 * JSON_DEPTH_MAX.
 */
#include "base/json_check.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#include <errno.h>
#include <string.h>

/* A key without its escapes, and where it stands. */
struct key {
	const char *bytes;
	size_t len;
	size_t at;
};

struct checker {
	const char *text;
	size_t len;
	size_t at;
	unsigned depth;
	unsigned values;
	struct buf keys; /* struct key of every object that is open */
	struct arena unescaped;
};

__attribute__((format(printf, 4, 5))) static int say_at(
	const struct checker *c, int code, size_t at, const char *format, ...)
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
static int peek(const struct checker *c)
{
	return c->at < c->len ? (unsigned char)c->text[c->at] : -1;
}

static int say_unexpected(const struct checker *c, const char *expected)
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

static void skip_blanks(struct checker *c)
{
	for (int next = peek(c); next == ' ' || next == '\t' || next == '\n' || next == '\r';
		next = peek(c))
		c->at++;
}

/* Takes the byte if it is the next one. */
static bool take(struct checker *c, int byte)
{
	if (peek(c) != byte)
		return false;
	c->at++;
	return true;
}

static bool take_digits(struct checker *c)
{
	size_t start = c->at;
	while (peek(c) >= '0' && peek(c) <= '9')
		c->at++;
	return c->at > start;
}

/* An integer is read again into a u64 or i64: json-c clamps what does not fit. */
static int check_integer(const struct checker *c, size_t start)
{
	char digits[32];
	uint64_t positive;
	int64_t negative;
	size_t len = c->at - start;
	bool fits = len < sizeof(digits) && fmt(digits, "%.*s", (int)len, c->text + start) >= 0 &&
		(digits[0] == '-' ? parse_i64(digits, &negative) : parse_u64(digits, &positive)) ==
			0;
	return fits ? 0 : say_at(c, -EBADMSG, start, "the number is too large");
}

static int check_number(struct checker *c)
{
	size_t start = c->at;
	bool is_integer = true;
	take(c, '-');
	if (!take(c, '0') && !take_digits(c))
		return say_unexpected(c, "a digit");
	if (take(c, '.')) {
		is_integer = false;
		if (!take_digits(c))
			return say_unexpected(c, "a digit");
	}
	if (take(c, 'e') || take(c, 'E')) {
		is_integer = false;
		if (!take(c, '+'))
			take(c, '-');
		if (!take_digits(c))
			return say_unexpected(c, "a digit");
	}
	return is_integer ? check_integer(c, start) : 0;
}

static int hex_value(int byte)
{
	if (byte >= '0' && byte <= '9')
		return byte - '0';
	byte |= 0x20;
	return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

/* The four digits of \uXXXX. */
static int check_code_unit(struct checker *c, uint32_t *out_unit)
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

/* What follows \u. Halves of a pair that stand alone name no character. */
static int check_unicode_escape(struct checker *c, struct buf *out)
{
	size_t start = c->at;
	uint32_t code;
	int r = check_code_unit(c, &code);
	if (r < 0)
		return r;
	if (code == 0)
		return say_at(c, -EBADMSG, start, "a string must not contain NUL");
	if (is_high_surrogate(code)) {
		uint32_t low = 0;
		if (take(c, '\\') && take(c, 'u'))
			r = check_code_unit(c, &low);
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

static int check_escape(struct checker *c, struct buf *out)
{
	static const char names[] = "\"\\/bfnrt";
	static const char bytes[] = "\"\\/\b\f\n\r\t";
	int next = peek(c);
	if (take(c, 'u'))
		return check_unicode_escape(c, out);
	const char *name = next > 0 ? strchr(names, next) : NULL;
	if (!name)
		return say_unexpected(c, "an escape");
	buf_addc(out, bytes[name - names]);
	c->at++;
	return 0;
}

/* A string behind its opening quote; `out` gets it without its escapes. */
static int check_string(struct checker *c, struct buf *out)
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
			int r = check_escape(c, out);
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

static int compare_keys(const void *left, const void *right)
{
	const struct key *a = left;
	const struct key *b = right;
	size_t len = a->len < b->len ? a->len : b->len;
	int order = memcmp(a->bytes, b->bytes, len);
	if (order == 0 && a->len != b->len)
		order = a->len < b->len ? -1 : 1;
	if (order == 0)
		order = a->at < b->at ? -1 : 1;
	return order;
}

/* Forgets the keys of the object that closes; they begin at `first` in the stack. */
static int check_keys(struct checker *c, size_t first)
{
	struct key *keys = (struct key *)(void *)(c->keys.data + first);
	size_t count = (c->keys.len - first) / sizeof(*keys);
	if (count > 1)
		qsort(keys, count, sizeof(*keys), compare_keys);
	for (size_t i = 1; i < count; i++) {
		if (keys[i].len != keys[i - 1].len ||
			memcmp(keys[i].bytes, keys[i - 1].bytes, keys[i].len) != 0)
			continue;
		auto_buf struct buf shown = BUF_INIT;
		buf_add_escaped(&shown, keys[i].bytes);
		return say_at(c, -EBADMSG, keys[i].at, "the key \"%s\" stands twice", shown.data);
	}
	c->keys.len = first;
	return 0;
}

static int check_value(struct checker *c);

static int check_member(struct checker *c)
{
	size_t at = c->at;
	if (!take(c, '"'))
		return say_unexpected(c, "a key in quotes");
	auto_buf struct buf name = BUF_INIT;
	int r = check_string(c, &name);
	if (r < 0)
		return r;
	struct key key = {.len = name.len, .at = at};
	key.bytes = arena_strn(&c->unescaped, name.data, name.len);
	buf_add(&c->keys, &key, sizeof(key));

	skip_blanks(c);
	if (!take(c, ':'))
		return say_unexpected(c, "':'");
	return check_value(c);
}

/* The items of an array or object behind its bracket. */
static int check_items(struct checker *c, int close, int (*check_item)(struct checker *c))
{
	skip_blanks(c);
	if (take(c, close))
		return 0;
	for (;;) {
		skip_blanks(c);
		int r = check_item(c);
		if (r < 0)
			return r;
		skip_blanks(c);
		if (take(c, close))
			return 0;
		if (!take(c, ','))
			return say_unexpected(c, close == '}' ? "',' or '}'" : "',' or ']'");
	}
}

static int check_object(struct checker *c)
{
	size_t first = c->keys.len;
	int r = check_items(c, '}', check_member);
	return r < 0 ? r : check_keys(c, first);
}

static int check_word(struct checker *c, const char *word)
{
	size_t len = strlen(word);
	if (c->len - c->at < len || memcmp(c->text + c->at, word, len) != 0)
		return say_unexpected(c, "a value");
	c->at += len;
	return 0;
}

static int check_container(struct checker *c, bool is_object)
{
	if (++c->depth > JSON_DEPTH_MAX)
		return say_at(c, -EFBIG, c->at - 1, "nested deeper than %d levels", JSON_DEPTH_MAX);
	int r = is_object ? check_object(c) : check_items(c, ']', check_value);
	c->depth--;
	return r;
}

static int check_string_value(struct checker *c)
{
	auto_buf struct buf unused = BUF_INIT;
	return check_string(c, &unused);
}

static int check_value(struct checker *c)
{
	if (++c->values > JSON_VALUES_MAX)
		return say_at(c, -EFBIG, c->at, "more than %d values", JSON_VALUES_MAX);
	skip_blanks(c);
	if (take(c, '{'))
		return check_container(c, true);
	if (take(c, '['))
		return check_container(c, false);
	if (take(c, '"'))
		return check_string_value(c);

	int next = peek(c);
	switch (next) {
	case 't':
		return check_word(c, "true");
	case 'f':
		return check_word(c, "false");
	case 'n':
		return check_word(c, "null");
	default:
		if (next == '-' || (next >= '0' && next <= '9'))
			return check_number(c);
		return say_unexpected(c, "a value");
	}
}

int json_check(const char *text, size_t len)
{
	if (len > JSON_BYTES_MAX)
		return err_say(-EFBIG, "larger than %d bytes", JSON_BYTES_MAX);

	struct checker c = {.text = text, .len = len, .keys = BUF_INIT};
	int r = check_value(&c);
	if (r == 0) {
		skip_blanks(&c);
		if (c.at < c.len)
			r = say_unexpected(&c, "the end of the text");
	}
	buf_release(&c.keys);
	arena_release(&c.unescaped);
	return r;
}
