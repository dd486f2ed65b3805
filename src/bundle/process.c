/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the process: a part of config.json, or a document of its own for an exec. */
#include "bundle/internal.h"
#include "base/str.h"
#include "sec/sec.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <sys/resource.h>

/* WORDS_MAX: arguments and variables together. The size of the document limits their bytes. */
enum { WORDS_MAX = 65536, CELLS_MAX = UINT16_MAX, UMASK_MAX = 0777, OOM_SCORE_MAX = 1000 };

static int word_add(struct bundle_reader *r, const struct json_cursor *c, struct str_list *list)
{
	const struct oci_process *p = &r->spec->process;
	const char *word;
	int result = json_string(c, r->a, &word);
	if (result < 0)
		return result;
	if (p->args.count + p->env.count == WORDS_MAX)
		return json_err(
			c, -E2BIG, "more than %d arguments and environment variables", WORDS_MAX);
	*arena_push(r->a, list) = word;
	return 0;
}

static int arg_read(struct bundle_reader *r, const struct json_cursor *c)
{
	return word_add(r, c, &r->spec->process.args);
}

static int args_read(struct bundle_reader *r, const struct json_cursor *c)
{
	return bundle_array_read(r, c, SIZE_MAX, arg_read);
}

static int variable_read(struct bundle_reader *r, const struct json_cursor *c)
{
	struct str_list *env = &r->spec->process.env;
	int result = word_add(r, c, env);
	if (result < 0)
		return result;
	const char *pair = env->items[env->count - 1];
	if (*pair == '=' || !strchr(pair, '='))
		return json_err(c, -EINVAL, "\"%s\" is not KEY=VALUE", pair);
	return 0;
}

static int env_read(struct bundle_reader *r, const struct json_cursor *c)
{
	return bundle_array_read(r, c, SIZE_MAX, variable_read);
}

static int cwd_read(struct bundle_reader *r, const struct json_cursor *c)
{
	return bundle_path(r, c, &r->spec->process.cwd);
}

static int console_size_read(struct bundle_reader *r, const struct json_cursor *c)
{
	uint32_t rows = 0, columns = 0;
	int result = bundle_opt_number(c, "height", CELLS_MAX, &rows);
	if (result >= 0)
		result = bundle_opt_number(c, "width", CELLS_MAX, &columns);
	if (result < 0)
		return result;
	r->spec->process.cells.rows = (uint16_t)rows;
	r->spec->process.cells.columns = (uint16_t)columns;
	return 0;
}

/* Exactly the listed groups: the primary group is not added. */
static int groups_read(struct bundle_reader *r, const struct json_cursor *c)
{
	struct oci_process *p = &r->spec->process;
	int count = json_count(c);
	if (count > NGROUPS_MAX)
		return json_err(c, -E2BIG, "%d groups are more than %d", count, NGROUPS_MAX);
	if (count <= 0)
		return count;
	p->groups = arena_new_array(r->a, uint32_t, (size_t)count);
	p->group_count = (size_t)count;
	int result = 0;
	for (int i = 0; i < count && result == 0; i++) {
		struct json_cursor item = json_item(c, (size_t)i);
		result = bundle_number(&item, BUNDLE_ID_MAX, &p->groups[i]);
	}
	return result;
}

/* `username` is for Windows. */
static int user_read(struct bundle_reader *r, const struct json_cursor *c)
{
	struct oci_process *p = &r->spec->process;
	struct json_cursor groups;
	int result = bundle_opt_number(c, "uid", BUNDLE_ID_MAX, &p->uid);
	if (result >= 0)
		result = bundle_opt_number(c, "gid", BUNDLE_ID_MAX, &p->gid);
	if (result >= 0)
		result = bundle_opt_number(c, "umask", UMASK_MAX, &p->umask);
	if (result >= 0 && json_field(c, "additionalGids", &groups))
		result = groups_read(r, &groups);
	return result < 0 ? result : 0;
}

static bool has_lower_case(const char *text)
{
	while (*text && !islower((unsigned char)*text))
		text++;
	return *text;
}

static int cap_read(struct bundle_reader *r, const struct json_cursor *c, uint64_t *set)
{
	const char *name;
	int result = json_string(c, r->a, &name);
	if (result < 0)
		return result;
	int number = has_lower_case(name) ? -EINVAL : sec_cap_find(name);
	if (number >= 0) {
		*set |= UINT64_C(1) << number;
		return 0;
	}
	json_err(c, -EINVAL, "\"%s\" is not a capability", name);
	const char *nearest = sec_cap_nearest(name);
	return nearest ? err_hint(-EINVAL, "Did you mean %s?", nearest) : -EINVAL;
}

