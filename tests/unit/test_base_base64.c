/* SPDX-License-Identifier: Apache-2.0 */
/* Base64: the test vectors of RFC 4648, and texts that are not base64. */
#include "base/base64.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static const struct {
	const char *plain, *text;
} vectors[] = {
	{"", ""},
	{"f", "Zg=="},
	{"fo", "Zm8="},
	{"foo", "Zm9v"},
	{"foob", "Zm9vYg=="},
	{"fooba", "Zm9vYmE="},
	{"foobar", "Zm9vYmFy"},
	{"\xff\xfe\xfd", "//79"},
};

static void test_vectors(void **state)
{
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		auto_buf struct buf text = BUF_INIT, plain = BUF_INIT;
		base64_write(vectors[i].plain, strlen(vectors[i].plain), &text);
		assert_string_equal(text.data, vectors[i].text);
		assert_int_equal(base64_read(vectors[i].text, &plain), 0);
		assert_int_equal(plain.len, strlen(vectors[i].plain));
		assert_memory_equal(plain.data, vectors[i].plain, plain.len);
	}
}

static void test_refused(void **state)
{
	static const char *const texts[] = {"Z", "Zg",
		"Zg=", "Zg==Zg==", "=g==", "Z===", "====", "Zm9v\n", "Zm 9", "Zg=A", "Zm-_"};
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		auto_buf struct buf plain = BUF_INIT;
		if (base64_read(texts[i], &plain) != -EINVAL)
			fail_msg("\"%s\" is taken", texts[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
