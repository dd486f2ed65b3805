/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linux.seccomp: the words of the specification, which are libseccomp's, become a struct
 * sec_filter, which is compiled to a program. Docker, podman and containerd send a filter with
 * every container.
 */
#include "bundle/internal.h"

#include "base/str.h"
#include "sec/sec.h"
#include "sys/uapi.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <string.h>

struct action_word {
	const char *word;
	uint32_t action;
	uint32_t data_max; /* the maximum of errnoRet; 0: the action has no errnoRet */
};

/* The kernel limits an errno to 4095. A tracer may get any 16 bits. */
static const struct action_word actions[] = {
	{"SCMP_ACT_ALLOW", SECCOMP_RET_ALLOW, 0},
	{"SCMP_ACT_ERRNO", SECCOMP_RET_ERRNO, 4095},
	{"SCMP_ACT_KILL", SECCOMP_RET_KILL_THREAD, 0},
	{"SCMP_ACT_KILL_PROCESS", SECCOMP_RET_KILL_PROCESS, 0},
	{"SCMP_ACT_KILL_THREAD", SECCOMP_RET_KILL_THREAD, 0},
	{"SCMP_ACT_LOG", SECCOMP_RET_LOG, 0},
	{"SCMP_ACT_NOTIFY", SECCOMP_RET_USER_NOTIF, 0},
	{"SCMP_ACT_TRACE", SECCOMP_RET_TRACE, SECCOMP_RET_DATA},
	{"SCMP_ACT_TRAP", SECCOMP_RET_TRAP, 0},
};

struct word {
	const char *word;
	uint32_t value;
};

struct words {
	const struct word *items;
	size_t count;
	const char *what; /* "an operator" and so on, for messages */
};

#define WORDS(table, what) \
	{ \
		(table), sizeof(table) / sizeof((table)[0]), (what) \
	}

static const struct word comparisons[] = {
	{"SCMP_CMP_EQ", SEC_EQ},
	{"SCMP_CMP_GE", SEC_GE},
	{"SCMP_CMP_GT", SEC_GT},
	{"SCMP_CMP_LE", SEC_LE},
	{"SCMP_CMP_LT", SEC_LT},
	{"SCMP_CMP_MASKED_EQ", SEC_MASKED_EQ},
	{"SCMP_CMP_NE", SEC_NE},
};

static const struct words comparison_words = WORDS(comparisons, "an operator");

#define BIT(abi) (UINT32_C(1) << (abi))

/* A processor with the value 0 is one that husk does not run on: it has no processes to confine. */
static const struct word architectures[] = {
	{"SCMP_ARCH_AARCH64", BIT(SEC_ABI_AARCH64)},
	{"SCMP_ARCH_ARM", BIT(SEC_ABI_ARM)},
	{"SCMP_ARCH_LOONGARCH64", 0},
	{"SCMP_ARCH_M68K", 0},
	{"SCMP_ARCH_MIPS", 0},
	{"SCMP_ARCH_MIPS64", 0},
	{"SCMP_ARCH_MIPS64N32", 0},
	{"SCMP_ARCH_MIPSEL", 0},
	{"SCMP_ARCH_MIPSEL64", 0},
	{"SCMP_ARCH_MIPSEL64N32", 0},
	{"SCMP_ARCH_PARISC", 0},
	{"SCMP_ARCH_PARISC64", 0},
	{"SCMP_ARCH_PPC", 0},
	{"SCMP_ARCH_PPC64", 0},
	{"SCMP_ARCH_PPC64LE", 0},
	{"SCMP_ARCH_RISCV64", 0},
	{"SCMP_ARCH_S390", 0},
	{"SCMP_ARCH_S390X", 0},
	{"SCMP_ARCH_SH", 0},
	{"SCMP_ARCH_SHEB", 0},
	{"SCMP_ARCH_X32", BIT(SEC_ABI_X32)},
	{"SCMP_ARCH_X86", BIT(SEC_ABI_X86)},
	{"SCMP_ARCH_X86_64", BIT(SEC_ABI_X86_64)},
};

static const struct words architecture_words = WORDS(architectures, "an architecture");

