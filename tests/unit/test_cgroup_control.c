/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Groups of this machine: made, joined, limited, frozen, killed and removed; then again with only
 * its v2 tree. Needs root and a writable cgroup file system, and is skipped with a message
 * otherwise. Nothing may be left behind, which is checked.
 */
#include "cgroup/control.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include "test_cgroup_temp.h"

#include <sys/mman.h>
#include <linux/sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>

enum { MIB = 1024 * 1024, CHILDREN_MAX = 16 };

static struct cgroup_host live_host;
static bool is_live;
static char live_path[64];
static struct cgroup *live;
static pid_t children[CHILDREN_MAX];
static size_t child_count;

/* Shared with the children: counts while they run. */
static volatile uint64_t *counter;

/* Second round: only the v2 tree of a hybrid host, as if the host were unified. */
static bool is_tree_only;

static int keep_tree(void)
{
	struct cgroup_hierarchy tree = live_host.hierarchies[live_host.count - 1];
	if (*tree.controllers)
		return err_say(-EOPNOTSUPP, "no v2 tree");
	live_host = (struct cgroup_host){.is_unified = true, .count = 1, .hierarchies = {tree}};
	return 0;
}

static int live_group_setup(void **state)
{
	int r = geteuid() == 0 ? cgroup_host_load(&live_host) : -EPERM;

	fmt(live_path, "husk-test-%d/live", getpid());
	if (r == 0 && is_tree_only)
		r = keep_tree();
	if (r == 0)
		r = cgroup_create(&live_host, live_path, &live);
	if (r == 0) {
		cgroup_close(take_ptr(&live));
		r = cgroup_remove(&live_host, live_path);
	}
	is_live = r == 0;
	if (r < 0)
		print_message("skipped: no root or no writable cgroup file system (%s)\n",
			r == -EPERM ? "not root" : err_text());
	counter = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return counter == MAP_FAILED ? -1 : 0;
}

static int live_group_teardown(void **state)
{
	int r = is_live ? cgroup_remove_empty_parent(&live_host, live_path) : 0;
	char path[CGROUP_PATH_MAX], parent[64];

	fmt(parent, "husk-test-%d", getpid());
	for (size_t i = 0; i < live_host.count; i++) {
		for (int is_own = 0; is_own < 2; is_own++) {
			cgroup_place(&live_host.hierarchies[i], is_own, parent, path);
			if (access(path, F_OK) == 0) {
				print_error("%s is left behind\n", path);
				r = -1;
			}
		}
	}
	return r;
}

static int live_setup(void **state)
{
	if (!is_live)
		return 0;
	*counter = 0;
	child_count = 0;
	int r = cgroup_create(&live_host, live_path, &live);
	if (r < 0)
		print_error("%s\n", err_text());
	return r;
}

static int live_teardown(void **state)
{
	if (!is_live)
		return 0;
	int r = live ? cgroup_kill_all(live) : 0;
	for (size_t i = 0; i < child_count; i++) {
		if (children[i] > 0) {
			kill(children[i], SIGKILL);
			waitpid(children[i], NULL, 0);
		}
	}
	cgroup_close(take_ptr(&live));
	if (r == 0)
		r = cgroup_remove(&live_host, live_path);
	if (r < 0)
		print_error("%s\n", err_text());
	return r;
}

#define NEEDS_LIVE() \
	do { \
		if (!is_live) \
			skip(); \
	} while (0)

/* If this machine lacks the controller, its part of a test is left out. */
static bool has(const char *controller)
{
	bool is_there = cgroup_has_controller(&live_host, controller);
	if (!is_there)
		print_message("no controller %s here: a part is left out\n", controller);
	return is_there;
}

/* Enters a group through its entry, as a monitor and init do. */
static int enter(const char *path)
{
	auto_of(cgroup_entry) struct cgroup_entry entry = CGROUP_ENTRY_INIT;

	int r = cgroup_entry_open(&live_host, path, &entry);
	return r < 0 ? r : cgroup_entry_move_all(&entry);
}

/* Starts a child that has moved itself into the group before it runs `body`; returns its index. */
static size_t child_start_in(const char *path, int (*body)(void))
{
	int gate[2];
	assert_int_equal(pipe(gate), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(gate[0]);
		int r = enter(path);
		if (r < 0)
			print_error("%s\n", err_text());
		_exit(r == 0 && write(gate[1], "x", 1) == 1 && close(gate[1]) == 0 ? body() : 99);
	}
	char c;
	close(gate[1]);
	assert_int_equal(read(gate[0], &c, 1), 1);
	close(gate[0]);
	assert_true(child_count < CHILDREN_MAX);
	children[child_count] = pid;
	return child_count++;
}

static size_t child_start(int (*body)(void))
{
	return child_start_in(live_path, body);
}

