/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Id maps as text: parsing, the rules that the kernel enforces with only an EINVAL, and cutting ids
 * out of ranges.
 */
#include "ns/idmap.c"

#include "sys/fd.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void test_parse(void **state)
{
	struct ns_idmap m;
	assert_int_equal(ns_idmap_parse("0:100000:65536", &m), 0);
	assert_int_equal(m.inner, 0);
	assert_int_equal(m.outer, 100000);
	assert_int_equal(m.count, 65536);
	assert_int_equal(ns_idmap_parse("100000,0,10", &m), 0);
	assert_int_equal(m.inner, 0);
	assert_int_equal(m.outer, 100000);
	assert_int_equal(ns_idmap_parse("4294967295:1:2", &m), 0);
	assert_int_equal(m.inner, 4294967295u);
}

static void test_parse_refuses(void **state)
{
	static const char *const words[] = {"", ":", "0", "0:1", "0:1:", "0:1:2:", "0:1:2:3",
		"a:1:2", "0:-1:2", " 0:1:2", "0:1,2", "0,1:2", "0x1:1:1", "0:1:2\n",
		"0000000000000000000000000000000000000000000000000000000000000000000000000:1:2"};
	struct ns_idmap m;
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		assert_int_equal(ns_idmap_parse(words[i], &m), -EINVAL);
		assert_non_null(strstr(err_text(), "expected INNER:OUTER:COUNT"));
	}
	assert_int_equal(ns_idmap_parse("4294967296:1:2", &m), -EINVAL);
	assert_non_null(strstr(err_text(), "larger than 4294967295"));
}

static void assert_refused(const struct ns_idmap *maps, size_t count, const char *words)
{
	assert_int_equal(ns_idmap_check(maps, count, "uid"), -EINVAL);
	if (!strstr(err_text(), words))
		fail_msg("no \"%s\" in \"%s\"", words, err_text());
}

static void test_check(void **state)
{
	const struct ns_idmap good[] = {{0, 1000, 1}, {1, 100000, 65535}, {65536, 1001, 5}};
	assert_int_equal(ns_idmap_check(good, 3, "uid"), 0);
	assert_int_equal(ns_idmap_check(&(struct ns_idmap){0, 0, 4294967295u}, 1, "uid"), 0);
	assert_int_equal(ns_idmap_check(&(struct ns_idmap){4294967294u, 0, 1}, 1, "uid"), 0);

	assert_refused(good, 0, "has no lines");
	assert_refused(&(struct ns_idmap){0, 0, 0}, 1, "the count is 0");
	assert_refused(&(struct ns_idmap){4294967295u, 0, 1}, 1, "inside ends above");
	assert_refused(&(struct ns_idmap){0, 4294967290u, 6}, 1, "outside ends above");
	assert_refused(&(struct ns_idmap){5, 5, 4294967295u}, 1, "inside ends above");
	assert_refused((const struct ns_idmap[]){{0, 1000, 10}, {9, 2000, 1}}, 2, "overlap inside");
	assert_refused(
		(const struct ns_idmap[]){{0, 1000, 10}, {10, 1009, 1}}, 2, "overlap outside");
	assert_int_equal(
		ns_idmap_check((const struct ns_idmap[]){{0, 1000, 10}, {10, 1010, 1}}, 2, "uid"),
		0);
}

static void test_check_too_many(void **state)
{
	struct ns_idmap maps[NS_IDMAP_MAX + 1];
	for (uint32_t i = 0; i <= NS_IDMAP_MAX; i++)
		maps[i] = (struct ns_idmap){i, i, 1};
	assert_int_equal(ns_idmap_check(maps, NS_IDMAP_MAX, "gid"), 0);
	assert_refused(maps, NS_IDMAP_MAX + 1, "at most 340");
}

/* Writes a list as "inner:outer:count ..." */
static void assert_list(const struct ns_idmap_list *list, const char *words)
{
	auto_buf struct buf text = BUF_INIT;
	for (size_t i = 0; i < list->count; i++)
		buf_addf(&text, "%s%u:%u:%u", i ? " " : "", list->items[i].inner,
			list->items[i].outer, list->items[i].count);
	assert_string_equal(text.data, words);
	assert_int_equal(ns_idmap_check(list->items, list->count, "uid"), 0);
}

static void assert_cut(const char *range, uint32_t inner, uint32_t outer, const char *words)
{
	auto_arena struct arena a = ARENA_INIT;
	struct ns_idmap_list list = {0};
	assert_int_equal(ns_idmap_add(&a, range, "uid", &list), 0);
	ns_idmap_add_one(&a, &list, inner, outer);
	assert_list(&list, words);
}

