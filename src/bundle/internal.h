/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Shared inside bundle/: a reader for each part of the document, each in a file of its own. */
#include "base/err.h"
#include "base/json.h"
#include "bundle/bundle.h"

#define BUNDLE_ORIGIN "config.json"

/* process, and process.rlimits into spec->rlimits. */
int bundle_process_read(const struct json_cursor *c, struct arena *a, struct oci_spec *spec);
/* linux.seccomp: compiled into process->seccomp. Called after the process is read. */
int bundle_seccomp_read(const struct json_cursor *c, struct arena *a, struct oci_process *process);
/* linux.resources: limits and device_rules. */
int bundle_resources_read(const struct json_cursor *c, struct arena *a, struct oci_spec *spec);
