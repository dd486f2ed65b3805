/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of signals, both ways.
 */
#include "sys/process_signal.c"

#include "test_sys_temp.h"

static void test_parse(void **state)
{
	static const struct {
		const char *text;
		int number;
	} rows[] = {
		{"TERM", SIGTERM},
		{"SIGTERM", SIGTERM},
		{"sigterm", SIGTERM},
		{"15", SIGTERM},
		{"9", SIGKILL},
		{"64", 64},
		{"CLD", SIGCHLD},
		{"SIGIOT", SIGABRT},
		{"RTMIN", 34},
		{"SIGRTMIN+3", 37},
		{"rtmin+30", 64},
		{"RTMAX", 64},
		{"RTMAX-1", 63},
		{"RTMAX-30", 34},
		{"0", -EINVAL},
		{"65", -EINVAL},
		{"", -EINVAL},
		{"SIG", -EINVAL},
		{"-9", -EINVAL},
		{"TERMX", -EINVAL},
		{"RTMIN+31", -EINVAL},
		{"RTMIN-1", -EINVAL},
		{"RTMAX+1", -EINVAL},
		{"RTMIN+", -EINVAL},
		{"RTMIN+-1", -EINVAL},
		{"RTMIN+4294967295", -EINVAL},
		{"SIGSIGTERM", -EINVAL},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (signal_parse(rows[i].text) != rows[i].number)
			fail_msg("%s is %d", rows[i].text, signal_parse(rows[i].text));
}

static void test_round_trip(void **state)
{
	int named = 0;
	for (int i = -1; i < 70; i++) {
		const char *name = signal_name(i);
		if (!name)
			continue;
		named++;
		assert_int_equal(signal_parse(name), i);
	}
	assert_int_equal(named, 31 + 31);
	assert_null(signal_name(0));
	assert_null(signal_name(32));
	assert_string_equal(signal_name(37), "SIGRTMIN+3");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_round_trip),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
