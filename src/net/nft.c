/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nf_tables over libmnl.
 *
 * A transaction is BATCH_BEGIN, messages, BATCH_END; the kernel applies all of it or nothing. Element messages nest
 * lists whose length has 16 bits, so long lists are several messages of the same transaction. Comments are what the
 * nft program writes as user data: a type byte (0), a length byte, the string with its terminator.
 */
#include "net/nft.h"

#include "base/err.h"
#include "base/str.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

enum {
	ELEMENTS_PER_MESSAGE = 128,
	ELEMENT_ROOM = 256, /* key, value, comment and their headers */
	NAME_ROOM = 256,
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

struct nlmsghdr *nft_message_begin(
	struct netlink_batch *batch, uint8_t family, uint16_t type, uint16_t flags, size_t room)
{
	struct nlmsghdr *message = netlink_batch_begin(batch,
		(uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type), flags, sizeof(struct nfgenmsg),
		NAME_ROOM + room);
	struct nfgenmsg *head = mnl_nlmsg_get_payload(message);

	head->nfgen_family = family;
	head->version = NFNETLINK_V0;
	return message;
}

static void add_border(struct netlink_batch *batch, uint16_t type)
{
	struct nlmsghdr *message = netlink_batch_begin(batch, type, 0, sizeof(struct nfgenmsg), 0);
	struct nfgenmsg *head = mnl_nlmsg_get_payload(message);

	head->res_id = htons(NFNL_SUBSYS_NFTABLES);
	netlink_batch_end(batch, message);
}

void nft_begin(struct netlink_batch *batch)
{
	add_border(batch, NFNL_MSG_BATCH_BEGIN);
}

void nft_end(struct netlink_batch *batch)
{
	add_border(batch, NFNL_MSG_BATCH_END);
}

static void put_data(struct nlmsghdr *message, uint16_t type, const uint8_t *data, size_t size)
{
	struct nlattr *nest = mnl_attr_nest_start(message, type);

	mnl_attr_put(message, NFTA_DATA_VALUE, size, data);
	mnl_attr_nest_end(message, nest);
}

void nft_put_comment(struct nlmsghdr *message, uint16_t type, const char *comment)
{
	uint8_t user_data[2 + NFT_COMMENT_MAX] = {COMMENT_TYPE};
	size_t size = strlen(comment) + 1;

	if (size > NFT_COMMENT_MAX)
		BUG("a comment of %zu bytes", size);
	user_data[1] = (uint8_t)size;
	memcpy(user_data + 2, comment, size);
	mnl_attr_put(message, type, size + 2, user_data);
}

static void put_element(
	struct nlmsghdr *message, const struct nft_element *element, const char *comment)
{
	struct nlattr *nest = mnl_attr_nest_start(message, NFTA_LIST_ELEM);

	if (element->ends_interval)
		mnl_attr_put_u32(message, NFTA_SET_ELEM_FLAGS, htonl(NFT_SET_ELEM_INTERVAL_END));
	put_data(message, NFTA_SET_ELEM_KEY, element->key, element->key_size);
	if (element->value_size)
		put_data(message, NFTA_SET_ELEM_DATA, element->value, element->value_size);
	if (comment && !element->ends_interval)
		nft_put_comment(message, NFTA_SET_ELEM_USERDATA, comment);
	mnl_attr_nest_end(message, nest);
}

static struct nlmsghdr *begin_elements(struct netlink_batch *batch, uint16_t type,
	const char *table, const char *set, size_t count)
{
	struct nlmsghdr *message = nft_message_begin(batch, NFPROTO_INET, type,
		type == NFT_MSG_NEWSETELEM ? NLM_F_CREATE : 0, count * ELEMENT_ROOM);

	mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_TABLE, table);
	mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_SET, set);
	return message;
}

static void add_all(struct netlink_batch *batch, struct nlmsghdr *message,
	const struct nft_element *list, size_t count, const char *comment)
{
	struct nlattr *nest = mnl_attr_nest_start(message, NFTA_SET_ELEM_LIST_ELEMENTS);

	for (size_t i = 0; i < count; i++)
		put_element(message, &list[i], comment);
	mnl_attr_nest_end(message, nest);
	netlink_batch_end(batch, message);
}

void nft_add_elements(struct netlink_batch *batch, const char *table, const char *set,
	const struct nft_element *list, size_t count, const char *comment)
{
	for (size_t done = 0; done < count; done += ELEMENTS_PER_MESSAGE) {
		size_t part = count - done < ELEMENTS_PER_MESSAGE ? count - done
								  : ELEMENTS_PER_MESSAGE;
		add_all(batch, begin_elements(batch, NFT_MSG_NEWSETELEM, table, set, part),
			list + done, part, comment);
	}
}

