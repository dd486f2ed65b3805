/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Network mechanisms: addresses, leases, links, the inside of a sandbox, and one nftables table per instance. Nothing
 * here knows containers or their records: an owner is a word that comes back in messages, leases and comments, and the
 * caller composes: lease an address, attach an endpoint, lease ports, publish.
 *
 * Links carry the alias and map elements the comment `husk:INSTANCE:OWNER`, so what an owner or an instance left
 * behind can be found without any record. A veth is never deleted while a container ends: it goes with its namespace.
 * Speaking unless marked silent. Only for processes without threads. */
#include "base/cleanup.h"
#include "net/address.h"
#include "net/host.h"

#include <stddef.h>
#include <stdint.h>

enum { NET_NAME_TEXT = 16, NET_PORTS_MAX = 4096 };
/* The network of the caller's namespace (the host), as one instance of husk uses it: 8 hex digits. */
struct net;
struct strvec;
int net_open(struct net **out, const char *instance);
void net_close(struct net *net);
AUTO_TYPE(net, struct net *, net_close)

/* Refuses a subnet that an address or route of the host already uses, naming the interface; the default route and
 * `own_bridge` (may be NULL) do not count. */
int net_subnet_check(struct net *net, const struct net_subnet *subnet, const char *own_bridge);
/* The first /16 of 10.88.0.0 .. 10.127.0.0 that the host does not use and that overlaps none of `taken`. */
int net_subnet_find_free(struct net *net, const struct net_subnet *taken, size_t taken_count,
	struct net_subnet *out);

/* Leases: symbolic links in a directory, named by what they claim (`ip-10.88.0.2`, `port-tcp-0.0.0.0-8080`) and
 * pointing at `OWNER@BOOT-ID`: claiming and saying who owns are one atomic step. Those of another boot are void. */
/* The next free address after the last one handed out; never the network, the gateway or the broadcast address.
 * -ENOSPC when there is none. */
int net_lease_next(int leases_fd, const struct net_subnet *subnet,
	const struct net_address *gateway, const char *owner, struct net_address *out);
/* That very address; -EADDRINUSE names the owner. An own lease is success. */
int net_lease_address(int leases_fd, const struct net_subnet *subnet,
	const struct net_address *gateway, const struct net_address *address, const char *owner);

enum net_protocol { NET_TCP, NET_UDP, NET_SCTP, NET_PROTOCOL_COUNT };
/* `count` ports from host_port on, sent to as many from port on. A host address of zeros is any local address. */
struct net_publication {
	enum net_protocol protocol;
	uint16_t host_port;
	uint16_t port;
	uint16_t count;
	struct net_address host;
	struct net_address address;
};
/* Silent: -EINVAL; and the name back. */
int net_protocol_parse(const char *text, enum net_protocol *out);
const char *net_protocol_name(enum net_protocol protocol);
/* How sentences call an owner, into a buffer that is empty; NULL: as it is written. */
struct buf;
struct net_owner_names {
	void (*name)(void *context, const char *owner, struct buf *out);
	void *context;
};
/* Claims all host ports or none. Refuses, with the owner's name, what overlaps another lease (any local address
 * overlaps each), and what some program of the host has bound. A host_port of 0 is chosen and written back. */
int net_lease_ports(int leases_fd, struct net_publication *list, size_t count, const char *owner,
	const struct net_owner_names *names);
/* Gives back what is the owner's; silent, and what is not there is success. forget is for the end of a network. */
int net_lease_release(int leases_fd, const struct net_address *address, const char *owner);
int net_lease_release_ports(
	int leases_fd, const struct net_publication *list, size_t count, const char *owner);
int net_lease_release_all(int leases_fd, const char *owner);
int net_lease_forget(int leases_fd, const struct net_subnet *subnet);
enum { NET_OWNER_TEXT = 160 };
/* Somebody of this boot who has an address of the subnet, NULL: who has a port. 1 and the owner, or 0. */
int net_lease_holder(
	int leases_fd, const struct net_subnet *subnet, char out_owner[static NET_OWNER_TEXT]);

