/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of an instance, and the elements that networks and publications add to it.
 *
 * Its structure is base.nft, loaded in one transaction when the table is missing. After that, every
 * change is an element: a network is elements in the sets of bridges and subnets, a published port
 * is an element of one of four hash maps, whose cost does not grow with their size. Elements of
 * ports carry the owner as comment.
 */
#include "net/internal.h"

#include "base/err.h"
#include "base/str.h"
#include "net/nft.h"
#include "sys/process.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if.h>
#include <unistd.h>

/* Where distributions install the nft program. */
static const char *const nft_programs[] = {"/usr/sbin/nft", "/usr/bin/nft", "/sbin/nft"};

static void table_name(char out[static NET_TABLE_TEXT], const struct net *net)
{
	fmt_n(out, NET_TABLE_TEXT, "husk-%s", net->instance);
}

/* A transaction on the table of the instance: table_begin speaks, table_commit is silent. */
static int table_begin(
	struct net *net, struct netlink_batch *batch, char out_table[static NET_TABLE_TEXT])
{
	int r = net_filter_open(net);
	if (r < 0)
		return r;
	table_name(out_table, net);
	nft_begin(batch);
	return 0;
}

static int table_commit(struct net *net, struct netlink_batch *batch)
{
	nft_end(batch);
	return netlink_commit(&net->filter, batch);
}

static int filter_err(struct net *net, int code, const char *what)
{
	if (code == -ENOENT)
		return err_say(code, "%s: the nftables table husk-%s is missing or was changed",
			what, net->instance);
	return net_err(&net->filter, code, "%s", what);
}

/* base.nft for this instance. `create` fails if another process has made the table first; `table`
 * alone would not. */
static void write_rules(struct buf *out, const struct net *net)
{
	static const char word[] = "INSTANCE";
	const char *rest = net_base_rules;

	buf_addf(out, "create table inet husk-%s\n", net->instance);
	for (const char *at; (at = strstr(rest, word)) != NULL; rest = at + strlen(word)) {
		buf_add(out, rest, (size_t)(at - rest));
		buf_adds(out, net->instance);
	}
	buf_adds(out, rest);
}

/* Makes an error from the first line of the nft program's output. */
static int nft_program_err(int code, struct buf *output)
{
	char *end = strchr(output->data, '\n');

	if (end)
		*end = '\0';
	if (code == -ENOENT)
		return err_say(code,
			"%s is missing: networks and published ports need the nftables package",
			nft_programs[0]);
	if (code < 0)
		return err_new(code, "run the nft program");
	return err_say(-EOPNOTSUPP,
		"the base rules are refused (is a module missing: nft_ct, nft_nat, nft_masq, "
		"nft_fib_inet?): %s",
		output->data);
}

static int load_text(struct net *net)
{
	auto_buf struct buf text = BUF_INIT;
	auto_buf struct buf output = BUF_INIT;
	char path[40];
	int r = -ENOENT;

	write_rules(&text, net);
	auto_close int fd = fd_memfd_sealed("husk-rules", text.data, text.len);
	if (fd < 0)
		return err_new(fd, "keep the base rules");
	fmt(path, "/proc/%d/fd/%d", getpid(), fd);
	for (size_t i = 0; r == -ENOENT && i < sizeof(nft_programs) / sizeof(nft_programs[0]); i++)
		r = process_run((const char *const[]){nft_programs[i], "-f", path, NULL}, &output);
	return r == 0 ? 0 : nft_program_err(r, &output);
}

/* An empty chain, made last, says that what containers and forwarding need is in the table. */
#define SETTLED "settled"

int net_rules_load(struct net *net)
{
	char table[NET_TABLE_TEXT];
	int r = net_filter_open(net);

	if (r < 0)
		return r;
	table_name(table, net);
	r = nft_find_chain(&net->filter, table, SETTLED);
	if (r >= 0)
		return 0;
	if (r == -EINVAL || r == -EOPNOTSUPP) /* nfnetlink has no such subsystem */
		return net_err_module(r, "nf_tables");
	if (r != -ENOENT)
		return net_err(&net->filter, r, "look for the nftables table %s", table);
	if (nft_find_table(&net->filter, table) >= 0)
		return 1;
	r = load_text(net);
	if (r < 0 && nft_find_table(&net->filter, table) < 0)
		return r;
	return 1;
}

