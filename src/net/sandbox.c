/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of a container's network namespace, and the endpoints that join it to networks. The
 * host creates a link directly in the namespace. A socket opened inside configures it. Both take
 * one send.
 */
#include "net/internal.h"

#include "base/err.h"
#include "base/str.h"

#include <errno.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <sys/socket.h>

/* Runs in the sandbox, before it has any link but lo. Without IPv6 addresses IPv6 is off, even
 * link-local. With IPv6 addresses, router advertisements are ignored, so that no neighbour can make
 * itself the router. Detection of duplicates, which leases exclude, is off, so that nothing waits
 * for it. */
static int set_sandbox_ipv6(void *data)
{
	static const char *const wanted[][2] = {
		{"ipv6/conf/all/disable_ipv6", "0"},
		{"ipv6/conf/default/disable_ipv6", "0"},
		{"ipv6/conf/all/accept_ra", "0"},
		{"ipv6/conf/default/accept_ra", "0"},
		{"ipv6/conf/default/accept_dad", "0"},
	};
	const struct net_sandbox *sandbox = data;

	if (!net_has_ipv6())
		return sandbox->wants_ipv6 ? -EAFNOSUPPORT : 0;
	if (!sandbox->wants_ipv6)
		return net_sysctl_set("ipv6/conf/all/disable_ipv6", "1");
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		int r = net_sysctl_set(wanted[i][0], wanted[i][1]);
		if (r < 0)
			return r;
	}
	return 0;
}

int net_sandbox_open(struct net_sandbox **out, int netns_fd, bool wants_ipv6)
{
	auto_of(netlink_batch) struct netlink_batch batch = NETLINK_BATCH_INIT;
	auto_of(net_sandbox) struct net_sandbox *sandbox = mem_new(sizeof(*sandbox));

	*sandbox = (struct net_sandbox){
		.route = NETLINK_INIT, .netns_fd = netns_fd, .wants_ipv6 = wants_ipv6};
	int r = netlink_open_in(
		&sandbox->route, NETLINK_ROUTE, netns_fd, set_sandbox_ipv6, sandbox);
	if (r < 0)
		return err_new(r, "open the network namespace of the container");
	net_link_up(&batch, "lo", 0);
	r = netlink_send(&sandbox->route, &batch, NULL, NULL);
	if (r < 0)
		return net_err(&sandbox->route, r, "switch on lo in the container");
	*out = take_ptr(&sandbox);
	return 0;
}

void net_sandbox_close(struct net_sandbox *sandbox)
{
	if (!sandbox)
		return;
	netlink_close(&sandbox->route);
	free(sandbox);
}

static void endpoint_mac(uint8_t out[static 6], const struct net_endpoint *e)
{
	net_mac(out, &e->addresses[e->addresses[0].address.size ? 0 : 1].address);
}

/* The host's end of a veth pair is a port of the bridge and has no address. The other end is
 * created in the sandbox. */
static void add_veth(struct netlink_batch *batch, const struct net_sandbox *sandbox,
	const struct net_endpoint *e, const char *host_name)
{
	net_link_begin(batch, host_name, 0, NLM_F_CREATE | NLM_F_EXCL);
	const struct ifinfomsg peer_head = {0};
	uint8_t mac[6];

	if (e->mtu)
		netlink_put_u32(batch, IFLA_MTU, e->mtu);
	size_t info = netlink_nest_begin(batch, IFLA_LINKINFO);
	netlink_put_string(batch, IFLA_INFO_KIND, "veth");
	size_t data = netlink_nest_begin(batch, IFLA_INFO_DATA);
	size_t peer = netlink_nest_begin(batch, VETH_INFO_PEER);
	netlink_put_header(batch, &peer_head, sizeof(peer_head));
	netlink_put_string(batch, IFLA_IFNAME, e->name);
	endpoint_mac(mac, e);
	netlink_put(batch, IFLA_ADDRESS, mac, sizeof(mac));
	if (e->mtu)
		netlink_put_u32(batch, IFLA_MTU, e->mtu);
	netlink_put_u32(batch, IFLA_NET_NS_FD, (uint32_t)sandbox->netns_fd);
	netlink_nest_end(batch, peer);
	netlink_nest_end(batch, data);
	netlink_nest_end(batch, info);
}

/* With br_netfilter a published port is translated while the frame is still in the bridge. A
 * container that connects to itself through a published port then needs a bridge that sends a frame
 * back through the port where it came from. */
