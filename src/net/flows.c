/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Flows that connection tracking remembers. A map decides only about the first packet of a flow; a UDP client that
 * goes on sending from one port would be led to a container that is gone for as long as it keeps sending.
 */
#include "net/internal.h"

#include "base/err.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

/* Bits of the filter (5.8); the kernel keeps their names to itself. */
enum { FILTER_PROTOCOL = 1 << 3, FILTER_DESTINATION_PORT = 1 << 5, FLOW_ROOM = 128 };

static void put_delete(struct netlink_batch *batch, const struct net_publication *p, unsigned i)
{
	struct nlmsghdr *message = netlink_batch_begin(batch,
		NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE, 0, sizeof(struct nfgenmsg),
		FLOW_ROOM);
	struct nfgenmsg *head = mnl_nlmsg_get_payload(message);

	head->nfgen_family = p->host.size == 4 ? NFPROTO_IPV4 : NFPROTO_IPV6;
	head->version = 1; /* from here on the family counts in a deletion */
	struct nlattr *tuple = mnl_attr_nest_start(message, CTA_TUPLE_ORIG);
	struct nlattr *ports = mnl_attr_nest_start(message, CTA_TUPLE_PROTO);
	mnl_attr_put_u8(message, CTA_PROTO_NUM, (uint8_t)net_protocol_number(p->protocol));
	mnl_attr_put_u16(message, CTA_PROTO_DST_PORT, htons((uint16_t)(p->host_port + i)));
	mnl_attr_nest_end(message, ports);
	mnl_attr_nest_end(message, tuple);
	struct nlattr *filter = mnl_attr_nest_start(message, CTA_FILTER);
	mnl_attr_put_u32(message, CTA_FILTER_ORIG_FLAGS, FILTER_PROTOCOL | FILTER_DESTINATION_PORT);
	mnl_attr_put_u32(message, CTA_FILTER_REPLY_FLAGS, 0);
	mnl_attr_nest_end(message, filter);
	netlink_batch_end(batch, message);
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