static const struct word flags[] = {
	{"SECCOMP_FILTER_FLAG_LOG", SECCOMP_FILTER_FLAG_LOG},
	{"SECCOMP_FILTER_FLAG_SPEC_ALLOW", SECCOMP_FILTER_FLAG_SPEC_ALLOW},
	{"SECCOMP_FILTER_FLAG_TSYNC", SECCOMP_FILTER_FLAG_TSYNC},
	{"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV},
};

static const struct words flag_words = WORDS(flags, "a flag");

enum { CALL_ARGS = 6 };

/* The text may contain any characters, so it is escaped. */
static int not_a_word(const struct json_cursor *c, const char *text, const char *what)
{
	auto_buf struct buf escaped = BUF_INIT;
	buf_add_escaped(&escaped, text);
	return json_err(c, -EINVAL, "\"%s\" is not %s", escaped.data, what);
}

static int word_read(
	const struct json_cursor *c, struct arena *a, const struct words *words, uint32_t *out)
{
	const char *text;
	int r = json_string(c, a, &text);
	if (r < 0)
		return r;
	for (size_t i = 0; i < words->count; i++) {
		if (!str_eq(words->items[i].word, text))
			continue;
		*out = words->items[i].value;
		return 0;
	}
	return not_a_word(c, text, words->what);
}

/* Reads a list of words and combines their bits. */
static int words_read(const struct json_cursor *c, const char *key, struct arena *a,
	const struct words *words, uint32_t *out)
{
	struct json_cursor list;
	int r = json_field(c, key, &list);
	if (r <= 0)
		return r;
	int count = json_count(&list);
	for (int i = 0; i < count; i++) {
		struct json_cursor item = json_item(&list, (size_t)i);
		uint32_t bits;
		r = word_read(&item, a, words, &bits);
		if (r < 0)
			return r;
		*out |= bits;
	}
	return count < 0 ? count : 0;
}

/* Finds a field that must be there. */
static int need_field(const struct json_cursor *c, const char *key, struct json_cursor *out)
{
	int r = json_need_object(c);
	if (r < 0)
		return r;
	if (json_field(c, key, out) == 0)
		return json_err(c, -EINVAL, "%s is missing", key);
	return 0;
}

static int need_u64(
	const struct json_cursor *c, const char *key, struct json_cursor *out_field, uint64_t *out)
{
	int r = need_field(c, key, out_field);
	return r < 0 ? r : json_opt_u64(c, key, out);
}

static int action_word_read(
	const struct json_cursor *c, struct arena *a, const struct action_word **out)
{
	const char *text;
	int r = json_string(c, a, &text);
	if (r < 0)
		return r;
	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
		if (!str_eq(actions[i].word, text))
			continue;
		*out = &actions[i];
		return 0;
	}
	return not_a_word(c, text, "an action");
}

/* Reads the action and its errno, which is EPERM unless given. */
static int action_read(const struct json_cursor *c, const char *key, const char *errno_key,
	struct arena *a, uint32_t *out)
{
	struct json_cursor field, errno_field;
	const struct action_word *row;
	uint64_t data = EPERM;

	int r = need_field(c, key, &field);
	if (r == 0)
		r = action_word_read(&field, a, &row);
	if (r < 0)
		return r;
	*out = row->action;
	r = json_opt_u64(c, errno_key, &data);
	if (r < 0)
		return r;
	bool is_given = r == 1 && json_field(c, errno_key, &errno_field);
	if (is_given && row->data_max == 0)
		return json_err(&errno_field, -EINVAL, "%s returns no errno", row->word);
	if (is_given && data > row->data_max)
		return json_err(&errno_field, -ERANGE, "expected a number from 0 to %u, found %llu",
			row->data_max, (unsigned long long)data);
	if (row->data_max > 0)
		*out |= (uint32_t)data;
	return 0;
}

static int condition_read(const struct json_cursor *c, struct arena *a, struct sec_condition *out)
{
	struct json_cursor field;
	uint64_t index = 0;
	uint32_t compare;

	int r = need_u64(c, "index", &field, &index);
	if (r < 0)
		return r;
	if (index >= CALL_ARGS)
		return json_err(&field, -ERANGE, "expected a number from 0 to %d, found %llu",
			CALL_ARGS - 1, (unsigned long long)index);
	r = need_u64(c, "value", &field, &out->value);
	if (r >= 0)
		r = json_opt_u64(c, "valueTwo", &out->second);
	if (r >= 0)
		r = need_field(c, "op", &field);
	if (r >= 0)
		r = word_read(&field, a, &comparison_words, &compare);
	if (r < 0)
		return r;
	out->arg = (uint32_t)index;
	out->compare = compare;
	return 0;
}

