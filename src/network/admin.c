/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Networks as objects: create, list, inspect, remove. Removing a network in use is refused with the
 * name of its user.
 */
#include "network/internal.h"
#include "base/err.h"
#include "base/json.h"
#include "base/log.h"
#include "base/str.h"
#include "sys/calls.h"
#include "sys/file.h"
#include "sys/lock.h"

#include <errno.h>
#include <stdlib.h>

static const char *const reserved[] = {"none", "host", "default", "container"};

static int name_check(const char *name)
{
	if (!str_is_name(name))
		return err_say(-EINVAL,
			"invalid network name \"%s\": only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed",
			name);
	for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
		if (str_eq(name, reserved[i]))
			return err_say(
				-EINVAL, "the network name \"%s\" has a meaning of its own", name);
	return 0;
}

static int networks_lock(struct engine *e)
{
	int lock = lock_file_at(e->root_fd, "networks/lock", true);
	return lock < 0 ? err_new(lock, "lock the networks") : lock;
}

/* Address ranges that no container can have. */
static int subnet_check(const struct net_subnet *subnet, const char *text)
{
	static const struct {
		const char *subnet, *what;
	} ranges[] = {{"0.0.0.0/8", "of \"this network\""}, {"127.0.0.0/8", "of the loopback"},
		{"224.0.0.0/4", "of multicast groups"}, {"240.0.0.0/4", "reserved, or broadcast"}};
	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		struct net_subnet range;
		if (net_subnet_parse(ranges[i].subnet, &range) == 0 &&
			net_subnet_overlaps(subnet, &range))
			return err_say(-EINVAL,
				"--subnet %s: addresses of %s are %s, and cannot be a container's",
				text, ranges[i].subnet, ranges[i].what);
	}
	return 0;
}

/* The first and the last address of a subnet are the network and the broadcast address. */
static bool is_host_address(const struct net_subnet *subnet, const struct net_address *address)
{
	uint32_t value = 0;
	for (size_t i = 0; i < 4; i++)
		value = value << 8 | address->bytes[i];
	uint32_t hosts = subnet->length >= 32 ? 0 : UINT32_MAX >> subnet->length;
	return subnet->length >= 31 || ((value & hosts) != 0 && (value & hosts) != hosts);
}

static int request_parse(const struct network_request *request, struct network *out)
{
	*out = (struct network){.name = request->name,
		.driver = request->driver ? request->driver : "bridge",
		.is_internal = request->is_internal};
	if (!str_eq(out->driver, "bridge"))
		return err_say(-EOPNOTSUPP, "--driver \"%s\": bridge is the only driver so far",
			out->driver);
	if (request->subnet) {
		int r = net_subnet_parse(request->subnet, &out->subnet);
		if (r == -ERANGE)
			return err_say(-EINVAL,
				"--subnet %s: the address has bits beyond the network's length",
				request->subnet);
		if (r < 0 || out->subnet.address.size != 4)
			return err_say(-EINVAL,
				"--subnet \"%s\" is not an IPv4 network such as 10.77.0.0/24",
				request->subnet);
		r = subnet_check(&out->subnet, request->subnet);
		if (r < 0)
			return r;
	}
	if (!request->gateway)
		return 0;
	if (!request->subnet)
		return err_say(-EINVAL, "--gateway needs --subnet");
	if (net_address_parse(request->gateway, &out->gateway) < 0 ||
		!net_subnet_has(&out->subnet, &out->gateway))
		return err_say(-EINVAL, "--gateway \"%s\" is not an address of %s",
			request->gateway, request->subnet);
	if (!is_host_address(&out->subnet, &out->gateway))
		return err_say(-EINVAL,
			"--gateway %s: it is the address of the network %s itself, or its "
			"broadcast",
			request->gateway, request->subnet);
	return 0;
}

int network_create(struct engine *e, const struct network_request *request, struct arena *a,
	const char **out_id)
{
	struct network n;
	int r = name_check(request->name);
	if (r == 0)
		r = request_parse(request, &n);
	if (r < 0)
		return r;
	auto_close int lock = networks_lock(e);
	if (lock < 0)
		return lock;
	struct network existing;
	r = network_read(e, request->name, a, &existing);
	if (r == 0)
		return err_say(-EEXIST, "network with name %s already exists", request->name);
	if (r != -ENOENT)
		return r;
	r = network_make(e, &n, a);
	if (r == 0)
		*out_id = n.id;
	return r;
}

