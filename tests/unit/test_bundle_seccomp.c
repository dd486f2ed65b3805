/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linux.seccomp of config.json: what is read and what is refused, and the profiles of two engines
 * compared with libseccomp's result.
 */
#include "bundle/seccomp.c"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "sec_reference.c"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))
#define ALLOW SECCOMP_RET_ALLOW
#define FAIL(code) (SECCOMP_RET_ERRNO | (code))

/* Reads a document whose linux.seccomp is the profile. */
static int read_profile(const char *profile, size_t len, struct arena *a, struct oci_process *out)
{
	auto_buf struct buf text = BUF_INIT;
	auto_of(json) struct json *j = NULL;
	struct json_cursor root, linux_field, field;

	buf_adds(&text, "{\"linux\": {\"seccomp\": ");
	buf_add(&text, profile, len);
	buf_adds(&text, "}}");
	if (json_parse("config.json", text.data, text.len, &j) < 0)
		fail_msg("%s", err_text());
	root = json_root(j);
	assert_int_equal(json_field(&root, "linux", &linux_field), 1);
	assert_int_equal(json_field(&linux_field, "seccomp", &field), 1);
	struct oci_spec spec = {0};
	struct bundle_reader reader = {.a = a, .spec = &spec, .bundle_path = "/"};
	int read = bundle_seccomp_read(&reader, &field);
	*out = spec.process;
	return read;
}

static void program_of(const char *profile, struct bpf *out, uint32_t *out_flags)
{
	auto_arena struct arena a = ARENA_INIT;
	struct oci_process process = {.seccomp_flags = 99};

	if (read_profile(profile, strlen(profile), &a, &process) < 0)
		fail_msg("%s: %s", profile, err_text());
	assert_string_equal(process.seccomp_name, "config.json");
	assert_true(process.seccomp_size <= sizeof(out->code));
	memcpy(out->code, process.seccomp, process.seccomp_size);
	out->count = process.seccomp_size / sizeof(struct sock_filter);
	bpf_check(out);
	*out_flags = process.seccomp_flags;
}

static uint32_t ask(const char *profile, int number, uint64_t first, uint64_t second)
{
	static struct bpf bpf;
	uint32_t ignored;
	struct seccomp_data data = {
		.nr = number, .arch = SCMP_ARCH_X86_64, .args = {first, second}};
	program_of(profile, &bpf, &ignored);
	data.arch = seccomp_arch_native();
	return bpf_run(&bpf, &data);
}

#define RULE(rest) \
	"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"read\"]," rest "}]}"
#define ARGS(rest) RULE("\"action\":\"SCMP_ACT_TRAP\",\"args\":[" rest "]")

/* A notifying rule and one more. */
#define NOTIFYING(otherwise, call, action) \
	"{\"defaultAction\":\"SCMP_ACT_" otherwise \
	"\",\"listenerPath\":\"/x\",\"syscalls\":[{\"names\":[\"mkdir\"],\"action\":" \
	"\"SCMP_ACT_NOTIFY\"},{\"names\":[\"" call "\"],\"action\":\"SCMP_ACT_" action "\"}]}"
#define HANDED_OVER "for by it the listener of SCMP_ACT_NOTIFY is handed over"

