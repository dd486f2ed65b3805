/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The OCI runtime specification as structs: what config.json says, or what the engine composes from options, image
 * and defaults. Everything lies in one arena; strings are views. Each item of a list remembers its origin ("default",
 * "image", "-v", "config.json"), which the plan prints. Nothing here touches files or the kernel.
 */
#include "base/arena.h"
#include "oci/process.h"

#include <stdbool.h>
#include <stdint.h>

struct oci_namespace {
	const char *type; /* OCI's name: "pid", "network", "mount", ... */
	const char *path; /* joined, or NULL for a new one */
	const char *origin;
};

struct oci_idmap {
	uint32_t container_id, host_id, size;
	bool is_gid;
	const char *origin;
};

/* A clock of a new time namespace: what it shows more than the host's. */
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
	/* Of an id-mapped bind: inner is on the disk, outer in the container's place; none: as the user namespace. */
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
	struct str_list args, env; /* args: argv[0] as well; none: the path alone */
	uint32_t timeout_s; /* 0: none */
};

/* A path with its reason: masked and read-only ones. */
struct oci_path {
	const char *path;
	const char *origin;
};

struct oci_pair {
	const char *key, *value;
	const char *origin;
};

/* One resource limit; `limit` is the cgroup folder's number, which this folder does not know the meaning of. */
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
	struct str_list
		layers; /* host directories of the root overlay, lowest first; one is the plain root */
	const char *upper, *work;
	const char *mount_label; /* SELinux context of the mounts, or NULL */
	/* Where the root is attached until it is entered, for hooks that look for it there; NULL: over /. */
	const char *root_point;
	bool root_is_readonly, root_is_volatile, no_pivot, wants_reaper, keeps_keyring;
	bool opens_inside; /* the caller may not mount: all is done in the container's user namespace */
	uint32_t root_propagation; /* MS_PRIVATE or MS_SLAVE, ... */
	const char *hostname, *domainname;
	const char *cgroup_path;
	const struct oci_rdt *rdt; /* NULL: none is asked for */
	OCI_LIST(struct oci_namespace) namespaces;
	OCI_LIST(struct oci_idmap) idmaps;
	OCI_LIST(struct oci_clock) clocks;
	OCI_LIST(struct oci_pair)
	net_devices; /* of the host: its name there and in the container */
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
	OCI_LIST(struct oci_pair)
	network; /* sentence rows of what the engine will do on the network: key, value */
};
