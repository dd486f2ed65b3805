/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Leases of addresses and ports: addresses that are never leased, races, conflicts, and leases of
 * another boot.
 */
#include "net/lease.c"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct place {
	char path[64];
	int fd;
};

static int make_place(void **state)
{
	struct place *place = calloc(1, sizeof(*place));

	fmt(place->path, "/tmp/husk-test-lease-XXXXXX");
	assert_non_null(mkdtemp(place->path));
	place->fd = open(place->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(place->fd >= 0);
	*state = place;
	return 0;
}

static int remove_place(void **state)
{
	struct place *place = *state;

	file_remove_tree_at(AT_FDCWD, place->path);
	close(place->fd);
	free(place);
	return 0;
}

static struct net_address address(const char *text)
{
	struct net_address a = {0};

	assert_int_equal(net_address_parse(text, &a), 0);
	return a;
}

static struct net_subnet subnet(const char *text)
{
	struct net_subnet s = {0};

	assert_int_equal(net_subnet_parse(text, &s), 0);
	return s;
}

static bool has(const struct place *place, const char *name)
{
	struct stat st;

	return fstatat(place->fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static void in_order_until_exhausted(void **state)
{
	struct place *place = *state;
	struct net_subnet s = subnet("10.77.0.0/29");
	struct net_address gateway = address("10.77.0.3"), a;
	static const char *const expected[] = {
		"10.77.0.1", "10.77.0.2", "10.77.0.4", "10.77.0.5", "10.77.0.6"};
	char text[NET_ADDRESS_TEXT];

	for (size_t i = 0; i < 5; i++) {
		assert_int_equal(net_lease_next(place->fd, &s, &gateway, "web", &a), 0);
		assert_string_equal(net_address_format(text, &a), expected[i]);
	}
	for (int i = 0; i < 2; i++) {
		assert_int_equal(net_lease_next(place->fd, &s, &gateway, "web", &a), -ENOSPC);
		assert_string_equal(err_text(), "no address of 10.77.0.0/29 is free");
	}

	/* An address that was given back is found again, wherever the hint points. */
	a = address("10.77.0.2");
	assert_int_equal(net_lease_release(place->fd, &a, "somebody else"), 0);
	assert_true(has(place, "ip-10.77.0.2"));
	assert_int_equal(net_lease_release(place->fd, &a, "web"), 0);
	assert_false(has(place, "ip-10.77.0.2"));
	assert_int_equal(net_lease_release(place->fd, &a, "web"), 0);
	assert_int_equal(net_lease_next(place->fd, &s, &gateway, "db", &a), 0);
	assert_string_equal(net_address_format(text, &a), "10.77.0.2");
}

static void carries_beyond_255(void **state)
{
	struct place *place = *state;
	struct net_subnet s = subnet("10.77.0.0/22");
	struct net_address gateway = address("10.77.0.1"), a;
	char text[NET_ADDRESS_TEXT];

	for (int i = 0; i < 1021; i++)
		assert_int_equal(net_lease_next(place->fd, &s, &gateway, "many", &a), 0);
	assert_string_equal(net_address_format(text, &a), "10.77.3.254");
	assert_int_equal(net_lease_next(place->fd, &s, &gateway, "many", &a), -ENOSPC);
	assert_true(has(place, "ip-10.77.0.255"));
	assert_true(has(place, "ip-10.77.1.0"));
	assert_false(has(place, "ip-10.77.0.0"));
	assert_false(has(place, "ip-10.77.0.1"));
	assert_false(has(place, "ip-10.77.3.255"));
	assert_int_equal(net_lease_release_all(place->fd, "many"), 0);
	assert_false(has(place, "ip-10.77.1.0"));
}

static void one_address(void **state)
{
	struct place *place = *state;
	struct net_subnet s = subnet("10.77.0.0/24"), s6 = subnet("fd00::/64");
	struct net_address gateway = address("10.77.0.1");
	static const struct {
		const char *address;
		int result;
		const char *words;
	} cases[] = {
		{"10.77.0.9", 0, NULL},
		{"10.77.1.9", -EINVAL, "the address 10.77.1.9 is not in the subnet 10.77.0.0/24"},
		{"fd00::1", -EINVAL, "the address fd00::1 is not in the subnet 10.77.0.0/24"},
		{"10.77.0.1", -EADDRINUSE, "the address 10.77.0.1 is the gateway's"},
		{"10.77.0.0", -EINVAL,
			"the address 10.77.0.0 names the subnet 10.77.0.0/24 as a whole"},
		{"10.77.0.255", -EINVAL,
			"the address 10.77.0.255 names the subnet 10.77.0.0/24 as a whole"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct net_address a = address(cases[i].address);
		int r = net_lease_address(place->fd, &s, &gateway, &a, "web");
		assert_int_equal(r, cases[i].result);
		if (cases[i].words)
			assert_string_equal(err_text(), cases[i].words);
	}
	struct net_address a = address("10.77.0.9"), a6 = address("fd00::9");
	assert_int_equal(net_lease_address(place->fd, &s, &gateway, &a, "web"), 0);
	assert_int_equal(net_lease_address(place->fd, &s, &gateway, &a, "db"), -EADDRINUSE);
	assert_string_equal(err_text(), "the address 10.77.0.9 belongs to web");
	assert_int_equal(net_lease_address(place->fd, &s6, NULL, &a6, "web"), 0);
	assert_true(has(place, "ip-fd00::9"));
}

static void of_another_boot(void **state)
{
	struct place *place = *state;
	struct net_subnet s = subnet("10.77.0.0/24");
	struct net_address a = address("10.77.0.9");
	struct lease_owner found;

	assert_int_equal(symlinkat("old@0000", place->fd, "ip-10.77.0.9"), 0);
	assert_int_equal(symlinkat("rubbish", place->fd, "ip-10.77.0.1"), 0);
	assert_int_equal(net_lease_address(place->fd, &s, NULL, &a, "new"), 0);
	assert_int_equal(lease_read(place->fd, "ip-10.77.0.9", &found), 0);
	assert_string_equal(found.owner, "new");
	assert_int_equal(net_lease_next(place->fd, &s, NULL, "new", &a), 0);
	assert_int_equal(lease_read(place->fd, "ip-10.77.0.1", &found), 0);
	assert_string_equal(found.owner, "new");
	/* For a process that saw the void lease, and got the lock after another had replaced it. */
	assert_int_equal(lease_self(&found, "late"), 0);
	assert_int_equal(replace_void_lease(place->fd, "ip-10.77.0.9", &found), -EEXIST);
	assert_int_equal(lease_read(place->fd, "ip-10.77.0.9", &found), 0);
	assert_string_equal(found.owner, "new");
}

enum { RACERS = 32 };

/* Claims an address when the pipe closes. The exit code is its last byte. */
static pid_t start_racer(int leases_fd, const int gate[2], int number)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid > 0)
		return pid;
	struct net_subnet s = subnet("10.77.0.0/26");
	struct net_address gateway = address("10.77.0.1"), a;
	char owner[16], byte;
	fmt(owner, "racer%d", number);
	close(gate[1]);
	if (read(gate[0], &byte, 1) != 0)
		_exit(125);
	_exit(net_lease_next(leases_fd, &s, &gateway, owner, &a) < 0 ? 126 : a.bytes[3]);
}

static void race(void **state)
{
	struct place *place = *state;
	bool seen[256] = {false};
	pid_t pids[RACERS];
	int gate[2];

	assert_int_equal(pipe(gate), 0);
	for (int i = 0; i < RACERS; i++)
		pids[i] = start_racer(place->fd, gate, i);
	close(gate[0]);
	close(gate[1]);
	for (int i = 0; i < RACERS; i++) {
		int status;
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_true(WIFEXITED(status));
		int last = WEXITSTATUS(status);
		assert_in_range(last, 2, 62);
		assert_false(seen[last]);
		seen[last] = true;
	}
}

static struct net_publication port(
	const char *host, uint16_t host_port, uint16_t count, enum net_protocol protocol)
{
	return (struct net_publication){.protocol = protocol,
		.host_port = host_port,
		.port = 80,
		.count = count,
		.host = address(host),
		.address = address(strchr(host, ':') ? "fd00::2" : "10.88.0.2")};
}

static void port_conflicts(void **state)
{
	struct place *place = *state;
	struct {
		struct net_publication wish;
		const char *owner;
		const char *words; /* NULL: granted */
	} cases[] = {
		{port("0.0.0.0", 18080, 1, NET_TCP), "web", NULL},
		{port("127.0.0.1", 18080, 1, NET_TCP), "db",
			"the port 18080/tcp of 0.0.0.0 is published by web already"},
		{port("0.0.0.0", 18080, 1, NET_TCP), "db",
			"the port 18080/tcp of 0.0.0.0 is published by web already"},
		{port("0.0.0.0", 18080, 1, NET_TCP), "web", NULL},
		{port("0.0.0.0", 18078, 2, NET_TCP), "below", NULL},
		{port("0.0.0.0", 18081, 2, NET_TCP), "above", NULL},
		{port("0.0.0.0", 18079, 1, NET_TCP), "db",
			"the port 18079/tcp of 0.0.0.0 is published by below already"},
		{port("0.0.0.0", 18076, 3, NET_TCP), "db",
			"the port 18078/tcp of 0.0.0.0 is published by below already"},
		{port("0.0.0.0", 18082, 9, NET_TCP), "db",
			"the port 18082/tcp of 0.0.0.0 is published by above already"},
		{port("0.0.0.0", 18080, 1, NET_UDP), "db", NULL},
		{port("::", 18080, 1, NET_TCP), "db", NULL},
		{port("127.0.0.1", 18090, 1, NET_TCP), "db", NULL},
		{port("127.0.0.2", 18090, 1, NET_TCP), "web", NULL},
		{port("0.0.0.0", 18085, 10, NET_TCP), "third", "the port 18090/tcp of 127.0.0."},
		{port("192.0.2.77", 18099, 1, NET_TCP), "web",
			"192.0.2.77 is not an address of this host"},
		{port("0.0.0.0", 65534, 2, NET_TCP), "last", NULL},
		{port("0.0.0.0", 65535, 2, NET_TCP), "web", "the published ports go beyond 65535"},
		{port("0.0.0.0", 20000, 4097, NET_TCP), "web",
			"4097 ports are too many to publish: at most 4096"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int r = net_lease_ports(place->fd, &cases[i].wish, 1, cases[i].owner, NULL);
		if (!cases[i].words) {
			assert_int_equal(r, 0);
			continue;
		}
		assert_true(r < 0);
		assert_true(str_prefix(err_text(), cases[i].words));
	}
	assert_true(has(place, "port-tcp-0.0.0.0-18080"));
	assert_true(has(place, "port-tcp-::-18080"));
	assert_false(has(place, "port-tcp-0.0.0.0-18085"));

	struct net_publication back = port("127.0.0.1", 18090, 1, NET_TCP);
	assert_int_equal(net_lease_release_ports(place->fd, &back, 1, "db"), 0);
	assert_false(has(place, "port-tcp-127.0.0.1-18090"));
	assert_int_equal(net_lease_release_all(place->fd, "web"), 0);
	assert_false(has(place, "port-tcp-0.0.0.0-18080"));
	assert_true(has(place, "port-tcp-::-18080"));
}

/* Listens on a port of 127.0.0.1 that the kernel chooses. */
static int listen_somewhere(uint16_t *out_port)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &size), 0);
	*out_port = ntohs(a.sin_port);
	return fd;
}

