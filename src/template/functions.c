/* SPDX-License-Identifier: Apache-2.0 */
/* The functions of templates: Go's own, and those that Docker adds. Their error messages do not
 * name the function: the caller adds the name. */
#include "template/tree.h"
#include "base/err.h"
#include "base/str.h"

#include <errno.h>

enum { ARGS_MAX = 1 << 12, PAD_MAX = 4096 };

static int expected(const char *what, const struct value *found)
{
	return err_say(-EINVAL, "expected %s, found %s", what, value_type(found));
}

static int want_string(const struct value *v)
{
	return v->kind == VALUE_STRING ? 0 : expected("a string", v);
}

static struct value from_buf(struct template_run *run, const struct buf *text)
{
	return value_string(arena_strn(&run->arena, text->data, text->len));
}

static bool is_empty_kind(const struct value *v)
{
	return v->kind == VALUE_NULL || v->kind == VALUE_NONE;
}

static int call_json(
	struct template_run *run, const struct value *args, size_t count, struct value *out)
{
	auto_buf struct buf text = BUF_INIT;
	value_print_json(&args[0], &text);
	*out = from_buf(run, &text);
	return 0;
}

static int call_join(
	struct template_run *run, const struct value *args, size_t count, struct value *out)
{
	auto_buf struct buf text = BUF_INIT;
	if (args[0].kind != VALUE_LIST && !is_empty_kind(&args[0]))
		return expected("a list of strings", &args[0]);
	int r = want_string(&args[1]);
	for (size_t i = 0; i < args[0].count && r == 0; i++) {
		r = want_string(&args[0].items[i]);
		if (r < 0)
			return r;
		buf_adds(&text, i > 0 ? args[1].string : "");
		buf_adds(&text, args[0].items[i].string);
		if (text.len > TEMPLATE_OUTPUT_MAX)
			return err_say(-EFBIG, "the result is too long");
	}
	*out = from_buf(run, &text);
	return r;
}

/* The length of the first part. An empty separator splits into characters, as in Go. */
static size_t part_length(const char *s, const char *separator)
{
	uint32_t code;
	size_t size = str_utf8(s, strlen(s), &code);
	if (*separator == '\0')
		return size ? size : 1;
	const char *at = strstr(s, separator);
	return at ? (size_t)(at - s) : strlen(s);
}

static int call_split(
	struct template_run *run, const struct value *args, size_t count, struct value *out)
{
	struct {
		struct value *items;
		size_t count;
	} list = {0};
	int r = want_string(&args[0]);
	if (r == 0)
		r = want_string(&args[1]);
	if (r < 0)
		return r;
	const char *s = args[0].string, *separator = args[1].string;
	bool has_more = *separator != '\0' || *s != '\0';
	while (has_more) {
		size_t len = part_length(s, separator);
		*arena_push(&run->arena, &list) = value_string(arena_strn(&run->arena, s, len));
		if (run->arena.total_bytes > TEMPLATE_MEMORY_MAX)
			return err_say(-EFBIG, "this takes too much memory");
		has_more = s[len] != '\0';
		s += len + (has_more ? strlen(separator) : 0);
	}
	*out = (struct value){.kind = VALUE_LIST, .items = list.items, .count = list.count};
	return 0;
}

static int call_len(
	struct template_run *run, const struct value *args, size_t count, struct value *out)
{
	const struct value *v = &args[0];
	if (v->kind != VALUE_STRING && v->kind != VALUE_LIST && v->kind != VALUE_MAP &&
		v->kind != VALUE_NULL)
		return expected("a string, a list or a map", v);
	*out = value_integer((int64_t)(v->kind == VALUE_STRING ? strlen(v->string) : v->count));
	return 0;
}

static bool is_string_map(const struct value *v)
{
	for (size_t i = 0; i < v->count; i++)
		if (v->items[i].kind != VALUE_STRING)
			return false;
	return true;
}

