/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What netlink messages are made of: a header, the family's own header, and attributes (type,
 * length, bytes) that may nest. Building appends to a batch, which grows: only the 16-bit length
 * of a nest can overflow, which is a bug. Reading never leaves the message, whatever its lengths
 * say. Numbers are in the byte order of the machine; where nf_tables needs network order, the
 * caller converts. Silent; any process.
 */
#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

struct nlmsghdr;

/* Messages that are sent together. */
struct netlink_batch {
	struct buf data;
	uint32_t count;
	size_t last; /* where the last message begins */
	size_t before_last; /* where the message before it begins */
};

#define NETLINK_BATCH_INIT \
	{ \
		.data = BUF_INIT \
	}

void netlink_batch_release(struct netlink_batch *batch);
AUTO_STRUCT(netlink_batch, struct netlink_batch, netlink_batch_release)

/* Begins a message with the family's header; the message before it is complete. `flags` get
 * NLM_F_REQUEST added. */
void netlink_begin(struct netlink_batch *batch, uint16_t type, uint16_t flags, const void *header,
	size_t header_size);

/* Each function adds to the message that was begun last. */
void netlink_put(struct netlink_batch *batch, uint16_t type, const void *data, size_t size);
void netlink_put_u8(struct netlink_batch *batch, uint16_t type, uint8_t value);
void netlink_put_u16(struct netlink_batch *batch, uint16_t type, uint16_t value);
void netlink_put_u32(struct netlink_batch *batch, uint16_t type, uint32_t value);
void netlink_put_u64(struct netlink_batch *batch, uint16_t type, uint64_t value);
/* With its terminating zero. */
void netlink_put_string(struct netlink_batch *batch, uint16_t type, const char *value);
/* A second header inside a nest, as for the peer of a veth. */
void netlink_put_header(struct netlink_batch *batch, const void *header, size_t size);

/* What is added between these two calls is inside the attribute. */
size_t netlink_nest_begin(struct netlink_batch *batch, uint16_t type);
void netlink_nest_end(struct netlink_batch *batch, size_t nest);

/* A message's family header, or NULL when the message is too short for it. */
const void *netlink_header(const struct nlmsghdr *message, size_t size);

struct netlink_attribute {
	uint16_t type;
	uint16_t size;
	const void *data;
};

/* The attributes behind a header, or inside an attribute: `while (netlink_next(&reader,
 * &attribute))`. */
struct netlink_reader {
	const char *at;
	size_t left;
};

struct netlink_reader netlink_attributes(const struct nlmsghdr *message, size_t header_size);
struct netlink_reader netlink_nested(const struct netlink_attribute *attribute);
/* false at the end, and when a length is invalid. */
bool netlink_next(struct netlink_reader *reader, struct netlink_attribute *out);

/* false, with *out unchanged, when the attribute has another size. */
bool netlink_get_u32(const struct netlink_attribute *attribute, uint32_t *out);
bool netlink_get_u64(const struct netlink_attribute *attribute, uint64_t *out);
/* NULL when the terminating zero is missing. */
const char *netlink_get_string(const struct netlink_attribute *attribute);