static void test_refused(void **state)
{
	static const struct {
		const char *profile;
		int code;
		const char *words; /* after "config.json: linux.seccomp" */
	} cases[] = {
		{"[]", -EINVAL, ": expected an object, found an array"},
		{"{}", -EINVAL, ": defaultAction is missing"},
		{"{\"defaultAction\":null}", -EINVAL, ": defaultAction is missing"},
		{"{\"defaultAction\":1}", -EINVAL,
			".defaultAction: expected a string, found a number"},
		{"{\"defaultAction\":\"ALLOW\"}", -EINVAL,
			".defaultAction: \"ALLOW\" is not an action"},
		{"{\"defaultAction\":\"\\u001b[2J\"}", -EINVAL,
			".defaultAction: \"\\x1b[2J\" is not an action"},
		{"{\"defaultAction\":\"SCMP_ACT_NOTIFY\"}", -EINVAL,
			".defaultAction: SCMP_ACT_NOTIFY cannot be the default"},
		{"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"defaultErrnoRet\":1}", -EINVAL,
			".defaultErrnoRet: SCMP_ACT_ALLOW returns no errno"},
		{"{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":4096}", -ERANGE,
			".defaultErrnoRet: expected a number from 0 to 4095, found 4096"},
		{"{\"defaultAction\":\"SCMP_ACT_TRACE\",\"defaultErrnoRet\":65536}", -ERANGE,
			".defaultErrnoRet: expected a number from 0 to 65535, found 65536"},
		{"{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":-1}", -ERANGE,
			".defaultErrnoRet: expected a number from 0 to 18446744073709551615, found "
			"-1"},
		{"{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":\"EPERM\"}", -EINVAL,
			".defaultErrnoRet: expected a number, found a string"},
		{"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"architectures\":\"SCMP_ARCH_X86\"}",
			-EINVAL, ".architectures: expected an array, found a string"},
		{"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"architectures\":[\"SCMP_ARCH_ARM\","
		 "\"x86\"]}",
			-EINVAL, ".architectures[1]: \"x86\" is not an architecture"},
		{"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"flags\":[\"SECCOMP_FILTER_FLAG_LOUD\"]}",
			-EINVAL, ".flags[0]: \"SECCOMP_FILTER_FLAG_LOUD\" is not a flag"},
		{"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"flags\":[7]}", -EINVAL,
			".flags[0]: expected a string, found a number"},
		{"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"listenerPath\":\"run/x\"}", -EINVAL,
			".listenerPath: \"run/x\" is not an absolute path"},
		{"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"listenerMetadata\":\"x\"}", -EINVAL,
			".listenerMetadata: may not be given without listenerPath"},
		{NOTIFYING("ALLOW", "sendmsg", "NOTIFY"), -EINVAL,
			".syscalls[1].action: sendmsg must be allowed, " HANDED_OVER},
		{NOTIFYING("ALLOW", "recvmsg", "ERRNO"), -EINVAL,
			".syscalls[1].action: recvmsg must be allowed, " HANDED_OVER},
		{NOTIFYING("ALLOW", "sendmsg",
			 "KILL\",\"args\":[{\"index\":0,\"value\":9,\"op\":\"SCMP_CMP_EQ\"}],\"a\":"
			 "\""),
			-EINVAL, ".syscalls[1].action: sendmsg must be allowed, " HANDED_OVER},
		{NOTIFYING("ERRNO", "sendmsg", "ALLOW"), -EINVAL,
			".defaultAction: recvmsg must be allowed, " HANDED_OVER},
		{"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"listenerPath\":1}", -EINVAL,
			".listenerPath: expected a string, found a number"},
		{"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":{}}", -EINVAL,
			".syscalls: expected an array, found an object"},
		{"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[3]}", -EINVAL,
			".syscalls[0]: expected an object, found a number"},
		{"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{}]}", -EINVAL,
			".syscalls[0]: names is missing"},
		{"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[]}]}", -EINVAL,
			".syscalls[0].names: expected at least one name"},
		{"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"read\",\"\"]}]"
		 "}",
			-EINVAL, ".syscalls[0].names[1]: a system call's name is empty"},
		{"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"a\",1]}]}",
			-EINVAL, ".syscalls[0].names[1]: expected a string, found a number"},
		{RULE("\"x\":1"), -EINVAL, ".syscalls[0]: action is missing"},
		{RULE("\"action\":\"SCMP_ACT_FOO\""), -EINVAL,
			".syscalls[0].action: \"SCMP_ACT_FOO\" is not an action"},
		{RULE("\"action\":\"SCMP_ACT_NOTIFY\""), -EINVAL,
			": listenerPath is missing, which SCMP_ACT_NOTIFY needs"},
		{RULE("\"action\":\"SCMP_ACT_NOTIFY\",\"errnoRet\":1"), -EINVAL,
			".syscalls[0].errnoRet: SCMP_ACT_NOTIFY returns no errno"},
		{RULE("\"action\":\"SCMP_ACT_KILL\",\"errnoRet\":1"), -EINVAL,
			".syscalls[0].errnoRet: SCMP_ACT_KILL returns no errno"},
		{RULE("\"action\":\"SCMP_ACT_TRAP\",\"args\":{}"), -EINVAL,
			".syscalls[0].args: expected an array, found an object"},
		{ARGS("1"), -EINVAL, ".syscalls[0].args[0]: expected an object, found a number"},
		{ARGS("{}"), -EINVAL, ".syscalls[0].args[0]: index is missing"},
		{ARGS("{\"index\":6,\"value\":0}"), -ERANGE,
			".syscalls[0].args[0].index: expected a number from 0 to 5, found 6"},
		{ARGS("{\"index\":4294967296,\"value\":0}"), -ERANGE,
			".syscalls[0].args[0].index: expected a number from 0 to 5, found "
			"4294967296"},
		{ARGS("{\"index\":0}"), -EINVAL, ".syscalls[0].args[0]: value is missing"},
		{ARGS("{\"index\":0,\"value\":1.5}"), -EINVAL,
			".syscalls[0].args[0].value: expected a number, found a number with a "
			"fraction or "
			"an exponent"},
		{ARGS("{\"index\":0,\"value\":0}"), -EINVAL, ".syscalls[0].args[0]: op is missing"},
		{ARGS("{\"index\":0,\"value\":0,\"op\":\"SCMP_CMP_EQUAL\"}"), -EINVAL,
			".syscalls[0].args[0].op: \"SCMP_CMP_EQUAL\" is not an operator"},
		{ARGS("{\"index\":0,\"value\":0,\"op\":\"SCMP_CMP_EQ\",\"valueTwo\":true}"),
			-EINVAL,
			".syscalls[0].args[0].valueTwo: expected a number, found a boolean"},
	};
	for (size_t i = 0; i < LENGTH(cases); i++) {
		auto_arena struct arena a = ARENA_INIT;
		struct oci_process process = {0};
		char words[300];
		snprintf(words, sizeof(words), "config.json: linux.seccomp%s", cases[i].words);
		int r = read_profile(cases[i].profile, strlen(cases[i].profile), &a, &process);
		assert_int_equal(r, cases[i].code);
		assert_string_equal(err_text(), words);
		assert_null(process.seccomp);
	}
}

