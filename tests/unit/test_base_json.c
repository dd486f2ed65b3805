/* SPDX-License-Identifier: Apache-2.0 */
/* Reading JSON strictly, naming the place of every mistake, and writing JSON. */
#include "base/json.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static struct json *parse(const char *text)
{
	struct json *j = NULL;
	if (json_parse("t.json", text, strlen(text), &j) < 0)
		fail_msg("%s: %s", text, err_text());
	return j;
}

static void test_refused_texts(void **state)
{
	static const struct {
		const char *text;
		const char *words;
	} cases[] = {
		{"", "line 1, column 1: expected a value, found the end of the text"},
		{"{\"a\":1,\n \"a\":2}", "line 2, column 2: the key \"a\" stands twice"},
		{"{\"a\":1,\"\\u0061\":2}", "line 1, column 8: the key \"a\" stands twice"},
		{"{\"b\":{\"a\":1,\"c\":[{}],\"a\":1}}",
			"line 1, column 22: the key \"a\" stands twice"},
		{"[1,]", "line 1, column 4: expected a value, found ']'"},
		{"{\"a\":1,}", "line 1, column 8: expected a key in quotes, found '}'"},
		{"{a:1}", "line 1, column 2: expected a key in quotes, found 'a'"},
		{"{\"a\" 1}", "line 1, column 6: expected ':', found '1'"},
		{"[1 2]", "line 1, column 4: expected ',' or ']', found '2'"},
		{"{} x", "line 1, column 4: expected the end of the text, found 'x'"},
		{"[01]", "line 1, column 3: expected ',' or ']', found '1'"},
		{"[1.]", "line 1, column 4: expected a digit, found ']'"},
		{"[-]", "line 1, column 3: expected a digit, found ']'"},
		{"[+1]", "line 1, column 2: expected a value, found '+'"},
		{"[nul]", "line 1, column 2: expected a value, found 'n'"},
		{"[NaN]", "line 1, column 2: expected a value, found 'N'"},
		{"['a']", "line 1, column 2: expected a value, found '''"},
		{"/**/1", "line 1, column 1: expected a value, found '/'"},
		{"[18446744073709551616]", "line 1, column 2: the number is too large"},
		{"[-9223372036854775809]", "line 1, column 2: the number is too large"},
		{"\"a\\u0000\"", "line 1, column 5: a string must not contain NUL"},
		{"\"a\tb\"", "line 1, column 3: byte 0x09 in a string"},
		{"\"\\x\"", "line 1, column 3: expected an escape, found 'x'"},
		{"\"\\u12g4\"", "line 1, column 6: expected four hex digits, found 'g'"},
		{"\"\\ud800\"", "line 1, column 4: half a surrogate pair"},
		{"\"\\udc00\"", "line 1, column 4: half a surrogate pair"},
		{"\"\\ud800\\u0041\"", "line 1, column 4: half a surrogate pair"},
		{"\"\xff\"", "line 1, column 2: the string is not UTF-8"},
		{"\"\xc0\x80\"", "line 1, column 2: the string is not UTF-8"},
		{"\"abc", "line 1, column 2: the string has no end"},
		{"\xef\xbb\xbf{}", "line 1, column 1: expected a value, found byte 0xef"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct json *j = NULL;
		assert_int_equal(
			json_parse("t", cases[i].text, strlen(cases[i].text), &j), -EBADMSG);
		assert_null(j);
		assert_string_equal(str_after(err_text(), "t: "), cases[i].words);
	}
	struct json *j = NULL;
	assert_int_equal(json_parse("t", "[1]\0", 4, &j), -EBADMSG);
	assert_int_equal(json_parse("t", "[\0]", 3, &j), -EBADMSG);
}

static void test_bounds(void **state)
{
	auto_buf struct buf text = BUF_INIT;
	for (int i = 0; i < JSON_DEPTH_MAX; i++)
		buf_addc(&text, '[');
	for (int i = 0; i < JSON_DEPTH_MAX; i++)
		buf_addc(&text, ']');
	json_free(parse(text.data));

	struct json *j = NULL;
	auto_free char *deeper = mem_printf("[%s]", text.data);
	assert_int_equal(json_parse("t", deeper, strlen(deeper), &j), -EFBIG);
	/* The innermost array may hold a value. */
	text.data[JSON_DEPTH_MAX] = '\0';
	auto_free char *filled = mem_printf("%s1%s", text.data, deeper + JSON_DEPTH_MAX + 2);
	json_free(parse(filled));

	buf_clear(&text);
	buf_addc(&text, '[');
	for (int i = 0; i < JSON_VALUES_MAX; i++)
		buf_adds(&text, "0,");
	assert_int_equal(json_parse("t", text.data, text.len, &j), -EFBIG);
	assert_int_equal(json_parse("t", text.data, (size_t)JSON_BYTES_MAX + 1, &j), -EFBIG);
	assert_null(j);
}

static void test_top_values(void **state)
{
	static const char *const texts[] = {"1", "-0", " 12 ", "1e5", "true", "null", "\"a\"", "{}",
		"[]", "18446744073709551615"};
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		json_free(parse(texts[i]));
}

static void test_getters(void **state)
{
	auto_of(json) struct json *j = parse(
		"{\"s\":\"x\\u00e9\",\"n\":5,\"b\":true,\"list\":[\"a\",\"b\"],"
		"\"big\":18446744073709551615,\"minus\":-3,\"null\":null}");
	auto_arena struct arena a = ARENA_INIT;
	struct json_cursor root = json_root(j);
	struct json_cursor field;
	const char *s = "default";
	uint64_t u64 = 1;
	int64_t i64 = 1;
	bool b = false;
	struct str_list list = {0};
	assert_int_equal(json_opt_string(&root, "s", &a, &s), 1);
	assert_string_equal(s, "x\xc3\xa9");
	assert_int_equal(json_opt_string(&root, "none", &a, &s), 0);
	assert_int_equal(json_opt_string(&root, "null", &a, &s), 0);
	assert_string_equal(s, "x\xc3\xa9");
	assert_int_equal(json_opt_u64(&root, "n", &u64), 1);
	assert_int_equal(u64, 5);
	assert_int_equal(json_opt_bool(&root, "b", &b), 1);
	assert_true(b);
	assert_int_equal(json_opt_u64(&root, "big", &u64), 1);
	assert_true(u64 == UINT64_MAX);
	assert_int_equal(json_opt_i64(&root, "minus", &i64), 1);
	assert_int_equal(i64, -3);
	assert_int_equal(json_opt_strings(&root, "list", &a, &list), 1);
	assert_int_equal(list.count, 2);
	assert_string_equal(list.items[1], "b");
	assert_int_equal(json_field(&root, "null", &field), 0);
	assert_int_equal(json_field(&root, "list", &field), 1);
	assert_int_equal(json_count(&field), 2);
}

static void refused(int r, int code, const char *words)
{
	assert_int_equal(r, code);
	assert_string_equal(err_text(), words);
}

static void test_getter_errors(void **state)
{
	auto_of(json) struct json *j = parse(
		"{\"process\":{\"args\":[\"a\",1]},\"f\":1.0,\"e\":1e3,\"m\":-1,"
		"\"big\":18446744073709551615,\"o\":{},\"s\":\"5\"}");
	auto_arena struct arena a = ARENA_INIT;
	struct json_cursor root = json_root(j);
	struct json_cursor process;
	uint64_t u64 = 7;
	int64_t i64 = 7;
	bool b;
	const char *s;
	struct str_list list = {0};
	assert_int_equal(json_field(&root, "process", &process), 1);
	refused(json_opt_strings(&process, "args", &a, &list), -EINVAL,
		"t.json: process.args[1]: expected a string, found a number");
	assert_int_equal(list.count, 0);
	refused(json_opt_u64(&root, "f", &u64), -EINVAL,
		"t.json: f: expected a number, found a number with a fraction or an exponent");
	refused(json_opt_u64(&root, "e", &u64), -EINVAL,
		"t.json: e: expected a number, found a number with a fraction or an exponent");
	refused(json_opt_u64(&root, "m", &u64), -ERANGE,
		"t.json: m: expected a number from 0 to 18446744073709551615, found -1");
	refused(json_opt_i64(&root, "big", &i64), -ERANGE,
		"t.json: big: expected a number from -9223372036854775808 to 9223372036854775807, "
		"found "
		"18446744073709551615");
	refused(json_opt_u64(&root, "s", &u64), -EINVAL,
		"t.json: s: expected a number, found a string");
	refused(json_opt_bool(&root, "s", &b), -EINVAL,
		"t.json: s: expected true or false, found a string");
	refused(json_opt_string(&root, "o", &a, &s), -EINVAL,
		"t.json: o: expected a string, found an object");
	refused(json_count(&root), -EINVAL, "t.json: expected an array, found an object");
	assert_int_equal(u64, 7);
	assert_int_equal(i64, 7);

	auto_of(json) struct json *null = parse("null");
	root = json_root(null);
	refused(json_need_object(&root), -EINVAL, "t.json: expected an object, found null");
	refused(json_opt_bool(&root, "x", &b), -EINVAL, "t.json: expected an object, found null");
}

/* Getters of the values themselves, with a range. */
static void test_values(void **state)
{
	auto_of(json) struct json *j = parse("{\"n\":10,\"m\":-10,\"t\":true,\"s\":\"1\"}");
	struct json_cursor root = json_root(j), n, m, t, s;
	assert_int_equal(json_field(&root, "n", &n) + json_field(&root, "m", &m), 2);
	assert_int_equal(json_field(&root, "t", &t) + json_field(&root, "s", &s), 2);
	uint64_t u64 = 7;
	int64_t i64 = 7;
	bool b = false;
	refused(json_u64(&n, 9, &u64), -ERANGE,
		"t.json: n: expected a number from 0 to 9, found 10");
	refused(json_u64(&m, 9, &u64), -ERANGE,
		"t.json: m: expected a number from 0 to 9, found -10");
	refused(json_i64(&n, -9, 9, &i64), -ERANGE,
		"t.json: n: expected a number from -9 to 9, found 10");
	refused(json_i64(&m, -9, 9, &i64), -ERANGE,
		"t.json: m: expected a number from -9 to 9, found -10");
	refused(json_i64(&s, -9, 9, &i64), -EINVAL, "t.json: s: expected a number, found a string");
	refused(json_boolean(&n, &b), -EINVAL, "t.json: n: expected true or false, found a number");
	assert_int_equal(u64, 7);
	assert_int_equal(i64, 7);
	assert_int_equal(json_u64(&n, 10, &u64), 0);
	assert_int_equal(u64, 10);
	assert_int_equal(json_i64(&m, -10, 9, &i64), 0);
	assert_int_equal(i64, -10);
	assert_int_equal(json_boolean(&t, &b), 0);
	assert_true(b);
}

static int add_key(const char *key, const struct json_cursor *v, void *arg)
{
	buf_addf(arg, "%s ", key);
	return json_need_object(v);
}

static void test_each(void **state)
{
	auto_buf struct buf keys = BUF_INIT;
	auto_of(json) struct json *j = parse("{\"z\":{},\"agrs\":{},\"a\":1,\"b\":{}}");
	struct json_cursor root = json_root(j);
	refused(json_each(&root, add_key, &keys), -EINVAL,
		"t.json: a: expected an object, found a number");
	assert_string_equal(keys.data, "z agrs a ");
}

static void write_sample(struct json_writer *w)
{
	json_open_object(w, NULL);
	json_put_string(w, "s", "a\"\\\n\x1b\x7f\xff\xc3\xa9\xe2\x80\xae");
	json_put_string(w, "none", NULL);
	json_open_array(w, "list");
	json_put_u64(w, NULL, UINT64_MAX);
	json_put_i64(w, NULL, INT64_MIN);
	json_put_bool(w, NULL, true);
	json_put_null(w, NULL);
	json_close_array(w);
	json_open_object(w, "o");
	json_close_object(w);
	json_open_array(w, "e");
	json_close_array(w);
	json_close_object(w);
}

static void test_writer(void **state)
{
	auto_buf struct buf out = BUF_INIT;
	write_sample(&(struct json_writer){.out = &out});
	assert_string_equal(out.data,
		"{\"s\":\"a\\\"\\\\\\n\\u001b\\u007f\xef\xbf\xbd\xc3\xa9\\u202e\",\"none\":null,"
		"\"list\":[18446744073709551615,-9223372036854775808,true,null],\"o\":{},\"e\":[]"
		"}");
	json_free(parse(out.data));
	buf_clear(&out);
	struct json_writer w = {.out = &out, .is_pretty = true};
	json_open_array(&w, NULL);
	json_open_object(&w, NULL);
	json_put_u64(&w, "n", 1);
	json_open_object(&w, "o");
	json_close_object(&w);
	json_close_object(&w);
	json_close_array(&w);
	assert_string_equal(out.data, "[\n    {\n        \"n\": 1,\n        \"o\": {}\n    }\n]");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused_texts),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_top_values),
		cmocka_unit_test(test_getters),
		cmocka_unit_test(test_getter_errors),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_each),
		cmocka_unit_test(test_writer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
