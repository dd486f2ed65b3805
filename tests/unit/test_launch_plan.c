/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a specification to a plan to text, without privileges: the golden text of a small container,
 * which is the same after storing and loading; refusals with their messages; and damaged plans,
 * which are refused or harmless but never read out of bounds.
 */
#include "launch/build.c"
#include "sys/fd.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static const struct cgroup_host hybrid = {
	.count = 3,
	.hierarchies = {{.mount_point = "/sys/fs/cgroup/memory", .controllers = "memory"},
		{.mount_point = "/sys/fs/cgroup/systemd", .controllers = "name=systemd"},
		{.mount_point = "/sys/fs/cgroup/unified", .controllers = ""}},
	.controllers = "memory,pids",
};

static const struct cgroup_host unified = {
	.is_unified = true,
	.count = 1,
	.hierarchies = {{.mount_point = "/sys/fs/cgroup", .controllers = ""}},
	.controllers = "cpu,memory,pids",
};

static void spec_fill(struct arena *a, struct oci_spec *spec)
{
	*spec = (struct oci_spec){.hostname = "seed", .cgroup_path = "husk-0/abc"};
	static const char *const kinds[] = {"mount", "pid", "network", "cgroup"};
	for (size_t i = 0; i < 4; i++) {
		struct oci_namespace *ns = arena_push(a, &spec->namespaces);
		*ns = (struct oci_namespace){kinds[i], NULL, "default"};
	}
	*arena_push(a, &spec->layers) = "/layers/one";
	spec->upper = "/c/upper";
	spec->work = "/c/work";
	struct oci_mount *mount = arena_push(a, &spec->mounts);
	*mount = (struct oci_mount){"/proc", "proc", "proc", "nosuid,noexec,nodev", "default"};
	mount = arena_push(a, &spec->mounts);
	*mount = (struct oci_mount){"/sys/fs/cgroup", "cgroup", "cgroup", "ro,nosuid", "default"};
	mount = arena_push(a, &spec->mounts);
	*mount = (struct oci_mount){"/data", NULL, "/srv", "rbind,ro,rro", "-v"};
	struct oci_path *path = arena_push(a, &spec->masked);
	*path = (struct oci_path){"/proc/kcore", "default"};
	struct oci_limit *limit = arena_push(a, &spec->limits);
	*limit = (struct oci_limit){CGROUP_MEMORY_MAX, 100 << 20, 0, NULL, "-m"};
	*arena_push(a, &spec->process.args) = "sleep";
	*arena_push(a, &spec->process.args) = "1\033[2J";
	*arena_push(a, &spec->process.env) = "SECRET=never printed";
	spec->process.cwd = "/";
	spec->process.umask = 022;
	spec->process.uid = 7;
}

static const char golden[] =
	"  1  host  open layer /layers/one\n"
	"  2  host  assemble the root: overlay of 1 layer, writes to /c/upper\n"
	"  3  host  make cgroup husk-0/abc\n"
	"  4  host  limit memory to 100MiB (104857600 bytes)  [-m]\n"
	"  5  host  new mount namespace  [default]\n"
	"  6  host  new pid namespace  [default]\n"
	"  7  host  new network namespace  [default]\n"
	"  8  host  new cgroup namespace, made by init  [default]\n"
	"  9  init  attach the root in the new mount namespace\n"
	" 10  init  mount proc on /proc (nosuid,nodev,noexec)  [default]\n"
	" 11  init  mount tmpfs on /sys/fs/cgroup (nosuid,mode=755,size=64k)  [default]\n"
	" 12  init  mount cgroup on /sys/fs/cgroup/memory (ro,nosuid)  [default]\n"
	" 13  init  mount cgroup on /sys/fs/cgroup/systemd (ro,nosuid)  [default]\n"
	" 14  init  mount cgroup2 on /sys/fs/cgroup/unified (ro,nosuid)  [default]\n"
	" 15  init  bind /srv on /data (ro,rro)  [-v]\n"
	" 16  init  make device /dev/null c 1:3 mode 0666  [oci]\n"
	" 17  init  make device /dev/zero c 1:5 mode 0666  [oci]\n"
	" 18  init  make device /dev/full c 1:7 mode 0666  [oci]\n"
	" 19  init  make device /dev/random c 1:8 mode 0666  [oci]\n"
	" 20  init  make device /dev/urandom c 1:9 mode 0666  [oci]\n"
	" 21  init  make device /dev/tty c 5:0 mode 0666  [oci]\n"
	" 22  init  link /dev/fd to /proc/self/fd  [oci]\n"
	" 23  init  link /dev/stdin to /proc/self/fd/0  [oci]\n"
	" 24  init  link /dev/stdout to /proc/self/fd/1  [oci]\n"
	" 25  init  link /dev/stderr to /proc/self/fd/2  [oci]\n"
	" 26  init  link /dev/ptmx to pts/ptmx  [oci]\n"
	" 27  init  set hostname seed\n"
	" 28  init  move into the cgroup\n"
	" 29  init  make the cgroup namespace\n"
	" 30  init  make read-only /sys/fs/cgroup  [default]\n"
	" 31  init  hide /proc/kcore  [default]\n"
	" 32  init  open working directory /\n"
	" 33  init  pivot_root, drop the old root\n"
	" 34  init  report ready, wait for the start signal\n"
	" 35  init  new session and keyring, umask 0022\n"
	" 36  init  become uid 7 gid 0, capabilities none\n"
	" 37  init  close what is left open, signals as they were\n"
	" 38  init  execute sleep 1\\x1b[2J (1 environment variables)\n";

