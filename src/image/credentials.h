/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Logins at registries, where docker keeps them: config.json in $DOCKER_CONFIG, or in .docker of $HOME, and the credential
 * helpers that it names (programs docker-credential-NAME). Of husk, not of the worker. Everything speaks.
 */
#include "image/fetch.h"

/* Fills in user and secret, or identity token, of the request's domain, if somebody has logged in there. A helper that
 * cannot be asked is a warning: most images are for everybody. */
int credentials_find(struct arena *a, struct fetch_request *request);
/* Stores what the request has; *out_where: the file or program that has it now. */
int credentials_store(struct arena *a, const struct fetch_request *request, const char **out_where);
/* -ENOENT: nobody has logged in. */
int credentials_erase(struct arena *a, const char *domain);
