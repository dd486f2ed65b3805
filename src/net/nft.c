/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nf_tables.
 *
 * A transaction is BATCH_BEGIN, messages, BATCH_END; the kernel applies all of it or nothing. The
 * lists in element messages have a length of 16 bits, so a long list becomes several messages of
 * the same transaction. Comments have the form in which the nft program writes them as user data: a
 * type byte (0), a length byte, the string with its terminating zero.
 */
#include "net/nft.h"

#include "base/err.h"
#include "base/str.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <string.h>

enum {
	ELEMENTS_PER_MESSAGE = 128,
	COMMENT_TYPE = 0,
};

static void add_padded(uint8_t *to, uint8_t *size, size_t room, const void *data, size_t len)
{
	size_t padded = (len + 3) & ~(size_t)3;

	if (*size + padded > room)
		BUG("a set element of %zu bytes", *size + padded);
	memcpy(to + *size, data, len);
	*size = (uint8_t)(*size + padded);
}

void nft_key_add(struct nft_element *element, const void *data, size_t size)
{
	add_padded(element->key, &element->key_size, sizeof(element->key), data, size);
}

void nft_value_add(struct nft_element *element, const void *data, size_t size)
{
	add_padded(element->value, &element->value_size, sizeof(element->value), data, size);
}

void nft_message_begin(struct netlink_batch *batch, uint8_t family, uint16_t type, uint16_t flags)
{
	const struct nfgenmsg head = {.nfgen_family = family, .version = NFNETLINK_V0};
	netlink_begin(
		batch, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type), flags, &head, sizeof(head));
}

static void add_border(struct netlink_batch *batch, uint16_t type)
{
	const struct nfgenmsg head = {.res_id = htons(NFNL_SUBSYS_NFTABLES)};
	netlink_begin(batch, type, 0, &head, sizeof(head));
}

void nft_begin(struct netlink_batch *batch)
{
	add_border(batch, NFNL_MSG_BATCH_BEGIN);
}

void nft_end(struct netlink_batch *batch)
{
	add_border(batch, NFNL_MSG_BATCH_END);
}

static void put_data(struct netlink_batch *batch, uint16_t type, const uint8_t *data, size_t size)
{
	size_t nest = netlink_nest_begin(batch, type);

	netlink_put(batch, NFTA_DATA_VALUE, data, size);
	netlink_nest_end(batch, nest);
}

void nft_put_comment(struct netlink_batch *batch, uint16_t type, const char *comment)
{
	uint8_t user_data[2 + NFT_COMMENT_MAX] = {COMMENT_TYPE};
	size_t size = strlen(comment) + 1;

	if (size > NFT_COMMENT_MAX)
		BUG("a comment of %zu bytes", size);
	user_data[1] = (uint8_t)size;
	memcpy(user_data + 2, comment, size);
	netlink_put(batch, type, user_data, size + 2);
}

static void put_element(
	struct netlink_batch *batch, const struct nft_element *element, const char *comment)
{
	size_t nest = netlink_nest_begin(batch, NFTA_LIST_ELEM);

	if (element->ends_interval)
		netlink_put_u32(batch, NFTA_SET_ELEM_FLAGS, htonl(NFT_SET_ELEM_INTERVAL_END));
	put_data(batch, NFTA_SET_ELEM_KEY, element->key, element->key_size);
	if (element->value_size)
		put_data(batch, NFTA_SET_ELEM_DATA, element->value, element->value_size);
	if (comment && !element->ends_interval)
		nft_put_comment(batch, NFTA_SET_ELEM_USERDATA, comment);
	netlink_nest_end(batch, nest);
}

static void begin_elements(
	struct netlink_batch *batch, uint16_t type, const char *table, const char *set)
{
	nft_message_begin(batch, NFPROTO_INET, type, type == NFT_MSG_NEWSETELEM ? NLM_F_CREATE : 0);
	netlink_put_string(batch, NFTA_SET_ELEM_LIST_TABLE, table);
	netlink_put_string(batch, NFTA_SET_ELEM_LIST_SET, set);
}

static void add_all(struct netlink_batch *batch, const struct nft_element *list, size_t count,
	const char *comment)
{
	size_t nest = netlink_nest_begin(batch, NFTA_SET_ELEM_LIST_ELEMENTS);

	for (size_t i = 0; i < count; i++)
		put_element(batch, &list[i], comment);
	netlink_nest_end(batch, nest);
}

void nft_add_elements(struct netlink_batch *batch, const char *table, const char *set,
	const struct nft_element *list, size_t count, const char *comment)
{
	for (size_t done = 0; done < count; done += ELEMENTS_PER_MESSAGE) {
		size_t part = count - done < ELEMENTS_PER_MESSAGE ? count - done
								  : ELEMENTS_PER_MESSAGE;
		begin_elements(batch, NFT_MSG_NEWSETELEM, table, set);
		add_all(batch, list + done, part, comment);
	}
}

void nft_delete_elements(struct netlink_batch *batch, const char *table, const char *set,
	const struct nft_element *list, size_t count)
{
	for (size_t done = 0; done < count; done += ELEMENTS_PER_MESSAGE) {
		size_t part = count - done < ELEMENTS_PER_MESSAGE ? count - done
								  : ELEMENTS_PER_MESSAGE;
		begin_elements(batch, NFT_MSG_DELSETELEM, table, set);
		add_all(batch, list + done, part, NULL);
	}
}

void nft_delete_table(struct netlink_batch *batch, const char *table)
{
	nft_message_begin(batch, NFPROTO_INET, NFT_MSG_DELTABLE, 0);
	netlink_put_string(batch, NFTA_TABLE_NAME, table);
}

