/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Who talks to a registry: the one worker with a network. It sees nothing of the store. Of a pull it is the fetcher, which
 * makes the directory of an OCI layout out of what the registry answers; blobs grow there while the importer reads them.
 */
#include "base/arena.h"

#include <stdbool.h>

/* What husk asks of it. It goes as JSON in a sealed memfd: a secret has no place among arguments. */
struct fetch_request {
	const char *domain, *path; /* no path: only the registry is meant */
	const char *reference; /* canonical: what the layout calls the image */
	const char *version; /* a tag or a digest */
	const char *architecture; /* NULL: this machine's */
	const char *user, *secret; /* NULL: nobody has logged in */
	const char *identity_token; /* instead of both */
	bool is_unverified;
};
/* husk: a sealed memfd. The worker: strings in the arena. Both speak. */
int fetch_request_write(const struct fetch_request *request);
int fetch_request_read(int fd, struct arena *a, struct fetch_request *out);
/* husk: the variables of its environment that name proxies; NULL-terminated. */
const char *const *fetch_environment(struct arena *a);

/* `ready` is told when all documents are there and the layers are on the board. */
int fetch(int request_fd, int dir_fd, int board_fd, int (*ready)(void));
/* Does the registry let this user in? */
int fetch_login(int request_fd);
