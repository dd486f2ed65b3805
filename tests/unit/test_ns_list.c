/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The texts in /proc about namespaces: links, lines of mountinfo, and the list of the own process.
 */
#include "ns/list.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static void test_link(void **state)
{
	uint64_t inode;
	assert_int_equal(parse_link("net:[4026531840]", NS_NET, &inode), 0);
	assert_int_equal(inode, 4026531840u);
	assert_int_equal(parse_link("net:[4026531840]", NS_MNT, &inode), -EINVAL);
	static const char *const wrong[] = {"", "net", "net:", "net:[", "net:[]", "net:[1",
		"net:1]", "net:[1x]", "net:[99999999999999999999]", "/net:[1]"};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		assert_true(parse_link(wrong[i], NS_NET, &inode) < 0);
}

static bool parse_copy(const char *text, struct bound *out)
{
	char line[512];
	assert_true(fmt(line, "%s", text) > 0);
	return parse_bound(line, out);
}

static void test_mountinfo(void **state)
{
	struct bound b;
	assert_true(parse_copy(
		"311 29 0:4 net:[4026532177] /run/netns/a rw shared:9 - nsfs nsfs rw", &b));
	assert_int_equal(b.kind, NS_NET);
	assert_int_equal(b.inode, 4026532177u);
	assert_string_equal(b.path, "/run/netns/a");
	assert_true(parse_copy("311 29 0:4 mnt:[7] /a\\040b\\134c rw - nsfs nsfs rw", &b));
	assert_int_equal(b.kind, NS_MNT);
	assert_string_equal(b.path, "/a b\\c");
	assert_true(parse_copy("311 29 0:4 mnt:[7] /a\\04 rw - nsfs nsfs rw", &b));
	assert_string_equal(b.path, "/a\\04");

	assert_false(parse_copy("36 35 98:0 / /mnt rw,noatime master:1 - ext4 /dev/root rw", &b));
	assert_false(parse_copy("36 35 0:4 net:[x] /mnt rw - nsfs nsfs rw", &b));
	assert_false(parse_copy("36 35 0:4 net:[1] /mnt rw - tmpfs nsfs rw", &b));
	assert_false(parse_copy("36 35 0:4 net:[1] /mnt rw shared:1", &b));
	assert_false(parse_copy("36 35 0:4 net:[1] /mnt rw -", &b));
	assert_false(parse_copy("36 35", &b));
}

static void test_fold(void **state)
{
	struct member items[] = {{10, NS_NET, 1}, {10, NS_NET, 5}, {12, NS_UTS, 1}};
	struct members members = {items, 3};
	auto_of(ns_list) struct ns_list list = {.entries = mem_new(4 * sizeof(struct ns_entry))};
	fold(&members, &list);
	assert_int_equal(list.count, 2);
	assert_int_equal(list.entries[0].process_count, 2);
	assert_int_equal(list.entries[0].first_pid, 1);
	assert_int_equal(list.entries[1].kind, NS_UTS);
}

static void test_own(void **state)
{
	auto_of(ns_list) struct ns_list list = {0};
	assert_int_equal(ns_list_load(getpid(), &list), 0);
	assert_in_range(list.count, 6, NS_COUNT);
	for (size_t i = 0; i < list.count; i++) {
		uint64_t inode = 0;
		assert_int_equal(ns_inode(0, list.entries[i].kind, &inode), 0);
		assert_int_equal(list.entries[i].inode, inode);
		assert_true(list.entries[i].process_count > 0);
		assert_true(i == 0 || list.entries[i - 1].inode < list.entries[i].inode);
	}
	assert_int_equal(ns_list_load(INT32_MAX, &list), -ESRCH);
	assert_non_null(strstr(err_text(), "no such process: 2147483647"));
}

static void test_command(void **state)
{
	char small[5], name[256];
	ns_process_command(getpid(), name, sizeof(name));
	assert_non_null(strstr(name, "test_ns_list"));
	ns_process_command(getpid(), small, sizeof(small));
	assert_int_equal(strlen(small), 4);
	ns_process_command(INT32_MAX, name, sizeof(name));
	assert_string_equal(name, "[]");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_link),
		cmocka_unit_test(test_mountinfo),
		cmocka_unit_test(test_fold),
		cmocka_unit_test(test_own),
		cmocka_unit_test(test_command),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