static void test_too_long(void **state)
{
	auto_buf struct buf text = BUF_INIT;
	auto_arena struct arena a = ARENA_INIT;
	struct oci_process process = {0};

	buf_adds(&text, "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[");
	for (unsigned i = 0; i < 3000; i++)
		buf_addf(&text,
			"%s{\"names\":[\"ioctl\"],\"action\":\"SCMP_ACT_TRAP\",\"args\":[{"
			"\"index\":1,"
			"\"value\":%u,\"op\":\"SCMP_CMP_EQ\"}]}",
			i ? "," : "", i);
	buf_adds(&text, "]}");
	assert_int_equal(read_profile(text.data, text.len, &a, &process), -E2BIG);
	assert_string_equal(err_text(),
		"config.json: linux.seccomp: needs more instructions than the kernel takes");
}

static void test_actions(void **state)
{
	static const struct {
		const char *word;
		uint32_t action;
	} cases[] = {
		{"SCMP_ACT_ALLOW\"", SECCOMP_RET_ALLOW},
		{"SCMP_ACT_ERRNO\"", FAIL(EPERM)},
		{"SCMP_ACT_ERRNO\",\"errnoRet\":0", FAIL(0)},
		{"SCMP_ACT_ERRNO\",\"errnoRet\":4095", FAIL(4095)},
		{"SCMP_ACT_ERRNO\",\"errnoRet\":null", FAIL(EPERM)},
		{"SCMP_ACT_KILL\"", SECCOMP_RET_KILL_THREAD},
		{"SCMP_ACT_KILL_PROCESS\"", SECCOMP_RET_KILL_PROCESS},
		{"SCMP_ACT_KILL_THREAD\"", SECCOMP_RET_KILL_THREAD},
		{"SCMP_ACT_LOG\"", SECCOMP_RET_LOG},
		{"SCMP_ACT_TRACE\"", SECCOMP_RET_TRACE | EPERM},
		{"SCMP_ACT_TRACE\",\"errnoRet\":65535", SECCOMP_RET_TRACE | 65535},
		{"SCMP_ACT_TRAP\"", SECCOMP_RET_TRAP},
	};
	int getpid_number = seccomp_syscall_resolve_name("getpid");
	for (size_t i = 0; i < LENGTH(cases); i++) {
		char profile[300];
		snprintf(profile, sizeof(profile),
			"{\"defaultAction\":\"SCMP_ACT_TRAP\",\"syscalls\":[{\"names\":[\"getpid\"]"
			","
			"\"action\":\"%s}]}",
			cases[i].word);
		assert_int_equal(ask(profile, getpid_number, 0, 0), cases[i].action);
	}
	assert_int_equal(
		ask("{\"defaultAction\":\"SCMP_ACT_TRACE\",\"defaultErrnoRet\":9}", 1, 0, 0),
		SECCOMP_RET_TRACE | 9);
	assert_int_equal(ask("{\"defaultAction\":\"SCMP_ACT_ERRNO\"}", 1, 0, 0), FAIL(EPERM));
}

