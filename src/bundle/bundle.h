/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The files of an OCI bundle: config.json, and the process.json of an exec, become the structs of
 * oci/oci.h. Every field of runtime-spec 1.3 is read, or refused by its path if it asks for
 * something. Properties that the specification does not know are ignored, as the specification
 * says. Values are checked as far as possible without the machine: names, ranges, absolute paths.
 * Nothing here touches files or the kernel. Speaking, with the path of the field. Any process.
 */
#include "base/buf.h"
#include "oci/oci.h"

/* The version of the specification that is read, and that states are written with. */
#define BUNDLE_OCI_VERSION "1.3.0"

/* `text` is all of config.json. `bundle_path` is absolute; a relative root.path is below it.
 * Strings belong to the arena. Each item's origin is "config.json". The process may be missing (no
 * args then): such a container can be created and not started. A setting that would change the host
 * because its namespace is missing (mounts, the host name) is refused. */
int bundle_config_parse(const char *text, size_t len, const char *bundle_path, struct arena *a,
	struct oci_spec *out);
/* Reads a process alone, as `exec --process FILE` has it; messages call it `name`. rlimits are
 * added to out->rlimits (they replace those of the same resource), scheduling to out->scheds, the
 * rest to out->process. */
int bundle_process_parse(
	const char *name, const char *text, size_t len, struct arena *a, struct oci_spec *out);
/* The words of linux.seccomp that have an effect on this kind of processor. */
enum bundle_seccomp_word {
	BUNDLE_SECCOMP_ACTION,
	BUNDLE_SECCOMP_OPERATOR,
	BUNDLE_SECCOMP_ARCHITECTURE,
	BUNDLE_SECCOMP_FLAG
};
void bundle_seccomp_words(enum bundle_seccomp_word kind, struct strvec *out);
/* Reads the value of `update --resources`: linux.resources alone. Replaces out->limits and
 * out->device_rules, and leaves the rest. */
int bundle_resources_parse(
	const char *name, const char *text, size_t len, struct arena *a, struct oci_spec *out);
