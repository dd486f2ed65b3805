/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Published ports as text: "[ADDRESS:][HOSTPORT]:PORT[/PROTOCOL]" and ranges of both, as Docker's -p; and back, as `ps`
 * shows them.
 */
#include "network/internal.h"
#include "network/internal.h"
#include "base/err.h"
#include "base/str.h"

#include <errno.h>

static int range_parse(const char *text, uint16_t *out_first, uint16_t *out_count)
{
	auto_free char *copy = mem_strdup(text);
	char *rest = copy;
	const char *first_text = str_cut(&rest, '-');
	uint32_t first, last;
	if (parse_u32(first_text, &first) < 0 || first == 0 || first > UINT16_MAX)
		return -EINVAL;
	last = first;
	if (rest && (parse_u32(rest, &last) < 0 || last < first || last > UINT16_MAX))
		return -EINVAL;
	if (last - first + 1 > NET_PORTS_MAX)
		return -ERANGE;
	*out_first = (uint16_t)first;
	*out_count = (uint16_t)(last - first + 1);
	return 0;
}

/* Cuts "[::1]:rest" or "127.0.0.1:rest" off the front when there are two colons outside of brackets. */
static int host_cut(char **text, struct net_address *out)
{
	char *at = *text;
	char *end;
	*out = (struct net_address){.size = 4};
	if (at[0] == '[') {
		end = strchr(at, ']');
		if (!end || end[1] != ':')
			return -EINVAL;
		*end++ = '\0';
		at++;
	} else {
		end = strchr(at, ':');
		if (!end || !strchr(end + 1, ':'))
			return 0;
	}
	*end = '\0';
	*text = end + 1;
	return at[0] == '\0' ? 0 : net_address_parse(at, out);
}

int port_parse(const char *text, struct net_publication *out)
{
	auto_free char *copy = mem_strdup(text);
	char *at = copy;
	struct net_publication p = {.protocol = NET_TCP};

	char *protocol = strrchr(at, '/');
	if (protocol) {
		*protocol++ = '\0';
		if (net_protocol_parse(protocol, &p.protocol) < 0)
			return err_say(-EINVAL, "-p \"%s\": \"%s\" is not tcp, udp or sctp", text,
				protocol);
	}
	if (host_cut(&at, &p.host) < 0)
		return err_say(-EINVAL, "-p \"%s\": the host address is not an address", text);
	if (p.host.size != 4)
		return err_say(-EAFNOSUPPORT,
			"-p \"%s\": networks are IPv4 so far, and nothing can be published on an "
			"IPv6 address",
			text);

	char *rest = at;
	const char *left = str_cut(&rest, ':');
	const char *right = rest ? rest : left;
	uint16_t count;
	int r = range_parse(right, &p.port, &p.count);
	if (r == 0 && rest && left[0] != '\0') {
		r = range_parse(left, &p.host_port, &count);
		if (r == 0 && count != p.count)
			return err_say(
				-EINVAL, "-p \"%s\": the two ranges are of different length", text);
	}
	if (r == -ERANGE)
		return err_say(r, "-p \"%s\": a range of more than %d ports", text, NET_PORTS_MAX);
	if (r < 0)
		return err_say(r,
			"-p \"%s\" is not [ADDRESS:]HOSTPORT:PORT[/PROTOCOL] with ports from 1 to "
			"65535",
			text);
	*out = p;
	return 0;
}

void port_format(const struct net_publication *p, struct buf *out)
{
	char host[NET_ADDRESS_TEXT];
	net_address_format(host, &p->host);
	buf_addf(out, p->host.size == 16 ? "[%s]:%u" : "%s:%u", host, p->host_port);
	if (p->count > 1)
		buf_addf(out, "-%u->%u-%u/", p->host_port + p->count - 1, p->port,
			p->port + p->count - 1);
	else
		buf_addf(out, "->%u/", p->port);
	buf_adds(out, net_protocol_name(p->protocol));
}
