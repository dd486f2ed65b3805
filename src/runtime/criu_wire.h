/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Messages of protocol buffers, the form of criu's requests and answers: fields with a number, each
 * of which holds a number or bytes. Silent; any process.
 */
#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void wire_put_number(struct buf *out, uint32_t field, uint64_t value);
void wire_put_bytes(struct buf *out, uint32_t field, const void *data, size_t len);
void wire_put_text(struct buf *out, uint32_t field, const char *text);

struct wire_field {
	uint32_t field;
	uint64_t value; /* the value of a number; else 0 */
	const char *data; /* the bytes, not terminated; else NULL */
	size_t len;
};

/* Takes the next field off *data and *len: 1, 0 at the end, or -EBADMSG. Skips kinds that criu does
 * not use. */
int wire_next(const char **data, size_t *len, struct wire_field *out);
