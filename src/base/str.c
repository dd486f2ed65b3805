/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Words and numbers. The parsers read digits themselves: those of the C library accept signs,
 * blanks, octal and the locale, and report overflow by errno. A parser writes its result only if
 * the whole text was right.
 */
#include "base/str.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

bool str_suffix(const char *s, const char *suffix)
{
	size_t len = strlen(s);
	size_t suffix_len = strlen(suffix);
	return len >= suffix_len && str_eq(s + len - suffix_len, suffix);
}

char *str_cut(char **rest, char separator)
{
	char *part = *rest;
	if (!part)
		return NULL;
	char *end = strchr(part, separator);
	/* strchr finds the terminator too; nothing comes after it. */
	*rest = end && *end != '\0' ? end + 1 : NULL;
	if (end)
		*end = '\0';
	return part;
}

char *str_octal_decode(char *field)
{
	char *to = field;

	for (const char *from = field; *from; to++) {
		const char *c = from;
		bool is_escape = c[0] == '\\' && c[1] >= '0' && c[1] <= '3' && c[2] >= '0' &&
			c[2] <= '7' && c[3] >= '0' && c[3] <= '7';
		*to = is_escape ? (char)((c[1] - '0') << 6 | (c[2] - '0') << 3 | (c[3] - '0')) : *c;
		from += is_escape ? 4 : 1;
	}
	*to = '\0';
	return field;
}

int fmt_n(char *out, size_t size, const char *format, ...)
{
	if (size == 0)
		return -ENAMETOOLONG;
	va_list args;
	va_start(args, format);
	int n = vsnprintf(out, size, format, args);
	va_end(args);
	if (n >= 0 && (size_t)n < size)
		return n;
	out[0] = '\0';
	return -ENAMETOOLONG;
}

enum { WORD_MAX = 63 };

