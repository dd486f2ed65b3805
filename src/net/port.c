/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Port leases. A lease for any local address overlaps the leases of all single addresses. File
 * names cannot express that, so a claim reads the directory once, under its lock. Then each port is
 * bound on the host for a moment, to learn whether another program uses it.
 */
#include "net/internal.h"

#include "base/err.h"
#include "base/str.h"
#include "net/lease.h"
#include "sys/calls.h"
#include "sys/file.h"
#include "sys/lock.h"
#include "sys/port.h"

#include <errno.h>
#include <netinet/in.h>

enum { CHOSEN_FIRST = 49153, CHOSEN_LAST = 65535 };

static const struct {
	const char *name;
	int number;
} protocols[NET_PROTOCOL_COUNT] = {
	[NET_TCP] = {"tcp", IPPROTO_TCP},
	[NET_UDP] = {"udp", IPPROTO_UDP},
	[NET_SCTP] = {"sctp", IPPROTO_SCTP},
};

int net_protocol_parse(const char *text, enum net_protocol *out)
{
	for (int i = 0; i < NET_PROTOCOL_COUNT; i++) {
		if (str_eq(protocols[i].name, text)) {
			*out = (enum net_protocol)i;
			return 0;
		}
	}
	return -EINVAL;
}

const char *net_protocol_name(enum net_protocol protocol)
{
	return protocols[protocol].name;
}

int net_protocol_number(enum net_protocol protocol)
{
	return protocols[protocol].number;
}

int net_publication_check(const struct net_publication *list, size_t count)
{
	size_t total = 0;

	for (size_t i = 0; i < count; i++) {
		const struct net_publication *p = &list[i];
		if (p->address.size == 0 || p->port == 0 || p->count == 0 ||
			p->host.size != p->address.size || p->protocol >= NET_PROTOCOL_COUNT)
			return err_say(-EINVAL, "a published port lacks its address");
		if (p->host_port + p->count > 65536 || p->port + p->count > 65536)
			return err_say(-ERANGE, "the published ports go beyond 65535");
		total += p->count;
	}
	if (total > NET_PORTS_MAX)
		return err_say(-E2BIG, "%zu ports are too many to publish: at most %d", total,
			NET_PORTS_MAX);
	return 0;
}

/* An existing port lease. */
struct held_port {
	enum net_protocol protocol;
	struct net_address host;
	uint16_t port;
	const char *name;
};

struct held_list {
	struct strvec names;
	struct held_port *items;
	size_t count;
};

static void held_release(struct held_list *list)
{
	free(list->items);
	strvec_release(&list->names);
}
AUTO_STRUCT(held_list, struct held_list, held_release)

/* `port-tcp-0.0.0.0-8080` */
static void port_name(char out[static LEASE_NAME], const struct net_publication *p, unsigned i)
{
	char text[NET_ADDRESS_TEXT];

	fmt_n(out, LEASE_NAME, "port-%s-%s-%u", protocols[p->protocol].name,
		net_address_format(text, &p->host), p->host_port + i);
}

static int port_name_parse(const char *name, struct held_port *out)
{
	char copy[LEASE_NAME];
	uint32_t port;

	if (fmt(copy, "%s", name) < 0)
		return -EINVAL;
	char *rest = copy;
	const char *kind = str_cut(&rest, '-'), *protocol = str_cut(&rest, '-');
	const char *host = str_cut(&rest, '-');
	if (!str_eq(kind, "port") || !protocol || !host || !rest)
		return -EINVAL;
	if (net_protocol_parse(protocol, &out->protocol) < 0 ||
		net_address_parse(host, &out->host) < 0 || parse_u32(rest, &port) < 0 ||
		port > 65535)
		return -EINVAL;
	out->port = (uint16_t)port;
	out->name = name;
	return 0;
}

static int list_held(int leases_fd, struct held_list *out)
{
	int r = file_list_at(leases_fd, ".", &out->names);

	if (r < 0)
		return err_new(r, "list the leases");
	out->items = mem_new((out->names.count + 1) * sizeof(*out->items));
	strvec_each (name, &out->names) {
		if (port_name_parse(*name, &out->items[out->count]) >= 0)
			out->count++;
	}
	return 0;
}

static bool conflicts(const struct held_port *held, const struct net_publication *p)
{
	return held->protocol == p->protocol && held->host.size == p->host.size &&
		held->port >= p->host_port && held->port < p->host_port + p->count &&
		(net_address_is_any(&held->host) || net_address_is_any(&p->host) ||
			net_address_equal(&held->host, &p->host));
}

/* All publications of one call, and the existing leases that they must not overlap. */
struct wishes {
	int leases_fd;
	struct net_publication *list;
	size_t count;
	const struct lease_owner *self;
	const struct held_list *held;
	const struct net_owner_names *names;
};

