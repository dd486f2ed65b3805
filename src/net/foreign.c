/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules in tables of other programs. Where a firewall drops forwarded packets, two rules at the top
 * of its chain accept packets from and to a bridge of ours. Our own table still decides which of
 * these packets pass: a drop there is final, whatever another chain accepts.
 */
#include "net/internal.h"

#include "base/err.h"
#include "base/str.h"
#include "net/nft.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

enum { CHAINS_MAX = 256, NAME_TEXT = 128 };

/* Chains that drop forwarded packets without a drop policy. In DOCKER-USER Docker wants such
 * rules. */
static const struct {
	const char *table;
	const char *chain;
} known_chains[] = {
	{"filter", "DOCKER-USER"},
	{"firewalld", "filter_FORWARD"},
};

struct place {
	uint8_t family;
	char table[NAME_TEXT];
	char chain[NAME_TEXT];
	uint64_t handle; /* of a rule that was found, in the kernel's byte order */
};

struct place_list {
	const struct net *net;
	const char *bridge;
	struct place *items;
	size_t count;
	bool has_foreign_above; /* a foreign rule comes before a rule that was found */
	bool has_foreign;
};

static void places_release(struct place_list *list)
{
	free(list->items);
}
AUTO_STRUCT(place_list, struct place_list, places_release)

static int add_place(struct place_list *list, const struct place *place)
{
	if (list->count == CHAINS_MAX)
		return -E2BIG;
	if (!list->items)
		list->items = mem_new(CHAINS_MAX * sizeof(*list->items));
	list->items[list->count++] = *place;
	return 0;
}

static uint32_t read_hook(const struct netlink_attribute *nest)
{
	struct netlink_attribute attribute;

	struct netlink_reader reader = netlink_nested(nest);
	while (netlink_next(&reader, &attribute)) {
		uint32_t number;
		if (attribute.type == NFTA_HOOK_HOOKNUM && netlink_get_u32(&attribute, &number))
			return ntohl(number);
	}
	return UINT32_MAX;
}

static bool is_known(const struct place *place)
{
	for (size_t i = 0; i < sizeof(known_chains) / sizeof(known_chains[0]); i++)
		if (str_eq(known_chains[i].table, place->table) &&
			str_eq(known_chains[i].chain, place->chain))
			return true;
	return false;
}

/* Keeps a name that fits. A longer name is left empty, and is_foreign refuses it. */
static void read_name(char out[static NAME_TEXT], const struct netlink_attribute *attribute)
{
	const char *name = netlink_get_string(attribute);
	if (name)
		fmt_n(out, NAME_TEXT, "%s", name);
}

static bool is_foreign(const struct place *place)
{
	bool is_ip = place->family == NFPROTO_IPV4 || place->family == NFPROTO_IPV6 ||
		place->family == NFPROTO_INET;

	/* Other instances of husk care for their own tables. */
	return is_ip && place->table[0] && place->chain[0] && !str_prefix(place->table, "husk-");
}

/* A chain of the kernel's list, and the hook that calls it (UINT32_MAX: only other chains do). */
struct chain {
	struct place place;
	uint32_t hook, policy; /* the policy in network byte order */
};

static void read_chain(const struct nlmsghdr *message, struct chain *out)
{
	const struct nfgenmsg *head = netlink_header(message, sizeof(*head));
	struct netlink_attribute attribute;
	*out = (struct chain){.place = {.family = head ? head->nfgen_family : NFPROTO_UNSPEC},
		.hook = UINT32_MAX,
		.policy = htonl(NF_ACCEPT)};
	struct netlink_reader reader = netlink_attributes(message, sizeof(*head));
	while (netlink_next(&reader, &attribute)) {
		if (attribute.type == NFTA_CHAIN_TABLE)
			read_name(out->place.table, &attribute);
		else if (attribute.type == NFTA_CHAIN_NAME)
			read_name(out->place.chain, &attribute);
		else if (attribute.type == NFTA_CHAIN_HOOK)
			out->hook = read_hook(&attribute);
		else if (attribute.type == NFTA_CHAIN_POLICY)
			netlink_get_u32(&attribute, &out->policy);
	}
}

static int collect_chain(const struct nlmsghdr *message, void *data)
{
	struct chain chain;
	read_chain(message, &chain);
	if (!is_foreign(&chain.place))
		return 0;
	if ((chain.hook == NF_INET_FORWARD && chain.policy == htonl(NF_DROP)) ||
		is_known(&chain.place))
		return add_place(data, &chain.place);
	return 0;
}

