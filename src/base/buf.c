/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Buffers, string lists, and the allocation functions under them: husk allocates only by these.
 */
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { FORMAT_GUESS = 48 };

char buf_empty[1];

void *mem_new(size_t size)
{
	void *p = calloc(1, size ? size : 1);
	if (!p)
		BUG("out of memory (%zu bytes)", size);
	return p;
}

void *mem_resize(void *p, size_t count, size_t size)
{
	void *bigger = reallocarray(p, count ? count : 1, size);
	if (!bigger)
		BUG("out of memory (%zu times %zu bytes)", count, size);
	return bigger;
}

char *mem_strdup(const char *s)
{
	size_t size = strlen(s) + 1;
	return memcpy(mem_new(size), s, size);
}

char *mem_printf(const char *format, ...)
{
	auto_buf struct buf b = BUF_INIT;
	va_list args;
	va_start(args, format);
	buf_vaddf(&b, format, args);
	va_end(args);
	return buf_take(&b);
}

void buf_release(struct buf *b)
{
	if (b->room)
		free(b->data);
	*b = (struct buf)BUF_INIT;
}

void buf_clear(struct buf *b)
{
	b->len = 0;
	if (b->room)
		b->data[0] = '\0';
}

char *buf_reserve(struct buf *b, size_t extra)
{
	size_t need = b->len + extra + 1;
	/* Half of the address space is the limit, so that doubling cannot overflow. */
	if (need <= b->len || need > SIZE_MAX / 2)
		BUG("buffer of %zu bytes cannot grow by %zu", b->len, extra);
	if (need > b->room) {
		size_t room = b->room ? b->room * 2 : 64;
		while (room < need)
			room *= 2;
		b->data = mem_resize(b->room ? b->data : NULL, room, 1);
		b->room = room;
		b->data[b->len] = '\0';
	}
	return b->data + b->len;
}

void buf_grew(struct buf *b, size_t added)
{
	if (b->len + added >= b->room)
		BUG("buffer grew by %zu past its room", added);
	b->len += added;
	b->data[b->len] = '\0';
}

void buf_add(struct buf *b, const void *data, size_t len)
{
	if (len == 0)
		return;
	memcpy(buf_reserve(b, len), data, len);
	buf_grew(b, len);
}

void buf_adds(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void buf_addc(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}

/* Most texts fit at once; only for longer ones the text is formatted a second time. */
void buf_vaddf(struct buf *b, const char *format, va_list args)
{
	va_list again;
	va_copy(again, args);
	char *to = buf_reserve(b, FORMAT_GUESS);
	size_t room = b->room - b->len;
	int n = vsnprintf(to, room, format, args);
	if (n < 0)
		BUG("format %s", format);
	if ((size_t)n >= room)
		vsnprintf(buf_reserve(b, (size_t)n), (size_t)n + 1, format, again);
	va_end(again);
	buf_grew(b, (size_t)n);
}

void buf_addf(struct buf *b, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	buf_vaddf(b, format, args);
	va_end(args);
}

static bool drives_terminal(unsigned code)
{
	return code < 0x20 || (code >= 0x7f && code <= 0x9f) || code == 0x61c ||
		(code >= 0x200e && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e) ||
		(code >= 0x2066 && code <= 0x2069);
}

static void add_escape(struct buf *b, unsigned code)
{
	if (code == '\n' || code == '\t' || code == '\r')
		buf_addf(b, "\\%c", code == '\n' ? 'n' : code == '\t' ? 't' : 'r');
	else if (code < 0x100)
		buf_addf(b, "\\x%02x", code);
	else
		buf_addf(b, "\\u{%04x}", code);
}

static void add_escaped(struct buf *b, const char *s, const char *kept)
{
	size_t len = strlen(s), plain = 0;
	for (size_t at = 0; at < len;) {
		uint32_t code;
		size_t size = str_utf8(s + at, len - at, &code);
		bool is_plain = size > 0 && (!drives_terminal(code) || strchr(kept, s[at]));
		if (!is_plain) {
			buf_add(b, s + plain, at - plain);
			add_escape(b, size > 0 ? code : (unsigned char)s[at]);
		}
		at += size > 0 ? size : 1;
		if (!is_plain)
			plain = at;
	}
	buf_add(b, s + plain, len - plain);
}

void buf_add_escaped(struct buf *b, const char *s)
{
	add_escaped(b, s, "");
}

void buf_add_escaped_lines(struct buf *b, const char *s)
{
	add_escaped(b, s, "\n\t");
}

char *buf_take(struct buf *b)
{
	char *s = b->room ? b->data : mem_strdup("");
	*b = (struct buf)BUF_INIT;
	return s;
}

void strvec_release(struct strvec *v)
{
	strvec_each (item, v)
		free(*item);
	free(v->items);
	*v = (struct strvec)STRVEC_INIT;
}

void strvec_push_take(struct strvec *v, char *s)
{
	if (v->count + 2 > v->room) {
		v->room = v->room ? v->room * 2 : 8;
		v->items = mem_resize(v->items, v->room, sizeof(*v->items));
	}
	v->items[v->count++] = s;
	v->items[v->count] = NULL;
}

void strvec_push(struct strvec *v, const char *s)
{
	strvec_push_take(v, mem_strdup(s));
}

void strvec_pushf(struct strvec *v, const char *format, ...)
{
	auto_buf struct buf b = BUF_INIT;
	va_list args;
	va_start(args, format);
	buf_vaddf(&b, format, args);
	va_end(args);
	strvec_push_take(v, buf_take(&b));
}
