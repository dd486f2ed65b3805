/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Templates: the output of Go's text/template for the same document, the messages of refusals, and
 * the bounds.
 */
#include "template/template.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static const char container[] =
	"{\"Id\":\"abc\",\"Name\":\"/"
	"web\",\"State\":{\"Status\":\"running\",\"Pid\":1234,\"Running\":true,"
	"\"Error\":\"\",\"OOMKilled\":false},\"Args\":[\"sh\",\"-c\",\"ls\"],\"Empty\":[],\"Null\":"
	"null,"
	"\"Numbers\":[1,2,3],\"Load\":1.5,\"Big\":1000000.0,"
	"\"Config\":{\"Labels\":{\"b\":\"2\",\"a\":\"1\",\"Upper\":\"x\"},\"Env\":[\"A=1\",\"B=2\"]"
	"},"
	"\"NetworkSettings\":{\"Networks\":{\"net1\":{\"IPAddress\":\"10.0.0.2\"},\"br\":{"
	"\"IPAddress\":\"10.0.0.3\"}},"
	"\"Ports\":{\"80/"
	"tcp\":[{\"HostIp\":\"0.0.0.0\",\"HostPort\":\"8080\"}]}},\"Text\":\"h\\u00e9llo\"}";

struct row {
	const char *template, *expected;
};

static int run_on(const char *document, const char *text, struct buf *out)
{
	auto_of(json) struct json *j = NULL;
	auto_of(template) struct template *t = NULL;
	if (json_parse("t.json", document, strlen(document), &j) < 0)
		fail_msg("%s", err_text());
	int r = template_parse(text, &t);
	return r < 0 ? r : template_execute(t, j, TEMPLATE_RAW, out);
}

static void expect_rows(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		auto_buf struct buf out = BUF_INIT;
		if (run_on(container, rows[i].template, &out) < 0)
			fail_msg("%s: %s", rows[i].template, err_text());
		if (!str_eq(out.data, rows[i].expected))
			fail_msg("%s: expected \"%s\", found \"%s\"", rows[i].template,
				rows[i].expected, out.data);
	}
}

#define EXPECT(rows) expect_rows(rows, sizeof(rows) / sizeof(rows[0]))

static void test_fields(void **state)
{
	static const struct row rows[] = {
		{"", ""},
		{"plain } text {", "plain } text {"},
		{"{{.State.Pid}}", "1234"},
		{"{{ .Id }}-{{.Name}}", "abc-/web"},
		{"{{$.State.Status}}", "running"},
		{"{{(.State).Running}}", "true"},
		{"{{.State.Error}}|{{.Null}}|{{.Empty}}|{{.Args}}", "|<no value>|[]|[sh -c ls]"},
		{"{{.Config.Labels}}", "map[Upper:x a:1 b:2]"},
		{"{{.Config.Labels.a}} {{.Config.Labels.zz}}", "1 <no value>"},
		{"{{.NetworkSettings.Networks.none.IPAddress}}", "<no value>"},
		{"{{.Load}} {{.Big}}", "1.5 1e+06"},
		{"{{1}} {{-2}} {{0x1f}} {{1e2}} {{0.25}} {{'a'}} {{true}}",
			"1 -2 31 100 0.25 97 true"},
		{"{{\"a\\tb\\u00e9\\x41\"}}{{`raw\\n`}}",
			"a\tb\xc3\xa9"
			"Araw\\n"},
	};
	EXPECT(rows);
}

static void test_trimming_and_comments(void **state)
{
	static const struct row rows[] = {
		{"a {{- 1 -}} b", "a1b"},
		{"a {{- 1}} b", "a1 b"},
		{"a {{1 -}}\n\t b", "a 1b"},
		{"a{{-3}}b", "a-3b"},
		{"a{{/* note }} */}}b", "ab"},
		{"a {{- /* note */ -}} b", "ab"},
		{"{{- 1 -}} \n {{- 2 -}}", "12"},
	};
	EXPECT(rows);
}