static void test_cut(void **state)
{
	assert_cut("0:100:10", 20, 5, "20:5:1 0:100:10");
	assert_cut("0:100:10", 0, 5, "0:5:1 1:100:9");
	assert_cut("0:100:10", 4, 5, "4:5:1 0:100:4 5:104:5");
	assert_cut("0:100:10", 9, 5, "9:5:1 0:100:9");
	assert_cut("0:100:10", 20, 100, "20:100:1 0:101:9");
	assert_cut("0:100:10", 20, 103, "20:103:1 0:100:3 3:104:6");
	assert_cut("0:100:10", 3, 103, "3:103:1 0:100:3 4:104:6");
	assert_cut("0:100:10", 3, 106, "3:106:1 0:100:3 4:103:3 7:107:3");
	assert_cut("0:100:10", 6, 103, "6:103:1 0:100:3 3:104:3 7:107:3");
	assert_cut("0:100:10", 9, 100, "9:100:1 0:101:9");
	assert_cut("0:100:1", 0, 100, "0:100:1");
	assert_cut("0:100:1", 0, 7, "0:7:1");
}

static char subid_path[] = "/tmp/husk-subid-XXXXXX";

static int subid_setup(void **state)
{
	static const char text[] =
		"# made by hand\nalice:100000:65536\n\nbob:x:5\n1007:300000:10\nbob:200000:0\n"
		"bob:400000:7\nalice:1:1";
	auto_close int fd = mkstemp(subid_path);
	return fd < 0 ? -1 : fd_write_full(fd, text, strlen(text));
}

static int subid_teardown(void **state)
{
	return unlink(subid_path);
}

static void assert_subids(const char *user, uid_t uid, bool is_identity, const char *words)
{
	auto_arena struct arena a = ARENA_INIT;
	struct ns_idmap_list list = {0};
	assert_int_equal(add_ranges(&a, subid_path, user, uid, is_identity, &list), 0);
	assert_list(&list, words);
}

static void test_subid(void **state)
{
	auto_arena struct arena a = ARENA_INIT;
	struct ns_idmap_list list = {0};
	assert_subids("alice", 1000, false, "0:100000:65536 65536:1:1");
	assert_subids("alice", 1000, true, "100000:100000:65536 1:1:1");
	/* A line that is invalid or empty is skipped. */
	assert_subids("bob", 1001, false, "0:400000:7");
	assert_subids(NULL, 1007, false, "0:300000:10");
	assert_int_equal(add_ranges(&a, subid_path, "carol", 1002, false, &list), -ENOENT);
	assert_non_null(strstr(err_text(), "no range for carol (uid 1002)"));
	assert_int_equal(
		add_ranges(&a, "/nonexistent/subuid", "carol", 1002, false, &list), -ENOENT);
}

/* Ranges of "auto" lose no ids to the user's own id. */
static void assert_around(uint32_t inner, uint32_t outer, const char *words)
{
	auto_arena struct arena a = ARENA_INIT;
	struct ns_idmap_list list = {0};
	*arena_push(&a, &list) = (struct ns_idmap){0, 100, 10, true};
	*arena_push(&a, &list) = (struct ns_idmap){10, 300, 5, true};
	ns_idmap_add_one(&a, &list, inner, outer);
	assert_list(&list, words);
}

static void test_around(void **state)
{
	assert_around(0, 5, "0:5:1 1:100:10 11:300:5");
	assert_around(4, 5, "4:5:1 0:100:4 5:104:6 11:300:5");
	assert_around(9, 5, "9:5:1 0:100:9 10:109:1 11:300:5");
	assert_around(10, 5, "10:5:1 0:100:10 11:300:5");
	assert_around(14, 5, "14:5:1 0:100:10 10:300:4 15:304:1");
	assert_around(15, 5, "15:5:1 0:100:10 10:300:5");
	assert_around(1000, 5, "1000:5:1 0:100:10 10:300:5");
	/* The user's own id is in a range: it cannot be mapped twice. */
	assert_around(0, 100, "0:100:1 1:101:9 10:300:5");
	assert_around(3, 103, "3:103:1 0:100:3 4:104:6 10:300:5");
	assert_around(7, 102, "7:102:1 0:100:2 2:103:5 8:108:2 10:300:5");
	assert_around(1000, 304, "1000:304:1 0:100:10 10:300:4");
}

static void test_all(void **state)
{
	auto_arena struct arena a = ARENA_INIT;
	struct ns_idmap_list list = {0};
	assert_int_equal(ns_idmap_add(&a, "all", "uid", &list), 0);
	assert_true(list.count > 0);
	for (size_t i = 0; i < list.count; i++)
		assert_int_equal(list.items[i].inner, list.items[i].outer);
	assert_int_equal(ns_idmap_check(list.items, list.count, "uid"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_parse_refuses),
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_check_too_many),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_around),
		cmocka_unit_test_setup_teardown(test_subid, subid_setup, subid_teardown),
		cmocka_unit_test(test_all),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