static int child_wait(size_t index)
{
	int status = 0;
	assert_int_equal(waitpid(children[index], &status, 0), children[index]);
	children[index] = 0;
	return status;
}

static int body_sleep(void)
{
	while (pause() < 0)
		;
	return 1;
}

static int body_count(void)
{
	while (usleep(200) == 0)
		++*counter;
	return 1;
}

static int body_fork(void)
{
	for (int i = 0; i < 3; i++) {
		if (fork() == 0)
			body_sleep();
	}
	*counter = 1;
	return body_sleep();
}

/* Holds 16 MiB that cannot be swapped out. */
static int body_hold(void)
{
	void *memory = mmap(NULL, 16 * MIB, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (memory == MAP_FAILED || mlock(memory, 16 * MIB) < 0)
		return 98;
	*counter = 1;
	return body_sleep();
}

static int body_eat(void)
{
	for (size_t i = 0; i < 64; i++) {
		char *page = mmap(
			NULL, MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (page == MAP_FAILED)
			return 1;
		for (size_t at = 0; at < MIB; at += 4096)
			page[at] = 1;
	}
	return 0;
}

static void wait_counter(uint64_t more_than)
{
	for (int i = 0; i < 5000 && *counter <= more_than; i++)
		usleep(1000);
	assert_true(*counter > more_than);
}

static void assert_live_file(
	const char *controller, const char *v1, const char *v2, const char *text)
{
	auto_buf struct buf got = BUF_INIT;
	const char *name = live->is_unified ? v2 : v1;
	int fd = cgroup_dir_find(live, controller);

	assert_int_equal(file_read_at(fd, name, 4096, &got), 0);
	if (got.len && got.data[got.len - 1] == '\n')
		got.data[got.len - 1] = '\0';
	assert_string_equal(got.data, text);
}

static void joined_everywhere(void **state)
{
	NEEDS_LIVE();
	size_t index = child_start(body_sleep);
	auto_buf struct buf text = BUF_INIT;
	char path[64];

	fmt(path, "/proc/%d/cgroup", children[index]);
	assert_int_equal(file_read_at(AT_FDCWD, path, 65536, &text), 0);
	size_t found = 0;
	char *rest = text.data;
	for (char *line; (line = str_cut(&rest, '\n'));)
		found += str_suffix(line, live_path);
	assert_int_equal(found, live_host.count);

	auto_free pid_t *pids = NULL;
	size_t count;
	assert_int_equal(cgroup_pids(live, &pids, &count), 0);
	assert_int_equal(count, 1);
	assert_int_equal(pids[0], children[index]);
	assert_true(cgroup_is_populated(live));
	assert_int_equal(cgroup_kill_all(live), 0);
	assert_true(WTERMSIG(child_wait(index)) == SIGKILL);
	assert_false(cgroup_is_populated(live));
	assert_int_equal(cgroup_kill_all(live), 0); /* an empty group */
}

/* A process that uses an entry after the group was removed stays where it is. */
static void gone_group(void **state)
{
	NEEDS_LIVE();
	auto_of(cgroup_entry) struct cgroup_entry entry = CGROUP_ENTRY_INIT;
	char gone[64];
	struct cgroup *g;

	fmt(gone, "husk-test-%d/gone", getpid());
	assert_int_equal(cgroup_entry_open(&live_host, gone, &entry), -ENOENT);
	assert_int_equal(cgroup_create(&live_host, gone, &g), 0);
	cgroup_close(g);
	assert_int_equal(cgroup_entry_open(&live_host, gone, &entry), 0);
	assert_int_equal(cgroup_remove(&live_host, gone), 0);
	int r = cgroup_entry_move_all(&entry);
	assert_true(r == -ENODEV || r == -ENOENT);
	assert_non_null(strstr(err_text(), "move into another cgroup"));
}

/* The caller's own group is a group like any other. */
static void to_and_fro(void **state)
{
	NEEDS_LIVE();
	auto_of(cgroup_entry) struct cgroup_entry home = CGROUP_ENTRY_INIT;

	assert_int_equal(cgroup_entry_open(&live_host, NULL, &home), 0);
	assert_int_equal(enter(live_path), 0);
	assert_true(cgroup_is_populated(live));
	assert_int_equal(cgroup_entry_move_all(&home), 0);
	assert_false(cgroup_is_populated(live));
}

static void limits_read_back(void **state)
{
	NEEDS_LIVE();
	auto_of(fake_plan) struct fake_plan p;
	fake_plan_init(&p);
	if (has("memory")) {
		fake_limit(&p, CGROUP_MEMORY_MAX, 64 * MIB, 0, NULL, "-m");
		fake_limit(&p, CGROUP_MEMORY_SWAP, 96 * MIB, 0, NULL, "default");
		fake_limit(&p, CGROUP_MEMORY_LOW, 32 * MIB, 0, NULL, NULL);
	}
	if (has("cpu")) {
		fake_limit(&p, CGROUP_CPU_MAX, 50000, 100000, NULL, "--cpus");
		fake_limit(&p, CGROUP_CPU_WEIGHT, 512, 0, NULL, NULL);
	}
	if (has("cpuset"))
		fake_limit(&p, CGROUP_CPUSET_CPUS, 0, 0, "0", "--cpuset-cpus");
	if (has("pids"))
		fake_limit(&p, CGROUP_PIDS_MAX, 5, 0, NULL, "--pids-limit");
	if (fake_apply(&p, live) < 0)
		fail_msg("%s", err_text());

	if (has("memory")) {
		assert_live_file("memory", "memory.limit_in_bytes", "memory.max", "67108864");
		assert_live_file("memory", "memory.soft_limit_in_bytes", "memory.low", "33554432");
	}
	if (has("cpu")) {
		assert_live_file("cpu", "cpu.cfs_quota_us", "cpu.max",
			live->is_unified ? "50000 100000" : "50000");
		assert_live_file(
			"cpu", "cpu.shares", "cpu.weight", live->is_unified ? "59" : "512");
	}
	if (has("cpuset"))
		assert_live_file("cpuset", "cpuset.cpus", "cpuset.cpus", "0");
	child_start(body_sleep);
	struct cgroup_stats stats;
	assert_int_equal(cgroup_stats_load(live, &stats), 0);
	if (has("pids")) {
		assert_int_equal(stats.pids, 1);
		assert_int_equal(stats.pids_limit, 5);
	}
	if (has("memory"))
		assert_int_equal(stats.memory_limit_bytes, 64 * MIB);
}

/* v1 requires at each step that the memory limit is at most that of memory and swap: up and down
 * again. */
static void memory_moves(void **state)
{
	NEEDS_LIVE();
	if (!has("memory"))
		skip();
	static const int64_t sizes[] = {64 * MIB, 256 * MIB, 32 * MIB, -1, 16 * MIB};
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		auto_of(fake_plan) struct fake_plan p;
		fake_plan_init(&p);
		fake_limit(&p, CGROUP_MEMORY_MAX, sizes[i], 0, NULL, NULL);
		fake_limit(&p, CGROUP_MEMORY_SWAP, sizes[i], 0, NULL, "default");
		if (fake_apply(&p, live) < 0)
			fail_msg("%s", err_text());
		struct cgroup_stats stats;
		assert_int_equal(cgroup_stats_load(live, &stats), 0);
		assert_int_equal(stats.memory_limit_bytes, sizes[i] < 0 ? 0 : sizes[i]);
	}
}

/* One limit of a group that may have others, as an update sets it. */
static void assert_update(enum cgroup_limit limit, int64_t value, int64_t second, const char *text)
{
	auto_of(fake_plan) struct fake_plan p;
	fake_plan_init(&p);
	fake_limit(&p, limit, value, second, text, "config.json");
	if (fake_apply(&p, live) < 0)
		fail_msg("limit %d: %s", limit, err_text());
}

static void assert_update_pair(enum cgroup_limit first, int64_t first_value, int64_t second,
	enum cgroup_limit other, int64_t other_value)
{
	auto_of(fake_plan) struct fake_plan p;
	fake_plan_init(&p);
	fake_limit(&p, first, first_value, second, NULL, "config.json");
	fake_limit(&p, other, other_value, 0, NULL, "config.json");
	if (fake_apply(&p, live) < 0)
		fail_msg("limits %d and %d: %s", first, other, err_text());
}

/* Quota, period and burst, each alone and together, up and down. */
static void cpu_moves(void **state)
{
	NEEDS_LIVE();
	if (!has("cpu"))
		skip();
	bool is_v2 = live->is_unified;

	assert_update(CGROUP_CPU_MAX, 50000, 0, NULL);
	assert_live_file("cpu", "cpu.cfs_quota_us", "cpu.max", is_v2 ? "50000 100000" : "50000");
	assert_update(CGROUP_CPU_PERIOD, 200000, 0, NULL);
	assert_live_file("cpu", "cpu.cfs_quota_us", "cpu.max", is_v2 ? "50000 200000" : "50000");
	assert_update_pair(CGROUP_CPU_MAX, 20000, 100000, CGROUP_CPU_BURST, 10000);
	assert_live_file("cpu", "cpu.cfs_burst_us", "cpu.max.burst", "10000");
	assert_update_pair(CGROUP_CPU_MAX, 90000, 100000, CGROUP_CPU_BURST, 80000);
	assert_live_file("cpu", "cpu.cfs_burst_us", "cpu.max.burst", "80000");
	assert_update_pair(CGROUP_CPU_MAX, 10000, 100000, CGROUP_CPU_BURST, 5000);
	assert_live_file("cpu", "cpu.cfs_quota_us", "cpu.max", is_v2 ? "10000 100000" : "10000");
	assert_live_file("cpu", "cpu.cfs_burst_us", "cpu.max.burst", "5000");
	assert_update(CGROUP_CPU_BURST, 0, 0, NULL);
	assert_live_file("cpu", "cpu.cfs_burst_us", "cpu.max.burst", "0");
	assert_update(CGROUP_CPU_MAX, -1, 0, NULL);
	assert_live_file("cpu", "cpu.cfs_quota_us", "cpu.max", is_v2 ? "max 100000" : "-1");
}

/* An idle group has no weight: it is made non-idle before the weight is set, and idle after
 * that. */
static void idle_moves(void **state)
{
	NEEDS_LIVE();
	if (!has("cpu"))
		skip();
	assert_update_pair(CGROUP_CPU_WEIGHT, 512, 0, CGROUP_CPU_IDLE, 1);
	assert_live_file("cpu", "cpu.idle", "cpu.idle", "1");
	assert_update_pair(CGROUP_CPU_WEIGHT, 2048, 0, CGROUP_CPU_IDLE, 0);
	assert_live_file("cpu", "cpu.idle", "cpu.idle", "0");
	assert_live_file("cpu", "cpu.shares", "cpu.weight", live->is_unified ? "174" : "2048");
}

/* Limits that only one version has. */
static void limits_of_one_version(void **state)
{
	NEEDS_LIVE();
	if (!has("memory"))
		skip();
	if (live->is_unified) {
		assert_update(CGROUP_MEMORY_MAX, 64 * MIB, 0, NULL);
		assert_update(CGROUP_UNIFIED, 0, 0, "memory.high=33554432\n");
		assert_live_file("memory", NULL, "memory.high", "33554432");
		assert_update(CGROUP_UNIFIED, 0, 0, "cgroup.max.depth=3");
		assert_live_file("memory", NULL, "cgroup.max.depth", "3");
		/* Swap alone, relative to the present memory limit. */
		assert_update(CGROUP_MEMORY_SWAP, 96 * MIB, 0, NULL);
		assert_live_file("memory", NULL, "memory.swap.max", "33554432");
		return;
	}
	assert_update(CGROUP_MEMORY_SWAPPINESS, 7, 0, NULL);
	assert_live_file("memory", "memory.swappiness", NULL, "7");
	assert_update(CGROUP_MEMORY_OOM_DISABLE, 1, 0, NULL);
	assert_live_file("memory", "memory.oom_control", NULL,
		"oom_kill_disable 1\nunder_oom 0\noom_kill 0");
	assert_update(CGROUP_MEMORY_KERNEL_TCP, 8 * MIB, 0, NULL);
	assert_live_file("memory", "memory.kmem.tcp.limit_in_bytes", NULL, "8388608");
}

/* A group that uses memory: a limit below that is refused by v1's kernel, and on v2 by husk's
 * check. */
static void limits_below_use(void **state)
{
	NEEDS_LIVE();
	if (!has("memory"))
		skip();
	auto_of(fake_plan) struct fake_plan p;

	child_start(body_hold);
	wait_counter(0);
	fake_plan_init(&p);
	fake_limit(&p, CGROUP_MEMORY_MAX, 4 * MIB, 1, NULL, "config.json");
	fake_limit(&p, CGROUP_MEMORY_SWAP, 4 * MIB, 1, NULL, "default");
	assert_int_equal(fake_apply(&p, live), -EBUSY);
	assert_true(cgroup_is_populated(live));
	struct cgroup_stats stats;
	assert_int_equal(cgroup_stats_load(live, &stats), 0);
	assert_int_equal(stats.memory_limit_bytes, 0);
	assert_int_equal(stats.oom_kills, 0);
}

/* What one process uses, as the kernel counts it. */
static void usage_of_a_process(void **state)
{
	NEEDS_LIVE();
	auto_arena struct arena a = ARENA_INIT;
	struct cgroup_usage usage;

	child_start(body_hold);
	wait_counter(0);
	if (cgroup_usage_load(live, &a, &usage) < 0)
		fail_msg("%s", err_text());
	assert_true(usage.cpu_ns > 0);
	assert_true(usage.memory.usage >= 16 * MIB);
	assert_int_equal(usage.memory.limit, UINT64_MAX);
	assert_true(usage.memory_stat.count > 10);
	assert_int_equal(usage.pids, 1);
	assert_int_equal(usage.pids_limit, UINT64_MAX);
}

/* A disk of this machine or of a virtual one. */
static const char *disk_find(void)
{
	static const char *const numbers[] = {"7:0", "8:0", "253:0", "254:0", "259:0"};
	char path[64];

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		fmt(path, "/sys/dev/block/%s", numbers[i]);
		if (access(path, F_OK) == 0)
			return numbers[i];
	}
	return NULL;
}

