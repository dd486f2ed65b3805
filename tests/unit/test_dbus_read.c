/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of systemd, and what a false server may send instead. */
#include "dbus/read.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "dbus_messages.h"

/* Skips all values of a body. */
static int body_skip(const struct dbus_message *m)
{
	struct dbus_reader body = m->body;
	const char *signature = m->signature;
	int failure = 0;
	while (failure == 0 && *signature)
		failure = skip_value(&body, &signature, 0);
	return failure == 0 && body.at != body.len ? -EBADMSG : failure;
}

static void test_signal(void **state)
{
	auto_buf struct buf bytes = BUF_INIT;
	struct dbus_message m;
	uint32_t id;
	const char *job, *unit, *result;
	hex_read(systemd_job_removed, &bytes);
	assert_int_equal(dbus_message_parse(bytes.data, bytes.len, &m), 0);
	assert_int_equal(m.type, DBUS_SIGNAL);
	assert_string_equal(m.path, "/org/freedesktop/systemd1");
	assert_string_equal(m.interface, "org.freedesktop.systemd1.Manager");
	assert_string_equal(m.member, "JobRemoved");
	assert_string_equal(m.sender, ":1.0");
	assert_string_equal(m.error, "");
	assert_string_equal(m.signature, "uoss");
	assert_int_equal(dbus_get_u32(&m.body, &id), 0);
	assert_int_equal(dbus_get_string(&m.body, &job), 0);
	assert_int_equal(dbus_get_string(&m.body, &unit), 0);
	assert_int_equal(dbus_get_string(&m.body, &result), 0);
	assert_int_equal(id, 138);
	assert_string_equal(job, "/org/freedesktop/systemd1/job/138");
	assert_string_equal(unit, "husk-one.scope");
	assert_string_equal(result, "done");
	assert_int_equal(dbus_get_string(&m.body, &result), -EBADMSG);
}

static void test_answers(void **state)
{
	auto_buf struct buf bytes = BUF_INIT, error = BUF_INIT;
	struct dbus_message m;
	const char *text;
	hex_read(systemd_job_reply, &bytes);
	assert_int_equal(dbus_message_parse(bytes.data, bytes.len, &m), 0);
	assert_int_equal(m.type, DBUS_REPLY);
	assert_int_equal(m.reply_serial, 6);
	assert_int_equal(dbus_get_string(&m.body, &text), 0);
	assert_string_equal(text, "/org/freedesktop/systemd1/job/138");
	hex_read(systemd_error, &error);
	assert_int_equal(dbus_message_parse(error.data, error.len, &m), 0);
	assert_int_equal(m.type, DBUS_ERROR);
	assert_int_equal(m.reply_serial, 4);
	assert_string_equal(m.error, "org.freedesktop.systemd1.NoSuchUnit");
	assert_int_equal(dbus_get_string(&m.body, &text), 0);
	assert_string_equal(text, "Unit husk-one.scope not loaded.");
}

static void test_many_types(void **state)
{
	static const char *const messages[] = {systemd_properties_changed,
		busctl_start_transient_unit, systemd_error, systemd_job_removed};
	for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
		auto_buf struct buf bytes = BUF_INIT;
		struct dbus_message m;
		hex_read(messages[i], &bytes);
		assert_int_equal(dbus_message_parse(bytes.data, bytes.len, &m), 0);
		assert_int_equal(body_skip(&m), 0);
	}
}

/* A part of a message is refused, and so is a message with a byte after it. The copy has the exact
 * size, for the sanitizer. */
static void test_parts(void **state)
{
	auto_buf struct buf bytes = BUF_INIT;
	hex_read(systemd_job_removed, &bytes);
	for (size_t len = 0; len <= bytes.len + 1; len++) {
		struct dbus_message m;
		auto_free char *part = mem_new(len + 1);
		memcpy(part, bytes.data, len);
		part = mem_resize(part, len ? len : 1, 1);
		int wanted = len == bytes.len ? 0 : -EBADMSG;
		assert_int_equal(dbus_message_parse(part, len, &m), wanted);
	}
}

