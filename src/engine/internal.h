/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Shared inside engine/. */
#include "engine/engine.h"
#include "oci/oci.h"
#include "runtime/runtime.h"
#include "sys/fd.h"

#define MONITOR_PATH HUSK_LIBEXEC "/husk-monitor"
#define INIT_PATH HUSK_LIBEXEC "/husk-init"
enum { RECORD_BYTES_MAX = 8 << 20, STOP_TIMEOUT_MS = 10000 };

/* Directories of one container: root/containers/ID and state/containers/ID. -ENOENT silent. */
int container_dir_open(const struct engine *e, const char *id);
int container_run_dir_open(const struct engine *e, const char *id);
int container_run_dir_make(const struct engine *e, const char *id);
/* The container's lock: state/containers/ID/lock. */
int container_lock(const struct engine *e, const char *id);
/* Cgroups: groups.c. "husk-<instance>/<id>" */
void container_cgroup_path(const struct engine *e, const char *id, struct buf *out);
/* The monitors' group, made if needed. Returns a lock: the group stays until it is closed. */
int monitors_group_open(const struct engine *e, struct cgroup_entry *out);
/* Removes the cgroups of the instance when they are empty. */
int instance_groups_remove(const struct engine *e);
/* The same after a command or a monitor that was killed: the processes that it leaves there are waited for, unless the end of
 * another container will remove the groups. */
int instance_groups_sweep(struct engine *e);

/* Adds to a sentence about ENOSPC which of our two disks is full, if one is. Before anything is cleaned up. */
int space_explain(const struct engine *e, int code);

int container_record_check(const struct container *c); /* is it too large to read again? */
int container_record_store(const struct engine *e, const struct container *c, bool is_durable);
void summary_fill(const struct container *c, struct summary *out); /* as it begins */
int summary_store(const struct engine *e, const char *id, const struct summary *s);
/* A row that cannot be right is made again from the record, as of one that ended unseen. Without both the container is
 * "broken": shown, and removable. */
int summary_read(struct engine *e, const char *id, struct summary *out);

/* names/NAME -> id: claiming and saying who owns it are one step. */
int name_claim(struct engine *e, const char *name, const char *id);
int name_release(const struct engine *e, const char *name, const char *id);
/* Whatever name it has: for a container whose record cannot be read. */
int name_release_all(const struct engine *e, const char *id);
/* A name nobody has, "brave_turing" style. */
void name_invent(const struct engine *e, struct arena *a, const char **out);

/* Ties root and state to each other; -EBUSY when one of them is in use with another. */
int engine_pair(const struct engine *e);

/* state/pending/ID, locked while a command makes or removes something; what a dead command left is undone by the next
 * one. So is what a command could not undo itself: it keeps the file. */
int pending_begin(const struct engine *e, const char *id);
/* The same without waiting: -EBADF where another command is at it already, or there is no room for the file. */
int pending_try(const struct engine *e, const char *id);
void pending_end(const struct engine *e, const char *id, int *lock_fd);
void pending_keep(int *lock_fd);
void pending_sweep(struct engine *e);
/* Returns when a container that is being made is one, or is swept because its command died; at most a second later. A
 * command that was killed holds its locks on in the copy of its fds that init has until it executes. */
