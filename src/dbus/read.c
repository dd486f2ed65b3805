/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the wire format, strictly: padding is zero, strings are UTF-8 and end where their length
 * says, nothing reaches beyond what has arrived, and types nest no deeper than the specification
 * allows.
 */
#include "dbus/dbus.h"

#include "base/str.h"

#include <errno.h>

enum {
	VERSION = 1,
	DEPTH_MAX = 64,
	FIELD_SIGNATURE = 8,
	FIELD_REPLY_SERIAL = 5,
	FIELD_COUNT = 10,
};

/* Skips the padding and takes `size` bytes; NULL when there are not enough bytes. */
static const char *take(struct dbus_reader *r, size_t alignment, size_t size)
{
	while (r->at % alignment) {
		if (r->at >= r->len || r->data[r->at])
			return NULL;
		r->at++;
	}
	if (r->at > r->len || r->len - r->at < size)
		return NULL;
	r->at += size;
	return r->data + r->at - size;
}

static uint32_t u32_at(const char *bytes, bool is_big_endian)
{
	uint32_t value = 0;
	for (int i = 0; i < 4; i++)
		value |= (uint32_t)(unsigned char)bytes[i] << 8 * (is_big_endian ? 3 - i : i);
	return value;
}

int dbus_get_u32(struct dbus_reader *r, uint32_t *out)
{
	const char *bytes = take(r, 4, 4);
	if (!bytes)
		return -EBADMSG;
	*out = u32_at(bytes, r->is_big_endian);
	return 0;
}

/* Takes `len` bytes, none of them zero, and the zero behind them. */
static int get_text(struct dbus_reader *r, size_t len, const char **out)
{
	const char *text = len < DBUS_MESSAGE_MAX ? take(r, 1, len + 1) : NULL;
	if (!text || text[len] || memchr(text, '\0', len))
		return -EBADMSG;
	for (size_t at = 0; at < len;) {
		uint32_t code;
		size_t step = str_utf8(text + at, len - at, &code);
		if (step == 0)
			return -EBADMSG;
		at += step;
	}
	*out = text;
	return 0;
}

int dbus_get_string(struct dbus_reader *r, const char **out)
{
	uint32_t len;
	int failure = dbus_get_u32(r, &len);
	return failure < 0 ? failure : get_text(r, len, out);
}

int dbus_get_signature(struct dbus_reader *r, const char **out)
{
	const char *len = take(r, 1, 1);
	return len ? get_text(r, (unsigned char)*len, out) : -EBADMSG;
}

/* The size of a basic type, which is also its alignment; 0 for other types. */
static size_t fixed_size(char type)
{
	switch (type) {
	case 'y':
		return 1;
	case 'n':
	case 'q':
		return 2;
	case 'b':
	case 'i':
	case 'u':
	case 'h':
		return 4;
	case 'x':
	case 't':
	case 'd':
		return 8;
	default:
		return 0;
	}
}

static size_t alignment_of(char type)
{
	if (type == '(' || type == '{')
		return 8;
	if (type == 'v' || type == 'g')
		return 1;
	size_t size = fixed_size(type);
	return size ? size : 4;
}

static int skip_value(struct dbus_reader *r, const char **signature, unsigned depth);

/* Moves *signature behind one type without reading a value. The end of the signature bounds it. */
static int skip_type(const char **signature, unsigned depth)
{
	char type = **signature;
	if (depth == DEPTH_MAX || !type || !strchr("ybnqiuhxtdsogva({", type))
		return -EBADMSG;
	++*signature;
	if (type == 'a')
		return skip_type(signature, depth + 1);
	if (type != '(' && type != '{')
		return 0;
	char end = type == '(' ? ')' : '}';
	do {
		int failure = skip_type(signature, depth + 1);
		if (failure < 0)
			return failure;
	} while (**signature != end);
	++*signature;
	return 0;
}

static int skip_array(struct dbus_reader *r, const char **signature, unsigned depth)
{
	const char *item = *signature;
	uint32_t len;
	int failure = skip_type(signature, depth);
	if (failure == 0)
		failure = dbus_get_u32(r, &len);
	if (failure < 0 || !take(r, alignment_of(*item), 0) || len > r->len - r->at)
		return -EBADMSG;
	struct dbus_reader items = *r;
	items.len = r->at + len;
	while (failure == 0 && items.at < items.len) {
		const char *type = item;
		failure = skip_value(&items, &type, depth);
	}
	r->at = items.at;
	return failure;
}

static int skip_variant(struct dbus_reader *r, unsigned depth)
{
	const char *type;
	int failure = dbus_get_signature(r, &type);
	if (failure == 0)
		failure = skip_value(r, &type, depth);
	return failure == 0 && *type ? -EBADMSG : failure;
}

static int skip_members(struct dbus_reader *r, const char **signature, char end, unsigned depth)
{
	if (!take(r, 8, 0))
		return -EBADMSG;
	do {
		int failure = skip_value(r, signature, depth);
		if (failure < 0)
			return failure;
	} while (**signature != end);
	++*signature;
	return 0;
}

