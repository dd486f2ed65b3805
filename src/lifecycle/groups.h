/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* A container's cgroup and its manager, for the files of this folder. Everything speaks; host. */
#include "lifecycle/internal.h"

struct dbus;

/* The way of a new container to its group. */
struct lifecycle_group {
	struct lifecycle *l;
	struct oci_spec *spec;
	struct lifecycle_state *state;
	struct arena *arena;
	/* systemd's: */
	struct dbus *systemd;
	unsigned version;
	const char *slice;
	int placeholder; /* the pidfd of who holds the scope until init is in it; owned */
	int pipe; /* it ends with this one */
};
void lifecycle_group_close(struct lifecycle_group *g);
AUTO_STRUCT(lifecycle_group, struct lifecycle_group, lifecycle_group_close)

/* Decides what group it will be: spec->cgroup_path (NULL: none) and what the state says of it. Makes nothing. */
int lifecycle_group_place(struct lifecycle_group *g);
/* launch_prepare and launch_start, with the group. */
int lifecycle_group_launch(struct lifecycle_group *g, struct launch *launch);
/* Writes the limits that are given, and tells the manager. */
int lifecycle_group_update(struct lifecycle *l, const struct lifecycle_state *state,
	const struct oci_spec *spec, struct cgroup *group);
/* It is empty by then; a missing one is success. */
int lifecycle_group_remove(struct lifecycle *l, const struct lifecycle_state *state);

/* systemd's, in the order of a container's life: a scope, held by a placeholder until init has been born in it. */
int lifecycle_scope_place(struct lifecycle_group *g);
int lifecycle_scope_make(struct lifecycle_group *g, struct launch *launch);
int lifecycle_scope_loosen(struct lifecycle_group *g, struct launch *launch);
int lifecycle_scope_settle(struct lifecycle_group *g, struct launch *launch);
int lifecycle_scope_update(struct lifecycle *l, const struct lifecycle_state *state,
	const struct oci_spec *spec, struct cgroup *group);
int lifecycle_scope_remove(struct lifecycle *l, const struct lifecycle_state *state);

/* "slice:prefix:name" of cgroupsPath, or nothing, as a unit and the slice that it lies in. */
struct lifecycle_unit {
	const char *name, *slice;
	bool is_slice; /* the unit is one itself */
};
int lifecycle_unit_parse(const char *text, const char *id, bool is_user, struct arena *a,
	struct lifecycle_unit *out);
/* The unit's group below the manager's own: "a.slice/a-b.slice/NAME". */
const char *lifecycle_unit_path(const struct lifecycle_unit *unit, struct arena *a);
/* Adds what systemd calls the setting of a group's file, if it knows it, to an a(sv): version 2. Silent. */
struct dbus_writer;
void lifecycle_unit_limit(
	struct dbus_writer *properties, unsigned version, const char *file, const char *text);
