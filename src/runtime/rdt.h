/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Shares of cache and of memory bandwidth: a container's class in the kernel's resctrl
 * (linux.intelRdt). A class that the configuration names may be used by others and stays. A class
 * with the container's own name is removed with the container. Everything speaks; host.
 */
#include "runtime/internal.h"

/* Checks that resctrl exists if a class is asked for, and writes the class into the state. */
int runtime_rdt_place(const struct oci_spec *spec, struct runtime_state *state);
/* Makes the class if it is missing, sets or compares its schemata, and puts the first process into
 * the class before that process runs any code of the container. Does nothing if no class is asked
 * for. */
int runtime_rdt_enter(const struct oci_spec *spec, const struct runtime_state *state, pid_t pid);
/* Puts a further process into the container's class, if there is one. */
int runtime_rdt_join(const struct runtime_state *state, pid_t pid);
/* Writes lines of schemata to the container's class. */
int runtime_rdt_update(const struct runtime_state *state, const char *schemata);
int runtime_rdt_remove(const struct runtime_state *state);
