/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Shared inside runtime_cli/. */
#include "runtime/runtime.h"
#include "runtime_cli/runtime_cli.h"

/* Opens the directory of containers that the options before the command's name choose. Refuses
 * options that cannot be fulfilled. */
int runtime_cli_open(const struct runtime_cli_context *context, struct runtime *out);

/* The socket of the service manager that has started this process, sd_notify(3); or NULL. */
const char *runtime_cli_manager(void);

extern const struct command runtime_cmd_create, runtime_cmd_run, runtime_cmd_start,
	runtime_cmd_exec, runtime_cmd_state, runtime_cmd_list, runtime_cmd_ps, runtime_cmd_kill,
	runtime_cmd_delete, runtime_cmd_pause, runtime_cmd_resume, runtime_cmd_spec,
	runtime_cmd_features, runtime_cmd_plan, runtime_cmd_update, runtime_cmd_events,
	runtime_cmd_checkpoint, runtime_cmd_restore;

/* The configuration that `spec` writes. */
extern const char runtime_cli_spec_text[];
