/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Network mechanisms: addresses, leases, links, the inside of a network namespace (the sandbox),
 * and one nftables table for each instance. Containers and their records are unknown here: an owner
 * is a word in messages, leases and comments. Links have the alias and map elements the comment
 * `husk:INSTANCE:OWNER`, so that what an owner left behind can be found. A veth is not deleted when
 * a container ends: it goes with its namespace. The caller leases an address, attaches an endpoint,
 * leases ports, publishes. Speaking unless marked silent. Only for processes without threads. */
#include "base/cleanup.h"
#include "net/address.h"
#include "net/host.h"

#include <stddef.h>
#include <stdint.h>

enum { NET_NAME_TEXT = 16, NET_PORTS_MAX = 4096 };
/* The network of the host (the caller's namespace) for one instance of husk (8 hex digits). */
struct net;
struct strvec;
int net_open(struct net **out, const char *instance);
void net_close(struct net *net);
AUTO_TYPE(net, struct net *, net_close)

/* Refuses a subnet that an address or a route of the host already uses; the error names the
 * interface. The default route and `own_bridge` (may be NULL) do not count. */
int net_subnet_check(struct net *net, const struct net_subnet *subnet, const char *own_bridge);
/* The first /16 of 10.88.0.0 .. 10.127.0.0 that neither the host nor `taken` uses in any part. */
int net_subnet_find_free(struct net *net, const struct net_subnet *taken, size_t taken_count,
	struct net_subnet *out);

/* Leases are symbolic links: the name is the claim (`ip-10.88.0.2`, `port-tcp-0.0.0.0-8080`), the
 * target is `OWNER@BOOT-ID`, so a claim is one atomic step. A lease of another boot is void. */
/* The next free address after the last one handed out; never the network, the gateway or the
 * broadcast address. -ENOSPC when there is none. */
int net_lease_next(int leases_fd, const struct net_subnet *subnet,
	const struct net_address *gateway, const char *owner, struct net_address *out);
/* Leases `address`. -EADDRINUSE names the owner; a lease that `owner` has already is success. */
int net_lease_address(int leases_fd, const struct net_subnet *subnet,
	const struct net_address *gateway, const struct net_address *address, const char *owner);

enum net_protocol { NET_TCP, NET_UDP, NET_SCTP, NET_PROTOCOL_COUNT };
/* `count` ports from host_port on lead to those from port on. A zero host: any local address. */
struct net_publication {
	enum net_protocol protocol;
	uint16_t host_port;
	uint16_t port;
	uint16_t count;
	struct net_address host;
	struct net_address address;
};
/* From name to protocol (silent: -EINVAL), and from protocol to name. */
int net_protocol_parse(const char *text, enum net_protocol *out);
const char *net_protocol_name(enum net_protocol protocol);
/* Writes the name of an owner for error messages into an empty buffer. NULL: the owner as it is. */
struct buf;
struct net_owner_names {
	void (*name)(void *context, const char *owner, struct buf *out);
	void *context;
};
/* Claims all host ports or none. Refuses ports that overlap another lease (the error names its
 * owner; any local address overlaps every address) or that a program of the host has bound. For a
 * host_port of 0, a free one is chosen and written back. */
int net_lease_ports(int leases_fd, struct net_publication *list, size_t count, const char *owner,
	const struct net_owner_names *names);
/* Give back leases of the owner. Silent; a missing lease is success. _forget: network removed. */
int net_lease_release(int leases_fd, const struct net_address *address, const char *owner);
int net_lease_release_ports(
	int leases_fd, const struct net_publication *list, size_t count, const char *owner);
int net_lease_release_all(int leases_fd, const char *owner);
int net_lease_forget(int leases_fd, const struct net_subnet *subnet);
enum { NET_OWNER_TEXT = 160 };
/* Finds an owner in this boot with an address of the subnet (NULL: with a port). 1: found, or 0. */
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
/* Visits the links of an owner (NULL: of the instance), returns their count. `each` may be NULL. */
int net_link_each(struct net *net, const char *owner, int (*each)(const struct net_link *, void *),
	void *data);
/* Deletes by name; a link that is gone is success. */
int net_link_delete(struct net *net, const char *name);
/* `hk` and 11 hex digits of the owner (an id, or a hash of id and network). */
void net_link_name(char out[static NET_NAME_TEXT], const char *owner);

/* A network's bridge with its gateway addresses. If there is one of ours, it is changed to this. */
struct net_bridge {
	const char *name;
	const char *owner;
	uint32_t mtu; /* 0: the kernel's */
	struct net_subnet addresses[2]; /* gateway, subnet's length; none for IPv6: IPv6 off */
};
int net_bridge_ensure(struct net *net, const struct net_bridge *bridge, int *out_index);

/* Moves a link with its permanent global addresses and switches it on. -ENODEV, -EEXIST. */
int net_link_move(const char *name, int netns_fd, const char *inner_name);
/* The network namespace of a container, seen through a socket inside. */
struct net_sandbox;
/* Brings lo up. Before any link exists, switches off IPv6, or if wanted, router advertisements. */
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
	struct net_subnet addresses[2]; /* the container's address, the subnet's length */
	struct net_address gateways[2]; /* none: no default route through here */
};
/* On failure nothing is left behind. -EEXIST can be this owner's link in an old namespace that TCP
 * keeps for seconds: call net_link_delete and try again. */
int net_endpoint_attach(struct net *net, struct net_sandbox *sandbox, const struct net_endpoint *e);
/* Cuts a veth off its bridge before its address is given back: until its namespace is gone, the
 * veth would answer for the address. */
int net_endpoint_silence(struct net *net, const char *owner);

/* Loads the table `inet husk-INSTANCE` if it is missing. 1: not settled: things may be missing. */
int net_rules_load(struct net *net);
int net_rules_settle(struct net *net);
int net_rules_remove(struct net *net); /* a missing table is success */
/* A network as the rules know it. */
struct net_rules_network {
	const char *bridge;
	bool is_internal;
	struct net_subnet subnets[2];
};
int net_rules_add_network(struct net *net, const struct net_rules_network *network);
/* Drops packets that are forwarded from one of these interfaces to another of them. */
int net_rules_close(struct net *net, const struct strvec *links);
int net_rules_remove_network(struct net *net, const struct net_rules_network *network);
/* All elements in one transaction. 127.0.0.1 works after net_localnet_enable for the bridge. */
int net_publish(
	struct net *net, const struct net_publication *list, size_t count, const char *owner);
int net_unpublish(
	struct net *net, const struct net_publication *list, size_t count, const char *owner);
/* Makes UDP clients that keep sending follow a change of the maps. -EOPNOTSUPP: kernel cannot. */
int net_flows_forget(struct net *net, const struct net_publication *list, size_t count);
/* Removes all elements with the owner's comment; NULL: of the whole instance. Returns the count. */
int net_unpublish_owner(struct net *net, const char *owner);
