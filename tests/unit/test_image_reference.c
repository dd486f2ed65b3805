/* SPDX-License-Identifier: Apache-2.0 */
/* References: the grammar, Docker's defaults, and the names of files. */
#include "image/reference.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void test_good(void **state)
{
	static const struct {
		const char *text, *canonical, *shown;
	} rows[] = {
		{"busybox", "docker.io/library/busybox:latest", "busybox:latest"},
		{"busybox:1.36", "docker.io/library/busybox:1.36", "busybox:1.36"},
		{"docker.io/library/busybox", "docker.io/library/busybox:latest", "busybox:latest"},
		{"index.docker.io/busybox", "docker.io/library/busybox:latest", "busybox:latest"},
		{"user/tool", "docker.io/user/tool:latest", "user/tool:latest"},
		{"localhost/x", "localhost/x:latest", "localhost/x:latest"},
		{"localhost:5000/x/y:v1", "localhost:5000/x/y:v1", "localhost:5000/x/y:v1"},
		{"[::1]:5000/x", "[::1]:5000/x:latest", "[::1]:5000/x:latest"},
		{"Host/x", "Host/x:latest", "Host/x:latest"},
		{"a.b-c.d/e__f/g---h.i", "a.b-c.d/e__f/g---h.i:latest",
			"a.b-c.d/e__f/g---h.i:latest"},
		{"x@sha256:" HEX, "docker.io/library/x@sha256:" HEX, "x@sha256:" HEX},
		{"x:t@sha256:" HEX, "docker.io/library/x:t@sha256:" HEX, "x:t@sha256:" HEX},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		auto_arena struct arena a = ARENA_INIT;
		auto_buf struct buf full = BUF_INIT, shown = BUF_INIT, file = BUF_INIT,
				    back = BUF_INIT;
		struct image_reference r;
		assert_int_equal(reference_parse(rows[i].text, &a, &r), 0);
		reference_write(&r, &full);
		reference_write_short(&r, &shown);
		assert_string_equal(full.data, rows[i].canonical);
		assert_string_equal(shown.data, rows[i].shown);
		assert_int_equal(reference_file(&r, &file), 0);
		assert_null(strpbrk(file.data, "/:@"));
		assert_int_equal(reference_of_file(file.data, &back), 0);
		assert_string_equal(back.data, full.data);
	}
}

static void test_bad(void **state)
{
	static const char *const rows[] = {"", " ", "BusyBox", "a//b", "/a", "a/", "../x", "a/../b",
		"a..b", "a___b", "-a", "a-", "a:", "a:-b", "a:.b", "a:b:c", "a: b", "a@",
		"a@sha256:", "a@sha256:" HEX "0", "a@sha512:" HEX,
		"a@sha256:0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef",
		"a@sha256:../../x", "h.:80/x", "-h.a/x", "h.a:port/x", "h.a:999999/x", "[zz]/x",
		"[::1/x", HEX, "a\x1b[2Jb", "a\nb", "caf\xc3\xa9"};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		auto_arena struct arena a = ARENA_INIT;
		struct image_reference r;
		assert_int_equal(reference_parse(rows[i], &a, &r), -EINVAL);
		assert_int_equal(err_code(), -EINVAL);
		for (const char *s = err_text(); *s; s++)
			assert_true((unsigned char)*s >= 32 && *s != 127);
	}
}

static void test_long(void **state)
{
	auto_arena struct arena a = ARENA_INIT;
	struct image_reference r;
	auto_buf struct buf text = BUF_INIT, file = BUF_INIT;
	for (int i = 0; i < 226; i++)
		buf_addc(&text, 'a');
	assert_int_equal(reference_parse(text.data, &a, &r), 0);
	assert_int_equal(reference_file(&r, &file), -ENAMETOOLONG);
	for (int i = 0; i < 60; i++)
		buf_addc(&text, 'a');
	assert_int_equal(reference_parse(text.data, &a, &r), -EINVAL);
	for (int i = 0; i < 5000; i++)
		buf_addc(&text, 'a');
	assert_int_equal(reference_parse(text.data, &a, &r), -EINVAL);
}

static void test_file_names(void **state)
{
	static const char *const rows[] = {".new.1.0", "a%", "a%2", "a%2f", "a%00", "%zz"};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		auto_buf struct buf out = BUF_INIT;
		assert_int_equal(reference_of_file(rows[i], &out), -EINVAL);
	}
}

static void test_digest(void **state)
{
	assert_string_equal(digest_hex("sha256:" HEX), HEX);
	assert_null(digest_hex(HEX));
	assert_null(digest_hex("sha256:" HEX "0"));
	assert_null(digest_hex("sha256:"));
	assert_null(digest_hex("SHA256:" HEX));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_file_names),
		cmocka_unit_test(test_digest),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