static void disk_limits(void **state)
{
	NEEDS_LIVE();
	const char *disk = disk_find();
	char line[128];

	if (!has(live->is_unified ? "io" : "blkio"))
		skip();
	if (!disk) {
		print_message("no disk here\n");
		skip();
	}
	assert_update(CGROUP_BLKIO_READ_BPS, MIB, 0, disk);
	assert_update(CGROUP_BLKIO_WRITE_IOPS, 30, 0, disk);
	fmt(line, live->is_unified ? "%s rbps=1048576 wbps=max riops=max wiops=30" : "%s 1048576",
		disk);
	assert_live_file("blkio", "blkio.throttle.read_bps_device", "io.max", line);
	assert_update(CGROUP_BLKIO_WRITE_IOPS, 0, 0, disk);
	assert_update(CGROUP_BLKIO_READ_BPS, 0, 0, disk);
	assert_live_file("blkio", "blkio.throttle.read_bps_device", "io.max", "");

	auto_of(fake_plan) struct fake_plan p;
	fake_plan_init(&p);
	fake_limit(&p, CGROUP_BLKIO_READ_BPS, MIB, 0, "4095:1048575", "config.json");
	assert_int_equal(fake_apply(&p, live), -ENODEV);
	assert_non_null(strstr(err_text(), "4095:1048575"));
}

