/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Shared inside runtime/. */
#include "runtime/runtime.h"
#include "launch/launch.h"
#include "sys/kernel.h"

/* For a document of the caller: several times what an execve takes as arguments and environment (6
 * MiB). */
enum { CONFIG_BYTES_MAX = 16 << 20, PLAN_BYTES_MAX = 32 << 20 };
/* Reports that a document could not be read. */
int runtime_document_failure(int code, const char *path);

/* The path from /; NULL is the working directory. */
int runtime_absolute(struct arena *a, const char *path, const char **out);

/* Opens ROOT/ID. Commands that change the container also lock it. -ENOENT: "container does not
 * exist". */
int runtime_dir_open(const struct runtime *rt, const char *id);
/* Makes the directory; -EEXIST: "container with given ID already exists". Replaces the remains of a
 * create that died. */
int runtime_dir_make(const struct runtime *rt, const char *id);
int runtime_dir_lock(int dir, bool is_waiting);
int runtime_dir_remove(const struct runtime *rt, const char *id);
int runtime_id_check(const char *id);

/* Gives the process's terminal and number to the programs that asked for them. */
int runtime_stdio_prepare(
	const struct runtime_stdio *stdio, bool has_terminal, struct launch *launch);
int runtime_stdio_report(const struct runtime_stdio *stdio, const struct launch *launch);

/* The receiver of the notifications of a container's seccomp filter: connected before the process
 * runs, used once its filter is installed. */
struct runtime_listener {
	const struct runtime_state *state;
	const char *path, *metadata;
	int stream;
};
void runtime_listener_close(struct runtime_listener *listener);
AUTO_STRUCT(runtime_listener, struct runtime_listener, runtime_listener_close)
/* The launch must have its plan, and `state` must be as it is when the process begins. Both must
 * outlive *out. */
int runtime_listener_connect(
	struct launch *launch, const struct runtime_state *state, struct runtime_listener *out);

/* Writes the state as a field of a document, as runtime_state_write has it. */
struct json_writer;
void runtime_state_put(struct json_writer *w, const char *key, const struct runtime_state *state);
struct cgroup_usage;
void runtime_usage_put(
	struct json_writer *w, const char *key, const struct cgroup_usage *u, bool is_unified);
int runtime_state_store(int dir, const struct runtime_state *state);
int runtime_state_load(int dir, const char *id, struct arena *a, struct runtime_state *out);
/* -ENOENT: the container has no cgroup. */
int runtime_group_open(struct runtime *rt, const struct runtime_state *state, struct cgroup **out);
/* Finds out the container's present status. */
void runtime_state_find(int dir, struct runtime_state *state);

/* Runs all hooks of a kind one after another, with the state on their stdin, in the bundle's
 * directory; with pidfd in that process's namespaces. The first hook that fails stops the others; a
 * failing poststop hook only warns. */
int runtime_hooks(const struct oci_spec *spec, enum oci_hook_kind kind,
	const struct runtime_state *state, int pidfd);

/* Leaves out capabilities that cannot be granted, with a warning, as the specification requires:
 * the caller of a nested container lacks some. In its own user namespace a process has all of
 * them. */
void runtime_caps_reduce(struct oci_spec *spec);

/* Does this machine have what the configuration asks for? Without AppArmor the profile "unconfined"
 * is dropped. */
int runtime_labels_check(struct oci_spec *spec);
int runtime_clocks_check(const struct oci_spec *spec);
/* Checks that the needed system calls exist, before anything is made or ended. */
int runtime_kernel_check(enum kernel_need need);

/* For a caller who may not mount: checks what the container then needs, and drops what it cannot
 * have. */
int runtime_rootless_adapt(struct oci_spec *spec);
/* A caller without root makes a cgroup only where one has been delegated. */
int runtime_rootless_cgroup(struct oci_spec *spec, const struct cgroup_host *host, bool is_named);

/* The stored config.json of a container. */
int runtime_config_load(
	int dir, const struct runtime_state *state, struct arena *a, struct oci_spec *out);
/* Connects to an init that waits: -ENOENT or -ECONNREFUSED when no init waits. Silent. */
int runtime_starter_connect(int dir);
/* Makes the way from a container that was created for it to the service manager; else nothing. */
int runtime_notify_open(int dir, const char *manager, struct notify *out);