static int conditions_read(const struct json_cursor *c, struct arena *a, struct sec_rule *out)
{
	struct json_cursor list;
	int r = json_field(c, "args", &list);
	if (r <= 0)
		return r;
	int count = json_count(&list);
	if (count < 0)
		return count;
	out->conditions = arena_new_array(a, struct sec_condition, (size_t)count);
	out->condition_count = (size_t)count;
	for (int i = 0; i < count; i++) {
		struct json_cursor item = json_item(&list, (size_t)i);
		r = condition_read(&item, a, &out->conditions[i]);
		if (r < 0)
			return r;
	}
	return 0;
}

static int names_read(const struct json_cursor *c, struct arena *a, struct str_list *out)
{
	struct json_cursor field;
	int r = need_field(c, "names", &field);
	if (r == 0)
		r = json_opt_strings(c, "names", a, out);
	if (r < 0)
		return r;
	if (out->count == 0)
		return json_err(&field, -EINVAL, "expected at least one name");
	for (size_t i = 0; i < out->count; i++) {
		struct json_cursor item = json_item(&field, i);
		if (out->items[i][0] == '\0')
			return json_err(&item, -EINVAL, "a system call's name is empty");
	}
	return 0;
}

static int rule_read(const struct json_cursor *c, struct arena *a, struct sec_rule *out)
{
	int r = names_read(c, a, &out->names);
	if (r >= 0)
		r = action_read(c, "action", "errnoRet", a, &out->action);
	return r < 0 ? r : conditions_read(c, a, out);
}

static int rules_read(const struct json_cursor *c, struct arena *a, struct sec_filter *out)
{
	struct json_cursor list;
	int r = json_field(c, "syscalls", &list);
	if (r <= 0)
		return r;
	int count = json_count(&list);
	if (count < 0)
		return count;
	out->items = arena_new_array(a, struct sec_rule, (size_t)count);
	out->count = (size_t)count;
	for (int i = 0; i < count; i++) {
		struct json_cursor item = json_item(&list, (size_t)i);
		r = rule_read(&item, a, &out->items[i]);
		if (r < 0)
			return r;
	}
	return 0;
}

static bool is_notified(uint32_t action)
{
	return action == SECCOMP_RET_USER_NOTIF;
}

static bool has_notification(const struct sec_filter *filter)
{
	for (size_t i = 0; i < filter->count; i++)
		if (is_notified(filter->items[i].action))
			return true;
	return false;
}

static bool names_call(const struct sec_rule *rule, const char *call)
{
	for (size_t i = 0; i < rule->names.count; i++)
		if (str_eq(rule->names.items[i], call))
			return true;
	return false;
}

static int obstacle(const struct json_cursor *place, const char *call)
{
	return json_err(place, -EINVAL,
		"%s must be allowed, for by it the listener of SCMP_ACT_NOTIFY is handed over",
		call);
}

/* A first rule without conditions decides alone. Otherwise every rule that may decide must let the
 * call through. */
static int passage_check(
	const struct json_cursor *c, const struct sec_filter *filter, const char *call)
{
	struct json_cursor list, item, place;
	const struct sec_rule *first_refusal = NULL;
	for (size_t i = 0; i < filter->count; i++) {
		const struct sec_rule *rule = &filter->items[i];
		if (!names_call(rule, call))
			continue;
		bool passes = rule->action == SECCOMP_RET_ALLOW || rule->action == SECCOMP_RET_LOG;
		if (passes && rule->condition_count == 0)
			return 0;
		if (!passes && !first_refusal)
			first_refusal = rule;
		if (rule->condition_count == 0)
			break;
	}
	if (first_refusal && json_field(c, "syscalls", &list)) {
		item = json_item(&list, (size_t)(first_refusal - filter->items));
		return json_field(&item, "action", &place) ? obstacle(&place, call) : -EINVAL;
	}
	uint32_t otherwise = filter->default_action;
	if (otherwise == SECCOMP_RET_ALLOW || otherwise == SECCOMP_RET_LOG)
		return 0;
	return json_field(c, "defaultAction", &place) ? obstacle(&place, call) : -EINVAL;
}

/* The calls that init makes between installing the filter and handing over the listener. */
static int passages_check(const struct json_cursor *c, const struct sec_filter *filter)
{
	static const char *const calls[] = {"sendmsg", "recvmsg"};
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		int r = passage_check(c, filter, calls[i]);
		if (r < 0)
			return r;
	}
	return 0;
}

/* The specification says: the path is ignored if no action notifies, and metadata is refused
 * without the path. */
