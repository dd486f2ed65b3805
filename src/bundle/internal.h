/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Shared inside bundle/: objects are read by tables of fields, a file for each part of the
 * document.
 */
#include "base/err.h"
#include "base/json.h"
#include "bundle/bundle.h"

#define BUNDLE_ORIGIN "config.json"

struct bundle_reader {
	struct arena *a;
	struct oci_spec *spec;
	const char *bundle_path;
};

/* One field of an object. A field without a reader is known, and refused if it asks for
 * something. */
struct bundle_field {
	const char *key;
	int (*read)(struct bundle_reader *r, const struct json_cursor *value);
};

/* Reads every field of an object by its row, in the document's order. The table ends with a row
 * without a key. Fields that are not in the table are ignored. */
int bundle_object_read(
	struct bundle_reader *r, const struct json_cursor *c, const struct bundle_field *fields);
/* Reads every item of an array. */
int bundle_array_read(struct bundle_reader *r, const struct json_cursor *c, size_t max,
	int (*read)(struct bundle_reader *r, const struct json_cursor *item));
/* Reads a number from 0 to max; an optional one of an object: 1 when it was there. */
int bundle_number(const struct json_cursor *c, uint32_t max, uint32_t *out);
int bundle_opt_number(const struct json_cursor *c, const char *key, uint32_t max, uint32_t *out);
/* An optional number within uint32_t: 1 when it was there. */
int bundle_u32(const struct json_cursor *c, const char *key, uint32_t *out);
/* A number that must be there. */
int bundle_need_u64(const struct json_cursor *c, const char *key, uint64_t *out);
/* A string that must be there and not be empty, and one that must be an absolute path. */
int bundle_need_string(
	struct bundle_reader *r, const struct json_cursor *c, const char *key, const char **out);
int bundle_need_path(
	struct bundle_reader *r, const struct json_cursor *c, const char *key, const char **out);
/* A value that is an absolute path. */
int bundle_path(struct bundle_reader *r, const struct json_cursor *c, const char **out);
/* The label of a security module; an empty one is none (NULL). */
int bundle_label_read(struct bundle_reader *r, const struct json_cursor *c, const char **out);
/* `path` as the container sees it: absolute, without `.`, `..` and `//`; refused when it is the
 * root itself. */
int bundle_inner_path(
	struct bundle_reader *r, const struct json_cursor *c, const char *path, const char **out);

/* Uids and gids: 4294967295 means "leave it as it is" to the kernel. */
enum { BUNDLE_ID_MAX = UINT32_MAX - 1 };

/* Reads a line of an id map. bundle_idmaps_check checks all lines of one kind together, as the
 * kernel does. */
int bundle_idmap_read(const struct json_cursor *c, bool is_gid, struct oci_idmap *out);
int bundle_idmaps_check(
	const struct json_cursor *c, const struct oci_idmap *all, size_t all_count, bool is_gid);

int bundle_process_read(struct bundle_reader *r, const struct json_cursor *c);
/* Settings of how the process runs: sched.c. */
int bundle_scheduler_read(struct bundle_reader *r, const struct json_cursor *c);
int bundle_io_priority_read(struct bundle_reader *r, const struct json_cursor *c);
int bundle_cpu_affinity_read(struct bundle_reader *r, const struct json_cursor *c);
int bundle_memory_policy_read(struct bundle_reader *r, const struct json_cursor *c);
int bundle_personality_read(struct bundle_reader *r, const struct json_cursor *c);
int bundle_mount_read(struct bundle_reader *r, const struct json_cursor *c);
int bundle_hooks_read(struct bundle_reader *r, const struct json_cursor *c);
int bundle_linux_read(struct bundle_reader *r, const struct json_cursor *c);
/* linux.resources: limits and device_rules. */
int bundle_resources_read(struct bundle_reader *r, const struct json_cursor *c);
/* linux.intelRdt. */
int bundle_rdt_read(struct bundle_reader *r, const struct json_cursor *c);
/* linux.seccomp: compiled into process.seccomp. */
int bundle_seccomp_read(struct bundle_reader *r, const struct json_cursor *c);