/* A key that a map of strings lacks is "", as in Go. */
static int index_map(const struct value *map, const struct value *key, struct value *out)
{
	int r = want_string(key);
	if (r < 0)
		return r;
	const struct value *found = value_get(map, key->string);
	if (found)
		*out = *found;
	else
		*out = is_string_map(map) ? value_string("") : (struct value){.kind = VALUE_NONE};
	return 0;
}

static int check_index(const struct value *v, size_t max)
{
	if (v->kind != VALUE_INTEGER)
		return expected("a whole number as the index", v);
	if (v->integer < 0 || (uint64_t)v->integer > max)
		return err_say(-EINVAL, "index %lld is out of range: there are %zu",
			(long long)v->integer, max);
	return 0;
}

static int call_index(
	struct template_run *run, const struct value *args, size_t count, struct value *out)
{
	struct value v = args[0];
	for (size_t i = 1; i < count; i++) {
		int r;
		struct value item = {.kind = VALUE_NONE};
		size_t len = v.kind == VALUE_STRING ? strlen(v.string) : v.count;
		if (v.kind == VALUE_MAP) {
			r = index_map(&v, &args[i], &item);
		} else if (v.kind == VALUE_LIST || v.kind == VALUE_STRING) {
			r = check_index(&args[i], len);
			if (r == 0 && (size_t)args[i].integer == len)
				r = err_say(-EINVAL, "index %zu is out of range: there are %zu",
					len, len);
			if (r == 0)
				item = v.kind == VALUE_LIST
					? v.items[args[i].integer]
					: value_integer((unsigned char)v.string[args[i].integer]);
		} else {
			r = expected("a map or a list", &v);
		}
		if (r < 0)
			return r;
		v = item;
	}
	*out = v;
	return 0;
}

static int call_slice(
	struct template_run *run, const struct value *args, size_t count, struct value *out)
{
	const struct value *v = &args[0];
	if (v->kind != VALUE_STRING && v->kind != VALUE_LIST)
		return expected("a string or a list", v);
	size_t len = v->kind == VALUE_STRING ? strlen(v->string) : v->count;
	size_t bounds[2] = {0, len};
	for (size_t i = 1; i < count; i++) {
		int r = check_index(&args[i], len);
		if (r < 0)
			return r;
		bounds[i - 1] = (size_t)args[i].integer;
	}
	if (bounds[0] > bounds[1])
		return err_say(-EINVAL, "the slice ends at %zu, before it begins at %zu", bounds[1],
			bounds[0]);
	if (v->kind == VALUE_STRING) {
		*out = value_string(
			arena_strn(&run->arena, v->string + bounds[0], bounds[1] - bounds[0]));
		return 0;
	}
	*out = (struct value){
		.kind = VALUE_LIST, .items = v->items + bounds[0], .count = bounds[1] - bounds[0]};
	return 0;
}

static bool is_number(const struct value *v)
{
	return v->kind == VALUE_INTEGER || v->kind == VALUE_FRACTION;
}

static double as_fraction(const struct value *v)
{
	return v->kind == VALUE_INTEGER ? (double)v->integer : v->fraction;
}

/* -1, 0, 1 for two numbers or two strings. */
static int compare(const struct value *a, const struct value *b, int *out_order)
{
	if (a->kind == VALUE_INTEGER && b->kind == VALUE_INTEGER)
		*out_order = (a->integer > b->integer) - (a->integer < b->integer);
	else if (is_number(a) && is_number(b))
		*out_order = (as_fraction(a) > as_fraction(b)) - (as_fraction(a) < as_fraction(b));
	else if (a->kind == VALUE_STRING && b->kind == VALUE_STRING)
		*out_order = strcmp(a->string, b->string);
	else
		return err_say(-EINVAL, "expected two numbers or two strings, found %s and %s",
			value_type(a), value_type(b));
	return 0;
}

