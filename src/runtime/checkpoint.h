/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Containers that are written to images by criu, and made of them again. Speaking; host. */
#include "runtime/runtime.h"

/* Options for criu; program and paths are absolute. NULL or false: not given. */
struct runtime_criu {
	const char *program, *image_path, *work_path, *parent_path, *cgroups_mode;
	const char *lsm_profile, *lsm_mount_context;
	bool tcp_established, tcp_close, tcp_skip_in_flight, ext_unix_sk, shell_job, file_locks;
	bool link_remap, auto_dedup, leaves_running, is_pre_dump, has_empty_network;
};
/* Writes a running container to images; then deletes the container, unless it is left running. */
int runtime_checkpoint(struct runtime *rt, const char *id, const struct runtime_criu *told);
/* Like runtime_create and runtime_start, with processes from images in place of a new process. */
int runtime_restore(struct runtime *rt, const struct runtime_create *request,
	const struct runtime_criu *told, struct runtime_child *out);