static void impossible_cpus(void **state)
{
	NEEDS_LIVE();
	if (!has("cpuset"))
		skip();
	auto_of(fake_plan) struct fake_plan p;
	fake_plan_init(&p);
	fake_limit(&p, CGROUP_CPUSET_CPUS, 0, 0, "99999", "--cpuset-cpus");
	assert_true(fake_apply(&p, live) < 0);
	assert_non_null(strstr(err_text(), "run on cpus 99999: write \"99999\" to cpuset.cpus: "));
}

static void out_of_memory(void **state)
{
	NEEDS_LIVE();
	if (!has("memory"))
		skip();
	auto_of(fake_plan) struct fake_plan p;
	uint64_t kills = 9;

	fake_plan_init(&p);
	fake_limit(&p, CGROUP_MEMORY_MAX, 16 * MIB, 0, NULL, "-m");
	fake_limit(&p, CGROUP_MEMORY_SWAP, 16 * MIB, 0, NULL, "default");
	assert_int_equal(fake_apply(&p, live), 0);
	auto_close int before = cgroup_oom_open(live), after = cgroup_oom_open(live);
	assert_int_equal(cgroup_oom_kills(before, &kills), 0);
	assert_int_equal(kills, 0);
	int status = child_wait(child_start(body_eat));
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGKILL);
	assert_int_equal(cgroup_oom_kills(after, &kills), 0);
	assert_int_equal(kills, 1);
	struct cgroup_stats stats;
	assert_int_equal(cgroup_stats_load(live, &stats), 0);
	assert_int_equal(stats.oom_kills, 1);
	assert_true(stats.cpu_ns > 0 || !cgroup_has_controller(&live_host, "cpuacct"));
}

