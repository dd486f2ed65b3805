/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Capabilities: part of sec.h. */
#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

/* Five sets as bit masks over capability numbers. */
struct sec_caps {
	uint64_t bounding, effective, permitted, inheritable, ambient;
};

/* The number of "CAP_CHOWN", "cap_chown" or "CHOWN", or -EINVAL. Silent. */
int sec_cap_find(const char *name);
/* All that have a name. */
uint64_t sec_caps_known(void);
/* Nearest capability name to a misspelt one, or NULL. */
const char *sec_cap_nearest(const char *name);
/* Those in the caller's bounding set: all that a container of its can have. A set with more
 * fails sec_caps_set. */
uint64_t sec_caps_of_caller(void);
/* May the caller use it now? Silent. */
bool sec_cap_is_effective(unsigned number);
/* husk's eleven default capabilities. */
extern const uint64_t sec_caps_default;
/* "CHOWN,KILL,..." in order of number. */
void sec_caps_describe(uint64_t set, struct buf *out);

/* Two halves, because the ids change in between: before setresuid the bounding set is cut and
 * capabilities are kept over the change; after it the other sets are set, read back, and a
 * mismatch is -EPERM. `status_fd` is /proc/self/status
 * of this thread, at its beginning; -EBADF, or one that cannot be read: the kernel is asked for each. Init. */
int sec_caps_bound(const struct sec_caps *caps);
int sec_caps_set(const struct sec_caps *caps, int status_fd);
/* From such a file. Silent; -EBADMSG when it is none, or so many groups are in it that the sets come after 4 KiB. */
struct sec_status {
	struct sec_caps caps;
	uint64_t ignored; /* signals: bit 0 is signal 1 */
};
int sec_status_read(int fd, struct sec_status *out);
