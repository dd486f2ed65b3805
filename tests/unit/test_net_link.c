/* SPDX-License-Identifier: Apache-2.0 */
/* Bridges, endpoints and the choice of subnets, in a network namespace of the test. Needs root. */
#include "net/link.c"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "net_space.c"
#include "sys/file.h"

static struct net *net;

static int make_bridge(const char *name, const char *owner, const char *gateway, uint8_t length)
{
	struct net_bridge bridge = {
		.name = name, .owner = owner, .addresses = {interface(gateway, length)}};
	int index;

	int r = net_bridge_ensure(net, &bridge, &index);
	return r < 0 ? r : index;
}

static struct net_endpoint endpoint(const char *parent, const char *owner, const char *own)
{
	return (struct net_endpoint){.driver = "bridge",
		.parent = parent,
		.name = "eth0",
		.owner = owner,
		.addresses = {interface(own, 24)},
		.gateways = {address("10.77.0.1")}};
}

static struct net_sandbox *sandbox(int space, bool wants_ipv6)
{
	struct net_sandbox *made = NULL;

	assert_int_equal(net_sandbox_open(&made, space, wants_ipv6), 0);
	return made;
}

static void bridge_is_made_once(void **state)
{
	struct net_link link;

	int first = make_bridge("hkb1", "net1", "10.77.0.1", 24);
	assert_true(first > 0);
	assert_int_equal(make_bridge("hkb1", "net1", "10.77.0.1", 24), first);
	assert_int_equal(net_link_find(net, "hkb1", &link), 0);
	assert_int_equal(link.index, first);
	assert_true(link.flags & IFF_UP);
	assert_string_equal(link.alias, "husk:0123abcd:net1");

	assert_int_equal(make_bridge("hkb1", "net2", "10.78.0.1", 24), -EEXIST);
	assert_string_equal(
		err_text(), "the interface hkb1 exists and does not belong to this network");
	assert_int_equal(make_bridge("lo", "net2", "10.78.0.1", 24), -EEXIST);
	assert_int_equal(make_bridge("a/b", "net2", "10.78.0.1", 24), -EINVAL);
	assert_int_equal(make_bridge("sixteen-letters-", "net2", "10.78.0.1", 24), -EINVAL);
	assert_int_equal(make_bridge("..", "net2", "10.78.0.1", 24), -EINVAL);
	assert_int_equal(make_bridge("", "net2", "10.78.0.1", 24), -EINVAL);
}

/* The kernel refuses the address, so the bridge cannot be set up. */
static void a_failure_takes_back_only_what_it_made(void **state)
{
	struct net_link link;

	assert_true(make_bridge("hkb1", "net1", "10.77.0.1", 24) > 0);
	assert_true(make_bridge("hkb1", "net1", "10.77.0.1", 33) < 0);
	assert_non_null(strstr(err_text(), "set up the bridge hkb1"));
	assert_int_equal(net_link_find(net, "hkb1", &link), 0);
	assert_true(make_bridge("hkb3", "net3", "10.76.0.1", 33) < 0);
	assert_int_equal(net_link_find(net, "hkb3", &link), -ENODEV);
}

/* Returns -1 if there is no such file. */
static int sysctl_of(int space, const char *path)
{
	auto_buf struct buf text = BUF_INIT;
	char whole[96];

	fmt(whole, "/proc/sys/net/%s", path);
	space_enter(space);
	int r = file_read_at(AT_FDCWD, whole, 32, &text);
	space_enter(space_host);
	return r < 0 ? -1 : text.data[0] - '0';
}

