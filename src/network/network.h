/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The network of a container, in terms of the container network model: a sandbox (its network
 * namespace), and an endpoint in a network; and networks as objects. Nothing here starts or ends a
 * container. Everything speaks; host processes only.
 */
#include "oci/oci.h"
#include "records/records.h"

struct json_writer;

/* Closes the handle of the host's network, if it was opened. */
void network_close(struct engine *e);

/* Reports errors before anything is made: _check checks the settings, _find whether the network
 * exists. */
int network_check(const struct container *c);
int network_find(struct engine *e, const struct container *c);
/* Makes the files that become /etc/hosts, /etc/hostname and /etc/resolv.conf, in the run
 * directory. */
int own_files_make(const struct container *c, int run_dir);
/* Before init exists: leases an address, and adds its line to hosts. Then the published ports of a
 * container that has its address: -EADDRINUSE if one is taken. */
int network_address_lease(struct engine *e, const struct container *c);
int network_ports_lease(struct engine *e, const struct container *c);
/* While init mounts: makes the interface and publishes the ports. */
int network_attach(struct engine *e, const struct container *c, pid_t pid);
/* Gives back leases and published ports. May be called for a container that was never attached. */
int network_detach(struct engine *e, const char *id);
/* The same for a command that may have died before it recorded its leases. */
int network_abandon(struct engine *e, const char *id);
/* describe: address and ports for the row that `ps` shows. plan: the text rows of a plan. inspect:
 * the NetworkSettings of `inspect`. */
void network_describe(struct engine *e, const struct container *c, struct container_facts *out);
void network_plan(
	struct engine *e, const struct container *c, struct arena *a, struct oci_spec *spec);
void network_inspect(struct engine *e, const struct container *c, const struct summary *s,
	struct json_writer *w);

/* Networks. create chooses the fields that are NULL. remove refuses a network in use, with the name
 * of a user. prune removes unused networks, and of the default network the kernel's objects; names
 * are added to `out`. show writes the JSON of `network inspect`. */
struct network_request {
	const char *name, *driver, *subnet, *gateway;
	bool is_internal;
};
struct network_view {
	const char *name, *id, *driver, *subnet, *gateway;
};

struct network_list {
	struct network_view *items;
	size_t count;
};
int network_create(struct engine *e, const struct network_request *request, struct arena *a,
	const char **out_id);
int network_list(struct engine *e, struct arena *a, struct network_list *out);
int network_remove(struct engine *e, const char *name);
int network_prune(struct engine *e, struct strvec *out);
int network_show(struct engine *e, const char *name, struct buf *out);
