/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Moves an interface of the host into a container: it is renamed there and gets back the addresses
 * that the kernel removes from an interface that changes its namespace. When the container ends,
 * the kernel deletes a virtual interface and gives a hardware interface back to the host.
 */
#include "net/internal.h"

#include "base/err.h"
#include "base/str.h"
#include "sys/calls.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

enum { ADDRESSES_MAX = 64 };

struct addresses {
	uint32_t index; /* of the interface */
	size_t count;
	struct net_subnet items[ADDRESSES_MAX];
};

/* Keeps permanent global addresses: they were set by somebody, and are valid elsewhere too. */
static int read_address(const struct nlmsghdr *message, void *data)
{
	struct addresses *all = data;
	const struct ifaddrmsg *head = netlink_header(message, sizeof(*head));
	struct netlink_attribute attribute, own = {0};
	if (message->nlmsg_type != RTM_NEWADDR || !head || head->ifa_index != all->index ||
		head->ifa_scope != RT_SCOPE_UNIVERSE || !(head->ifa_flags & IFA_F_PERMANENT))
		return 0;
	struct netlink_reader reader = netlink_attributes(message, sizeof(*head));
	while (netlink_next(&reader, &attribute)) {
		/* IFA_ADDRESS can be the peer's address; IFA_LOCAL is always this end's. */
		if (attribute.type == IFA_LOCAL || (attribute.type == IFA_ADDRESS && !own.data))
			own = attribute;
	}
	if (!own.data || (own.size != 4 && own.size != 16) || all->count == ADDRESSES_MAX)
		return 0;
	struct net_subnet *subnet = &all->items[all->count++];
	subnet->length = head->ifa_prefixlen;
	subnet->address.size = (uint8_t)own.size;
	memcpy(subnet->address.bytes, own.data, own.size);
	return 0;
}

static int addresses_load(struct netlink *route, int index, struct addresses *out)
{
	auto_of(netlink_batch) struct netlink_batch batch = NETLINK_BATCH_INIT;
	const struct ifaddrmsg head = {.ifa_family = AF_UNSPEC};
	*out = (struct addresses){.index = (uint32_t)index};
	netlink_begin(&batch, RTM_GETADDR, 0, &head, sizeof(head));
	return netlink_dump(route, &batch, read_address, out);
}

static int send_there(struct netlink *route, int index, int netns_fd, const char *name)
{
	auto_of(netlink_batch) struct netlink_batch batch = NETLINK_BATCH_INIT;
	net_link_begin(&batch, NULL, index, 0);
	netlink_put_u32(&batch, IFLA_NET_NS_FD, (uint32_t)netns_fd);
	netlink_put_string(&batch, IFLA_IFNAME, name);
	return netlink_send(route, &batch, NULL, NULL);
}

static int settle(struct netlink *route, const char *name, const struct addresses *all, bool is_up)
{
	auto_of(netlink_batch) struct netlink_batch batch = NETLINK_BATCH_INIT;
	struct net_link link;
	int r = net_link_find_on(route, name, 0, &link);
	if (r < 0)
		return r;
	for (size_t i = 0; i < all->count; i++)
		net_add_address(&batch, link.index, &all->items[i]);
	if (is_up)
		net_link_up(&batch, NULL, link.index);
	return netlink_send(route, &batch, NULL, NULL);
}

/* The kernel moves the link, then renames it. If one of both failed, or it could not be set up, the
 * link is moved back, and has again what it had. */
static void bring_back(struct netlink *route, struct netlink *inside, const struct net_link *was,
	const char *inner_name, const struct addresses *all)
{
	struct net_link link;
	auto_close int home = sys_open_at(AT_FDCWD, "/proc/self/ns/net", O_RDONLY, 0);
	int r = net_link_find_on(inside, inner_name, 0, &link);
	if (r < 0)
		r = net_link_find_on(inside, was->name, 0, &link);
	if (r == 0 && home >= 0 && send_there(inside, link.index, home, was->name) == 0)
		settle(route, was->name, all, was->flags & IFF_UP);
}

static int move(struct netlink *route, struct netlink *inside, const struct net_link *link,
	int netns_fd, const char *inner_name)
{
	struct addresses all;
	struct net_link other;
	if (net_link_find_on(inside, inner_name, 0, &other) == 0)
		return err_say(
			-EEXIST, "the container has a network device %s already", inner_name);
	int r = addresses_load(route, link->index, &all);
	if (r == 0)
		r = send_there(route, link->index, netns_fd, inner_name);
	if (r < 0) {
		bring_back(route, inside, link, inner_name, &all);
		return net_err(route, r, "move network device %s", link->name);
	}
	r = settle(inside, inner_name, &all, true);
	if (r == 0)
		return 0;
	bring_back(route, inside, link, inner_name, &all);
	return net_err(inside, r, "set network device %s up in the container", inner_name);
}

int net_link_move(const char *name, int netns_fd, const char *inner_name)
{
	auto_of(netlink) struct netlink route = NETLINK_INIT, inside = NETLINK_INIT;
	struct net_link link;
	int r = netlink_open(&route, NETLINK_ROUTE);
	if (r == 0)
		r = netlink_open_in(&inside, NETLINK_ROUTE, netns_fd, NULL, NULL);
	if (r < 0)
		return err_new(r, "open the networks");
	r = strlen(name) < NET_NAME_TEXT ? net_link_find_on(&route, name, 0, &link) : -ENODEV;
	if (r == -ENODEV)
		return err_say(r, "there is no network device %s", name);
	return r < 0 ? net_err(&route, r, "look at network device %s", name)
		     : move(&route, &inside, &link, netns_fd, inner_name);
}