static void ipv6_only_where_wanted(void **state)
{
	struct net_bridge both = {.name = "hkb6",
		.owner = "net6",
		.addresses = {interface("10.79.0.1", 24), interface("fd00:79::1", 64)}};
	int index, v4_space = space_make(), v6_space = space_make();

	make_bridge("hkb1", "net1", "10.77.0.1", 24);
	assert_int_equal(net_bridge_ensure(net, &both, &index), 0);
	assert_int_equal(sysctl_of(space_host, "ipv6/conf/hkb1/disable_ipv6"), 1);
	assert_int_equal(sysctl_of(space_host, "ipv6/conf/hkb6/disable_ipv6"), 0);
	assert_int_equal(sysctl_of(space_host, "ipv6/conf/hkb6/accept_ra"), 0);

	auto_of(net_sandbox) struct net_sandbox *v4 = sandbox(v4_space, false);
	auto_of(net_sandbox) struct net_sandbox *v6 = sandbox(v6_space, true);
	struct net_endpoint e4 = endpoint("hkb1", "aaaaaaaaaaaaaaaa", "10.77.0.2");
	struct net_endpoint e6 = endpoint("hkb6", "bbbbbbbbbbbbbbbb", "10.79.0.2");
	e6.gateways[0] = address("10.79.0.1");
	e6.addresses[1] = interface("fd00:79::2", 64);
	e6.gateways[1] = address("fd00:79::1");
	assert_int_equal(net_endpoint_attach(net, v4, &e4), 0);
	assert_int_equal(net_endpoint_attach(net, v6, &e6), 0);
	assert_int_equal(sysctl_of(v4_space, "ipv6/conf/eth0/disable_ipv6"), 1);
	assert_int_equal(sysctl_of(v6_space, "ipv6/conf/eth0/disable_ipv6"), 0);
	assert_int_equal(sysctl_of(v6_space, "ipv6/conf/eth0/accept_ra"), 0);

	int server = space_serve(v6_space, "fd00:79::2", 80, SOCK_STREAM);
	assert_true(space_connects(space_host, NULL, "fd00:79::2", 80));
	close(server);
	assert_int_equal(net_endpoint_silence(net, e4.owner), 0);
	close(v4_space);
	close(v6_space);
}

struct seen {
	int count;
	char name[NET_NAME_TEXT];
	char alias[NET_ALIAS_TEXT];
};

static int see(const struct net_link *link, void *data)
{
	struct seen *seen = data;

	seen->count++;
	fmt(seen->name, "%s", link->name);
	fmt(seen->alias, "%s", link->alias);
	return 0;
}

static void endpoints(void **state)
{
	static const char owner[] = "c0ffee0123456789";
	struct seen seen = {0};
	struct net_link link;
	int space = space_make();
	auto_of(net_sandbox) struct net_sandbox *inside = sandbox(space, false);

	assert_true(make_bridge("hkb1", "net1", "10.77.0.1", 24) > 0);
	struct net_endpoint e = endpoint("hkb1", owner, "10.77.0.2");
	e.mtu = 1400;
	assert_int_equal(net_endpoint_attach(net, inside, &e), 0);
	assert_int_equal(net_link_each(net, owner, see, &seen), 1);
	assert_string_equal(seen.name, "hkc0ffee01234");
	assert_string_equal(seen.alias, "husk:0123abcd:c0ffee0123456789");

	int server = space_serve(space, "10.77.0.2", 80, SOCK_STREAM);
	assert_true(space_connects(space_host, NULL, "10.77.0.2", 80));
	assert_true(space_refuses(space, NULL, "127.0.0.1", 80));
	close(server);
	server = space_serve(space_host, "10.77.0.1", 7000, SOCK_STREAM);
	assert_true(space_connects(space, NULL, "10.77.0.1", 7000));
	close(server);

	/* The same name twice, then the same owner twice. */
	assert_int_equal(net_endpoint_attach(net, inside, &e), -EEXIST);
	assert_string_equal(err_text(), "the container has an interface eth0 already");
	e.name = "eth1";
	assert_int_equal(net_endpoint_attach(net, inside, &e), -EEXIST);
	assert_non_null(strstr(err_text(), "make the veth pair hkc0ffee01234 and eth1"));
	assert_int_equal(net_link_find_on(&inside->route, "eth1", 0, &link), -ENODEV);

	/* A gateway that cannot be reached: nothing must be left. */
	struct net_endpoint bad = endpoint("hkb1", "dddddddddddddddd", "10.77.0.3");
	bad.name = "eth1";
	bad.gateways[0] = address("192.0.2.1");
	assert_true(net_endpoint_attach(net, inside, &bad) < 0);
	assert_true(str_prefix(err_text(), "configure eth1 in the container: "));
	assert_int_equal(net_link_each(net, bad.owner, NULL, NULL), 0);

	assert_int_equal(net_link_delete(net, "hkc0ffee01234"), 0);
	assert_int_equal(net_link_each(net, owner, NULL, NULL), 0);
	close(space);
}

static void bad_endpoints(void **state)
{
	int space = space_make();
	auto_of(net_sandbox) struct net_sandbox *inside = sandbox(space, false);
	struct net_endpoint e = endpoint("nosuch", "eeeeeeeeeeeeeeee", "10.77.0.2");

	assert_int_equal(net_endpoint_attach(net, inside, &e), -ENODEV);
	assert_true(str_prefix(err_text(), "find the interface nosuch"));
	e.parent = "lo"; /* not a bridge: the veth pair must not stay */
	assert_true(net_endpoint_attach(net, inside, &e) < 0);
	assert_true(str_prefix(err_text(), "join hkeeeeeeeeeee to the bridge lo"));
	assert_int_equal(net_link_each(net, e.owner, NULL, NULL), 0);
	e.driver = "overlay";
	assert_int_equal(net_endpoint_attach(net, inside, &e), -EINVAL);
	assert_string_equal(err_text(), "no such network driver: overlay");
	close(space);
}

