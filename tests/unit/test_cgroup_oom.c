/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The counts of version 2, and which signal of version 1 is ignored. Tests with containers cover
 * the kernel's wake-up.
 */
#include "cgroup/oom.c"

#include "test_cgroup_temp.h"

#include <unistd.h>

/* Writes to the same file, as the kernel does. */
static void events_change(const char *text)
{
	assert_int_equal(file_write_at(AT_FDCWD, fake_path("tree/c1/memory.events"), text), 0);
}

static void unified_counts(void **state)
{
	struct cgroup *g = NULL;

	fake_unified();
	fake_mkdir("tree/c1");
	assert_int_equal(cgroup_open(&fake_host, "c1", &g), 0);
	auto_of(cgroup) struct cgroup *closed = g;
	auto_of(cgroup_oom_watch) struct cgroup_oom_watch watch;
	assert_int_equal(cgroup_oom_watch_open(g, &watch), 0);
	assert_int_equal(watch.fd, -EBADF); /* no memory controller: there are never events */
	assert_int_equal(cgroup_oom_watch_take(&watch), 0);

	fake_write("tree/c1/memory.events", "oom 1\noom_kill 3\n");
	assert_int_equal(cgroup_oom_watch_open(g, &watch), 0);
	assert_true(watch.fd >= 0 && watch.events == POLLPRI);
	assert_int_equal(cgroup_oom_watch_take(&watch), 0); /* the kills from before the watch */
	events_change("oom 1\noom_kill 5\n");
	assert_int_equal(cgroup_oom_watch_take(&watch), 1);
	assert_int_equal(cgroup_oom_watch_take(&watch), 0);
	events_change("oom_kill many\n1\n");
	assert_int_equal(cgroup_oom_watch_take(&watch), -EBADMSG);
	cgroup_oom_watch_close(&watch);

	assert_int_equal(cgroup_oom_watch_open(g, &watch), -EBADMSG);
}

static void signal_times(int fd, uint64_t times)
{
	assert_int_equal(write(fd, &times, sizeof(times)), sizeof(times));
}

static void legacy_signals(void **state)
{
	struct cgroup *g = NULL;
	char text[64];

	fake_hierarchy("memory", "memory", "/");
	fake_mkdir("memory/c1");
	fake_write("memory/c1/memory.oom_control", "oom_kill 0\n");
	fake_write("memory/c1/cgroup.event_control", "");
	assert_int_equal(cgroup_open(&fake_host, "c1", &g), 0);
	auto_of(cgroup) struct cgroup *closed = g;
	auto_of(cgroup_oom_watch) struct cgroup_oom_watch watch;
	assert_int_equal(cgroup_oom_watch_open(g, &watch), 0);
	snprintf(text, sizeof(text), "%d %d", watch.fd, watch.file_fd);
	assert_file("memory/c1/cgroup.event_control", text);

	assert_int_equal(cgroup_oom_watch_take(&watch), 0);
	signal_times(watch.fd, 1);
	assert_int_equal(cgroup_oom_watch_take(&watch), 1);
	assert_int_equal(cgroup_oom_watch_take(&watch), 0);
	/* Removing the group causes a signal as well. */
	assert_int_equal(unlink(fake_path("memory/c1/memory.oom_control")), 0);
	signal_times(watch.fd, 1);
	assert_int_equal(cgroup_oom_watch_take(&watch), 0);
	signal_times(watch.fd, 2);
	assert_int_equal(cgroup_oom_watch_take(&watch), 1);
}

static void missing_files(void **state)
{
	struct cgroup *g = NULL;
	auto_of(cgroup_oom_watch) struct cgroup_oom_watch watch = {-EBADF, -EBADF, -EBADF, 0, 0};

	fake_hierarchy("memory", "memory", "/");
	fake_mkdir("memory/c1");
	assert_int_equal(cgroup_open(&fake_host, "c1", &g), 0);
	auto_of(cgroup) struct cgroup *closed = g;
	assert_int_equal(cgroup_oom_watch_open(g, &watch), -ENOENT);
	assert_string_equal(err_text(), "watch the memory of cgroup c1: No such file or directory");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(unified_counts, fake_setup, fake_teardown),
		cmocka_unit_test_setup_teardown(legacy_signals, fake_setup, fake_teardown),
		cmocka_unit_test_setup_teardown(missing_files, fake_setup, fake_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