static void frozen(void **state)
{
	NEEDS_LIVE();
	size_t index = child_start(body_count);
	wait_counter(3);
	if (cgroup_freeze(live) < 0)
		fail_msg("%s", err_text());
	uint64_t at = *counter;
	usleep(20000);
	assert_int_equal(*counter, at);
	assert_true(cgroup_is_frozen(live));
	assert_int_equal(cgroup_freeze(live), 0); /* again: success */
	assert_true(cgroup_is_frozen(live));
	assert_int_equal(cgroup_thaw(live), 0);
	assert_false(cgroup_is_frozen(live));
	assert_int_equal(cgroup_thaw(live), 0); /* again: success */
	assert_false(cgroup_is_frozen(live));
	wait_counter(at);
	assert_int_equal(cgroup_freeze(live), 0);
	assert_int_equal(cgroup_kill_all(live), 0);
	assert_int_equal(WTERMSIG(child_wait(index)), SIGKILL);
}

/* Groups below freeze with their group. Freezing only a group below leaves the group above
 * running. */
static void frozen_below(void **state)
{
	NEEDS_LIVE();
	char deep[80];
	struct cgroup *made;

	fmt(deep, "%s/a/b", live_path);
	if (cgroup_create(&live_host, deep, &made) < 0)
		fail_msg("%s", err_text());
	auto_of(cgroup) struct cgroup *sub = made;
	child_start_in(deep, body_count);
	wait_counter(3);
	assert_int_equal(cgroup_freeze(live), 0);
	uint64_t at = *counter;
	usleep(20000);
	assert_int_equal(*counter, at);
	assert_true(cgroup_is_frozen(live));
	assert_true(cgroup_is_frozen(sub));
	assert_int_equal(cgroup_thaw(live), 0);
	wait_counter(at);
	assert_int_equal(cgroup_freeze(sub), 0);
	assert_true(cgroup_is_frozen(sub));
	assert_false(cgroup_is_frozen(live));
	assert_int_equal(cgroup_thaw(sub), 0);
	assert_false(cgroup_is_frozen(sub));
	wait_counter(*counter);
}

