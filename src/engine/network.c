/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The network of one container. Before init exists its address and ports are leased and its hosts file is written;
 * while init mounts, its namespace gets its interface and the ports are published; at the end the leases and the map
 * elements go. The veth is never deleted here: it dies with its namespace.
 */
#include "engine/network.h"
#include "base/err.h"
#include "base/json.h"
#include "base/log.h"
#include "base/str.h"
#include "sys/calls.h"
#include "sys/file.h"

#include <errno.h>
#include <fcntl.h>

enum { PUBLICATIONS_MAX = 256 };

static bool has_no_endpoint(const struct container *c)
{
	return str_eq(c->network, "none") || str_eq(c->network, "host") ||
		str_prefix(c->network, "container:");
}

static int ports_parse(
	const struct container *c, const struct net_address *address, struct net_publication *out)
{
	if (c->ports.count > PUBLICATIONS_MAX)
		return err_say(-E2BIG, "more than %d published ranges", PUBLICATIONS_MAX);
	for (size_t i = 0; i < c->ports.count; i++) {
		int r = port_parse(c->ports.items[i], &out[i]);
		if (r < 0)
			return r;
		out[i].address = *address;
	}
	return 0;
}

static int leases_open(const struct engine *e)
{
	int fd = file_open_dir_at(e->state_fd, "leases");
	return fd < 0 ? err_new(fd, "open %s/leases", e->state_path) : fd;
}

/* What was leased, for attach: the address and the ports with their chosen numbers. */
struct endpoint_lease {
	struct net_address address;
	struct net_publication ports[PUBLICATIONS_MAX];
	size_t port_count;
};

static int lease_store(const struct engine *e, const char *id, const struct endpoint_lease *lease)
{
	auto_close int run_dir = container_run_dir_open(e, id);
	int r = run_dir < 0
		? run_dir
		: file_replace_at(run_dir, "endpoint", lease, sizeof(*lease), 0600, false);
	return r < 0 ? err_new(r, "write the endpoint of container %.12s", id) : 0;
}

