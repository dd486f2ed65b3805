/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Asking whether a port of this host is free, by binding and closing at once. Silent, -errno.
 */
#include <stddef.h>
#include <stdint.h>

/* `address` has 4 or 16 bytes, `protocol` is IPPROTO_TCP, _UDP or _SCTP. -EADDRINUSE, -EADDRNOTAVAIL (not an address
 * of this host); a protocol that the kernel lacks has no taken ports. */
int port_probe(const uint8_t *address, size_t size, int protocol, uint16_t port);
