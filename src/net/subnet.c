/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The subnets that the host uses, by its addresses and routes, and the choice of a free one.
 */
#include "net/internal.h"

#include "base/err.h"
#include "base/str.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>

enum {
	POOL_FIRST = 88, /* 10.88.0.0/16 .. 10.127.0.0/16 */
	POOL_LAST = 127,
};

/* A subnet and its interface; 0 when it has none (blackhole routes). */
struct used_subnet {
	struct net_subnet subnet;
	int index;
};

struct used_list {
	struct used_subnet *items;
	size_t count;
};

static void used_release(struct used_list *list)
{
	free(list->items);
}
AUTO_STRUCT(used_list, struct used_list, used_release)

static void add_used(
	struct used_list *list, const void *bytes, size_t size, uint8_t length, int index)
{
	struct used_subnet used = {.subnet = {.length = length}, .index = index};

	if ((size != 4 && size != 16) || length > size * 8)
		return;
	used.subnet.address.size = (uint8_t)size;
	memcpy(used.subnet.address.bytes, bytes, size);
	if ((list->count & (list->count - 1)) == 0) /* grow at 0, 1, 2, 4, ... */
		list->items = mem_resize(
			list->items, list->count ? list->count * 2 : 1, sizeof(*list->items));
	list->items[list->count++] = used;
}

static int read_address(const struct nlmsghdr *message, void *data)
{
	const struct ifaddrmsg *head = netlink_header(message, sizeof(*head));
	struct netlink_attribute attribute;

	if (message->nlmsg_type != RTM_NEWADDR || !head)
		return 0;
	struct netlink_reader reader = netlink_attributes(message, sizeof(*head));
	while (netlink_next(&reader, &attribute)) {
		/* IFA_ADDRESS can be the peer's address; IFA_LOCAL is always this end's. */
		if (attribute.type == IFA_ADDRESS || attribute.type == IFA_LOCAL)
			add_used(data, attribute.data, attribute.size, head->ifa_prefixlen,
				(int)head->ifa_index);
	}
	return 0;
}

static int read_route(const struct nlmsghdr *message, void *data)
{
	const struct rtmsg *head = netlink_header(message, sizeof(*head));
	struct netlink_attribute attribute, destination = {0};
	uint32_t index = 0;

	if (message->nlmsg_type != RTM_NEWROUTE || !head)
		return 0;
	/* The default route uses no subnet, and the local table only repeats the addresses. */
	if (head->rtm_dst_len == 0 || head->rtm_table == RT_TABLE_LOCAL ||
		head->rtm_type == RTN_MULTICAST)
		return 0;
	struct netlink_reader reader = netlink_attributes(message, sizeof(*head));
	while (netlink_next(&reader, &attribute)) {
		if (attribute.type == RTA_DST)
			destination = attribute;
		else if (attribute.type == RTA_OIF)
			netlink_get_u32(&attribute, &index);
	}
	if (destination.data)
		add_used(data, destination.data, destination.size, head->rtm_dst_len, (int)index);
	return 0;
}

static int list_used(struct net *net, struct used_list *out)
{
	static const struct {
		uint16_t type;
		uint16_t head_size;
		netlink_row row;
		const char *what;
	} lists[] = {
		{RTM_GETADDR, sizeof(struct ifaddrmsg), read_address, "addresses"},
		{RTM_GETROUTE, sizeof(struct rtmsg), read_route, "routes"},
	};

	static const union {
		struct ifaddrmsg address;
		struct rtmsg route;
	} none;

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		auto_of(netlink_batch) struct netlink_batch batch = NETLINK_BATCH_INIT;
		netlink_begin(&batch, lists[i].type, 0, &none, lists[i].head_size);
		int r = netlink_dump(&net->route, &batch, lists[i].row, out);
		if (r < 0)
			return net_err(&net->route, r, "list the host's %s", lists[i].what);
	}
	return 0;
}

static const struct used_subnet *find_overlap(
	const struct used_list *list, const struct net_subnet *subnet, int own_index)
{
	for (size_t i = 0; i < list->count; i++)
		if ((own_index == 0 || list->items[i].index != own_index) &&
			net_subnet_overlaps(&list->items[i].subnet, subnet))
			return &list->items[i];
	return NULL;
}

int net_subnet_check(struct net *net, const struct net_subnet *subnet, const char *own_bridge)
{
	auto_of(used_list) struct used_list list = {0};
	struct net_link own = {0}, link = {0};
	char text[NET_SUBNET_TEXT], other[NET_SUBNET_TEXT];

	int r = list_used(net, &list);
	if (r < 0)
		return r;
	if (own_bridge)
		net_link_find(net, own_bridge, &own);
	const struct used_subnet *used = find_overlap(&list, subnet, own.index);
	if (!used)
		return 0;
	if (used->index == 0 || net_link_find_on(&net->route, NULL, used->index, &link) < 0)
		fmt(link.name, "?");
	return err_say(-EADDRINUSE, "the subnet %s overlaps %s, which the host reaches through %s",
		net_subnet_format(text, subnet), net_subnet_format(other, &used->subnet),
		link.name);
}

static bool overlaps_any(
	const struct net_subnet *subnet, const struct net_subnet *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (net_subnet_overlaps(&list[i], subnet))
			return true;
	return false;
}

int net_subnet_find_free(
	struct net *net, const struct net_subnet *taken, size_t taken_count, struct net_subnet *out)
{
	auto_of(used_list) struct used_list list = {0};
	int r = list_used(net, &list);

	if (r < 0)
		return r;
	for (unsigned second = POOL_FIRST; second <= POOL_LAST; second++) {
		struct net_subnet candidate = {
			.address = {.size = 4, .bytes = {10, (uint8_t)second}}, .length = 16};
		if (overlaps_any(&candidate, taken, taken_count) ||
			find_overlap(&list, &candidate, 0))
			continue;
		*out = candidate;
		return 0;
	}
	return err_say(-ENOSPC, "no subnet of 10.88.0.0/16 to 10.127.0.0/16 is free: name one");
}
