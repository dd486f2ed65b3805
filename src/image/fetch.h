/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The worker that talks to a registry, the only one with a network. It sees nothing of the store.
 * In a pull it is the fetcher: it makes the directory of an OCI layout from what the registry
 * answers. Blobs grow in that directory while the importer reads them.
 */
#include "base/arena.h"

#include <stdbool.h>

/* What husk asks of the worker. It is passed as JSON in a sealed memfd: a secret must not be an
 * argument. */
struct fetch_request {
	const char *domain, *path; /* no path: only the registry is meant */
	const char *reference; /* canonical: what the layout calls the image */
	const char *version; /* a tag or a digest */
	const char *architecture; /* NULL: this machine's */
	const char *user, *secret; /* NULL: there is no login */
	const char *identity_token; /* instead of user and secret */
	bool is_unverified;
};
/* husk writes a sealed memfd. The worker reads it; the strings are in the arena. Both speak. */
int fetch_request_write(const struct fetch_request *request);
int fetch_request_read(int fd, struct arena *a, struct fetch_request *out);
/* husk: those variables of its environment that name proxies; NULL-terminated. */
const char *const *fetch_environment(struct arena *a);

/* Calls `ready` when all documents are there and the layers are on the board. */
int fetch(int request_fd, int dir_fd, int board_fd, int (*ready)(void));
/* Does the registry let this user in? */
int fetch_login(int request_fd);
