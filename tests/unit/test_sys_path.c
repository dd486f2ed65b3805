/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Resolving beneath a root: the kernel and the walker must agree on every row, and no path leads
 * out.
 */
#include "sys/path.c"

#include "test_sys_temp.h"

#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

/* root/ is the root; outside/ holds files that must not be reached. */
static int root_fd = -1;

static void link_to(const char *target, const char *path)
{
	assert_int_equal(symlinkat(target, root_fd, path), 0);
}

static int path_setup(void **state)
{
	if (temp_setup(state) < 0)
		return -1;
	mkdirat(temp_fd, "root", 0755);
	mkdirat(temp_fd, "outside", 0755);
	temp_write("outside/canary", "alive");
	root_fd = openat(temp_fd, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	mkdirat(root_fd, "a", 0755);
	mkdirat(root_fd, "a/b", 0755);
	mkdirat(root_fd, "a/b/c", 0755);
	mkdirat(root_fd, "outside", 0755);
	temp_write("root/file", "in root");
	temp_write("root/a/file", "in a");
	link_to("a/b", "to_b");
	link_to("/a/b", "to_b_absolute");
	link_to("/../../../outside", "to_outside");
	link_to("../../outside", "a/to_outside");
	link_to("loop2", "loop1");
	link_to("loop1", "loop2");
	link_to("missing/deep", "dangling");
	link_to("/new_file", "a/dangling_file");
	link_to("file", "to_file");
	link_to("a/", "to_a_slash");
	link_to(".", "dot");
	link_to("/", "slash");
	link_to("../../../../../../../../..", "a/b/c/up");
	link_to("file/", "to_file_slash");
	link_to("self", "a/b/self");
	char name[16], target[16];
	for (int i = 0; i < 45; i++) {
		snprintf(name, sizeof(name), "chain%d", i);
		snprintf(target, sizeof(target), i == 0 ? "file" : "chain%d", i - 1);
		link_to(target, name);
	}
	return 0;
}

static int path_teardown(void **state)
{
	close(root_fd);
	return temp_teardown(state);
}

struct open_row {
	const char *path;
	int open_flags;
	unsigned flags;
	const char *leads_to; /* beneath root, or NULL */
	int error;
};

static const struct open_row open_rows[] = {
	{"/", O_PATH, 0, ".", 0},
	{".", O_PATH, 0, ".", 0},
	{"", O_PATH, 0, NULL, -ENOENT},
	{"..", O_PATH, 0, ".", 0},
	{"/../../..", O_PATH, 0, ".", 0},
	{"a/../../a/b/../../../file", O_PATH, 0, "file", 0},
	{"a//b///c/", O_PATH, 0, "a/b/c", 0},
	{"a/./b/./.", O_PATH, 0, "a/b", 0},
	{"file", O_PATH, 0, "file", 0},
	{"file", O_RDONLY, 0, "file", 0},
	{"file", O_RDWR, 0, "file", 0},
	{"a", O_RDONLY, 0, "a", 0},
	{"a", O_WRONLY, 0, NULL, -EISDIR},
	{"a", O_RDONLY | O_DIRECTORY, 0, "a", 0},
	{"file", O_RDONLY | O_DIRECTORY, 0, NULL, -ENOTDIR},
	{"file", O_PATH, PATH_DIR, NULL, -ENOTDIR},
	{"file/", O_PATH, 0, NULL, -ENOTDIR},
	{"file/.", O_PATH, 0, NULL, -ENOTDIR},
	{"file/..", O_PATH, 0, NULL, -ENOTDIR},
	{"file/x", O_PATH, 0, NULL, -ENOTDIR},
	{"missing", O_PATH, 0, NULL, -ENOENT},
	{"missing/..", O_PATH, 0, NULL, -ENOENT},
	{"missing/x", O_PATH, 0, NULL, -ENOENT},
	{"to_b", O_PATH, 0, "a/b", 0},
	{"to_b/c", O_PATH, 0, "a/b/c", 0},
	{"to_b/..", O_PATH, 0, "a", 0},
	{"to_b_absolute/c", O_PATH, 0, "a/b/c", 0},
	{"to_outside", O_PATH, 0, "outside", 0},
	{"a/to_outside", O_PATH, 0, "outside", 0},
	{"to_outside/canary", O_PATH, 0, NULL, -ENOENT},
	{"a/b/c/up", O_PATH, 0, ".", 0},
	{"a/b/c/up/outside/canary", O_PATH, 0, NULL, -ENOENT},
	{"loop1", O_PATH, 0, NULL, -ELOOP},
	{"loop1/x", O_PATH, 0, NULL, -ELOOP},
	{"chain39", O_PATH, 0, "file", 0},
	{"chain40", O_PATH, 0, NULL, -ELOOP},
	{"dangling", O_PATH, 0, NULL, -ENOENT},
	{"to_file", O_RDONLY, 0, "file", 0},
	{"to_file/", O_PATH, 0, NULL, -ENOTDIR},
	{"to_file_slash", O_PATH, 0, NULL, -ENOTDIR},
	{"to_a_slash", O_PATH, 0, "a", 0},
	{"to_a_slash/file", O_PATH, 0, "a/file", 0},
	{"dot/dot/dot/file", O_PATH, 0, "file", 0},
	{"a/b/../../slash/a", O_PATH, 0, "a", 0},
	{"to_b", O_PATH | O_NOFOLLOW, 0, "to_b", 0},
	{"to_b/", O_PATH | O_NOFOLLOW, 0, "a/b", 0},
	{"to_file", O_RDONLY | O_NOFOLLOW, 0, NULL, -ELOOP},
	{"to_b", O_PATH, PATH_STRICT, NULL, -ELOOP},
	{"to_b/c", O_PATH, PATH_STRICT, NULL, -ELOOP},
	{"to_b", O_PATH | O_NOFOLLOW, PATH_STRICT, "to_b", 0},
	{"a/b/c", O_PATH, PATH_STRICT, "a/b/c", 0},
	{"a/../file", O_PATH, PATH_STRICT, "file", 0},
};

enum { OPEN_ROWS = sizeof(open_rows) / sizeof(open_rows[0]) };

static void check_row(const struct open_row *row, int fd, const char *who)
{
	struct stat expected, got;
	if (row->error ? fd != row->error : fd < 0)
		fail_msg("%s: %s (flags %#x, %u) is %d", who, row->path, row->open_flags,
			row->flags, fd);
	if (fd < 0)
		return;
	assert_int_equal(fstatat(root_fd, row->leads_to, &expected, AT_SYMLINK_NOFOLLOW), 0);
	assert_int_equal(fstat(fd, &got), 0);
	if (expected.st_ino != got.st_ino || expected.st_dev != got.st_dev)
		fail_msg("%s: %s does not lead to %s", who, row->path, row->leads_to);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	close(fd);
}

static void test_open_agrees(void **state)
{
	int before = temp_count_fds();
	for (int i = 0; i < OPEN_ROWS; i++) {
		const struct open_row *row = &open_rows[i];
		check_row(
			row, path_open(root_fd, row->path, row->open_flags, row->flags), "kernel");
		check_row(row,
			path_walk(root_fd, row->path, WALK_OPEN, 0, row->open_flags, row->flags),
			"walker");
	}
	assert_int_equal(temp_count_fds(), before);
}

static void test_open_refuses_to_make(void **state)
{
	assert_int_equal(path_open(root_fd, "x", O_CREAT | O_WRONLY, 0), -EINVAL);
	assert_int_equal(path_open(root_fd, "a", O_TMPFILE | O_WRONLY, 0), -EINVAL);
	char name[NAME_MAX + 2];
	memset(name, 'n', sizeof(name));
	name[NAME_MAX + 1] = '\0';
	assert_int_equal(path_open(root_fd, name, O_PATH, 0), -ENAMETOOLONG);
	assert_int_equal(path_walk(root_fd, name, WALK_OPEN, 0, O_PATH, 0), -ENAMETOOLONG);
}

static void test_walker_refuses_magic_links(void **state)
{
	int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(path_open(proc, "self/root", O_PATH, 0), -ELOOP);
	assert_int_equal(path_walk(proc, "self/root", WALK_OPEN, 0, O_PATH, 0), -ELOOP);
	assert_int_equal(path_walk(proc, "self/fd/0", WALK_OPEN, 0, O_PATH, 0), -ELOOP);
	int fd = path_walk(proc, "self/status", WALK_OPEN, 0, O_RDONLY, 0);
	assert_true(fd >= 0);
	close(fd);
	close(proc);
}

/* Between the look at the last component, a file, and its opening, a symlink that leads out takes
 * its place. */
static void test_walker_follows_no_new_link(void **state)
{
	struct path_walk w = {.fds = {root_fd}, .mode = WALK_OPEN, .open_flags = O_RDONLY};
	const struct walk_part part = {.name = "to_canary", .is_last = true};
	auto_close int seen = openat(root_fd, "file", O_PATH | O_CLOEXEC);
	link_to("../outside/canary", part.name);
	assert_int_equal(walk_end_at(&w, &part, &seen), -ELOOP);
}

static void expect_made(int fd, const char *path, mode_t type)
{
	struct stat expected, got;
	assert_true(fd >= 0);
	assert_int_equal(fstatat(root_fd, path, &expected, AT_SYMLINK_NOFOLLOW), 0);
	assert_int_equal(fstat(fd, &got), 0);
	assert_int_equal(expected.st_ino, got.st_ino);
	assert_int_equal(got.st_mode & S_IFMT, type);
	close(fd);
}

static void test_make_dir(void **state)
{
	int before = temp_count_fds();
	expect_made(path_make_dir(root_fd, "/n1/n2/n3/", 0755, 0), "n1/n2/n3", S_IFDIR);
	expect_made(path_make_dir(root_fd, "/n1/n2/n3", 0755, 0), "n1/n2/n3", S_IFDIR);
	expect_made(path_make_dir(root_fd, "/", 0755, PATH_STRICT), ".", S_IFDIR);
	expect_made(path_make_dir(root_fd, "to_b/n4", 0700, 0), "a/b/n4", S_IFDIR);
	expect_made(path_make_dir(root_fd, "to_outside/n5", 0755, 0), "outside/n5", S_IFDIR);
	expect_made(path_make_dir(root_fd, "dangling/n6", 0755, 0), "missing/deep/n6", S_IFDIR);
	expect_made(path_make_dir(root_fd, "n7/../../n8", 0755, 0), "n8", S_IFDIR);
	assert_false(temp_exists("outside/n5"));
	assert_int_equal(path_make_dir(root_fd, "to_b/n9", 0755, PATH_STRICT), -ELOOP);
	assert_int_equal(path_make_dir(root_fd, "file", 0755, 0), -ENOTDIR);
	assert_int_equal(path_make_dir(root_fd, "file/n9", 0755, 0), -ENOTDIR);
	assert_int_equal(path_make_dir(root_fd, "loop1/n9", 0755, 0), -ELOOP);
	assert_int_equal(path_make_dir(root_fd, "", 0755, 0), -ENOENT);
	assert_int_equal(temp_count_fds(), before);
}

static void test_make_dir_deep(void **state)
{
	char path[2 * LEVELS_MAX + 3] = "";
	for (size_t i = 0; i < LEVELS_MAX - 1; i++)
		memcpy(path + 2 * i, "/d", 3);
	int before = temp_count_fds();
	int fd = path_make_dir(root_fd, path, 0755, 0);
	assert_true(fd >= 0);
	close(fd);
	memcpy(path + strlen(path), "/d", 3);
	assert_int_equal(path_make_dir(root_fd, path, 0755, 0), -ENAMETOOLONG);
	assert_int_equal(temp_count_fds(), before);
}

static void test_make_file(void **state)
{
	int before = temp_count_fds();
	expect_made(path_make_file(root_fd, "f1/f2/f", 0), "f1/f2/f", S_IFREG);
	expect_made(path_make_file(root_fd, "f1/f2/f", 0), "f1/f2/f", S_IFREG);
	expect_made(path_make_file(root_fd, "/file", PATH_STRICT), "file", S_IFREG);
	expect_made(path_make_file(root_fd, "a/dangling_file", 0), "new_file", S_IFREG);
	assert_int_equal(path_make_file(root_fd, "a", 0), -EISDIR);
	assert_int_equal(path_make_file(root_fd, "f9/", 0), -EISDIR);
	assert_int_equal(path_make_file(root_fd, "f9/..", 0), -EISDIR);
	assert_int_equal(path_make_file(root_fd, "to_file", PATH_STRICT), -ELOOP);
	assert_int_equal(path_make_file(root_fd, "file/x", 0), -ENOTDIR);
	/* Opening a FIFO would block. */
	assert_int_equal(mkfifoat(root_fd, "fifo", 0600), 0);
	expect_made(path_make_file(root_fd, "fifo", 0), "fifo", S_IFIFO);
	assert_int_equal(temp_count_fds(), before);
}

static void test_open_parent(void **state)
{
	const char *last = NULL;
	expect_made(path_open_parent(root_fd, "/a/b/x", false, 0, &last), "a/b", S_IFDIR);
	assert_string_equal(last, "x");
	expect_made(path_open_parent(root_fd, "x", false, 0, &last), ".", S_IFDIR);
	expect_made(path_open_parent(root_fd, "/p1/p2/x", true, 0, &last), "p1/p2", S_IFDIR);
	static const char *const refused[] = {"", "/", "a/", "a/..", ".", "a/."};
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		assert_int_equal(path_open_parent(root_fd, refused[i], true, 0, &last), -EINVAL);
	assert_int_equal(path_open_parent(root_fd, "p9/x", false, 0, &last), -ENOENT);
	assert_int_equal(path_open_parent(root_fd, "to_b/x", true, PATH_STRICT, &last), -ELOOP);
}

/* Swaps a directory and a symlink that leads out, until is_over is set. */
static _Noreturn void race(atomic_int *is_over)
{
	while (!atomic_load(is_over))
		syscall(SYS_renameat2, root_fd, "race/dir", root_fd, "race/link", 2);
	_exit(0);
}

static void race_once(int round)
{
	char path[64];
	snprintf(path, sizeof(path), "race/dir/d%d/x", round % 50);
	int fds[] = {
		path_make_dir(root_fd, path, 0755, 0),
		path_make_file(root_fd, "race/dir/pwned", 0),
		path_make_dir(root_fd, path, 0755, PATH_STRICT),
		path_walk(root_fd, path, WALK_MAKE_DIR, 0755, O_PATH, 0),
		path_walk(root_fd, "race/dir/canary", WALK_OPEN, 0, O_RDONLY, 0),
		path_open(root_fd, "race/dir/canary", O_RDONLY, 0),
	};
	/* The canary exists only outside. */
	assert_true(fds[4] < 0 && fds[5] < 0);
	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		fd_close(fds[i]);
	if (round % 50 == 49)
		for (int i = 0; i < 50; i++) {
			snprintf(path, sizeof(path), "root/race/dir/d%d", i);
			file_remove_tree_at(temp_fd, path);
		}
}

static void test_racer(void **state)
{
	assert_int_equal(mkdirat(root_fd, "race", 0755), 0);
	assert_int_equal(mkdirat(root_fd, "race/dir", 0755), 0);
	char target[128];
	snprintf(target, sizeof(target), "%s/outside", temp_path);
	link_to(target, "race/link");
	atomic_int *is_over = mmap(
		NULL, sizeof(*is_over), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(is_over != MAP_FAILED);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		race(is_over);

	struct timespec start, now;
	clock_gettime(CLOCK_MONOTONIC, &start);
	int rounds = 0;
	do {
		race_once(rounds++);
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while (
		(now.tv_sec - start.tv_sec) * 1000 + (now.tv_nsec - start.tv_nsec) / 1000000 < 800);
	atomic_store(is_over, 1);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	munmap(is_over, sizeof(*is_over));
	assert_true(rounds > 50);

	auto_strvec struct strvec names = STRVEC_INIT;
	assert_int_equal(file_list_at(temp_fd, "outside", &names), 0);
	assert_int_equal(names.count, 1);
	assert_string_equal(names.items[0], "canary");
	auto_buf struct buf text = BUF_INIT;
	assert_int_equal(file_read_at(temp_fd, "outside/canary", 100, &text), 0);
	assert_string_equal(text.data, "alive");
}

static void test_text(void **state)
{
	static const char *const cleaned[][2] = {
		{"", "/"},
		{"/", "/"},
		{"a", "/a"},
		{"/a/./b//c/", "/a/b/c"},
		{"/a/../../b", "/b"},
		{"../..", "/"},
		{"/a/b/..", "/a"},
		{"/...", "/..."},
	};
	for (size_t i = 0; i < sizeof(cleaned) / sizeof(cleaned[0]); i++) {
		auto_buf struct buf out = BUF_INIT;
		buf_adds(&out, "kept");
		path_clean(&out, cleaned[i][0]);
		assert_int_equal(strncmp(out.data, "kept", 4), 0);
		assert_string_equal(out.data + 4, cleaned[i][1]);
	}
	static const char *const joined[][3] = {
		{"a", "b", "a/b"},
		{"a/", "/b", "a/b"},
		{"/", "b", "/b"},
		{"", "b", "/b"},
		{"a//", "//b/", "a/b/"},
	};
	for (size_t i = 0; i < sizeof(joined) / sizeof(joined[0]); i++) {
		auto_buf struct buf out = BUF_INIT;
		path_join(&out, joined[i][0], joined[i][1]);
		assert_string_equal(out.data, joined[i][2]);
	}
	assert_string_equal(path_last("/a/b/c"), "c");
	assert_string_equal(path_last("c"), "c");
	assert_string_equal(path_last("/a/b/"), "b/");
	assert_string_equal(path_last(""), "");
}

int main(void)
{
	umask(022);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_open_agrees),
		cmocka_unit_test(test_open_refuses_to_make),
		cmocka_unit_test(test_walker_refuses_magic_links),
		cmocka_unit_test(test_walker_follows_no_new_link),
		cmocka_unit_test(test_make_dir),
		cmocka_unit_test(test_make_dir_deep),
		cmocka_unit_test(test_make_file),
		cmocka_unit_test(test_open_parent),
		cmocka_unit_test(test_racer),
		cmocka_unit_test(test_text),
	};
	return cmocka_run_group_tests(tests, path_setup, path_teardown);
}
