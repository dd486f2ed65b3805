/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The network of one container. Before init exists, its address and ports are leased and its hosts
 * file is written. While init mounts, its namespace gets its interface and the ports are published.
 * At the end the leases and the map elements are removed. The veth is never deleted here: it
 * disappears with its namespace.
 */
#include "network/internal.h"
#include "base/err.h"
#include "base/json.h"
#include "base/log.h"
#include "base/str.h"
#include "sys/calls.h"
#include "sys/file.h"

#include <errno.h>
#include <fcntl.h>

static bool has_no_endpoint(const struct container *c)
{
	return str_eq(c->network, "none") || str_eq(c->network, "host") ||
		str_prefix(c->network, "container:");
}

static int ports_take(
	const struct container *c, const struct net_address *address, struct net_publication *out)
{
	if (c->ports.count > ENDPOINT_PORTS_MAX)
		return err_say(-E2BIG, "more than %d published ranges", ENDPOINT_PORTS_MAX);
	for (size_t i = 0; i < c->ports.count; i++) {
		out[i] = c->ports.items[i];
		out[i].address = *address;
	}
	return 0;
}

static int leases_open(const struct engine *e)
{
	int fd = file_open_dir_at(e->state_fd, "leases");
	return fd < 0 ? err_new(fd, "open %s/leases", e->state_path) : fd;
}

static int hosts_add(
	const struct engine *e, const struct container *c, const struct net_address *address)
{
	char text[NET_ADDRESS_TEXT];
	auto_buf struct buf hosts = BUF_INIT;
	auto_close int run_dir = container_run_dir_open(e, c->id);
	int r = run_dir < 0 ? run_dir : file_read_at(run_dir, "hosts", 1 << 16, &hosts);
	if (r >= 0) {
		buf_addf(&hosts, "%s\t%s\n", net_address_format(text, address), c->hostname);
		r = file_replace_at(run_dir, "hosts", hosts.data, hosts.len, 0644, false);
	}
	return r < 0 ? err_new(r, "write the hosts file of container %.12s", c->id) : 0;
}

/* The lock keeps the network while the address is being leased. From then on the lease keeps it. */
static int address_lease(
	struct engine *e, const struct container *c, int leases, struct endpoint *out)
{
	auto_arena struct arena a = ARENA_INIT;
	struct network n;
	auto_close int lock = network_hold(e, c->network, &a, &n);
	if (lock < 0)
		return lock;
	*out = (struct endpoint){
		.is_internal = n.is_internal, .subnet = n.subnet, .gateway = n.gateway};
	if (fmt(out->network_id, "%s", n.id) < 0 || fmt(out->bridge, "%s", n.bridge) < 0 ||
		fmt(out->driver, "%s", n.driver) < 0)
		return err_say(-EBADMSG, "the record of network %s is damaged", n.name);
	int r = net_lease_next(leases, &n.subnet, &n.gateway, c->id, &out->address);
	return r < 0 ? r : endpoint_store(e, c->id, out);
}

/* A lease names its container by id. */
static void owner_name(void *context, const char *owner, struct buf *out)
{
	auto_arena struct arena a = ARENA_INIT;
	struct container c;
	if (container_load(context, owner, &a, &c) == 0)
		buf_addf(out, "container %s", c.name);
}

int network_check(const struct container *c)
{
	if (has_no_endpoint(c) && c->ports.count > 0)
		return err_say(-EINVAL,
			"-p needs a network of the container's own, not --network %s", c->network);
	return 0;
}

int network_find(struct engine *e, const struct container *c)
{
	auto_arena struct arena a = ARENA_INIT;
	struct network n;
	bool is_there = has_no_endpoint(c) || str_eq(c->network, "bridge"); /* made on first use */
	return is_there ? 0 : network_read(e, c->network, &a, &n);
}

int network_address_lease(struct engine *e, const struct container *c)
{
	if (has_no_endpoint(c))
		return 0;
	struct endpoint endpoint;
	auto_close int leases = leases_open(e);
	int r = leases < 0 ? leases : address_lease(e, c, leases, &endpoint);
	return r < 0 ? r : hosts_add(e, c, &endpoint.address);
}