static int listener_fields_read(
	const struct json_cursor *c, struct bundle_reader *reader, struct oci_listener *out)
{
	struct json_cursor field;
	const char *path = "", *metadata = "";
	int r = json_opt_string(c, "listenerPath", reader->a, &path);
	if (r >= 0)
		r = json_opt_string(c, "listenerMetadata", reader->a, &metadata);
	if (r >= 0 && *path && json_field(c, "listenerPath", &field))
		r = bundle_path(reader, &field, &path);
	if (r < 0)
		return r;
	if (*metadata && !*path && json_field(c, "listenerMetadata", &field))
		return json_err(&field, -EINVAL, "may not be given without listenerPath");
	*out = (struct oci_listener){*path ? path : NULL, *metadata ? metadata : NULL};
	return 0;
}

/* Init is under the filter before the listener is handed over, so no process could answer for
 * init's own calls. */
static int default_check(const struct json_cursor *c, const struct sec_filter *filter)
{
	struct json_cursor field;
	if (!is_notified(filter->default_action) || !json_field(c, "defaultAction", &field))
		return 0;
	return json_err(&field, -EINVAL, "SCMP_ACT_NOTIFY cannot be the default");
}

/* Without a listener, the flag for waiting on notifications has no meaning, and the kernel refuses
 * the flag. */
static int listener_read(const struct json_cursor *c, struct bundle_reader *reader,
	const struct sec_filter *filter, uint32_t *flag_bits)
{
	struct oci_listener listener;
	int r = listener_fields_read(c, reader, &listener);
	if (r == 0)
		r = default_check(c, filter);
	if (r < 0)
		return r;
	if (!has_notification(filter)) {
		*flag_bits &= ~(uint32_t)SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
		return 0;
	}
	if (!listener.path)
		return json_err(c, -EINVAL, "listenerPath is missing, which SCMP_ACT_NOTIFY needs");
	*flag_bits |= SECCOMP_FILTER_FLAG_NEW_LISTENER;
	if (*flag_bits & SECCOMP_FILTER_FLAG_TSYNC)
		*flag_bits |=
			SECCOMP_FILTER_FLAG_TSYNC_ESRCH; /* [5.7] the result is the listener */
	reader->spec->process.listener = listener;
	return passages_check(c, filter);
}

static int filter_read(
	const struct json_cursor *c, struct arena *a, struct sec_filter *out, uint32_t *out_flags)
{
	int r = action_read(c, "defaultAction", "defaultErrnoRet", a, &out->default_action);
	if (r >= 0)
		r = words_read(c, "architectures", a, &architecture_words, &out->abis);
	if (r >= 0)
		r = words_read(c, "flags", a, &flag_words, out_flags);
	return r < 0 ? r : rules_read(c, a, out);
}

int bundle_seccomp_read(struct bundle_reader *reader, const struct json_cursor *c)
{
	struct oci_process *process = &reader->spec->process;
	auto_buf struct buf program = BUF_INIT;
	struct sec_filter filter = {0};
	uint32_t flag_bits = 0;

	int r = filter_read(c, reader->a, &filter, &flag_bits);
	if (r >= 0)
		r = listener_read(c, reader, &filter, &flag_bits);
	if (r < 0)
		return r;
	r = sec_filter_compile(&filter, &program);
	if (r < 0)
		return json_err(c, r, "needs more instructions than the kernel takes");
	void *copy = arena_new(reader->a, program.len);
	memcpy(copy, program.data, program.len);
	process->seccomp = copy;
	process->seccomp_size = program.len;
	process->seccomp_flags = flag_bits;
	process->seccomp_name = BUNDLE_ORIGIN;
	return 0;
}

static void words_list(const struct words *words, bool wants_value, struct strvec *out)
{
	for (size_t i = 0; i < words->count; i++)
		if (!wants_value || words->items[i].value)
			strvec_push(out, words->items[i].word);
}

void bundle_seccomp_words(enum bundle_seccomp_word kind, struct strvec *out)
{
	switch (kind) {
	case BUNDLE_SECCOMP_ACTION:
		for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
			strvec_push(out, actions[i].word);
		break;
	case BUNDLE_SECCOMP_OPERATOR:
		words_list(&comparison_words, false, out);
		break;
	case BUNDLE_SECCOMP_ARCHITECTURE: /* words without a value belong to other processors */
		words_list(&architecture_words, true, out);
		break;
	case BUNDLE_SECCOMP_FLAG:
		words_list(&flag_words, true, out);
		break;
	}
}
