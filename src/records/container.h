/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* A container as it is meant to be: what the user asked for, and the image. */
#include "base/arena.h"
#include "net/net.h"
#include "sec/sec.h"
#include "sys/process.h"

#include <stdbool.h>
#include <stdint.h>

enum { CONTAINER_ID_LEN = 64, CONTAINER_ID_SHORT = 12, CONTAINER_NAME_MAX = 128 };

/* Docker's defaults, but for the number of processes, which has no limit there. */
enum { STOP_TIMEOUT_MS = 10000, PIDS_LIMIT = 2048, SHM_BYTES = 64 << 20 };

/*
 * What the user asked for, with the image's configuration merged in: record.json. Everything in one arena. Each field is a
 * row of settings.c, which says where it is in Docker's documents; texts are only where people write them (words.c, port.c).
 */

/* A directory that the container has at another place: of the host, or a volume. */
struct container_mount {
	const char *volume; /* its name; NULL: a directory of the host */
	const char *source; /* on the host; of a volume below root/volumes/ */
	const char *destination;
	bool is_readonly, keeps_empty; /* a new volume does not get what the image has there */
	bool is_anonymous; /* a volume made for this container alone */
};
struct container_mounts {
	struct container_mount *items;
	size_t count;
};
struct container_tmpfs {
	const char *destination, *options;
};
struct container_tmpfses {
	struct container_tmpfs *items;
	size_t count;
};
struct container_ports {
	struct net_publication *items;
	size_t count;
};
struct container_ulimits {
	struct sec_rlimit_row *items;
	size_t count;
};

struct container_process {
	struct str_list entrypoint, command, env;
	const char *cwd, *user;
	bool entrypoint_is_reset; /* --entrypoint "": not even the image's */
	bool has_tty, has_stdin, wants_init;
};

struct container_limits {
	uint64_t memory_bytes, nano_cpus; /* 0: none */
	int64_t pids_limit; /* -1: none */
	const char *cpuset_cpus;
	struct container_ulimits ulimits;
};

struct container_security {
	struct str_list cap_add, cap_drop, options;
	bool is_privileged;
};

struct container {
	const char *id, *name;
	uint64_t created_ns;
	const char *image, *image_id, *rootfs;
	struct str_list layers; /* chain ids, lowest first */
	struct container_process process;
	struct container_limits limits;
	struct container_security security;
	struct str_list labels;
	struct container_mounts mounts;
	struct container_tmpfses tmpfs;
	struct container_ports ports;
	const char *hostname, *network, *stop_signal;
	uint64_t stop_timeout_ms, shm_bytes;
	bool is_auto_remove, is_detached, root_is_readonly, no_pivot;
	/* Not in the record: */
	bool has_invented_name;
	uint64_t defaults; /* a bit for each row of settings.c that nobody asked for */
};
