/* SPDX-License-Identifier: Apache-2.0 */
/* The layer store: a committed layer is found, and any other is swept. */
#include "storage/layer.c"

#include "test_sys_temp.h"

#include <signal.h>
#include <sys/inotify.h>
#include <sys/wait.h>

static const char chain[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

static size_t count_names(const char *dir)
{
	auto_strvec struct strvec names = STRVEC_INIT;
	assert_int_equal(file_list_at(temp_fd, dir, &names), 0);
	return names.count;
}

static void test_commit(void **state)
{
	assert_int_equal(storage_layer_find(temp_fd, chain), 0);
	assert_int_equal(storage_layer_open(temp_fd, chain), -ENOENT);
	int fds = temp_count_fds();
	{
		auto_of(storage_stage) struct storage_stage stage = STORAGE_STAGE_INIT;
		mode_t mask = umask(077);
		assert_int_equal(storage_stage_begin(temp_fd, &stage), 0);
		umask(mask);
		assert_int_equal(mkdirat(stage.tree_fd, "inside", 0755), 0);
		struct stat st;
		assert_int_equal(fstat(stage.tree_fd, &st), 0);
		assert_int_equal(st.st_mode & 07777, 0755);
		assert_int_equal(storage_layer_find(temp_fd, chain), 0);
		assert_int_equal(storage_stage_commit(&stage, chain), 0);
	}
	assert_int_equal(temp_count_fds(), fds);
	assert_int_equal(storage_layer_find(temp_fd, chain), 1);
	auto_close int tree = storage_layer_open(temp_fd, chain);
	struct stat st;
	assert_int_equal(fstatat(tree, "inside", &st, 0), 0);
	assert_int_equal(fstatat(temp_fd, "layers", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(count_names("layers/making"), 0);
}

static void test_commit_twice(void **state)
{
	auto_of(storage_stage) struct storage_stage stage = STORAGE_STAGE_INIT;
	assert_int_equal(storage_stage_begin(temp_fd, &stage), 0);
	assert_int_equal(storage_stage_commit(&stage, chain), 0);
	storage_stage_release(&stage);
	auto_close int tree = storage_layer_open(temp_fd, chain);
	struct stat st;
	assert_int_equal(fstatat(tree, "inside", &st, 0), 0); /* from the first commit */
	assert_int_equal(count_names("layers/making"), 0);
	assert_int_equal(count_names("layers"), 2); /* the other one holds the stages */
}

static void test_bad_chain(void **state)
{
	static const char *const bad[] = {"", "../../etc", "0123456789ABCDEF", "sha256:0"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		auto_of(storage_stage) struct storage_stage stage = STORAGE_STAGE_INIT;
		assert_int_equal(storage_layer_find(temp_fd, bad[i]), 0);
		assert_int_equal(storage_layer_open(temp_fd, bad[i]), -EINVAL);
		assert_int_equal(storage_stage_begin(temp_fd, &stage), 0);
		assert_int_equal(storage_stage_commit(&stage, bad[i]), -EINVAL);
	}
}

/* One process is killed in the middle, another one lives. */
static void test_sweep(void **state)
{
	auto_of(storage_stage) struct storage_stage mine = STORAGE_STAGE_INIT;
	assert_int_equal(storage_stage_begin(temp_fd, &mine), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct storage_stage stage = STORAGE_STAGE_INIT;
		if (storage_stage_begin(temp_fd, &stage) == 0)
			mkdirat(stage.tree_fd, "part", 0755);
		raise(SIGKILL);
	}
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	mkdirat(temp_fd, "layers/making/unrelated", 0700);
	assert_int_equal(count_names("layers/making"), 5);
	assert_int_equal(storage_sweep(temp_fd), 0);
	assert_int_equal(count_names("layers/making"), 3);
	assert_int_equal(mkdirat(mine.tree_fd, "still", 0755), 0);
}

/* The lock goes last: whenever the removal is cut off, the sweep still finds the stage by it. */
static void test_release_order(void **state)
{
	struct storage_stage stage = STORAGE_STAGE_INIT;
	assert_int_equal(storage_stage_begin(temp_fd, &stage), 0);
	char making[sizeof(temp_path) + 16];
	snprintf(making, sizeof(making), "%s/layers/making", temp_path);
	auto_close int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	assert_true(inotify_add_watch(watch, making, IN_DELETE) >= 0);
	storage_stage_release(&stage);
	_Alignas(struct inotify_event) char events[512];
	const struct inotify_event *first = (const struct inotify_event *)events;
	assert_true(read(watch, events, sizeof(events)) > 0);
	assert_string_equal(first->name, stage.name);
}

static void test_failures(void **state)
{
	mkdirat(temp_fd, "other", 0700);
	auto_close int other = openat(temp_fd, "other", O_RDONLY | O_DIRECTORY);
	assert_int_equal(storage_sweep(other), 0); /* no directory of stages at all */
	temp_write("other/layers", "a file");
	auto_of(storage_stage) struct storage_stage stage = STORAGE_STAGE_INIT;
	assert_int_equal(storage_stage_begin(other, &stage), -ENOTDIR);
	assert_int_equal(stage.lock_fd, -EBADF);
	assert_true(storage_sweep(other) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_commit),
		cmocka_unit_test(test_commit_twice),
		cmocka_unit_test(test_bad_chain),
		cmocka_unit_test(test_sweep),
		cmocka_unit_test(test_release_order),
		cmocka_unit_test(test_failures),
	};
	return cmocka_run_group_tests(tests, temp_setup, temp_teardown);
}
