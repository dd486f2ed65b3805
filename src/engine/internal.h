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
/* Opens the monitors' group, and makes it if needed. Returns a lock: the group stays until the lock
 * is closed. */
int monitors_group_open(const struct engine *e, struct cgroup_entry *out);
/* Removes the cgroups of the instance when they are empty. */
int instance_groups_remove(const struct engine *e);
/* The same after a command or a monitor was killed: waits for the processes that it left there,
 * unless the end of another container will remove the groups. */
int instance_groups_sweep(struct engine *e);

/* Undoes what dead commands left: sweep.c. */
void pending_sweep(struct engine *e);
/* Returns when a container that is being made is complete, or was swept because its command died;
 * at most a second later. The locks of a killed command stay held by init's copies of its fds until
 * init executes. */
void pending_settle(struct engine *e, const char *id);

/* Volumes: volumes.c. */
int volumes_make(struct engine *e, const struct container *c);
/* Held shared from before a container's volumes are made until its record names them; held alone to
 * remove a volume. */
int volumes_use_lock(struct engine *e, bool is_alone);
int anonymous_remove(struct engine *e, const char *id); /* those that no other container uses */
/* Makes a container's files. pending_sweep undoes that, even if only a part was made. */
int container_create(struct engine *e, struct container *c);
/* Makes the run directory with the files that become /etc/hosts and so on; removes the exit record
 * of an earlier run. */
int container_run_dir_begin(struct engine *e, const struct container *c);

/* The root: root.c. The directories of the container's overlay, lowest first, as a plan's rows have
 * them. */
int root_layers(
	const struct engine *e, const struct container *c, struct arena *a, struct str_list *out);
/* Opens the whole root as a detached mount: all layers and the writable one. */
int root_open(const struct engine *e, const struct container *c);
/* The topmost layer: the mount points for an image without layers; the directory for --rootfs. */
int container_top_open(const struct engine *e, const struct container *c);
/* Opens everything below the writable layer, as a read-only root. */
int container_image_root_open(const struct engine *e, const struct container *c);

/* The kinds of a container's end. The caller holds the container's lock, or that of its pending
 * file. */
enum end_kind {
	END_EXIT, /* its process has ended */
	END_FAILURE, /* it could not be started */
	END_SWEEP, /* the command that made or started it has died */
	END_REMOVAL
};
struct end {
	enum end_kind kind;
	const char *id, *name; /* name NULL: any name that it has */
	bool stays; /* the container stays; otherwise its files are removed */
	bool keeps_volumes; /* the volumes without a name */
	const struct container_facts *facts; /* NULL: its row is correct already */
	struct cgroup *group; /* its cgroup, if open; borrowed */
};
int container_end(struct engine *e, const struct end *end);
/* Collects an end that was found; 1 if there was one. */
int collect(struct engine *e, const char *id);
/* Records the end as this process, the parent, saw it. */
int foreground_ended(struct engine *e, const struct container *c, const struct launch *l, int code);
/* Undoes a start. The error trail is kept. An error means that something is left. */
int start_failed(struct engine *e, const struct container *c, bool stays);
/* Returns when the end of a container whose process is gone is recorded. Another process that
 * should record the end gets a moment for it; then it is done here. */
int wait_collected(struct engine *e, const char *id, const struct summary *summary);
/* Calls container_settle for all containers. */
int containers_settle(struct engine *e);

/* A container on its way from "created" or "exited" to "running". Its lock is held meanwhile, so a
 * command that stops or removes it, or collects its end, runs before or after the start. */
struct start {
	struct engine *e;
	struct container *c;
	struct launch launch;
	int lock; /* the container's lock */
	int gate; /* place among the starting containers; released when the payload runs */
	bool has_ended; /* in the foreground: it ran, and its end is recorded */
	int left; /* negative: the cleanup was not complete */
};
/* 126: found but not executable; 127: not found; 125: husk's own failure. */
int exit_code_of(int code, enum launch_phase phase);
/* The data and the fds for a monitor: its group and its former group. parts_fill returns the lock
 * of the monitors' group. */
int monitor_begin_fill(const struct engine *e, const char *id, struct monitor_begin *out);
int parts_fill(const struct engine *e, struct monitor_parts *parts, struct cgroup_entry *group,
	struct cgroup_entry *home);
/* Hands a prepared launch to a monitor, and returns when the payload runs. */
int detached_run(struct start *s);
/* payload_identify: the process that will be the payload, while it still waits. started_record:
 * once the payload runs, writes the row "running" and releases the lock. */
int payload_identify(const struct launch *l, struct process_id *out);
int started_record(
	struct start *s, const struct process_id *monitor, const struct process_id *payload);

/* This process as the monitor: foreground.c. streams_make: pipes between payload and monitor; of a
 * terminal only the size. foreground_release: lets the payload run. foreground_supervise: until its
 * end. */
void foreground_init(struct monitor *m, bool has_stdin);
void foreground_close(struct monitor *m);
int streams_make(struct launch *l, struct monitor *m, bool has_tty, bool has_stdin);
int foreground_release(struct launch *l);
int foreground_supervise(struct launch *l, struct monitor *m, int *out_code);
/* All these steps for a container. */
int foreground_run(struct start *s, int *out_code);

/* Compose: a container, its image and the defaults become an OCI specification. `root_fd` shows the
 * files of the container (for its users). */
int compose_run(struct engine *e, const struct container *c, int root_fd, struct arena *a,
	struct oci_spec *out);
int compose_exec(struct engine *e, const struct container *c, const struct exec_request *request,
	int root_fd, struct arena *a, struct oci_spec *out);
/* Lists of defaults with their origin; see defaults.c. */
void defaults_add(struct arena *a, struct oci_spec *spec, bool is_privileged);
