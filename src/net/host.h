/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* A part of net/net.h: what is the host's own, which are its other interfaces, its forwarding, and its other firewalls. */
#include <stdbool.h>

struct net;
struct strvec;

/* IP forwarding of the host: returns 1 when it was off until now. */
int net_forwarding_enable(bool has_ipv6);
/* 1: the host forwards IPv4; 0: it does not. */
int net_forwarding_is_on(void);
int net_forwarding_disable(void);
/* Lets connections to 127.0.0.1 leave through the bridge; refuses without the rule that guards the host's. */
int net_localnet_enable(struct net *net, const char *bridge);
int net_localnet_disable(const char *bridge);
/* Names of all interfaces but lo and those of any instance of husk. */
int net_link_names(struct net *net, struct strvec *out);

/* An accept in our table cannot undo a drop in another. In every chain of others that drops what is forwarded one marked
 * rule each way lets the bridge through; returns how many such chains there are. Legacy iptables is not seen. */
int net_foreign_allow(struct net *net, const char *bridge);
/* Has a table of somebody else, another instance of husk included, chains for what is forwarded or leaves translated: 1. */
int net_foreign_forwards(struct net *net);
/* Takes the rules of a bridge out again, NULL: the instance's; returns the count. */
int net_foreign_forget(struct net *net, const char *bridge);