static void test_control(void **state)
{
	static const struct row rows[] = {
		{"{{if .State.Running}}up{{else}}down{{end}}", "up"},
		{"{{if .State.Error}}a{{else if .Empty}}b{{else if .Args}}c{{else}}d{{end}}", "c"},
		{"{{if and .State.Running (eq .State.Status \"running\")}}y{{end}}", "y"},
		{"{{range .Args}}[{{.}}]{{end}}", "[sh][-c][ls]"},
		{"{{range $i, $a := .Args}}{{if $i}},{{end}}{{$i}}={{$a}}{{end}}",
			"0=sh,1=-c,2=ls"},
		{"{{range $a := .Args}}{{$a}};{{end}}", "sh;-c;ls;"},
		{"{{range .Empty}}x{{else}}none{{end}}{{range .Null}}x{{else}}nil{{end}}",
			"nonenil"},
		{"{{range $k, $v := .NetworkSettings.Networks}}{{$k}}:{{$v.IPAddress}} {{end}}",
			"br:10.0.0.3 net1:10.0.0.2 "},
		{"{{range .NetworkSettings.Networks}}{{.IPAddress}}{{$.Id}} {{end}}",
			"10.0.0.3abc 10.0.0.2abc "},
		{"{{range 3}}{{.}}{{end}}", "012"},
		{"{{range .Args}}{{if eq . \"-c\"}}{{continue}}{{end}}{{.}}{{end}}", "shls"},
		{"{{range .Args}}{{if eq . \"-c\"}}{{break}}{{end}}{{.}}{{end}}", "sh"},
		{"{{range .Numbers}}{{range .}}{{break}}{{end}}{{.}}{{end}}!", "123!"},
		{"{{with .State}}{{.Pid}}{{end}}{{with .Null}}x{{else}}no{{end}}", "1234no"},
		{"{{with $x := .State.Pid}}{{$x}}{{.}}{{end}}", "12341234"},
		{"{{with .Null}}a{{else with .State}}{{.Pid}}{{end}}", "1234"},
		{"{{$n := 0}}{{range .Numbers}}{{$n = .}}{{end}}{{$n}}", "3"},
		{"{{$x := 1}}{{if true}}{{$x := 2}}{{$x}}{{end}}{{$x}}", "21"},
	};
	EXPECT(rows);
}

static void test_functions(void **state)
{
	static const struct row rows[] = {
		{"{{json .Config.Labels}}", "{\"Upper\":\"x\",\"a\":\"1\",\"b\":\"2\"}"},
		{"{{.Args | json}}{{json .Null}}{{json .Load}}", "[\"sh\",\"-c\",\"ls\"]null1.5"},
		{"{{json \"<a&b>\"}}", "\"<a&b>\""},
		{"{{join .Args \" \"}}|{{join .Null \",\"}}|{{join .Empty \",\"}}", "sh -c ls||"},
		{"{{len .Args}}{{len .Text}}{{len .Config.Labels}}", "363"},
		{"{{index .Args 1}} {{index .Config.Labels \"a\"}}", "-c 1"},
		{"[{{index .Config.Labels \"none\"}}]", "[]"},
		{"{{(index (index .NetworkSettings.Ports \"80/tcp\") 0).HostPort}}", "8080"},
		{"{{index .NetworkSettings.Ports \"80/tcp\" 0 \"HostIp\"}}", "0.0.0.0"},
		{"{{slice .Name 1}} {{slice .Args 1 2}} {{slice .Id 0 2}}", "web [-c] ab"},
		{"{{eq 1 2 1}}{{ne 1 2}}{{lt 1 2}}{{le 2 2}}{{gt \"b\" \"a\"}}{{ge 1 2}}",
			"truetruetruetruetruefalse"},
		{"{{eq 1 1 2}}{{eq .State.Status \"running\" \"paused\"}}", "truetrue"},
		{"{{and 1 0 .Nope}}{{or 0 \"x\" .Nope}}{{not 0}}", "0xtrue"},
		{"{{eq .Null nil}}", "true"},
		{"{{lower \"AbC\"}}{{upper \"abc\"}}{{title \"hello big world\"}}",
			"abcABCHello Big World"},
		{"{{split \"a,b,c\" \",\"}}{{index (split \"a=b\" \"=\") 1}}{{split \"ab\" \"\"}}",
			"[a b c]b[a b]"},
		{"{{truncate .Text 2}}{{truncate \"ab\" 5}}{{pad \"x\" 1 2}}|{{pad \"\" 3 3}}",
			"h\xc3\xa9"
			"ab x  |"},
		{"{{print 1 2 \"a\" \"b\" 3}}{{println \"x\" 1}}", "1 2ab3x 1\n"},
		{"{{.State.Status | upper | printf \"%s-%s\" \"a\"}}", "a-RUNNING"},
		{"{{println}}", "\n"},
	};
	EXPECT(rows);
}

