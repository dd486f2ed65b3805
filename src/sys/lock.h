/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Locks that die with their holder: flock(2) on files of the state directory, and the start gate of OFD byte-range
 * locks. Order: network < volume < image < container; none is held while waiting for a process, the network or a
 * user. Silent, -errno.
 */
#include "sys/fd.h"

#include <stdbool.h>

/* The fd is the lock: closing it unlocks. `auto_close int lock = lock_file_at(...)`. The file is made if needed, and
 * opened again when it was unlinked between open and flock. With is_waiting false: -EWOULDBLOCK when it is held. */
int lock_file_at(int dirfd, const char *name, bool is_waiting);
/* The same, held together with others; waits while somebody has it alone. */
int lock_shared_at(int dirfd, const char *name);
/* One of `slots` places in a gate file; waits for one of them, at most `patience_ms`: then -ETIMEDOUT. The fd is the
 * place. The file may have other locks of the functions above. The wait takes the process's SIGALRM for itself. */
int lock_gate_at(int dirfd, const char *name, unsigned slots, unsigned patience_ms);
