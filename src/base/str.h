/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Words and numbers: comparing, cutting and formatting strings, and reading numbers strictly.
 * Parsers here are silent: they return -EINVAL or -ERANGE. The caller knows the option or the field
 * and makes the message.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline bool str_eq(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

/* The part of s after prefix, or NULL if s does not begin with it. */
static inline const char *str_after(const char *s, const char *prefix)
{
	size_t len = strlen(prefix);
	return strncmp(s, prefix, len) == 0 ? s + len : NULL;
}

static inline bool str_prefix(const char *s, const char *prefix)
{
	return str_after(s, prefix) != NULL;
}

bool str_suffix(const char *s, const char *suffix);

/* Cuts *rest at the first separator. Returns the part before it (terminated in place) and moves
 * *rest behind it, or to NULL after the last part. Returns NULL when *rest is NULL. Empty parts are
 * returned, not skipped. */
char *str_cut(char **rest, char separator);

/* Decodes \ooo in place, as the kernel writes blanks, tabs, line ends and backslashes in the fields
 * of mountinfo. Returns `field`. */
char *str_octal_decode(char *field);

/* snprintf into an array whose size is taken from its type. Returns the length, or -ENAMETOOLONG
 * when the text does not fit (the array is then ""). */
#define fmt(array, ...) fmt_n((array), sizeof(array), __VA_ARGS__)
int fmt_n(char *out, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The entry of `words` nearest to `word` by edit distance, or NULL when none is near enough. */
const char *str_nearest(const char *word, const char *const *words, size_t count);

/* Decimal digits only, no sign, no blanks, no octal: "010" is ten. -EINVAL, or -ERANGE when it does
 * not fit. */
int parse_u32(const char *s, uint32_t *out_value);
int parse_u64(const char *s, uint64_t *out_value);
int parse_i64(const char *s, int64_t *out_value);
/* A uid or gid: as parse_u32, and not 4294967295, which means "no id" to the kernel. */
int parse_id(const char *s, uint32_t *out_id);
/* true, false, yes, no, on, off, 1, 0. */
int parse_bool(const char *s, bool *out_value);
/* Bytes as Docker writes them: 512, 64k, 100m, 1.5g, 100MiB; powers of 1024, b, k, m, g, t, p of
 * either case. */
int parse_size(const char *s, uint64_t *out_bytes);
/* A CPU count as --cpus takes it, in billionths: "1.5" is 1500000000. */
int parse_nano(const char *s, uint64_t *out_nano);
/* A span of time as Go writes them: "5s", "1m30s", "1.5h", "100ms"; at least one unit. */
int parse_duration(const char *s, uint64_t *out_ns);
/* A list of numbers and ranges, "0-2,7": checks the grammar and that no number is above max. */
int parse_ranges(const char *s, uint32_t max);

/* [a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}: names of containers, networks and volumes. */
bool str_is_name(const char *s);
/* Exactly len lower-case hex digits. */
bool str_is_hex(const char *s, size_t len);

/* The valid UTF-8 sequence at s, of at most len bytes: returns its length and gives the code
 * point. 0 when there is none (overlong forms, surrogates and code points above U+10FFFF are not
 * valid). */
size_t str_utf8(const char *s, size_t len, uint32_t *out_code);

/* "1.5GiB" style and "3 minutes" style, as Docker prints them. */
void format_size(char out[static 16], uint64_t bytes);
void format_size_decimal(char out[static 16], uint64_t bytes); /* 2.14MB: of images */
void format_ago(char out[static 32], uint64_t seconds);
