/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The words of --ulimit, lowering limits to what the caller may grant, and setting them in a child.
 */
#include "sec/rlimit.c"

#include <setjmp.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "sec_liar.h"

struct case_of_parse {
	const char *text;
	int code;
	uint32_t resource;
	uint64_t soft, hard;
	const char *says; /* part of the message of a failure */
};

static const struct case_of_parse cases[] = {
	{"nofile=1024:2048", 0, RLIMIT_NOFILE, 1024, 2048, NULL},
	{"nofile=1024", 0, RLIMIT_NOFILE, 1024, 1024, NULL},
	{"core=-1", 0, RLIMIT_CORE, UINT64_MAX, UINT64_MAX, NULL},
	{"core=0:-1", 0, RLIMIT_CORE, 0, UINT64_MAX, NULL},
	{"memlock=unlimited", 0, RLIMIT_MEMLOCK, UINT64_MAX, UINT64_MAX, NULL},
	{"RLIMIT_NPROC=5:unlimited", 0, RLIMIT_NPROC, 5, UINT64_MAX, NULL},
	{"stack=18446744073709551615", 0, RLIMIT_STACK, UINT64_MAX, UINT64_MAX, NULL},
	{"nofile", -EINVAL, 0, 0, 0, "is not NAME=SOFT[:HARD]"},
	{"", -EINVAL, 0, 0, 0, "is not NAME=SOFT[:HARD]"},
	{"=1", -EINVAL, 0, 0, 0, "no such limit"},
	{"nofiles=1", -EINVAL, 0, 0, 0, "Did you mean nofile?"},
	{"nofile=", -EINVAL, 0, 0, 0, "not a number"},
	{"nofile=1:", -EINVAL, 0, 0, 0, "not a number"},
	{"nofile=:1", -EINVAL, 0, 0, 0, "not a number"},
	{"nofile=1:2:3", -EINVAL, 0, 0, 0, "not a number"},
	{"nofile=-2", -EINVAL, 0, 0, 0, "not a number"},
	{"nofile=1k", -EINVAL, 0, 0, 0, "not a number"},
	{"nofile=18446744073709551616", -EINVAL, 0, 0, 0, "not a number"},
	{"nofile=2:1", -EINVAL, 0, 0, 0, "soft is above hard"},
	{"nofile=-1:1", -EINVAL, 0, 0, 0, "soft is above hard"},
	{"nofile=00000000000000000000000000000000000000000000000000000000000000000000000000000000"
	 "000000000000000000000",
		-EINVAL, 0, 0, 0, "too long"},
};

static void test_parse(void **state)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct case_of_parse *c = &cases[i];
		struct sec_rlimit_row row = {.resource = 77};
		int r = sec_rlimit_parse(c->text, &row);
		if (r != c->code)
			fail_msg("\"%s\": %d, not %d", c->text, r, c->code);
		if (r < 0) {
			if (!strstr(err_text(), c->says))
				fail_msg("\"%s\" says %s", c->text, err_text());
			assert_int_equal(row.resource, 77); /* written only on success */
			continue;
		}
		assert_int_equal(row.resource, c->resource);
		assert_true(row.soft == c->soft && row.hard == c->hard);
	}
}

static void test_names(void **state)
{
	for (uint32_t i = 0; i < RLIMIT_NAME_COUNT; i++)
		assert_int_equal(sec_rlimit_find(sec_rlimit_name(i)), i);
	assert_int_equal(sec_rlimit_find("RLIMIT_NOFILE"), RLIMIT_NOFILE);
	assert_int_equal(sec_rlimit_find("rlimit_as"), RLIMIT_AS);
	assert_int_equal(sec_rlimit_find("RLIMIT_"), -EINVAL);
	assert_null(sec_rlimit_name(16));
}

static void test_describe(void **state)
{
	auto_buf struct buf out = BUF_INIT;
	const struct sec_rlimit_row row = {0, RLIMIT_NOFILE, 1024, 524288};
	const struct sec_rlimit_row endless = {0, RLIMIT_CORE, 0, UINT64_MAX};

	sec_rlimit_describe(NULL, &row, &out);
	assert_string_equal(out.data, "set rlimit nofile to 1024:524288");
	buf_clear(&out);
	sec_rlimit_describe(NULL, &endless, &out);
	assert_string_equal(out.data, "set rlimit core to 0:unlimited");
}

/* In a child: lowers its limit, drops CAP_SYS_RESOURCE, then asks for more. */
static int body_clamp(void)
{
	struct sec_rlimit_row low = {0, RLIMIT_NOFILE, 50, 100};
	struct sec_rlimit_row much = {0, RLIMIT_NOFILE, 1000, 2000};
	struct sec_rlimit_row half = {0, RLIMIT_NOFILE, 10, 2000};
	struct sec_rlimit_row fine = {0, RLIMIT_NOFILE, 10, 100};
	const struct cap_header header = {.version = CAP_VERSION_3};
	const struct cap_data none[2] = {0};

	if (sec_rlimit_set(&low) != 0 || sys_capset(&header, none) != 0)
		return 1;
	if (sec_rlimit_clamp(&much) != 1 || much.soft != 100 || much.hard != 100)
		return 2;
	if (sec_rlimit_clamp(&half) != 1 || half.soft != 10 || half.hard != 100)
		return 3;
	if (sec_rlimit_clamp(&fine) != 0 || fine.soft != 10 || fine.hard != 100)
		return 4;
	if (sec_rlimit_set(&much) != 0)
		return 5;
	much.hard = 101;
	if (sec_rlimit_set(&much) != -EPERM || !strstr(err_text(), "set limit nofile"))
		return 6;
	much.resource = 99;
	if (sec_rlimit_set(&much) != -EINVAL || sec_rlimit_clamp(&much) != -EINVAL)
		return 7;
	return 99;
}

/* The kernel reports success without doing anything. getrlimit and setrlimit are both prlimit64, so
 * reading gives no real answer either. */
static int body_lied_to(void)
{
	const struct sec_rlimit_row row = {0, RLIMIT_NOFILE, 33, 34};
	if (liar_load(SYS_prlimit64, 0) < 0 || liar_load(SYS_setrlimit, 0) < 0)
		return 1;
	return sec_rlimit_set(&row) == -EPERM && strstr(err_text(), "did not stay set") ? 99 : 2;
}

static void in_child(int (*body)(void))
{
	int status;
	pid_t pid = fork();
	if (pid == 0)
		_exit(body());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 99);
}

static void test_clamp(void **state)
{
	in_child(body_clamp);
	in_child(body_lied_to);
}

/* fs.nr_open is a maximum for all callers. */
static void test_ceiling(void **state)
{
	struct sec_rlimit_row row = {0, RLIMIT_NOFILE, UINT64_MAX, UINT64_MAX};

	assert_true(ceiling_of(RLIMIT_NOFILE) < UINT64_MAX);
	assert_true(ceiling_of(RLIMIT_CORE) == UINT64_MAX);
	assert_int_equal(sec_rlimit_clamp(&row), 1);
	assert_true(row.hard <= ceiling_of(RLIMIT_NOFILE) && row.soft == row.hard);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_describe),
		cmocka_unit_test(test_clamp),
		cmocka_unit_test(test_ceiling),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