static void put_hairpin(struct netlink_batch *batch, const char *host_name)
{
	net_link_begin(batch, host_name, 0, 0);
	size_t info = netlink_nest_begin(batch, IFLA_LINKINFO);

	netlink_put_string(batch, IFLA_INFO_SLAVE_KIND, "bridge");
	size_t data = netlink_nest_begin(batch, IFLA_INFO_SLAVE_DATA);
	netlink_put_u8(batch, IFLA_BRPORT_MODE, 1);
	netlink_nest_end(batch, data);
	netlink_nest_end(batch, info);
}

static int make_veth(struct net *net, const struct net_sandbox *sandbox,
	const struct net_endpoint *e, int parent_index)
{
	auto_of(netlink_batch) struct netlink_batch batch = NETLINK_BATCH_INIT;
	char host_name[NET_NAME_TEXT], mark[NET_ALIAS_TEXT];

	net_link_name(host_name, e->owner);
	net_mark(mark, net, e->owner);
	add_veth(&batch, sandbox, e, host_name);
	net_link_begin(&batch, host_name, 0, 0);
	netlink_put_string(&batch, IFLA_IFALIAS, mark);
	netlink_put_u32(&batch, IFLA_MASTER, (uint32_t)parent_index);
	if (net_has_ipv6())
		net_link_put_no_autoconf(&batch);
	put_hairpin(&batch, host_name);
	net_link_up(&batch, host_name, 0);

	int r = netlink_send(&net->route, &batch, NULL, NULL);
	if (r < 0 && net->route.failed > 0) {
		if (r == -EXFULL)
			err_say(r, "the bridge %s is full: it has its 1023 interfaces", e->parent);
		else
			net_err(&net->route, r, "join %s to the bridge %s", host_name, e->parent);
		struct err_packet kept;
		err_pack(&kept);
		net_link_delete(net, host_name);
		return err_unpack(&kept);
	}
	if (r == -EOPNOTSUPP)
		return net_err_module(r, "veth");
	return r < 0 ? net_err(&net->route, r, "make the veth pair %s and %s", host_name, e->name)
		     : 0;
}

/* Makes a macvlan or ipvlan. It is created in the sandbox under a name that the host does not use,
 * and renamed there: before 6.13 the kernel looks for name clashes in the wrong namespace. */
static int make_slave(struct net *net, const struct net_sandbox *sandbox,
	const struct net_endpoint *e, int parent_index)
{
	auto_of(netlink_batch) struct netlink_batch batch = NETLINK_BATCH_INIT;
	char host_name[NET_NAME_TEXT];
	bool is_macvlan = str_eq(e->driver, "macvlan");
	uint8_t mac[6];

	net_link_name(host_name, e->owner);
	net_link_begin(&batch, host_name, 0, NLM_F_CREATE | NLM_F_EXCL);
	netlink_put_u32(&batch, IFLA_LINK, (uint32_t)parent_index);
	netlink_put_u32(&batch, IFLA_NET_NS_FD, (uint32_t)sandbox->netns_fd);
	endpoint_mac(mac, e);
	if (is_macvlan) /* an ipvlan has its parent's MAC */
		netlink_put(&batch, IFLA_ADDRESS, mac, sizeof(mac));
	if (e->mtu)
		netlink_put_u32(&batch, IFLA_MTU, e->mtu);
	size_t info = netlink_nest_begin(&batch, IFLA_LINKINFO);
	netlink_put_string(&batch, IFLA_INFO_KIND, e->driver);
	size_t data = netlink_nest_begin(&batch, IFLA_INFO_DATA);
	if (is_macvlan)
		netlink_put_u32(&batch, IFLA_MACVLAN_MODE, MACVLAN_MODE_BRIDGE);
	else
		netlink_put_u16(&batch, IFLA_IPVLAN_MODE, IPVLAN_MODE_L2);
	netlink_nest_end(&batch, data);
	netlink_nest_end(&batch, info);
	int r = netlink_send(&net->route, &batch, NULL, NULL);
	if (r == -EOPNOTSUPP)
		return net_err_module(r, e->driver);
	return r < 0 ? net_err(&net->route, r, "make a %s of %s", e->driver, e->parent) : 0;
}

/* The drivers, and whether their link arrives in the sandbox under its name on the host. */
static const struct driver {
	const char *name;
	bool is_renamed;
	int (*make)(struct net *net, const struct net_sandbox *sandbox,
		const struct net_endpoint *e, int parent_index);
} drivers[] = {
	{"bridge", false, make_veth},
	{"macvlan", true, make_slave},
	{"ipvlan", true, make_slave},
};

static const struct driver *driver_find(const char *name)
{
	for (size_t i = 0; i < sizeof(drivers) / sizeof(drivers[0]); i++)
		if (str_eq(drivers[i].name, name))
			return &drivers[i];
	return NULL;
}