/* macvlan and ipvlan work, or the message names the module that this kernel lacks. */
static void slaves(void **state)
{
	static const char *const drivers[] = {"macvlan", "ipvlan"};

	assert_true(make_bridge("hkb1", "net1", "10.77.0.1", 24) > 0);
	for (size_t i = 0; i < 2; i++) {
		int space = space_make();
		auto_of(net_sandbox) struct net_sandbox *inside = sandbox(space, false);
		struct net_endpoint e = endpoint("hkb1", "ffffffffffffffff", "10.77.0.7");
		struct net_link link;
		char words[100];
		e.driver = drivers[i];
		int r = net_endpoint_attach(net, inside, &e);
		if (r == -EOPNOTSUPP) {
			fmt(words, "this kernel has no %s interfaces: the module %s is missing",
				drivers[i], drivers[i]);
			assert_string_equal(err_text(), words);
			print_message("%s: %s\n", drivers[i], err_text());
		} else {
			assert_int_equal(r, 0);
			assert_int_equal(net_link_find_on(&inside->route, "eth0", 0, &link), 0);
		}
		close(space);
	}
}

static void a_veth_dies_with_its_namespace(void **state)
{
	int space = space_make();
	struct net_endpoint e = endpoint("hkb1", "abababababababab", "10.77.0.9");

	assert_true(make_bridge("hkb1", "net1", "10.77.0.1", 24) > 0);
	struct net_sandbox *inside = sandbox(space, false);
	assert_int_equal(net_endpoint_attach(net, inside, &e), 0);
	assert_int_equal(net_link_each(net, e.owner, NULL, NULL), 1);
	net_sandbox_close(inside);
	close(space);
	for (int i = 0; i < 100 && net_link_each(net, e.owner, NULL, NULL) > 0; i++)
		usleep(20 * 1000);
	assert_int_equal(net_link_each(net, e.owner, NULL, NULL), 0);
}

/* A namespace that still exists keeps its address, but must not disturb the next owner of the
 * address. */
static void the_dead_are_silent(void **state)
{
	int old_space = space_make(), new_space = space_make();
	struct net_endpoint old = endpoint("hkb1", "0000000000000001", "10.77.0.20");
	struct net_endpoint new = endpoint("hkb1", "1000000000000002", "10.77.0.20");

	assert_true(make_bridge("hkb1", "net1", "10.77.0.1", 24) > 0);
	auto_of(net_sandbox) struct net_sandbox *old_inside = sandbox(old_space, false);
	assert_int_equal(net_endpoint_attach(net, old_inside, &old), 0);
	int old_server = space_serve(old_space, "10.77.0.20", 81, SOCK_STREAM);
	assert_true(space_connects(space_host, NULL, "10.77.0.20", 81));

	assert_int_equal(net_endpoint_silence(net, old.owner), 0);
	assert_true(space_refuses(space_host, NULL, "10.77.0.20", 81));
	auto_of(net_sandbox) struct net_sandbox *new_inside = sandbox(new_space, false);
	assert_int_equal(net_endpoint_attach(net, new_inside, &new), 0);
	int new_server = space_serve(new_space, "10.77.0.20", 80, SOCK_STREAM);
	assert_true(space_connects(space_host, NULL, "10.77.0.20", 80));
	assert_true(space_refuses(space_host, NULL, "10.77.0.20", 81));
	assert_int_equal(net_endpoint_silence(net, "nobody"), 0);
	close(old_server);
	close(new_server);
	close(old_space);
	close(new_space);
}