/* Every byte is changed to other values: an accepted message can be walked through. */
static void test_changes(void **state)
{
	auto_buf struct buf bytes = BUF_INIT;
	hex_read(systemd_properties_changed, &bytes);
	for (size_t at = 0; at < bytes.len; at++) {
		char old = bytes.data[at];
		for (int value = 0; value < 256; value += at < 200 ? 1 : 17) {
			struct dbus_message m;
			bytes.data[at] = (char)value;
			if (dbus_message_parse(bytes.data, bytes.len, &m) == 0)
				body_skip(&m);
		}
		bytes.data[at] = old;
	}
}

#define READER(bytes) \
	{ \
		bytes, sizeof(bytes) - 1, 0, false \
	}

static void test_values(void **state)
{
	static const struct {
		const char *signature;
		struct dbus_reader reader;
		int code;
	} rows[] = {
		{"y", READER("\1"), 0},
		{"yu", READER("\1\0\0\0\2\0\0\0"), 0},
		{"yu", READER("\1\1\0\0\2\0\0\0"), -EBADMSG}, /* padding that is not zero */
		{"u", READER("\1\0\0"), -EBADMSG},
		{"s", READER("\3\0\0\0abc\0"), 0},
		{"s", READER("\3\0\0\0abcd"), -EBADMSG},
		{"s", READER("\3\0\0\0a\0c\0"), -EBADMSG},
		{"s", READER("\2\0\0\0\xc3\x28\0"), -EBADMSG}, /* not UTF-8 */
		{"s", READER("\xff\xff\xff\xff\0"), -EBADMSG},
		{"g", READER("\1u\0"), 0},
		{"g", READER("\xff\0"), -EBADMSG},
		{"au", READER("\4\0\0\0\1\0\0\0"), 0},
		{"au", READER("\3\0\0\0\1\0\0\0"), -EBADMSG},
		{"au", READER("\5\0\0\0\1\0\0\0"), -EBADMSG},
		{"au", READER("\10\0\0\0\1\0\0\0"), -EBADMSG}, /* one item of two */
		{"at", READER("\0\0\0\0\0\0\0\0"), 0},
		{"at", READER("\0\0\0\0"), -EBADMSG}, /* no padding before the first item */
		{"v", READER("\1y\0\7"), 0},
		{"v", READER("\2yy\0\7\7"), -EBADMSG}, /* one value, not two */
		{"v", READER("\0\0"), -EBADMSG},
		{"v", READER("\1v\0\1v\0\1y\0\7"), 0},
		{"(yy)", READER("\1\2"), 0},
		{"(yy", READER("\1\2"), -EBADMSG},
		{"()", READER(""), -EBADMSG},
		{"a()", READER("\0\0\0\0\0\0\0\0"), -EBADMSG},
		{"a", READER("\0\0\0\0"), -EBADMSG},
		{"z", READER("\1"), -EBADMSG},
		{")", READER("\1"), -EBADMSG},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct dbus_reader r = rows[i].reader;
		const char *signature = rows[i].signature;
		int failure = 0;
		while (failure == 0 && *signature)
			failure = skip_value(&r, &signature, 0);
		if (failure != rows[i].code)
			print_error("%s, row %zu\n", rows[i].signature, i);
		assert_int_equal(failure, rows[i].code);
	}
}

static void test_depth(void **state)
{
	char signature[300];
	memset(signature, 'a', sizeof(signature));
	signature[298] = 'y';
	signature[299] = '\0';
	const char *type = signature;
	struct dbus_reader r = READER("\0\0\0\0");
	assert_int_equal(skip_value(&r, &type, 0), -EBADMSG);
	auto_buf struct buf variants = BUF_INIT;
	for (int i = 0; i < 5000; i++)
		buf_add(&variants, "\1v", 3);
	type = "v";
	r = (struct dbus_reader){variants.data, variants.len, 0, false};
	assert_int_equal(skip_value(&r, &type, 0), -EBADMSG);
}

static void test_big_endian(void **state)
{
	static const char bytes[] = "B\2\1\1\0\0\0\4\0\0\0\5\0\0\0\x0f\5\1u\0\0\0\0\7"
				    "\10\1g\0\1u\0\0\0\0\1\2";
	struct dbus_message m;
	uint32_t value;
	assert_int_equal(dbus_message_parse(bytes, sizeof(bytes) - 1, &m), 0);
	assert_int_equal(m.serial, 5);
	assert_int_equal(m.reply_serial, 7);
	assert_int_equal(dbus_get_u32(&m.body, &value), 0);
	assert_int_equal(value, 0x102);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_signal),
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_many_types),
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_changes),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_big_endian),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
