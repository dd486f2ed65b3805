/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Removing trees: very deep, very wide, without permissions, with mounts.
 */
#include "sys/file_remove.c"

#include "test_sys_temp.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>

static void make_deep(const char *name, int levels)
{
	auto_close int fd = dup(temp_fd);
	for (int i = 0; i < levels; i++) {
		const char *here = i == 0 ? name : "d";
		assert_int_equal(mkdirat(fd, here, 0755), 0);
		int next = openat(fd, here, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		assert_true(next >= 0);
		fd_replace(&fd, next);
		if (i % 100 == 0)
			assert_int_equal(symlinkat("/", fd, "link"), 0);
	}
}

static void test_simple(void **state)
{
	assert_int_equal(file_remove_tree_at(temp_fd, "missing"), 0);
	assert_int_equal(file_remove_tree_at(temp_fd, "missing/deeper"), 0);
	temp_write("file", "");
	assert_int_equal(file_remove_tree_at(temp_fd, "file"), 0);
	assert_false(temp_exists("file"));

	assert_int_equal(mkdirat(temp_fd, "kept", 0755), 0);
	temp_write("kept/file", "");
	assert_int_equal(symlinkat("kept", temp_fd, "link"), 0);
	assert_int_equal(file_remove_tree_at(temp_fd, "link"), 0);
	assert_false(temp_exists("link"));

	assert_int_equal(mkdirat(temp_fd, "tree", 0755), 0);
	assert_int_equal(symlinkat("../kept", temp_fd, "tree/link"), 0);
	assert_int_equal(mkfifoat(temp_fd, "tree/fifo", 0600), 0);
	assert_int_equal(file_remove_tree_at(temp_fd, "tree"), 0);
	assert_false(temp_exists("tree"));
	assert_true(temp_exists("kept/file"));
}

/* With only few fds available. */
static void test_deep(void **state)
{
	struct rlimit old, few = {.rlim_cur = 64};
	make_deep("deep", 10000);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	few.rlim_max = old.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	int before = temp_count_fds();
	assert_int_equal(file_remove_tree_at(temp_fd, "deep"), 0);
	assert_int_equal(temp_count_fds(), before);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	assert_false(temp_exists("deep"));
}

static void test_wide(void **state)
{
	char name[64];
	assert_int_equal(mkdirat(temp_fd, "wide", 0755), 0);
	for (int i = 0; i < 1500; i++) {
		snprintf(name, sizeof(name), "wide/directory_or_file_%d", i);
		if (i % 3 == 0) {
			assert_int_equal(mkdirat(temp_fd, name, 0755), 0);
			snprintf(name, sizeof(name), "wide/directory_or_file_%d/x", i);
		}
		temp_write(name, "");
	}
	assert_int_equal(file_remove_tree_at(temp_fd, "wide"), 0);
	assert_false(temp_exists("wide"));
}

/* As a user who is not root, for whom permissions matter. */
static void test_closed(void **state)
{
	assert_int_equal(mkdirat(temp_fd, "user", 0755), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (geteuid() == 0 &&
			(fchownat(temp_fd, "user", 65534, 65534, 0) < 0 ||
				fchmod(temp_fd, 0755) < 0 || setgid(65534) < 0 ||
				setuid(65534) < 0))
			_exit(10);
		if (mkdirat(temp_fd, "user/tree", 0755) < 0 ||
			mkdirat(temp_fd, "user/tree/no_read", 0755) < 0 ||
			mkdirat(temp_fd, "user/tree/no_read/x", 0755) < 0 ||
			mkdirat(temp_fd, "user/tree/no_write", 0755) < 0 ||
			mkdirat(temp_fd, "user/tree/no_write/x", 0755) < 0 ||
			fchmodat(temp_fd, "user/tree/no_read", 0, 0) < 0 ||
			fchmodat(temp_fd, "user/tree/no_write", 0555, 0) < 0)
			_exit(11);
		_exit(file_remove_tree_at(temp_fd, "user/tree") == 0 ? 0 : 12);
	}
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_false(temp_exists("user/tree"));
}

/* In its own mount namespace; 77 if that is not allowed. */
static int remove_over_mounts(void)
{
	char from[128], bound[128], other[128], kept[140];
	snprintf(from, sizeof(from), "%s/volume", temp_path);
	snprintf(bound, sizeof(bound), "%s/mounted/bound", temp_path);
	snprintf(other, sizeof(other), "%s/mounted/other", temp_path);
	snprintf(kept, sizeof(kept), "%s/kept", other);
	if (unshare(CLONE_NEWNS) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
		return 77;
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
		mount(from, bound, NULL, MS_BIND, NULL) < 0 ||
		mount("tmpfs", other, "tmpfs", 0, NULL) < 0 || mkdir(kept, 0755) < 0)
		return 2;
	/* The old fd still refers to the old namespace. */
	fd_replace(&temp_fd, open(temp_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	int r = file_remove_tree_at(temp_fd, "mounted");
	if (r != -EXDEV && r != -EBUSY)
		return 3;
	/* All other files are gone. */
	return temp_exists("mounted/other/kept") && temp_exists("mounted/bound/file") &&
			!temp_exists("mounted/zzz") && !temp_exists("mounted/aaa")
		? 0
		: 4;
}

static void test_mounts(void **state)
{
	assert_int_equal(mkdirat(temp_fd, "volume", 0755), 0);
	temp_write("volume/file", "precious");
	assert_int_equal(mkdirat(temp_fd, "mounted", 0755), 0);
	assert_int_equal(mkdirat(temp_fd, "mounted/bound", 0755), 0);
	assert_int_equal(mkdirat(temp_fd, "mounted/other", 0755), 0);
	assert_int_equal(mkdirat(temp_fd, "mounted/zzz", 0755), 0);
	temp_write("mounted/aaa", "");
	temp_write("mounted/zzz/x", "");
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(remove_over_mounts());
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(status, 0);
	assert_true(temp_exists("volume/file"));
}

/* A directory is moved while the walk is below it: the way up leads elsewhere. */
static void test_moved(void **state)
{
	make_deep("moved", OPEN_LEVELS + 4);
	assert_int_equal(mkdirat(temp_fd, "refuge", 0755), 0);
	temp_write("refuge/file", "");
	auto_of(remove_walk) struct remove_walk w = {.names = BUF_INIT};
	assert_int_equal(remove_push(&w, temp_fd, "moved"), 0);
	for (int i = 1; i < OPEN_LEVELS + 4; i++)
		assert_int_equal(remove_push(&w, w.levels[w.depth - 1].fd, "d"), 0);
	/* The last level whose parent is closed. */
	while (w.levels[w.depth - 2].fd >= 0)
		assert_int_equal(remove_pop(&w), 0);
	assert_int_equal(renameat(temp_fd, "moved/d/d/d/d", temp_fd, "refuge/d"), 0);
	assert_int_equal(remove_pop(&w), -ESTALE);
	assert_true(temp_exists("refuge/file"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_simple),
		cmocka_unit_test(test_deep),
		cmocka_unit_test(test_wide),
		cmocka_unit_test(test_closed),
		cmocka_unit_test(test_mounts),
		cmocka_unit_test(test_moved),
	};
	return cmocka_run_group_tests(tests, temp_setup, temp_teardown);
}