static int is_equal(const struct value *a, const struct value *b, bool *out_is)
{
	int order = 0;
	if (is_empty_kind(a) || is_empty_kind(b)) {
		*out_is = is_empty_kind(a) && is_empty_kind(b);
		return 0;
	}
	if (a->kind == VALUE_BOOL && b->kind == VALUE_BOOL) {
		*out_is = a->is_true == b->is_true;
		return 0;
	}
	int r = compare(a, b, &order);
	*out_is = order == 0;
	return r;
}

/* True when the first argument equals any of the others. */
static int call_eq(
	struct template_run *run, const struct value *args, size_t count, struct value *out)
{
	bool is = false;
	for (size_t i = 1; i < count && !is; i++) {
		int r = is_equal(&args[0], &args[i], &is);
		if (r < 0)
			return r;
	}
	*out = value_bool(is);
	return 0;
}

static int call_ne(
	struct template_run *run, const struct value *args, size_t count, struct value *out)
{
	bool is;
	int r = is_equal(&args[0], &args[1], &is);
	*out = value_bool(r == 0 && !is);
	return r;
}

#define ORDER_FUNCTION(name, sign) \
	static int call_##name(struct template_run *run, const struct value *args, size_t count, \
		struct value *out) \
	{ \
		int order = 0; \
		int r = compare(&args[0], &args[1], &order); \
		*out = value_bool(order sign 0); \
		return r; \
	}
ORDER_FUNCTION(lt, <)
ORDER_FUNCTION(le, <=)
ORDER_FUNCTION(gt, >)
ORDER_FUNCTION(ge, >=)

static int call_not(
	struct template_run *run, const struct value *args, size_t count, struct value *out)
{
	*out = value_bool(!value_is_true(&args[0]));
	return 0;
}

/* and, or: never called. The executor evaluates them itself, because it does not evaluate all of
 * their arguments. */
static int call_logic(
	struct template_run *run, const struct value *args, size_t count, struct value *out)
{
	BUG("and, or are not called");
}

enum letters { LETTERS_LOWER, LETTERS_UPPER, LETTERS_TITLE };

/* ASCII letters; others stay as they are. */
static int change_letters(
	struct template_run *run, const struct value *v, enum letters to, struct value *out)
{
	int r = want_string(v);
	if (r < 0)
		return r;
	char *text = (char *)arena_str(&run->arena, v->string);
	bool is_inside = false;
	for (char *c = text; *c != '\0'; c++) {
		bool is_lower = *c >= 'a' && *c <= 'z', is_upper = *c >= 'A' && *c <= 'Z';
		if (is_upper && to == LETTERS_LOWER)
			*c = (char)(*c - 'A' + 'a');
		else if (is_lower && (to == LETTERS_UPPER || (to == LETTERS_TITLE && !is_inside)))
			*c = (char)(*c - 'a' + 'A');
		is_inside = is_lower || is_upper || (*c >= '0' && *c <= '9') || *c == '_' ||
			(unsigned char)*c >= 0x80;
	}
	*out = value_string(text);
	return 0;
}

static int call_lower(
	struct template_run *run, const struct value *args, size_t count, struct value *out)
{
	return change_letters(run, &args[0], LETTERS_LOWER, out);
}

static int call_upper(
	struct template_run *run, const struct value *args, size_t count, struct value *out)
{
	return change_letters(run, &args[0], LETTERS_UPPER, out);
}

static int call_title(
	struct template_run *run, const struct value *args, size_t count, struct value *out)
{
	return change_letters(run, &args[0], LETTERS_TITLE, out);
}

static int call_truncate(
	struct template_run *run, const struct value *args, size_t count, struct value *out)
{
	int r = want_string(&args[0]);
	if (r < 0)
		return r;
	if (args[1].kind != VALUE_INTEGER || args[1].integer < 0)
		return expected("a length", &args[1]);
	const char *end = args[0].string;
	for (int64_t left = args[1].integer; *end != '\0' && left > 0; left--)
		do
			end++;
		while (((unsigned char)*end & 0xc0) == 0x80);
	*out = value_string(
		arena_strn(&run->arena, args[0].string, (size_t)(end - args[0].string)));
	return 0;
}

