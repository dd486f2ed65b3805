/* SPDX-License-Identifier: Apache-2.0 */
/* What passes of a message to the service manager. The way itself: tests/oci/1710-notify.bats. */
#include "sys/notify.c"

#include "test_sys_temp.h"

static void test_filter(void **state)
{
	static const struct {
		const char *text, *passed;
		bool is_ready;
	} rows[] = {
		{"READY=1", "READY=1", true},
		{"READY=1\n", "READY=1", true},
		{"STATUS=a\nREADY=1\nMAINPID=7\nWATCHDOG=1", "STATUS=a\nREADY=1\nWATCHDOG=1", true},
		{"MAINPID=7\nREADY=1", "READY=1", true},
		{"READY=0", "READY=0", false},
		{"READY=11", "READY=11", false},
		{"READY", "", false},
		{"READYX=1\nREAD=1", "", false},
		{"STATUS=READY=1", "STATUS=READY=1", false},
		{"\n\nSTATUS=\n", "STATUS=", false},
		{"RELOADING=1\nMONOTONIC_USEC=5", "RELOADING=1\nMONOTONIC_USEC=5", false},
		{"FDSTORE=1\nFDSTOREREMOVE=1\nFDNAME=x\nFDPOLL=0\nBARRIER=1\nNOTIFYACCESS=all\n"
		 "MAINPIDFDID=1\nMAINPIDFD=1\nRESTART_RESET=1",
			"", false},
		{"", "", false},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char out[NOTIFY_BYTES + 1];
		bool is_ready = !rows[i].is_ready;
		size_t len = filter(rows[i].text, strlen(rows[i].text), out, &is_ready);
		out[len] = '\0';
		assert_string_equal(out, rows[i].passed);
		assert_int_equal(is_ready, rows[i].is_ready);
	}
}

/* A message that fills all, one byte more, and bytes that are no text. */
static void test_filter_sizes(void **state)
{
	char text[NOTIFY_BYTES + 1], out[NOTIFY_BYTES];
	bool is_ready;
	memset(text, 'x', sizeof(text));
	memcpy(text, "READY=1\nSTATUS=", 15);
	assert_int_equal(filter(text, sizeof(text) - 1, out, &is_ready), NOTIFY_BYTES);
	assert_memory_equal(out, text, sizeof(out));
	assert_true(is_ready);
	assert_int_equal(filter(text, sizeof(text), out, &is_ready), 0);
	assert_false(is_ready);
	assert_int_equal(filter("STATUS=a\0b\nERRNO=2", 18, out, &is_ready), 7);
	assert_memory_equal(out, "ERRNO=2", 7);
}

/* The payload's pidfd cannot be had. */
static void test_wait_fails(void **state)
{
	auto_of(notify) struct notify n = NOTIFY_INIT;
	assert_int_equal(notify_wait(&n, -EBADF, 1), -EBADF);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_filter),
		cmocka_unit_test(test_filter_sizes),
		cmocka_unit_test(test_wait_fails),
	};
	return cmocka_run_group_tests(tests, temp_setup, temp_teardown);
}