int net_rules_settle(struct net *net)
{
	auto_of(netlink_batch) struct netlink_batch batch = NETLINK_BATCH_INIT;
	char table[NET_TABLE_TEXT];
	int r = table_begin(net, &batch, table);
	if (r < 0)
		return r;
	nft_add_chain(&batch, table, SETTLED);
	r = table_commit(net, &batch);
	return r < 0 ? filter_err(net, r, "complete the rules") : 0;
}

int net_rules_remove(struct net *net)
{
	auto_of(netlink_batch) struct netlink_batch batch = NETLINK_BATCH_INIT;
	char table[NET_TABLE_TEXT];
	int r = table_begin(net, &batch, table);
	if (r < 0)
		return r;
	nft_delete_table(&batch, table);
	r = table_commit(net, &batch);
	if (r == -ENOENT)
		return 0;
	return r < 0 ? net_err(&net->filter, r, "remove the nftables table %s", table) : 0;
}

enum { MEMBERS_MAX = 7 };

/* One set that a network is in: one element, or two that are the ends of an interval. */
struct member {
	const char *set;
	struct nft_element elements[2];
	size_t count;
};

static void add_name_key(struct nft_element *element, const char *name)
{
	char padded[IFNAMSIZ] = {0};

	fmt(padded, "%s", name);
	nft_key_add(element, padded, sizeof(padded));
}

static void subnet_member(struct member *out, const struct net_subnet *subnet)
{
	struct net_address end = subnet->address;
	unsigned host_bits = end.size * 8U - subnet->length;

	out->set = end.size == 4 ? "subnets4" : "subnets6";
	out->count = 1;
	nft_key_add(&out->elements[0], end.bytes, end.size);
	/* With 64 host bits or more, the end of the interval is computed in the upper 8 bytes. */
	struct net_address upper = {.size = 8};
	memcpy(upper.bytes, end.bytes, sizeof(uint64_t));
	int r = host_bits < 64 ? net_address_add(&end, (uint64_t)1 << host_bits)
			       : net_address_add(&upper, (uint64_t)1 << (host_bits - 64) % 64);
	if (host_bits >= 64)
		memcpy(end.bytes, upper.bytes, sizeof(uint64_t));
	if (r < 0) /* the subnet has the last of all addresses: no end */
		return;
	nft_key_add(&out->elements[1], end.bytes, end.size);
	out->elements[1].ends_interval = true;
	out->count = 2;
}

static size_t network_members(
	struct member out[static MEMBERS_MAX], const struct net_rules_network *network)
{
	size_t count = 0;

	out[count] = (struct member){.set = "bridges", .count = 1};
	add_name_key(&out[count++].elements[0], network->bridge);
	out[count] = (struct member){.set = "within", .count = 1};
	add_name_key(&out[count].elements[0], network->bridge);
	add_name_key(&out[count++].elements[0], network->bridge);
	if (network->is_internal) {
		out[count] = (struct member){.set = "internal", .count = 1};
		add_name_key(&out[count++].elements[0], network->bridge);
	}
	for (size_t i = 0; i < 2; i++) {
		if (network->subnets[i].address.size == 0)
			continue;
		out[count] = (struct member){0};
		subnet_member(&out[count++], &network->subnets[i]);
	}
	return count;
}

int net_rules_add_network(struct net *net, const struct net_rules_network *network)
{
	auto_of(netlink_batch) struct netlink_batch batch = NETLINK_BATCH_INIT;
	struct member members[MEMBERS_MAX];
	char table[NET_TABLE_TEXT];

	int r = net_link_check_name(network->bridge);
	if (r >= 0)
		r = table_begin(net, &batch, table);
	if (r < 0)
		return r;
	size_t count = network_members(members, network);
	for (size_t i = 0; i < count; i++)
		nft_add_elements(
			&batch, table, members[i].set, members[i].elements, members[i].count, NULL);
	r = table_commit(net, &batch);
	return r < 0 ? filter_err(net, r, "add a network to the rules") : 0;
}