static int collect_rule(const struct nlmsghdr *message, void *data)
{
	const struct nfgenmsg *head = netlink_header(message, sizeof(*head));
	struct place place = {.family = head ? head->nfgen_family : NFPROTO_UNSPEC};
	struct place_list *list = data;
	struct netlink_attribute attribute;
	const char *comment = "";

	struct netlink_reader reader = netlink_attributes(message, sizeof(*head));
	while (netlink_next(&reader, &attribute)) {
		if (attribute.type == NFTA_RULE_TABLE)
			read_name(place.table, &attribute);
		else if (attribute.type == NFTA_RULE_CHAIN)
			read_name(place.chain, &attribute);
		else if (attribute.type == NFTA_RULE_HANDLE)
			netlink_get_u64(&attribute, &place.handle);
		else if (attribute.type == NFTA_RULE_USERDATA)
			comment = nft_read_comment(&attribute);
	}
	if (!is_foreign(&place))
		return 0;
	if (!net_mark_matches(list->net, comment, list->bridge)) {
		list->has_foreign |= !str_prefix(comment, "husk:");
		return 0;
	}
	list->has_foreign_above |= list->has_foreign;
	return add_place(list, &place);
}

static int collect(struct net *net, uint16_t question, netlink_row row, void *out)
{
	auto_of(netlink_batch) struct netlink_batch batch = NETLINK_BATCH_INIT;

	nft_message_begin(&batch, NFPROTO_UNSPEC, question, 0);
	return netlink_dump(&net->filter, &batch, row, out);
}

/* Collects the bridge's rules in one chain. Only this chain is dumped, so that the time of a start
 * does not depend on the number of rules on the host. */
static int collect_in_chain(struct net *net, const struct place *chain, struct place_list *out)
{
	auto_of(netlink_batch) struct netlink_batch batch = NETLINK_BATCH_INIT;

	nft_message_begin(&batch, chain->family, NFT_MSG_GETRULE, 0);
	netlink_put_string(&batch, NFTA_RULE_TABLE, chain->table);
	netlink_put_string(&batch, NFTA_RULE_CHAIN, chain->chain);
	return netlink_dump(&net->filter, &batch, collect_rule, out);
}

static size_t begin_expression(struct netlink_batch *batch, const char *name, size_t *out_data)
{
	size_t element = netlink_nest_begin(batch, NFTA_LIST_ELEM);

	netlink_put_string(batch, NFTA_EXPR_NAME, name);
	*out_data = netlink_nest_begin(batch, NFTA_EXPR_DATA);
	return element;
}

/* meta load KEY => reg 1; cmp eq reg 1 BRIDGE; immediate accept */
static void put_expressions(struct netlink_batch *batch, uint32_t key, const char *bridge)
{
	size_t all = netlink_nest_begin(batch, NFTA_RULE_EXPRESSIONS), data, value;
	char padded[IFNAMSIZ] = {0};

	size_t element = begin_expression(batch, "meta", &data);
	netlink_put_u32(batch, NFTA_META_KEY, htonl(key));
	netlink_put_u32(batch, NFTA_META_DREG, htonl(NFT_REG_1));
	netlink_nest_end(batch, data);
	netlink_nest_end(batch, element);

	fmt(padded, "%s", bridge);
	element = begin_expression(batch, "cmp", &data);
	netlink_put_u32(batch, NFTA_CMP_SREG, htonl(NFT_REG_1));
	netlink_put_u32(batch, NFTA_CMP_OP, htonl(NFT_CMP_EQ));
	value = netlink_nest_begin(batch, NFTA_CMP_DATA);
	netlink_put(batch, NFTA_DATA_VALUE, padded, sizeof(padded));
	netlink_nest_end(batch, value);
	netlink_nest_end(batch, data);
	netlink_nest_end(batch, element);

	element = begin_expression(batch, "immediate", &data);
	netlink_put_u32(batch, NFTA_IMMEDIATE_DREG, htonl(NFT_REG_VERDICT));
	value = netlink_nest_begin(batch, NFTA_IMMEDIATE_DATA);
	size_t verdict = netlink_nest_begin(batch, NFTA_DATA_VERDICT);
	netlink_put_u32(batch, NFTA_VERDICT_CODE, htonl(NF_ACCEPT));
	netlink_nest_end(batch, verdict);
	netlink_nest_end(batch, value);
	netlink_nest_end(batch, data);
	netlink_nest_end(batch, element);
	netlink_nest_end(batch, all);
}

