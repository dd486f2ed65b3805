/* SPDX-License-Identifier: Apache-2.0 */
/* The header WWW-Authenticate: what registries send, and what is invalid. */
#include "registry/challenge.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void same(const char *text, const char *got, const char *wanted)
{
	if (!got != !wanted || (got && !str_eq(got, wanted)))
		fail_msg("%s: \"%s\", not \"%s\"", text, got ? got : "(none)",
			wanted ? wanted : "(none)");
}

static void test_accepted(void **state)
{
	static const struct {
		const char *text;
		bool is_basic;
		const char *realm, *service, *scope;
	} rows[] = {
		{"Bearer realm=\"https://auth.docker.io/token\",service=\"registry.docker.io\","
		 "scope=\"repository:library/redis:pull\"",
			false, "https://auth.docker.io/token", "registry.docker.io",
			"repository:library/redis:pull"},
		{"bearer  realm = \"https://x/\" , scope=\"a b,c\"", false, "https://x/", NULL,
			"a b,c"},
		{"Bearer realm=https://x/token", false, "https://x/token", NULL, NULL},
		{"Bearer realm=\"a\\\"b\\\\c\"", false, "a\"b\\c", NULL, NULL},
		{"Bearer error=\"invalid_token\",realm=\"r\"", false, "r", NULL, NULL},
		{"Basic", true, NULL, NULL, NULL},
		{"BASIC realm=\"Registry\"", true, "Registry", NULL, NULL},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		auto_arena struct arena a = ARENA_INIT;
		struct challenge c;
		if (challenge_parse(rows[i].text, &a, &c) != 0)
			fail_msg("refused: %s", rows[i].text);
		assert_int_equal(c.is_basic, rows[i].is_basic);
		same(rows[i].text, c.realm, rows[i].realm);
		same(rows[i].text, c.service, rows[i].service);
		same(rows[i].text, c.scope, rows[i].scope);
	}
}

static void test_refused(void **state)
{
	static const char *const texts[] = {"", "Digest realm=\"x\"", "Bearer",
		"Bearer service=\"x\"", "Bearer realm", "Bearer realm=", "Bearer realm=\"x",
		"Bearer realm=\"x\\", "Bearer =\"x\"", "Bearerrealm=\"x\""};
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		auto_arena struct arena a = ARENA_INIT;
		struct challenge c;
		if (challenge_parse(texts[i], &a, &c) != -EINVAL)
			fail_msg("taken: %s", texts[i]);
	}
}

static void test_bound(void **state)
{
	for (int quoted = 0; quoted < 2; quoted++)
		for (size_t len = VALUE_MAX - 1; len <= VALUE_MAX + 1; len++) {
			auto_arena struct arena a = ARENA_INIT;
			auto_buf struct buf text = BUF_INIT;
			struct challenge c;
			buf_adds(&text, quoted ? "Bearer realm=\"" : "Bearer realm=");
			for (size_t i = 0; i < len; i++)
				buf_addc(&text, 'x');
			buf_adds(&text, quoted ? "\"" : "");
			assert_int_equal(
				challenge_parse(text.data, &a, &c), len <= VALUE_MAX ? 0 : -EINVAL);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accepted),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_bound),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