void pending_settle(struct engine *e, const char *id);
/* 64 random hex digits: the id of a container, the name of an anonymous volume. */
const char *id_make(struct arena *a);
/* Volumes: volumes.c. A volume of a prepared container, cut in place. */
struct volume {
	const char *source, *destination, *options; /* "ro" or "rw" */
	bool copies; /* a new one gets what the image has there */
};
void volume_split(char *volume, struct volume *out);
/* Makes the volume at `index` what volume_split takes; an anonymous one is given a name. */
int volume_normalize(struct engine *e, struct arena *a, struct container *c, size_t index);
bool volume_is_root(const char *destination);
int volumes_make(struct engine *e, const struct container *c);
/* Shared from before a container's volumes are made until its record names them; alone to remove one. */
int volumes_use_lock(struct engine *e, bool is_alone);
int anonymous_remove(struct engine *e, const char *id); /* those that nobody else uses */
/* Makes what a container owns on disk; pending_sweep undoes it, whole or in part. */
int container_create(struct engine *e, struct container *c);
/* The topmost of its layers: of an image without any the mount points; of --rootfs that directory. */
int container_top_open(const struct engine *e, const struct container *c);
/* What is below the writable layer, as a read-only root. */
int container_image_root_open(const struct engine *e, const struct container *c);
/* The run directory with the files that become /etc/hosts and so on; forgets the exit of an earlier run. */
int container_run_dir_begin(struct engine *e, const struct container *c);
int own_files_make(const struct container *c, int run_dir);
/* Ends what still runs and gives back what the kernel has of it. */
int container_release(struct engine *e, const char *id);
/* A pidfd of its first process; -ESRCH when it does not run. Another code is no news about the container. */
int container_process_open(const char *id, const struct summary *summary);
/* `husk wait` holds the file `wait` shared until it has read the exit record; a --rm container stays for it that long,
 * which is a moment. */
void waiters_pass(struct engine *e, const char *id);
/* Removes name and files; erase its anonymous volumes, too. */
int container_forget(struct engine *e, const char *id, const char *name);
int container_erase(struct engine *e, const char *id, const char *name);

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
/* Hands a prepared launch to a monitor and returns when the payload runs. */
int detached_run(struct start *s);
/* The process that will be the payload, while it still waits; then, when it runs, the row that says so, and the lock is
 * let go. */
int payload_identify(const struct launch *l, struct process_id *out);
int summary_running(
	struct start *s, const struct process_id *monitor, const struct process_id *payload);

/* Compose: a container, its image and the defaults become an OCI specification. `root_fd` shows the files of the
 * container (for its users). */
int compose_run(struct engine *e, const struct container *c, int root_fd, struct arena *a,
	struct oci_spec *out);
int compose_exec(struct engine *e, const struct container *c, const struct exec_request *request,
	int root_fd, struct arena *a, struct oci_spec *out);
/* Lists of defaults with their origin; see defaults.c. */
void defaults_add(struct arena *a, struct oci_spec *spec, bool is_privileged);

/*
 * The network of a container, in terms of the container network model: a sandbox (its network namespace), an endpoint
 * per network. prepare leases address and ports before init exists, attach is called while init mounts; detach gives back leases and published ports, and may be called for
 * what was never attached.
 */
struct json_writer;
/* The handle of the host's network, opened once and closed with the engine: the kernel makes who closes a netfilter socket
 * wait for what was deleted through any (12 ms), unless that is well under way. Borrowed. */
int engine_net(struct engine *e, struct net **out);
/* What is wrong with it is said before anything is made: _check reads its words, _find whether the network is there. */
int network_check(const struct container *c);
int network_find(struct engine *e, const struct container *c);
int network_prepare(struct engine *e, const struct container *c);
/* Forwarding of the host (forwarding.c): on; and off again if husk alone needs it: 0: it and the rules stay; 1: rules may go. */
int forwarding_ensure(const struct engine *e, struct net *net, bool rules_are_new);
int forwarding_return(const struct engine *e, struct net *net);
int network_attach(struct engine *e, const struct container *c, pid_t pid);
int network_detach(struct engine *e, const char *id);
/* The same for a command that may have died before it wrote down what it had leased. */
int network_abandon(struct engine *e, const char *id);
/* Address and ports into the row that `ps` shows; the sentence rows of a plan; the NetworkSettings of `inspect`. */
void network_describe(struct engine *e, const struct container *c, struct summary *summary);
void network_plan(
	struct engine *e, const struct container *c, struct arena *a, struct oci_spec *spec);
void network_inspect(struct engine *e, const struct container *c, const struct summary *s,
	struct json_writer *w);
