/* SPDX-License-Identifier: Apache-2.0 */
/* How much an image may create. What is taken from the budget is never given back. */
#include "archive/internal.h"
#include "base/err.h"

#include <errno.h>

const struct archive_budget archive_budget_default = {
	.bytes = 256ULL << 30,
	.members = 4000000,
};

int unpack_count(struct unpack *u, uint64_t members)
{
	struct archive_budget *left = u->target->budget;
	if (left->members < members)
		return err_say(-E2BIG,
			"the image has more members than are taken: %llu files and directories in "
			"all its layers",
			(unsigned long long)archive_budget_default.members);
	left->members -= members;
	return 0;
}
