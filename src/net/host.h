/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* A part of net/net.h: the host itself, that is its other interfaces, its forwarding and its other
 * firewalls. */
#include <stdbool.h>

struct net;
struct strvec;

/* IP forwarding of the host: returns 1 when it was off until now. */
int net_forwarding_enable(bool has_ipv6);
/* 1: the host forwards IPv4; 0: it does not. */
int net_forwarding_is_on(void);
int net_forwarding_disable(void);
/* Lets connections to 127.0.0.1 leave through the bridge. Refuses while the rule that guards the
 * host's 127.0.0.0/8 is missing. */
int net_localnet_enable(struct net *net, const char *bridge);
int net_localnet_disable(const char *bridge);
/* The names of all interfaces but lo and those of any instance of husk. */
int net_link_names(struct net *net, struct strvec *out);

/* An accept in our table cannot undo a drop in another table. So in each chain of other programs
 * that drops forwarded packets, one marked rule for each direction lets the bridge through. Returns
 * the number of such chains. Legacy iptables is not seen. */
int net_foreign_allow(struct net *net, const char *bridge);
/* 1 if a table of another program or of another instance of husk has a chain for forwarded packets
 * or for postrouting (source translation). */
int net_foreign_forwards(struct net *net);
/* Removes the rules of a bridge (NULL: of the instance) from these chains; returns the count. */
int net_foreign_forget(struct net *net, const char *bridge);
