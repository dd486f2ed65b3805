/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows of the settings: what is written can be read, bodies of other programs are read, and
 * unknown fields are reported.
 */
#include "records/settings.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static int take(const char *text, enum settings_document document, struct arena *a,
	struct container *out, struct strvec *unknown)
{
	auto_of(json) struct json *j = NULL;
	*out = (struct container){0};
	int r = json_parse("body", text, strlen(text), &j);
	struct json_cursor root = json_root(j);
	return r < 0 ? r : settings_take(&root, document, a, out, unknown);
}

static void put(const struct container *c, enum settings_document document, struct buf *out)
{
	struct json_writer w = {.out = out};
	json_open_object(&w, NULL);
	settings_put(&w, SETTING_CONFIG, document, c);
	for (int i = SETTING_HOST_CONFIG; i <= SETTING_HUSK; i++) {
		json_open_object(&w, section_names[i]);
		settings_put(&w, (enum setting_section)i, document, c);
		json_close_object(&w);
	}
	json_close_object(&w);
}

/* Every kind of setting, with a value. */
static const char body[] =
	"{\"Hostname\":\"h\",\"User\":\"1:2\",\"Tty\":true,\"OpenStdin\":true,\"Env\":[\"A=1\",\"B="
	"\"],"
	"\"Cmd\":[\"sleep\",\"1\"],\"Entrypoint\":[\"/e\"],\"Image\":\"redis\",\"WorkingDir\":\"/"
	"w\","
	"\"Labels\":{\"a.b\":\"c\",\"d\":\"\"},\"StopSignal\":\"SIGINT\",\"StopTimeout\":3,"
	"\"HostConfig\":{\"Binds\":[\"/srv:/data:ro\",\"pg:/var/lib/"
	"pg:rw,nocopy\"],\"NetworkMode\":\"front\","
	"\"AutoRemove\":true,\"Privileged\":true,\"ReadonlyRootfs\":true,\"Init\":true,\"CapAdd\":["
	"\"ALL\"],"
	"\"CapDrop\":[\"NET_RAW\"],\"SecurityOpt\":[\"no-new-privileges\"],\"Memory\":1048576,"
	"\"NanoCpus\":500000000,\"CpusetCpus\":\"0-1\",\"PidsLimit\":-1,"
	"\"Ulimits\":[{\"Name\":\"nofile\",\"Soft\":64,\"Hard\":-1}],\"Tmpfs\":{\"/"
	"run\":\"size=1m\",\"/tmp\":\"\"},"
	"\"ShmSize\":8192},\"Husk\":{\"Id\":\"abc\",\"Name\":\"n\",\"Created\":"
	"18446744073709551615,"
	"\"ImageId\":\"sha256:1\",\"Rootfs\":\"\",\"Layers\":[\"l1\",\"l2\"],"
	"\"Publish\":[\"8080:80\",\"127.0.0.1:9000-9001:90-91/"
	"udp\",\"127.0.0.1::80\",\"81\"],\"Detached\":true,\"NoPivot\":true}}";

static void test_round_trip(void **state)
{
	auto_arena struct arena a = ARENA_INIT;
	auto_buf struct buf again = BUF_INIT;
	struct container c;
	assert_int_equal(take(body, SETTINGS_RECORD, &a, &c, NULL), 0);
	put(&c, SETTINGS_RECORD, &again);
	assert_string_equal(again.data, body);
	assert_int_equal(c.stop_timeout_ms, 3000);
	assert_true(c.mounts.items[0].is_readonly && !c.mounts.items[0].volume);
	assert_string_equal(c.mounts.items[1].volume, "pg");
	assert_true(c.limits.ulimits.items[0].hard == UINT64_MAX);
	assert_int_equal(c.ports.items[1].count, 2);
	assert_null(c.rootfs);
}

