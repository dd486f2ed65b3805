/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* A container between its bundle and its first process: the part that create and restore share. */
#include "runtime/groups.h"
#include "base/arena.h"

struct creation {
	struct runtime *rt;
	const struct runtime_create *request;
	struct arena arena;
	struct buf config, plan;
	struct oci_spec spec;
	struct runtime_state state;
	struct launch launch;
	struct runtime_group group;
	int dir, lock;
};

void creation_release(struct creation *c);
AUTO_STRUCT(creation, struct creation, creation_release)

/* Finds every error that the bundle can have, and makes its plan. Nothing has to be undone after
 * it. */
int creation_begin(struct creation *c, struct runtime *rt, const struct runtime_create *request);
/* Makes the container's directory and locks it. */
int creation_claim(struct creation *c);
/* Writes the container's state: from here on every other command finds the container. */
int creation_store(struct creation *c);
/* Gives the first process, its terminal and its number to the programs that asked for them. */
int creation_report(struct creation *c, struct runtime_child *out);
/* After a failure: ends the container's processes and removes what was made. The error trail is
 * kept. */
void creation_undo(struct creation *c);

/* The directory of the container's notify socket: where it is mounted, and making it. */
int runtime_notify_plan(struct creation *c);
int runtime_notify_make(int dir);
