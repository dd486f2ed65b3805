/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Asks whether a port of this host is free, by binding to it and closing at once. Silent, -errno.
 */
#include <stddef.h>
#include <stdint.h>

/* `address` has 4 or 16 bytes, `protocol` is IPPROTO_TCP, _UDP or _SCTP. -EADDRINUSE: the port is
 * taken; -EADDRNOTAVAIL: not an address of this host. For a protocol that the kernel lacks, every
 * port is free. */
int port_probe(const uint8_t *address, size_t size, int protocol, uint16_t port);
