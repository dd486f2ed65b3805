/* SPDX-License-Identifier: Apache-2.0 */
/* Buffers are always strings, escape what a terminal would execute, and lists end with NULL. */
#include "base/buf.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void test_growth(void **state)
{
	auto_buf struct buf b = BUF_INIT;
	assert_string_equal(b.data, "");
	buf_clear(&b);
	buf_add(&b, NULL, 0);
	assert_int_equal(b.room, 0);
	for (int i = 0; i < 1000; i++) {
		buf_addf(&b, "%d,", i % 10);
		assert_int_equal(b.data[b.len], '\0');
	}
	assert_int_equal(b.len, 2000);
	buf_clear(&b);
	assert_string_equal(b.data, "");
	buf_add(&b, "a\0b", 3);
	assert_int_equal(b.len, 3);
	memcpy(buf_reserve(&b, 5), "12345", 5);
	buf_grew(&b, 2);
	assert_memory_equal(b.data, "a\0b12\0", 6);
	assert_string_equal(buf_empty, "");
}

static void test_take(void **state)
{
	struct buf b = BUF_INIT;
	auto_free char *empty = buf_take(&b);
	assert_string_equal(empty, "");
	buf_adds(&b, "x");
	auto_free char *taken = buf_take(&b);
	assert_string_equal(taken, "x");
	assert_string_equal(b.data, "");
	buf_release(&b);
	buf_release(&b);
}

static void test_escaped(void **state)
{
	static const struct {
		const char *text;
		const char *escaped;
	} cases[] = {
		{"plain \xc3\xa9 \xf0\x9f\x90\xba", "plain \xc3\xa9 \xf0\x9f\x90\xba"},
		{"\x1b[2J\n\x7f", "\\x1b[2J\\n\\x7f"},
		{"\xc2\x9b", "\\x9b"},
		{"\x9b", "\\x9b"},
		{"\xe2\x80\xae", "\\u{202e}"},
		{"\xe2\x80\x8f", "\\u{200f}"},
		{"\xe2\x81\xa6x\xe2\x81\xa9", "\\u{2066}x\\u{2069}"},
		{"\xe0\x82\x9b", "\\xe0\\x82\\x9b"},
		{"\xf0\x9f", "\\xf0\\x9f"},
		{"\xe2", "\\xe2"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_buf struct buf b = BUF_INIT;
		buf_add_escaped(&b, cases[i].text);
		assert_string_equal(b.data, cases[i].escaped);
	}
}

static void test_lists(void **state)
{
	auto_strvec struct strvec v = STRVEC_INIT;
	for (int i = 0; i < 100; i++) {
		strvec_pushf(&v, "item %d", i);
		assert_null(v.items[v.count]);
	}
	strvec_push(&v, "x");
	strvec_push_take(&v, mem_strdup("y"));
	assert_int_equal(v.count, 102);
	assert_string_equal(v.items[99], "item 99");
	assert_string_equal(v.items[100], "x");
	assert_string_equal(v.items[101], "y");
	strvec_release(&v);
	assert_int_equal(v.count, 0);
}

static void test_memory(void **state)
{
	auto_free unsigned char *p = mem_new(100);
	for (int i = 0; i < 100; i++)
		assert_int_equal(p[i], 0);
	auto_free char *s = mem_printf("%s-%d", "a", 1);
	assert_string_equal(s, "a-1");
	auto_free void *nothing = mem_new(0);
	assert_non_null(nothing);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_growth),
		cmocka_unit_test(test_take),
		cmocka_unit_test(test_escaped),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
