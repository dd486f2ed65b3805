/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where groups are made, and what is left of them, with directories that stand for the hierarchies.
 */
#include "cgroup/group.c"

#include "test_cgroup_temp.h"

#include <sys/wait.h>

static void paths(void **state)
{
	static const char *const bad[] = {
		"", "/", "a/", "a//b", "..", "../a", "a/..", "a/../b", ".", "a/./b", "//a"};
	const char *plain;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(cgroup_path_check(bad[i], &plain), -EINVAL);
	assert_int_equal(cgroup_path_check("/husk-1/..c", &plain), 0);
	assert_string_equal(plain, "husk-1/..c");
	assert_int_equal(cgroup_levels(plain), 2);

	auto_buf struct buf deep = BUF_INIT;
	for (int i = 0; i < CGROUP_LEVELS_MAX; i++)
		buf_adds(&deep, i ? "/x" : "x");
	assert_int_equal(cgroup_path_check(deep.data, &plain), 0);
	buf_adds(&deep, "/x");
	assert_int_equal(cgroup_path_check(deep.data, &plain), -EINVAL);

	struct cgroup *g = NULL;
	assert_int_equal(cgroup_create(&fake_host, "../x", &g), -EINVAL);
	assert_int_equal(cgroup_open(&fake_host, "../x", &g), -EINVAL);
	assert_int_equal(cgroup_remove(&fake_host, "../x"), -EINVAL);
	assert_int_equal(cgroup_remove_empty_parent(&fake_host, "../x"), -EINVAL);
	assert_null(g);
}

static void every_hierarchy(void **state)
{
	fake_hierarchy("memory", "memory", "/elsewhere");
	fake_hierarchy("cpu,cpuacct", "cpu", "/");
	fake_hierarchy("", "unified", "/");
	struct cgroup *g = NULL;

	assert_int_equal(cgroup_create(&fake_host, "/husk-1/c1", &g), 0);
	assert_true(fake_exists("memory/husk-1/c1"));
	assert_true(fake_exists("cpu/husk-1/c1"));
	assert_true(fake_exists("unified/husk-1/c1"));
	assert_int_equal(cgroup_dir_find(g, "cpuacct"), g->dirs[1].fd);
	assert_int_equal(cgroup_dir_find(g, "cpu"), g->dirs[1].fd);
	assert_int_equal(cgroup_dir_find(g, "pids"), -EBADF);
	assert_int_equal(cgroup_dir_find(g, NULL), g->dirs[2].fd);

	struct cgroup_entry entry = CGROUP_ENTRY_INIT;
	fake_write("memory/husk-1/c1/tasks", "");
	assert_int_equal(cgroup_entry_open(&fake_host, "husk-1/c1", &entry), 0);
	assert_int_equal(entry.count, 1);
	cgroup_entry_close(&entry);
	fake_write("cpu/husk-1/c1/tasks", "");
	assert_int_equal(cgroup_entry_open(&fake_host, "husk-1/c1", &entry), 0);
	assert_int_equal(entry.count, 2);
	assert_true(entry.tree_fd >= 0);
	assert_int_equal(cgroup_entry_move_all(&entry), -ENOENT); /* the tree has no such file */
	fake_write("unified/husk-1/c1/cgroup.procs", "");
	assert_int_equal(cgroup_entry_move(entry.fds[0]), 0);
	assert_int_equal(cgroup_entry_move_all(&entry), 0);
	assert_file("memory/husk-1/c1/tasks", "000"); /* a real cgroup file would not append */
	assert_file("cpu/husk-1/c1/tasks", "00");
	assert_file("unified/husk-1/c1/cgroup.procs", "0");
	cgroup_entry_close(&entry);
	cgroup_close(g);

	/* One hierarchy may lack the group. */
	assert_int_equal(file_remove_tree_at(AT_FDCWD, fake_path("cpu/husk-1")), 0);
	assert_int_equal(cgroup_open(&fake_host, "husk-1/c1", &g), 0);
	assert_int_equal(cgroup_dir_find(g, "cpu"), -EBADF);
	cgroup_close(g);
	assert_int_equal(cgroup_entry_open(&fake_host, "husk-1/c1", &entry), 0);
	assert_int_equal(entry.count, 1);
	cgroup_entry_close(&entry);
	assert_int_equal(cgroup_open(&fake_host, "husk-1/c2", &g), -ENOENT);
	assert_string_equal(err_text(), "there is no cgroup husk-1/c2");
	assert_int_equal(cgroup_entry_open(&fake_host, "husk-1/c2", &entry), -ENOENT);
	assert_string_equal(err_text(), "there is no cgroup husk-1/c2");
}