/* Skips one value of any type; *signature moves behind its type. */
static int skip_value(struct dbus_reader *r, const char **signature, unsigned depth)
{
	char type = **signature;
	const char *text;
	size_t size = fixed_size(type);
	if (depth == DEPTH_MAX || !type)
		return -EBADMSG;
	++*signature;
	if (size)
		return take(r, size, size) ? 0 : -EBADMSG;
	switch (type) {
	case 's':
	case 'o':
		return dbus_get_string(r, &text);
	case 'g':
		return dbus_get_signature(r, &text);
	case 'v':
		return skip_variant(r, depth + 1);
	case 'a':
		return skip_array(r, signature, depth + 1);
	case '(':
		return skip_members(r, signature, ')', depth + 1);
	case '{':
		return skip_members(r, signature, '}', depth + 1);
	default:
		return -EBADMSG;
	}
}

/* The head has the types y y y y u u a(yv). The last is an array of *out_fields bytes. The body
 * begins at a multiple of eight. */
static int head_read(const char *head, bool *out_is_big, size_t *out_fields, size_t *out_body)
{
	if ((head[0] != 'l' && head[0] != 'B') || head[3] != VERSION)
		return -EBADMSG;
	*out_is_big = head[0] == 'B';
	*out_body = u32_at(head + 4, *out_is_big);
	*out_fields = u32_at(head + 12, *out_is_big);
	return *out_body > DBUS_MESSAGE_MAX || *out_fields > DBUS_MESSAGE_MAX ? -EBADMSG : 0;
}

static size_t body_begin(size_t fields)
{
	return (DBUS_HEAD_SIZE + fields + 7) / 8 * 8;
}

int dbus_message_length(const char *head, size_t *out_length)
{
	size_t fields, body;
	bool is_big;
	int failure = head_read(head, &is_big, &fields, &body);
	if (failure < 0 || body_begin(fields) + body > DBUS_MESSAGE_MAX)
		return -EBADMSG;
	*out_length = body_begin(fields) + body;
	return 0;
}

/* Where the text of each field goes, by field number; NULL: the field is not a text, or not used
 * here. */
struct texts {
	const char **of[FIELD_COUNT];
};

static const char field_types[FIELD_COUNT] = {0, 'o', 's', 's', 's', 'u', 's', 's', 'g', 'u'};

static int field_value(
	struct dbus_reader *r, uint8_t field, const struct texts *texts, struct dbus_message *out)
{
	const char *none;
	const char **text = texts->of[field] ? texts->of[field] : &none;
	if (field == FIELD_REPLY_SERIAL)
		return dbus_get_u32(r, &out->reply_serial);
	if (field == FIELD_SIGNATURE)
		return dbus_get_signature(r, text);
	if (field_types[field] == 'u')
		return dbus_get_u32(r, &(uint32_t){0});
	return dbus_get_string(r, text);
}

static int field_read(struct dbus_reader *r, const struct texts *texts, struct dbus_message *out)
{
	const char *type, *number = take(r, 8, 1);
	int failure = number ? dbus_get_signature(r, &type) : -EBADMSG;
	if (failure < 0)
		return failure;
	uint8_t field = (uint8_t)*number;
	if (field == 0)
		return -EBADMSG;
	if (field >= FIELD_COUNT) { /* of a later version: ignored */
		failure = skip_value(r, &type, 1);
		return failure == 0 && *type ? -EBADMSG : failure;
	}
	if (type[0] != field_types[field] || type[1])
		return -EBADMSG;
	return field_value(r, field, texts, out);
}

/* Whether the message has the fields that the specification demands for its type. */
static bool is_complete(const struct dbus_message *m)
{
	switch (m->type) {
	case DBUS_CALL:
		return *m->path && *m->member;
	case DBUS_REPLY:
		return m->reply_serial != 0;
	case DBUS_ERROR:
		return m->reply_serial != 0 && *m->error;
	case DBUS_SIGNAL:
		return *m->path && *m->interface && *m->member;
	default:
		return true; /* a type of a later version */
	}
}

int dbus_message_parse(const char *data, size_t len, struct dbus_message *out)
{
	size_t fields, body, length;
	bool is_big;
	if (len < DBUS_HEAD_SIZE || dbus_message_length(data, &length) < 0 || length != len)
		return -EBADMSG;
	head_read(data, &is_big, &fields, &body);
	*out = (struct dbus_message){
		.type = (enum dbus_type)(unsigned char)data[1],
		.serial = u32_at(data + 8, is_big),
		.path = "",
		.interface = "",
		.member = "",
		.error = "",
		.sender = "",
		.signature = "",
		.body = {data + body_begin(fields), body, 0, is_big},
	};
	const struct texts texts = {{NULL, &out->path, &out->interface, &out->member, &out->error,
		NULL, NULL, &out->sender, &out->signature, NULL}};
	struct dbus_reader head = {data, DBUS_HEAD_SIZE + fields, DBUS_HEAD_SIZE, is_big};
	while (head.at < head.len) {
		int failure = field_read(&head, &texts, out);
		if (failure < 0)
			return failure;
	}
	head.len = body_begin(fields);
	bool is_right = take(&head, 8, 0) && out->type && out->serial && is_complete(out);
	return is_right && (body == 0 || *out->signature) ? 0 : -EBADMSG;
}
