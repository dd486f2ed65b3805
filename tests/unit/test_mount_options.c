/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mount options as words: which the table knows, which are passed on, and which of two
 * contradicting words is used.
 */
#include "mount/options.c"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

struct expectation {
	const char *text;
	uint64_t set, clear, recursive;
	uint32_t propagation;
	bool is_bind, is_recursive;
	const char *data;
};

static const struct expectation expectations[] = {
	{"", 0, 0, 0, 0, false, false, ""},
	{"ro", MOUNT_ATTR_RDONLY, 0, 0, 0, false, false, ""},
	{"ro,rw", 0, MOUNT_ATTR_RDONLY, 0, 0, false, false, ""},
	{"nosuid,noexec,nodev", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NODEV, 0, 0, 0,
		false, false, ""},
	{"strictatime", MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME, 0, 0, false, false, ""},
	{"noatime,strictatime", MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME, 0, 0, false, false, ""},
	{"noatime,relatime", 0, MOUNT_ATTR__ATIME, 0, 0, false, false, ""},
	{"strictatime,nostrictatime", 0, MOUNT_ATTR__ATIME, 0, 0, false, false, ""},
	{"nosymfollow,symfollow", 0, MOUNT_ATTR_NOSYMFOLLOW, 0, 0, false, false, ""},
	{"silent,norelatime", 0, 0, 0, 0, false, false, ""},
	{"mode=755,ro,size=64k", MOUNT_ATTR_RDONLY, 0, 0, 0, false, false, "mode=755,size=64k"},
	{"rbind,rslave", 0, 0, 0, MS_SLAVE | MS_REC, true, true, ""},
	{"bind,private,rro", 0, 0, MOUNT_ATTR_RDONLY, MS_PRIVATE, true, false, ""},
	{",,ro,", MOUNT_ATTR_RDONLY, 0, 0, 0, false, false, ""},
	{"noiversion,sync,lazytime,async", 0, 0, 0, 0, false, false, "sync,lazytime,async"},
	{"newinstance,ptmxmode=0666", 0, 0, 0, 0, false, false, "newinstance,ptmxmode=0666"},
};

static void test_words(void **state)
{
	for (size_t i = 0; i < sizeof(expectations) / sizeof(expectations[0]); i++) {
		const struct expectation *x = &expectations[i];
		auto_of(mount_options) struct mount_options o = {.data = BUF_INIT};
		assert_int_equal(mount_options_parse(x->text, &o), 0);
		assert_int_equal(o.attr_set, x->set);
		assert_int_equal(o.attr_clear, x->clear);
		assert_int_equal(o.attr_set_recursive, x->recursive);
		assert_int_equal(o.propagation, x->propagation);
		assert_int_equal(o.is_bind, x->is_bind);
		assert_int_equal(o.is_recursive, x->is_recursive);
		assert_string_equal(o.data.data, x->data);
	}
}

/* Each word for a whole tree does for the tree what the plain word does for one mount. */
static void test_recursive_words(void **state)
{
	for (size_t i = 0; i < sizeof(option_words) / sizeof(option_words[0]); i++) {
		const struct option_word *word = &option_words[i];
		auto_of(mount_options) struct mount_options whole = {.data = BUF_INIT};
		auto_of(mount_options) struct mount_options plain = {.data = BUF_INIT};
		if (word->effect != EFFECT_SET_RECURSIVE && word->effect != EFFECT_CLEAR_RECURSIVE)
			continue;
		assert_int_equal(mount_options_parse(word->word, &whole), 0);
		assert_int_equal(mount_options_parse(word->word + 1, &plain), 0);
		assert_int_equal(whole.attr_set_recursive, plain.attr_set);
		assert_int_equal(whole.attr_clear_recursive, plain.attr_clear);
		assert_int_equal(whole.attr_set | whole.attr_clear, 0);
	}
}

static void test_refused(void **state)
{
	auto_of(mount_options) struct mount_options o = {.data = BUF_INIT};
	assert_int_equal(mount_options_parse("ro,=x", &o), -EINVAL);
	assert_string_equal(err_text(), "\"=x\" is not a mount option");
}

static void test_attr_words(void **state)
{
	auto_buf struct buf out = BUF_INIT;
	mount_attr_words(MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, &out);
	assert_string_equal(out.data, "ro,nosuid,nodev");
	buf_clear(&out);
	mount_attr_words(0, &out);
	assert_string_equal(out.data, "");
}

static void test_suit_bind(void **state)
{
	static const struct {
		const char *text;
		bool suits;
	} cases[] = {
		{"", true},
		{"async,ro,nolazytime,nomand,noiversion", true},
		{"sync", false},
		{"async,mode=755", false},
		{"iversion", false},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_of(mount_options) struct mount_options o = {.data = BUF_INIT};
		assert_int_equal(mount_options_parse(cases[i].text, &o), 0);
		assert_int_equal(mount_options_suit_bind(&o), cases[i].suits);
	}
}

/* No word is in the table twice: the second row could never be reached. */
static void test_table(void **state)
{
	size_t count = sizeof(option_words) / sizeof(option_words[0]);
	for (size_t i = 0; i < count; i++)
		assert_ptr_equal(option_find(option_words[i].word), &option_words[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_recursive_words),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_attr_words),
		cmocka_unit_test(test_suit_bind),
		cmocka_unit_test(test_table),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