int net_rules_close(struct net *net, const struct strvec *links)
{
	auto_of(netlink_batch) struct netlink_batch batch = NETLINK_BATCH_INIT;
	char table[NET_TABLE_TEXT];
	int r = links->count ? table_begin(net, &batch, table) : 0;
	if (r < 0 || links->count == 0)
		return r;
	auto_free struct nft_element *elements = mem_new(links->count * sizeof(*elements));
	for (size_t i = 0; i < links->count; i++)
		add_name_key(&elements[i], links->items[i]);
	nft_add_elements(&batch, table, "closed", elements, links->count, NULL);
	r = table_commit(net, &batch);
	return r < 0 ? filter_err(net, r, "keep the host from forwarding for others") : 0;
}

int net_rules_remove_network(struct net *net, const struct net_rules_network *network)
{
	struct member members[MEMBERS_MAX];
	char table[NET_TABLE_TEXT];

	int r = net_link_check_name(network->bridge);
	if (r >= 0)
		r = net_filter_open(net);
	if (r < 0)
		return r;
	table_name(table, net);
	size_t count = network_members(members, network);
	/* One transaction for each member, so that one that is gone already does not keep the
	 * others. */
	for (size_t i = 0; i < count; i++) {
		auto_of(netlink_batch) struct netlink_batch batch = NETLINK_BATCH_INIT;
		nft_begin(&batch);
		nft_delete_elements(
			&batch, table, members[i].set, members[i].elements, members[i].count);
		r = table_commit(net, &batch);
		if (r < 0 && r != -ENOENT)
			return filter_err(net, r, "take a network out of the rules");
	}
	return 0;
}

static const char *const port_maps[] = {"exact4", "exact6", "any4", "any6"};

enum { PORT_MAPS = sizeof(port_maps) / sizeof(port_maps[0]) };

static size_t port_map_of(const struct net_publication *p)
{
	return (net_address_is_any(&p->host) ? 2U : 0U) + (p->host.size == 16 ? 1U : 0U);
}

static void port_element(struct nft_element *out, const struct net_publication *p, unsigned i)
{
	uint8_t protocol = (uint8_t)net_protocol_number(p->protocol);
	uint16_t host_port = htons((uint16_t)(p->host_port + i));
	uint16_t port = htons((uint16_t)(p->port + i));

	*out = (struct nft_element){0};
	if (!net_address_is_any(&p->host))
		nft_key_add(out, p->host.bytes, p->host.size);
	nft_key_add(out, &protocol, sizeof(protocol));
	nft_key_add(out, &host_port, sizeof(host_port));
	nft_value_add(out, p->address.bytes, p->address.size);
	nft_value_add(out, &port, sizeof(port));
}

/* One transaction for all publications; without an owner they are deleted. */
static int change_ports(
	struct net *net, const struct net_publication *list, size_t count, const char *owner)
{
	auto_of(netlink_batch) struct netlink_batch batch = NETLINK_BATCH_INIT;
	char table[NET_TABLE_TEXT], mark[NET_ALIAS_TEXT];

	table_name(table, net);
	if (owner)
		net_mark(mark, net, owner);
	nft_begin(&batch);
	for (size_t i = 0; i < count; i++) {
		auto_free struct nft_element *elements = mem_new(list[i].count * sizeof(*elements));
		const char *map = port_maps[port_map_of(&list[i])];
		for (unsigned j = 0; j < list[i].count; j++)
			port_element(&elements[j], &list[i], j);
		if (owner)
			nft_add_elements(&batch, table, map, elements, list[i].count, mark);
		else
			nft_delete_elements(&batch, table, map, elements, list[i].count);
	}
	return table_commit(net, &batch);
}

int net_publish(
	struct net *net, const struct net_publication *list, size_t count, const char *owner)
{
	int r = net_publication_check(list, count);

	if (r >= 0)
		r = net_filter_open(net);
	if (r < 0 || count == 0)
		return r;
	r = change_ports(net, list, count, owner);
	if (r == -EEXIST || r == -EBUSY)
		return err_say(-EADDRINUSE, "a published port leads to another container already");
	return r < 0 ? filter_err(net, r, "publish the ports") : 0;
}

