/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The part that leases of addresses and of ports share. Silent unless noted.
 */
#include "net/net.h"

enum { LEASE_NAME = 80 };

/* The target of a lease: `OWNER@BOOT`. */
struct lease_owner {
	char owner[NET_OWNER_TEXT];
	char boot[40];
};

/* The owner in the form that is written; speaking. */
int lease_self(struct lease_owner *out, const char *owner);
int lease_read(int leases_fd, const char *name, struct lease_owner *out);
/* 1: claimed. 0: it was ours before. -EEXIST: another owner has it, see *out_other. */
int lease_claim(int leases_fd, const char *name, const struct lease_owner *self,
	struct lease_owner *out_other);
/* Removes the lease if it belongs to this owner. */
int lease_give_back(int leases_fd, const char *name, const char *owner);