static unsigned min_of(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* The number of edits (insert, delete, replace, swap neighbours) that turn a into b. Only the last
 * three rows of the table are kept. */
static unsigned edit_distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
	unsigned rows[3][WORD_MAX + 1];
	for (unsigned j = 0; j <= b_len; j++)
		rows[0][j] = j;

	for (unsigned i = 1; i <= a_len; i++) {
		unsigned *row = rows[i % 3];
		const unsigned *above = rows[(i + 2) % 3];
		const unsigned *above2 = rows[(i + 1) % 3];
		row[0] = i;
		for (unsigned j = 1; j <= b_len; j++) {
			unsigned best = above[j - 1] + (a[i - 1] != b[j - 1]);
			best = min_of(best, min_of(above[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				best = min_of(best, above2[j - 2] + 1);
			row[j] = best;
		}
	}
	return rows[a_len % 3][b_len];
}

const char *str_nearest(const char *word, const char *const *words, size_t count)
{
	size_t len = strlen(word);
	if (len > WORD_MAX)
		return NULL;

	unsigned limit = len >= 6 ? (unsigned)len / 3 : 1;
	const char *nearest = NULL;
	for (size_t i = 0; i < count; i++) {
		size_t other_len = strlen(words[i]);
		if (other_len > WORD_MAX)
			continue;
		unsigned distance = edit_distance(word, len, words[i], other_len);
		/* A word in which every letter would change is not meant. */
		if (distance > limit || distance >= len)
			continue;
		nearest = words[i];
		if (distance == 0)
			break;
		limit = distance - 1;
	}
	return nearest;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Reads digits at *s and moves it behind them. */
static int scan_u64(const char **s, uint64_t *out_value)
{
	if (!is_digit(**s))
		return -EINVAL;
	uint64_t value = 0;
	bool is_over = false;
	for (; is_digit(**s); ++*s) {
		is_over |= __builtin_mul_overflow(value, 10, &value);
		is_over |= __builtin_add_overflow(value, (unsigned)(**s - '0'), &value);
	}
	if (is_over)
		return -ERANGE;
	*out_value = value;
	return 0;
}

/* A whole number that must end the text and not exceed max. */
static int parse_up_to(const char *s, uint64_t max, uint64_t *out_value)
{
	uint64_t value;
	int r = scan_u64(&s, &value);
	if (*s != '\0')
		return -EINVAL;
	if (r < 0)
		return r;
	if (value > max)
		return -ERANGE;
	*out_value = value;
	return 0;
}

int parse_u64(const char *s, uint64_t *out_value)
{
	return parse_up_to(s, UINT64_MAX, out_value);
}

int parse_u32(const char *s, uint32_t *out_value)
{
	uint64_t value;
	int r = parse_up_to(s, UINT32_MAX, &value);
	if (r == 0)
		*out_value = (uint32_t)value;
	return r;
}

int parse_i64(const char *s, int64_t *out_value)
{
	bool is_negative = *s == '-';
	uint64_t value;
	int r = parse_up_to(s + is_negative, (uint64_t)INT64_MAX + is_negative, &value);
	if (r == 0)
		*out_value = (int64_t)(is_negative ? -value : value);
	return r;
}

int parse_id(const char *s, uint32_t *out_id)
{
	uint64_t value;
	int r = parse_up_to(s, UINT32_MAX - 1, &value);
	if (r == 0)
		*out_id = (uint32_t)value;
	return r;
}

int parse_bool(const char *s, bool *out_value)
{
	static const struct {
		const char *word;
		bool value;
	} words[] = {
		{"true", true},
		{"false", false},
		{"yes", true},
		{"no", false},
		{"on", true},
		{"off", false},
		{"1", true},
		{"0", false},
	};
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (str_eq(s, words[i].word)) {
			*out_value = words[i].value;
			return 0;
		}
	}
	return -EINVAL;
}

enum { FRACTION_DIGITS = 9 };

/* A number such as "1", "1.5" or ".5", before its unit is known. */
struct decimal {
	uint64_t whole;
	uint64_t fraction; /* of `scale` */
	uint64_t scale;
	bool is_over; /* the whole part does not fit */
};

static int scan_decimal(const char **s, struct decimal *out)
{
	*out = (struct decimal){.scale = 1};
	bool has_whole = is_digit(**s);
	if (has_whole)
		out->is_over = scan_u64(s, &out->whole) < 0;
	if (**s != '.')
		return has_whole ? 0 : -EINVAL;

	++*s;
	unsigned digits = 0;
	for (; is_digit(**s); ++*s, digits++) {
		if (digits == FRACTION_DIGITS)
			return -EINVAL;
		out->fraction = out->fraction * 10 + (unsigned)(**s - '0');
		out->scale *= 10;
	}
	return has_whole || digits ? 0 : -EINVAL;
}

/* number * unit, rounded down. The fraction is scaled in two parts so that nothing overflows: scale
 * <= 10^9. */
static int decimal_times(const struct decimal *number, uint64_t unit, uint64_t *out_value)
{
	uint64_t value;
	if (number->is_over || __builtin_mul_overflow(number->whole, unit, &value))
		return -ERANGE;
	uint64_t part = unit / number->scale * number->fraction +
		unit % number->scale * number->fraction / number->scale;
	return __builtin_add_overflow(value, part, out_value) ? -ERANGE : 0;
}

/* The power of 1024 that a unit letter stands for, or -1. */
static int size_power(char letter)
{
	static const char letters[] = "bkmgtp";
	const char *at = letter != '\0' ? strchr(letters, letter | 0x20) : NULL;
	return at ? (int)(at - letters) : -1;
}

int parse_size(const char *s, uint64_t *out_bytes)
{
	struct decimal number;
	int r = scan_decimal(&s, &number);
	if (r < 0)
		return r;

	int power = 0;
	if (*s != '\0') {
		power = size_power(*s++);
		if (power < 0)
			return -EINVAL;
		/* "k", "kb" and "kib" are the same; nothing follows a plain "b". */
		if (power > 0 && (s[0] | 0x20) == 'i' && (s[1] | 0x20) == 'b')
			s += 2;
		else if (power > 0 && (s[0] | 0x20) == 'b')
			s++;
		if (*s != '\0')
			return -EINVAL;
	}
	uint64_t bytes;
	r = decimal_times(&number, UINT64_C(1) << (10 * power), &bytes);
	if (r == 0)
		*out_bytes = bytes;
	return r;
}

#define NANO UINT64_C(1000000000)

int parse_nano(const char *s, uint64_t *out_nano)
{
	struct decimal number;
	int r = scan_decimal(&s, &number);
	if (r < 0 || *s != '\0')
		return -EINVAL;
	uint64_t nano;
	r = decimal_times(&number, NANO, &nano);
	if (r == 0)
		*out_nano = nano;
	return r;
}

int parse_duration(const char *s, uint64_t *out_ns)
{
	static const struct {
		const char *name; /* a name comes before a shorter one that it begins with */
		uint64_t ns;
	} units[] = {
		{"ns", 1},
		{"us", 1000},
		{"\u00b5s", 1000}, /* the sign of micro, and the Greek letter */
		{"\u03bcs", 1000},
		{"ms", 1000000},
		{"s", NANO},
		{"m", 60 * NANO},
		{"h", 3600 * NANO},
	};
	enum { UNITS = sizeof(units) / sizeof(units[0]) };
	uint64_t total = 0;
	do {
		struct decimal number;
		uint64_t part;
		size_t unit = 0;
		int r = scan_decimal(&s, &number);
		while (r == 0 && unit < UNITS && !str_after(s, units[unit].name))
			unit++;
		if (r < 0 || unit == UNITS)
			return -EINVAL;
		r = decimal_times(&number, units[unit].ns, &part);
		if (r < 0 || __builtin_add_overflow(total, part, &total))
			return -ERANGE;
		s += strlen(units[unit].name);
	} while (*s);
	*out_ns = total;
	return 0;
}

int parse_ranges(const char *s, uint32_t max)
{
	bool is_over = false;
	do {
		uint64_t first;
		int r = scan_u64(&s, &first);
		if (r == -EINVAL)
			return r;
		bool first_is_over = r < 0;
		uint64_t last = first;
		bool last_is_over = first_is_over;
		if (*s == '-') {
			s++;
			r = scan_u64(&s, &last);
			if (r == -EINVAL)
				return r;
			last_is_over = r < 0;
		}
		is_over |= first_is_over || last_is_over || last > max;
		if (!first_is_over && !last_is_over && last < first)
			return -EINVAL;
		if (*s != ',' && *s != '\0')
			return -EINVAL;
	} while (*s++ == ',');
	return is_over ? -ERANGE : 0;
}

static bool is_alphanumeric(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool str_is_name(const char *s)
{
	if (!is_alphanumeric(*s))
		return false;
	size_t len = 1;
	for (; s[len] != '\0' && len <= 128; len++)
		if (!is_alphanumeric(s[len]) && s[len] != '_' && s[len] != '.' && s[len] != '-')
			return false;
	return len <= 128;
}

bool str_is_hex(const char *s, size_t len)
{
	return strlen(s) == len && strspn(s, "0123456789abcdef") == len;
}

size_t str_utf8(const char *s, size_t len, uint32_t *out_code)
{
	/* Indexed by length: the value and mask of the bits that mark a first byte, the smallest
	 * code. */
	static const struct {
		unsigned char mark;
		unsigned char mark_mask;
		uint32_t smallest;
	} forms[] = {
		[1] = {0x00, 0x80, 0},
		[2] = {0xc0, 0xe0, 0x80},
		[3] = {0xe0, 0xf0, 0x800},
		[4] = {0xf0, 0xf8, 0x10000},
	};
	for (size_t size = 1; size <= 4 && size <= len; size++) {
		unsigned char first = (unsigned char)s[0];
		if ((first & forms[size].mark_mask) != forms[size].mark)
			continue;
		uint32_t code = first & ~(unsigned)forms[size].mark_mask;
		for (size_t i = 1; i < size; i++) {
			if ((s[i] & 0xc0) != 0x80)
				return 0;
			code = code << 6 | (s[i] & 0x3fu);
		}
		if (code < forms[size].smallest || code > 0x10ffff ||
			(code >= 0xd800 && code <= 0xdfff))
			return 0;
		*out_code = code;
		return size;
	}
	return 0;
}

void format_size(char out[static 16], uint64_t bytes)
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	double size = (double)bytes;
	size_t unit = 0;
	for (; size >= 1024.0; size /= 1024.0)
		unit++;
	fmt_n(out, 16, "%.4g%s", size, units[unit]);
}

void format_size_decimal(char out[static 16], uint64_t bytes)
{
	static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
	double size = (double)bytes;
	size_t unit = 0;
	for (; size >= 999.5; size /= 1000.0) /* three digits would round 999.5 up to 1000 */
		unit++;
	fmt_n(out, 16, "%.3g%s", size, units[unit]);
}

/* The thresholds are those of Docker's go-units: hours are rounded, longer spans are cut. */
void format_ago(char out[static 32], uint64_t seconds)
{
	uint64_t hours = seconds / 3600 + (seconds % 3600 >= 1800);
	static const struct {
		uint64_t below_hours;
		uint64_t hours;
		const char *name;
	} spans[] = {
		{48, 1, "hours"},
		{24 * 7 * 2, 24, "days"},
		{24 * 30 * 2, 24 * 7, "weeks"},
		{24 * 365 * 2, 24 * 30, "months"},
	};

	if (seconds < 1)
		fmt_n(out, 32, "Less than a second");
	else if (seconds == 1)
		fmt_n(out, 32, "1 second");
	else if (seconds < 60)
		fmt_n(out, 32, "%u seconds", (unsigned)seconds);
	else if (seconds < 120)
		fmt_n(out, 32, "About a minute");
	else if (seconds < 3600)
		fmt_n(out, 32, "%u minutes", (unsigned)(seconds / 60));
	else if (hours == 1)
		fmt_n(out, 32, "About an hour");
	else {
		for (size_t i = 0; i < sizeof(spans) / sizeof(spans[0]); i++) {
			if (hours < spans[i].below_hours) {
				fmt_n(out, 32, "%u %s", (unsigned)(hours / spans[i].hours),
					spans[i].name);
				return;
			}
		}
		/* The years are counted from whole, not rounded hours, as Docker does. */
		fmt_n(out, 32, "%llu years", (unsigned long long)(seconds / 3600 / 24 / 365));
	}
}
