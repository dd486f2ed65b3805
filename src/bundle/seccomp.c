/* SPDX-License-Identifier: Apache-2.0 */
/* linux.seccomp. */
#include "bundle/internal.h"

int bundle_seccomp_read(struct bundle_reader *r, const struct json_cursor *c)
{
	return bundle_unsupported(c);
}