static void subnets(void **state)
{
	struct net_subnet free_one, taken[2], wanted;
	char text[NET_SUBNET_TEXT];

	assert_int_equal(net_subnet_find_free(net, NULL, 0, &free_one), 0);
	assert_string_equal(net_subnet_format(text, &free_one), "10.88.0.0/16");
	taken[0] = free_one;
	assert_int_equal(net_subnet_parse("10.89.128.0/24", &taken[1]), 0);
	assert_int_equal(net_subnet_find_free(net, taken, 2, &free_one), 0);
	assert_string_equal(net_subnet_format(text, &free_one), "10.90.0.0/16");

	assert_true(make_bridge("hkb2", "net2", "10.88.44.1", 24) > 0);
	assert_int_equal(net_subnet_find_free(net, NULL, 0, &free_one), 0);
	assert_string_equal(net_subnet_format(text, &free_one), "10.89.0.0/16");
	assert_int_equal(net_subnet_parse("10.88.0.0/16", &wanted), 0);
	assert_int_equal(net_subnet_check(net, &wanted, NULL), -EADDRINUSE);
	assert_string_equal(err_text(),
		"the subnet 10.88.0.0/16 overlaps 10.88.44.1/24, which "
		"the host reaches through hkb2");
	assert_int_equal(net_subnet_check(net, &wanted, "hkb2"), 0);
	assert_int_equal(net_subnet_parse("10.66.0.0/16", &wanted), 0);
	assert_int_equal(net_subnet_check(net, &wanted, NULL), 0);
}

static int delete_link(const struct net_link *link, void *data)
{
	return net_link_delete(data, link->name);
}

static void all_of_the_instance(void **state)
{
	struct net_link link;

	assert_true(make_bridge("hkb1", "net1", "10.77.0.1", 24) > 0);
	assert_true(make_bridge("hkb9", "net9", "10.99.0.1", 24) > 0);
	auto_of(net) struct net *other = NULL;
	assert_int_equal(net_open(&other, "ffffffff"), 0);
	assert_int_equal(net_link_each(other, NULL, NULL, NULL), 0);
	assert_true(net_link_each(net, NULL, delete_link, net) >= 2);
	assert_int_equal(net_link_each(net, NULL, NULL, NULL), 0);
	assert_int_equal(net_link_find(net, "lo", &link), 0);
	assert_int_equal(net_link_delete(net, "hkb1"), 0);
	assert_int_equal(net_link_delete(net, "lo"), -EOPNOTSUPP);
}

static void forwarding(void **state)
{
	int first = net_forwarding_enable(true);

	assert_in_range(first, 0, 1);
	assert_int_equal(net_forwarding_enable(true), 0);
	assert_int_equal(sysctl_of(space_host, "ipv4/ip_forward"), 1);
	assert_int_equal(sysctl_of(space_host, "ipv6/conf/all/forwarding"), 1);
}

static void instances(void **state)
{
	struct net *made = NULL;

	assert_int_equal(net_open(&made, "0123ABCD"), -EINVAL);
	assert_int_equal(net_open(&made, "0123abc"), -EINVAL);
	assert_null(made);
}

static void kernel_words(void **state)
{
	struct net_link link;
	struct netlink n = {.text = "words of the kernel"};

	assert_int_equal(net_err(&n, -EINVAL, "do %s", "it"), -EINVAL);
	assert_non_null(strstr(err_text(), "do it"));
	assert_non_null(strstr(err_text(), "words of the kernel"));
	/* A real one: an unknown kind of link. */
	auto_of(netlink_batch) struct netlink_batch batch = NETLINK_BATCH_INIT;
	net_link_begin(&batch, "lo", 0, 0);
	net_link_begin(&batch, "hkx", 0, NLM_F_CREATE | NLM_F_EXCL);
	size_t info = netlink_nest_begin(&batch, IFLA_LINKINFO);
	netlink_put_string(&batch, IFLA_INFO_KIND, "nosuchkind");
	netlink_nest_end(&batch, info);
	net_link_begin(&batch, "lo", 0, 0);
	assert_int_equal(netlink_send(&net->route, &batch, NULL, NULL), -EOPNOTSUPP);
	assert_string_equal(net->route.text, "Unknown device type");
	assert_int_equal(net->route.failed, 1);
	assert_int_equal(net_link_find(net, "hkx", &link), -ENODEV);
	assert_int_equal(net_link_find(net, "a-name-that-is-too-long", &link), -ENODEV);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(instances),
		cmocka_unit_test(subnets),
		cmocka_unit_test(bridge_is_made_once),
		cmocka_unit_test(a_failure_takes_back_only_what_it_made),
		cmocka_unit_test(ipv6_only_where_wanted),
		cmocka_unit_test(endpoints),
		cmocka_unit_test(bad_endpoints),
		cmocka_unit_test(slaves),
		cmocka_unit_test(a_veth_dies_with_its_namespace),
		cmocka_unit_test(the_dead_are_silent),
		cmocka_unit_test(kernel_words),
		cmocka_unit_test(forwarding),
		cmocka_unit_test(all_of_the_instance),
	};

	if (!space_begin())
		return 77;
	if (net_open(&net, "0123abcd") < 0)
		return 1;
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	net_close(net);
	close(space_host);
	return failed;
}
