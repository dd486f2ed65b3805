/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Published ports and isolation with real packets: a host, containers on two networks, and a
 * neighbour on the host's LAN. Each is a network namespace of the test. Needs root and the nft
 * program.
 */
#include "net/rules.c"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "net_space.c"

#define WEB "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define NEXT "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define STRANGER "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"

static struct net *net;
/* The neighbour is 192.0.2.2 and 2001:db8::2 behind the host's `lan` (192.0.2.1, 2001:db8::1). The
 * containers are 10.88.0.2 and .3 (fd00:88::2 and ::3) on hkone, and 10.89.0.2 on hktwo. */
static int lan, web, next, stranger;
static int web_tcp, web_tcp6, web_udp;

static const struct net_rules_network one = {
	.bridge = "hkone", .subnets = {{{4, {10, 88}}, 16}, {{16, {0xfd, 0, 0, 0x88}}, 64}}};
static const struct net_rules_network two = {.bridge = "hktwo", .subnets = {{{4, {10, 89}}, 16}}};

static void bridge(const char *name, struct net_subnet v4, struct net_subnet v6)
{
	struct net_bridge made = {.name = name, .owner = name, .addresses = {v4, v6}};
	int index;

	assert_int_equal(net_bridge_ensure(net, &made, &index), 0);
}

static int join(const char *parent, const char *owner, const char *v4, const char *v6,
	const char *gateway4, const char *gateway6)
{
	struct net_endpoint e = {.driver = "bridge",
		.parent = parent,
		.name = "eth0",
		.owner = owner,
		.addresses = {interface(v4, 16)},
		.gateways = {address(gateway4)}};
	int space = space_make();
	struct net_sandbox *inside;

	if (v6) {
		e.addresses[1] = interface(v6, 64);
		e.gateways[1] = address(gateway6);
	}
	assert_int_equal(net_sandbox_open(&inside, space, v6 != NULL), 0);
	assert_int_equal(net_endpoint_attach(net, inside, &e), 0);
	net_sandbox_close(inside);
	return space;
}

static void build_world(void)
{
	struct net_subnet none = {0};

	assert_int_equal(net_open(&net, "0123abcd"), 0);
	assert_true(net_forwarding_enable(true) >= 0);
	auto_of(net_sandbox) struct net_sandbox *host = NULL;
	assert_int_equal(net_sandbox_open(&host, space_host, true), 0); /* brings lo up */
	bridge("lan", interface("192.0.2.1", 24), interface("2001:db8::1", 64));
	bridge("hkone", interface("10.88.0.1", 16), interface("fd00:88::1", 64));
	bridge("hktwo", interface("10.89.0.1", 16), none);
	lan = join("lan", "1a2", "192.0.2.2", "2001:db8::2", "192.0.2.1", "2001:db8::1");
	web = join("hkone", WEB, "10.88.0.2", "fd00:88::2", "10.88.0.1", "fd00:88::1");
	next = join("hkone", NEXT, "10.88.0.3", "fd00:88::3", "10.88.0.1", "fd00:88::1");
	stranger = join("hktwo", STRANGER, "10.89.0.2", NULL, "10.89.0.1", NULL);
	web_tcp = space_serve(web, "10.88.0.2", 80, SOCK_STREAM);
	web_tcp6 = space_serve(web, "fd00:88::2", 80, SOCK_STREAM);
	web_udp = space_serve(web, "10.88.0.2", 53, SOCK_DGRAM);
}

static struct net_publication publication(
	const char *host, uint16_t host_port, uint16_t port, enum net_protocol protocol)
{
	return (struct net_publication){.protocol = protocol,
		.host_port = host_port,
		.port = port,
		.count = 1,
		.host = address(host),
		.address = address(strchr(host, ':') ? "fd00:88::2" : "10.88.0.2")};
}

static int publish(struct net_publication p)
{
	return net_publish(net, &p, 1, WEB);
}

static int unpublish(struct net_publication p)
{
	return net_unpublish(net, &p, 1, WEB);
}