/* Each operator below, at and above five, and a mask with both results. */
static void test_operators(void **state)
{
	static const struct {
		const char *word;
		bool is_below, is_equal, is_above;
	} cases[] = {
		{"SCMP_CMP_EQ", false, true, false},
		{"SCMP_CMP_NE", true, false, true},
		{"SCMP_CMP_LT", true, false, false},
		{"SCMP_CMP_LE", true, true, false},
		{"SCMP_CMP_GT", false, false, true},
		{"SCMP_CMP_GE", false, true, true},
	};
	int number = seccomp_syscall_resolve_name("personality");
	for (size_t i = 0; i < LENGTH(cases); i++) {
		char profile[300];
		snprintf(profile, sizeof(profile),
			"{\"defaultAction\":\"SCMP_ACT_TRAP\",\"syscalls\":[{\"names\":["
			"\"personality\"],"
			"\"action\":\"SCMP_ACT_ALLOW\",\"args\":[{\"index\":1,\"value\":5,"
			"\"valueTwo\":9,"
			"\"op\":\"%s\"}]}]}",
			cases[i].word);
		assert_int_equal(ask(profile, number, 9, 4) == ALLOW, cases[i].is_below);
		assert_int_equal(ask(profile, number, 9, 5) == ALLOW, cases[i].is_equal);
		assert_int_equal(ask(profile, number, 9, 6) == ALLOW, cases[i].is_above);
	}
	const char *masked =
		"{\"defaultAction\":\"SCMP_ACT_TRAP\",\"syscalls\":[{\"names\":[\"personality\"],"
		"\"action\":\"SCMP_ACT_ALLOW\",\"args\":[{\"index\":0,\"value\":12,\"valueTwo\":4,"
		"\"op\":\"SCMP_CMP_MASKED_EQ\"}]}]}";
	assert_int_equal(ask(masked, number, 7, 0), ALLOW);
	assert_int_equal(ask(masked, number, 12, 0), SECCOMP_RET_TRAP);
}