static void view_fill(struct arena *a, const struct network *n, struct network_view *out)
{
	char subnet[NET_SUBNET_TEXT], gateway[NET_ADDRESS_TEXT];
	*out = (struct network_view){
		.name = n->name,
		.id = n->id,
		.driver = n->driver,
		.subnet = arena_str(a, net_subnet_format(subnet, &n->subnet)),
		.gateway = arena_str(a, net_address_format(gateway, &n->gateway)),
	};
}

static int compare_views(const void *a, const void *b)
{
	return strcmp(
		((const struct network_view *)a)->name, ((const struct network_view *)b)->name);
}

/* These networks have no record and no bridge. They are chosen, listed and inspected like the
 * others. */
static const struct network_view bridgeless[] = {
	{.name = "host", .id = "host", .driver = "host"},
	{.name = "none", .id = "none", .driver = "null"},
};
enum { BRIDGELESS_COUNT = sizeof(bridgeless) / sizeof(bridgeless[0]) };

/* The default network is listed even if no container has used it yet. */
int network_list(struct engine *e, struct arena *a, struct network_list *out)
{
	auto_strvec struct strvec names = STRVEC_INIT;
	struct network n;
	int r = network_load(e, "bridge", a, &n);
	if (r == 0)
		r = network_names(e, &names);
	if (r < 0)
		return r;
	struct network_list list = {0};
	strvec_each (name, &names) {
		if (network_read(e, *name, a, &n) < 0) {
			log_warn("%s", err_text());
			continue;
		}
		view_fill(a, &n, arena_push(a, &list));
	}
	for (size_t i = 0; i < BRIDGELESS_COUNT; i++)
		*arena_push(a, &list) = bridgeless[i];
	qsort(list.items, list.count, sizeof(*list.items), compare_views);
	*out = list;
	return 0;
}

/* Calls `each` for every container that runs in the network. */
static int users_each(struct engine *e, const char *name,
	int (*each)(void *context, const struct container *c, const struct summary *s),
	void *context)
{
	auto_of(container_list) struct container_list list = {0};
	int r = container_list(e, &list);
	for (size_t i = 0; i < list.count && r == 0; i++) {
		auto_arena struct arena a = ARENA_INIT;
		struct container c;
		struct summary s;
		if (container_summary(e, list.ids[i], &s) < 0 || s.state != CONTAINER_RUNNING ||
			container_load(e, list.ids[i], &a, &c) < 0 || !str_eq(c.network, name))
			continue;
		r = each(context, &c, &s);
	}
	return r;
}

/* A network is in use by every container that has leased one of its addresses, whether it runs or
 * is starting. Leases of containers that are gone are given back. */
static int refuse_users(struct engine *e, int leases, const struct network *n)
{
	char owner[NET_OWNER_TEXT];
	int r;
	while ((r = net_lease_holder(leases, &n->subnet, owner)) > 0) {
		auto_arena struct arena a = ARENA_INIT;
		struct container c;
		auto_close int dir = container_dir_open(e, owner);
		if (dir >= 0)
			return err_say(-EBUSY, "network %s is in use by container %s", n->name,
				container_load(e, owner, &a, &c) == 0 ? c.name : owner);
		if (dir != -ENOENT)
			return err_new(
				dir, "look at container %.12s, which has leased from it", owner);
		r = net_lease_release_all(leases, owner);
		if (r < 0)
			return err_new(r, "give back what %s has leased", owner);
	}
	return r;
}

/* Removes the kernel's objects of a network. The next container makes them again. */
static int kernel_remove(struct engine *e, const struct network *n)
{
	struct net *net;
	struct net_rules_network rules = {
		.bridge = n->bridge, .is_internal = n->is_internal, .subnets = {n->subnet}};
	int r = engine_net(e, &net);
	if (r == 0)
		r = net_rules_remove_network(net, &rules);
	if (r == 0)
		r = net_foreign_forget(net, n->bridge);
	if (r == -EPROTONOSUPPORT || r == -ESOCKTNOSUPPORT || r == -EOPNOTSUPP)
		r = 0; /* a kernel without nftables has no rules */
	return r < 0 ? r : net_link_delete(net, n->bridge);
}