static int load(void **state)
{
	if (net_rules_load(net) != 1 || net_rules_add_network(net, &one) < 0 ||
		net_rules_add_network(net, &two) < 0)
		print_message("set-up: %s\n", err_text());
	return 0;
}

static int unload(void **state)
{
	net_localnet_disable("hkone");
	assert_int_equal(net_rules_remove(net), 0);
	return 0;
}

/* Without rules all these connections work, so the later refusals are caused by the rules. */
static void the_world_before(void **state)
{
	assert_true(space_connects(lan, NULL, "10.88.0.2", 80));
	assert_true(space_connects(lan, NULL, "fd00:88::2", 80));
	assert_true(space_connects(stranger, NULL, "10.88.0.2", 80));
	assert_true(space_connects(space_host, NULL, "10.88.0.2", 80));
	assert_true(space_refuses(space_host, NULL, "192.0.2.1", 8080));
}

static void loaded_once(void **state)
{
	assert_int_equal(net_rules_load(net), 1);
	assert_int_equal(net_rules_settle(net), 0);
	assert_int_equal(net_rules_settle(net), 0);
	assert_int_equal(net_rules_load(net), 0);
	assert_int_equal(net_rules_add_network(net, &one), 0); /* adding it again is no error */
	assert_int_equal(net_rules_remove_network(net, &one), 0);
	assert_int_equal(net_rules_remove_network(net, &one), 0);
	assert_int_equal(net_rules_add_network(net, &one), 0);
}

static void unpublished_is_closed(void **state)
{
	assert_true(space_refuses(lan, NULL, "10.88.0.2", 80));
	assert_true(space_refuses(lan, NULL, "fd00:88::2", 80));
	assert_true(space_refuses(stranger, NULL, "10.88.0.2", 80));
	assert_true(space_refuses(lan, NULL, "192.0.2.1", 8080));
	/* The host and another container on the same bridge may connect. */
	assert_true(space_connects(space_host, NULL, "10.88.0.2", 80));
	assert_true(space_connects(next, NULL, "10.88.0.2", 80));
	assert_true(space_connects(next, NULL, "fd00:88::2", 80));
}

static void out_under_the_hosts_address(void **state)
{
	char peer[NET_ADDRESS_TEXT];
	int server = space_serve(lan, "192.0.2.2", 7000, SOCK_STREAM);

	assert_true(space_connects(web, NULL, "192.0.2.2", 7000));
	assert_string_equal(space_accept(server, peer), "192.0.2.1");
	close(server);
	server = space_serve(lan, "2001:db8::2", 7000, SOCK_STREAM);
	assert_true(space_connects(web, NULL, "2001:db8::2", 7000));
	assert_string_equal(space_accept(server, peer), "2001:db8::1");
	close(server);
	server = space_serve(space_host, "10.88.0.1", 7000, SOCK_STREAM);
	assert_true(space_connects(web, NULL, "10.88.0.1", 7000));
	assert_string_equal(space_accept(server, peer), "10.88.0.2");
	close(server);
}

