/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses and subnets: text, membership, carries. */
#include "net/address.c"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void texts(void **state)
{
	static const struct {
		const char *text;
		const char *back; /* NULL: refused */
	} cases[] = {
		{"10.88.0.2", "10.88.0.2"},
		{"0.0.0.0", "0.0.0.0"},
		{"255.255.255.255", "255.255.255.255"},
		{"fd00:88::1", "fd00:88::1"},
		{"FD00:0:0::A", "fd00::a"},
		{"::", "::"},
		{"10.88.0", NULL},
		{"10.88.0.256", NULL},
		{"010.0.0.1", NULL},
		{"10.88.0.2 ", NULL},
		{"0x0a.0.0.1", NULL},
		{"", NULL},
		{"fe80::1%eth0", NULL},
		{":::", NULL},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct net_address a;
		char text[NET_ADDRESS_TEXT];
		int r = net_address_parse(cases[i].text, &a);
		assert_int_equal(r, cases[i].back ? 0 : -EINVAL);
		if (cases[i].back)
			assert_string_equal(net_address_format(text, &a), cases[i].back);
	}
}

static void subnet_texts(void **state)
{
	static const struct {
		const char *text;
		int result;
		const char *back;
	} cases[] = {
		{"10.77.0.0/24", 0, "10.77.0.0/24"},
		{"10.77.0.5/24", -ERANGE, "10.77.0.0/24"},
		{"10.77.255.255/17", -ERANGE, "10.77.128.0/17"},
		{"0.0.0.0/0", 0, "0.0.0.0/0"},
		{"10.0.0.1/32", 0, "10.0.0.1/32"},
		{"fd00:88::/64", 0, "fd00:88::/64"},
		{"fd00:88::ff/121", -ERANGE, "fd00:88::80/121"},
		{"10.77.0.0/33", -EINVAL, NULL},
		{"10.77.0.0", -EINVAL, NULL},
		{"10.77.0.0/", -EINVAL, NULL},
		{"10.77.0.0/-1", -EINVAL, NULL},
		{"10.77.0.0/2 4", -EINVAL, NULL},
		{"fd00::/129", -EINVAL, NULL},
		{"fd00:1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa/64", -EINVAL, NULL},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct net_subnet s;
		char text[NET_SUBNET_TEXT];
		assert_int_equal(net_subnet_parse(cases[i].text, &s), cases[i].result);
		if (cases[i].back)
			assert_string_equal(net_subnet_format(text, &s), cases[i].back);
	}
}

static void subnet(const char *text, struct net_subnet *out)
{
	assert_int_equal(net_subnet_parse(text, out), 0);
}

static void membership(void **state)
{
	static const struct {
		const char *a;
		const char *b;
		bool overlaps;
	} cases[] = {
		{"10.88.0.0/16", "10.88.255.0/24", true},
		{"10.88.255.0/24", "10.88.0.0/16", true},
		{"10.88.0.0/16", "10.89.0.0/16", false},
		{"0.0.0.0/0", "10.89.0.0/16", true},
		{"10.88.0.0/15", "10.89.0.0/16", true},
		{"0.0.0.0/0", "::/0", false},
		{"fd00::/64", "fd00::1:0:0:0:0/64", false},
		{"fd00::/60", "fd00:0:0:f::/64", true},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct net_subnet a, b;
		subnet(cases[i].a, &a);
		subnet(cases[i].b, &b);
		assert_int_equal(net_subnet_overlaps(&a, &b), cases[i].overlaps);
		assert_int_equal(net_subnet_overlaps(&b, &a), cases[i].overlaps);
	}
}

static void hosts(void **state)
{
	static const struct {
		const char *subnet;
		uint64_t number;
		const char *address; /* NULL: there is none */
	} cases[] = {
		{"10.88.0.0/16", 0, NULL},
		{"10.88.0.0/16", 1, "10.88.0.1"},
		{"10.88.0.0/16", 255, "10.88.0.255"},
		{"10.88.0.0/16", 256, "10.88.1.0"},
		{"10.88.0.0/16", 65534, "10.88.255.254"},
		{"10.88.0.0/16", 65535, NULL},
		{"10.0.0.0/8", 0xfffffe, "10.255.255.254"},
		{"10.77.0.0/30", 2, "10.77.0.2"},
		{"10.77.0.0/30", 3, NULL},
		{"10.77.0.0/31", 1, NULL},
		{"10.77.0.1/32", 1, NULL},
		{"255.255.255.252/30", 2, "255.255.255.254"},
		{"fd00::/64", 0xffff, "fd00::ffff"},
		{"fd00::/64", 0x10000, "fd00::1:0"},
		{"fd00::/64", UINT64_MAX, "fd00::ffff:ffff:ffff:ffff"},
		{"fd00::/32", UINT64_MAX, "fd00::ffff:ffff:ffff:ffff"},
		{"fd00::/126", 3, "fd00::3"},
		{"fd00::/126", 4, NULL},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct net_subnet s;
		struct net_address a;
		char text[NET_ADDRESS_TEXT];
		subnet(cases[i].subnet, &s);
		int r = net_subnet_host(&s, cases[i].number, &a);
		assert_int_equal(r, cases[i].address ? 0 : -ERANGE);
		if (cases[i].address)
			assert_string_equal(net_address_format(text, &a), cases[i].address);
	}
}

static void overflow(void **state)
{
	struct net_address a;

	assert_int_equal(net_address_parse("255.255.255.255", &a), 0);
	assert_int_equal(net_address_add(&a, 1), -ERANGE);
	assert_int_equal(net_address_parse("255.255.254.255", &a), 0);
	assert_int_equal(net_address_add(&a, 1), 0);
	assert_int_equal(a.bytes[2], 255);
	assert_int_equal(a.bytes[3], 0);
}

static void macs(void **state)
{
	struct net_address a;
	uint8_t mac[6];

	assert_int_equal(net_address_parse("10.88.1.2", &a), 0);
	net_mac(mac, &a);
	assert_memory_equal(mac, "\x02\x68\x0a\x58\x01\x02", 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts),
		cmocka_unit_test(subnet_texts),
		cmocka_unit_test(membership),
		cmocka_unit_test(hosts),
		cmocka_unit_test(overflow),
		cmocka_unit_test(macs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
