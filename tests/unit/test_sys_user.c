/* SPDX-License-Identifier: Apache-2.0 */
/* Users and groups by name and number, from texts that may contain errors. */
#include "sys/user.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static int find_in(const char *text, const char *key, struct user_entry *out)
{
	auto_free char *copy = mem_strdup(text);
	return text_find(copy, key, out);
}

static void test_texts(void **state)
{
	static const char text[] = "# comment\n"
				   "half:x\n"
				   ":x:5:5::/:\n"
				   "big:x:4294967296:1::/:\n"
				   "ann:x:1000:1000:Ann:/home/ann:/bin/sh\n"
				   "7:x:8:8::/:\n"
				   "seven:x:7:7::/:\n"
				   "last:x:9";
	struct user_entry entry = {0};
	assert_int_equal(find_in(text, "ann", &entry), 0);
	assert_int_equal(entry.id, 1000);
	assert_int_equal(find_in(text, "1000", &entry), 0);
	assert_string_equal(entry.name, "ann");
	/* Digits are a number, even if a user has that name. */
	assert_int_equal(find_in(text, "7", &entry), 0);
	assert_string_equal(entry.name, "seven");
	assert_int_equal(find_in(text, "last", &entry), 0);
	assert_int_equal(entry.id, 9);
	assert_int_equal(find_in(text, "half", &entry), -ENOENT);
	assert_int_equal(find_in(text, "big", &entry), -ENOENT);
	assert_int_equal(find_in(text, "", &entry), -ENOENT);
	assert_int_equal(find_in("", "ann", &entry), -ENOENT);

	char longer[USER_NAME_MAX + 32];
	memset(longer, 'a', sizeof(longer));
	fmt_n(longer + USER_NAME_MAX, 32, ":x:1");
	assert_int_equal(find_in(longer, "1", &entry), -ENOENT);
}

static void test_this_machine(void **state)
{
	struct user_entry entry;
	assert_int_equal(user_find("root", &entry), 0);
	assert_int_equal(entry.id, 0);
	assert_int_equal(user_find_id(0, &entry), 0);
	assert_string_equal(entry.name, "root");
	assert_int_equal(user_group_find("root", &entry), 0);
	assert_int_equal(user_find("no such user", &entry), -ENOENT);
	assert_int_equal(user_find_id(4000000000, &entry), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_this_machine),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
