/* SPDX-License-Identifier: Apache-2.0 */
/* Messages as husk writes them, byte by byte the same as busctl (systemd 252) writes them. */
#include "dbus/write.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "dbus_messages.h"

static void property(struct dbus_writer *w, const char *name, const char *type)
{
	dbus_put_struct(w);
	dbus_put_string(w, name);
	dbus_put_signature(w, type);
}

static void body_of_scope(struct dbus_writer *w)
{
	dbus_put_string(w, "husk-one.scope");
	dbus_put_string(w, "replace");
	size_t properties = dbus_array_begin(w, 8);
	property(w, "Description", "s");
	dbus_put_string(w, "container one of husk-runtime");
	property(w, "Delegate", "b");
	dbus_put_bool(w, true);
	property(w, "PIDs", "au");
	size_t pids = dbus_array_begin(w, 4);
	dbus_put_u32(w, 4711);
	dbus_array_end(w, pids);
	property(w, "MemoryMax", "t");
	dbus_put_u64(w, 67108864);
	property(w, "AllowedCPUs", "ay");
	dbus_put_bytes(w, (const char[]){(char)139, 1}, 2);
	property(w, "Slice", "s");
	dbus_put_string(w, "system.slice");
	dbus_array_end(w, properties);
	dbus_array_end(w, dbus_array_begin(w, 8));
}

static void test_call(void **state)
{
	auto_of(dbus_writer) struct dbus_writer body = DBUS_WRITER_INIT;
	auto_buf struct buf out = BUF_INIT, wanted = BUF_INIT;
	const struct dbus_call call = {"org.freedesktop.systemd1", "/org/freedesktop/systemd1",
		"org.freedesktop.systemd1.Manager", "StartTransientUnit", "ssa(sv)a(sa(sv))",
		&body};
	body_of_scope(&body);
	assert_int_equal(dbus_call_write(&call, 2, &out), 0);
	hex_read(busctl_start_transient_unit, &wanted);
	wanted.data[2] = 0; /* busctl allows asking for a password, husk does not */
	assert_int_equal(out.len, wanted.len);
	assert_memory_equal(out.data, wanted.data, wanted.len);
}

static void test_call_without_arguments(void **state)
{
	auto_buf struct buf out = BUF_INIT, wanted = BUF_INIT;
	const struct dbus_call call = {"org.freedesktop.DBus", "/org/freedesktop/DBus",
		"org.freedesktop.DBus", "Hello", NULL, NULL};
	assert_int_equal(dbus_call_write(&call, 1, &out), 0);
	hex_read(busctl_hello, &wanted);
	assert_int_equal(out.len, wanted.len);
	assert_memory_equal(out.data, wanted.data, wanted.len);
}

/* The length of an array counts its items, but not the padding before the first one. */
static void test_arrays(void **state)
{
	auto_of(dbus_writer) struct dbus_writer w = DBUS_WRITER_INIT;
	put_byte(&w, 7);
	dbus_array_end(&w, dbus_array_begin(&w, 8));
	size_t array = dbus_array_begin(&w, 8);
	dbus_put_u64(&w, 0x0102030405060708);
	dbus_array_end(&w, array);
	const unsigned char wanted[] = {
		7, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 8, 7, 6, 5, 4, 3, 2, 1};
	assert_int_equal(w.bytes.len, sizeof(wanted));
	assert_memory_equal(w.bytes.data, wanted, sizeof(wanted));
}

static void test_too_long(void **state)
{
	auto_of(dbus_writer) struct dbus_writer body = DBUS_WRITER_INIT;
	auto_buf struct buf out = BUF_INIT;
	const struct dbus_call call = {"a.b", "/", "a.b", "C", "ay", &body};
	auto_free char *much = mem_new(DBUS_MESSAGE_MAX);
	dbus_put_bytes(&body, much, DBUS_MESSAGE_MAX - 4);
	assert_int_equal(dbus_call_write(&call, 1, &out), -EMSGSIZE);
	assert_int_equal(out.len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_call),
		cmocka_unit_test(test_call_without_arguments),
		cmocka_unit_test(test_arrays),
		cmocka_unit_test(test_too_long),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
