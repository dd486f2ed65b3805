/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asks whether a port is taken.
 */
#include "sys/port.h"

#include "sys/fault.h"
#include "sys/fd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

int port_probe(const uint8_t *address, size_t size, int protocol, uint16_t port)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	bool is_v4 = size == sizeof(v4.sin_addr);
	int on = 1, r = fault_hit("port_probe");

	if (r < 0)
		return r;
	auto_close int fd = socket(is_v4 ? AF_INET : AF_INET6,
		(protocol == IPPROTO_UDP ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, protocol);
	if (fd < 0)
		return errno == EPROTONOSUPPORT || errno == EAFNOSUPPORT ? 0 : -errno;
	/* Connections in TIME_WAIT do not keep a listener from the port: SO_REUSEADDR ignores
	 * them. With UDP this option would share a taken port. */
	if (protocol != IPPROTO_UDP)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (is_v4) {
		memcpy(&v4.sin_addr, address, sizeof(v4.sin_addr));
		r = bind(fd, (const struct sockaddr *)&v4, sizeof(v4));
	} else {
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
		memcpy(&v6.sin6_addr, address, sizeof(v6.sin6_addr));
		r = bind(fd, (const struct sockaddr *)&v6, sizeof(v6));
	}
	return r < 0 ? -errno : 0;
}
