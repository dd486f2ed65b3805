/* SPDX-License-Identifier: Apache-2.0 */
/* Writable layers. */
#include "storage/snapshot.c"

#include "test_sys_temp.h"

static void test_life(void **state)
{
	auto_of(storage_snapshot) struct storage_snapshot s = STORAGE_SNAPSHOT_INIT;
	mkdirat(temp_fd, "containers", 0700);
	mkdirat(temp_fd, "containers/web", 0700);
	mkdirat(temp_fd, "like", 0700);
	if (geteuid() == 0)
		assert_int_equal(fchownat(temp_fd, "like", 7, 8, 0), 0);
	assert_int_equal(fchmodat(temp_fd, "like", 01751, 0), 0);
	auto_close int like = openat(temp_fd, "like", O_PATH | O_DIRECTORY);
	assert_int_equal(storage_snapshot_open(temp_fd, "web", &s), -ENOENT);
	assert_int_equal(storage_snapshot_create(temp_fd, "web", like, &s), 0);
	struct stat st, wanted;
	assert_int_equal(fstat(like, &wanted), 0);
	assert_int_equal(fstat(s.upper_fd, &st), 0);
	assert_int_equal(st.st_mode, wanted.st_mode);
	assert_int_equal(st.st_uid, wanted.st_uid);
	assert_int_equal(st.st_gid, wanted.st_gid);
	assert_int_equal(fstat(s.work_fd, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	storage_snapshot_release(&s);
	assert_int_equal(storage_snapshot_create(temp_fd, "web", like, &s), -EEXIST);
	assert_int_equal(storage_snapshot_open(temp_fd, "web", &s), 0);
	assert_true(s.upper_fd >= 0 && s.work_fd >= 0);
	assert_int_equal(storage_snapshot_remove(temp_fd, "web"), 0);
	assert_false(temp_exists("containers/web/upper"));
	assert_true(temp_exists("containers/web"));
	assert_int_equal(storage_snapshot_remove(temp_fd, "web"), 0);
	assert_int_equal(storage_snapshot_remove(temp_fd, "none"), 0);
}

static void test_refused(void **state)
{
	struct storage_snapshot s = STORAGE_SNAPSHOT_INIT;
	assert_int_equal(storage_snapshot_open(temp_fd, "../like", &s), -EINVAL);
	assert_int_equal(storage_snapshot_remove(temp_fd, ".."), -EINVAL);
	assert_int_equal(storage_snapshot_create(temp_fd, "", temp_fd, &s), -EINVAL);
	mkdirat(temp_fd, "containers/bad", 0700);
	assert_int_equal(symlinkat("../../like", temp_fd, "containers/bad/upper"), 0);
	mkdirat(temp_fd, "containers/bad/work", 0700);
	assert_true(storage_snapshot_open(temp_fd, "bad", &s) < 0);
	assert_int_equal(s.upper_fd, -EBADF);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_life), cmocka_unit_test(test_refused)};
	return cmocka_run_group_tests(tests, temp_setup, temp_teardown);
}