int network_ports_lease(struct engine *e, const struct container *c)
{
	if (c->ports.count == 0)
		return 0;
	const struct net_owner_names names = {owner_name, e};
	struct endpoint endpoint;
	auto_close int leases = leases_open(e);
	if (leases < 0)
		return leases;
	int r = endpoint_load(e, c->id, &endpoint);
	if (r < 0)
		return err_new(r, "read the endpoint of container %.12s", c->id);
	r = ports_take(c, &endpoint.address, endpoint.ports);
	if (r == 0)
		r = net_lease_ports(leases, endpoint.ports, c->ports.count, c->id, &names);
	if (r < 0)
		return r;
	endpoint.port_count = (uint32_t)c->ports.count;
	return endpoint_store(e, c->id, &endpoint);
}

static int network_rules_add(struct net *net, const struct endpoint *endpoint)
{
	struct net_rules_network rules = {.bridge = endpoint->bridge,
		.is_internal = endpoint->is_internal,
		.subnets = {endpoint->subnet}};
	return net_rules_add_network(net, &rules);
}

/* Adds the network and the ports of a running container to new rules. One that is gone, or whose
 * endpoint is damaged, has none. */
static int container_rules_restore(struct engine *e, struct net *net, const char *id)
{
	struct endpoint endpoint;
	struct summary summary;
	int r = container_summary(e, id, &summary);
	if (r < 0 || summary.state != CONTAINER_RUNNING)
		return r == -ENOENT ? 0 : r;
	r = endpoint_load(e, id, &endpoint);
	if (r == -ENOENT || r == -EBADMSG)
		return 0;
	if (r < 0)
		return err_new(r, "read the endpoint of container %.12s", id);
	r = network_rules_add(net, &endpoint);
	return r < 0 || endpoint.port_count == 0
		? r
		: net_publish(net, endpoint.ports, endpoint.port_count, id);
}

/* The table was missing (first use, or another program flushed it), or the command that made it
 * died before this was done. */
static int rules_restore(struct engine *e, struct net *net)
{
	auto_of(container_list) struct container_list list = {0};
	int r = container_list(e, &list);
	for (size_t i = 0; i < list.count && r == 0; i++)
		r = container_rules_restore(e, net, list.ids[i]);
	if (r == 0)
		r = forwarding_restore(e, net);
	return r < 0 ? r : net_rules_settle(net);
}

static int bridge_up(struct engine *e, struct net *net, const struct endpoint *endpoint)
{
	struct net_bridge bridge = {.name = endpoint->bridge, .owner = endpoint->network_id};
	bridge.addresses[0] = (struct net_subnet){
		.address = endpoint->gateway, .length = endpoint->subnet.length};
	int index;
	int r = net_bridge_ensure(net, &bridge, &index);
	if (r < 0)
		return r;
	int is_unsettled = net_rules_load(net);
	if (is_unsettled < 0)
		return is_unsettled;
	r = network_rules_add(net, endpoint);
	if (r == 0 && is_unsettled)
		r = rules_restore(e, net);
	if (r == 0 && net_foreign_allow(net, endpoint->bridge) < 0)
		log_warn("%s", err_text());
	if (r < 0 || endpoint->is_internal)
		return r;
	return forwarding_ensure(e, net);
}

static bool has_udp(const struct endpoint *endpoint)
{
	for (size_t i = 0; i < endpoint->port_count; i++)
		if (endpoint->ports[i].protocol == NET_UDP)
			return true;
	return false;
}

/* The kernel remembers flows: without this, UDP clients that keep sending would reach the container
 * that had the port before. */
static void flows_forget(struct net *net, const struct endpoint *endpoint)
{
	if (has_udp(endpoint) && net_flows_forget(net, endpoint->ports, endpoint->port_count) < 0)
		log_warn("%s", err_text());
}

static int ports_publish(
	struct net *net, const struct container *c, const struct endpoint *endpoint)
{
	if (endpoint->port_count == 0)
		return 0;
	int r = net_localnet_enable(net, endpoint->bridge);
	if (r == 0)
		r = net_publish(net, endpoint->ports, endpoint->port_count, c->id);
	if (r == 0)
		flows_forget(net, endpoint);
	return r;
}

