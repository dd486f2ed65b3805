/* SPDX-License-Identifier: Apache-2.0 */
/* The process: of config.json, or alone as an exec has it. */
#include "bundle/internal.h"
#include "base/str.h"
#include "sec/sec.h"

#include <errno.h>

enum { WORDS_MAX = 65536, GROUPS_MAX = 1024, RLIMITS_MAX = 32, CAPS_MAX = 64 };

static int args_read(struct bundle_reader *r, const struct json_cursor *c)
{
	struct str_list *args = &r->spec->process.args;
	for (int count = json_count(c), i = 0; count < 0 || i < count; i++) {
		if (count < 0)
			return count;
		if (i >= WORDS_MAX)
			return json_err(c, -E2BIG, "more than %d items", WORDS_MAX);
		struct json_cursor item = json_item(c, (size_t)i);
		int result = json_string(&item, r->a, arena_push(r->a, args));
		if (result < 0)
			return result;
	}
	return 0;
}

static int variable_read(struct bundle_reader *r, const struct json_cursor *c)
{
	const char *pair;
	int result = json_string(c, r->a, &pair);
	if (result < 0)
		return result;
	if (*pair == '=' || !strchr(pair, '='))
		return json_err(c, -EINVAL, "\"%s\" is not KEY=VALUE", pair);
	*arena_push(r->a, &r->spec->process.env) = pair;
	return 0;
}

static int env_read(struct bundle_reader *r, const struct json_cursor *c)
{
	return bundle_array_read(r, c, WORDS_MAX, variable_read);
}

static int cwd_read(struct bundle_reader *r, const struct json_cursor *c)
{
	const char **cwd = &r->spec->process.cwd;
	int result = json_string(c, r->a, cwd);
	if (result == 0 && **cwd != '/')
		return json_err(c, -EINVAL, "\"%s\" is not an absolute path", *cwd);
	return result;
}

static int console_size_read(struct bundle_reader *r, const struct json_cursor *c)
{
	uint32_t rows = 0, columns = 0;
	int result = bundle_u32(c, "height", &rows);
	if (result >= 0)
		result = bundle_u32(c, "width", &columns);
	if (result >= 0 && (rows > UINT16_MAX || columns > UINT16_MAX))
		return json_err(
			c, -ERANGE, "a terminal has at most %d rows and columns", UINT16_MAX);
	r->spec->process.rows = (uint16_t)rows;
	r->spec->process.columns = (uint16_t)columns;
	return result < 0 ? result : 0;
}

static int groups_read(struct bundle_reader *r, const struct json_cursor *c)
{
	struct oci_process *p = &r->spec->process;
	int count = json_count(c);
	if (count > GROUPS_MAX)
		return json_err(c, -E2BIG, "more than %d groups", GROUPS_MAX);
	if (count <= 0)
		return count;
	p->groups = arena_new_array(r->a, uint32_t, (size_t)count);
	for (int i = 0; i < count; i++) {
		struct json_cursor item = json_item(c, (size_t)i);
		const char *text = json_number(&item, r->a);
		if (json_kind(&item) != JSON_INTEGER || parse_u32(text, &p->groups[i]) < 0)
			return json_err(&item, -EINVAL, "is not a group id");
	}
	p->group_count = (size_t)count;
	return 0;
}

static int user_read(struct bundle_reader *r, const struct json_cursor *c)
{
	struct oci_process *p = &r->spec->process;
	struct json_cursor groups;
	int result = json_need_object(c);
	if (result >= 0)
		result = bundle_u32(c, "uid", &p->uid);
	if (result >= 0)
		result = bundle_u32(c, "gid", &p->gid);
	if (result >= 0)
		result = bundle_u32(c, "umask", &p->umask);
	if (result >= 0 && p->umask > 0777)
		return json_err(c, -ERANGE, "umask %u is above %u (octal 0777)", p->umask, 0777);
	if (result >= 0 && json_field(c, "additionalGids", &groups))
		result = groups_read(r, &groups);
	/* -1 is "leave it as it is" for the kernel. */
	if (result >= 0 && (p->uid == UINT32_MAX || p->gid == UINT32_MAX))
		return json_err(c, -ERANGE, "%u is not an id", UINT32_MAX);
	return result < 0 ? result : 0;
}

static int caps_set_read(struct bundle_reader *r, const struct json_cursor *c, uint64_t *out)
{
	int count = json_count(c);
	if (count > CAPS_MAX * 2)
		return json_err(c, -E2BIG, "more than %d capabilities", CAPS_MAX * 2);
	for (int i = 0; i < count; i++) {
		struct json_cursor item = json_item(c, (size_t)i);
		const char *name;
		int result = json_string(&item, r->a, &name);
		if (result < 0)
			return result;
		int number = sec_cap_find(name);
		if (number < 0)
			return json_err(&item, -EINVAL, "\"%s\" is not a capability", name);
		*out |= UINT64_C(1) << number;
	}
	return count < 0 ? count : 0;
}

