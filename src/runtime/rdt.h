/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Shares of cache and of memory bandwidth: a container's class in the kernel's resctrl (linux.intelRdt). A class that the
 * configuration names may be another's as well and stays; one of the container's own name goes with it.
 * Everything speaks; host.
 */
#include "runtime/internal.h"

/* Is there resctrl, where one is asked for? Says in the state which class it will be. */
int runtime_rdt_place(const struct oci_spec *spec, struct runtime_state *state);
/* Makes the class where it is missing, sets or compares its schemata, and puts the first process into it; before that
 * runs anything of the container's. Nothing where no class is asked for, as below. */
int runtime_rdt_enter(const struct oci_spec *spec, const struct runtime_state *state, pid_t pid);
/* A further process, into the same. */
int runtime_rdt_join(const struct runtime_state *state, pid_t pid);
/* Writes lines of schemata. */
int runtime_rdt_update(const struct runtime_state *state, const char *schemata);
int runtime_rdt_remove(const struct runtime_state *state);
