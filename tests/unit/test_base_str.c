/* SPDX-License-Identifier: Apache-2.0 */
/* Strings, strict numbers and the formats of sizes and ages. */
#include "base/str.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

struct number_case {
	const char *text;
	int code;
	uint64_t value;
};

static void check_numbers(int (*parse)(const char *s, uint64_t *out_value),
	const struct number_case *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		uint64_t value = 4242;
		int r = parse(cases[i].text, &value);
		if (r != cases[i].code || value != (r ? 4242 : cases[i].value))
			fail_msg("\"%s\": %d, %llu", cases[i].text, r, (unsigned long long)value);
	}
}
#define CHECK_NUMBERS(parse, cases) check_numbers(parse, cases, sizeof(cases) / sizeof(cases[0]))

static void test_u64(void **state)
{
	static const struct number_case cases[] = {
		{"0", 0, 0},
		{"010", 0, 10},
		{"18446744073709551615", 0, UINT64_MAX},
		{"18446744073709551616", -ERANGE, 0},
		{"184467440737095516160", -ERANGE, 0},
		{"99999999999999999999999999x", -EINVAL, 0},
		{"", -EINVAL, 0},
		{" 1", -EINVAL, 0},
		{"1 ", -EINVAL, 0},
		{"+1", -EINVAL, 0},
		{"-1", -EINVAL, 0},
		{"0x10", -EINVAL, 0},
	};
	CHECK_NUMBERS(parse_u64, cases);
}

static void test_small_numbers(void **state)
{
	uint32_t value = 7;
	assert_int_equal(parse_u32("4294967295", &value), 0);
	assert_int_equal(value, UINT32_MAX);
	assert_int_equal(parse_u32("4294967296", &value), -ERANGE);
	assert_int_equal(parse_id("4294967295", &value), -ERANGE);
	assert_int_equal(parse_id("4294967294", &value), 0);
}

static void test_i64(void **state)
{
	int64_t value = 7;
	assert_int_equal(parse_i64("-9223372036854775808", &value), 0);
	assert_true(value == INT64_MIN);
	assert_int_equal(parse_i64("9223372036854775807", &value), 0);
	assert_true(value == INT64_MAX);
	assert_int_equal(parse_i64("9223372036854775808", &value), -ERANGE);
	assert_int_equal(parse_i64("-9223372036854775809", &value), -ERANGE);
	assert_int_equal(parse_i64("-", &value), -EINVAL);
	assert_int_equal(parse_i64("--1", &value), -EINVAL);
	assert_int_equal(parse_i64("-1", &value), 0);
	assert_true(value == -1);
}

static void test_bool(void **state)
{
	bool value = false;
	assert_int_equal(parse_bool("yes", &value), 0);
	assert_true(value);
	assert_int_equal(parse_bool("0", &value), 0);
	assert_false(value);
	assert_int_equal(parse_bool("", &value), -EINVAL);
	assert_int_equal(parse_bool("maybe", &value), -EINVAL);
}

static void test_size(void **state)
{
	static const struct number_case cases[] = {
		{"512", 0, 512},
		{"64k", 0, 64 << 10},
		{"100m", 0, 100 << 20},
		{"100MiB", 0, 100 << 20},
		{"100Mb", 0, 100 << 20},
		{"1.5g", 0, UINT64_C(3) << 29},
		{".5g", 0, UINT64_C(1) << 29},
		{"2G", 0, UINT64_C(2) << 30},
		{"1p", 0, UINT64_C(1) << 50},
		{"12b", 0, 12},
		{"0.3k", 0, 307},
		{"0.333333333t", 0, UINT64_C(366503875558)},
		{"16383p", 0, UINT64_C(16383) << 50},
		{"16384p", -ERANGE, 0},
		{"99999999999999999999k", -ERANGE, 0},
		{"abc", -EINVAL, 0},
		{"", -EINVAL, 0},
		{".", -EINVAL, 0},
		{".k", -EINVAL, 0},
		{"1.2.3", -EINVAL, 0},
		{"1bb", -EINVAL, 0},
		{"1ki", -EINVAL, 0},
		{"1kibs", -EINVAL, 0},
		{"1x", -EINVAL, 0},
		{"-1k", -EINVAL, 0},
		{"0.0000000001k", -EINVAL, 0},
	};
	CHECK_NUMBERS(parse_size, cases);
}