/* The group is asked to freeze, and its state cannot be read. */
static void a_failed_freeze_is_taken_back(void **state)
{
	struct cgroup *made;

	fake_unified();
	fake_mkdir("tree/c1/cgroup.events");
	fake_write("tree/c1/cgroup.freeze", "?");
	assert_int_equal(cgroup_open(&fake_host, "c1", &made), 0);
	auto_of(cgroup) struct cgroup *g = made;
	assert_int_equal(cgroup_freeze(g), -EISDIR);
	assert_file("tree/c1/cgroup.freeze", "0");
}

/* As on kernels without cgroup.kill: kills the children of the children as well. */
static void killed_by_pids(void **state)
{
	NEEDS_LIVE();
	size_t first = child_start(body_fork), second = child_start(body_sleep);
	wait_counter(0);
	auto_free pid_t *pids = NULL;
	size_t count;
	assert_int_equal(cgroup_pids(live, &pids, &count), 0);
	assert_int_equal(count, 5);
	for (size_t i = 1; i < count; i++)
		assert_true(pids[i - 1] < pids[i]);
	int r = kill_round(live);
	assert_int_equal(r, 1);
	assert_int_equal(WTERMSIG(child_wait(first)), SIGKILL);
	assert_int_equal(WTERMSIG(child_wait(second)), SIGKILL);
	assert_int_equal(kill_by_pids(live), 0);
	assert_false(cgroup_is_populated(live));
}

/* A pid that belongs to a process outside of the group by the time it is opened. */
static void a_stranger_is_not_killed(void **state)
{
	NEEDS_LIVE();
	size_t inside = child_start(body_sleep), outside = child_count++;
	children[outside] = fork();
	assert_true(children[outside] >= 0);
	if (children[outside] == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(body_sleep());
	}
	const pid_t pids[] = {children[inside], children[outside]};
	assert_int_equal(kill_pidfds(live, pids, 2), 0);
	assert_int_equal(WTERMSIG(child_wait(inside)), SIGKILL);
	/* If it had been killed, this signal would come too late. */
	assert_int_equal(kill(children[outside], SIGTERM), 0);
	assert_int_equal(WTERMSIG(child_wait(outside)), SIGTERM);
}

/* Groups that a container made inside its own group, with a process in the deepest one. */
static void nested_groups(void **state)
{
	NEEDS_LIVE();
	char path[CGROUP_PATH_MAX], deep[128];
	static const char *const names[] = {"a", "a/b", "a/b/c", "a/d", "e"};

	size_t index = 0;
	for (size_t n = 0; n < sizeof(names) / sizeof(names[0]); n++) {
		fmt(deep, "%s/%s", live_path, names[n]);
		struct cgroup *sub;
		if (cgroup_create(&live_host, deep, &sub) < 0)
			fail_msg("%s", err_text());
		if (str_eq(names[n], "a/b/c"))
			index = child_start_in(deep, body_sleep);
		cgroup_close(sub);
	}
	auto_free pid_t *pids = NULL;
	size_t count;
	assert_int_equal(cgroup_pids(live, &pids, &count), 0);
	assert_int_equal(count, 1);
	assert_int_equal(pids[0], children[index]);
	assert_true(cgroup_is_populated(live));
	assert_int_equal(cgroup_kill_all(live), 0);
	child_wait(index);
	assert_int_equal(cgroup_remove(&live_host, live_path), 0);
	for (size_t i = 0; i < live_host.count; i++) {
		cgroup_place(&live_host.hierarchies[i], live->dirs[i].is_own, live_path, path);
		assert_int_equal(access(path, F_OK), -1);
	}
	assert_int_equal(cgroup_remove(&live_host, live_path), 0); /* missing is success */
}

static void in_use(void **state)
{
	NEEDS_LIVE();
	struct cgroup *second = NULL;

	child_start(body_sleep);
	assert_int_equal(cgroup_create(&live_host, live_path, &second), -EEXIST);
	assert_null(second);
	assert_non_null(strstr(err_text(), "exists already and is in use"));
	assert_int_equal(cgroup_remove_empty_parent(&live_host, live_path), 0);

	/* The group is removed as soon as its last process has ended. */
	pid_t killer = fork();
	if (killer == 0) {
		usleep(60000);
		kill(children[0], SIGKILL);
		_exit(0);
	}
	uint64_t before_ms = clock_boot_ms();
	assert_int_equal(cgroup_remove(&live_host, live_path), 0);
	assert_in_range(clock_boot_ms() - before_ms, 50, 1500);
	waitpid(killer, NULL, 0);
	assert_int_equal(cgroup_open(&live_host, live_path, &second), -ENOENT);
}