static int caps_read(struct bundle_reader *r, const struct json_cursor *c)
{
	struct oci_process *p = &r->spec->process;
	const struct {
		const char *key;
		uint64_t *set;
	} sets[] = {
		{"bounding", &p->caps_bounding},
		{"effective", &p->caps_effective},
		{"permitted", &p->caps_permitted},
		{"inheritable", &p->caps_inheritable},
		{"ambient", &p->caps_ambient},
	};
	int result = json_need_object(c);
	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]) && result >= 0; i++) {
		struct json_cursor set;
		if (json_field(c, sets[i].key, &set))
			result = caps_set_read(r, &set, sets[i].set);
	}
	if (result >= 0 && p->caps_effective & ~p->caps_permitted)
		return json_err(c, -EINVAL, "\"effective\" has what \"permitted\" does not");
	/* Engines ask for ambient ones that the kernel could not give; runc drops those. */
	p->caps_ambient &= p->caps_inheritable & p->caps_permitted;
	return result < 0 ? result : 0;
}

static int no_new_privileges_read(struct bundle_reader *r, const struct json_cursor *c)
{
	if (json_kind(c) != JSON_BOOL)
		return json_err(c, -EINVAL, "expected true or false");
	r->spec->process.no_new_privileges = json_is_true(c);
	return 0;
}

static int terminal_read(struct bundle_reader *r, const struct json_cursor *c)
{
	if (json_kind(c) != JSON_BOOL)
		return json_err(c, -EINVAL, "expected true or false");
	r->spec->process.has_terminal = json_is_true(c);
	return 0;
}

static int oom_score_adj_read(struct bundle_reader *r, const struct json_cursor *c)
{
	int64_t value = 0;
	struct oci_process *p = &r->spec->process;
	if (json_kind(c) != JSON_INTEGER || parse_i64(json_number(c, r->a), &value) < 0 ||
		value < -1000 || value > 1000)
		return json_err(c, -ERANGE, "expected a number from -1000 to 1000");
	p->has_oom_score_adj = true;
	p->oom_score_adj = (int32_t)value;
	return 0;
}

static int rlimit_read(struct bundle_reader *r, const struct json_cursor *c)
{
	const char *type;
	struct oci_rlimit limit = {.origin = BUNDLE_ORIGIN};
	int result = bundle_need_string(r, c, "type", &type);
	if (result >= 0)
		result = json_opt_u64(c, "soft", &limit.soft);
	if (result >= 0)
		result = json_opt_u64(c, "hard", &limit.hard);
	if (result < 0)
		return result;
	int number = str_prefix(type, "RLIMIT_") ? sec_rlimit_find(type + strlen("RLIMIT_"))
						 : -EINVAL;
	if (number < 0)
		return json_err(c, -EINVAL, "\"%s\" is not a resource limit", type);
	limit.resource = (uint32_t)number;
	if (limit.soft > limit.hard)
		return json_err(c, -EINVAL, "the soft limit is above the hard one");
	for (size_t i = 0; i < r->spec->rlimits.count; i++)
		if (r->spec->rlimits.items[i].resource == limit.resource)
			return json_err(c, -EINVAL, "%s is given twice", type);
	*(struct oci_rlimit *)arena_push(r->a, &r->spec->rlimits) = limit;
	return 0;
}

static int rlimits_read(struct bundle_reader *r, const struct json_cursor *c)
{
	return bundle_array_read(r, c, RLIMITS_MAX, rlimit_read);
}

static const struct bundle_field process_fields[] = {
	{"terminal", terminal_read},
	{"consoleSize", console_size_read},
	{"user", user_read},
	{"args", args_read},
	{"env", env_read},
	{"cwd", cwd_read},
	{"capabilities", caps_read},
	{"rlimits", rlimits_read},
	{"noNewPrivileges", no_new_privileges_read},
	{"oomScoreAdj", oom_score_adj_read},
	{"apparmorProfile", NULL},
	{"selinuxLabel", NULL},
	{"scheduler", NULL},
	{"ioPriority", NULL},
	{"execCPUAffinity", NULL},
	{0},
};

int bundle_process_read(struct bundle_reader *r, const struct json_cursor *c)
{
	r->spec->process.umask = 0022;
	int result = bundle_object_read(r, c, process_fields);
	if (result < 0)
		return result;
	if (r->spec->process.args.count == 0)
		return json_err(c, -EINVAL, "\"args\" is missing");
	if (!r->spec->process.cwd)
		return json_err(c, -EINVAL, "\"cwd\" is missing");
	return 0;
}