static void published_everywhere(void **state)
{
	char peer[NET_ADDRESS_TEXT];

	assert_int_equal(publish(publication("0.0.0.0", 8080, 80, NET_TCP)), 0);
	assert_int_equal(net_localnet_enable(net, "hkone"), 0);
	space_accept(web_tcp, peer);

	assert_true(space_connects(lan, NULL, "192.0.2.1", 8080));
	assert_string_equal(space_accept(web_tcp, peer), "192.0.2.2");
	assert_true(space_connects(space_host, NULL, "192.0.2.1", 8080));
	assert_string_equal(space_accept(web_tcp, peer), "192.0.2.1");
	assert_true(space_connects(space_host, NULL, "127.0.0.1", 8080));
	assert_string_equal(space_accept(web_tcp, peer), "10.88.0.1");
	assert_true(space_connects(space_host, NULL, "127.1.2.3", 8080));
	/* From the container itself, from its neighbour, from another network. */
	assert_true(space_connects(web, NULL, "192.0.2.1", 8080));
	assert_true(space_connects(web, NULL, "10.88.0.1", 8080));
	assert_true(space_connects(next, NULL, "192.0.2.1", 8080));
	assert_true(space_connects(stranger, NULL, "192.0.2.1", 8080));
	/* Still not by a route, and no other port. */
	assert_true(space_refuses(lan, NULL, "10.88.0.2", 80));
	assert_true(space_refuses(stranger, NULL, "10.88.0.2", 80));
	assert_true(space_refuses(lan, NULL, "192.0.2.1", 80));
	/* A connection through the host to port 8080 of another machine is not redirected. */
	int server = space_serve(lan, "192.0.2.2", 8080, SOCK_STREAM);
	assert_true(space_connects(next, NULL, "192.0.2.2", 8080));
	assert_string_equal(space_accept(server, peer), "192.0.2.1");
	close(server);

	assert_int_equal(unpublish(publication("0.0.0.0", 8080, 80, NET_TCP)), 0);
	assert_true(space_refuses(lan, NULL, "192.0.2.1", 8080));
	assert_true(space_refuses(space_host, NULL, "127.0.0.1", 8080));
}

static void published_on_ipv6(void **state)
{
	char peer[NET_ADDRESS_TEXT];

	assert_int_equal(publish(publication("::", 8080, 80, NET_TCP)), 0);
	space_accept(web_tcp6, peer);
	assert_true(space_connects(lan, NULL, "2001:db8::1", 8080));
	assert_string_equal(space_accept(web_tcp6, peer), "2001:db8::2");
	assert_true(space_connects(space_host, NULL, "2001:db8::1", 8080));
	assert_true(space_connects(web, NULL, "2001:db8::1", 8080));
	assert_true(space_refuses(space_host, NULL, "::1", 8080));
	assert_true(space_refuses(lan, NULL, "192.0.2.1", 8080));
	assert_true(space_refuses(lan, NULL, "fd00:88::2", 80));

	assert_int_equal(publish(publication("2001:db8::1", 8081, 80, NET_TCP)), 0);
	assert_true(space_connects(lan, NULL, "2001:db8::1", 8081));
	assert_true(space_refuses(web, NULL, "fd00:88::1", 8081));
	assert_int_equal(net_unpublish_owner(net, WEB), 2);
	assert_true(space_refuses(lan, NULL, "2001:db8::1", 8080));
}

/* The settings with which a hostile neighbour sends to and from 127.0.0.1 over the wire, and
 * accepts answers from there. */
static void let_loopback_out(int space, const char *device)
{
	static const char *const names[] = {"route_localnet", "accept_local"};
	char path[64];

	space_enter(space);
	for (size_t i = 0; i < 2; i++) {
		fmt(path, "ipv4/conf/%s/%s", device, names[i]);
		assert_true(net_sysctl_set(path, "1") >= 0);
	}
	fmt(path, "ipv4/conf/%s/rp_filter", device);
	assert_true(net_sysctl_set("ipv4/conf/all/rp_filter", "0") >= 0);
	assert_true(net_sysctl_set(path, "0") >= 0);
	space_enter(space_host);
}

/* Sends a datagram to the host's server from each of two sockets. The number of the one whose
 * datagram arrives first. */
static int first_to_arrive(const int senders[2], int server)
{
	struct pollfd arrival = {.fd = server, .events = POLLIN};
	struct sockaddr_storage a;
	socklen_t size = sizeof(a);
	char number = 0;

	assert_int_equal(getsockname(server, (struct sockaddr *)&a, &size), 0);
	for (char i = 0; i < 2; i++)
		assert_int_equal(sendto(senders[(int)i], &i, 1, 0, (struct sockaddr *)&a, size), 1);
	assert_int_equal(poll(&arrival, 1, SPACE_PATIENCE_MS), 1);
	assert_int_equal(recv(server, &number, 1, 0), 1);
	return number;
}

