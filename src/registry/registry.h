/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A repository at a registry, by the distribution specification: documents as a whole; blobs
 * several at once, continued where they were interrupted. Nothing here checks what a registry
 * answers: the caller checks the digests.
 *
 * Rules for every request (SECURITY.md, rule 6): https, unless the registry is on a loopback
 * address or its user has switched verification off. Credentials go to the registry's own origin,
 * and to a token service only over https and only when its host is the registry's domain, one below
 * it or one above it. A redirect is followed five times at most, never from https to http, and
 * takes no credentials to another origin (libcurl's own rule).
 *
 * Only husk-fetch links this (libcurl). Everything speaks.
 */
#include "base/buf.h"
#include "base/cleanup.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct registry_place {
	const char *domain; /* of an image reference: "docker.io" */
	const char *path; /* "library/busybox"; NULL: no repository, only a login */
	const char *user, *secret; /* NULL: there is no login */
	const char *identity_token; /* instead of both, for the token service; or NULL */
	const struct buf *authorities; /* trusted certificates, PEM */
	bool is_unverified; /* any certificate is accepted, and plain HTTP where there is no TLS */
};

struct registry;
/* Sends nothing yet; `place` is borrowed. */
int registry_open(const struct registry_place *place, struct registry **out);
void registry_close(struct registry *r);
AUTO_TYPE(registry, struct registry *, registry_close)

/* Loads what libcurl and libcrypto would look for in the file system later. Called before a process
 * locks itself in. */
int registry_begin(void);

/* Only logs in. -EACCES: the registry refuses this user or this password. */
int registry_enter(struct registry *r);

enum { REGISTRY_TYPE_MAX = 128 };
struct registry_document {
	struct buf body;
	char media_type[REGISTRY_TYPE_MAX]; /* as announced, without parameters; or "" */
};
/* GET /v2/PATH/TAIL, at most `max` bytes (-EFBIG). -ENOENT: there is none. -EACCES: not without a
 * login, or not for this user. A failure that may pass is tried again. */
int registry_get(struct registry *r, const char *tail, const char *accept, size_t max,
	struct registry_document *out);

/* A blob and the file that holds its first `have_bytes`, which grow to `size_bytes`. */
struct registry_blob {
	const char *hex;
	int fd;
	uint64_t size_bytes, have_bytes;
};
/* Downloads all of them. `grown` is called at each step; its failure ends the download. */
int registry_download(struct registry *r, struct registry_blob *blobs, size_t count,
	int (*grown)(void *context, const struct registry_blob *blob), void *context);