/* Refuses ports that another owner of this boot has leased. */
static int check_held(const struct wishes *w, const struct net_publication *p)
{
	char text[NET_ADDRESS_TEXT];
	struct lease_owner other;

	for (size_t i = 0; i < w->held->count; i++) {
		const struct held_port *held = &w->held->items[i];
		if (!conflicts(held, p) || lease_read(w->leases_fd, held->name, &other) < 0 ||
			!str_eq(other.boot, w->self->boot) || str_eq(other.owner, w->self->owner))
			continue;
		auto_buf struct buf name = BUF_INIT;
		if (w->names)
			w->names->name(w->names->context, other.owner, &name);
		return err_say(-EADDRINUSE, "the port %u/%s of %s is published by %s already",
			held->port, protocols[held->protocol].name,
			net_address_format(text, &held->host), name.len ? name.data : other.owner);
	}
	return 0;
}

static int check_host(const struct net_publication *p)
{
	char text[NET_ADDRESS_TEXT];

	net_address_format(text, &p->host);
	for (unsigned i = 0; i < p->count; i++) {
		uint16_t port = (uint16_t)(p->host_port + i);
		int r = port_probe(
			p->host.bytes, p->host.size, protocols[p->protocol].number, port);
		if (r == -EADDRINUSE)
			return err_say(r, "the port %u/%s of %s is in use by another program", port,
				protocols[p->protocol].name, text);
		if (r == -EADDRNOTAVAIL)
			return err_say(r, "%s is not an address of this host", text);
		if (r < 0)
			return err_new(r, "try the port %u/%s of %s", port,
				protocols[p->protocol].name, text);
	}
	return 0;
}

/* Refuses two publications of one list that overlap. */
static int check_wishes(const struct net_publication *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		for (size_t j = 0; j < i; j++) {
			const struct net_publication *a = &list[i], *b = &list[j];
			if (a->host_port == 0 || b->host_port == 0) /* not chosen yet */
				continue;
			if (a->protocol == b->protocol && a->host.size == b->host.size &&
				a->host_port < b->host_port + b->count &&
				b->host_port < a->host_port + a->count &&
				(net_address_is_any(&a->host) || net_address_is_any(&b->host) ||
					net_address_equal(&a->host, &b->host)))
				return err_say(-EINVAL, "the port %u/%s is published twice",
					a->host_port > b->host_port ? a->host_port : b->host_port,
					protocols[a->protocol].name);
		}
	}
	return 0;
}

/* Gives a publication without a host port the first range that is free. */
static int choose(const struct wishes *w, struct net_publication *p)
{
	for (unsigned port = CHOSEN_FIRST; port + p->count - 1 <= CHOSEN_LAST; port++) {
		p->host_port = (uint16_t)port;
		if (check_wishes(w->list, w->count) >= 0 && check_held(w, p) >= 0 &&
			check_host(p) >= 0)
			return 0;
	}
	p->host_port = 0;
	return err_say(-ENOSPC, "no port from %d to %d is free", CHOSEN_FIRST, CHOSEN_LAST);
}

static int claim_range(const struct wishes *w, const struct net_publication *p, struct strvec *made)
{
	struct lease_owner other;
	char name[LEASE_NAME];

	for (unsigned i = 0; i < p->count; i++) {
		port_name(name, p, i);
		int r = lease_claim(w->leases_fd, name, w->self, &other);
		if (r < 0)
			return err_new(r, "claim %s", name);
		if (r == 1)
			strvec_push(made, name);
	}
	return 0;
}

/* Ports that the caller named are checked first, so that no chosen port takes one of them. */
static int check_all(const struct wishes *w)
{
	int r = check_wishes(w->list, w->count);

	for (size_t i = 0; r >= 0 && i < w->count; i++) {
		if (w->list[i].host_port == 0)
			continue;
		r = check_held(w, &w->list[i]);
		if (r >= 0)
			r = check_host(&w->list[i]);
	}
	for (size_t i = 0; r >= 0 && i < w->count; i++)
		if (w->list[i].host_port == 0)
			r = choose(w, &w->list[i]);
	return r;
}

int net_lease_ports(int leases_fd, struct net_publication *list, size_t count, const char *owner,
	const struct net_owner_names *names)
{
	auto_strvec struct strvec made = STRVEC_INIT;
	auto_of(held_list) struct held_list held = {0};
	struct lease_owner self;
	struct wishes w = {.leases_fd = leases_fd,
		.list = list,
		.count = count,
		.self = &self,
		.held = &held,
		.names = names};

	int r = net_publication_check(list, count);
	if (r >= 0)
		r = lease_self(&self, owner);
	if (r < 0 || count == 0)
		return r;
	auto_close int lock = lock_file_at(leases_fd, "port.lock", true);
	if (lock < 0)
		return err_new(lock, "lock the port leases");
	r = list_held(leases_fd, &held);
	if (r >= 0)
		r = check_all(&w);
	for (size_t i = 0; r >= 0 && i < count; i++)
		r = claim_range(&w, &list[i], &made);
	if (r < 0)
		strvec_each (name, &made)
			sys_unlink_at(leases_fd, *name, 0);
	return r;
}

int net_lease_release_ports(
	int leases_fd, const struct net_publication *list, size_t count, const char *owner)
{
	char name[LEASE_NAME];
	int result = 0;

	for (size_t i = 0; i < count; i++) {
		for (unsigned port = 0; port < list[i].count; port++) {
			port_name(name, &list[i], port);
			int r = lease_give_back(leases_fd, name, owner);
			if (r < 0)
				result = r;
		}
	}
	return result;
}