static void test_flags(void **state)
{
	static const struct {
		const char *list;
		uint32_t flags;
	} cases[] = {
		{"", 0},
		{"\"SECCOMP_FILTER_FLAG_LOG\"", SECCOMP_FILTER_FLAG_LOG},
		{"\"SECCOMP_FILTER_FLAG_TSYNC\", \"SECCOMP_FILTER_FLAG_SPEC_ALLOW\"",
			SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_SPEC_ALLOW},
		{"\"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV\"", 0},
	};
	static struct bpf bpf;
	uint32_t got;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		char profile[300];
		snprintf(profile, sizeof(profile),
			"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"flags\":[%s]}", cases[i].list);
		program_of(profile, &bpf, &got);
		assert_int_equal(got, cases[i].flags);
	}
	program_of("{\"defaultAction\":\"SCMP_ACT_ALLOW\"}", &bpf, &got);
	assert_int_equal(got, 0);
}

/* A filter that notifies, and one that does not. */
static void test_listener(void **state)
{
	static const struct {
		const char *rest;
		uint32_t flags;
		const char *path, *metadata;
	} cases[] = {
		{"\"syscalls\":[]", 0, NULL, NULL},
		{"\"flags\":[\"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV\"]", 0, NULL, NULL},
		{"\"syscalls\":[{\"names\":[\"mkdir\"],\"action\":\"SCMP_ACT_NOTIFY\"}]",
			SECCOMP_FILTER_FLAG_NEW_LISTENER, "/run/x", "m"},
		{"\"syscalls\":[{\"names\":[\"mkdir\"],\"action\":\"SCMP_ACT_NOTIFY\"},{\"names\":["
		 "\"sendmsg\",\"recvmsg\"],\"action\":\"SCMP_ACT_LOG\"},{\"names\":[\"sendmsg\"],"
		 "\"action\":\"SCMP_ACT_ERRNO\"}],\"flags\":["
		 "\"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV\",\"SECCOMP_FILTER_FLAG_TSYNC\"]",
			SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_TSYNC |
				SECCOMP_FILTER_FLAG_TSYNC_ESRCH |
				SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV,
			"/run/x", "m"},
	};
	for (size_t i = 0; i < LENGTH(cases); i++) {
		auto_arena struct arena a = ARENA_INIT;
		struct oci_process process = {0};
		char text[600];
		snprintf(text, sizeof(text),
			"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"listenerPath\":\"/run/x\","
			"\"listenerMetadata\":\"m\",%s}",
			cases[i].rest);
		if (read_profile(text, strlen(text), &a, &process) < 0)
			fail_msg("%s: %s", text, err_text());
		assert_int_equal(process.seccomp_flags, cases[i].flags);
		if (!cases[i].path) {
			assert_null(process.listener.path);
			continue;
		}
		assert_string_equal(process.listener.path, cases[i].path);
		assert_string_equal(process.listener.metadata, cases[i].metadata);
	}
	int mkdir_number = seccomp_syscall_resolve_name("mkdir");
	assert_int_equal(ask(NOTIFYING("ALLOW", "getpid", "LOG"), mkdir_number, 0, 0),
		SECCOMP_RET_USER_NOTIF);
}

/* Every architecture's word is accepted. This machine's second architecture is compiled if it is
 * listed. Empty listeners and unknown properties are ignored. */
static void test_architectures(void **state)
{
	static struct bpf bpf;
	bool is_x86 = seccomp_arch_native() == SCMP_ARCH_X86_64;
	const char *sibling = is_x86 ? "SCMP_ARCH_X86" : "SCMP_ARCH_ARM";
	struct seccomp_data data = {.nr = 3};
	uint32_t ignored;

	for (size_t i = 0; i < architecture_words.count; i++) {
		char profile[300];
		snprintf(profile, sizeof(profile),
			"{\"defaultAction\":\"SCMP_ACT_LOG\",\"listenerPath\":\"\",\"archMap\":[1],"
			"\"architectures\":[\"%s\"]}",
			architectures[i].word);
		program_of(profile, &bpf, &ignored);
		data.arch = seccomp_arch_native();
		assert_int_equal(bpf_run(&bpf, &data), SECCOMP_RET_LOG);
		data.arch = is_x86 ? SCMP_ARCH_X86 : SCMP_ARCH_ARM;
		bool is_listed = strcmp(architectures[i].word, sibling) == 0;
		assert_int_equal(bpf_run(&bpf, &data),
			is_listed ? SECCOMP_RET_LOG : SECCOMP_RET_KILL_PROCESS);
	}
}