static void put_chain(struct netlink_batch *batch, uint16_t type, uint16_t flags, const char *table,
	const char *chain)
{
	nft_message_begin(batch, NFPROTO_INET, type, flags);
	netlink_put_string(batch, NFTA_CHAIN_TABLE, table);
	netlink_put_string(batch, NFTA_CHAIN_NAME, chain);
}

void nft_add_chain(struct netlink_batch *batch, const char *table, const char *chain)
{
	put_chain(batch, NFT_MSG_NEWCHAIN, NLM_F_CREATE, table, chain);
}

int nft_find_chain(struct netlink *n, const char *table, const char *chain)
{
	auto_of(netlink_batch) struct netlink_batch batch = NETLINK_BATCH_INIT;

	put_chain(&batch, NFT_MSG_GETCHAIN, 0, table, chain);
	return netlink_send(n, &batch, NULL, NULL);
}

int nft_find_table(struct netlink *n, const char *table)
{
	auto_of(netlink_batch) struct netlink_batch batch = NETLINK_BATCH_INIT;

	nft_message_begin(&batch, NFPROTO_INET, NFT_MSG_GETTABLE, 0);
	netlink_put_string(&batch, NFTA_TABLE_NAME, table);
	return netlink_send(n, &batch, NULL, NULL);
}

/* Any process may have written these bytes, and the kernel does not check them: so they are
 * checked. */
const char *nft_read_comment(const struct netlink_attribute *attribute)
{
	const uint8_t *data = attribute->data;
	size_t left = attribute->size;

	while (left >= 2 && data[1] <= left - 2) {
		size_t size = data[1];
		if (data[0] == COMMENT_TYPE && size > 0 && data[2 + size - 1] == '\0')
			return (const char *)data + 2;
		data += 2 + size;
		left -= 2 + size;
	}
	return "";
}

struct rule_search {
	const char *comment;
	bool is_found;
};

static int read_rule(const struct nlmsghdr *message, void *data)
{
	struct rule_search *search = data;
	struct netlink_attribute attribute;

	struct netlink_reader reader = netlink_attributes(message, sizeof(struct nfgenmsg));
	while (netlink_next(&reader, &attribute)) {
		if (attribute.type == NFTA_RULE_USERDATA &&
			str_eq(nft_read_comment(&attribute), search->comment))
			search->is_found = true;
	}
	return 0;
}

int nft_find_rule(struct netlink *n, const char *table, const char *chain, const char *comment)
{
	auto_of(netlink_batch) struct netlink_batch batch = NETLINK_BATCH_INIT;
	struct rule_search search = {.comment = comment};

	nft_message_begin(&batch, NFPROTO_INET, NFT_MSG_GETRULE, 0);
	netlink_put_string(&batch, NFTA_RULE_TABLE, table);
	netlink_put_string(&batch, NFTA_RULE_CHAIN, chain);
	int r = netlink_dump(n, &batch, read_rule, &search);
	if (r < 0)
		return r;
	return search.is_found ? 0 : -ENOENT;
}

struct element_walk {
	int (*each)(const struct nft_element *element, const char *comment, void *data);
	void *data;
};

static void read_data(
	const struct netlink_attribute *nest, uint8_t *to, uint8_t *out_size, size_t room)
{
	struct netlink_attribute attribute;

	struct netlink_reader reader = netlink_nested(nest);
	while (netlink_next(&reader, &attribute)) {
		if (attribute.type != NFTA_DATA_VALUE || attribute.size > room)
			continue;
		memcpy(to, attribute.data, attribute.size);
		*out_size = (uint8_t)attribute.size;
	}
}

static int read_element(const struct netlink_attribute *nest, const struct element_walk *walk)
{
	struct nft_element element = {0};
	struct netlink_attribute attribute;
	const char *comment = "";
	uint32_t flags = 0;

	struct netlink_reader reader = netlink_nested(nest);
	while (netlink_next(&reader, &attribute)) {
		if (attribute.type == NFTA_SET_ELEM_KEY)
			read_data(&attribute, element.key, &element.key_size, sizeof(element.key));
		else if (attribute.type == NFTA_SET_ELEM_DATA)
			read_data(&attribute, element.value, &element.value_size,
				sizeof(element.value));
		else if (attribute.type == NFTA_SET_ELEM_USERDATA)
			comment = nft_read_comment(&attribute);
		else if (attribute.type == NFTA_SET_ELEM_FLAGS)
			netlink_get_u32(&attribute, &flags);
	}
	element.ends_interval = ntohl(flags) & NFT_SET_ELEM_INTERVAL_END;
	return walk->each(&element, comment, walk->data);
}

static int read_elements(const struct nlmsghdr *message, void *data)
{
	struct netlink_attribute attribute, element;

	struct netlink_reader reader = netlink_attributes(message, sizeof(struct nfgenmsg));
	while (netlink_next(&reader, &attribute)) {
		if (attribute.type != NFTA_SET_ELEM_LIST_ELEMENTS)
			continue;
		struct netlink_reader elements = netlink_nested(&attribute);
		while (netlink_next(&elements, &element)) {
			int r = read_element(&element, data);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

int nft_each_element(struct netlink *n, const char *table, const char *set,
	int (*each)(const struct nft_element *element, const char *comment, void *data), void *data)
{
	auto_of(netlink_batch) struct netlink_batch batch = NETLINK_BATCH_INIT;
	struct element_walk walk = {.each = each, .data = data};

	nft_message_begin(&batch, NFPROTO_INET, NFT_MSG_GETSETELEM, 0);
	netlink_put_string(&batch, NFTA_SET_ELEM_LIST_TABLE, table);
	netlink_put_string(&batch, NFTA_SET_ELEM_LIST_SET, set);
	return netlink_dump(n, &batch, read_elements, &walk);
}