void nft_delete_elements(struct netlink_batch *batch, const char *table, const char *set,
	const struct nft_element *list, size_t count)
{
	for (size_t done = 0; done < count; done += ELEMENTS_PER_MESSAGE) {
		size_t part = count - done < ELEMENTS_PER_MESSAGE ? count - done
								  : ELEMENTS_PER_MESSAGE;
		add_all(batch, begin_elements(batch, NFT_MSG_DELSETELEM, table, set, part),
			list + done, part, NULL);
	}
}

void nft_delete_table(struct netlink_batch *batch, const char *table)
{
	struct nlmsghdr *message = nft_message_begin(batch, NFPROTO_INET, NFT_MSG_DELTABLE, 0, 0);

	mnl_attr_put_strz(message, NFTA_TABLE_NAME, table);
	netlink_batch_end(batch, message);
}

int nft_find_table(struct netlink *n, const char *table)
{
	auto_of(netlink_batch) struct netlink_batch batch = NETLINK_BATCH_INIT;
	struct nlmsghdr *message = nft_message_begin(&batch, NFPROTO_INET, NFT_MSG_GETTABLE, 0, 0);

	mnl_attr_put_strz(message, NFTA_TABLE_NAME, table);
	netlink_batch_end(&batch, message);
	return netlink_send(n, &batch, NULL, NULL);
}

/* The kernel keeps these bytes for whoever wrote them: nothing is believed. */
const char *nft_read_comment(const struct nlattr *attribute)
{
	const uint8_t *data = mnl_attr_get_payload(attribute);
	size_t left = mnl_attr_get_payload_len(attribute);

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
	const struct nlattr *attribute;

	mnl_attr_for_each(attribute, message, sizeof(struct nfgenmsg))
	{
		if (mnl_attr_get_type(attribute) == NFTA_RULE_USERDATA &&
			str_eq(nft_read_comment(attribute), search->comment))
			search->is_found = true;
	}
	return 0;
}

int nft_find_rule(struct netlink *n, const char *table, const char *chain, const char *comment)
{
	auto_of(netlink_batch) struct netlink_batch batch = NETLINK_BATCH_INIT;
	struct rule_search search = {.comment = comment};
	struct nlmsghdr *message = nft_message_begin(&batch, NFPROTO_INET, NFT_MSG_GETRULE, 0, 0);

	mnl_attr_put_strz(message, NFTA_RULE_TABLE, table);
	mnl_attr_put_strz(message, NFTA_RULE_CHAIN, chain);
	netlink_batch_end(&batch, message);
	int r = netlink_dump(n, &batch, read_rule, &search);
	if (r < 0)
		return r;
	return search.is_found ? 0 : -ENOENT;
}

struct element_walk {
	int (*each)(const struct nft_element *element, const char *comment, void *data);
	void *data;
};

static void read_data(const struct nlattr *nest, uint8_t *to, uint8_t *out_size, size_t room)
{
	const struct nlattr *attribute;

	mnl_attr_for_each_nested(attribute, nest)
	{
		size_t size = mnl_attr_get_payload_len(attribute);
		if (mnl_attr_get_type(attribute) != NFTA_DATA_VALUE || size > room)
			continue;
		memcpy(to, mnl_attr_get_payload(attribute), size);
		*out_size = (uint8_t)size;
	}
}

static int read_element(const struct nlattr *nest, const struct element_walk *walk)
{
	struct nft_element element = {0};
	const struct nlattr *attribute;
	const char *comment = "";

	mnl_attr_for_each_nested(attribute, nest)
	{
		uint16_t type = mnl_attr_get_type(attribute);
		if (type == NFTA_SET_ELEM_KEY)
			read_data(attribute, element.key, &element.key_size, sizeof(element.key));
		else if (type == NFTA_SET_ELEM_DATA)
			read_data(attribute, element.value, &element.value_size,
				sizeof(element.value));
		else if (type == NFTA_SET_ELEM_USERDATA)
			comment = nft_read_comment(attribute);
		else if (type == NFTA_SET_ELEM_FLAGS &&
			mnl_attr_validate(attribute, MNL_TYPE_U32) >= 0)
			element.ends_interval = ntohl(mnl_attr_get_u32(attribute)) &
				NFT_SET_ELEM_INTERVAL_END;
	}
	return walk->each(&element, comment, walk->data);
}

static int read_elements(const struct nlmsghdr *message, void *data)
{
	const struct nlattr *attribute, *nest;

	mnl_attr_for_each(attribute, message, sizeof(struct nfgenmsg))
	{
		if (mnl_attr_get_type(attribute) != NFTA_SET_ELEM_LIST_ELEMENTS)
			continue;
		mnl_attr_for_each_nested(nest, attribute)
		{
			int r = read_element(nest, data);
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
	struct nlmsghdr *message = nft_message_begin(
		&batch, NFPROTO_INET, NFT_MSG_GETSETELEM, 0, 0);

	mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_TABLE, table);
	mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_SET, set);
	netlink_batch_end(&batch, message);
	return netlink_dump(n, &batch, read_elements, &walk);
}