static void test_golden(void **state)
{
	auto_arena struct arena a = ARENA_INIT;
	struct oci_spec spec;
	auto_buf struct buf bytes = BUF_INIT, text = BUF_INIT;
	struct flat plan;
	spec_fill(&a, &spec);
	assert_int_equal(plan_build(&spec, PLAN_KIND_RUN, &hybrid, &bytes), 0);
	assert_int_equal(plan_open(&plan, bytes.data, bytes.len), 0);
	plan_write(&plan, &text);
	assert_string_equal(text.data, golden);
}

/* A plan that is sealed in a memfd and mapped again has the same text. */
static void test_stored(void **state)
{
	auto_arena struct arena a = ARENA_INIT;
	struct oci_spec spec;
	auto_buf struct buf bytes = BUF_INIT, text = BUF_INIT;
	spec_fill(&a, &spec);
	assert_int_equal(plan_build(&spec, PLAN_KIND_RUN, &hybrid, &bytes), 0);
	struct launch l;
	launch_init(&l);
	assert_int_equal(launch_set_plan(&l, bytes.data, bytes.len), 0);
	plan_write(&l.plan, &text);
	assert_string_equal(text.data, golden);
	launch_close(&l);
}

/* A container with a setting that a checkpoint would lose is refused, and the message names the
 * setting. */
