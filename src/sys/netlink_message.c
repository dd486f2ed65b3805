/* SPDX-License-Identifier: Apache-2.0 */
/*
 * While a message is built it is the last of its batch, so its length is set again after each
 * addition. Everything is aligned to four bytes, and the padding is zero.
 */
#include "sys/netlink_message.h"

#include "base/err.h"

#include <linux/netlink.h>
#include <stdint.h>
#include <string.h>

void netlink_batch_release(struct netlink_batch *batch)
{
	buf_release(&batch->data);
	batch->count = 0;
}

static struct nlmsghdr *last_message(const struct netlink_batch *batch)
{
	return (struct nlmsghdr *)(void *)(batch->data.data + batch->last);
}

static void append(struct netlink_batch *batch, const void *data, size_t size)
{
	static const char zeros[NLMSG_ALIGNTO];
	buf_add(&batch->data, data, size);
	buf_add(&batch->data, zeros, NLMSG_ALIGN(size) - size);
	last_message(batch)->nlmsg_len = (uint32_t)(batch->data.len - batch->last);
}

void netlink_begin(struct netlink_batch *batch, uint16_t type, uint16_t flags, const void *header,
	size_t header_size)
{
	struct nlmsghdr message = {.nlmsg_type = type, .nlmsg_flags = flags | NLM_F_REQUEST};
	batch->before_last = batch->last;
	batch->last = batch->data.len;
	batch->count++;
	buf_add(&batch->data, &message, sizeof(message));
	append(batch, header, header_size);
}

static void attribute_head(struct netlink_batch *batch, uint16_t type, size_t size)
{
	struct nlattr head = {.nla_type = type, .nla_len = (uint16_t)(NLA_HDRLEN + size)};
	if (size > UINT16_MAX - NLA_HDRLEN)
		BUG("an attribute of %zu bytes", size);
	append(batch, &head, sizeof(head));
}

void netlink_put(struct netlink_batch *batch, uint16_t type, const void *data, size_t size)
{
	attribute_head(batch, type, size);
	append(batch, data, size);
}

void netlink_put_u8(struct netlink_batch *batch, uint16_t type, uint8_t value)
{
	netlink_put(batch, type, &value, sizeof(value));
}

void netlink_put_u16(struct netlink_batch *batch, uint16_t type, uint16_t value)
{
	netlink_put(batch, type, &value, sizeof(value));
}

void netlink_put_u32(struct netlink_batch *batch, uint16_t type, uint32_t value)
{
	netlink_put(batch, type, &value, sizeof(value));
}

void netlink_put_u64(struct netlink_batch *batch, uint16_t type, uint64_t value)
{
	netlink_put(batch, type, &value, sizeof(value));
}

void netlink_put_string(struct netlink_batch *batch, uint16_t type, const char *value)
{
	netlink_put(batch, type, value, strlen(value) + 1);
}

void netlink_put_header(struct netlink_batch *batch, const void *header, size_t size)
{
	append(batch, header, size);
}

size_t netlink_nest_begin(struct netlink_batch *batch, uint16_t type)
{
	size_t nest = batch->data.len;
	attribute_head(batch, type | NLA_F_NESTED, 0);
	return nest;
}

void netlink_nest_end(struct netlink_batch *batch, size_t nest)
{
	size_t size = batch->data.len - nest;
	if (size > UINT16_MAX)
		BUG("a nest of %zu bytes", size);
	((struct nlattr *)(void *)(batch->data.data + nest))->nla_len = (uint16_t)size;
}

const void *netlink_header(const struct nlmsghdr *message, size_t size)
{
	return message->nlmsg_len < NLMSG_LENGTH(size) ? NULL : NLMSG_DATA(message);
}

struct netlink_reader netlink_attributes(const struct nlmsghdr *message, size_t header_size)
{
	size_t skipped = NLMSG_SPACE(header_size);
	if (message->nlmsg_len < skipped)
		return (struct netlink_reader){0};
	return (struct netlink_reader){
		.at = (const char *)message + skipped, .left = message->nlmsg_len - skipped};
}

struct netlink_reader netlink_nested(const struct netlink_attribute *attribute)
{
	return (struct netlink_reader){.at = attribute->data, .left = attribute->size};
}

bool netlink_next(struct netlink_reader *reader, struct netlink_attribute *out)
{
	struct nlattr head;
	if (reader->left < sizeof(head))
		return false;
	memcpy(&head, reader->at, sizeof(head));
	if (head.nla_len < sizeof(head) || head.nla_len > reader->left)
		return false;
	*out = (struct netlink_attribute){
		.type = head.nla_type & NLA_TYPE_MASK,
		.size = (uint16_t)(head.nla_len - sizeof(head)),
		.data = reader->at + sizeof(head),
	};
	/* The last attribute may lack its padding. */
	size_t step = NLA_ALIGN(head.nla_len);
	step = step > reader->left ? reader->left : step;
	reader->at += step;
	reader->left -= step;
	return true;
}

static bool get(const struct netlink_attribute *attribute, void *out, size_t size)
{
	if (attribute->size != size)
		return false;
	memcpy(out, attribute->data, size);
	return true;
}

bool netlink_get_u32(const struct netlink_attribute *attribute, uint32_t *out)
{
	return get(attribute, out, sizeof(*out));
}

bool netlink_get_u64(const struct netlink_attribute *attribute, uint64_t *out)
{
	return get(attribute, out, sizeof(*out));
}

const char *netlink_get_string(const struct netlink_attribute *attribute)
{
	const char *text = attribute->data;
	return attribute->size > 0 && text[attribute->size - 1] == '\0' ? text : NULL;
}
