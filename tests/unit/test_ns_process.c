/* SPDX-License-Identifier: Apache-2.0 */
/* The status file of a process, and a list that contains this process. */
#include "ns/process.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static int parse_copy(const char *text, struct ns_process *out)
{
	char copy[512];
	*out = (struct ns_process){0};
	assert_true(fmt(copy, "%s", text) >= 0);
	return parse_status(copy, out);
}

static void test_status(void **state)
{
	struct ns_process p;
	assert_int_equal(
		parse_copy("Name:\tsh\nPid:\t812\nPPid:\t7\nNSpid:\t812\t7\t1\nNSsid:\t1\n", &p),
		0);
	assert_int_equal(p.parent, 7);
	assert_string_equal(p.inner, "7 1");
	assert_int_equal(parse_copy("PPid:\t1\nNSpid:\t812\n", &p), 0);
	assert_string_equal(p.inner, "");
	/* A kernel without pid namespaces has no NSpid. */
	assert_int_equal(parse_copy("PPid:\t1\n", &p), 0);
	assert_string_equal(p.inner, "");
	assert_int_equal(parse_copy("Name:\tsh\n", &p), -EPROTO);
	assert_int_equal(parse_copy("PPid:\tx\n", &p), -EPROTO);
	assert_int_equal(parse_copy("", &p), -EPROTO);
}

static void test_own(void **state)
{
	auto_arena struct arena a = ARENA_INIT;
	struct ns_process_list list;
	const struct ns_process *own = NULL;
	assert_int_equal(ns_process_load(&a, &list), 0);
	for (size_t i = 0; i < list.count; i++) {
		assert_true(i == 0 || list.items[i - 1].pid < list.items[i].pid);
		if (list.items[i].pid == getpid())
			own = &list.items[i];
	}
	assert_non_null(own);
	assert_int_equal(own->parent, getppid());
	assert_non_null(strstr(own->command, "test_ns_process"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_status),
		cmocka_unit_test(test_own),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
