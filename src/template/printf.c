/* SPDX-License-Identifier: Apache-2.0 */
/* Go's printf for the verbs that make sense here: %v %s %q %d %x %X %t %f %e %g %%. Arguments that
 * do not fit are shown as in Go: %!d(string=web), %!s(MISSING), %!(EXTRA int=3). */
#include "template/tree.h"
#include "base/err.h"
#include "base/str.h"

#include <errno.h>
#include <inttypes.h>

enum { NUMBER_MAX = 4096 }; /* of a width or a precision */

struct verb {
	bool is_left, is_zero, has_plus, has_alternate, has_blank, has_precision;
	int width, precision;
	char letter;
};

static int parse_number(const char **s, int *out)
{
	for (*out = 0; **s >= '0' && **s <= '9'; (*s)++) {
		*out = *out * 10 + (**s - '0');
		if (*out > NUMBER_MAX)
			return err_say(-EINVAL, "expected a width up to %d", NUMBER_MAX);
	}
	return 0;
}

static int parse_verb(const char **s, struct verb *v)
{
	*v = (struct verb){0};
	for (; **s != '\0' && strchr("-0+# ", **s); (*s)++) {
		v->is_left |= **s == '-';
		v->is_zero |= **s == '0';
		v->has_plus |= **s == '+';
		v->has_alternate |= **s == '#';
		v->has_blank |= **s == ' ';
	}
	v->is_zero = v->is_zero && !v->is_left;
	int r = parse_number(s, &v->width);
	if (r == 0 && **s == '.') {
		(*s)++;
		v->has_precision = true;
		r = parse_number(s, &v->precision);
	}
	if (r < 0)
		return r;
	if (**s == '\0' || (unsigned char)**s >= 0x80 || **s == '*' || **s == '[')
		return err_say(-EINVAL, "expected a verb as %%s, %%d or %%v behind the \"%%\"");
	v->letter = *(*s)++;
	return 0;
}

static size_t character_count(const char *s)
{
	size_t count = 0;
	for (; *s != '\0'; s++)
		count += ((unsigned char)*s & 0xc0) != 0x80;
	return count;
}

/* Zeros are added after a sign. */
static void add_padded(struct buf *out, const struct verb *v, const char *text)
{
	size_t count = character_count(text), width = (size_t)v->width;
	size_t blanks = width > count ? width - count : 0;
	bool has_sign = v->is_zero && blanks && (*text == '-' || *text == '+');
	if (has_sign)
		buf_addc(out, *text++);
	for (size_t i = 0; i < blanks && !v->is_left; i++)
		buf_addc(out, v->is_zero ? '0' : ' ');
	buf_adds(out, text);
	for (size_t i = 0; i < blanks && v->is_left; i++)
		buf_addc(out, ' ');
}

static void add_quoted(struct buf *out, const char *s)
{
	static const char bytes[] = "\a\b\f\n\r\t\v\\\"";
	static const char names[] = "abfnrtv\\\"";
	buf_addc(out, '"');
	while (*s != '\0') {
		uint32_t code;
		size_t size = str_utf8(s, strnlen(s, 4), &code);
		const char *at = strchr(bytes, *s);
		if (at)
			buf_addf(out, "\\%c", names[at - bytes]);
		else if (size == 0 || code < 0x20 || code == 0x7f)
			buf_addf(out, "\\x%02x", (unsigned char)*s);
		else if (code >= 0x80 && code < 0xa0)
			buf_addf(out, "\\u%04x", code);
		else
			buf_add(out, s, size);
		s += size ? size : 1;
	}
	buf_addc(out, '"');
}

static const char *go_type(const struct value *v)
{
	static const char *const words[] = {
		[VALUE_NONE] = "<nil>",
		[VALUE_NULL] = "<nil>",
		[VALUE_BOOL] = "bool",
		[VALUE_INTEGER] = "int",
		[VALUE_FRACTION] = "float64",
		[VALUE_STRING] = "string",
		[VALUE_LIST] = "[]interface {}",
		[VALUE_MAP] = "map[string]interface {}",
	};
	return words[v->kind];
}

static void add_wrong(struct buf *out, char letter, const struct value *v)
{
	buf_addf(out, "%%!%c(", letter);
	if (v->kind == VALUE_NULL || v->kind == VALUE_NONE) {
		buf_adds(out, "<nil>)");
		return;
	}
	buf_addf(out, "%s=", go_type(v));
	value_print(v, out);
	buf_addc(out, ')');
}

static void add_integer(struct buf *out, const struct verb *v, int64_t number)
{
	auto_buf struct buf text = BUF_INIT;
	uint64_t size = number < 0 ? -(uint64_t)number : (uint64_t)number;
	bool is_hex = v->letter == 'x' || v->letter == 'X';
	buf_adds(&text, number < 0 ? "-" : v->has_plus ? "+" : v->has_blank ? " " : "");
	if (is_hex && v->has_alternate)
		buf_addf(&text, "0%c", v->letter);
	int digits = v->has_precision ? v->precision : 1;
	if (v->letter == 'x')
		buf_addf(&text, "%.*" PRIx64, digits, size);
	else if (v->letter == 'X')
		buf_addf(&text, "%.*" PRIX64, digits, size);
	else
		buf_addf(&text, "%.*" PRIu64, digits, size);
	add_padded(out, v, text.data);
}