/* A body as clients of Docker write it. */
static void test_body_of_others(void **state)
{
	auto_arena struct arena a = ARENA_INIT;
	auto_strvec struct strvec unknown = STRVEC_INIT;
	struct container c;
	const char *text =
		"{\"Image\":\"redis\",\"Cmd\":null,\"StopTimeout\":null,\"Volumes\":{\"/"
		"data\":{}},\"Domainname\":\"\","
		"\"Husk\":{\"Id\":\"forged\",\"Rootfs\":\"/"
		"\"},\"HostConfig\":{\"PidsLimit\":0,\"Frobs\":[1],"
		"\"PortBindings\":{\"80/"
		"tcp\":[{\"HostIp\":\"127.0.0.1\",\"HostPort\":\"8080\"},{\"HostPort\":\"81\"}],"
		"\"53/udp\":[{}],\"9/tcp\":null}}}";
	assert_int_equal(take(text, SETTINGS_BODY, &a, &c, &unknown), 0);
	assert_null(c.id);
	assert_null(c.rootfs);
	assert_int_equal(c.limits.pids_limit, -1);
	assert_true(c.mounts.count == 1 && c.mounts.items[0].is_anonymous);
	assert_int_equal(c.ports.count, 3);
	auto_buf struct buf ports = BUF_INIT;
	for (size_t i = 0; i < c.ports.count; i++) {
		port_write(&c.ports.items[i], &ports);
		buf_addc(&ports, ' ');
	}
	assert_string_equal(ports.data, "127.0.0.1:8080:80 81:80 53/udp ");
	assert_int_equal(unknown.count, 3);
	assert_string_equal(unknown.items[0], "Domainname");
	assert_string_equal(unknown.items[1], "Husk");
	assert_string_equal(unknown.items[2], "HostConfig.Frobs");
	/* Some fields that are shown are stored in another row of the record. */
	auto_buf struct buf shown = BUF_INIT;
	put(&c, SETTINGS_BODY, &shown);
	assert_non_null(strstr(shown.data, "\"PortBindings\":{\"80/tcp\":[{"));
}

static void test_refused(void **state)
{
	static const struct {
		const char *text, *words;
	} bad[] = {
		{"{\"Hostname\":1}", "body: Hostname: "},
		{"{\"HostConfig\":{\"Binds\":[\"a\"]}}", "\"a\" is not an absolute path"},
		{"{\"HostConfig\":{\"PidsLimit\":-2}}", "body: HostConfig.PidsLimit: "},
		{"{\"HostConfig\":{\"Ulimits\":[{\"Name\":\"x\"}]}}", "no such limit: x"},
		{"{\"HostConfig\":{\"PortBindings\":{\"80/tcp\":[{\"HostPort\":\"x\"}]}}}",
			"-p \"x:80/tcp\""},
		{"{\"HostConfig\":{\"PortBindings\":{\"80/tcp\":7}}}", "HostConfig.PortBindings"},
		{"{\"HostConfig\":[]}", "body: HostConfig"},
		{"{\"Volumes\":{\"/a:/b\":{}}}", "a colon in a path"},
		{"{\"Labels\":{\"a\":1}}", "body: Labels.a: "},
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		auto_arena struct arena a = ARENA_INIT;
		struct container c;
		assert_true(take(bad[i].text, SETTINGS_BODY, &a, &c, NULL) < 0);
		if (!strstr(err_text(), bad[i].words))
			fail_msg("%s: %s", bad[i].text, err_text());
	}
}

static void test_change(void **state)
{
	auto_arena struct arena a = ARENA_INIT;
	struct container c;
	assert_int_equal(take("{\"HostConfig\":{\"Memory\":7,\"PidsLimit\":9}}", SETTINGS_CHANGE,
				 &a, &c, NULL),
		0);
	assert_int_equal(c.limits.memory_bytes, 7);
	assert_true(
		take("{\"HostConfig\":{\"Privileged\":true}}", SETTINGS_CHANGE, &a, &c, NULL) < 0);
	assert_non_null(strstr(err_text(), "HostConfig.Privileged: it cannot be changed"));
	assert_false(c.security.is_privileged);
}

static void test_defaults(void **state)
{
	struct container c = {.network = "front"};
	settings_default(&c);
	assert_int_equal(c.shm_bytes, 64 << 20);
	assert_int_equal(c.limits.pids_limit, 2048);
	assert_string_equal(c.stop_signal, "SIGTERM");
	assert_string_equal(c.process.cwd, "/");
	assert_string_equal(SETTING_ORIGIN(&c, network), "--network");
	assert_string_equal(SETTING_ORIGIN(&c, limits.pids_limit), "default");
	assert_string_equal(SETTING_ORIGIN(&c, mounts), "-v");
	assert_string_equal(SETTING_ORIGIN(&c, ports), "-p");
}

/* A row for each field, a field for each row, no key twice. */
static void test_rows(void **state)
{
	for (size_t i = 0; i < SETTING_COUNT; i++) {
		const struct setting *s = &settings[i];
		assert_non_null(s->kind->take);
		assert_ptr_equal(setting_find(s->section, s->key), s);
		for (size_t j = 0; j < i; j++)
			if (settings[j].offset == s->offset)
				assert_true((settings[j].flags | s->flags) & SETTING_FOREIGN);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_body_of_others),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_change),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_rows),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