static int endpoint_attach(struct engine *e, const struct container *c, struct net_sandbox *sandbox)
{
	struct endpoint endpoint;
	struct net *net;
	int r = endpoint_load(e, c->id, &endpoint);
	if (r < 0)
		return err_new(r, "read the endpoint of container %.12s", c->id);
	r = engine_net(e, &net);
	if (r == 0)
		r = bridge_up(e, net, &endpoint);
	if (r < 0)
		return r;
	struct net_endpoint link = {.driver = endpoint.driver,
		.parent = endpoint.bridge,
		.name = "eth0",
		.owner = c->id};
	link.addresses[0] = (struct net_subnet){
		.address = endpoint.address, .length = endpoint.subnet.length};
	if (!endpoint.is_internal)
		link.gateways[0] = endpoint.gateway;
	r = net_endpoint_attach(net, sandbox, &link);
	if (r == -EEXIST) { /* the last run's namespace may still exist: TCP can keep it */
		char name[NET_NAME_TEXT];
		net_link_name(name, c->id);
		r = net_link_delete(net, name);
		if (r == 0)
			r = net_endpoint_attach(net, sandbox, &link);
	}
	if (r < 0)
		return r;
	log_debug("eth0 of container %.12s is in bridge %s", c->id, endpoint.bridge);
	return ports_publish(net, c, &endpoint);
}

int network_attach(struct engine *e, const struct container *c, pid_t pid)
{
	if (has_no_endpoint(c) && !str_eq(c->network, "none"))
		return 0;
	char path[64];
	fmt(path, "/proc/%d/ns/net", pid);
	auto_close int netns = sys_open_at(AT_FDCWD, path, O_RDONLY, 0);
	if (netns == -ENOENT)
		return 0; /* init has already failed: its release will report why */
	if (netns < 0)
		return err_new(netns, "open the network namespace of container %.12s", c->id);
	auto_of(net_sandbox) struct net_sandbox *sandbox = NULL;
	int r = net_sandbox_open(&sandbox, netns, false);
	if (r < 0 || str_eq(c->network, "none"))
		return r;
	return endpoint_attach(e, c, sandbox);
}

/* After the last published port, no packet needs to leave for 127.0.0.1 through a bridge any more.
 * A container that leased a port meanwhile may have switched this on before it is switched off
 * here. */
static int localnet_end(struct engine *e, struct net *net, int leases)
{
	auto_strvec struct strvec names = STRVEC_INIT;
	char owner[NET_OWNER_TEXT];
	int r = net_lease_holder(leases, NULL, owner);
	if (r != 0)
		return r < 0 ? r : 0;
	r = network_names(e, &names);
	strvec_each (name, &names) {
		auto_arena struct arena a = ARENA_INIT;
		struct network n;
		if (r < 0 || network_read(e, *name, &a, &n) < 0)
			continue;
		r = net_localnet_disable(n.bridge);
		if (r == 0 && net_lease_holder(leases, NULL, owner) > 0)
			r = net_localnet_enable(net, n.bridge);
	}
	return r;
}

/* A kernel without nftables has published nothing, and one without bridges has no link to
 * remove. */
static bool is_lacking(int r)
{
	return r == -EPROTONOSUPPORT || r == -ESOCKTNOSUPPORT || r == -EOPNOTSUPP;
}

/* Removes the kernel's objects of an endpoint; by the owner's mark if it is unknown what was
 * published. */
static int kernel_release(struct net *net, const char *id, const struct endpoint *endpoint)
{
	int r = endpoint ? net_unpublish(net, endpoint->ports, endpoint->port_count, id)
			 : net_unpublish_owner(net, id);
	if (r < 0 && !is_lacking(r))
		return err_wrap(r, "unpublish the ports of container %.12s", id);
	r = net_endpoint_silence(net, id);
	if (r < 0 && !is_lacking(r))
		return r;
	if (endpoint)
		flows_forget(net, endpoint);
	return 0;
}

static int leases_release(const char *id, int leases, const struct endpoint *endpoint)
{
	int r;
	if (endpoint) {
		r = net_lease_release(leases, &endpoint->address, id);
		if (r >= 0)
			r = net_lease_release_ports(
				leases, endpoint->ports, endpoint->port_count, id);
	} else {
		r = net_lease_release_all(leases, id);
	}
	return r < 0 ? err_new(r, "give back what container %.12s leased", id) : 0;
}

/* The kernel's objects first: while the leases are held no other container can have the address and
 * the ports. */
static int endpoint_release(struct engine *e, const char *id, const struct endpoint *endpoint)
{
	struct net *net;
	auto_close int leases = leases_open(e);
	if (leases < 0)
		return leases;
	int r = engine_net(e, &net);
	if (r == 0)
		r = kernel_release(net, id, endpoint);
	if (r == 0)
		r = leases_release(id, leases, endpoint);
	bool had_ports = !endpoint || endpoint->port_count;
	if (r == 0 && had_ports && localnet_end(e, net, leases) < 0)
		log_warn("%s", err_text());
	if (r == 0)
		endpoint_remove(e, id);
	return r;
}