static void add_fraction(struct buf *out, const struct verb *v, const struct value *value)
{
	auto_buf struct buf text = BUF_INIT;
	int precision = v->has_precision ? v->precision : 6;
	if (v->has_plus && value->fraction >= 0)
		buf_addc(&text, '+');
	if (v->letter == 'e')
		buf_addf(&text, "%.*e", precision, value->fraction);
	else if (v->letter == 'f' || v->letter == 'F')
		buf_addf(&text, "%.*f", precision, value->fraction);
	else if (v->has_precision)
		buf_addf(&text, "%.*g", precision, value->fraction);
	else
		value_print(value, &text);
	add_padded(out, v, text.data);
}

/* %x of a string: its bytes. */
static void add_string(struct buf *out, const struct verb *v, const char *s)
{
	auto_buf struct buf cut = BUF_INIT, text = BUF_INIT;
	size_t len = 0, count = 0;
	bool is_hex = v->letter == 'x' || v->letter == 'X';
	for (; s[len] != '\0'; len++) {
		count += is_hex || ((unsigned char)s[len] & 0xc0) != 0x80;
		if (v->has_precision && count > (size_t)v->precision)
			break;
	}
	buf_add(&cut, s, len);
	for (size_t i = 0; is_hex && i < len; i++)
		buf_addf(&text, v->letter == 'x' ? "%02x" : "%02X", (unsigned char)s[i]);
	if (v->letter == 'q')
		add_quoted(&text, cut.data);
	else if (!is_hex)
		buf_adds(&text, cut.data);
	add_padded(out, v, text.data);
}

static void add_value(struct buf *out, const struct verb *v, const struct value *value);

/* Prints each item by the verb, as Go does for lists and maps. */
static void add_items(struct buf *out, const struct verb *v, const struct value *value)
{
	bool is_map = value->kind == VALUE_MAP;
	buf_adds(out, is_map ? "map[" : "[");
	for (size_t i = 0; i < value->count && out->len <= TEMPLATE_OUTPUT_MAX; i++) {
		struct value key = value_string(is_map ? value->keys[i] : "");
		buf_adds(out, i > 0 ? " " : "");
		if (is_map) {
			add_value(out, v, &key);
			buf_addc(out, ':');
		}
		add_value(out, v, &value->items[i]);
	}
	buf_addc(out, ']');
}

static bool fits(char letter, enum value_kind kind)
{
	static const char *const letters[] = {
		[VALUE_NONE] = "",
		[VALUE_NULL] = "",
		[VALUE_BOOL] = "tv",
		[VALUE_INTEGER] = "dxXv",
		[VALUE_FRACTION] = "feFgv",
		[VALUE_STRING] = "sqxXv",
		[VALUE_LIST] = "",
		[VALUE_MAP] = "",
	};
	return strchr(letters[kind], letter) != NULL;
}

static void add_value(struct buf *out, const struct verb *v, const struct value *value)
{
	if (value->kind == VALUE_LIST || value->kind == VALUE_MAP) {
		add_items(out, v, value);
		return;
	}
	if (v->letter == 'v' && (value->kind == VALUE_NULL || value->kind == VALUE_NONE)) {
		add_padded(out, v, "<nil>");
		return;
	}
	if (!fits(v->letter, value->kind)) {
		add_wrong(out, v->letter, value);
		return;
	}
	if (value->kind == VALUE_INTEGER)
		add_integer(out, v, value->integer);
	else if (value->kind == VALUE_FRACTION)
		add_fraction(out, v, value);
	else if (value->kind == VALUE_BOOL)
		add_padded(out, v, value->is_true ? "true" : "false");
	else
		add_string(out, v, value->string);
}

static void add_extra(struct buf *out, const struct value *args, size_t count)
{
	if (count == 0)
		return;
	buf_adds(out, "%!(EXTRA ");
	for (size_t i = 0; i < count && out->len <= TEMPLATE_OUTPUT_MAX; i++) {
		bool is_nil = args[i].kind == VALUE_NULL || args[i].kind == VALUE_NONE;
		buf_addf(out, "%s%s%s", i > 0 ? ", " : "", go_type(&args[i]), is_nil ? "" : "=");
		if (!is_nil)
			value_print(&args[i], out);
	}
	buf_addc(out, ')');
}

int template_printf(
	struct template_run *run, const struct value *args, size_t count, struct value *out)
{
	auto_buf struct buf text = BUF_INIT;
	if (args[0].kind != VALUE_STRING)
		return err_say(-EINVAL, "expected a format, found %s", value_type(&args[0]));
	size_t next = 1;
	for (const char *s = args[0].string; *s != '\0';) {
		if (text.len > TEMPLATE_OUTPUT_MAX)
			return err_say(-EFBIG, "the result is too long");
		if (*s++ != '%') {
			buf_addc(&text, s[-1]);
			continue;
		}
		struct verb v;
		int r = parse_verb(&s, &v);
		if (r < 0)
			return r;
		if (v.letter == '%')
			buf_addc(&text, '%');
		else if (next >= count)
			buf_addf(&text, "%%!%c(MISSING)", v.letter);
		else
			add_value(&text, &v, &args[next++]);
	}
	add_extra(&text, args + next, count - next);
	if (text.len > TEMPLATE_OUTPUT_MAX)
		return err_say(-EFBIG, "the result is too long");
	*out = value_string(arena_strn(&run->arena, text.data, text.len));
	return 0;
}
