/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The nf_tables messages that our table needs: transactions of set elements, and three queries. The
 * nft program loads the structure of the table once, from a text. Silent, -errno.
 */
#include "sys/netlink.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { NFT_KEY_MAX = 32, NFT_VALUE_MAX = 20, NFT_COMMENT_MAX = 128 };

/* An element of a set or, with a value, of a map. Every part of a concatenation takes whole words
 * of four bytes. */
struct nft_element {
	uint8_t key[NFT_KEY_MAX];
	uint8_t value[NFT_VALUE_MAX];
	uint8_t key_size;
	uint8_t value_size;
	bool ends_interval; /* the first key after an interval */
};

/* Appends `size` bytes and zeros up to the next word. */
void nft_key_add(struct nft_element *element, const void *data, size_t size);
void nft_value_add(struct nft_element *element, const void *data, size_t size);

/* A transaction is begin, any number of elements, end, then netlink_commit. */
void nft_begin(struct netlink_batch *batch);
void nft_end(struct netlink_batch *batch);
/* Add to or delete from a set; all elements get the comment (may be NULL). Adding an element that
 * is there is success, adding a key with another value is -EEXIST. Deleting an element that is not
 * there is -ENOENT. */
void nft_add_elements(struct netlink_batch *batch, const char *table, const char *set,
	const struct nft_element *list, size_t count, const char *comment);
void nft_delete_elements(struct netlink_batch *batch, const char *table, const char *set,
	const struct nft_element *list, size_t count);
void nft_delete_table(struct netlink_batch *batch, const char *table);
/* Adds a chain that no packet passes. One that is there is success. */
void nft_add_chain(struct netlink_batch *batch, const char *table, const char *chain);

/* 0, or -ENOENT. */
int nft_find_table(struct netlink *n, const char *table);
int nft_find_chain(struct netlink *n, const char *table, const char *chain);
/* 0 when the chain has a rule with this comment, or -ENOENT. */
int nft_find_rule(struct netlink *n, const char *table, const char *chain, const char *comment);
/* Calls for each element; the comment is "" when there is none. */
int nft_each_element(struct netlink *n, const char *table, const char *set,
	int (*each)(const struct nft_element *element, const char *comment, void *data),
	void *data);

/* For other kinds of messages: begins the message with its family header, puts the comment as an
 * attribute of this type, and reads the comment of such an attribute ("" if there is none). */
void nft_message_begin(struct netlink_batch *batch, uint8_t family, uint16_t type, uint16_t flags);
void nft_put_comment(struct netlink_batch *batch, uint16_t type, const char *comment);
const char *nft_read_comment(const struct netlink_attribute *attribute);
