/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The part of protocol buffers that criu uses: a key is a field's number and kind, and numbers have
 * 7 bits in each byte.
 */
#include "runtime/criu_wire.h"

#include <errno.h>
#include <string.h>

enum wire_kind { WIRE_NUMBER = 0, WIRE_EIGHT_BYTES = 1, WIRE_BYTES = 2, WIRE_FOUR_BYTES = 5 };
enum { KIND_BITS = 3, NUMBER_BITS = 7, NUMBER_BYTES_MAX = 10 };

static void number_put(struct buf *out, uint64_t value)
{
	do {
		uint8_t byte = (uint8_t)(value & 0x7f);
		value >>= NUMBER_BITS;
		byte |= value ? 0x80 : 0;
		buf_add(out, &byte, 1);
	} while (value);
}

void wire_put_number(struct buf *out, uint32_t field, uint64_t value)
{
	number_put(out, (uint64_t)field << KIND_BITS | WIRE_NUMBER);
	number_put(out, value);
}

void wire_put_bytes(struct buf *out, uint32_t field, const void *data, size_t len)
{
	number_put(out, (uint64_t)field << KIND_BITS | WIRE_BYTES);
	number_put(out, len);
	buf_add(out, data, len);
}

void wire_put_text(struct buf *out, uint32_t field, const char *text)
{
	wire_put_bytes(out, field, text, strlen(text));
}

static int number_take(const char **data, size_t *len, uint64_t *out)
{
	*out = 0;
	for (unsigned i = 0; i<NUMBER_BYTES_MAX && * len> 0; i++) {
		uint8_t byte = (uint8_t) * *data;
		++*data;
		--*len;
		*out |= (uint64_t)(byte & 0x7f) << (i * NUMBER_BITS);
		if (!(byte & 0x80))
			return 0;
	}
	return -EBADMSG;
}

static int bytes_take(const char **data, size_t *len, size_t wanted, const char **out)
{
	if (wanted > *len)
		return -EBADMSG;
	*out = *data;
	*data += wanted;
	*len -= wanted;
	return 0;
}

int wire_next(const char **data, size_t *len, struct wire_field *out)
{
	uint64_t key, size;
	const char *skipped;
	*out = (struct wire_field){0};
	if (*len == 0)
		return 0;
	int r = number_take(data, len, &key);
	if (r < 0 || key > UINT32_MAX)
		return -EBADMSG;
	out->field = (uint32_t)(key >> KIND_BITS);
	switch (key & ((1u << KIND_BITS) - 1)) {
	case WIRE_NUMBER:
		r = number_take(data, len, &out->value);
		break;
	case WIRE_BYTES:
		r = number_take(data, len, &size);
		if (r == 0)
			r = bytes_take(data, len, size, &out->data);
		out->len = r < 0 ? 0 : size;
		break;
	case WIRE_EIGHT_BYTES:
		r = bytes_take(data, len, 8, &skipped);
		break;
	case WIRE_FOUR_BYTES:
		r = bytes_take(data, len, 4, &skipped);
		break;
	default:
		r = -EBADMSG;
	}
	return r < 0 ? r : 1;
}
