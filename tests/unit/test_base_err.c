/* SPDX-License-Identifier: Apache-2.0 */
/* The error trail: sentences, cuts, packets from elsewhere. */
#include "base/err.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void test_sentences(void **state)
{
	assert_int_equal(err_new(-ENOENT, "open %s", "x"), -ENOENT);
	assert_string_equal(err_text(), "open x: No such file or directory");
	assert_int_equal(err_wrap(-ENOENT, "mount %d", 3), -ENOENT);
	assert_string_equal(err_text(), "mount 3: open x: No such file or directory");
	assert_int_equal(err_hint(-ENOENT, "Try %s", "y"), -ENOENT);
	assert_string_equal(err_text(), "mount 3: open x: No such file or directory. Try y");
	assert_int_equal(err_say(-EINVAL, "no such container: %s", "web"), -EINVAL);
	assert_string_equal(err_text(), "no such container: web");
	assert_int_equal(err_code(), -EINVAL);
	err_new(-4000, "odd");
	assert_string_equal(err_text(), "odd: unknown error");
}

static void test_own_text_as_argument(void **state)
{
	err_say(-EIO, "first");
	err_say(-EIO, "again %s", err_text());
	assert_string_equal(err_text(), "again first");
	err_wrap(-EIO, "<%s>", err_text());
	assert_string_equal(err_text(), "<again first>: again first");
}

static void test_cut(void **state)
{
	char longer[3000];
	memset(longer, 'a', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	err_new(-EIO, "%s", longer);
	assert_int_equal(strlen(err_text()), ERR_TEXT_MAX - 1);
	err_hint(-EIO, "more");
	assert_int_equal(strlen(err_text()), ERR_TEXT_MAX - 1);
	err_wrap(-EIO, "x");
	assert_int_equal(strlen(err_text()), ERR_TEXT_MAX - 1);
	assert_memory_equal(err_text(), "x: aaa", 6);
}

static void test_packets(void **state)
{
	struct err_packet packet;
	err_say(-EIO, "secret secret secret");
	err_say(-EPERM, "short");
	err_pack(&packet);
	assert_int_equal(packet.code, -EPERM);
	for (size_t i = strlen("short"); i < sizeof(packet.text); i++)
		assert_int_equal(packet.text[i], 0);

	memset(&packet, 'a', sizeof(packet));
	packet.code = -EBUSY;
	assert_int_equal(err_unpack(&packet), -EBUSY);
	assert_int_equal(strlen(err_text()), ERR_TEXT_MAX - 1);

	packet = (struct err_packet){.code = 0, .text = "a\x1b[2J\n\x7f\xc2\x9b\xc3\x9bz"};
	assert_int_equal(err_unpack(&packet), -EPROTO);
	assert_string_equal(err_text(), "a?[2J??\xc2?\xc3\x9bz");
	packet.code = INT32_MIN;
	assert_int_equal(err_unpack(&packet), -EPROTO);
	packet.code = 5;
	assert_int_equal(err_unpack(&packet), -EPROTO);
	assert_int_equal(err_code(), -EPROTO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sentences),
		cmocka_unit_test(test_own_text_as_argument),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_packets),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
