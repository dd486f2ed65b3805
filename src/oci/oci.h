/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The OCI runtime specification as structs: what config.json says, or what the engine composes
 * from options, image and defaults. Everything lies in one arena; strings are views. Each item of
 * a list remembers its origin ("default", "image", "-v", "config.json"), which the plan prints.
 * Nothing here touches files or the kernel.
 */
#include "base/arena.h"
#include "oci/process.h"

#include <stdbool.h>
#include <stdint.h>

struct oci_namespace {
	const char *type; /* OCI's name: "pid", "network", "mount", ... */
	const char *path; /* of the namespace to join, or NULL for a new one */
	const char *origin;
};

struct oci_idmap {
	uint32_t container_id, host_id, size;
	bool is_gid;
	const char *origin;
};

/* A clock of a new time namespace, as the difference from the host's clock. */
struct oci_clock {
	const char *name; /* "monotonic" or "boottime" */
	int64_t seconds;
	uint32_t nanoseconds;
	const char *origin;
};

struct oci_mount {
	const char *destination;
	const char *type; /* NULL for a bind */
	const char *source;
	const char *options; /* comma separated, or NULL */
	const char *origin;
	/* Of an id-mapped bind: container_id is the id on the disk, host_id the id in the mount.
	 * Empty: the maps of the user namespace. */
	const struct oci_idmap *idmaps;
	size_t idmap_count;
};

struct oci_device {
	const char *path;
	char type; /* 'c', 'b', 'p' */
	uint32_t major, minor, mode, uid, gid;
	const char *origin;
};

struct oci_device_rule {
	bool is_allowed;
	char type; /* 'a', 'b', 'c' */
	int32_t major, minor; /* -1: any */
	const char *access; /* of "rwm" */
	const char *origin;
};

enum oci_hook_kind {
	OCI_HOOK_PRESTART,
	OCI_HOOK_CREATE_RUNTIME,
	OCI_HOOK_CREATE_CONTAINER,
	OCI_HOOK_START_CONTAINER,
	OCI_HOOK_POSTSTART,
	OCI_HOOK_POSTSTOP,
	OCI_HOOK_COUNT
};

struct oci_hook {
	const char *path; /* absolute */
	struct str_list args, env; /* args: includes argv[0]; empty: the path alone */
	uint32_t timeout_s; /* 0: none */
	bool has_env; /* otherwise it gets the environment of the process that runs it */
};

/* A masked or read-only path, with its origin. */
struct oci_path {
	const char *path;
	const char *origin;
};

struct oci_pair {
	const char *key, *value;
	const char *origin;
};

/* One resource limit. `limit` is a number of the cgroup folder; this folder does not know its
 * meaning. */
struct oci_limit {
	uint32_t limit;
	int64_t value, second;
	const char *text;
	const char *origin;
};

/* linux.intelRdt: a class of the kernel's resctrl. */
struct oci_rdt {
	const char *class_name; /* "/": of processes without one; NULL: its own, named by its id */
	struct str_list schemata; /* lines, as "L3:0=f;1=f" */
	bool is_monitored;
};

#define OCI_LIST(type) \
	struct { \
		type *items; \
		size_t count; \
	}

struct oci_spec {
	struct oci_process process;
	/* Host directories of the root overlay, lowest first; a single one is the plain root. */
	struct str_list layers;
	const char *upper, *work;
	const char *mount_label; /* SELinux context of the mounts, or NULL */
	/* Where the root is attached until it is entered, for hooks that look for it there; NULL:
	 * over /. */
	const char *root_point;
	bool root_is_readonly, root_is_volatile, no_pivot, wants_reaper, keeps_keyring;
	bool wants_loopback; /* lo is brought up in a new network namespace */
	/* The caller may not mount: all is done in the container's user namespace. */
	bool opens_inside;
	uint32_t root_propagation; /* MS_PRIVATE or MS_SLAVE, ..., with MS_REC */
	const char *hostname, *domainname;
	const char *cgroup_path;
	const struct oci_rdt *rdt; /* NULL: none is asked for */
	OCI_LIST(struct oci_namespace) namespaces;
	OCI_LIST(struct oci_idmap) idmaps;
	OCI_LIST(struct oci_clock) clocks;
	/* Network devices of the host: the name there and the name in the container. */
	OCI_LIST(struct oci_pair) net_devices;
	OCI_LIST(struct oci_mount) mounts;
	OCI_LIST(struct oci_device) devices;
	OCI_LIST(struct oci_device_rule) device_rules;
	OCI_LIST(struct oci_path) masked;
	OCI_LIST(struct oci_path) readonly;
	OCI_LIST(struct oci_pair) sysctls;
	OCI_LIST(struct oci_rlimit) rlimits;
	OCI_LIST(struct oci_sched) scheds;
	OCI_LIST(struct oci_limit) limits;
	OCI_LIST(struct oci_hook) hooks[OCI_HOOK_COUNT];
	OCI_LIST(struct oci_pair) annotations;
	/* What the engine will do on the network, as rows of a sentence: key, value. */
	OCI_LIST(struct oci_pair) network;
};
