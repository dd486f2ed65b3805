/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The error trail: one fixed buffer for each thread. Nothing here allocates, so code that runs
 * after clone(2) may use it too.
 */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Thread_local struct err_packet trail;

/* Adds formatted text at `used`, cutting what does not fit, and returns the new length. */
__attribute__((format(printf, 3, 0))) static size_t text_add(
	struct err_packet *packet, size_t used, const char *format, va_list args)
{
	size_t room = sizeof(packet->text) - used;
	int n = vsnprintf(packet->text + used, room, format, args);
	if (n < 0)
		n = 0;
	packet->text[used + ((size_t)n < room ? (size_t)n : room - 1)] = '\0';
	return (size_t)n < room ? used + (size_t)n : sizeof(packet->text) - 1;
}

__attribute__((format(printf, 3, 4))) static size_t text_addf(
	struct err_packet *packet, size_t used, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	used = text_add(packet, used, format, args);
	va_end(args);
	return used;
}

/*
 * Every function below builds the new sentence in a second packet and then replaces the trail: the
 * arguments may come from err_text(), and bytes behind the terminator stay zero, so that a packet
 * contains nothing of older sentences.
 */

int err_new(int code, const char *format, ...)
{
	if (code >= 0)
		BUG("err_new with code %d", code);

	struct err_packet next = {.code = code};
	va_list args;
	va_start(args, format);
	size_t used = text_add(&next, 0, format, args);
	va_end(args);
	text_addf(&next, used, ": %s", err_words(code));
	trail = next;
	return code;
}

int err_say(int code, const char *format, ...)
{
	if (code >= 0)
		BUG("err_say with code %d", code);

	struct err_packet next = {.code = code};
	va_list args;
	va_start(args, format);
	text_add(&next, 0, format, args);
	va_end(args);
	trail = next;
	return code;
}

int err_wrap(int code, const char *format, ...)
{
#ifdef HUSK_DEVELOPER
	if (trail.code != code)
		BUG("err_wrap of %d over a trail of %d (%s)", code, trail.code, trail.text);
#endif
	struct err_packet next = {.code = code};
	va_list args;
	va_start(args, format);
	size_t used = text_add(&next, 0, format, args);
	va_end(args);
	text_addf(&next, used, ": %s", trail.text);
	trail = next;
	return code;
}

int err_hint(int code, const char *format, ...)
{
	struct err_packet next = {.code = code};
	size_t used = text_addf(&next, 0, "%s. ", trail.text);

	va_list args;
	va_start(args, format);
	text_add(&next, used, format, args);
	va_end(args);
	trail = next;
	return code;
}

const char *err_text(void)
{
	return trail.text;
}

int err_code(void)
{
	return trail.code;
}

void err_pack(struct err_packet *packet)
{
	*packet = trail;
}

int err_unpack(const struct err_packet *packet)
{
	trail = (struct err_packet){.code = packet->code};
	for (size_t i = 0; i < sizeof(trail.text) - 1 && packet->text[i] != '\0'; i++) {
		unsigned char byte = (unsigned char)packet->text[i];
		/* 0xc2 and a byte below 0xa0 are a C1 control in UTF-8. */
		bool is_c1 = byte < 0xa0 && byte >= 0x80 && i && trail.text[i - 1] == '\xc2';
		trail.text[i] = byte < ' ' || byte == 0x7f || is_c1 ? '?' : (char)byte;
	}
	if (trail.code >= 0 || trail.code < -4095)
		trail.code = -EPROTO;
	return trail.code;
}

void bug_at(const char *file, int line, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	fprintf(stderr, "husk: BUG at %s:%d: ", file, line);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	abort();
}