static int cap_set_read(struct bundle_reader *r, const struct json_cursor *c, uint64_t *set)
{
	int count = json_count(c);
	int result = count < 0 ? count : 0;
	for (int i = 0; i < count && result == 0; i++) {
		struct json_cursor item = json_item(c, (size_t)i);
		result = cap_read(r, &item, set);
	}
	return result;
}

/* The kernel would refuse these with only an EPERM, when the container is half made. */
static int caps_check(
	const struct json_cursor *c, const char *key, uint64_t extra, const char *where)
{
	auto_buf struct buf names = BUF_INIT;
	struct json_cursor set;
	if (extra == 0 || !json_field(c, key, &set))
		return 0;
	sec_caps_describe(extra, &names);
	return json_err(&set, -EINVAL, "%s not in %s as well", names.data, where);
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
			result = cap_set_read(r, &set, sets[i].set);
	}
	if (result >= 0)
		result = caps_check(
			c, "effective", p->caps_effective & ~p->caps_permitted, "\"permitted\"");
	/* The kernel allows no more ambient capabilities. Engines send more, and runc drops them as
	 * well. */
	p->caps_ambient &= p->caps_inheritable & p->caps_permitted;
	return result;
}

static int no_new_privileges_read(struct bundle_reader *r, const struct json_cursor *c)
{
	return json_boolean(c, &r->spec->process.no_new_privileges);
}

static int terminal_read(struct bundle_reader *r, const struct json_cursor *c)
{
	return json_boolean(c, &r->spec->process.has_terminal);
}

static int oom_score_adj_read(struct bundle_reader *r, const struct json_cursor *c)
{
	struct oci_process *p = &r->spec->process;
	int64_t value;
	int result = json_i64(c, -OOM_SCORE_MAX, OOM_SCORE_MAX, &value);
	if (result < 0)
		return result;
	p->has_oom_score_adj = true;
	p->oom_score_adj = (int32_t)value;
	return 0;
}

static int rlimit_read(struct bundle_reader *r, const struct json_cursor *c)
{
	struct oci_rlimit limit = {.origin = BUNDLE_ORIGIN};
	struct json_cursor type;
	const char *name;
	int result = bundle_need_string(r, c, "type", &name);
	if (result >= 0)
		result = bundle_need_u64(c, "soft", &limit.soft);
	if (result >= 0)
		result = bundle_need_u64(c, "hard", &limit.hard);
	if (result < 0 || !json_field(c, "type", &type))
		return result;
	bool is_spelt_so = str_prefix(name, "RLIMIT_") && !has_lower_case(name);
	int number = is_spelt_so ? sec_rlimit_find(name) : -EINVAL;
	if (number < 0)
		return json_err(&type, -EINVAL, "\"%s\" is not a resource limit", name);
	limit.resource = (uint32_t)number;
	if (limit.soft > limit.hard)
		return json_err(c, -EINVAL, "the soft limit is above the hard one");
	for (size_t i = 0; i < r->spec->rlimits.count; i++)
		if (r->spec->rlimits.items[i].resource == limit.resource)
			return json_err(&type, -EINVAL, "%s is given twice", name);
	*(struct oci_rlimit *)arena_push(r->a, &r->spec->rlimits) = limit;
	return 0;
}

static int rlimits_read(struct bundle_reader *r, const struct json_cursor *c)
{
	return bundle_array_read(r, c, RLIMIT_NLIMITS, rlimit_read);
}

int bundle_label_read(struct bundle_reader *r, const struct json_cursor *c, const char **out)
{
	const char *label;
	int result = json_string(c, r->a, &label);
	if (result == 0 && strlen(label) > SEC_LABEL_MAX)
		return json_err(c, -ENAMETOOLONG, "a label of more than %d bytes", SEC_LABEL_MAX);
	*out = result == 0 && *label ? label : NULL;
	return result;
}

static int apparmor_read(struct bundle_reader *r, const struct json_cursor *c)
{
	return bundle_label_read(r, c, &r->spec->process.labels.apparmor);
}

static int selinux_read(struct bundle_reader *r, const struct json_cursor *c)
{
	return bundle_label_read(r, c, &r->spec->process.labels.selinux);
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
	{"apparmorProfile", apparmor_read},
	{"selinuxLabel", selinux_read},
	{"scheduler", bundle_scheduler_read},
	{"ioPriority", bundle_io_priority_read},
	{"execCPUAffinity", bundle_cpu_affinity_read},
	{0},
};

int bundle_process_read(struct bundle_reader *r, const struct json_cursor *c)
{
	struct oci_process *p = &r->spec->process;
	p->umask = 0022;
	int result = bundle_object_read(r, c, process_fields);
	if (result < 0)
		return result;
	if (p->args.count == 0)
		return json_err(c, -EINVAL, "\"args\" is missing");
	if (!p->cwd)
		return json_err(c, -EINVAL, "\"cwd\" is missing");
	return 0;
}
