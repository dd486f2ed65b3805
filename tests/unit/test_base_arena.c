/* SPDX-License-Identifier: Apache-2.0 */
/* Arenas: aligned zeroed memory, growing arrays. */
#include "base/arena.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void test_memory(void **state)
{
	auto_arena struct arena a = ARENA_INIT;
	static const size_t sizes[] = {0, 1, 7, 16, 100, 4000, 5000, 3, 3 << 20, 9};
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		unsigned char *p = arena_new(&a, sizes[i]);
		assert_int_equal((uintptr_t)p % alignof(max_align_t), 0);
		for (size_t at = 0; at < sizes[i]; at++)
			assert_int_equal(p[at], 0);
		memset(p, 0xee, sizes[i]);
	}
	assert_true(a.total_bytes >= 3 << 20);
	arena_release(&a);
	assert_null(a.blocks);
	arena_release(&a);
}

static void test_strings(void **state)
{
	auto_arena struct arena a = ARENA_INIT;
	assert_string_equal(arena_str(&a, "abc"), "abc");
	assert_string_equal(arena_strn(&a, "abc", 2), "ab");
	assert_string_equal(arena_strn(&a, NULL, 0), "");
	assert_string_equal(arena_printf(&a, "%s%d", "x", 5), "x5");
}

static void test_push(void **state)
{
	auto_arena struct arena a = ARENA_INIT;
	struct str_list list = {0};
	for (int i = 0; i < 1000; i++)
		*arena_push(&a, &list) = arena_printf(&a, "%d", i);
	assert_int_equal(list.count, 1000);
	assert_string_equal(list.items[0], "0");
	assert_string_equal(list.items[999], "999");
	const char **zeroed = arena_push(&a, &list);
	assert_null(*zeroed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_push),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
