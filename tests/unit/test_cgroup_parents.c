/* SPDX-License-Identifier: Apache-2.0 */
/* The settings that the directories above a group get. */
#include "sys/file.h"

#include <errno.h>
#include <string.h>

/* The controller that cannot be enabled at present, and what was written last; NULL: real files. */
static const char *refused, *written;

static int write_or_refuse(int fd, const char *path, const char *text)
{
	if (!refused)
		return file_write_at(fd, path, text);
	written = text;
	return strstr(text, refused) ? -EINVAL : 0;
}

#define file_write_at write_or_refuse
#include "cgroup/parents.c"
#undef file_write_at

#include "sys/fd.h"
#include "test_cgroup_temp.h"

/* A new instance directory of a v1 cpuset inherits from the directory above, and passes the values
 * on. */
static void cpuset_filled(void **state)
{
	static const char *const names[] = {"cpuset.cpus", "cpuset.mems", "cgroup.clone_children"};
	static const char *const dirs[] = {"cpuset", "cpuset/husk-1", "cpuset/husk-1/c1"};
	char path[64];

	fake_mkdir("cpuset/husk-1/c1");
	for (size_t d = 0; d < 3; d++) {
		for (size_t n = 0; n < 3; n++) {
			fmt(path, "%s/%s", dirs[d], names[n]);
			fake_write(path, n == 2 ? "0" : "\n");
		}
	}
	fake_write("cpuset/cpuset.cpus", "0-3\n");
	fake_write("cpuset/cpuset.mems", "0\n");
	fake_write("cpuset/husk-1/c1/cpuset.mems", "1\n"); /* is kept */
	auto_close int fd = file_open_dir_at(AT_FDCWD, fake_path("cpuset/husk-1/c1"));
	assert_int_equal(cgroup_cpuset_inherit(fd, 2), 0);
	assert_file("cpuset/husk-1/cpuset.cpus", "0-3\n");
	assert_file("cpuset/husk-1/cpuset.mems", "0\n");
	assert_file("cpuset/husk-1/cgroup.clone_children", "1");
	assert_file("cpuset/husk-1/c1/cpuset.cpus", "0-3\n");
	assert_file("cpuset/husk-1/c1/cpuset.mems", "1\n");
	assert_file("cpuset/husk-1/c1/cgroup.clone_children", "0");
	assert_file("cpuset/cgroup.clone_children", "0");

	assert_int_equal(unlink(fake_path("cpuset/cpuset.mems")), 0);
	fake_write("cpuset/husk-1/cpuset.mems", "");
	assert_int_equal(cgroup_cpuset_inherit(fd, 2), -ENOENT);
	assert_non_null(strstr(err_text(), "read ../../cpuset.mems"));
}

/* As the kernel refuses cpu beside realtime processes: the others are enabled. */
static void refused_controller(void **state)
{
	refused = "+io";
	assert_int_equal(cgroup_enable_controllers(-EBADF, 1), 0);
	assert_string_equal(written, "+pids");
	refused = NULL;
}

/* The topmost directory is the caller's own group, the others are husk's. */
static void busy_parents(void **state)
{
	assert_int_equal(enable_error(-EBUSY, 2, 2), -EBUSY);
	assert_non_null(strstr(err_text(), "The group that husk runs in has processes of its own"));
	assert_non_null(strstr(err_text(), "Delegate=yes"));
	assert_int_equal(enable_error(-EBUSY, 1, 2), -EBUSY);
	assert_non_null(strstr(err_text(), "It has processes of its own"));
	assert_int_equal(enable_error(-EACCES, 1, 2), -EACCES);
	assert_null(strstr(err_text(), "processes"));
}

static void climbs(void **state)
{
	char file[FILE_NAME_MAX];

	climb(file, 0, "x");
	assert_string_equal(file, "x");
	climb(file, 2, "cgroup.subtree_control");
	assert_string_equal(file, "../../cgroup.subtree_control");
	climb(file, CGROUP_LEVELS_MAX + 1, "cgroup.subtree_control");
	assert_int_equal(
		strlen(file), 3 * (CGROUP_LEVELS_MAX + 1) + strlen("cgroup.subtree_control"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(cpuset_filled, fake_setup, fake_teardown),
		cmocka_unit_test(refused_controller),
		cmocka_unit_test(busy_parents),
		cmocka_unit_test(climbs),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
