/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Shared inside engine/. */
#include "engine/engine.h"
#include "monitor/monitor.h"
#include "oci/oci.h"
#include "launch/launch.h"
#include "sys/fd.h"

#define MONITOR_PATH HUSK_LIBEXEC "/husk-monitor"
#define INIT_PATH HUSK_LIBEXEC "/husk-init"

/* Cgroups: groups.c. "husk-<instance>/<id>" */
void container_cgroup_path(const struct engine *e, const char *id, struct buf *out);
/* The monitors' group, made if needed. Returns a lock: the group stays until it is closed. */
int monitors_group_open(const struct engine *e, struct cgroup_entry *out);
/* Removes the cgroups of the instance when they are empty. */
int instance_groups_remove(const struct engine *e);
/* The same after a command or a monitor that was killed: the processes that it leaves there are waited for, unless the end of
 * another container will remove the groups. */
int instance_groups_sweep(struct engine *e);

/* What commands that died have left: sweep.c. */
void pending_sweep(struct engine *e);
/* Returns when a container that is being made is one, or is swept because its command died; at most a second later. A
 * command that was killed holds its locks on in the copy of its fds that init has until it executes. */
void pending_settle(struct engine *e, const char *id);

/* Volumes: volumes.c. */
int volumes_make(struct engine *e, const struct container *c);
/* Shared from before a container's volumes are made until its record names them; alone to remove one. */
int volumes_use_lock(struct engine *e, bool is_alone);
int anonymous_remove(struct engine *e, const char *id); /* those that nobody else uses */
/* Makes what a container owns on disk; pending_sweep undoes it, whole or in part. */
int container_create(struct engine *e, struct container *c);
/* The run directory with the files that become /etc/hosts and so on; forgets the exit of an earlier run. */
int container_run_dir_begin(struct engine *e, const struct container *c);

/* The root: root.c. The directories that its overlay is made of, lowest first, as the rows of a plan say them. */
int root_layers(
	const struct engine *e, const struct container *c, struct arena *a, struct str_list *out);
/* A detached mount of all layers below the writable one. */
int root_open(const struct engine *e, const struct container *c);
/* The topmost of its layers: of an image without any the mount points; of --rootfs that directory. */
int container_top_open(const struct engine *e, const struct container *c);
/* What is below the writable layer, as a read-only root. */
int container_image_root_open(const struct engine *e, const struct container *c);

/* The end of a container, of each kind; its lock, or that of its pending file, is the caller's. */
enum end_kind {
	END_EXIT, /* its process has ended */
	END_FAILURE, /* it could not be started */
	END_SWEEP, /* the command that made or started it has died */
	END_REMOVAL
};
struct end {
	enum end_kind kind;
	const char *id, *name; /* NULL: whatever name it has */
	bool stays; /* as a container; otherwise its files go */
	bool keeps_volumes; /* those that it was given without a name */
	const struct container_facts *facts; /* NULL: its row is right already */
	struct cgroup *group; /* its group, where that is open; borrowed */
};
int container_end(struct engine *e, const struct end *end);
/* The end that was found; 1 when there was one. */
int collect(struct engine *e, const char *id);
/* The end as this process saw it, its parent. */
int foreground_ended(struct engine *e, const struct container *c, const struct launch *l, int code);
/* Undoes a start. The trail is kept; an error means that something is left. */
int start_failed(struct engine *e, const struct container *c, bool stays);
/* Returns when the end of a container whose process is gone is recorded: the process that should do it has a moment, then
 * it is done here. */
int wait_collected(struct engine *e, const char *id, const struct summary *summary);
/* container_settle of all. */
int containers_settle(struct engine *e);

/* A container on its way from "created" or "exited" to "running". Its lock is held meanwhile, so that who stops or
 * removes it, or collects its end, comes before or after. */
struct start {
	struct engine *e;
	struct container *c;
	struct launch launch;
	int lock; /* the container's */
	int gate; /* a place among those that start: let go when the payload runs */
	bool has_ended; /* in the foreground: it ran, and its end is recorded */
	int left; /* negative: something of it is left */
};
/* 126: found but not executable; 127: not found; 125: husk's own failure. */
int exit_code_of(int code, enum launch_phase phase);
/* What a monitor is told, and what it is given besides: where it lives and where it came from. Returns the lock of its
 * group. */
int monitor_begin_fill(const struct engine *e, const char *id, struct monitor_begin *out);
int parts_fill(const struct engine *e, struct monitor_parts *parts, struct cgroup_entry *group,
	struct cgroup_entry *home);
/* Hands a prepared launch to a monitor and returns when the payload runs. */
int detached_run(struct start *s);
/* The process that will be the payload, while it still waits; then, when it runs, the row that says so, and the lock is
 * let go. */
int payload_identify(const struct launch *l, struct process_id *out);
int started_record(
	struct start *s, const struct process_id *monitor, const struct process_id *payload);

/* This process as the monitor: foreground.c. Pipes between the payload and it, unless there is a terminal; letting the
 * payload go; supervising it to its end. */
void foreground_init(struct monitor *m, bool has_stdin);
void foreground_close(struct monitor *m);
int pipes_make(struct launch *l, struct monitor *m, bool has_stdin);
int foreground_release(struct launch *l);
int foreground_supervise(struct launch *l, struct monitor *m, int *out_code);
/* All of it for a container. */
int foreground_run(struct start *s, int *out_code);

/* Compose: a container, its image and the defaults become an OCI specification. `root_fd` shows the files of the
 * container (for its users). */
int compose_run(struct engine *e, const struct container *c, int root_fd, struct arena *a,
	struct oci_spec *out);
int compose_exec(struct engine *e, const struct container *c, const struct exec_request *request,
	int root_fd, struct arena *a, struct oci_spec *out);
/* Lists of defaults with their origin; see defaults.c. */
void defaults_add(struct arena *a, struct oci_spec *spec, bool is_privileged);
