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
/* All capabilities that have a name here. */
uint64_t sec_caps_known(void);
/* Nearest capability name to a misspelt one, or NULL. */
const char *sec_cap_nearest(const char *name);
/* The caller's bounding set: all that its containers can have. More than that fails
 * sec_caps_set. */
uint64_t sec_caps_of_caller(void);
/* May the caller use this capability now? Silent. */
bool sec_cap_is_effective(unsigned number);
/* husk's eleven default capabilities. */
extern const uint64_t sec_caps_default;
/* "CHOWN,KILL,..." in order of number. */
void sec_caps_describe(uint64_t set, struct buf *out);

/* Two halves, because the ids change in between. Before setresuid the bounding set is cut, and
 * capabilities are kept over the change. After it the other sets are set and read back; a mismatch
 * is -EPERM. `status_fd` is /proc/self/status of this thread, at its beginning. If that is -EBADF,
 * or cannot be read, the kernel is asked for each capability. Init. */
int sec_caps_bound(const struct sec_caps *caps);
int sec_caps_set(const struct sec_caps *caps, int status_fd);
/* After sec_caps_set: gives up what the effective, permitted and inheritable sets have beyond
 * these, and reads the first two back: capset(2) and capget(2), which a filter may refuse. Init. */
int sec_caps_lower(const struct sec_caps *caps);
/* Reads such a file. Silent. -EBADMSG if it is another file, or has so many groups that the sets
 * come after 4 KiB. */
struct sec_status {
	struct sec_caps caps;
	uint64_t ignored; /* signals: bit 0 is signal 1 */
};
int sec_status_read(int fd, struct sec_status *out);