static void published_on_loopback(void **state)
{
	int private = space_serve(space_host, "127.0.0.1", 9999, SOCK_STREAM);
	int server = space_serve(space_host, "10.88.0.1", 9998, SOCK_DGRAM);
	const int senders[] = {space_serve(web, "127.0.0.1", 9998, SOCK_DGRAM),
		space_serve(web, "10.88.0.2", 9998, SOCK_DGRAM)};

	assert_int_equal(publish(publication("127.0.0.1", 8081, 80, NET_TCP)), 0);
	assert_int_equal(net_localnet_enable(net, "hkone"), 0);
	assert_true(space_connects(space_host, NULL, "127.0.0.1", 8081));
	assert_true(space_refuses(space_host, NULL, "192.0.2.1", 8081));
	assert_true(space_refuses(lan, NULL, "192.0.2.1", 8081));

	/* The worst case: the host accepts 127/8 from its LAN and from its containers too. */
	let_loopback_out(space_host, "lan");
	let_loopback_out(space_host, "hkone");
	let_loopback_out(lan, "eth0");
	let_loopback_out(web, "eth0");
	assert_true(space_refuses(lan, "eth0", "127.0.0.1", 8081));
	assert_true(space_refuses(lan, "eth0", "127.0.0.1", 9999));
	assert_true(space_refuses(web, "eth0", "127.0.0.1", 9999));
	assert_int_equal(first_to_arrive(senders, server), 1);

	/* Without the guard all this works, so the guard is what refuses it. */
	assert_int_equal(net_rules_remove(net), 0);
	assert_int_equal(first_to_arrive(senders, server), 0);
	assert_true(space_connects(lan, "eth0", "127.0.0.1", 9999));
	assert_true(space_connects(web, "eth0", "127.0.0.1", 9999));
	/* Without the guard nothing is opened, and what was open is closed. */
	assert_int_equal(net_localnet_enable(net, "hkone"), -ENOENT);
	assert_non_null(strstr(err_text(), "husk-0123abcd is missing"));
	assert_true(space_refuses(web, "eth0", "127.0.0.1", 9999));
	assert_true(net_sysctl_set("ipv4/conf/lan/route_localnet", "0") >= 0);
	close(private);
	close(server);
	close(senders[0]);
	close(senders[1]);
}

static void published_on_one_address(void **state)
{
	assert_int_equal(publish(publication("192.0.2.1", 8082, 80, NET_TCP)), 0);
	assert_true(space_connects(lan, NULL, "192.0.2.1", 8082));
	assert_true(space_connects(web, NULL, "192.0.2.1", 8082));
	assert_true(space_refuses(space_host, NULL, "127.0.0.1", 8082));
	assert_true(space_refuses(web, NULL, "10.88.0.1", 8082));
	assert_int_equal(net_unpublish_owner(net, NULL), 1);
	assert_int_equal(net_unpublish_owner(net, NULL), 0);
}

static void udp_and_sctp(void **state)
{
	assert_int_equal(publish(publication("0.0.0.0", 5353, 53, NET_UDP)), 0);
	assert_int_equal(publish(publication("0.0.0.0", 5353, 53, NET_SCTP)), 0);
	assert_int_equal(net_localnet_enable(net, "hkone"), 0);
	assert_true(space_echoes(lan, "192.0.2.1", 5353, web_udp));
	assert_true(space_echoes(space_host, "192.0.2.1", 5353, web_udp));
	assert_true(space_echoes(space_host, "127.0.0.1", 5353, web_udp));
	assert_true(space_echoes(next, "192.0.2.1", 5353, web_udp));
	assert_true(space_refuses(lan, NULL, "192.0.2.1", 5353));
	assert_int_equal(net_unpublish_owner(net, WEB), 2);
	assert_false(space_echoes_within(lan, "192.0.2.1", 5353, web_udp, SPACE_REFUSED_MS));
}

/* A client that keeps its port reaches the new container once its flow is forgotten. Its port is
 * the second of the range. */
