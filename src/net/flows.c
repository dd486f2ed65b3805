/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Flows that connection tracking remembers. A map decides only about the first packet of a flow. A
 * UDP client that keeps sending from one port would be led to a container that is gone, for as long
 * as the client sends.
 */
#include "net/internal.h"

#include "base/err.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

/* Bits of the filter (5.8); the kernel's headers do not export their names. */
enum { FILTER_PROTOCOL = 1 << 3, FILTER_DESTINATION_PORT = 1 << 5 };

static void put_delete(struct netlink_batch *batch, const struct net_publication *p, unsigned i)
{
	const struct nfgenmsg head = {
		.nfgen_family = p->host.size == 4 ? NFPROTO_IPV4 : NFPROTO_IPV6,
		.version = 1, /* with version 0 the kernel ignores the family */
	};

	netlink_begin(
		batch, NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE, 0, &head, sizeof(head));
	size_t tuple = netlink_nest_begin(batch, CTA_TUPLE_ORIG);
	size_t ports = netlink_nest_begin(batch, CTA_TUPLE_PROTO);
	netlink_put_u8(batch, CTA_PROTO_NUM, (uint8_t)net_protocol_number(p->protocol));
	netlink_put_u16(batch, CTA_PROTO_DST_PORT, htons((uint16_t)(p->host_port + i)));
	netlink_nest_end(batch, ports);
	netlink_nest_end(batch, tuple);
	size_t filter = netlink_nest_begin(batch, CTA_FILTER);
	netlink_put_u32(batch, CTA_FILTER_ORIG_FLAGS, FILTER_PROTOCOL | FILTER_DESTINATION_PORT);
	netlink_put_u32(batch, CTA_FILTER_REPLY_FLAGS, 0);
	netlink_nest_end(batch, filter);
}

int net_flows_forget(struct net *net, const struct net_publication *list, size_t count)
{
	auto_of(netlink_batch) struct netlink_batch batch = NETLINK_BATCH_INIT;

	int r = net_publication_check(list, count);
	if (r >= 0)
		r = net_filter_open(net);
	if (r < 0)
		return r;
	for (size_t i = 0; i < count; i++)
		for (unsigned j = 0; list[i].protocol == NET_UDP && j < list[i].count; j++)
			put_delete(&batch, &list[i], j);
	r = netlink_send(&net->filter, &batch, NULL, NULL);
	if (r == -EINVAL || r == -EOPNOTSUPP)
		return err_say(-EOPNOTSUPP,
			"this kernel cannot forget flows by their port: UDP clients that go on "
			"sending "
			"keep the old container");
	return r < 0 ? net_err(&net->filter, r, "forget the flows of the published ports") : 0;
}
