/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Addresses and subnets of both families. Part of net.h, which includes it.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { NET_ADDRESS_TEXT = 46, NET_SUBNET_TEXT = 50 };

/* An address has size 4 or 16; 0 means none. A subnet has no host bits; the address of an interface
 * with its length may have some. */
struct net_address {
	uint8_t size;
	uint8_t bytes[16];
};
struct net_subnet {
	struct net_address address;
	uint8_t length;
};

/* Silent: -EINVAL for bad text, -ERANGE for a subnet with host bits (*out is then the subnet
 * without them). */
int net_address_parse(const char *text, struct net_address *out);
int net_subnet_parse(const char *text, struct net_subnet *out);
const char *net_address_format(char out[static NET_ADDRESS_TEXT], const struct net_address *a);
const char *net_subnet_format(char out[static NET_SUBNET_TEXT], const struct net_subnet *s);
bool net_address_equal(const struct net_address *a, const struct net_address *b);
bool net_subnet_has(const struct net_subnet *s, const struct net_address *a);
bool net_subnet_overlaps(const struct net_subnet *a, const struct net_subnet *b);
/* The host number `n` of the subnet (1 is the usual gateway). Silent: -ERANGE for the network
 * address, for the broadcast address of IPv4, and for numbers beyond the subnet. */
int net_subnet_host(const struct net_subnet *s, uint64_t n, struct net_address *out);
/* A locally administered MAC made from the address, so that a restart keeps it. */
void net_mac(uint8_t out[static 6], const struct net_address *a);