static void unified(void **state)
{
	static const char all[] = "+cpuset +cpu +io +memory +pids";
	auto_of(cgroup) struct cgroup *g = NULL;

	fake_unified();
	fake_write("tree/cgroup.subtree_control", "");
	fake_mkdir("tree/husk-1/cgroup.subtree_control");
	assert_int_equal(cgroup_create(&fake_host, "husk-1/a/c1", &g), -EISDIR);
	assert_null(g);
	assert_false(fake_exists("tree/husk-1/a"));
	assert_file("tree/cgroup.subtree_control", all);

	assert_int_equal(rmdir(fake_path("tree/husk-1/cgroup.subtree_control")), 0);
	fake_write("tree/husk-1/cgroup.subtree_control", "");
	assert_int_equal(cgroup_create(&fake_host, "husk-1/a/c1", &g), 0);
	assert_file("tree/husk-1/cgroup.subtree_control", all);
	cgroup_close(take_ptr(&g));

	/* The parent exists: nothing to do. */
	fake_write("tree/cgroup.subtree_control", "");
	assert_int_equal(cgroup_create(&fake_host, "husk-1/c1", &g), 0);
	assert_file("tree/cgroup.subtree_control", "");
}

/* A new instance directory in which nothing can be read. */
static void cpuset_unreadable(void **state)
{
	fake_hierarchy("cpuset", "cpuset", "/");
	struct cgroup *g = NULL;

	assert_int_equal(cgroup_create(&fake_host, "husk-1/c1", &g), -ENOENT);
	assert_null(g);
	assert_false(fake_exists("cpuset/husk-1"));
}

/* After a failure nothing is left, not even in the hierarchies before the one that failed. */
static void undone(void **state)
{
	fake_hierarchy("memory", "memory", "/");
	fake_hierarchy("pids", "pids", "/");
	struct cgroup *g = NULL;

	fake_write("pids/husk-1", "no directory");
	assert_int_equal(cgroup_create(&fake_host, "husk-1/c1", &g), -ENOTDIR);
	assert_null(g);
	assert_false(fake_exists("memory/husk-1"));
	assert_non_null(strstr(err_text(), "make cgroup husk-1/c1 below /tmp/"));

	/* A group that is not empty stays, and so does its directory in another hierarchy. */
	assert_int_equal(unlink(fake_path("pids/husk-1")), 0);
	fake_mkdir("pids/husk-1/c1");
	fake_write("pids/husk-1/c1/something", "");
	assert_int_equal(cgroup_create(&fake_host, "husk-1/c1", &g), -EEXIST);
	assert_false(fake_exists("memory/husk-1"));
	assert_true(fake_exists("pids/husk-1/c1/something"));
}

/* Runs as a user who may not write at the root of the hierarchy. */
static int body_nested(void)
{
	struct cgroup *g = NULL;

	if (setresuid(65534, 65534, 65534) < 0)
		return 1;
	if (cgroup_create(&fake_host, "husk-1/c1", &g) < 0)
		return 2;
	if (!fake_exists("memory/own/husk-1/c1") || fake_exists("memory/husk-1"))
		return 3;
	cgroup_close(g);
	if (cgroup_open(&fake_host, "husk-1/c1", &g) < 0 || g->dirs[0].fd < 0 || !g->dirs[0].is_own)
		return 4;
	cgroup_close(g);
	if (cgroup_remove(&fake_host, "husk-1/c1") < 0 || fake_exists("memory/own/husk-1/c1"))
		return 5;
	if (cgroup_remove_empty_parent(&fake_host, "husk-1/c1") < 0 ||
		fake_exists("memory/own/husk-1"))
		return 6;
	fmt(fake_host.hierarchies[0].own_path, "/");
	if (cgroup_create(&fake_host, "husk-1/c1", &g) != -EACCES)
		return 7;
	return 0;
}

static void below_own_group(void **state)
{
	int status;

	if (geteuid() != 0) {
		print_message("skipped: not root\n");
		skip();
	}
	fake_hierarchy("memory", "memory", "/own");
	fake_mkdir("memory/own");
	assert_int_equal(chmod(fake_dir, 0755), 0);
	assert_int_equal(chmod(fake_path("memory"), 0755), 0);
	assert_int_equal(chmod(fake_path("memory/own"), 0777), 0);
	pid_t pid = fork();
	if (pid == 0)
		_exit(body_nested());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_true(WIFEXITED(status));
}

