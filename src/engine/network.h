/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Shared inside engine/: networks as records, and ports as text. */
#include "engine/internal.h"
#include "net/net.h"

/* networks/NAME.json. */
struct network {
	const char *name, *id, *driver, *bridge;
	struct net_subnet subnet; /* IPv4 */
	struct net_address gateway;
	bool is_internal;
	uint64_t created_ns;
};

/* -ENOENT "network x not found". */
int network_read(struct engine *e, const char *name, struct arena *a, struct network *out);
/* The same, and the default network `bridge` is made on first use. */
int network_load(struct engine *e, const char *name, struct arena *a, struct network *out);
int network_store(struct engine *e, const struct network *n);
/* Chooses what the caller left open (subnet, gateway), refuses collisions, gives it an id and stores it. The caller has
 * the lock of the networks. */
int network_make(struct engine *e, struct network *n, struct arena *a);

int port_parse(const char *text, struct net_publication *out);
void port_format(const struct net_publication *p, struct buf *out);
