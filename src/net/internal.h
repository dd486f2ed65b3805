/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Shared inside net/: the handle, message building, and errors that contain the kernel's message.
 */
#include "net/net.h"
#include "sys/fd.h"
#include "sys/netlink.h"

#include <linux/netlink.h>
#include <stdarg.h>

enum { NET_ALIAS_TEXT = 96, NET_TABLE_TEXT = 24 };

struct net {
	struct netlink route;
	struct netlink filter; /* opened by the first use of the table */
	char instance[9];
};

struct net_sandbox {
	struct netlink route;
	int netns_fd; /* the caller's */
	bool wants_ipv6;
};

/* err_new; if the kernel sent a message, that message becomes a hint. */
int net_err(const struct netlink *n, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4), cold));
/* The error for a kernel without this kind of link or netlink family: names the module. */
int net_err_module(int code, const char *kind) __attribute__((cold));

/* `husk:INSTANCE:OWNER`, or `husk:INSTANCE:` without an owner. */
void net_mark(char out[static NET_ALIAS_TEXT], const struct net *net, const char *owner);
bool net_mark_matches(const struct net *net, const char *text, const char *owner);
/* An interface by name, or by index when name is NULL, by any route socket; silent, -ENODEV. */
int net_link_find_on(struct netlink *route, const char *name, int index, struct net_link *out);
/* A name that the kernel takes and that is one component of a path under /proc/sys. */
int net_link_check_name(const char *name);
/* Begins RTM_NEWLINK for the link with this name (NULL: for `index`). */
void net_link_begin(struct netlink_batch *batch, const char *name, int index, uint16_t flags);
/* Adds RTM_DELLINK. */
void net_link_put_delete(struct netlink_batch *batch, const char *name);
/* The first adds a message that switches the link on. The second adds an attribute with which the
 * kernel makes no IPv6 addresses by itself. */
void net_link_up(struct netlink_batch *batch, const char *name, int index);
void net_link_put_no_autoconf(struct netlink_batch *batch);
/* Does the kernel have IPv6? With ipv6.disable=1 there is nothing to switch off. */
bool net_has_ipv6(void);
/* Adds RTM_NEWADDR; a subnet without an address adds nothing. */
void net_add_address(struct netlink_batch *batch, int index, const struct net_subnet *address);

/* Writes a number to /proc/sys/net/PATH of the caller's namespace. Silent. Returns 1 when it was
 * written, 0 when the file had this value already. */
int net_sysctl_set(const char *path, const char *value);

/* Is the address all zeros: any local address. */
bool net_address_is_any(const struct net_address *a);
/* Adds with carry; silent, -ERANGE on overflow. */
int net_address_add(struct net_address *a, uint64_t n);

/* IPPROTO_ of a protocol. */
int net_protocol_number(enum net_protocol protocol);
/* Refuses rows without address or port, ranges beyond 65535, and more than NET_PORTS_MAX ports. */
int net_publication_check(const struct net_publication *list, size_t count);

/* The text of the base ruleset, with the word INSTANCE where the instance belongs. */
extern const char net_base_rules[];

/* Opens net->filter when it is not yet open. */
int net_filter_open(struct net *net);