/* Adds blanks before and after a text, but none to an empty text. */
static int call_pad(
	struct template_run *run, const struct value *args, size_t count, struct value *out)
{
	auto_buf struct buf text = BUF_INIT;
	int r = want_string(&args[0]);
	if (r < 0)
		return r;
	for (size_t i = 1; i < 3; i++)
		if (args[i].kind != VALUE_INTEGER || args[i].integer < 0 ||
			args[i].integer > PAD_MAX)
			return err_say(-EINVAL, "expected a number of blanks up to %d", PAD_MAX);
	if (args[0].string[0] != '\0')
		buf_addf(&text, "%*s%s%*s", (int)args[1].integer, "", args[0].string,
			(int)args[2].integer, "");
	*out = from_buf(run, &text);
	return 0;
}

/* Go's print puts a blank between two arguments that are both no strings; println between all. */
static int print_all(struct template_run *run, const struct value *args, size_t count, bool is_line,
	struct value *out)
{
	auto_buf struct buf text = BUF_INIT;
	for (size_t i = 0; i < count; i++) {
		bool has_blank = i > 0 &&
			(is_line ||
				(args[i].kind != VALUE_STRING && args[i - 1].kind != VALUE_STRING));
		buf_adds(&text, has_blank ? " " : "");
		if (is_empty_kind(&args[i]))
			buf_adds(&text, "<nil>");
		else
			value_print(&args[i], &text);
		if (text.len > TEMPLATE_OUTPUT_MAX)
			return err_say(-EFBIG, "the result is too long");
	}
	buf_adds(&text, is_line ? "\n" : "");
	*out = from_buf(run, &text);
	return 0;
}

static int call_print(
	struct template_run *run, const struct value *args, size_t count, struct value *out)
{
	return print_all(run, args, count, false, out);
}

static int call_println(
	struct template_run *run, const struct value *args, size_t count, struct value *out)
{
	return print_all(run, args, count, true, out);
}

static const struct template_function functions[] = {
	{"and", 1, ARGS_MAX, false, call_logic},
	{"eq", 2, ARGS_MAX, false, call_eq},
	{"ge", 2, 2, false, call_ge},
	{"gt", 2, 2, false, call_gt},
	{"index", 1, ARGS_MAX, false, call_index},
	{"join", 2, 2, true, call_join},
	{"json", 1, 1, true, call_json},
	{"le", 2, 2, false, call_le},
	{"len", 1, 1, false, call_len},
	{"lower", 1, 1, true, call_lower},
	{"lt", 2, 2, false, call_lt},
	{"ne", 2, 2, false, call_ne},
	{"not", 1, 1, false, call_not},
	{"or", 1, ARGS_MAX, false, call_logic},
	{"pad", 3, 3, true, call_pad},
	{"print", 0, ARGS_MAX, false, call_print},
	{"printf", 1, ARGS_MAX, false, template_printf},
	{"println", 0, ARGS_MAX, false, call_println},
	{"slice", 1, 3, true, call_slice},
	{"split", 2, 2, true, call_split},
	{"title", 1, 1, true, call_title},
	{"truncate", 2, 2, true, call_truncate},
	{"upper", 1, 1, true, call_upper},
};

enum { FUNCTIONS = sizeof(functions) / sizeof(functions[0]) };

const struct template_function *template_function_find(const char *name)
{
	for (size_t i = 0; i < FUNCTIONS; i++)
		if (str_eq(functions[i].name, name))
			return &functions[i];
	return NULL;
}

const char *template_function_nearest(const char *name)
{
	const char *names[FUNCTIONS];
	for (size_t i = 0; i < FUNCTIONS; i++)
		names[i] = functions[i].name;
	return str_nearest(name, names, FUNCTIONS);
}
