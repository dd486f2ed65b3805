/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Shared inside runtime/. */
#include "runtime/runtime.h"
#include "launch/launch.h"
#include "sys/kernel.h"

/* Of a document that the caller gives: several times what an execve takes as arguments and environment (6 MiB). */
enum { CONFIG_BYTES_MAX = 16 << 20, PLAN_BYTES_MAX = 32 << 20 };
/* The sentence for a document that could not be read. */
int runtime_document_failure(int code, const char *path);

/* ROOT/ID as an fd: the locked one is for who changes it. -ENOENT: "container does not exist". */
int runtime_dir_open(const struct runtime *rt, const char *id);
/* Makes it, locked; -EEXIST: "container with given ID already exists". What a create left that died is replaced. */
int runtime_dir_make(const struct runtime *rt, const char *id);
int runtime_dir_lock(int dir, bool is_waiting);
int runtime_dir_remove(const struct runtime *rt, const char *id);
int runtime_id_check(const char *id);

/* Terminal and number of the process to who asked for them. */
int runtime_stdio_prepare(
	const struct runtime_stdio *stdio, bool has_terminal, struct launch *launch);
int runtime_stdio_report(const struct runtime_stdio *stdio, const struct launch *launch);

/* Where the notifications of a container's filter go: connected before the process runs, used when its filter is there. */
struct runtime_listener {
	const struct runtime_state *state;
	const char *path, *metadata;
	int stream;
};
void runtime_listener_close(struct runtime_listener *listener);
AUTO_STRUCT(runtime_listener, struct runtime_listener, runtime_listener_close)
/* For a launch that has its plan, and `state` as it is when the process begins; both must outlive *out. */
int runtime_listener_connect(
	struct launch *launch, const struct runtime_state *state, struct runtime_listener *out);

/* A field of a document: the state, as runtime_state_write has it. */
struct json_writer;
void runtime_state_put(struct json_writer *w, const char *key, const struct runtime_state *state);
struct cgroup_usage;
void runtime_usage_put(
	struct json_writer *w, const char *key, const struct cgroup_usage *u, bool is_unified);
int runtime_state_store(int dir, const struct runtime_state *state);
int runtime_state_load(int dir, const char *id, struct arena *a, struct runtime_state *out);
/* -ENOENT: it has none. */
int runtime_group_open(struct runtime *rt, const struct runtime_state *state, struct cgroup **out);
/* What is true of it now. */
void runtime_state_find(int dir, struct runtime_state *state);

/* Runs all hooks of a kind one after another with the state on their stdin, in the bundle's directory; with pidfd in that
 * process's namespaces. The first that fails ends it; poststop ones only warn. */
int runtime_hooks(const struct oci_spec *spec, enum oci_hook_kind kind,
	const struct runtime_state *state, int pidfd);

/* What cannot be granted is left out, with a warning, as the specification wants it: a nested container's caller lacks some.
 * In a user namespace of its own a process has all. */
void runtime_caps_reduce(struct oci_spec *spec);

/* Does this machine have what is asked for? A profile "unconfined" is nothing where there is no AppArmor. */
int runtime_labels_check(struct oci_spec *spec);
int runtime_clocks_check(const struct oci_spec *spec);
/* The system calls that this needs are there: said before anything is made or ended. */
int runtime_kernel_check(enum kernel_need need);

/* For a caller who may not mount: what the container then needs, and does without. */
int runtime_rootless_adapt(struct oci_spec *spec);
/* Who is not root makes a cgroup where one has been delegated, and only then. */
int runtime_rootless_cgroup(struct oci_spec *spec, const struct cgroup_host *host, bool is_named);

/* The stored config.json of a container. */
int runtime_config_load(
	int dir, const struct runtime_state *state, struct arena *a, struct oci_spec *out);
/* A connection to an init that waits: -ENOENT or -ECONNREFUSED when none does. Silent. */
int runtime_starter_connect(int dir);
