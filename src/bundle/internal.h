/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Shared inside bundle/: objects are read by tables of fields, a file for each part of the document. */
#include "base/err.h"
#include "base/json.h"
#include "bundle/bundle.h"

#define BUNDLE_ORIGIN "config.json"

struct bundle_reader {
	struct arena *a;
	struct oci_spec *spec;
	const char *bundle_path;
};

/* One field of an object. Without a reader it is known and refused, as long as it asks for something. */
struct bundle_field {
	const char *key;
	int (*read)(struct bundle_reader *r, const struct json_cursor *value);
};

/* Every field of an object by its row, in the document's order; what the table, which ends with a row without a key, does
 * not have is ignored. */
int bundle_object_read(
	struct bundle_reader *r, const struct json_cursor *c, const struct bundle_field *fields);
/* Every item of an array. */
int bundle_array_read(struct bundle_reader *r, const struct json_cursor *c, size_t max,
	int (*read)(struct bundle_reader *r, const struct json_cursor *item));
/* An optional number within uint32_t: 1 when it was there. */
int bundle_u32(const struct json_cursor *c, const char *key, uint32_t *out);
/* A string that must be there and not be empty, and one that must be an absolute path. */
int bundle_need_string(
	struct bundle_reader *r, const struct json_cursor *c, const char *key, const char **out);
int bundle_need_path(
	struct bundle_reader *r, const struct json_cursor *c, const char *key, const char **out);

int bundle_process_read(struct bundle_reader *r, const struct json_cursor *c);
int bundle_mount_read(struct bundle_reader *r, const struct json_cursor *c);
int bundle_hooks_read(struct bundle_reader *r, const struct json_cursor *c);
int bundle_linux_read(struct bundle_reader *r, const struct json_cursor *c);
int bundle_resources_read(struct bundle_reader *r, const struct json_cursor *c);
/* linux.seccomp: compiled into process->seccomp. */
int bundle_seccomp_read(const struct json_cursor *c, struct arena *a, struct oci_process *process);
