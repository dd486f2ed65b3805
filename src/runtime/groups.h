/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* A container's cgroup and its manager, for the files of this folder. Everything speaks; host. */
#include "runtime/internal.h"

struct dbus;

/* The steps by which a new container gets its group. */
struct runtime_group {
	struct runtime *rt;
	struct oci_spec *spec;
	struct runtime_state *state;
	struct arena *arena;
	/* Used by the manager systemd only: */
	struct dbus *systemd;
	unsigned version;
	const char *slice;
	int placeholder; /* pidfd of the process that holds the scope until init is in it; owned */
	int pipe; /* the placeholder ends when this end is closed */
};
void runtime_group_close(struct runtime_group *g);
AUTO_STRUCT(runtime_group, struct runtime_group, runtime_group_close)

/* Decides the group: sets spec->cgroup_path (NULL: no group) and the state. Makes nothing. */
int runtime_group_place(struct runtime_group *g);
/* Calls launch_prepare and launch_start, with the group. */
int runtime_group_launch(struct runtime_group *g, struct launch *launch);
/* Writes the given limits, and tells the manager. */
int runtime_group_update(struct runtime *rt, const struct runtime_state *state,
	const struct oci_spec *spec, struct cgroup *group);
/* The group must be empty by then. A missing group is success. */
int runtime_group_remove(struct runtime *rt, const struct runtime_state *state);

/* The manager systemd, in order. A placeholder process holds the scope until init is in it. */
int runtime_scope_place(struct runtime_group *g);
int runtime_scope_make(struct runtime_group *g, struct launch *launch);
int runtime_scope_loosen(struct runtime_group *g, struct launch *launch);
int runtime_scope_settle(struct runtime_group *g, struct launch *launch);
int runtime_scope_update(struct runtime *rt, const struct runtime_state *state,
	const struct oci_spec *spec, struct cgroup *group);
int runtime_scope_remove(struct runtime *rt, const struct runtime_state *state);

/* "slice:prefix:name" of cgroupsPath, or nothing, as a unit and the slice that contains it. */
struct runtime_unit {
	const char *name, *slice;
	bool is_slice; /* the unit itself is a slice */
};
int runtime_unit_parse(
	const char *text, const char *id, bool is_user, struct arena *a, struct runtime_unit *out);
/* The path of the unit's group below systemd's own group: "a.slice/a-b.slice/NAME". */
const char *runtime_unit_path(const struct runtime_unit *unit, struct arena *a);
/* Adds systemd's property for a cgroup file (version 2), if there is one, to an a(sv). Silent. */
struct dbus_writer;
void runtime_unit_limit(
	struct dbus_writer *properties, unsigned version, const char *file, const char *text);
