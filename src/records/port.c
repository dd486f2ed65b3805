/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Published ports in three forms: as text like Docker's -p, "[ADDRESS:][HOSTPORT]:PORT[/PROTOCOL]"
 * with ranges of both; as `ps` shows them; and as Docker's documents have them.
 */
#include "records/internal.h"
#include "records/internal.h"
#include "base/err.h"
#include "base/json.h"
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

/* Cuts "[::1]:rest" or "127.0.0.1:rest" off the front when there are two colons outside of
 * brackets. */
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

static int port_parse(const char *text, struct net_publication *out)
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

int port_add(const char *text, struct arena *a, void *list)
{
	struct net_publication p;
	int r = port_parse(text, &p);
	if (r == 0)
		*arena_push(a, (struct container_ports *)list) = p;
	return r;
}

static bool is_any(const struct net_address *address)
{
	for (size_t i = 0; i < address->size; i++)
		if (address->bytes[i])
			return false;
	return true;
}

static void range_write(uint16_t first, uint16_t count, struct buf *out)
{
	buf_addf(out, "%u", first);
	if (count > 1)
		buf_addf(out, "-%u", first + count - 1u);
}

void port_write(const struct net_publication *p, struct buf *out)
{
	char host[NET_ADDRESS_TEXT];
	if (!is_any(&p->host))
		buf_addf(out,
			p->host.size == 16 ? "[%s]:" : "%s:", net_address_format(host, &p->host));
	if (p->host_port)
		range_write(p->host_port, p->count, out);
	if (p->host_port || !is_any(&p->host))
		buf_addc(out, ':');
	range_write(p->port, p->count, out);
	if (p->protocol != NET_TCP)
		buf_addf(out, "/%s", net_protocol_name(p->protocol));
}

static bool publishes(const struct net_publication *p, enum net_protocol protocol, unsigned port)
{
	return p->protocol == protocol && port >= p->port && port - p->port < p->count;
}

/* Writes all host ports of one container port. Publications before `first` do not have this
 * port. */
static void port_put(struct json_writer *w, const struct net_publication *all, size_t count,
	size_t first, unsigned port)
{
	char key[32], host[NET_ADDRESS_TEXT], host_port[16];
	fmt(key, "%u/%s", port, net_protocol_name(all[first].protocol));
	json_open_array(w, key);
	for (size_t i = first; i < count; i++) {
		if (!publishes(&all[i], all[first].protocol, port))
			continue;
		fmt(host_port, "%u", all[i].host_port + port - all[i].port);
		json_open_object(w, NULL);
		json_put_string(w, "HostIp", net_address_format(host, &all[i].host));
		json_put_string(w, "HostPort", all[i].host_port ? host_port : "");
		json_close_object(w);
	}
	json_close_array(w);
}

void ports_put(struct json_writer *w, const struct net_publication *all, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct net_publication *p = &all[i];
		for (unsigned port = p->port; port < (unsigned)p->port + p->count; port++) {
			bool was_there = false;
			for (size_t j = 0; j < i; j++)
				was_there |= publishes(&all[j], p->protocol, port);
			if (!was_there)
				port_put(w, all, count, i, port);
		}
	}
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