#define FAKE(test) cmocka_unit_test_setup_teardown(test, fake_setup, fake_teardown)

/* Groups below the container's group: in all hierarchies, or in that of one controller. */
static void subgroups(void **state)
{
	struct cgroup_entry entry = CGROUP_ENTRY_INIT;
	const struct cgroup_subgroup all = {NULL, "/a/b"}, own = {NULL, "/"}, cpu = {"cpu", "a/b"},
				     other = {"foo", "a/b"}, out = {NULL, "../c2"},
				     none = {NULL, "none"}, some[] = {{"memory", "/"}, cpu};
	char text[600];

	fake_hierarchy("cpu,cpuacct", "cpu", "/");
	fake_hierarchy("memory", "memory", "/");
	fake_hierarchy("", "tree", "/");
	fake_mkdir("cpu/c1");
	fake_mkdir("cpu/c1/a");
	fake_mkdir("cpu/c1/a/b");
	fake_mkdir("memory/c1");
	fake_mkdir("tree/c1");
	fake_write("cpu/c1/tasks", "");
	fake_write("cpu/c1/a/b/tasks", "");
	fake_write("memory/c1/tasks", "");
	assert_int_equal(cgroup_entry_open_sub(&fake_host, "c1", &cpu, 1, &entry), 0);
	assert_int_equal(entry.count, 2);
	assert_int_equal(cgroup_entry_move(entry.fds[0]), 0);
	assert_file("cpu/c1/a/b/tasks", "0");
	assert_file("cpu/c1/tasks", "");
	cgroup_entry_close(&entry);
	assert_int_equal(cgroup_entry_open_sub(&fake_host, "c1", some, 2, &entry), 0);
	assert_int_equal(entry.count, 2);
	cgroup_entry_close(&entry);
	assert_int_equal(cgroup_entry_open_sub(&fake_host, "c1", &own, 1, &entry), 0);
	assert_int_equal(cgroup_entry_move(entry.fds[0]), 0);
	assert_file("cpu/c1/tasks", "0");
	cgroup_entry_close(&entry);

	/* In a hierarchy without the container's group, a group below it cannot exist either. */
	assert_int_equal(cgroup_entry_open_sub(&fake_host, "c2", &cpu, 1, &entry), -ENOENT);
	snprintf(text, sizeof(text), "the container has no cgroup below %s", fake_path("cpu"));
	assert_string_equal(err_text(), text);

	/* Every hierarchy of version 1 must have the group; the v2 tree beside them need not. */
	assert_int_equal(cgroup_entry_open_sub(&fake_host, "c1", &all, 1, &entry), -ENOENT);
	fake_mkdir("memory/c1/a");
	fake_mkdir("memory/c1/a/b");
	fake_write("memory/c1/a/b/tasks", "");
	assert_int_equal(cgroup_entry_open_sub(&fake_host, "c1", &all, 1, &entry), 0);
	assert_int_equal(entry.count, 2);
	assert_true(entry.tree_fd >= 0);
	cgroup_entry_close(&entry);
	assert_int_equal(cgroup_entry_open_sub(&fake_host, "c1", &none, 1, &entry), -ENOENT);
	assert_int_equal(cgroup_entry_open_sub(&fake_host, "c1", &out, 1, &entry), -EINVAL);
	assert_int_equal(cgroup_entry_open_sub(&fake_host, "c1", &other, 1, &entry), -EINVAL);
	assert_string_equal(err_text(), "there is no cgroup hierarchy with the controller \"foo\"");
}

static void subgroups_of_version_2(void **state)
{
	struct cgroup_entry entry = CGROUP_ENTRY_INIT;
	const struct cgroup_subgroup all = {NULL, "a"}, cpu = {"cpu", "a"};

	fake_unified();
	fake_mkdir("tree/c1");
	assert_int_equal(cgroup_entry_open_sub(&fake_host, "c1", &all, 1, &entry), -ENOENT);
	fake_mkdir("tree/c1/a");
	assert_int_equal(cgroup_entry_open_sub(&fake_host, "c1", &all, 1, &entry), 0);
	assert_int_equal(entry.count, 0);
	assert_true(entry.tree_fd >= 0);
	cgroup_entry_close(&entry);
	assert_int_equal(cgroup_entry_open_sub(&fake_host, "c1", &cpu, 1, &entry), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {FAKE(subgroups), FAKE(subgroups_of_version_2),
		FAKE(paths), FAKE(every_hierarchy), FAKE(unified), FAKE(cpuset_unreadable),
		FAKE(undone), FAKE(below_own_group)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
