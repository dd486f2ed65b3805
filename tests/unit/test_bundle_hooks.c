/* SPDX-License-Identifier: Apache-2.0 */
/* Hooks: their required fields, and that each list is read into its own list. */
#include "bundle/hooks.c"
#include "bundle_documents.h"

static void test_refused(void **state)
{
	static const struct refusal cases[] = {
		{"{'hooks':[]}", -EINVAL, "hooks: expected an object, found an array"},
		{"{'hooks':{'prestart':{}}}", -EINVAL,
			"hooks.prestart: expected an array, found an object"},
		{"{'hooks':{'poststart':[1]}}", -EINVAL,
			"hooks.poststart[0]: expected an object, found a number"},
		{"{'hooks':{'poststop':[{}]}}", -EINVAL, "hooks.poststop[0]: \"path\" is missing"},
		{"{'hooks':{'createRuntime':[{'path':'bin/a'}]}}", -EINVAL,
			"hooks.createRuntime[0].path: \"bin/a\" is not an absolute path"},
		{"{'hooks':{'createContainer':[{'path':'/a'},{'path':'/a','args':'a'}]}}", -EINVAL,
			"hooks.createContainer[1].args: expected an array, found a string"},
		{"{'hooks':{'startContainer':[{'path':'/a','env':[1]}]}}", -EINVAL,
			"hooks.startContainer[0].env[0]: expected a string, found a number"},
		{"{'hooks':{'prestart':[{'path':'/a','timeout':0}]}}", -ERANGE,
			"hooks.prestart[0].timeout: a timeout is at least one second"},
		{"{'hooks':{'prestart':[{'path':'/a','timeout':-1}]}}", -ERANGE,
			"hooks.prestart[0].timeout: expected a number from 0 to 4294967295, found "
			"-1"},
	};
	refusals_check(cases, sizeof(cases) / sizeof(cases[0]));
}

static void test_each_list(void **state)
{
	for (int kind = 0; kind < OCI_HOOK_COUNT; kind++) {
		auto_arena struct arena a = ARENA_INIT;
		auto_buf struct buf text = BUF_INIT;
		struct oci_spec spec;
		buf_addf(&text, CONFIG("'hooks':{'%s':[{'path':'/bin/hook'}],'unknown':7}"),
			hook_keys[kind]);
		config_accepted(text.data, &a, &spec);
		for (int other = 0; other < OCI_HOOK_COUNT; other++)
			assert_int_equal(spec.hooks[other].count, other == kind);
		assert_string_equal(spec.hooks[kind].items[0].path, "/bin/hook");
	}
}

static void test_bounds(void **state)
{
	auto_arena struct arena a = ARENA_INIT;
	auto_buf struct buf text = BUF_INIT;
	struct oci_spec spec;
	buf_adds(&text, "{'hooks':{'poststop':[{'path':'/a','args':['x'");
	for (int i = 0; i < HOOK_WORDS_MAX; i++)
		buf_adds(&text, ",''");
	buf_adds(&text, "]}]}}");
	assert_int_equal(config_read(text.data, &a, &spec), -E2BIG);
	assert_string_equal(
		err_text(), "config.json: hooks.poststop[0].args: 1025 items are more than 1024");

	buf_clear(&text);
	buf_adds(&text, "{'hooks':{'poststop':[{'path':'/a'}");
	for (int i = 0; i < HOOKS_MAX; i++)
		buf_adds(&text, ",{'path':'/a'}");
	buf_adds(&text, "]}}");
	assert_int_equal(config_read(text.data, &a, &spec), -E2BIG);
	assert_string_equal(
		err_text(), "config.json: hooks.poststop: 1025 hooks are more than 1024");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_each_list),
		cmocka_unit_test(test_bounds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