static void flows_follow(void **state)
{
	struct net_publication old = publication("0.0.0.0", 5353, 52, NET_UDP), new, other;
	int new_udp = space_serve(next, "10.88.0.3", 53, SOCK_DGRAM);
	struct pollfd arrivals[] = {
		{.fd = web_udp, .events = POLLIN}, {.fd = new_udp, .events = POLLIN}};
	struct sockaddr_storage a;
	socklen_t size = socket_address(&a, "192.0.2.1", 5354);
	int client = socket_in(lan, "192.0.2.2", SOCK_DGRAM);
	char text[8];

	old.count = 2;
	new = other = old;
	new.address = address("10.88.0.3");
	other.host_port = 5355;
	assert_int_equal(publish(old), 0);
	assert_int_equal(connect(client, (struct sockaddr *)&a, size), 0);
	assert_int_equal(send(client, "a", 1, 0), 1);
	assert_int_equal(poll(arrivals, 2, SPACE_PATIENCE_MS), 1);
	assert_int_equal(recv(web_udp, text, sizeof(text), 0), 1);
	assert_int_equal(unpublish(old), 0);
	assert_int_equal(publish(new), 0);
	/* Flows of other ports are not touched. */
	assert_int_equal(net_flows_forget(net, &other, 1), 0);
	assert_int_equal(send(client, "b", 1, 0), 1);
	assert_int_equal(poll(arrivals, 2, SPACE_PATIENCE_MS), 1);
	assert_int_equal(recv(web_udp, text, sizeof(text), 0), 1);
	int r = net_flows_forget(net, &new, 1);
	if (r == -EOPNOTSUPP) {
		print_message("%s\n", err_text());
	} else {
		assert_int_equal(r, 0);
		assert_int_equal(send(client, "c", 1, 0), 1);
		assert_int_equal(poll(arrivals, 2, SPACE_PATIENCE_MS), 1);
		assert_int_equal(recv(new_udp, text, sizeof(text), MSG_DONTWAIT), 1);
	}
	assert_int_equal(net_unpublish_owner(net, NULL), 2);
	close(client);
	close(new_udp);
}

static void internal_network(void **state)
{
	struct net_rules_network internal = two;
	int outside = space_serve(lan, "192.0.2.2", 7000, SOCK_STREAM);
	int host = space_serve(space_host, "10.89.0.1", 7000, SOCK_STREAM);

	internal.is_internal = true;
	assert_true(space_connects(stranger, NULL, "192.0.2.2", 7000));
	assert_int_equal(net_rules_add_network(net, &internal), 0);
	assert_true(space_refuses(stranger, NULL, "192.0.2.2", 7000));
	assert_true(space_connects(stranger, NULL, "10.89.0.1", 7000));
	assert_int_equal(net_rules_remove_network(net, &internal), 0);
	close(outside);
	close(host);
}

static void ranges(void **state)
{
	struct net_publication range = publication("0.0.0.0", 20000, 80, NET_TCP);
	struct net_publication other = publication("0.0.0.0", 24095, 81, NET_TCP);

	range.count = NET_PORTS_MAX;
	assert_int_equal(net_publish(net, &range, 1, WEB), 0);
	assert_true(space_connects(lan, NULL, "192.0.2.1", 20000));
	assert_true(space_refuses(lan, NULL, "192.0.2.1", 20001));
	/* The last port of the list already leads elsewhere: nothing of the list is changed. */
	struct net_publication both[] = {publication("0.0.0.0", 19999, 80, NET_TCP), other};
	assert_int_equal(net_publish(net, both, 2, NEXT), -EADDRINUSE);
	assert_true(space_refuses(lan, NULL, "192.0.2.1", 19999));
	/* One port is gone already: the others are removed anyway. */
	assert_int_equal(unpublish(publication("0.0.0.0", 20007, 87, NET_TCP)), 0);
	assert_int_equal(net_unpublish(net, &range, 1, WEB), 0);
	assert_int_equal(net_unpublish_owner(net, NULL), 0);
	range.count = NET_PORTS_MAX + 1;
	assert_int_equal(net_publish(net, &range, 1, WEB), -E2BIG);
}

