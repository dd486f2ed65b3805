/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Users and groups of the host, by name or number. They are looked up in /etc/passwd and
 * /etc/group; for what is not there (a directory service) the program getent is run, because a
 * static program has no name service of its own. Never for a container's users. Silent; any
 * process but init.
 */
#include <stdint.h>

/* Longer names are not found. */
enum { USER_NAME_MAX = 256 };

struct user_entry {
	char name[USER_NAME_MAX];
	uint32_t id;
};

/* `key` is a name, or a number in decimal. -ENOENT. */
int user_find(const char *key, struct user_entry *out);
int user_group_find(const char *key, struct user_entry *out);
int user_find_id(uint32_t uid, struct user_entry *out);
