/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* A container's cgroup and its manager, for the files of this folder. Everything speaks; host. */
#include "runtime/internal.h"

struct dbus;

/* The way of a new container to its group. */
struct runtime_group {
	struct runtime *rt;
	struct oci_spec *spec;
	struct runtime_state *state;
	struct arena *arena;
	/* systemd's: */
	struct dbus *systemd;
	unsigned version;
	const char *slice;
	int placeholder; /* the pidfd of who holds the scope until init is in it; owned */
	int pipe; /* it ends with this one */
};
void runtime_group_close(struct runtime_group *g);
AUTO_STRUCT(runtime_group, struct runtime_group, runtime_group_close)

/* Decides what group it will be: spec->cgroup_path (NULL: none) and what the state says of it. Makes nothing. */
int runtime_group_place(struct runtime_group *g);
/* launch_prepare and launch_start, with the group. */
int runtime_group_launch(struct runtime_group *g, struct launch *launch);
/* Writes the limits that are given, and tells the manager. */
int runtime_group_update(struct runtime *rt, const struct runtime_state *state,
	const struct oci_spec *spec, struct cgroup *group);
/* It is empty by then; a missing one is success. */
int runtime_group_remove(struct runtime *rt, const struct runtime_state *state);

/* systemd's, in the order of a container's life: a scope, held by a placeholder until init has been born in it. */
int runtime_scope_place(struct runtime_group *g);
int runtime_scope_make(struct runtime_group *g, struct launch *launch);
int runtime_scope_loosen(struct runtime_group *g, struct launch *launch);
int runtime_scope_settle(struct runtime_group *g, struct launch *launch);
int runtime_scope_update(struct runtime *rt, const struct runtime_state *state,
	const struct oci_spec *spec, struct cgroup *group);
int runtime_scope_remove(struct runtime *rt, const struct runtime_state *state);

/* "slice:prefix:name" of cgroupsPath, or nothing, as a unit and the slice that it lies in. */
struct runtime_unit {
	const char *name, *slice;
	bool is_slice; /* the unit is one itself */
};
int runtime_unit_parse(
	const char *text, const char *id, bool is_user, struct arena *a, struct runtime_unit *out);
/* The unit's group below the manager's own: "a.slice/a-b.slice/NAME". */
const char *runtime_unit_path(const struct runtime_unit *unit, struct arena *a);
/* Adds what systemd calls the setting of a group's file, if it knows it, to an a(sv): version 2. Silent. */
struct dbus_writer;
void runtime_unit_limit(
	struct dbus_writer *properties, unsigned version, const char *file, const char *text);
