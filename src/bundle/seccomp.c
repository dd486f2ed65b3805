/* SPDX-License-Identifier: Apache-2.0 */
/* linux.seccomp. */
#include "bundle/internal.h"

#include <errno.h>

int bundle_seccomp_read(const struct json_cursor *c, struct arena *a, struct oci_process *process)
{
	return json_err(c, -EOPNOTSUPP, "husk-runtime does not support this yet");
}
