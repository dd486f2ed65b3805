/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Fault injection. In builds with -Dfaults=true the wrappers of system calls first ask the fault
 * table whether this call is to fail; in other builds the question compiles to nothing. The table
 * is the environment variable HUSK_FAULT, "NAME:N:ERRNO": the N-th call (from 1, counted per
 * process) of the wrapper NAME fails with that errno. With N = 0 all its calls fail: this is how
 * the test suite simulates a kernel without openat2, clone3 or the new mount API.
 */

#ifdef HUSK_FAULTS
/* 0: the wrapper makes the call. Otherwise the -errno that the wrapper returns. */
int fault_hit(const char *call);
#else
static inline int fault_hit(const char *call)
{
	(void)call;
	return 0;
}
#endif
