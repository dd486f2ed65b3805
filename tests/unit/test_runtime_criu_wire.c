/* SPDX-License-Identifier: Apache-2.0 */
/* Protocol buffers as criu uses them: the bytes of other encoders, and broken messages. */
#include "runtime/criu_wire.c"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void bytes_are_as_others_write_them(void **state)
{
	auto_buf struct buf out = BUF_INIT;
	wire_put_number(&out, 1, 150);
	wire_put_text(&out, 2, "testing");
	wire_put_number(&out, 34, 3);
	wire_put_number(&out, 3, UINT64_MAX);
	static const char wanted[] = "\x08\x96\x01\x12\x07testing\x90\x02\x03\x18\xff\xff\xff\xff"
				     "\xff\xff\xff\xff\xff\x01";
	assert_int_equal(out.len, sizeof(wanted) - 1);
	assert_memory_equal(out.data, wanted, out.len);
}

static void fields_are_read_back(void **state)
{
	/* A number, eight bytes and four bytes that are skipped, and a string of bytes. */
	static const char text[] = "\x08\x96\x01\x11"
				   "12345678"
				   "\x1d"
				   "1234"
				   "\x22\x03"
				   "abc";
	const char *data = text;
	size_t len = sizeof(text) - 1;
	struct wire_field f;
	assert_int_equal(wire_next(&data, &len, &f), 1);
	assert_int_equal(f.field, 1);
	assert_int_equal(f.value, 150);
	assert_null(f.data);
	assert_int_equal(wire_next(&data, &len, &f), 1);
	assert_int_equal(f.field, 2);
	assert_null(f.data);
	assert_int_equal(wire_next(&data, &len, &f), 1);
	assert_int_equal(f.field, 3);
	assert_int_equal(wire_next(&data, &len, &f), 1);
	assert_int_equal(f.field, 4);
	assert_int_equal(f.len, 3);
	assert_memory_equal(f.data, "abc", 3);
	assert_int_equal(wire_next(&data, &len, &f), 0);
}

static void broken_messages_are_refused(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
	} cases[] = {
		{"\x08", 1}, /* a number without an end */
		{"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
			12}, /* a number of more than 64 bits */
		{"\x12\x05"
		 "abc",
			5}, /* fewer bytes than announced */
		{"\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11}, /* the largest length */
		{"\x11"
		 "1234",
			5},
		{"\x1d"
		 "12",
			3},
		{"\x88\x80\x80\x80\x80\x01\x01", 7}, /* a field of more than 32 bits */
		{"\x0b", 1}, /* a group, which is obsolete */
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *data = cases[i].bytes;
		size_t len = cases[i].len;
		struct wire_field f;
		assert_int_equal(wire_next(&data, &len, &f), -EBADMSG);
		assert_null(f.data);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_are_as_others_write_them),
		cmocka_unit_test(fields_are_read_back),
		cmocka_unit_test(broken_messages_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
