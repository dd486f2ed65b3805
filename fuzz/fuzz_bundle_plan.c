/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A config.json up to its plan, on both kinds of host. The plan of an accepted document can be
 * opened and printed, with a line for each step and no control characters for a terminal. A refusal
 * has a sentence.
 */
#include "fuzz.h"
#include "base/err.h"
#include "base/str.h"
#include "bundle/bundle.h"
#include "cgroup/cgroup.h"
#include "launch/internal.h"

static const struct cgroup_host hosts[] = {
	{
		.count = 2,
		.hierarchies = {{.mount_point = "/sys/fs/cgroup/memory",
					.controllers = "cpuset,memory,pids,devices,freezer",
					.own_path = "/"},
			{.mount_point = "/sys/fs/cgroup/unified",
				.controllers = "",
				.own_path = "/a"}},
		.controllers = "cpuset,memory,pids,devices,freezer",
	},
	{
		.is_unified = true,
		.count = 1,
		.hierarchies = {{.mount_point = "/sys/fs/cgroup",
			.controllers = "",
			.own_path = "/a"}},
		.controllers = "cpuset,cpu,io,memory,pids",
	},
};

static void text_check(const struct flat *plan)
{
	auto_buf struct buf text = BUF_INIT;
	uint32_t steps = 0, lines = 0;
	plan_write(plan, &text);
	for (size_t i = 0; i < step_kind_count; i++)
		steps += step_rows(plan, &step_kinds[i]);
	for (size_t i = 0; i < text.len; i++) {
		lines += text.data[i] == '\n';
		if ((unsigned char)text.data[i] < ' ' && text.data[i] != '\n')
			BUG("control character %d in a plan", text.data[i]);
	}
	if (lines != steps)
		BUG("%u lines for %u steps", lines, steps);
}

static void build(const struct oci_spec *spec, const struct cgroup_host *host)
{
	auto_buf struct buf bytes = BUF_INIT;
	struct flat plan;
	int r = plan_build(spec, PLAN_KIND_RUN, host, &bytes);
	if (r < 0 && (err_code() != r || *err_text() == '\0'))
		BUG("refused with %d: %s", r, err_text());
	if (r < 0)
		return;
	r = plan_open(&plan, bytes.data, bytes.len);
	if (r < 0)
		BUG("a plan that cannot be opened: %s", err_text());
	text_check(&plan);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_of(arena) struct arena a = ARENA_INIT;
	struct oci_spec spec = {0};
	if (bundle_config_parse((const char *)data, size, "/bundle", &a, &spec) < 0)
		return 0;
	spec.opens_inside = size & 1;
	if (!spec.cgroup_path && size & 2)
		spec.cgroup_path = "seed";
	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++)
		build(&spec, &hosts[i]);
	return 0;
}
