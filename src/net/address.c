/* SPDX-License-Identifier: Apache-2.0 */
/*
 * IPv4 and IPv6 addresses and subnets as byte strings, most significant byte first: the same code
 * serves both families, and sums carry from byte to byte.
 */
#include "net/internal.h"

#include "base/str.h"

#include <arpa/inet.h>
#include <errno.h>

static int address_family(const struct net_address *a)
{
	return a->size == 4 ? AF_INET : AF_INET6;
}

int net_address_parse(const char *text, struct net_address *out)
{
	struct net_address a = {.size = strchr(text, ':') ? 16 : 4};

	/* inet_pton, unlike inet_aton, takes four decimal numbers only: no 0x7f.1, no octal. */
	if (inet_pton(address_family(&a), text, a.bytes) != 1)
		return -EINVAL;
	*out = a;
	return 0;
}

const char *net_address_format(char out[static NET_ADDRESS_TEXT], const struct net_address *a)
{
	if (a->size == 0 || !inet_ntop(address_family(a), a->bytes, out, NET_ADDRESS_TEXT))
		out[0] = '\0';
	return out;
}

const char *net_subnet_format(char out[static NET_SUBNET_TEXT], const struct net_subnet *s)
{
	char address[NET_ADDRESS_TEXT];

	fmt_n(out, NET_SUBNET_TEXT, "%s/%u", net_address_format(address, &s->address), s->length);
	return out;
}

/* Clears the host bits; returns whether there were any. */
static bool clear_host_bits(struct net_subnet *s)
{
	bool had_bits = false;

	for (size_t i = 0; i < s->address.size; i++) {
		size_t bits = s->length > i * 8 ? s->length - i * 8 : 0;
		uint8_t mask = bits >= 8 ? 0xff : (uint8_t)(0xff00U >> bits);
		had_bits |= s->address.bytes[i] & (uint8_t)~mask;
		s->address.bytes[i] &= mask;
	}
	return had_bits;
}

int net_subnet_parse(const char *text, struct net_subnet *out)
{
	char address[NET_SUBNET_TEXT];
	uint32_t length;

	if (fmt(address, "%s", text) < 0)
		return -EINVAL;
	char *slash = strchr(address, '/');
	if (!slash)
		return -EINVAL;
	*slash = '\0';

	struct net_subnet s = {0};
	if (net_address_parse(address, &s.address) < 0 || parse_u32(slash + 1, &length) < 0 ||
		length > s.address.size * 8U)
		return -EINVAL;
	s.length = (uint8_t)length;
	bool had_bits = clear_host_bits(&s);
	*out = s;
	return had_bits ? -ERANGE : 0;
}

bool net_address_equal(const struct net_address *a, const struct net_address *b)
{
	return a->size == b->size && memcmp(a->bytes, b->bytes, a->size) == 0;
}

bool net_address_is_any(const struct net_address *a)
{
	static const uint8_t zeros[16];

	return a->size == 0 || memcmp(a->bytes, zeros, a->size) == 0;
}

bool net_subnet_has(const struct net_subnet *s, const struct net_address *a)
{
	struct net_subnet of_address = {.address = *a, .length = s->length};
	struct net_subnet own = *s;

	if (a->size == 0 || a->size != s->address.size)
		return false;
	clear_host_bits(&of_address);
	clear_host_bits(&own);
	return net_address_equal(&of_address.address, &own.address);
}

bool net_subnet_overlaps(const struct net_subnet *a, const struct net_subnet *b)
{
	return a->length <= b->length ? net_subnet_has(a, &b->address)
				      : net_subnet_has(b, &a->address);
}

int net_address_add(struct net_address *a, uint64_t n)
{
	for (size_t i = a->size; i > 0 && n; i--) {
		n += a->bytes[i - 1];
		a->bytes[i - 1] = (uint8_t)n;
		n >>= 8;
	}
	return n ? -ERANGE : 0;
}

int net_subnet_host(const struct net_subnet *s, uint64_t n, struct net_address *out)
{
	unsigned host_bits = s->address.size * 8U - s->length;
	uint64_t last = host_bits >= 64 ? UINT64_MAX : ((uint64_t)1 << host_bits) - 1;
	struct net_address a = s->address;

	if (s->address.size == 4 && last > 0)
		last--; /* the broadcast address */
	if (n == 0 || n > last || net_address_add(&a, n) < 0)
		return -ERANGE;
	*out = a;
	return 0;
}

void net_mac(uint8_t out[static 6], const struct net_address *a)
{
	const uint8_t *tail = a->bytes + (a->size == 16 ? 12 : 0);

	out[0] = 0x02; /* locally administered, unicast */
	out[1] = a->size == 16 ? 0x6b : 0x68;
	memcpy(out + 2, tail, 4);
}
