/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Locks that end when their holder dies: flock(2) on files of the state directory, and the start
 * gate, which consists of OFD byte-range locks. Order: network < volume < image < container. No
 * lock is held while waiting for a process, the network or a user. Silent, -errno.
 */
#include "sys/fd.h"

#include <stdbool.h>

/* The fd is the lock: closing it unlocks. `auto_close int lock = lock_file_at(...)`. The file is
 * made if needed, and opened again if it was unlinked between open and flock. With is_waiting
 * false: -EWOULDBLOCK when the lock is held. */
int lock_file_at(int dirfd, const char *name, bool is_waiting);
/* The same as a shared lock, which several holders may have at once. Waits while one holder has
 * it exclusively. */
int lock_shared_at(int dirfd, const char *name);
/* Takes one of `slots` places in a gate file. If all are taken, waits at most `patience_ms`, then
 * -ETIMEDOUT. The fd is the place. The file may also have locks of the functions above. The wait
 * uses the SIGALRM of the process. */
int lock_gate_at(int dirfd, const char *name, unsigned slots, unsigned patience_ms);