/* Links of the host. Silent: -ENODEV. */
struct net_link {
	int index;
	unsigned flags; /* IFF_ */
	char name[NET_NAME_TEXT];
	char alias[96];
};
int net_link_find(struct net *net, const char *name, struct net_link *out);
/* Those of this instance, or of one of its owners; returns the count; `each` may be NULL. */
int net_link_each(struct net *net, const char *owner, int (*each)(const struct net_link *, void *),
	void *data);
/* Deletes by name; a link that is gone is success. */
int net_link_delete(struct net *net, const char *name);
/* `hk` and 11 hex digits of the owner (an id, or a hash of id and network). */
void net_link_name(char out[static NET_NAME_TEXT], const char *owner);

/* The bridge of a network, with its gateway addresses; one that is there and ours is brought to the same state. */
struct net_bridge {
	const char *name;
	const char *owner;
	uint32_t mtu; /* 0: the kernel's */
	struct net_subnet
		addresses[2]; /* the gateway's and the subnet's length; IPv6 only with one */
};
int net_bridge_ensure(struct net *net, const struct net_bridge *bridge, int *out_index);

/* Moves one into another namespace with its permanent global addresses, and switches it on. -ENODEV, -EEXIST. */
int net_link_move(const char *name, int netns_fd, const char *inner_name);
/* The network namespace of a container, seen through a socket inside. */
struct net_sandbox;
/* Brings lo up; IPv6 is switched off before any link exists, unless wanted (then: no router advertisements). */
int net_sandbox_open(struct net_sandbox **out, int netns_fd, bool wants_ipv6);
void net_sandbox_close(struct net_sandbox *sandbox);
AUTO_TYPE(net_sandbox, struct net_sandbox *, net_sandbox_close)

/* One interface of one sandbox in one network. */
struct net_endpoint {
	const char *driver; /* bridge, macvlan, ipvlan */
	const char *parent; /* the bridge, or the host's interface */
	const char *name; /* inside: eth0 */
	const char *owner;
	uint32_t mtu;
	struct net_subnet addresses[2]; /* address of the container and length of the subnet */
	struct net_address gateways[2]; /* none: no default route through here */
};
/* On failure nothing is left. -EEXIST may be this owner's link of a namespace that is still dying (TCP keeps one for
 * seconds): net_link_delete it and try again. */
int net_endpoint_attach(struct net *net, struct net_sandbox *sandbox, const struct net_endpoint *e);
/* Cuts a veth off its bridge before its lease is given back: until its namespace is gone it would answer for it. */
int net_endpoint_silence(struct net *net, const char *owner);

/* The instance's table `inet husk-INSTANCE`. 1 when it was missing and has been loaded, without networks and publications. */
int net_rules_load(struct net *net);
/* One that is gone is success. */
int net_rules_remove(struct net *net);
/* What comes from it, goes to it, and is not routed into it. */
struct net_rules_network {
	const char *bridge;
	bool is_internal;
	struct net_subnet subnets[2];
};
int net_rules_add_network(struct net *net, const struct net_rules_network *network);
/* Drops what is forwarded from one of these interfaces to another one of them. */
int net_rules_close(struct net *net, const struct strvec *links);
int net_rules_remove_network(struct net *net, const struct net_rules_network *network);
/* All elements in one transaction. 127.0.0.1 works once net_localnet_enable has run for the bridge. */
int net_publish(
	struct net *net, const struct net_publication *list, size_t count, const char *owner);
int net_unpublish(
	struct net *net, const struct net_publication *list, size_t count, const char *owner);
/* Makes UDP clients that keep sending follow a change of the maps. -EOPNOTSUPP on kernels that cannot. */
int net_flows_forget(struct net *net, const struct net_publication *list, size_t count);
/* All with the owner's comment; NULL: the whole instance's. Returns the count. */
int net_unpublish_owner(struct net *net, const char *owner);
