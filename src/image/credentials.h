/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Logins at registries, where docker keeps them: config.json in $DOCKER_CONFIG, or in .docker of
 * $HOME, and the credential helpers that it names (programs docker-credential-NAME). Used by husk,
 * not by the worker. Everything speaks.
 */
#include "image/fetch.h"

/* Fills in the user and secret, or the identity token, for the request's domain, if there is a
 * login. A helper that fails is only a warning, because most images need no login. */
int credentials_find(struct arena *a, struct fetch_request *request);
/* Stores the login of the request; *out_where: the file or program that keeps it. */
int credentials_store(struct arena *a, const struct fetch_request *request, const char **out_where);
/* -ENOENT: there is no login. */
int credentials_erase(struct arena *a, const char *domain);
