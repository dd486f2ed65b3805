/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The error trail: functions return >= 0 or -errno for the machine, and one sentence per thread holds the words for
 * humans.
 *
 * A function is either silent (every sys_ function, and lookups named _find: a bare code, the trail untouched) or
 * speaking (everything else: on failure the trail explains it). Over a silent callee, or for an own finding, err_new
 * starts a fresh sentence; over a speaking callee err_wrap puts what the caller knows in front. Handling an error
 * needs no clearing: the next err_new starts over. Decisions are made on the code, never on the text, and only the function
 * that does not pass the failure on prints it.
 *
 * The trail is a fixed buffer: err_new neither allocates nor fails, so init may use it after clone(2).
 */
#include <stddef.h>
#include <stdint.h>

/* Longest sentence kept; a longer one is cut at its end. One packet with the code fits a page. */
#define ERR_TEXT_MAX 1000

/* The trail as it travels from init or a monitor to the process that will print it. */
struct err_packet {
	int32_t code;
	char text[ERR_TEXT_MAX];
};

/* Starts a sentence "words: err_words(code)" and returns code, which must be negative. */
int err_new(int code, const char *format, ...) __attribute__((format(printf, 2, 3), cold));

/* As err_new without the words of the code: for findings whose words say all ("no such container: web"). */
int err_say(int code, const char *format, ...) __attribute__((format(printf, 2, 3), cold));

/* Puts "words: " in front of the sentence and returns code; aborts in developer builds if the trail has another. */
int err_wrap(int code, const char *format, ...) __attribute__((format(printf, 2, 3), cold));

/* Appends ". words" to the sentence, for a remedy, and returns code. */
int err_hint(int code, const char *format, ...) __attribute__((format(printf, 2, 3), cold));

/* What a number of <errno.h> is called, negative as functions return it ("Permission denied"). */
const char *err_words(int code);

/* The sentence and the code of the last failure; "" and 0 when there was none. Printers only. */
const char *err_text(void);
int err_code(void);

/* Copies the trail into a packet, or a received packet into the trail; the latter returns the code and distrusts
 * the packet: the text is terminated and control bytes are replaced, a code that is no failure becomes -EPROTO. */
void err_pack(struct err_packet *packet);
int err_unpack(const struct err_packet *packet);

/* Aborts with file and line: for programmer errors only. */
#define BUG(...) bug_at(__FILE__, __LINE__, __VA_ARGS__)
_Noreturn void bug_at(const char *file, int line, const char *format, ...)
	__attribute__((format(printf, 3, 4), cold));