int net_unpublish(
	struct net *net, const struct net_publication *list, size_t count, const char *owner)
{
	int r = net_publication_check(list, count);

	if (r < 0 || count == 0)
		return r;
	r = net_filter_open(net);
	if (r < 0)
		return r;
	r = change_ports(net, list, count, NULL);
	/* Some elements are gone already: delete all others that the owner has. */
	if (r == -ENOENT) {
		r = net_unpublish_owner(net, owner);
		return r < 0 ? r : 0;
	}
	return r < 0 ? filter_err(net, r, "unpublish the ports") : 0;
}

/* The elements of one map that belong to an owner. */
struct port_search {
	const struct net *net;
	const char *owner;
	struct nft_element *found;
	size_t count;
};

static int collect_port(const struct nft_element *element, const char *comment, void *data)
{
	struct port_search *search = data;

	if (!net_mark_matches(search->net, comment, search->owner))
		return 0;
	if ((search->count & (search->count - 1)) == 0) /* grow at 0, 1, 2, 4, ... */
		search->found = mem_resize(search->found, search->count ? search->count * 2 : 1,
			sizeof(*search->found));
	search->found[search->count] = *element;
	search->found[search->count++].value_size = 0;
	return 0;
}

static int element_order(const void *left, const void *right)
{
	return memcmp(left, right, sizeof(struct nft_element));
}

/* While the kernel resizes a map, its list may contain an element twice, and deleting it twice
 * makes the whole transaction fail. (The list may also lack elements: net_unpublish_owner looks
 * again.) */
static size_t elements_unique(struct nft_element *list, size_t count)
{
	size_t kept = 0;
	qsort(list, count, sizeof(*list), element_order);
	for (size_t i = 0; i < count; i++)
		if (kept == 0 || element_order(&list[kept - 1], &list[i]) != 0)
			list[kept++] = list[i];
	return kept;
}

static int unpublish_from(struct net *net, const char *table, const char *map, const char *owner)
{
	auto_of(netlink_batch) struct netlink_batch batch = NETLINK_BATCH_INIT;
	struct port_search search = {.net = net, .owner = owner};
	int r = nft_each_element(&net->filter, table, map, collect_port, &search);
	auto_free struct nft_element *found = search.found;

	if (r < 0 || search.count == 0)
		return r;
	search.count = elements_unique(found, search.count);
	nft_begin(&batch);
	nft_delete_elements(&batch, table, map, found, search.count);
	r = table_commit(net, &batch);
	return r < 0 ? r : (int)search.count;
}

int net_unpublish_owner(struct net *net, const char *owner)
{
	char table[NET_TABLE_TEXT];
	int total = 0, r = net_filter_open(net);

	if (r < 0)
		return r;
	table_name(table, net);
	for (size_t i = 0; i < PORT_MAPS; i++) {
		do {
			r = unpublish_from(net, table, port_maps[i], owner);
			total += r > 0 ? r : 0;
		} while (r > 0);
		if (r < 0 && r != -ENOENT) /* no table: no ports */
			return filter_err(net, r, "unpublish the ports");
	}
	return total;
}

static int set_localnet(const char *bridge, const char *value)
{
	char path[64];
	int r = net_link_check_name(bridge);

	if (r < 0)
		return r;
	fmt(path, "ipv4/conf/%s/route_localnet", bridge);
	return net_sysctl_set(path, value);
}

int net_localnet_enable(struct net *net, const char *bridge)
{
	char table[NET_TABLE_TEXT];
	int r = net_filter_open(net);

	if (r < 0)
		return r;
	table_name(table, net);
	r = nft_find_rule(&net->filter, table, "guard", "husk:guard-loopback");
	if (r < 0) {
		set_localnet(bridge, "0");
		return filter_err(net, r, "find the rule that guards 127.0.0.0/8");
	}
	r = set_localnet(bridge, "1");
	return r < 0 ? err_new(r, "set route_localnet of %s", bridge) : 0;
}

int net_localnet_disable(const char *bridge)
{
	int r = set_localnet(bridge, "0");

	if (r == -ENOENT) /* the bridge is gone */
		return 0;
	return r < 0 ? err_new(r, "clear route_localnet of %s", bridge) : 0;
}
