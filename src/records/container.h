/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* A container as it should be: from the user's request and the image. */
#include "base/arena.h"
#include "net/net.h"
#include "sec/sec.h"
#include "sys/process.h"

#include <stdbool.h>
#include <stdint.h>

enum { CONTAINER_ID_LEN = 64, CONTAINER_ID_SHORT = 12, CONTAINER_NAME_MAX = 128 };

/* Docker's defaults, except for the number of processes: Docker does not limit it. */
enum { STOP_TIMEOUT_MS = 10000, PIDS_LIMIT = 2048, SHM_BYTES = 64 << 20 };

/*
 * The user's request, with the image's configuration merged in: record.json. All data is in one
 * arena. Each field is a row of settings.c, which says where Docker's documents have it. Fields are
 * parsed values; their text forms are only in words.c and port.c.
 */

/* A directory of the host or a volume, mounted in the container. */
struct container_mount {
	const char *volume; /* its name; NULL: a directory of the host */
	const char *source; /* on the host; a volume's is below root/volumes/ */
	const char *destination;
	bool is_readonly, keeps_empty; /* keeps_empty: a new volume gets no files of the image */
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
	bool entrypoint_is_reset; /* --entrypoint "": not even the image's entrypoint */
	bool has_tty, has_stdin, wants_init;
};

struct container_limits {
	uint64_t memory_bytes, nano_cpus; /* 0: no limit */
	int64_t pids_limit; /* -1: no limit */
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
	uint64_t defaults; /* a bit for each row of settings.c that has its default */
};
