/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes the wire format. Values are aligned to their size, counted from the beginning of the
 * message. A body begins at a multiple of eight, so it can be written separately. Everything is
 * little endian, on every processor.
 */
#include "dbus/dbus.h"

#include "base/str.h"

#include <errno.h>

enum {
	VERSION = 1,
	FIELD_PATH = 1,
	FIELD_INTERFACE = 2,
	FIELD_MEMBER = 3,
	FIELD_DESTINATION = 6,
	FIELD_SIGNATURE = 8,
};

void dbus_writer_release(struct dbus_writer *w)
{
	buf_release(&w->bytes);
}

static void align(struct dbus_writer *w, size_t alignment)
{
	while (w->bytes.len % alignment)
		buf_addc(&w->bytes, '\0');
}

static void put_little(struct dbus_writer *w, uint64_t value, size_t size)
{
	align(w, size);
	for (size_t i = 0; i < size; i++)
		buf_addc(&w->bytes, (char)(value >> (8 * i)));
}

static void put_byte(struct dbus_writer *w, uint8_t value)
{
	put_little(w, value, 1);
}

void dbus_put_bool(struct dbus_writer *w, bool value)
{
	dbus_put_u32(w, value);
}

void dbus_put_u32(struct dbus_writer *w, uint32_t value)
{
	put_little(w, value, 4);
}

void dbus_put_u64(struct dbus_writer *w, uint64_t value)
{
	put_little(w, value, 8);
}

void dbus_put_string(struct dbus_writer *w, const char *text)
{
	size_t len = strlen(text);
	dbus_put_u32(w, (uint32_t)len);
	buf_add(&w->bytes, text, len + 1);
}

void dbus_put_signature(struct dbus_writer *w, const char *text)
{
	size_t len = strlen(text);
	put_byte(w, (uint8_t)len);
	buf_add(&w->bytes, text, len + 1);
}

void dbus_put_struct(struct dbus_writer *w)
{
	align(w, 8);
}

void dbus_put_bytes(struct dbus_writer *w, const void *data, size_t len)
{
	dbus_put_u32(w, (uint32_t)len);
	buf_add(&w->bytes, data, len);
}

/* The length of an array does not include the padding before its first item. */
size_t dbus_array_begin(struct dbus_writer *w, size_t alignment)
{
	dbus_put_u32(w, 0);
	size_t length_at = w->bytes.len - 4;
	align(w, alignment);
	return length_at << 4 | alignment;
}

void dbus_array_end(struct dbus_writer *w, size_t begin)
{
	size_t length_at = begin >> 4, alignment = begin & 15, first = length_at + 4;
	first += (alignment - first % alignment) % alignment;
	size_t len = w->bytes.len - first;
	for (size_t i = 0; i < 4; i++)
		w->bytes.data[length_at + i] = (char)(len >> (8 * i));
}

static void put_field(struct dbus_writer *w, uint8_t field, const char *type, const char *value)
{
	if (!value)
		return;
	dbus_put_struct(w);
	put_byte(w, field);
	dbus_put_signature(w, type);
	if (str_eq(type, "g"))
		dbus_put_signature(w, value);
	else
		dbus_put_string(w, value);
}

int dbus_call_write(const struct dbus_call *call, uint32_t serial, struct buf *out)
{
	auto_of(dbus_writer) struct dbus_writer head = DBUS_WRITER_INIT;
	size_t body_len = call->signature ? call->body->bytes.len : 0;
	const uint8_t first[] = {'l', DBUS_CALL, 0, VERSION};
	for (size_t i = 0; i < sizeof(first); i++)
		put_byte(&head, first[i]);
	dbus_put_u32(&head, (uint32_t)body_len);
	dbus_put_u32(&head, serial);
	size_t fields = dbus_array_begin(&head, 8);
	put_field(&head, FIELD_PATH, "o", call->path);
	put_field(&head, FIELD_MEMBER, "s", call->member);
	put_field(&head, FIELD_INTERFACE, "s", call->interface);
	put_field(&head, FIELD_DESTINATION, "s", call->destination);
	put_field(&head, FIELD_SIGNATURE, "g", call->signature);
	dbus_array_end(&head, fields);
	align(&head, 8);
	if (body_len > DBUS_MESSAGE_MAX || head.bytes.len + body_len > DBUS_MESSAGE_MAX)
		return -EMSGSIZE;
	buf_add(out, head.bytes.data, head.bytes.len);
	if (body_len)
		buf_add(out, call->body->bytes.data, body_len);
	return 0;
}
