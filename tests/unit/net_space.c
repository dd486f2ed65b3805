/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Throwaway network namespaces for the tests of net/: the test itself moves into a fresh one, which
 * stands for the host.
 */
#include "net/net.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static int space_host = -1;

static inline int space_current(void)
{
	int fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

static inline void space_enter(int fd)
{
	assert_int_equal(setns(fd, CLONE_NEWNET), 0);
}

/* Makes a new namespace; the process stays in its own. */
static inline int space_make(void)
{
	int home = space_current();
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	int made = space_current();
	space_enter(home);
	close(home);
	return made;
}

/* Moves the test into its own host; prints the reason and returns false if it may not. */
static inline bool space_begin(void)
{
	if (unshare(CLONE_NEWNET) < 0) {
		print_message("skipped: making a network namespace needs root\n");
		return false;
	}
	space_host = space_current();
	return true;
}

static inline struct net_address address(const char *text)
{
	struct net_address a = {0};

	assert_int_equal(net_address_parse(text, &a), 0);
	return a;
}

/* An interface's address: host bits are wanted here. */
static inline struct net_subnet interface(const char *text, uint8_t length)
{
	return (struct net_subnet){.address = address(text), .length = length};
}

static inline socklen_t socket_address(
	struct sockaddr_storage *out, const char *host, uint16_t port)
{
	struct net_address a = address(host);

	memset(out, 0, sizeof(*out));
	if (a.size == 4) {
		struct sockaddr_in *v4 = (struct sockaddr_in *)out;
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		memcpy(&v4->sin_addr, a.bytes, 4);
		return sizeof(*v4);
	}
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(port);
	memcpy(&v6->sin6_addr, a.bytes, 16);
	return sizeof(*v6);
}

static inline int socket_in(int space, const char *host, int type)
{
	space_enter(space);
	int fd = socket(strchr(host, ':') ? AF_INET6 : AF_INET, type | SOCK_CLOEXEC, 0);
	space_enter(space_host);
	assert_true(fd >= 0);
	return fd;
}

/* A bound socket in a namespace; the kernel completes connections without accept(2). */
static inline int space_serve(int space, const char *host, uint16_t port, int type)
{
	struct sockaddr_storage a;
	socklen_t size = socket_address(&a, host, port);
	int fd = socket_in(space, host, type), on = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	assert_int_equal(bind(fd, (struct sockaddr *)&a, size), 0);
	if (type == SOCK_STREAM)
		assert_int_equal(listen(fd, 64), 0);
	return fd;
}

static inline const char *socket_peer_text(
	char out[static NET_ADDRESS_TEXT], const struct sockaddr_storage *a)
{
	const void *bytes = a->ss_family == AF_INET
		? (const void *)&((const struct sockaddr_in *)a)->sin_addr
		: (const void *)&((const struct sockaddr_in6 *)a)->sin6_addr;

	assert_non_null(inet_ntop(a->ss_family, bytes, out, NET_ADDRESS_TEXT));
	return out;
}

/* A refused packet is silently dropped: the time until it counts as refused, and the time that an
 * answer may take on a busy machine. */
enum { SPACE_REFUSED_MS = 40, SPACE_PATIENCE_MS = 1500 };

static inline bool space_connects_within(
	int space, const char *device, const char *host, uint16_t port, int patience_ms)
{
	struct sockaddr_storage a;
	socklen_t size = socket_address(&a, host, port);
	int fd = socket_in(space, host, SOCK_STREAM | SOCK_NONBLOCK), error = 0;
	/* Closing resets the connection: no half-closed socket keeps a namespace alive. */
	struct linger at_once = {.l_onoff = 1};
	socklen_t error_size = sizeof(error);
	struct pollfd waiting = {.fd = fd, .events = POLLOUT};

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	if (device)
		assert_int_equal(
			setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device, strlen(device)), 0);
	bool is_open = connect(fd, (struct sockaddr *)&a, size) == 0;
	if (!is_open && poll(&waiting, 1, patience_ms) == 1)
		is_open = getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &error_size) == 0 &&
			error == 0;
	close(fd);
	return is_open;
}

/* Can the namespace reach host:port by TCP? `device` (may be NULL) forces the interface. */
static inline bool space_connects(int space, const char *device, const char *host, uint16_t port)
{
	return space_connects_within(space, device, host, port, SPACE_PATIENCE_MS);
}

static inline bool space_refuses(int space, const char *device, const char *host, uint16_t port)
{
	return !space_connects_within(space, device, host, port, SPACE_REFUSED_MS);
}

/* The source address of the last connection, as the server saw it. */
static inline const char *space_accept(int server, char out[static NET_ADDRESS_TEXT])
{
	struct sockaddr_storage peer;
	socklen_t size = sizeof(peer);
	struct pollfd waiting = {.fd = server, .events = POLLIN};

	out[0] = '\0';
	while (poll(&waiting, 1, 0) == 1) {
		size = sizeof(peer);
		int fd = accept(server, (struct sockaddr *)&peer, &size);
		assert_true(fd >= 0);
		close(fd);
		socket_peer_text(out, &peer);
	}
	return out;
}

/* Sends a datagram to host:port, which `server` answers if it arrives. Does the answer come
 * back? */
static inline bool space_echoes_within(
	int space, const char *host, uint16_t port, int server, int patience_ms)
{
	struct sockaddr_storage a, from;
	socklen_t size = socket_address(&a, host, port), from_size = sizeof(from);
	int fd = socket_in(space, host, SOCK_DGRAM);
	struct pollfd arrival = {.fd = server, .events = POLLIN},
		      answer = {.fd = fd, .events = POLLIN};
	char text[8];

	bool is_answered = connect(fd, (struct sockaddr *)&a, size) == 0 &&
		send(fd, "ping", 4, 0) == 4 && poll(&arrival, 1, patience_ms) == 1 &&
		recvfrom(server, text, sizeof(text), 0, (struct sockaddr *)&from, &from_size) ==
			4 &&
		sendto(server, "pong", 4, 0, (struct sockaddr *)&from, from_size) == 4 &&
		poll(&answer, 1, patience_ms) == 1 && recv(fd, text, sizeof(text), 0) == 4;
	close(fd);
	return is_answered;
}

static inline bool space_echoes(int space, const char *host, uint16_t port, int server)
{
	return space_echoes_within(space, host, port, server, SPACE_PATIENCE_MS);
}