static void test_outside(void **state)
{
	static const struct {
		struct oci_sched sched;
		const char *listener, *sentence;
	} cases[] = {
		{{.kind = SEC_SCHED_IO, .mode = 3}, NULL,
			"a container with I/O priority IOPRIO_CLASS_IDLE 0 cannot be checkpointed"},
		{{.kind = SEC_SCHED_PERSONALITY, .mode = 8}, NULL,
			"a container with personality LINUX32 cannot be checkpointed"},
		{{.kind = SEC_SCHED_POLICY}, "/run/agent",
			"a container whose seccomp filter has a listener cannot be checkpointed"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_arena struct arena a = ARENA_INIT;
		auto_buf struct buf bytes = BUF_INIT;
		struct oci_spec spec;
		struct flat plan;
		struct plan_outside outside;
		spec_fill(&a, &spec);
		spec.mounts.count = 0;
		*arena_push(&a, &spec.scheds) = cases[i].sched;
		spec.process.listener.path = cases[i].listener;
		assert_int_equal(plan_build(&spec, PLAN_KIND_RUN, &unified, &bytes), 0);
		assert_int_equal(plan_open(&plan, bytes.data, bytes.len), 0);
		assert_int_equal(plan_outside_find(&plan, &a, &outside), -EOPNOTSUPP);
		assert_string_equal(err_text(), cases[i].sentence);
	}
}

static void test_unified(void **state)
{
	auto_arena struct arena a = ARENA_INIT;
	struct oci_spec spec;
	auto_buf struct buf bytes = BUF_INIT, text = BUF_INIT;
	struct flat plan;
	spec_fill(&a, &spec);
	assert_int_equal(plan_build(&spec, PLAN_KIND_RUN, &unified, &bytes), 0);
	assert_int_equal(plan_open(&plan, bytes.data, bytes.len), 0);
	plan_write(&plan, &text);
	assert_non_null(
		strstr(text.data, "mount cgroup2 on /sys/fs/cgroup (ro,nosuid)  [default]\n"));
	assert_null(strstr(text.data, "mount tmpfs on /sys/fs/cgroup"));
}

/* Everything below /proc, /sys and /dev is strict; similar names are not. */
static void test_strict(void **state)
{
	assert_true(is_strict("/proc"));
	assert_true(is_strict("/dev/shm"));
	assert_false(is_strict("/procession"));
	assert_false(is_strict("/data/proc"));
}

/* A hook comes from the caller's bundle alone: its row has no origin. */
static void test_hook(void **state)
{
	auto_arena struct arena a = ARENA_INIT;
	struct oci_spec spec;
	auto_buf struct buf bytes = BUF_INIT, text = BUF_INIT;
	struct flat plan;
	spec_fill(&a, &spec);
	struct oci_hook *hook = arena_push(&a, &spec.hooks[OCI_HOOK_START_CONTAINER]);
	*hook = (struct oci_hook){.path = "/bin/hook"};
	assert_int_equal(plan_build(&spec, PLAN_KIND_RUN, &unified, &bytes), 0);
	assert_int_equal(plan_open(&plan, bytes.data, bytes.len), 0);
	plan_write(&plan, &text);
	assert_non_null(strstr(text.data, "run the hook /bin/hook\n"));
}

static void test_step_names(void **state)
{
	auto_arena struct arena a = ARENA_INIT;
	struct oci_spec spec;
	auto_buf struct buf bytes = BUF_INIT, text = BUF_INIT;
	struct flat plan;
	spec_fill(&a, &spec);
	assert_int_equal(plan_build(&spec, PLAN_KIND_RUN, &hybrid, &bytes), 0);
	assert_int_equal(plan_open(&plan, bytes.data, bytes.len), 0);
	plan_step_describe(&plan, 10, &text);
	assert_string_equal(
		text.data, "step 10 of 38, in init: mount proc on /proc (nosuid,nodev,noexec)");
	buf_clear(&text);
	plan_step_describe(&plan, 99, &text);
	assert_string_equal(text.data, "");
	plan_step_describe(&plan, 0, &text);
	assert_string_equal(text.data, "");
}

struct refusal {
	void (*spoil)(struct arena *a, struct oci_spec *spec);
	const char *sentence;
};

static void spoil_kind(struct arena *a, struct oci_spec *spec)
{
	spec->namespaces.items[0].type = "mont";
}

static void spoil_twice(struct arena *a, struct oci_spec *spec)
{
	spec->namespaces.items[0].type = "pid";
}

static void spoil_args(struct arena *a, struct oci_spec *spec)
{
	spec->process.args.count = 0;
}

static void spoil_cwd(struct arena *a, struct oci_spec *spec)
{
	spec->process.cwd = "here";
}

static void spoil_env(struct arena *a, struct oci_spec *spec)
{
	spec->process.env.items[0] = "LONELY";
}

static void spoil_mount(struct arena *a, struct oci_spec *spec)
{
	spec->mounts.items[0].destination = "proc";
}

static void spoil_bind(struct arena *a, struct oci_spec *spec)
{
	spec->mounts.items[2].options = "rbind,size=1";
}

static void spoil_idmap(struct arena *a, struct oci_spec *spec)
{
	struct oci_idmap *map = arena_push(a, &spec->idmaps);
	*map = (struct oci_idmap){0, 100000, 65536, false, "test"};
}

/* Only the bounding set has it: a program with file capabilities gets it from there. */
static void spoil_no_pivot(struct arena *a, struct oci_spec *spec)
{
	spec->no_pivot = true;
	spec->process.caps_bounding = UINT64_C(1) << sec_cap_find("SYS_ADMIN");
}

static const struct refusal refusals[] = {
	{spoil_kind, "namespaces[0]: \"mont\" is not a kind of namespace"},
	{spoil_twice, "namespaces[1]: \"pid\" is given twice"},
	{spoil_args, "no command specified"},
	{spoil_cwd, "the working directory \"here\" is not an absolute path"},
	{spoil_env, "environment[0]: \"LONELY\" is not KEY=VALUE"},
	{spoil_mount, "mount on \"proc\": the destination must be absolute"},
	{spoil_bind, "mount on /data: a bind mount has no option \"size=1\""},
	{spoil_idmap, "id mappings are given without a user namespace"},
	{spoil_no_pivot,
		"--no-pivot cannot be used with CAP_SYS_ADMIN: with it the container could "
		"unmount its root and find the host's below it"},
};

static void test_refusals(void **state)
{
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		auto_arena struct arena a = ARENA_INIT;
		struct oci_spec spec;
		auto_buf struct buf bytes = BUF_INIT;
		spec_fill(&a, &spec);
		refusals[i].spoil(&a, &spec);
		assert_true(plan_build(&spec, PLAN_KIND_RUN, &hybrid, &bytes) < 0);
		assert_string_equal(err_text(), refusals[i].sentence);
		assert_int_equal(bytes.len, 0);
	}
}

/* Every byte of a plan is changed: the plan is refused, or printed without leaving the file
 * (checked by the sanitizers). */
static void test_damage(void **state)
{
	auto_arena struct arena a = ARENA_INIT;
	struct oci_spec spec;
	auto_buf struct buf bytes = BUF_INIT, text = BUF_INIT;
	spec_fill(&a, &spec);
	assert_int_equal(plan_build(&spec, PLAN_KIND_RUN, &hybrid, &bytes), 0);
	size_t refused = 0;
	for (size_t i = 0; i < bytes.len; i++) {
		struct flat plan;
		char kept = bytes.data[i];
		bytes.data[i] = (char)(kept ^ 0xff);
		if (plan_open(&plan, bytes.data, bytes.len) < 0)
			refused++;
		else
			plan_write(&plan, &text);
		buf_clear(&text);
		bytes.data[i] = kept;
	}
	assert_true(refused > sizeof(struct flat_header) / 2);
	for (size_t len = 0; len < bytes.len; len += 7) {
		struct flat plan;
		assert_true(plan_open(&plan, bytes.data, len) < 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden),
		cmocka_unit_test(test_outside),
		cmocka_unit_test(test_stored),
		cmocka_unit_test(test_unified),
		cmocka_unit_test(test_strict),
		cmocka_unit_test(test_hook),
		cmocka_unit_test(test_step_names),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_damage),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
