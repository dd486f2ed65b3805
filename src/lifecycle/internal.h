/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Shared inside lifecycle/. */
#include "lifecycle/lifecycle.h"
#include "runtime/runtime.h"
#include "sys/kernel.h"

/* Of a document that the caller gives: several times what an execve takes as arguments and environment (6 MiB). */
enum { CONFIG_BYTES_MAX = 16 << 20, PLAN_BYTES_MAX = 32 << 20 };
/* The sentence for a document that could not be read. */
int lifecycle_document_failure(int code, const char *path);

/* ROOT/ID as an fd: the locked one is for who changes it. -ENOENT: "container does not exist". */
int lifecycle_dir_open(const struct lifecycle *l, const char *id);
/* Makes it, locked; -EEXIST: "container with given ID already exists". What a create left that died is replaced. */
int lifecycle_dir_make(const struct lifecycle *l, const char *id);
int lifecycle_dir_lock(int dir, bool is_waiting);
int lifecycle_dir_remove(const struct lifecycle *l, const char *id);
int lifecycle_id_check(const char *id);

/* Terminal and number of the process to who asked for them. */
int lifecycle_stdio_prepare(
	const struct lifecycle_stdio *stdio, bool has_terminal, struct launch *launch);
int lifecycle_stdio_report(const struct lifecycle_stdio *stdio, const struct launch *launch);

/* Where the notifications of a container's filter go: connected before the process runs, used when its filter is there. */
struct lifecycle_listener {
	const struct lifecycle_state *state;
	const char *path, *metadata;
	int stream;
};
void lifecycle_listener_close(struct lifecycle_listener *listener);
AUTO_STRUCT(lifecycle_listener, struct lifecycle_listener, lifecycle_listener_close)
/* For a launch that has its plan, and `state` as it is when the process begins; both must outlive *out. */
int lifecycle_listener_connect(
	struct launch *launch, const struct lifecycle_state *state, struct lifecycle_listener *out);

/* A field of a document: the state, as lifecycle_state_write has it. */
struct json_writer;
void lifecycle_state_put(
	struct json_writer *w, const char *key, const struct lifecycle_state *state);
struct cgroup_usage;
void lifecycle_usage_put(
	struct json_writer *w, const char *key, const struct cgroup_usage *u, bool is_unified);
int lifecycle_state_store(int dir, const struct lifecycle_state *state);
int lifecycle_state_load(int dir, const char *id, struct arena *a, struct lifecycle_state *out);
/* -ENOENT: it has none. */
int lifecycle_group_open(
	struct lifecycle *l, const struct lifecycle_state *state, struct cgroup **out);
/* What is true of it now. */
void lifecycle_state_find(int dir, struct lifecycle_state *state);

/* Runs all hooks of a kind one after another with the state on their stdin, in the bundle's directory; with pidfd in that
 * process's namespaces. The first that fails ends it; poststop ones only warn. */
int lifecycle_hooks(const struct oci_spec *spec, enum oci_hook_kind kind,
	const struct lifecycle_state *state, int pidfd);

/* What cannot be granted is left out, with a warning, as the specification wants it: a nested container's caller lacks some.
 * In a user namespace of its own a process has all. */
void lifecycle_caps_reduce(struct oci_spec *spec);

/* Does this machine have what is asked for? A profile "unconfined" is nothing where there is no AppArmor. */
int lifecycle_labels_check(struct oci_spec *spec);
int lifecycle_clocks_check(const struct oci_spec *spec);
/* The system calls that this needs are there: said before anything is made or ended. */
int lifecycle_kernel_check(enum kernel_need need);

/* For a caller who may not mount: what the container then needs, and does without. */
int lifecycle_rootless_adapt(struct oci_spec *spec);
/* Who is not root makes a cgroup where one has been delegated, and only then. */
int lifecycle_rootless_cgroup(struct oci_spec *spec, const struct cgroup_host *host, bool is_named);

/* The stored config.json of a container. */
int lifecycle_config_load(
	int dir, const struct lifecycle_state *state, struct arena *a, struct oci_spec *out);
/* A connection to an init that waits: -ENOENT or -ECONNREFUSED when none does. Silent. */
int lifecycle_starter_connect(int dir);