/* The caller holds the lock. */
static int unused_remove(struct engine *e, const char *name)
{
	auto_arena struct arena a = ARENA_INIT;
	struct network n;
	int r = network_read(e, name, &a, &n);
	if (r < 0)
		return r;
	auto_close int leases = file_open_dir_at(e->state_fd, "leases");
	r = leases < 0 ? err_new(leases, "open %s/leases", e->state_path)
		       : refuse_users(e, leases, &n);
	if (r == 0)
		r = kernel_remove(e, &n);
	if (r < 0 || str_eq(name, "bridge"))
		return r;
	r = net_lease_forget(leases, &n.subnet);
	if (r < 0)
		return err_new(r, "forget the leases of network %s", name);
	/* Last: as long as the record exists, the removal can be repeated. */
	char path[160];
	fmt(path, "networks/%s.json", name);
	r = sys_unlink_at(e->root_fd, path, 0);
	return r < 0 ? err_new(r, "remove network %s", name) : 0;
}

int network_remove(struct engine *e, const char *name)
{
	if (str_eq(name, "bridge") || str_eq(name, "host") || str_eq(name, "none"))
		return err_say(-EPERM, "%s is a pre-defined network and cannot be removed", name);
	auto_close int lock = networks_lock(e);
	return lock < 0 ? lock : unused_remove(e, name);
}

int network_prune(struct engine *e, struct strvec *out)
{
	auto_strvec struct strvec names = STRVEC_INIT;
	auto_close int lock = networks_lock(e);
	int r = lock < 0 ? lock : network_names(e, &names);
	if (r < 0)
		return r;
	bool is_all = true;
	strvec_each (name, &names) {
		r = unused_remove(e, *name);
		is_all &= r == 0;
		if (r == 0 && !str_eq(*name, "bridge"))
			strvec_push(out, *name);
		else if (r < 0 && r != -EBUSY)
			return r;
	}
	if (!is_all)
		return 0;
	struct net *net;
	r = engine_net(e, &net);
	if (r == 0)
		r = forwarding_return(e, net);
	/* The rules stay while they keep interfaces closed. */
	return r > 0 ? net_rules_remove(net) : r;
}

struct endpoints {
	struct json_writer *w;
	unsigned prefix_length;
};

static int endpoint_put(void *context, const struct container *c, const struct summary *s)
{
	const struct endpoints *endpoints = context;
	struct json_writer *w = endpoints->w;
	char address[NET_SUBNET_TEXT] = "";
	if (s->address[0] != '\0')
		fmt(address, "%s/%u", s->address, endpoints->prefix_length);
	json_open_object(w, c->id);
	json_put_string(w, "Name", c->name);
	json_put_string(w, "EndpointID", c->id);
	json_put_string(w, "IPv4Address", address);
	json_close_object(w);
	return 0;
}

static int view_load(struct engine *e, const char *name, struct arena *a,
	struct network *out_network, struct network_view *out)
{
	for (size_t i = 0; i < BRIDGELESS_COUNT; i++) {
		if (str_eq(bridgeless[i].name, name)) {
			*out_network = (struct network){0};
			*out = bridgeless[i];
			return 0;
		}
	}
	int r = network_load(e, name, a, out_network);
	if (r == 0)
		view_fill(a, out_network, out);
	return r;
}

int network_show(struct engine *e, const char *name, struct buf *out)
{
	auto_arena struct arena a = ARENA_INIT;
	struct network n;
	struct network_view view = {0};
	int r = view_load(e, name, &a, &n, &view);
	if (r < 0)
		return r;
	struct json_writer w = {.out = out, .is_pretty = true};
	json_open_object(&w, NULL);
	json_put_string(&w, "Name", view.name);
	json_put_string(&w, "Id", view.id);
	json_put_string(&w, "Scope", "local");
	json_put_string(&w, "Driver", view.driver);
	json_put_bool(&w, "Internal", n.is_internal);
	json_open_object(&w, "IPAM");
	json_open_array(&w, "Config");
	if (view.subnet) {
		json_open_object(&w, NULL);
		json_put_string(&w, "Subnet", view.subnet);
		json_put_string(&w, "Gateway", view.gateway);
		json_close_object(&w);
	}
	json_close_array(&w);
	json_close_object(&w);
	json_open_object(&w, "Containers");
	r = users_each(e, name, endpoint_put, &(struct endpoints){&w, n.subnet.length});
	json_close_object(&w);
	json_open_object(&w, "Options");
	if (n.bridge)
		json_put_string(&w, "com.docker.network.bridge.name", n.bridge);
	json_close_object(&w);
	json_close_object(&w);
	return r;
}
