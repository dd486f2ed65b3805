/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Links of the host: finding, listing by mark, deleting, and the bridge of a network. An interface
 * is ours if its alias says so, whatever its name.
 */
#include "net/internal.h"

#include "base/err.h"
#include "base/str.h"
#include "sys/calls.h"
#include "sys/file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

/* Reads one message of the kernel's list of links. */
static void net_link_read(const struct nlmsghdr *message, struct net_link *out)
{
	const struct ifinfomsg *head = netlink_header(message, sizeof(*head));
	struct netlink_attribute attribute;

	if (!head)
		return;
	*out = (struct net_link){.index = head->ifi_index, .flags = head->ifi_flags};
	struct netlink_reader reader = netlink_attributes(message, sizeof(*head));
	while (netlink_next(&reader, &attribute)) {
		const char *text = netlink_get_string(&attribute);
		if (text && attribute.type == IFLA_IFNAME)
			fmt(out->name, "%s", text);
		else if (text && attribute.type == IFLA_IFALIAS)
			fmt(out->alias, "%s", text);
	}
}

static int read_one_link(const struct nlmsghdr *message, void *data)
{
	if (message->nlmsg_type == RTM_NEWLINK)
		net_link_read(message, data);
	return 0;
}

int net_link_check_name(const char *name)
{
	size_t len = strlen(name);

	if (len == 0 || len >= NET_NAME_TEXT || str_eq(name, ".") || str_eq(name, "..") ||
		strpbrk(name, "/: \t\n\v\f\r"))
		return err_say(-EINVAL,
			"%s is no name for an interface: 1 to 15 characters, no blank, / or :",
			name);
	return 0;
}

bool net_has_ipv6(void)
{
	return sys_access_at(AT_FDCWD, "/proc/sys/net/ipv6", F_OK, 0) >= 0;
}

/* Begins RTM_NEWLINK that also sets flags of the link. */
static void begin_with(struct netlink_batch *batch, const char *name, int index, uint16_t flags,
	unsigned link_flags)
{
	const struct ifinfomsg head = {
		.ifi_index = name ? 0 : index,
		.ifi_flags = link_flags,
		.ifi_change = link_flags,
	};
	netlink_begin(batch, RTM_NEWLINK, flags, &head, sizeof(head));
	if (name)
		netlink_put_string(batch, IFLA_IFNAME, name);
}

void net_link_begin(struct netlink_batch *batch, const char *name, int index, uint16_t flags)
{
	begin_with(batch, name, index, flags, 0);
}

void net_link_up(struct netlink_batch *batch, const char *name, int index)
{
	begin_with(batch, name, index, 0, IFF_UP);
}

void net_link_put_delete(struct netlink_batch *batch, const char *name)
{
	const struct ifinfomsg head = {0};
	netlink_begin(batch, RTM_DELLINK, 0, &head, sizeof(head));
	netlink_put_string(batch, IFLA_IFNAME, name);
}

