/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linux.resources from an engine or a user. An accepted document makes rows that the table knows,
 * within their ranges, each possible on at least one cgroup version, and none leads out of the
 * group.
 */
#include "bundle/bundle.h"
#include "base/err.h"
#include "cgroup/cgroup.h"
#include "fuzz.h"

#include <string.h>

static const struct cgroup_host hosts[] = {
	{.controllers = "memory,cpu,cpuset,pids,blkio,hugetlb,rdma,net_cls,net_prio", .count = 1},
	{.controllers = "memory,cpu,cpuset,pids,io,hugetlb,rdma,misc",
		.count = 1,
		.is_unified = true},
};

static void limit_check(const struct oci_limit *limit)
{
	int64_t min, max;

	if (limit->limit == 0 || limit->limit >= CGROUP_LIMIT_COUNT)
		BUG("limit %u", limit->limit);
	cgroup_limit_range(limit->limit, &min, &max);
	if (limit->value < min || limit->value > max)
		BUG("limit %u is %lld", limit->limit, (long long)limit->value);
	if (limit->limit == CGROUP_UNIFIED) {
		/* A controller may have any name, and may be missing. */
		size_t len = strcspn(limit->text, "=");
		if (!limit->text[len] || memchr(limit->text, '/', len))
			BUG("unified %s", limit->text);
		return;
	}
	if (limit->text && strchr(limit->text, '/'))
		BUG("limit %u is for %s", limit->limit, limit->text);
	if (cgroup_limit_check(&hosts[0], limit) < 0 && cgroup_limit_check(&hosts[1], limit) < 0)
		BUG("limit %u: %s", limit->limit, err_text());
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_arena struct arena a = ARENA_INIT;
	struct oci_spec spec = {0};

	int r = bundle_resources_parse("resources", (const char *)data, size, &a, &spec);
	if (r < 0 && err_code() != r)
		BUG("refused with %d: %s", r, err_text());
	for (size_t i = 0; r >= 0 && i < spec.limits.count; i++)
		limit_check(&spec.limits.items[i]);
	for (size_t i = 0; r >= 0 && i < spec.device_rules.count; i++) {
		const struct oci_device_rule *rule = &spec.device_rules.items[i];
		if (!strchr("abc", rule->type) || !*rule->access || rule->major < -1 ||
			rule->minor < -1)
			BUG("device rule %zu", i);
	}
	return 0;
}
