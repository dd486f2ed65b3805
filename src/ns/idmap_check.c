/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's rules for id maps. A broken rule is named: the kernel says EINVAL for each. */
#include "ns/internal.h"

#include "base/err.h"

#include <errno.h>

enum { ID_NONE = UINT32_MAX };

static bool overlaps(uint32_t a, uint32_t a_count, uint32_t b, uint32_t b_count)
{
	return a < (uint64_t)b + b_count && b < (uint64_t)a + a_count;
}

/* The rules for one line alone. */
static int check_line(const struct ns_idmap *m, const char *what)
{
	if (m->count == 0)
		return err_say(-EINVAL, "%s map %u:%u:%u: the count is 0", what, m->inner, m->outer,
			m->count);
	/* 4294967295 means "no id" and cannot be mapped. */
	if ((uint64_t)m->inner + m->count > ID_NONE)
		return err_say(-EINVAL, "%s map %u:%u:%u: the range inside ends above 4294967294",
			what, m->inner, m->outer, m->count);
	if ((uint64_t)m->outer + m->count > ID_NONE)
		return err_say(-EINVAL, "%s map %u:%u:%u: the range outside ends above 4294967294",
			what, m->inner, m->outer, m->count);
	return 0;
}

int ns_idmap_check(const struct ns_idmap *maps, size_t count, const char *what)
{
	if (count == 0)
		return err_say(-EINVAL, "%s map: it has no lines", what);
	if (count > NS_IDMAP_MAX)
		return err_say(-EINVAL, "%s map: it has %zu lines, the kernel takes at most %d",
			what, count, NS_IDMAP_MAX);
	for (size_t i = 0; i < count; i++) {
		const struct ns_idmap *m = &maps[i];
		int r = check_line(m, what);
		if (r < 0)
			return r;
		for (size_t j = 0; j < i; j++) {
			const struct ns_idmap *o = &maps[j];
			bool is_inside = overlaps(m->inner, m->count, o->inner, o->count);
			if (is_inside || overlaps(m->outer, m->count, o->outer, o->count))
				return err_say(-EINVAL, "%s map: %u:%u:%u and %u:%u:%u overlap %s",
					what, o->inner, o->outer, o->count, m->inner, m->outer,
					m->count, is_inside ? "inside" : "outside");
		}
	}
	return 0;
}