void net_link_put_no_autoconf(struct netlink_batch *batch)
{
	size_t families = netlink_nest_begin(batch, IFLA_AF_SPEC);
	size_t ipv6 = netlink_nest_begin(batch, AF_INET6);

	netlink_put_u8(batch, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
	netlink_nest_end(batch, ipv6);
	netlink_nest_end(batch, families);
}

void net_add_address(struct netlink_batch *batch, int index, const struct net_subnet *s)
{
	if (s->address.size == 0)
		return;
	const struct ifaddrmsg head = {
		.ifa_family = s->address.size == 4 ? AF_INET : AF_INET6,
		.ifa_prefixlen = s->length,
		.ifa_index = (uint32_t)index,
		/* Leases keep addresses unique; detection of duplicates would take a second. */
		.ifa_flags = s->address.size == 16 ? IFA_F_NODAD : 0,
	};
	netlink_begin(batch, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, &head, sizeof(head));
	netlink_put(batch, IFA_LOCAL, s->address.bytes, s->address.size);
	netlink_put(batch, IFA_ADDRESS, s->address.bytes, s->address.size);
}

int net_link_find_on(struct netlink *route, const char *name, int index, struct net_link *out)
{
	auto_of(netlink_batch) struct netlink_batch batch = NETLINK_BATCH_INIT;
	const struct ifinfomsg head = {.ifi_index = index};
	struct net_link found = {0};

	netlink_begin(&batch, RTM_GETLINK, 0, &head, sizeof(head));
	if (name)
		netlink_put_string(&batch, IFLA_IFNAME, name);
	netlink_put_u32(&batch, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	int r = netlink_send(route, &batch, read_one_link, &found);
	if (r < 0)
		return r;
	if (found.index == 0)
		return -ENODEV;
	*out = found;
	return 0;
}

int net_link_find(struct net *net, const char *name, struct net_link *out)
{
	/* For a name that is too long the kernel returns another code. */
	if (strlen(name) >= NET_NAME_TEXT)
		return -ENODEV;
	return net_link_find_on(&net->route, name, 0, out);
}

struct walk {
	const struct net *net;
	const char *owner;
	int (*each)(const struct net_link *link, void *data);
	void *data;
	int count;
};

static int walk_link(const struct nlmsghdr *message, void *data)
{
	struct walk *walk = data;
	struct net_link link = {0};

	read_one_link(message, &link);
	if (link.index == 0 || !net_mark_matches(walk->net, link.alias, walk->owner))
		return 0;
	walk->count++;
	return walk->each ? walk->each(&link, walk->data) : 0;
}

int net_link_each(struct net *net, const char *owner,
	int (*each)(const struct net_link *link, void *data), void *data)
{
	auto_of(netlink_batch) struct netlink_batch batch = NETLINK_BATCH_INIT;
	struct walk walk = {.net = net, .owner = owner, .each = each, .data = data};
	const struct ifinfomsg head = {0};

	netlink_begin(&batch, RTM_GETLINK, 0, &head, sizeof(head));
	netlink_put_u32(&batch, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	int r = netlink_dump(&net->route, &batch, walk_link, &walk);
	return r < 0 ? r : walk.count;
}

static int name_add(const struct nlmsghdr *message, void *data)
{
	struct net_link link = {0};
	read_one_link(message, &link);
	if (link.index && !(link.flags & IFF_LOOPBACK) && !str_prefix(link.alias, "husk:"))
		strvec_push(data, link.name);
	return 0;
}

int net_link_names(struct net *net, struct strvec *out)
{
	auto_of(netlink_batch) struct netlink_batch batch = NETLINK_BATCH_INIT;
	const struct ifinfomsg head = {0};
	netlink_begin(&batch, RTM_GETLINK, 0, &head, sizeof(head));
	netlink_put_u32(&batch, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	int r = netlink_dump(&net->route, &batch, name_add, out);
	return r < 0 ? net_err(&net->route, r, "list the interfaces") : 0;
}

int net_link_delete(struct net *net, const char *name)
{
	auto_of(netlink_batch) struct netlink_batch batch = NETLINK_BATCH_INIT;
	int r = net_link_check_name(name);

	if (r < 0)
		return r;
	net_link_put_delete(&batch, name);
	r = netlink_send(&net->route, &batch, NULL, NULL);
	if (r == -ENODEV)
		return 0;
	return r < 0 ? net_err(&net->route, r, "delete the interface %s", name) : 0;
}

void net_link_name(char out[static NET_NAME_TEXT], const char *owner)
{
	fmt_n(out, NET_NAME_TEXT, "hk%.11s", owner);
}

/* Adds the bare bridge; returns 1 when it was there and is ours. */
static int add_bridge(struct net *net, const struct net_bridge *bridge)
{
	auto_of(netlink_batch) struct netlink_batch batch = NETLINK_BATCH_INIT;
	struct net_link link;
	uint8_t mac[6];

	net_link_begin(&batch, bridge->name, 0, NLM_F_CREATE | NLM_F_EXCL);
	/* A bridge without a MAC of its own takes the lowest MAC of its ports, so that its MAC
	 * changes when ports come and go. */
	net_mac(mac, &bridge->addresses[bridge->addresses[0].address.size ? 0 : 1].address);
	netlink_put(&batch, IFLA_ADDRESS, mac, sizeof(mac));
	if (bridge->mtu)
		netlink_put_u32(&batch, IFLA_MTU, bridge->mtu);
	size_t info = netlink_nest_begin(&batch, IFLA_LINKINFO);
	netlink_put_string(&batch, IFLA_INFO_KIND, "bridge");
	netlink_nest_end(&batch, info);

	int r = netlink_send(&net->route, &batch, NULL, NULL);
	if (r == -EOPNOTSUPP)
		return net_err_module(r, "bridge");
	if (r == -EEXIST && net_link_find(net, bridge->name, &link) >= 0) {
		if (net_mark_matches(net, link.alias, bridge->owner))
			return 1;
		return err_say(r, "the interface %s exists and does not belong to this network",
			bridge->name);
	}
	return r < 0 ? net_err(&net->route, r, "make the bridge %s", bridge->name) : 0;
}

/* Switches IPv6 off on a bridge without IPv6 addresses. On a bridge with IPv6 addresses, router
 * advertisements are ignored, and detection of duplicates is off: else the link-local address would
 * be tentative for a second, and the kernel could not ask for neighbours. */
static int set_bridge_ipv6(const struct net_bridge *bridge)
{
	static const struct {
		const char *name;
		const char *wanted;
		const char *unwanted; /* NULL: left alone */
	} settings[] = {
		{"accept_ra", "0", NULL},
		{"accept_dad", "0", NULL},
		{"disable_ipv6", "0", "1"},
	};
	bool wants = bridge->addresses[0].address.size == 16 ||
		bridge->addresses[1].address.size == 16;

	if (!net_has_ipv6())
		return wants ? err_say(-EAFNOSUPPORT, "this kernel has no IPv6") : 0;
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
		const char *value = wants ? settings[i].wanted : settings[i].unwanted;
		char path[64];
		fmt(path, "ipv6/conf/%s/%s", bridge->name, settings[i].name);
		int r = value ? net_sysctl_set(path, value) : 0;
		if (r < 0)
			return err_new(r, "set /proc/sys/net/%s", path);
	}
	return 0;
}

static int set_up_bridge(struct net *net, const struct net_bridge *bridge, int index)
{
	auto_of(netlink_batch) struct netlink_batch batch = NETLINK_BATCH_INIT;
	char mark[NET_ALIAS_TEXT];

	int r = set_bridge_ipv6(bridge);
	if (r < 0)
		return r;
	net_mark(mark, net, bridge->owner);
	net_link_begin(&batch, NULL, index, 0);
	netlink_put_string(&batch, IFLA_IFALIAS, mark);
	for (size_t i = 0; i < 2; i++)
		net_add_address(&batch, index, &bridge->addresses[i]);
	net_link_up(&batch, NULL, index);
	r = netlink_send(&net->route, &batch, NULL, NULL);
	return r < 0 ? net_err(&net->route, r, "set up the bridge %s", bridge->name) : 0;
}

int net_bridge_ensure(struct net *net, const struct net_bridge *bridge, int *out_index)
{
	struct net_link link;

	int r = net_link_check_name(bridge->name);
	if (r < 0)
		return r;
	int was_there = add_bridge(net, bridge);
	if (was_there < 0)
		return was_there;
	r = net_link_find(net, bridge->name, &link);
	if (r < 0)
		return err_new(r, "find the bridge %s again", bridge->name);
	r = set_up_bridge(net, bridge, link.index);
	if (r < 0) {
		struct err_packet kept;
		err_pack(&kept);
		if (!was_there)
			net_link_delete(net, bridge->name);
		return err_unpack(&kept);
	}
	*out_index = link.index;
	return 0;
}

#define IPV4_FORWARDING "ipv4/ip_forward"

int net_forwarding_is_on(void)
{
	auto_buf struct buf now = BUF_INIT;
	int r = file_read("/proc/sys/net/" IPV4_FORWARDING, 32, &now);
	return r < 0 ? err_new(r, "read /proc/sys/net/" IPV4_FORWARDING) : now.data[0] == '1';
}

int net_forwarding_disable(void)
{
	int r = net_sysctl_set(IPV4_FORWARDING, "0");
	return r < 0 ? err_new(r, "set /proc/sys/net/" IPV4_FORWARDING) : 0;
}

int net_forwarding_enable(bool has_ipv6)
{
	static const char *const paths[] = {IPV4_FORWARDING, "ipv6/conf/all/forwarding"};
	int changed = 0;

	for (size_t i = 0; i < (has_ipv6 ? 2 : 1); i++) {
		int r = net_sysctl_set(paths[i], "1");
		if (r < 0)
			return err_new(r, "set /proc/sys/net/%s", paths[i]);
		changed |= r;
	}
	return changed;
}