static void test_nano(void **state)
{
	static const struct number_case cases[] = {
		{"1.5", 0, 1500000000},
		{"2", 0, 2000000000},
		{".000000001", 0, 1},
		{"0.0000000001", -EINVAL, 0},
		{"1.5c", -EINVAL, 0},
		{"18446744074", -ERANGE, 0},
	};
	CHECK_NUMBERS(parse_nano, cases);
}

static void test_duration(void **state)
{
	static const struct number_case cases[] = {
		{"5s", 0, 5000000000},
		{"1m30s", 0, 90000000000},
		{"1.5h", 0, 5400000000000},
		{"100ms", 0, 100000000},
		{"7us", 0, 7000},
		{"7\u00b5s", 0, 7000},
		{"9ns", 0, 9},
		{"0s", 0, 0},
		{"", -EINVAL, 0},
		{"5", -EINVAL, 0},
		{"s", -EINVAL, 0},
		{"5s ", -EINVAL, 0},
		{"-5s", -EINVAL, 0},
		{"5d", -EINVAL, 0},
		{"99999999h", -ERANGE, 0},
		{"5000000h5000000h", -ERANGE, 0},
	};
	CHECK_NUMBERS(parse_duration, cases);
}

static void test_ranges(void **state)
{
	assert_int_equal(parse_ranges("0", 3), 0);
	assert_int_equal(parse_ranges("0-2,3", 3), 0);
	assert_int_equal(parse_ranges("1-1", 3), 0);
	assert_int_equal(parse_ranges("0-4", 3), -ERANGE);
	assert_int_equal(parse_ranges("99999999999999999999", 3), -ERANGE);
	assert_int_equal(parse_ranges("2-1", 3), -EINVAL);
	assert_int_equal(parse_ranges("", 3), -EINVAL);
	assert_int_equal(parse_ranges("0,", 3), -EINVAL);
	assert_int_equal(parse_ranges(",0", 3), -EINVAL);
	assert_int_equal(parse_ranges("0-", 3), -EINVAL);
	assert_int_equal(parse_ranges("0-1-2", 3), -EINVAL);
	assert_int_equal(parse_ranges("9,x", 3), -EINVAL);
}

static void test_words(void **state)
{
	assert_true(str_suffix("a.json", ".json"));
	assert_false(str_suffix("json", ".json"));
	assert_string_equal(str_after("sha256:ab", "sha256:"), "ab");
	assert_null(str_after("sha", "sha256:"));

	char text[] = "a::b";
	char *rest = text;
	assert_string_equal(str_cut(&rest, ':'), "a");
	assert_string_equal(str_cut(&rest, ':'), "");
	assert_string_equal(str_cut(&rest, ':'), "b");
	assert_null(rest);
	assert_null(str_cut(&rest, ':'));

	char small[4];
	assert_int_equal(fmt(small, "%d", 123), 3);
	assert_string_equal(small, "123");
	assert_int_equal(fmt(small, "%d", 1234), -ENAMETOOLONG);
	assert_string_equal(small, "");
}

