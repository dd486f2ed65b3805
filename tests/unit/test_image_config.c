/* SPDX-License-Identifier: Apache-2.0 */
/* Configurations: which parts are used, and which are not. */
#include "image/config.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define ROOTFS "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"sha256:" HEX "\"]}"

static int parse(const char *text, struct arena *a, struct config_facts *out)
{
	int r = config_parse(text, strlen(text), a, out);
	if (r < 0)
		assert_int_equal(err_code(), r);
	return r;
}

static void test_whole(void **state)
{
	auto_arena struct arena a = ARENA_INIT;
	struct config_facts f;
	assert_int_equal(
		parse("{\"created\":\"2026-05-07T20:33:11.5+02:00\",\"architecture\":\"amd64\","
		      "\"config\":{"
		      "\"Env\":[\"PATH=/"
		      "bin\",\"*\",\"AWS_SECRET\",\"=x\",\"EMPTY=\"],\"Cmd\":[\"sh\",\"-c\"],"
		      "\"Entrypoint\":null,\"User\":\"\",\"WorkingDir\":\"/"
		      "w\",\"StopSignal\":\"SIGINT\","
		      "\"Labels\":{\"a\":\"1\",\"io.podman.x\":\"y\"},\"Volumes\":{\"/data\":{}},"
		      "\"ExposedPorts\":{\"80/tcp\":{}}}," ROOTFS "}",
			&a, &f),
		0);
	assert_int_equal(f.created_ns, 1778178791500000000);
	assert_int_equal(f.config.env.count, 2);
	assert_string_equal(f.config.env.items[0], "PATH=/bin");
	assert_string_equal(f.config.env.items[1], "EMPTY=");
	assert_int_equal(f.config.cmd.count, 2);
	assert_int_equal(f.config.entrypoint.count, 0);
	assert_null(f.config.user);
	assert_string_equal(f.config.working_dir, "/w");
	assert_string_equal(f.config.stop_signal, "SIGINT");
	assert_string_equal(f.config.labels.items[1], "io.podman.x=y");
	assert_string_equal(f.config.volumes.items[0], "/data");
	assert_string_equal(f.config.ports.items[0], "80/tcp");
	assert_int_equal(f.diff_hex.count, 1);
	assert_string_equal(f.diff_hex.items[0], HEX);
}

static void test_bare(void **state)
{
	auto_arena struct arena a = ARENA_INIT;
	struct config_facts f;
	assert_int_equal(parse("{\"created\":\"yesterday\"," ROOTFS "}", &a, &f), 0);
	assert_int_equal(f.created_ns, 0);
	assert_int_equal(f.config.cmd.count, 0);
	assert_int_equal(parse("{\"created\":\"1066-10-14T09:00:00Z\"," ROOTFS "}", &a, &f), 0);
	assert_int_equal(f.created_ns, 0);
}

static void test_refused(void **state)
{
	static const char *const rows[] = {"", "[]", "{}", "{\"config\":[]," ROOTFS "}",
		"{\"config\":{\"Env\":\"x\"}," ROOTFS "}", "{\"config\":{\"Cmd\":[1]}," ROOTFS "}",
		"{\"config\":{\"Labels\":{\"a\":1}}," ROOTFS "}",
		"{\"rootfs\":{\"diff_ids\":[\"sha256:../x\"]}}",
		"{\"rootfs\":{\"diff_ids\":[\"" HEX "\"]}}"};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		auto_arena struct arena a = ARENA_INIT;
		struct config_facts f;
		assert_true(parse(rows[i], &a, &f) < 0);
	}
	auto_arena struct arena a = ARENA_INIT;
	struct config_facts f;
	auto_buf struct buf many = BUF_INIT;
	buf_adds(&many, "{\"rootfs\":{\"diff_ids\":[\"sha256:" HEX "\"");
	for (int i = 0; i < 127; i++)
		buf_adds(&many, ",\"sha256:" HEX "\"");
	buf_adds(&many, "]}}");
	assert_int_equal(parse(many.data, &a, &f), -E2BIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_whole),
		cmocka_unit_test(test_bare), cmocka_unit_test(test_refused)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