static void file_read(const char *name, struct buf *out)
{
	char path[4096];
	snprintf(path, sizeof(path), "%s/%s", TEST_DATA, name);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	char *to = buf_reserve(out, 1 << 20);
	ssize_t len = read(fd, to, 1 << 20);
	assert_true(len > 4096);
	buf_grew(out, (size_t)len);
	close(fd);
}

/* The values that the conditions of the two profiles compare with, also with high halves. */
static const uint64_t values[] = {0, 1, 2, 8, 9, 10, 16, 17, 38, 40, 41, 0x20000, 0x20008,
	0x10000000, 0x7e020000, 0x1200011, 0xffffffff, 0x100000010, 0x100000028, 0xffffffff00000009,
	UINT64_MAX};

static void compare_number(
	const struct reference *reference, const struct bpf *ours, struct seccomp_data data)
{
	bool is_narrow = data.arch == SCMP_ARCH_X86 || data.arch == SCMP_ARCH_ARM;

	for (size_t i = 0; i < LENGTH(values) * LENGTH(values); i++) {
		uint64_t first = values[i % LENGTH(values)], third = values[i / LENGTH(values)];
		data.args[0] = is_narrow ? (uint32_t)first : first;
		data.args[2] = is_narrow ? (uint32_t)third : third;
		uint32_t want = reference_run(reference, &data), got = bpf_run(ours, &data);
		if (want != got)
			fail_msg("arch %#x call %#x(%#llx, %#llx): %#x, not %#x", data.arch,
				(unsigned)data.nr, data.args[0], data.args[2], got, want);
	}
}

static void compare_file(const char *name)
{
	static struct reference reference;
	static struct bpf ours;
	auto_buf struct buf text = BUF_INIT;
	auto_arena struct arena a = ARENA_INIT;
	auto_of(json) struct json *j = NULL;
	struct sec_filter filter = {0};
	uint32_t ignored = 0;

	file_read(name, &text);
	program_of(text.data, &ours, &ignored);
	assert_true(ours.count < 1500);
	assert_int_equal(json_parse(name, text.data, text.len, &j), 0);
	struct json_cursor root = json_root(j);
	assert_int_equal(filter_read(&root, &a, &filter, &ignored), 0);
	bool is_x86 = seccomp_arch_native() == SCMP_ARCH_X86_64;
	filter.abis &= is_x86 ? 7u : 24u;
	reference_init(&reference, &filter, is_x86 ? SEC_ABI_X86_64 : SEC_ABI_AARCH64, true);
	assert_false(reference.is_mute);
	for (unsigned abi = 0; abi < SEC_ABI_COUNT; abi++) {
		struct seccomp_data data = {.arch = reference_tokens[abi]};
		if (abi == SEC_ABI_X32)
			data.arch = SCMP_ARCH_X86_64;
		for (int number = -2; number < 480; number++) {
			data.nr = abi == SEC_ABI_X32 ? number | 0x40000000 : number;
			compare_number(&reference, &ours, data);
		}
	}
}

static void test_engines(void **state)
{
	compare_file("seccomp-docker.json");
	compare_file("seccomp-podman.json");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_actions),
		cmocka_unit_test(test_operators),
		cmocka_unit_test(test_flags),
		cmocka_unit_test(test_listener),
		cmocka_unit_test(test_architectures),
		cmocka_unit_test(test_engines),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