static void test_printf(void **state)
{
	static const struct row rows[] = {
		{"{{printf \"%s %d %v %t\" \"a\" 3 .Args true}}", "a 3 [sh -c ls] true"},
		{"{{printf \"%5s|%-5s|%.2s|%05d|%+d|%x|%X\" \"ab\" \"ab\" \"abc\" 42 3 255 255}}",
			"   ab|ab   |ab|00042|+3|ff|FF"},
		{"{{printf \"%q %x\" \"a\\\"\\n\" \"hi\"}}", "\"a\\\"\\n\" 6869"},
		{"{{printf \"%q\" .Args}}", "[\"sh\" \"-c\" \"ls\"]"},
		{"{{printf \"%.2f %5.1f %e\" .Load 2.25 1.0}}", "1.50   2.2 1.000000e+00"},
		{"{{printf \"%05d|%5t|%d%%\" -42 true 5}}", "-0042| true|5%"},
		{"{{printf \"%d %s\" \"x\" 3}}", "%!d(string=x) %!s(int=3)"},
		{"{{printf \"%s\"}}{{printf \"a\" 1 \"b\"}}",
			"%!s(MISSING)a%!(EXTRA int=1, string=b)"},
		{"{{printf \"%s %v\" .Null .Null}}", "%!s(<nil>) <nil>"},
		{"{{printf \"%-8s|\" .Text}}", "h\xc3\xa9llo   |"},
		{"{{printf \"%.2s|%.3x\" .Text .Text}}", "h\xc3\xa9|68c3a9"},
	};
	EXPECT(rows);
}

