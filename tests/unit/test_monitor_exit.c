/* SPDX-License-Identifier: Apache-2.0 */
/* The exit record: a stored record is loaded, and nothing else is. */
#include "monitor/exit.c"

#include "test_sys_temp.h"

static void test_round_trip(void **state)
{
	struct monitor_exit out;
	const struct monitor_exit record = {137, MONITOR_EXIT_OOM, 1234567890123456789};
	assert_int_equal(monitor_exit_load(temp_fd, &out), -ENOENT);
	assert_int_equal(monitor_exit_store(temp_fd, &record), 0);
	assert_int_equal(monitor_exit_load(temp_fd, &out), 0);
	assert_memory_equal(&out, &record, sizeof(out));

	const struct monitor_exit unknown = {.code = -1};
	assert_int_equal(monitor_exit_store(temp_fd, &unknown), 0);
	assert_int_equal(monitor_exit_load(temp_fd, &out), 0);
	assert_int_equal(out.code, -1);

	struct strvec names = STRVEC_INIT;
	assert_int_equal(file_list_at(temp_fd, ".", &names), 0);
	assert_int_equal(names.count, 1); /* no temporary file stays */
	strvec_release(&names);
}

static void test_damaged(void **state)
{
	static const struct monitor_exit wrong[] = {{.code = 256}, {.code = -2}, {.flags = 2}};
	struct monitor_exit out = {.code = 42};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(monitor_exit_store(temp_fd, &wrong[i]), 0);
		assert_int_equal(monitor_exit_load(temp_fd, &out), -EBADMSG);
	}
	temp_write("exit", "");
	assert_int_equal(monitor_exit_load(temp_fd, &out), -EBADMSG);
	temp_write("exit", "short");
	assert_int_equal(monitor_exit_load(temp_fd, &out), -EBADMSG);
	temp_write("exit", "longer than any record that was ever written");
	assert_int_equal(monitor_exit_load(temp_fd, &out), -EBADMSG);
	assert_int_equal(out.code, 42);
}

static void test_no_directory(void **state)
{
	const struct monitor_exit record = {0};
	assert_int_equal(monitor_exit_store(-EBADF, &record), -EBADF);
	assert_non_null(strstr(err_text(), "exit record"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_round_trip, temp_setup, temp_teardown),
		cmocka_unit_test_setup_teardown(test_damaged, temp_setup, temp_teardown),
		cmocka_unit_test(test_no_directory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
