/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Damaged plans. The input is a list of patches, each a position and a word of four bytes, to a
 * plan that is built here, so the corpus outlives every change of the rows. An input that begins
 * like a plan is used as a plan.
 */
#include "fuzz.h"
#include "base/err.h"
#include "base/str.h"
#include "oci/oci.h"
#include "launch/internal.h"

#include <errno.h>

static const struct cgroup_host host = {
	.count = 2,
	.hierarchies = {{.mount_point = "/sys/fs/cgroup/memory",
				.controllers = "cpuset,memory,pids"},
		{.mount_point = "/sys/fs/cgroup/unified", .controllers = ""}},
	.controllers = "cpuset,memory,pids",
};

/* Adds a row to most sections. */
static void spec_fill(struct arena *a, struct oci_spec *spec)
{
	*spec = (struct oci_spec){.hostname = "seed", .cgroup_path = "husk-0/abc"};
	static const char *const kinds[] = {"mount", "pid", "network", "cgroup", "user"};
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		*arena_push(a, &spec->namespaces) = (struct oci_namespace){
			kinds[i], NULL, "default"};
	*arena_push(a, &spec->idmaps) = (struct oci_idmap){0, 100000, 65536, false, "test"};
	*arena_push(a, &spec->idmaps) = (struct oci_idmap){0, 100000, 65536, true, "test"};
	*arena_push(a, &spec->layers) = "/layers/one";
	spec->upper = "/c/upper";
	spec->work = "/c/work";
	*arena_push(a, &spec->mounts) = (struct oci_mount){
		"/proc", "proc", "proc", "nosuid,noexec,nodev", "default"};
	*arena_push(a, &spec->mounts) = (struct oci_mount){
		"/sys/fs/cgroup", "cgroup", "cgroup", "ro,nosuid", "default"};
	*arena_push(a, &spec->mounts) = (struct oci_mount){
		"/data", NULL, "/srv", "rbind,ro,rro", "-v"};
	*arena_push(a, &spec->masked) = (struct oci_path){"/proc/kcore", "default"};
	*arena_push(a, &spec->limits) = (struct oci_limit){
		CGROUP_MEMORY_MAX, 100 << 20, 0, NULL, "-m"};
	*arena_push(a, &spec->limits) = (struct oci_limit){
		CGROUP_CPUSET_CPUS, 0, 0, "0-1", "--cpuset-cpus"};
	*arena_push(a, &spec->process.args) = "sleep";
	*arena_push(a, &spec->process.args) = "1";
	*arena_push(a, &spec->process.env) = "SECRET=never printed";
	spec->process.cwd = "/";
	spec->process.uid = 7;
}

static void plan_make(struct buf *out)
{
	auto_arena struct arena a = ARENA_INIT;
	struct oci_spec spec;
	spec_fill(&a, &spec);
	if (plan_build(&spec, PLAN_KIND_RUN, &host, out) < 0)
		BUG("%s", err_text());
}

static void patches_apply(struct buf *plan, const uint8_t *data, size_t size)
{
	for (; size >= 6; data += 6, size -= 6) {
		size_t at = ((size_t)data[0] << 8 | data[1]) * 4 % (plan->len & ~(size_t)3);
		memcpy(plan->data + at, data + 2, 4);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_buf struct buf bytes = BUF_INIT, text = BUF_INIT;
	struct flat plan;
	if (size >= 8 && memcmp(data, plan_schema.magic, 8) == 0) {
		buf_add(&bytes, data, size);
	} else {
		plan_make(&bytes);
		patches_apply(&bytes, data, size);
	}
	/* A block of exactly this size, so that a sanitizer sees a read beyond the end. */
	auto_free void *exact = mem_new(bytes.len);
	memcpy(exact, bytes.data, bytes.len);
	int r = plan_open(&plan, exact, bytes.len);
	if (r < 0 && (r != -EBADMSG || err_code() != r))
		BUG("refused with %d: %s", r, err_text());
	if (r < 0)
		return 0;
	plan_write(&plan, &text);
	uint32_t steps = 0;
	for (const char *c = text.data; (c = strchr(c, '\n')); c++)
		steps++;
	for (uint32_t step = 0; step <= steps + 1 && step < 100; step++) {
		buf_clear(&text);
		plan_step_describe(&plan, step, &text);
	}
	return 0;
}