int network_detach(struct engine *e, const char *id)
{
	struct endpoint endpoint;
	int r = endpoint_load(e, id, &endpoint);
	if (r == -ENOENT)
		return 0;
	return endpoint_release(e, id, r < 0 ? NULL : &endpoint);
}

int network_abandon(struct engine *e, const char *id)
{
	struct endpoint endpoint;
	int r = endpoint_load(e, id, &endpoint);
	if (r == 0)
		r = endpoint_release(e, id, &endpoint);
	/* The dead command may have leased more than it recorded. */
	return r == 0 || r == -ENOENT || r == -EBADMSG ? endpoint_release(e, id, NULL) : r;
}

void network_describe(struct engine *e, const struct container *c, struct container_facts *out)
{
	struct endpoint endpoint;
	if (endpoint_load(e, c->id, &endpoint) < 0)
		return;
	char address[NET_ADDRESS_TEXT];
	fmt(out->address, "%s", net_address_format(address, &endpoint.address));
	auto_buf struct buf ports = BUF_INIT;
	for (size_t i = 0; i < endpoint.port_count; i++) {
		buf_adds(&ports, i ? ", " : "");
		port_format(&endpoint.ports[i], &ports);
	}
	if (fmt(out->ports, "%s", ports.data) < 0)
		fmt(out->ports, "%.*s...", (int)sizeof(out->ports) - 4, ports.data);
}

static void plan_say(
	struct arena *a, struct oci_spec *spec, const char *sentence, const char *origin)
{
	struct oci_pair *pair = arena_push(a, &spec->network);
	*pair = (struct oci_pair){.key = sentence, .origin = origin};
}

void network_plan(
	struct engine *e, const struct container *c, struct arena *a, struct oci_spec *spec)
{
	if (str_eq(c->network, "none"))
		plan_say(a, spec, "bring lo up", "--network");
	if (has_no_endpoint(c))
		return;
	plan_say(a, spec,
		arena_printf(a,
			"lease an address of network %s, bring lo up, make veth eth0 into its "
			"bridge",
			c->network),
		SETTING_ORIGIN(c, network));
	for (size_t i = 0; i < c->ports.count; i++) {
		auto_buf struct buf text = BUF_INIT;
		port_write(&c->ports.items[i], &text);
		plan_say(a, spec, arena_printf(a, "publish %s", text.data),
			SETTING_ORIGIN(c, ports));
	}
}

/* The endpoint, in its network. */
static void put_endpoint(
	struct engine *e, const struct container *c, const struct summary *s, struct json_writer *w)
{
	auto_arena struct arena a = ARENA_INIT;
	struct network n;
	if (network_load(e, c->network, &a, &n) < 0)
		return;
	char gateway[NET_ADDRESS_TEXT], mac_text[24];
	struct net_address address;
	uint8_t mac[6] = {0};
	if (net_address_parse(s->address, &address) == 0)
		net_mac(mac, &address);
	fmt(mac_text, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4],
		mac[5]);
	json_open_object(w, c->network);
	json_put_string(w, "NetworkID", n.id);
	json_put_string(w, "EndpointID", c->id);
	json_put_string(w, "Gateway", net_address_format(gateway, &n.gateway));
	json_put_string(w, "IPAddress", s->address);
	json_put_u64(w, "IPPrefixLen", n.subnet.length);
	json_put_string(w, "MacAddress", mac_text);
	json_close_object(w);
}

void network_inspect(
	struct engine *e, const struct container *c, const struct summary *s, struct json_writer *w)
{
	struct endpoint endpoint;
	bool is_attached = s->state == CONTAINER_RUNNING && endpoint_load(e, c->id, &endpoint) == 0;
	char sandbox[64] = "";
	if (s->state == CONTAINER_RUNNING)
		fmt(sandbox, "/proc/%d/ns/net", s->process.pid);
	json_open_object(w, "NetworkSettings");
	json_put_string(w, "SandboxKey", sandbox);
	json_put_string(w, "IPAddress", is_attached ? s->address : "");
	json_open_object(w, "Ports");
	if (is_attached)
		ports_put(w, endpoint.ports, endpoint.port_count);
	json_close_object(w);
	json_open_object(w, "Networks");
	if (is_attached)
		put_endpoint(e, c, s, w);
	json_close_object(w);
	json_close_object(w);
}