/* Clones a process into the group, as CLONE_INTO_CGROUP does. */
static void born_in_it(void **state)
{
	NEEDS_LIVE();
	auto_of(cgroup_entry) struct cgroup_entry entry = CGROUP_ENTRY_INIT;
	assert_int_equal(cgroup_entry_open(&live_host, live_path, &entry), 0);
	if (entry.tree_fd < 0)
		return; /* a machine without any v2 tree */
	struct clone_args args = {.flags = CLONE_INTO_CGROUP,
		.exit_signal = SIGCHLD,
		.cgroup = (uint64_t)entry.tree_fd};
	int pid = sys_clone3(&args);
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(body_sleep());
	children[child_count++] = pid;
	auto_free pid_t *pids = NULL;
	size_t count;
	assert_int_equal(cgroup_pids(live, &pids, &count), 0);
	assert_int_equal(count, 1);
	assert_int_equal(pids[0], pid);
}

static void replaced_when_empty(void **state)
{
	NEEDS_LIVE();
	if (!has("pids"))
		skip();
	auto_of(fake_plan) struct fake_plan p;
	struct cgroup_stats stats;

	fake_plan_init(&p);
	fake_limit(&p, CGROUP_PIDS_MAX, 7, 0, NULL, NULL);
	assert_int_equal(fake_apply(&p, live), 0);
	cgroup_close(take_ptr(&live));
	assert_int_equal(cgroup_create(&live_host, live_path, &live), 0);
	assert_int_equal(cgroup_stats_load(live, &stats), 0);
	assert_int_equal(stats.pids_limit, 0);
}

/* Another command has just made the instance's directory, and has not filled it yet. */
static void empty_cpuset_above(void **state)
{
	NEEDS_LIVE();
	int fd = cgroup_dir_find(live, "cpuset");
	if (live->is_unified || fd < 0)
		skip();
	auto_of(fake_plan) struct fake_plan p;

	assert_int_equal(file_write_at(fd, "cpuset.cpus", "\n"), 0);
	assert_int_equal(file_write_at(fd, "../cpuset.cpus", "\n"), 0);
	assert_live_file("cpuset", "../cpuset.cpus", NULL, "");
	char beside[64];
	struct cgroup *g;
	fmt(beside, "%s-beside", live_path);
	if (cgroup_create(&live_host, beside, &g) < 0)
		fail_msg("%s", err_text());
	size_t index = child_start_in(beside, body_sleep);
	assert_int_equal(cgroup_kill_all(g), 0);
	cgroup_close(g);
	child_wait(index);
	assert_int_equal(cgroup_remove(&live_host, beside), 0);

	assert_int_equal(file_write_at(fd, "../cpuset.cpus", "\n"), 0);
	fake_plan_init(&p);
	fake_limit(&p, CGROUP_CPUSET_CPUS, 0, 0, "0", NULL);
	if (fake_apply(&p, live) < 0)
		fail_msg("%s", err_text());
	assert_live_file("cpuset", "cpuset.cpus", NULL, "0");
}

/* Bit 1: /dev/null could be opened, bit 2: /dev/zero could. */
static int body_devices(void)
{
	return (open("/dev/null", O_RDWR) >= 0 ? 1 : 0) +
		(open("/dev/zero", O_RDONLY) >= 0 ? 2 : 0);
}