static void put_rule(struct netlink_batch *batch, const struct place *place, uint32_t key,
	const char *bridge, const char *mark)
{
	/* Without NLM_F_APPEND the rule becomes the first of its chain. */
	nft_message_begin(batch, place->family, NFT_MSG_NEWRULE, NLM_F_CREATE);
	netlink_put_string(batch, NFTA_RULE_TABLE, place->table);
	netlink_put_string(batch, NFTA_RULE_CHAIN, place->chain);
	put_expressions(batch, key, bridge);
	nft_put_comment(batch, NFTA_RULE_USERDATA, mark);
}

static void put_deletions(struct netlink_batch *batch, const struct place_list *rules)
{
	for (size_t i = 0; i < rules->count; i++) {
		const struct place *rule = &rules->items[i];
		nft_message_begin(batch, rule->family, NFT_MSG_DELRULE, 0);
		netlink_put_string(batch, NFTA_RULE_TABLE, rule->table);
		netlink_put_string(batch, NFTA_RULE_CHAIN, rule->chain);
		netlink_put_u64(batch, NFTA_RULE_HANDLE, rule->handle);
	}
}

/* Adds to the transaction the changes that the chain needs; 1 if it needs any. A firewall that was
 * reloaded may have put its own rules above ours. */
static int allow_in_chain(
	struct net *net, struct netlink_batch *batch, const struct place *chain, const char *bridge)
{
	auto_of(place_list) struct place_list rules = {.net = net, .bridge = bridge};
	char mark[NET_ALIAS_TEXT];

	int r = collect_in_chain(net, chain, &rules);
	if (r < 0 || (rules.count == 2 && !rules.has_foreign_above))
		return r;
	net_mark(mark, net, bridge);
	put_deletions(batch, &rules);
	put_rule(batch, chain, NFT_META_IIFNAME, bridge, mark);
	put_rule(batch, chain, NFT_META_OIFNAME, bridge, mark);
	return 1;
}

int net_foreign_allow(struct net *net, const char *bridge)
{
	auto_of(netlink_batch) struct netlink_batch batch = NETLINK_BATCH_INIT;
	auto_of(place_list) struct place_list chains = {.net = net, .bridge = bridge};
	bool has_change = false;

	int r = net_link_check_name(bridge);
	if (r >= 0)
		r = net_filter_open(net);
	if (r < 0)
		return r;
	r = collect(net, NFT_MSG_GETCHAIN, collect_chain, &chains);
	nft_begin(&batch);
	for (size_t i = 0; r >= 0 && i < chains.count; i++) {
		r = allow_in_chain(net, &batch, &chains.items[i], bridge);
		has_change |= r > 0;
	}
	if (r < 0)
		return net_err(&net->filter, r, "look for other firewalls");
	nft_end(&batch);
	r = has_change ? netlink_commit(&net->filter, &batch) : 0;
	if (r < 0)
		return net_err(
			&net->filter, r, "let %s through the host's other firewalls", bridge);
	return (int)chains.count;
}

struct strangers {
	const struct net *net;
	bool has_some;
};

static int stranger_note(const struct nlmsghdr *message, void *data)
{
	struct strangers *strangers = data;
	struct chain chain;
	char own[NET_TABLE_TEXT];
	read_chain(message, &chain);
	fmt(own, "husk-%s", strangers->net->instance);
	strangers->has_some |= !str_eq(chain.place.table, own) &&
		(chain.hook == NF_INET_FORWARD || chain.hook == NF_INET_POST_ROUTING);
	return 0;
}

int net_foreign_forwards(struct net *net)
{
	struct strangers strangers = {.net = net};
	int r = net_filter_open(net);
	if (r == 0)
		r = collect(net, NFT_MSG_GETCHAIN, stranger_note, &strangers);
	return r < 0 ? net_err(&net->filter, r, "look for other firewalls") : strangers.has_some;
}

int net_foreign_forget(struct net *net, const char *bridge)
{
	auto_of(netlink_batch) struct netlink_batch batch = NETLINK_BATCH_INIT;
	auto_of(place_list) struct place_list rules = {.net = net, .bridge = bridge};

	int r = net_filter_open(net);
	if (r < 0)
		return r;
	r = collect(net, NFT_MSG_GETRULE, collect_rule, &rules);
	if (r < 0)
		return net_err(&net->filter, r, "look for own rules in other firewalls");
	if (rules.count == 0)
		return 0;
	nft_begin(&batch);
	put_deletions(&batch, &rules);
	nft_end(&batch);
	r = netlink_commit(&net->filter, &batch);
	if (r < 0)
		return net_err(&net->filter, r, "take own rules out of other firewalls");
	return (int)rules.count;
}
