/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Fault injection. In builds with -Dfaults=true every wrapper in calls.c first asks the fault table whether this call
 * is to fail; elsewhere the question compiles to nothing. The table is the environment variable HUSK_FAULT:
 * "NAME:N:ERRNO", the N-th call (from 1, counted per process) of the wrapper NAME fails with that errno; N = 0 fails
 * all of them, which is how the suite runs on a kernel "without" openat2, clone3 or the new mount API.
 */

#ifdef HUSK_FAULTS
/* 0 to go on, or the -errno to return. */
int fault_hit(const char *call);
#else
static inline int fault_hit(const char *call)
{
	(void)call;
	return 0;
}
#endif