static int devices_seen(void)
{
	int status = child_wait(child_start(body_devices));
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void device_rules(void **state)
{
	NEEDS_LIVE();
	auto_of(fake_plan) struct fake_plan one, all;

	if (!cgroup_has_controller(&live_host, "devices"))
		skip();
	assert_int_equal(devices_seen(), 3);
	fake_plan_init(&one);
	fake_device(&one, false, 'a', -1, -1, 7);
	fake_device(&one, true, 'c', 1, 3, 7);
	fake_device(&one, true, 'a', 136, -1, 7);
	if (fake_apply(&one, live) < 0)
		fail_msg("%s", err_text());
	assert_int_equal(devices_seen(), 1);
	fake_plan_init(&all);
	fake_device(&all, true, 'a', -1, -1, 7);
	assert_int_equal(fake_apply(&all, live), 0);
	assert_int_equal(devices_seen(), 3);
}

/* The v2 tree supports this here, whatever controllers v1 has. */
static void device_programs(void **state)
{
	NEEDS_LIVE();
	int tree = cgroup_dir_find(live, NULL);
	if (tree < 0)
		skip();
	const struct cgroup_device_row null_only[] = {
		{.is_allowed = 0, .type = 'a', .major = -1, .minor = -1, .access = 7},
		{.is_allowed = 1, .type = 'c', .major = 1, .minor = 3, .access = 7},
	};
	const struct cgroup_device_row zero_only[] = {
		{.is_allowed = 1, .type = 'c', .major = 1, .minor = 5, .access = 3},
	};
	const struct cgroup_device_row all[] = {
		{.is_allowed = 1, .type = 'a', .major = -1, .minor = -1, .access = 7},
	};
	int r = cgroup_device_program_attach(tree, null_only, 2);
	if (r == -EINVAL || r == -ENOSYS || r == -EPERM) {
		print_message("skipped: %s\n", err_text());
		skip();
	}
	assert_int_equal(r, 0);
	assert_int_equal(devices_seen(), 1);
	/* The program is replaced, not added: both together would allow nothing. */
	assert_int_equal(cgroup_device_program_attach(tree, zero_only, 1), 0);
	assert_int_equal(devices_seen(), 2);
	assert_int_equal(cgroup_device_program_attach(tree, all, 1), 0);
	assert_int_equal(devices_seen(), 3);

	/* A container can have groups with rules of their own. */
	char deep[80];
	struct cgroup *made;
	fmt(deep, "%s/a", live_path);
	assert_int_equal(cgroup_create(&live_host, deep, &made), 0);
	auto_of(cgroup) struct cgroup *sub = made;
	if (cgroup_device_program_attach(cgroup_dir_find(sub, NULL), null_only, 2) < 0)
		fail_msg("%s", err_text());
}

/* Several commands begin and end containers of one instance. Each end removes the instance's
 * directory. */
static int create_and_remove(int which)
{
	auto_of(cgroup_entry) struct cgroup_entry home = CGROUP_ENTRY_INIT;
	char path[64];

	fmt(path, "husk-test-%d/race%d", getppid(), which);
	if (cgroup_entry_open(&live_host, NULL, &home) < 0)
		return 1;
	for (int i = 0; i < 20; i++) {
		struct cgroup *g = NULL;
		int r = cgroup_create(&live_host, path, &g);
		if (r == 0)
			r = enter(path);
		if (r == 0)
			r = cgroup_entry_move_all(&home);
		cgroup_close(g);
		if (r == 0)
			r = cgroup_remove(&live_host, path);
		if (r == 0)
			r = cgroup_remove_empty_parent(&live_host, path);
		if (r < 0) {
			print_error("%s\n", err_text());
			return 1;
		}
	}
	return 0;
}

static void races(void **state)
{
	NEEDS_LIVE();
	pid_t pids[3];

	/* The directory must be able to disappear. */
	cgroup_close(take_ptr(&live));
	assert_int_equal(cgroup_remove(&live_host, live_path), 0);
	for (int i = 0; i < 3; i++) {
		pids[i] = fork();
		if (pids[i] == 0)
			_exit(create_and_remove(i));
	}
	for (int i = 0; i < 3; i++) {
		int status;
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
}

#define LIVE(test) cmocka_unit_test_setup_teardown(test, live_setup, live_teardown)

/* The tests that need a controller of v1 come first: the v2 tree of a hybrid machine has none of
 * them. */
enum { NEED_CONTROLLERS = 11 };

int main(void)
{
	const struct CMUnitTest tests[] = {
		LIVE(memory_moves),
		LIVE(cpu_moves),
		LIVE(idle_moves),
		LIVE(limits_of_one_version),
		LIVE(limits_below_use),
		LIVE(usage_of_a_process),
		LIVE(disk_limits),
		LIVE(impossible_cpus),
		LIVE(out_of_memory),
		LIVE(replaced_when_empty),
		LIVE(empty_cpuset_above),
		LIVE(joined_everywhere),
		LIVE(gone_group),
		LIVE(to_and_fro),
		LIVE(limits_read_back),
		LIVE(frozen),
		LIVE(frozen_below),
		cmocka_unit_test_setup_teardown(
			a_failed_freeze_is_taken_back, fake_setup, fake_teardown),
		LIVE(killed_by_pids),
		LIVE(a_stranger_is_not_killed),
		LIVE(nested_groups),
		LIVE(in_use),
		LIVE(device_rules),
		LIVE(device_programs),
		LIVE(born_in_it),
		LIVE(races),
	};
	int failures = cmocka_run_group_tests(tests, live_group_setup, live_group_teardown);
	is_tree_only = true;
	struct CMUnitTest tree_tests[sizeof(tests) / sizeof(tests[0]) - NEED_CONTROLLERS];
	memcpy(tree_tests, tests + NEED_CONTROLLERS, sizeof(tree_tests));
	return failures + cmocka_run_group_tests(tree_tests, live_group_setup, live_group_teardown);
}