static void taken_by_a_program(void **state)
{
	struct place *place = *state;
	char words[100], name[LEASE_NAME];
	uint16_t number;
	int fd = listen_somewhere(&number);

	/* All or none: the first of the list is given back. */
	struct net_publication wishes[] = {
		port("0.0.0.0", 0, 3, NET_TCP), port("0.0.0.0", number, 1, NET_TCP)};
	assert_int_equal(net_lease_ports(place->fd, wishes, 2, "web", NULL), -EADDRINUSE);
	fmt(words, "the port %u/tcp of 0.0.0.0 is in use by another program", number);
	assert_string_equal(err_text(), words);
	close(fd);

	wishes[0].host_port = 0;
	assert_int_equal(net_lease_ports(place->fd, wishes, 2, "web", NULL), 0);
	assert_true(wishes[0].host_port >= 49153);
	for (unsigned i = 0; i < 3; i++) {
		fmt(name, "port-tcp-0.0.0.0-%u", wishes[0].host_port + i);
		assert_true(has(place, name));
	}

	struct net_publication other = port("127.0.0.1", 0, 1, NET_TCP);
	assert_int_equal(net_lease_ports(place->fd, &other, 1, "db", NULL), 0);
	assert_false(other.host_port >= wishes[0].host_port &&
		other.host_port < wishes[0].host_port + 3);
}

static void twice_in_one_list(void **state)
{
	struct place *place = *state;
	struct net_publication wishes[] = {
		port("0.0.0.0", 18100, 5, NET_TCP), port("127.0.0.1", 18104, 1, NET_TCP)};

	assert_int_equal(net_lease_ports(place->fd, wishes, 2, "web", NULL), -EINVAL);
	assert_string_equal(err_text(), "the port 18104/tcp is published twice");
	assert_false(has(place, "port-tcp-0.0.0.0-18100"));
}

static void bad_owner(void **state)
{
	struct place *place = *state;
	struct net_subnet s = subnet("10.77.0.0/24");
	struct net_address a;

	assert_int_equal(net_lease_next(place->fd, &s, NULL, "a@b", &a), -EINVAL);
}

#define WITH_PLACE(test) cmocka_unit_test_setup_teardown(test, make_place, remove_place)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_PLACE(in_order_until_exhausted),
		WITH_PLACE(carries_beyond_255),
		WITH_PLACE(one_address),
		WITH_PLACE(of_another_boot),
		WITH_PLACE(race),
		WITH_PLACE(port_conflicts),
		WITH_PLACE(taken_by_a_program),
		WITH_PLACE(twice_in_one_list),
		WITH_PLACE(bad_owner),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
