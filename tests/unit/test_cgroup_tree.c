/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Walking and removing groups that a container may have nested deeply, with ordinary directories.
 */
#include "cgroup/tree.c"

#include "test_cgroup_temp.h"

static struct cgroup *tree_open(void)
{
	struct cgroup *g = NULL;
	fake_unified();
	fake_mkdir("tree/husk-1/c1");
	assert_int_equal(cgroup_open(&fake_host, "husk-1/c1", &g), 0);
	return g;
}

/* A chain of directories that is too deep for a path. */
static void make_chain(const char *base, int depth)
{
	auto_close int fd = file_open_dir_at(AT_FDCWD, fake_path(base));
	for (int i = 0; i < depth; i++) {
		assert_int_equal(mkdirat(fd, "deeper", 0700), 0);
		fd_replace(&fd, openat(fd, "deeper", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
		assert_true(fd >= 0);
	}
	auto_close int procs = openat(fd, "cgroup.procs", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(write(procs, "77\n", 3), 3);
}

static void lists_pids(void **state)
{
	auto_of(cgroup) struct cgroup *g = tree_open();
	auto_free pid_t *pids = NULL;
	size_t count = 9;

	assert_int_equal(cgroup_pids(g, &pids, &count), 0);
	assert_int_equal(count, 0);
	assert_false(cgroup_is_populated(g));

	fake_mkdir("tree/husk-1/c1/a/b");
	fake_mkdir("tree/husk-1/c1/a/c");
	fake_mkdir("tree/husk-1/c1/d");
	fake_write("tree/husk-1/c1/cgroup.procs", "30\n4\n");
	fake_write("tree/husk-1/c1/a/c/cgroup.procs", "100\n0\n");
	fake_write("tree/husk-1/c1/a/b/cgroup.procs", "");
	fake_write("tree/husk-1/c1/d/cgroup.procs", "5");
	assert_int_equal(cgroup_pids(g, &pids, &count), 0);
	const pid_t expected[] = {0, 4, 5, 30, 100};
	assert_int_equal(count, 5);
	assert_memory_equal(pids, expected, sizeof(expected));
	assert_true(cgroup_is_populated(g));

	fake_write("tree/husk-1/c1/cgroup.events", "populated 0\nfrozen 0\n");
	assert_false(cgroup_is_populated(g));
	fake_write("tree/husk-1/c1/cgroup.events", "frozen 1\npopulated 1\n");
	assert_true(cgroup_is_populated(g));

	free(take_ptr(&pids));
	fake_write("tree/husk-1/c1/d/cgroup.procs", "5\nx\n");
	assert_int_equal(cgroup_pids(g, &pids, &count), -EBADMSG);
}

/* Each group that is visited has lost its group "gone" meanwhile. */
static int visit_and_remove(int fd, void *context)
{
	++*(int *)context;
	unlinkat(fd, "gone", AT_REMOVEDIR);
	return 0;
}

static void groups_vanish_during_the_walk(void **state)
{
	int visited = 0;

	fake_mkdir("c1/a/gone");
	fake_mkdir("c1/b/gone");
	auto_close int fd = file_open_dir_at(AT_FDCWD, fake_path("c1"));
	assert_int_equal(cgroup_walk(fd, visit_and_remove, &visited), 0);
	assert_int_equal(visited, 3);
}

static void deep_tree(void **state)
{
	enum { DEPTH = 1500 };
	auto_of(cgroup) struct cgroup *g = tree_open();
	auto_free pid_t *pids = NULL;
	size_t count;

	make_chain("tree/husk-1/c1", DEPTH);
	assert_int_equal(cgroup_pids(g, &pids, &count), 0);
	assert_int_equal(count, 1);
	assert_int_equal(pids[0], 77);
}

static void removes_nested(void **state)
{
	fake_unified();
	fake_mkdir("tree/husk-1/c1/a/b/c");
	fake_mkdir("tree/husk-1/c1/a/d");
	fake_mkdir("tree/husk-1/c1/e");
	fake_mkdir("tree/husk-1/c2");
	auto_close int fd = file_open_dir_at(AT_FDCWD, fake_path("tree/husk-1/c1"));
	for (int i = 0; i < 1500; i++) {
		assert_int_equal(mkdirat(fd, "deeper", 0700), 0);
		fd_replace(&fd, openat(fd, "deeper", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	}
	assert_int_equal(cgroup_remove(&fake_host, "husk-1/c1"), 0);
	assert_false(fake_exists("tree/husk-1/c1"));
	assert_int_equal(cgroup_remove_empty_parent(&fake_host, "husk-1/c1"), 0);
	assert_true(fake_exists("tree/husk-1/c2"));
	assert_int_equal(cgroup_remove(&fake_host, "/husk-1/c2"), 0);
	assert_int_equal(cgroup_remove(&fake_host, "/husk-1/c2"), 0);
	assert_int_equal(cgroup_remove_empty_parent(&fake_host, "husk-1/c1"), 0);
	assert_false(fake_exists("tree/husk-1"));
	assert_int_equal(cgroup_remove_empty_parent(&fake_host, "husk-1/c1"), 0);
	assert_int_equal(cgroup_remove_empty_parent(&fake_host, "single"), 0);
	assert_true(fake_exists("tree"));
}

/* Here a file stands for a process: what cannot be removed is reported, and the walk ends. */
static void stuck_below(void **state)
{
	fake_mkdir("c1/a/b");
	fake_write("c1/a/b/file", "");
	auto_close int fd = file_open_dir_at(AT_FDCWD, fake_path("c1"));
	assert_true(is_in_use(remove_below(fd)));
	assert_true(fake_exists("c1/a/b/file"));
	assert_int_equal(unlink(fake_path("c1/a/b/file")), 0);
	assert_int_equal(remove_below(fd), 0);
	assert_false(fake_exists("c1/a"));
}

static void other_failure(void **state)
{
	fake_hierarchy("memory", "memory", "/");
	fake_hierarchy("pids", "pids", "/");
	fake_mkdir("memory/husk-1");
	fake_write("memory/husk-1/c1", "a file");
	fake_mkdir("pids/husk-1/c1");
	assert_int_equal(cgroup_remove(&fake_host, "husk-1/c1"), -ENOTDIR);
	assert_non_null(strstr(err_text(), "remove cgroup husk-1/c1 below "));
	assert_false(fake_exists("pids/husk-1/c1")); /* other groups are removed anyway */
}

#define FAKE(test) cmocka_unit_test_setup_teardown(test, fake_setup, fake_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {FAKE(lists_pids), FAKE(groups_vanish_during_the_walk),
		FAKE(deep_tree), FAKE(removes_nested), FAKE(stuck_below), FAKE(other_failure)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