static void add_default_route(
	struct netlink_batch *batch, int index, const struct net_address *gateway)
{
	if (gateway->size == 0)
		return;
	const struct rtmsg head = {
		.rtm_family = gateway->size == 4 ? AF_INET : AF_INET6,
		.rtm_table = RT_TABLE_MAIN,
		.rtm_protocol = RTPROT_BOOT,
		.rtm_scope = RT_SCOPE_UNIVERSE,
		.rtm_type = RTN_UNICAST,
	};
	netlink_begin(batch, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, &head, sizeof(head));
	netlink_put(batch, RTA_GATEWAY, gateway->bytes, gateway->size);
	netlink_put_u32(batch, RTA_OIF, (uint32_t)index);
}

static int configure(
	struct net_sandbox *sandbox, const struct net_endpoint *e, const char *born_name)
{
	auto_of(netlink_batch) struct netlink_batch batch = NETLINK_BATCH_INIT;
	struct net_link link;

	int r = net_link_find_on(&sandbox->route, born_name, 0, &link);
	if (r < 0)
		return err_new(r, "find %s in the container", born_name);
	if (!str_eq(born_name, e->name)) {
		net_link_begin(&batch, NULL, link.index, 0);
		netlink_put_string(&batch, IFLA_IFNAME, e->name);
	}
	for (size_t i = 0; i < 2; i++)
		net_add_address(&batch, link.index, &e->addresses[i]);
	net_link_up(&batch, NULL, link.index);
	for (size_t i = 0; i < 2; i++)
		add_default_route(&batch, link.index, &e->gateways[i]);
	r = netlink_send(&sandbox->route, &batch, NULL, NULL);
	return r < 0 ? net_err(&sandbox->route, r, "configure %s in the container", e->name) : 0;
}

static int delete_inside(struct net_sandbox *sandbox, const char *name)
{
	auto_of(netlink_batch) struct netlink_batch batch = NETLINK_BATCH_INIT;

	net_link_put_delete(&batch, name);
	return netlink_send(&sandbox->route, &batch, NULL, NULL);
}

int net_endpoint_attach(struct net *net, struct net_sandbox *sandbox, const struct net_endpoint *e)
{
	const struct driver *driver = driver_find(e->driver);
	char born_name[NET_NAME_TEXT];
	struct net_link parent, link;

	if (!driver)
		return err_say(-EINVAL, "no such network driver: %s", e->driver);
	int r = net_link_check_name(e->name);
	if (r < 0)
		return r;
	r = net_link_find(net, e->parent, &parent);
	if (r < 0)
		return err_new(r, "find the interface %s", e->parent);
	net_link_name(born_name, e->owner);
	if (!driver->is_renamed)
		fmt(born_name, "%s", e->name);
	if (net_link_find_on(&sandbox->route, e->name, 0, &link) >= 0)
		return err_say(-EEXIST, "the container has an interface %s already", e->name);
	r = driver->make(net, sandbox, e, parent.index);
	if (r < 0)
		return r;
	r = configure(sandbox, e, born_name);
	if (r < 0) {
		if (delete_inside(sandbox, e->name) < 0)
			delete_inside(sandbox, born_name);
		return r;
	}
	/* A worker of the kernel tells the bridge port, and then a bridge that had no carrier, that
	 * there is a carrier now. That takes up to a second, and until then packets are lost. A
	 * query for a link makes the kernel do it at once (6.8). */
	net_link_name(born_name, e->owner);
	net_link_find(net, born_name, &link);
	net_link_find(net, e->parent, &link);
	return 0;
}

int net_endpoint_silence(struct net *net, const char *owner)
{
	auto_of(netlink_batch) struct netlink_batch batch = NETLINK_BATCH_INIT;
	char host_name[NET_NAME_TEXT];

	net_link_name(host_name, owner);
	net_link_begin(&batch, host_name, 0, 0);
	size_t info = netlink_nest_begin(&batch, IFLA_LINKINFO);
	netlink_put_string(&batch, IFLA_INFO_SLAVE_KIND, "bridge");
	size_t data = netlink_nest_begin(&batch, IFLA_INFO_SLAVE_DATA);
	/* In this state the port neither receives nor sends frames. The states DISABLED and
	 * BLOCKING do not last: the kernel changes them back by itself. */
	netlink_put_u8(&batch, IFLA_BRPORT_STATE, BR_STATE_LISTENING);
	netlink_put(&batch, IFLA_BRPORT_FLUSH, NULL, 0);
	netlink_nest_end(&batch, data);
	netlink_nest_end(&batch, info);
	int r = netlink_send(&net->route, &batch, NULL, NULL);
	if (r == -ENODEV || r == -ENETDOWN) /* the link is gone, or is being deleted */
		return 0;
	return r < 0 ? net_err(&net->route, r, "cut %s off its bridge", host_name) : 0;
}