static void test_nearest(void **state)
{
	static const char *const words[] = {"name", "network", "memory", "rm"};
	assert_string_equal(str_nearest("nmae", words, 4), "name");
	assert_string_equal(str_nearest("memroy", words, 4), "memory");
	assert_string_equal(str_nearest("netwrok", words, 4), "network");
	assert_string_equal(str_nearest("mr", words, 4), "rm");
	assert_null(str_nearest("x", words, 4));
	assert_null(str_nearest("volume", words, 4));
	assert_null(str_nearest("", words, 4));
	assert_null(str_nearest("name", words, 0));
	char longer[200];
	memset(longer, 'n', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	assert_null(str_nearest(longer, words, 4));
}

static void test_names(void **state)
{
	assert_true(str_is_name("a"));
	assert_true(str_is_name("web_1.x-Y"));
	assert_false(str_is_name(""));
	assert_false(str_is_name("-a"));
	assert_false(str_is_name("a/b"));
	assert_false(str_is_name("a\n"));
	char name[130];
	memset(name, 'a', sizeof(name));
	name[129] = '\0';
	assert_false(str_is_name(name));
	name[128] = '\0';
	assert_true(str_is_name(name));
	assert_true(str_is_hex("0af", 3));
	assert_false(str_is_hex("0aF", 3));
	assert_false(str_is_hex("0a", 3));
	assert_false(str_is_hex("0aff", 3));
}

static void test_utf8(void **state)
{
	static const struct {
		const char *text;
		size_t len;
		size_t size;
		uint32_t code;
	} cases[] = {
		{"A", 1, 1, 'A'},
		{"\xc3\xa9", 2, 2, 0xe9},
		{"\xe2\x80\xae", 3, 3, 0x202e},
		{"\xf0\x9f\x90\xba", 4, 4, 0x1f43a},
		{"\xf0\x9f\x90\xba", 3, 0, 0},
		{"\xc0\x80", 2, 0, 0},
		{"\xe0\x82\x9b", 3, 0, 0},
		{"\xed\xa0\x80", 3, 0, 0},
		{"\xf4\x90\x80\x80", 4, 0, 0},
		{"\xff", 1, 0, 0},
		{"\x80", 1, 0, 0},
		{"", 0, 0, 0},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint32_t code = 0;
		assert_int_equal(str_utf8(cases[i].text, cases[i].len, &code), cases[i].size);
		assert_int_equal(code, cases[i].code);
	}
}

static void test_format_size(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} cases[] = {
		{0, "0B"},
		{1023, "1023B"},
		{1024, "1KiB"},
		{100 << 20, "100MiB"},
		{UINT64_C(3) << 29, "1.5GiB"},
		{1234567, "1.177MiB"},
		{UINT64_MAX, "16EiB"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char out[16];
		format_size(out, cases[i].bytes);
		assert_string_equal(out, cases[i].text);
	}
}

static void test_format_size_decimal(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} cases[] = {
		{0, "0B"},
		{999, "999B"},
		{1000, "1kB"},
		{999499, "999kB"},
		{999500, "1MB"},
		{2139815, "2.14MB"},
		{UINT64_MAX, "18.4EB"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char out[16];
		format_size_decimal(out, cases[i].bytes);
		assert_string_equal(out, cases[i].text);
	}
}

static void test_format_ago(void **state)
{
	enum { HOUR = 3600, DAY = 24 * HOUR };
	static const struct {
		uint64_t seconds;
		const char *text;
	} cases[] = {
		{0, "Less than a second"},
		{1, "1 second"},
		{59, "59 seconds"},
		{60, "About a minute"},
		{119, "About a minute"},
		{180, "3 minutes"},
		{3599, "59 minutes"},
		{HOUR, "About an hour"},
		{HOUR + 1799, "About an hour"},
		{HOUR + 1800, "2 hours"},
		{47 * HOUR + 1799, "47 hours"},
		{47 * HOUR + 1800, "2 days"},
		{13 * DAY, "13 days"},
		{14 * DAY, "2 weeks"},
		{60 * DAY, "2 months"},
		{729 * DAY, "24 months"},
		{730 * DAY, "2 years"},
		{UINT64_MAX, "584942417355 years"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char out[32];
		format_ago(out, cases[i].seconds);
		assert_string_equal(out, cases[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_u64),
		cmocka_unit_test(test_small_numbers),
		cmocka_unit_test(test_i64),
		cmocka_unit_test(test_bool),
		cmocka_unit_test(test_size),
		cmocka_unit_test(test_nano),
		cmocka_unit_test(test_duration),
		cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_nearest),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_utf8),
		cmocka_unit_test(test_format_size),
		cmocka_unit_test(test_format_size_decimal),
		cmocka_unit_test(test_format_ago),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
