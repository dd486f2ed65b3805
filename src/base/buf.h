/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A growing byte buffer and a growing list of strings. A struct buf always has a terminator: data
 * is a valid C string at all times, also before the first add, and len does not count the
 * terminator. Out of memory aborts, so data from outside must be bounded before it is added.
 */
#include "base/cleanup.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct buf {
	char *data;
	size_t len;
	size_t room;
};

extern char buf_empty[1];
#define BUF_INIT \
	{ \
		.data = buf_empty \
	}

void buf_release(struct buf *b);
AUTO_STRUCT(buf, struct buf, buf_release)
/* `auto_buf struct buf b = BUF_INIT;` */
#define auto_buf auto_of(buf)

/* Makes the buffer empty and keeps its memory. */
void buf_clear(struct buf *b);
/* Makes room for `extra` more bytes and returns where to put them; the caller then calls
 * buf_grew. */
char *buf_reserve(struct buf *b, size_t extra);
void buf_grew(struct buf *b, size_t added);

void buf_add(struct buf *b, const void *data, size_t len);
void buf_adds(struct buf *b, const char *s);
void buf_addc(struct buf *b, char c);
void buf_addf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_vaddf(struct buf *b, const char *format, va_list args)
	__attribute__((format(printf, 2, 0), nonnull(2)));

/* Adds s and writes every character that could control a terminal (C0, DEL, C1, bidirectional
 * marks) as \n, \t, \r, \xNN or \u{NNNN}: for tables and messages that show names given by an
 * image, a registry or a user. */
void buf_add_escaped(struct buf *b, const char *s);
/* The same, but newlines and tabs stay: for text of several lines. */
void buf_add_escaped_lines(struct buf *b, const char *s);

/* Gives the string to the caller, who frees it; the buffer is empty afterwards. */
char *buf_take(struct buf *b);

/* A list of owned strings. It is NULL-terminated after the first push, so that items can be given
 * to execve(2). */
struct strvec {
	char **items;
	size_t count;
	size_t room;
};

#define STRVEC_INIT \
	{ \
		0 \
	}

void strvec_release(struct strvec *v);
AUTO_STRUCT(strvec, struct strvec, strvec_release)
#define auto_strvec auto_of(strvec)

void strvec_push(struct strvec *v, const char *s);
void strvec_pushf(struct strvec *v, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Takes over a heap string. */
void strvec_push_take(struct strvec *v, char *s);

#define strvec_each(item, v) \
	for (char **item = (v)->items; item && item < (v)->items + (v)->count; item++)

/* Allocation that aborts when there is none left; zeroed. */
void *mem_new(size_t size);
void *mem_resize(void *p, size_t count, size_t size);
char *mem_strdup(const char *s);
char *mem_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));
