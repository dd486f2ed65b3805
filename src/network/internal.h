/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Shared inside network/: networks as records, endpoints, the host's part. */
#include "net/net.h"
#include "network/network.h"
#include "sys/fd.h"

/* The handle of the host's network, opened once and closed with the engine. Closing a netfilter
 * socket early costs time: the kernel makes the closing process wait for deletions through any such
 * socket (12 ms), unless they are nearly done. Borrowed. */
int engine_net(struct engine *e, struct net **out);

/* Forwarding of the host (forwarding.c). ensure: switches it on. restore: adds to new rules what
 * they keep closed. return: switches it off if only husk needs it. 0: forwarding and the rules
 * stay; 1: the rules may be removed. */
int forwarding_ensure(const struct engine *e, struct net *net);
int forwarding_restore(const struct engine *e, struct net *net);
int forwarding_return(const struct engine *e, struct net *net);

/* networks/NAME.json. */
struct network {
	const char *name, *id, *driver, *bridge;
	struct net_subnet subnet; /* IPv4 */
	struct net_address gateway;
	bool is_internal;
	uint64_t created_ns;
};

/* A container's leases in a network, as bytes in its run directory. */
enum { ENDPOINT_PORTS_MAX = 256 };

struct endpoint {
	uint32_t version;
	uint32_t port_count;
	uint32_t is_internal;
	char network_id[CONTAINER_ID_LEN + 1];
	char bridge[NET_NAME_TEXT];
	char driver[16];
	struct net_subnet subnet;
	struct net_address gateway;
	struct net_address address;
	struct net_publication ports[ENDPOINT_PORTS_MAX];
};
int endpoint_store(const struct engine *e, const char *id, struct endpoint *endpoint);
/* Silent; -ENOENT: no endpoint; -EBADMSG: of another version. */
int endpoint_load(const struct engine *e, const char *id, struct endpoint *out);
void endpoint_remove(const struct engine *e, const char *id);

/* -ENOENT: network "x" not found. */
int network_read(struct engine *e, const char *name, struct arena *a, struct network *out);
/* The same, and makes the default network `bridge` on first use. */
int network_load(struct engine *e, const char *name, struct arena *a, struct network *out);
/* The same, and returns a shared lock: until it is closed the network cannot be removed. The caller
 * leases an address meanwhile. */
int network_hold(struct engine *e, const char *name, struct arena *a, struct network *out);
/* The names of all records. */
int network_names(struct engine *e, struct strvec *out);
/* Chooses what the caller left open (subnet, gateway), refuses collisions, gives the network an id
 * and stores it. The caller holds the lock of the networks. */
int network_make(struct engine *e, struct network *n, struct arena *a);
