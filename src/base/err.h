/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The error trail: functions return >= 0 or -errno for the program, and one sentence for each
 * thread explains the last failure to people. A function is either silent (every sys_ function, and
 * lookups named _find: only a code, the trail is not changed) or speaking (all others: on failure
 * the trail explains it). After a silent callee, or for an own finding, err_new starts a new
 * sentence. After a speaking callee err_wrap puts what the caller knows in front. A handled error
 * needs no clearing: the next err_new starts again.
 *
 * Decisions are made on the code, never on the text. Only the function that does not pass a failure
 * on prints it. The trail is a fixed buffer: err_new neither allocates nor fails, so init may use
 * it after clone(2).
 */
#include <stddef.h>
#include <stdint.h>

/* The longest sentence that is kept; the rest is cut. With the code it fits in a page. */
#define ERR_TEXT_MAX 1000

/* The trail in the form in which init or a monitor sends it to the process that will print it. */
struct err_packet {
	int32_t code;
	char text[ERR_TEXT_MAX];
};

/* Starts a sentence "words: err_words(code)" and returns code, which must be negative. */
int err_new(int code, const char *format, ...) __attribute__((format(printf, 2, 3), cold));

/* As err_new without the words of the code, for complete sentences ("no such container: web"). */
int err_say(int code, const char *format, ...) __attribute__((format(printf, 2, 3), cold));

/* Puts "words: " in front of the sentence and returns code. Developer builds abort if the trail has
 * another code. */
int err_wrap(int code, const char *format, ...) __attribute__((format(printf, 2, 3), cold));

/* Appends ". words" to the sentence, for a remedy, and returns code. */
int err_hint(int code, const char *format, ...) __attribute__((format(printf, 2, 3), cold));

/* The name of a number of <errno.h>, negative as functions return it ("Permission denied"). */
const char *err_words(int code);

/* The sentence and the code of the last failure; "" and 0 if there was none. Only for printing. */
const char *err_text(void);
int err_code(void);

/* Copies the trail into a packet, or a received packet into the trail. err_unpack returns the code
 * and does not trust the packet: it terminates the text, replaces control bytes, and makes a code
 * that is no failure -EPROTO. */
void err_pack(struct err_packet *packet);
int err_unpack(const struct err_packet *packet);

/* Aborts with file and line: for programmer errors only. */
#define BUG(...) bug_at(__FILE__, __LINE__, __VA_ARGS__)
_Noreturn void bug_at(const char *file, int line, const char *format, ...)
	__attribute__((format(printf, 3, 4), cold));