static void test_refusals(void **state)
{
	static const struct {
		const char *template, *words;
	} rows[] = {
		{"{{.State.Pib}}",
			"template: line 1, column 3: no field \"Pib\"; did you mean \"Pid\"?"},
		{"{{.Nope}}", "no field \"Nope\""},
		{"{{.Id.Foo}}", "no field \"Foo\": this is a string"},
		{"{{.Null.Foo}}", "no field \"Foo\": this is null"},
		{"a\n{{", "line 2, column 3: expected \"}}\" before the end of the template"},
		{"{{.Id", "expected \"}}\" before the end"},
		{"{{}}", "expected a value, a field or a function, found \"}}\""},
		{"{{jsno .}}", "there is no function \"jsno\"; did you mean \"json\"?"},
		{"{{$x}}", "no variable $x is declared here"},
		{"{{if true}}{{$y := 1}}{{end}}{{$y}}", "no variable $y"},
		{"{{$z = 1}}", "no variable $z"},
		{"{{if .Id}}x", "column 3: expected {{end}} before the end of the template"},
		{"{{if 1}}{{else}}{{else}}{{end}}", "second {{else}}"},
		{"{{end}}", "{{end}} without"},
		{"{{else}}", "{{else}} without"},
		{"{{break}}", "only inside {{range}}"},
		{"{{if}}x{{end}}", "expected a value"},
		{"{{range 1}}{{else if 2}}{{end}}", "expected \"}}\" or the word it began with"},
		{"{{(1}}", "expected \")\", found \"}}\""},
		{"{{1)}}", "found \")\""},
		{"{{\"abc}}", "column 3: expected a closing quote"},
		{"{{\"\\q\"}}", "expected an escape"},
		{"{{\"\\x00\"}}", "expected an escape"},
		{"{{1x}}", "expected a number"},
		{"{{/* a }}", "expected \"*/\""},
		{"{{1 | .Id}}", "expected a function after \"|\""},
		{"{{.Id 1}}", "only functions take arguments"},
		{"{{template \"x\"}}", "not supported"},
		{"{{len}}", "len: expected 1 argument, found 0"},
		{"{{lt 1}}", "lt: expected 2 arguments, found 1"},
		{"{{eq 1}}", "eq: expected at least 2 arguments, found 1"},
		{"{{eq 1 \"a\"}}",
			"eq: expected two numbers or two strings, found a number and a string"},
		{"{{index .Args 3}}", "index: index 3 is out of range: there are 3"},
		{"{{index .Args -1}}", "index -1 is out of range"},
		{"{{index .Null 1}}", "index: expected a map or a list, found null"},
		{"{{slice .Id 2 1}}", "the slice ends at 1"},
		{"{{join .Numbers \",\"}}", "join: expected a string, found a number"},
		{"{{len 3}}", "len: expected a string, a list or a map, found a number"},
		{"{{printf \"%9999d\" 1}}", "printf: expected a width up to"},
		{"{{printf \"%\" 1}}", "expected a verb"},
		{"{{range .Id}}{{end}}",
			"range: expected a list, a map or a whole number, found a string"},
		{"{{and}}", "and: expected an argument"},
		{"{{?}}", "expected an action, found '?'"},
		{"{{.A$x}}", "expected a space"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		auto_buf struct buf out = BUF_INIT;
		int r = run_on(container, rows[i].template, &out);
		if (r != -EINVAL)
			fail_msg("%s: expected a refusal, found %d \"%s\"", rows[i].template, r,
				out.data);
		if (!strstr(err_text(), rows[i].words))
			fail_msg("%s: expected \"%s\", found \"%s\"", rows[i].template,
				rows[i].words, err_text());
	}
}

static void test_bounds(void **state)
{
	static const char *const rows[] = {
		"{{range 2000}}{{range 2000}}{{end}}{{end}}",
		"{{range 9000000000000000000}}{{end}}",
		"{{$x := \"0123456789abcdef\"}}{{range 40}}{{$x = printf \"%s%s\" $x $x}}{{end}}",
		"{{range 40000}}{{range "
		"1000}}0123456789012345678901234567890123456789{{end}}{{end}}",
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		auto_buf struct buf out = BUF_INIT;
		assert_int_equal(run_on("{}", rows[i], &out), -EFBIG);
		assert_true(out.len <= TEMPLATE_OUTPUT_MAX + TEMPLATE_BYTES_MAX);
	}
}

static void test_depth(void **state)
{
	for (int depth = TEMPLATE_DEPTH_MAX - 1; depth <= TEMPLATE_DEPTH_MAX + 1; depth++) {
		auto_buf struct buf text = BUF_INIT, blocks = BUF_INIT, out = BUF_INIT;
		buf_adds(&text, "{{");
		for (int i = 0; i < depth; i++) {
			buf_addc(&text, '(');
			buf_adds(&blocks, "{{if 1}}");
		}
		buf_adds(&text, "7");
		buf_adds(&blocks, "7");
		for (int i = 0; i < depth; i++) {
			buf_addc(&text, ')');
			buf_adds(&blocks, "{{end}}");
		}
		buf_adds(&text, "}}");
		int expected = depth > TEMPLATE_DEPTH_MAX ? -EFBIG : 0;
		assert_int_equal(run_on("{}", text.data, &out), expected);
		assert_int_equal(run_on("{}", blocks.data, &out), expected);
		assert_string_equal(out.data, expected < 0 ? "" : "77");
	}
}

/* Missing fields of maps and of structs: see template.h. */
static void test_missing(void **state)
{
	auto_buf struct buf out = BUF_INIT;
	assert_int_equal(run_on("{\"a\":{}}", "{{.b}}{{.a.c}}", &out), 0);
	assert_string_equal(out.data, "<no value><no value>");
	assert_int_equal(run_on("{\"A\":{}}", "{{.B}}", &out), -EINVAL);
	assert_int_equal(run_on("null", "{{.}}", &out), 0);
}

static void test_heads(void **state)
{
	auto_of(json) struct json *j = NULL;
	auto_of(template) struct template *t = NULL;
	auto_buf struct buf out = BUF_INIT;
	static const char heads[] = "{\"Names\":\"NAMES\",\"ID\":\"CONTAINER ID\"}";
	assert_int_equal(json_parse("heads", heads, sizeof(heads) - 1, &j), 0);
	assert_int_equal(
		template_parse("{{truncate .ID 3}}\t{{lower .Names}}\t{{json .Names}}", &t), 0);
	assert_int_equal(template_execute_heads(t, j, &out), 0);
	assert_string_equal(out.data, "CONTAINER ID\tNAMES\tNAMES");
}

static void test_escapes(void **state)
{
	static const char document[] = "{\"Text\":\"a\\u001b[31m\\n\\tb\\u009b\\u202ec\"}";
	static const struct {
		enum template_escape escape;
		const char *expected;
	} rows[] = {
		{TEMPLATE_RAW, "\033<a\033[31m\n\tb\302\233\342\200\256c\n>"},
		{TEMPLATE_LINES, "\033<a\\x1b[31m\n\tb\\x9b\\u{202e}c\n>"},
		{TEMPLATE_CELLS, "\033<a\\x1b[31m\\n\\tb\\x9b\\u{202e}c\\n>"},
	};
	auto_of(json) struct json *j = NULL;
	auto_of(template) struct template *t = NULL;
	assert_int_equal(json_parse("t.json", document, strlen(document), &j), 0);
	assert_int_equal(template_parse("\033<{{println .Text}}>", &t), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		auto_buf struct buf out = BUF_INIT;
		assert_int_equal(template_execute(t, j, rows[i].escape, &out), 0);
		assert_string_equal(out.data, rows[i].expected);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_escapes),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_trimming_and_comments),
		cmocka_unit_test(test_control),
		cmocka_unit_test(test_functions),
		cmocka_unit_test(test_printf),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_missing),
		cmocka_unit_test(test_heads),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
