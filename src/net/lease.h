/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * One claim, as addresses and ports both make it. Silent unless noted.
 */
#include "net/net.h"

enum { LEASE_NAME = 80 };

/* What a lease points at: `OWNER@BOOT`. */
struct lease_owner {
	char owner[NET_OWNER_TEXT];
	char boot[40];
};

/* The owner as it will be written; speaking. */
int lease_self(struct lease_owner *out, const char *owner);
int lease_read(int leases_fd, const char *name, struct lease_owner *out);
/* 1 claimed, 0 it was ours before, -EEXIST and *out_other when it is another's. */
int lease_claim(int leases_fd, const char *name, const struct lease_owner *self,
	struct lease_owner *out_other);
/* Removes the lease when it is this owner's. */
int lease_give_back(int leases_fd, const char *name, const char *owner);