enum { COST_ROUNDS = 50 };

/* The time of the fastest of several publications and removals in nanoseconds: other programs use
 * this machine too. */
static uint64_t publish_cost(void)
{
	struct net_publication p = publication("0.0.0.0", 8080, 80, NET_TCP);
	uint64_t best = UINT64_MAX;

	for (int i = 0; i < COST_ROUNDS; i++) {
		uint64_t start = clock_real_ns();
		assert_int_equal(net_publish(net, &p, 1, WEB), 0);
		assert_int_equal(net_unpublish(net, &p, 1, WEB), 0);
		uint64_t took = clock_real_ns() - start;
		best = took < best ? took : best;
	}
	return best;
}

static void cost_is_flat(void **state)
{
	struct net_publication many = publication("0.0.0.0", 30000, 80, NET_TCP);

	uint64_t empty = publish_cost();
	many.count = 1000;
	assert_int_equal(net_publish(net, &many, 1, NEXT), 0);
	uint64_t full = publish_cost();
	print_message("publish and unpublish: %llu us alone, %llu us among 1000\n",
		(unsigned long long)empty / 1000, (unsigned long long)full / 1000);
	assert_true(full < 3 * empty + 200000);
	assert_int_equal(net_unpublish_owner(net, NEXT), 1000);
}

/* If four processes find no table, one of them loads it, and its rules are there only once. */
static void loaded_by_one_of_four(void **state)
{
	auto_buf struct buf listed = BUF_INIT;
	pid_t pids[4];

	for (int i = 0; i < 4; i++) {
		pids[i] = fork();
		assert_true(pids[i] >= 0);
		if (pids[i] > 0)
			continue;
		struct net *own;
		_exit(net_open(&own, "0123abcd") < 0 ? 9 : net_rules_load(own));
	}
	for (int i = 0; i < 4; i++) {
		int status;
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 1);
	}
	assert_int_equal(process_run((const char *const[]){nft_programs[0], "list", "chain", "inet",
					     "husk-0123abcd", "guard", NULL},
				 &listed),
		0);
	char *first = strstr(listed.data, "guard-loopback");
	assert_non_null(first);
	assert_null(strstr(first + 1, "guard-loopback"));
}

/* The table of another instance is another table. */
static void instances_side_by_side(void **state)
{
	auto_of(net) struct net *other = NULL;
	struct net_publication p = publication("0.0.0.0", 8085, 80, NET_TCP);

	assert_int_equal(net_open(&other, "feedf00d"), 0);
	assert_int_equal(net_rules_load(other), 1);
	assert_int_equal(publish(p), 0);
	assert_int_equal(net_unpublish_owner(other, NULL), 0);
	assert_int_equal(net_rules_remove(other), 0);
	assert_int_equal(net_rules_remove(other), 0);
	assert_true(space_connects(lan, NULL, "192.0.2.1", 8085));
	assert_int_equal(net_unpublish_owner(net, NULL), 1);
	/* The rules are gone: publishing fails instead of having no effect. */
	assert_int_equal(net_publish(other, &p, 1, WEB), -ENOENT);
	assert_non_null(strstr(err_text(), "husk-feedf00d is missing"));
}