static int lease_load(const struct engine *e, const char *id, struct endpoint_lease *out)
{
	auto_close int run_dir = container_run_dir_open(e, id);
	auto_buf struct buf bytes = BUF_INIT;
	int r = run_dir < 0 ? run_dir : file_read_at(run_dir, "endpoint", sizeof(*out), &bytes);
	if (r < 0)
		return r;
	if (bytes.len != sizeof(*out))
		return -EBADMSG;
	memcpy(out, bytes.data, sizeof(*out));
	return out->port_count <= PUBLICATIONS_MAX ? 0 : -EBADMSG;
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

int network_prepare(struct engine *e, const struct container *c)
{
	if (has_no_endpoint(c))
		return c->ports.count == 0
			? 0
			: err_say(-EINVAL,
				  "-p needs a network of the container's own, not --network %s",
				  c->network);
	auto_arena struct arena a = ARENA_INIT;
	struct network n;
	int r = network_load(e, c->network, &a, &n);
	if (r < 0)
		return r;
	auto_close int leases = leases_open(e);
	if (leases < 0)
		return leases;
	struct endpoint_lease lease = {.port_count = c->ports.count};
	r = net_lease_next(leases, &n.subnet, &n.gateway, c->id, &lease.address);
	if (r == 0 &&
		lease.port_count) { /* so that a port that is refused gives the address back */
		const struct endpoint_lease without_ports = {.address = lease.address};
		r = lease_store(e, c->id, &without_ports);
	}
	if (r == 0)
		r = ports_parse(c, &lease.address, lease.ports);
	if (r == 0 && lease.port_count)
		r = net_lease_ports(leases, lease.ports, lease.port_count, c->id);
	if (r == 0)
		r = lease_store(e, c->id, &lease);
	return r < 0 ? r : hosts_add(e, c, &lease.address);
}

/* The table was missing (first use, or somebody flushed it): every network and every running container's ports go in
 * again. */
static int rules_restore(struct engine *e, struct net *net)
{
	auto_of(container_list) struct container_list list = {0};
	int r = container_list(e, &list);
	for (size_t i = 0; i < list.count && r == 0; i++) {
		struct endpoint_lease lease;
		struct summary summary;
		if (container_summary(e, list.ids[i], &summary) < 0 ||
			summary.state != CONTAINER_RUNNING ||
			lease_load(e, list.ids[i], &lease) < 0 || lease.port_count == 0)
			continue;
		r = net_publish(net, lease.ports, lease.port_count, list.ids[i]);
	}
	return r;
}

static int bridge_up(struct engine *e, struct net *net, const struct network *n)
{
	struct net_bridge bridge = {.name = n->bridge, .owner = n->id};
	bridge.addresses[0] = (struct net_subnet){
		.address = n->gateway, .length = n->subnet.length};
	int index;
	int r = net_bridge_ensure(net, &bridge, &index);
	if (r < 0)
		return r;
	int was_missing = net_rules_load(net);
	if (was_missing < 0)
		return was_missing;
	struct net_rules_network rules = {
		.bridge = n->bridge, .is_internal = n->is_internal, .subnets = {n->subnet}};
	r = net_rules_add_network(net, &rules);
	if (r == 0 && was_missing)
		r = rules_restore(e, net);
	if (r < 0 || n->is_internal)
		return r;
	r = net_forwarding_enable(false);
	return r < 0 ? r : 0;
}

static int endpoint_attach(struct engine *e, const struct container *c, struct net_sandbox *sandbox)
{
	auto_arena struct arena a = ARENA_INIT;
	struct network n;
	struct endpoint_lease lease;
	auto_of(net) struct net *net = NULL;
	int r = lease_load(e, c->id, &lease);
	if (r < 0)
		return err_new(r, "read the endpoint of container %.12s", c->id);
	r = network_load(e, c->network, &a, &n);
	if (r == 0)
		r = net_open(&net, e->instance);
	if (r == 0)
		r = bridge_up(e, net, &n);
	if (r < 0)
		return r;
	struct net_endpoint endpoint = {
		.driver = n.driver, .parent = n.bridge, .name = "eth0", .owner = c->id};
	endpoint.addresses[0] = (struct net_subnet){
		.address = lease.address, .length = n.subnet.length};
	if (!n.is_internal)
		endpoint.gateways[0] = n.gateway;
	r = net_endpoint_attach(net, sandbox, &endpoint);
	if (r == 0 && lease.port_count)
		r = net_localnet_enable(net, n.bridge);
	if (r == 0 && lease.port_count)
		r = net_publish(net, lease.ports, lease.port_count, c->id);
	return r;
}

int network_attach(struct engine *e, const struct container *c, pid_t pid)
{
	if (has_no_endpoint(c) && !str_eq(c->network, "none"))
		return 0;
	char path[64];
	fmt(path, "/proc/%d/ns/net", pid);
	auto_close int netns = sys_open_at(AT_FDCWD, path, O_RDONLY, 0);
	if (netns == -ENOENT)
		return 0; /* init has already failed: to release it will say why */
	if (netns < 0)
		return err_new(netns, "open the network namespace of container %.12s", c->id);
	auto_of(net_sandbox) struct net_sandbox *sandbox = NULL;
	int r = net_sandbox_open(&sandbox, netns, false);
	if (r < 0 || str_eq(c->network, "none"))
		return r;
	return endpoint_attach(e, c, sandbox);
}

/* All that is of one container, by looking at every lease. */
static int leases_release(struct engine *e, const char *id)
{
	auto_close int leases = leases_open(e);
	if (leases < 0)
		return leases;
	int r = net_lease_release_all(leases, id);
	return r < 0 ? err_new(r, "give back what container %.12s leased", id) : 0;
}

int network_detach(struct engine *e, const char *id)
{
	struct endpoint_lease lease;
	int r = lease_load(e, id, &lease);
	if (r == -ENOENT)
		return 0;
	if (r == -EBADMSG)
		return leases_release(e, id);
	if (r < 0)
		return err_new(r, "read the endpoint of container %.12s", id);
	if (lease.port_count) {
		auto_of(net) struct net *net = NULL;
		r = net_open(&net, e->instance);
		if (r == 0)
			r = net_unpublish(net, lease.ports, lease.port_count, id);
		/* A kernel without nftables has published nothing. */
		if (r < 0 && r != -EPROTONOSUPPORT && r != -ESOCKTNOSUPPORT && r != -EOPNOTSUPP)
			return err_wrap(r, "unpublish the ports of container %.12s", id);
	}
	auto_close int leases = leases_open(e);
	if (leases < 0)
		return leases;
	r = net_lease_release(leases, &lease.address, id);
	if (r >= 0)
		r = net_lease_release_ports(leases, lease.ports, lease.port_count, id);
	if (r < 0)
		return err_new(r, "give back what container %.12s leased", id);
	auto_close int run_dir = container_run_dir_open(e, id);
	sys_unlink_at(run_dir, "endpoint", 0);
	return 0;
}

int network_abandon(struct engine *e, const char *id)
{
	int r = network_detach(e, id);
	return r < 0 ? r : leases_release(e, id);
}

void network_describe(struct engine *e, const struct container *c, struct summary *summary)
{
	struct endpoint_lease lease;
	if (lease_load(e, c->id, &lease) < 0)
		return;
	char address[NET_ADDRESS_TEXT];
	fmt(summary->address, "%s", net_address_format(address, &lease.address));
	auto_buf struct buf ports = BUF_INIT;
	for (size_t i = 0; i < lease.port_count; i++) {
		buf_adds(&ports, i ? ", " : "");
		port_format(&lease.ports[i], &ports);
	}
	if (fmt(summary->ports, "%s", ports.data) < 0)
		fmt(summary->ports, "%.*s...", (int)sizeof(summary->ports) - 4, ports.data);
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
		str_eq(c->network, "bridge") ? "default" : "--network");
	for (size_t i = 0; i < c->ports.count; i++)
		plan_say(a, spec, arena_printf(a, "publish %s", c->ports.items[i]), "-p");
}

static void put_ports(struct json_writer *w, const struct net_publication *p)
{
	for (unsigned i = 0; i < p->count; i++) {
		char key[32], host[NET_ADDRESS_TEXT], port[16];
		fmt(key, "%u/%s", p->port + i, net_protocol_name(p->protocol));
		fmt(port, "%u", p->host_port + i);
		json_open_array(w, key);
		json_open_object(w, NULL);
		json_put_string(w, "HostIp", net_address_format(host, &p->host));
		json_put_string(w, "HostPort", port);
		json_close_object(w);
		json_close_array(w);
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
	struct endpoint_lease lease = {0};
	bool is_attached = s->state == CONTAINER_RUNNING && lease_load(e, c->id, &lease) == 0;
	char sandbox[64] = "";
	if (s->state == CONTAINER_RUNNING)
		fmt(sandbox, "/proc/%d/ns/net", s->process.pid);
	json_open_object(w, "NetworkSettings");
	json_put_string(w, "SandboxKey", sandbox);
	json_put_string(w, "IPAddress", is_attached ? s->address : "");
	json_open_object(w, "Ports");
	for (size_t i = 0; is_attached && i < lease.port_count; i++)
		put_ports(w, &lease.ports[i]);
	json_close_object(w);
	json_open_object(w, "Networks");
	if (is_attached)
		put_endpoint(e, c, s, w);
	json_close_object(w);
	json_close_object(w);
}
