/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Shared inside registry/. */
#include "base/arena.h"
#include "base/err.h"
#include "registry/registry.h"

#include <curl/curl.h>

/* The host that serves a domain. */
const char *origin_host(const char *domain);
/* Does "host[:port]" name this machine? If so, plain HTTP is allowed. */
bool origin_is_loopback(const char *host);
/* May the login for `domain` be sent to the token service at `url`? `base` is the beginning of the
 * registry's own requests ("https://host[:port]/"). */
bool origin_trusts_realm(const char *domain, const char *base, const char *url);

/* "Bearer realm=..,service=..,scope=.." or "Basic ..": the login that a registry asks for. Absent
 * fields are NULL. */
struct challenge {
	bool is_basic;
	const char *realm, *service, *scope;
};
/* Silent: -EINVAL. */
int challenge_parse(const char *text, struct arena *a, struct challenge *out);

struct registry {
	const struct registry_place *place;
	struct arena arena;
	const char *base; /* "https://host/" */
	bool base_is_known; /* the registry has answered there */
	bool sends_basic;
	struct buf token; /* "": none */
};

/* A request and its answer. */
struct exchange {
	struct registry *registry;
	CURL *easy;
	struct curl_slist *headers;
	struct buf body; /* of a document, or of an error message */
	size_t body_max;
	int failure; /* of the function that took the answer; already reported */
	unsigned tries;
	bool has_authenticated;
	char why[CURL_ERROR_SIZE];
};
/* Begins a request for what is below /v2/PATH/ (NULL: for /v2/ itself), with the credentials that
 * the registry asks for. The body goes to CURLOPT_WRITEFUNCTION if the caller sets it, otherwise to
 * `body`. */
int exchange_begin(struct exchange *x, const char *tail, const char *accept);
/* Adds a part of the body to `body`. */
size_t exchange_keep(char *data, size_t size, size_t count, void *exchange);
void exchange_end(struct exchange *x);
AUTO_STRUCT(exchange, struct exchange, exchange_end)

/* Decides about an exchange that has ended with `result`: 0: it is done; positive: begin it again
 * in so many milliseconds; negative: it failed. Speaking. */
int exchange_judge(struct exchange *x, CURLcode result, const char *what);