/* A firewall of another program that drops forwarded packets, as ufw and Docker set it up. */
static void foreign_firewalls(void **state)
{
	const char *const add[] = {nft_programs[0],
		"table ip filter { chain FORWARD { type filter hook forward priority 0; "
		"policy drop; ct state established accept; }; chain DOCKER-USER { }; chain INPUT { "
		"type filter hook input priority 0; policy accept; }; }",
		NULL};
	const char *const remove[] = {nft_programs[0], "delete", "table", "ip", "filter", NULL};
	const char *const list[] = {nft_programs[0], "list", "table", "ip", "filter", NULL};
	auto_buf struct buf output = BUF_INIT, before = BUF_INIT, during = BUF_INIT,
			    after = BUF_INIT;

	assert_int_equal(net_foreign_allow(net, "hkone"), 0);
	assert_int_equal(process_run(add, &output), 0);
	assert_int_equal(process_run(list, &before), 0);
	assert_int_equal(publish(publication("0.0.0.0", 8086, 80, NET_TCP)), 0);
	assert_true(space_refuses(lan, NULL, "192.0.2.1", 8086));

	assert_int_equal(net_foreign_allow(net, "hkone"), 2);
	assert_int_equal(net_foreign_allow(net, "hkone"), 2); /* the rules are not added twice */
	assert_true(space_connects(lan, NULL, "192.0.2.1", 8086));
	assert_true(space_refuses(lan, NULL, "10.88.0.2", 80));
	assert_true(space_refuses(stranger, NULL, "10.88.0.2", 80));
	assert_int_equal(process_run(list, &during), 0);
	assert_non_null(
		strstr(during.data, "iifname \"hkone\" accept comment \"husk:0123abcd:hkone\""));

	assert_int_equal(net_foreign_forget(net, "hktwo"), 0);
	assert_int_equal(net_foreign_forget(net, NULL), 4);
	assert_int_equal(process_run(list, &after), 0);
	assert_string_equal(after.data, before.data);
	assert_int_equal(process_run(remove, &output), 0);
}

/* The messages on a machine without nft, or with a kernel that lacks parts of it. */
static void missing_parts(void **state)
{
	auto_buf struct buf output = BUF_INIT;

	assert_int_equal(nft_program_err(-ENOENT, &output), -ENOENT);
	assert_string_equal(err_text(),
		"/usr/sbin/nft is missing: networks and published ports need "
		"the nftables package");
	buf_adds(&output, "/dev/stdin:51:3-7: Error: no masquerade\nmasquerade\n^^^^\n");
	assert_int_equal(nft_program_err(1, &output), -EOPNOTSUPP);
	assert_non_null(strstr(err_text(), "nft_masq"));
	assert_non_null(strstr(err_text(), "Error: no masquerade"));
	assert_null(strchr(err_text(), '\n'));
	assert_int_equal(net_err_module(-EOPNOTSUPP, "bridge"), -EOPNOTSUPP);
	assert_string_equal(err_text(), "this kernel has no bridges: the module bridge is missing");
}

static void nothing_is_left(void **state)
{
	auto_buf struct buf listed = BUF_INIT;
	static const char *const bridges[] = {"hkone", "hktwo", "lan"};
	const int fds[] = {web_tcp, web_tcp6, web_udp, web, next, stranger, lan};

	assert_int_equal(
		process_run(
			(const char *const[]){nft_programs[0], "list", "ruleset", NULL}, &listed),
		0);
	assert_string_equal(listed.data, "");
	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		close(fds[i]);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(net_link_delete(net, bridges[i]), 0);
	for (int i = 0; i < 100 && net_link_each(net, NULL, NULL, NULL) > 0; i++)
		usleep(20 * 1000);
	assert_int_equal(net_link_each(net, NULL, NULL, NULL), 0);
}

#define LOADED(test) cmocka_unit_test_setup_teardown(test, load, unload)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_world_before),
		LOADED(loaded_once),
		LOADED(unpublished_is_closed),
		LOADED(out_under_the_hosts_address),
		LOADED(published_everywhere),
		LOADED(published_on_ipv6),
		LOADED(published_on_loopback),
		LOADED(published_on_one_address),
		LOADED(udp_and_sctp),
		LOADED(flows_follow),
		LOADED(internal_network),
		LOADED(ranges),
		LOADED(cost_is_flat),
		LOADED(instances_side_by_side),
		LOADED(foreign_firewalls),
		cmocka_unit_test_teardown(loaded_by_one_of_four, unload),
		cmocka_unit_test(missing_parts),
		cmocka_unit_test(nothing_is_left),
	};

	if (!space_begin())
		return 77;
	build_world();
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	net_close(net);
	return failed;
}
