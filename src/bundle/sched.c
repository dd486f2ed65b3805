/* SPDX-License-Identifier: Apache-2.0 */
/* Settings of how the process runs: scheduler, I/O priority, processors of an exec, memory policy,
 * personality. A value that the kernel would refuse with only an error number is refused here with
 * the name of its field. */
#include "bundle/internal.h"
#include "base/str.h"
#include "sec/sec.h"

#include <errno.h>
#include <linux/ioprio.h>
#include <linux/mempolicy.h>
#include <linux/sched.h>

enum { NICE_MIN = -20, NICE_MAX = 19, PRIORITY_MAX = 99, IO_PRIORITY_MAX = 7 };

static void sched_add(struct bundle_reader *r, struct oci_sched sched)
{
	sched.origin = BUNDLE_ORIGIN;
	*(struct oci_sched *)arena_push(r->a, &r->spec->scheds) = sched;
}

static int word_read(const struct json_cursor *c, struct arena *a, enum sec_sched_words which,
	const char *what, int64_t *out)
{
	const char *word;
	int result = json_string(c, a, &word);
	if (result < 0)
		return result;
	*out = sec_sched_word_find(which, word);
	if (*out >= 0)
		return 0;
	json_err(c, -EINVAL, "\"%s\" is not a %s", word, what);
	auto_strvec struct strvec words = STRVEC_INIT;
	sec_sched_words(which, &words);
	const char *nearest = str_nearest(word, (const char *const *)words.items, words.count);
	return nearest ? err_hint(-EINVAL, "Did you mean %s?", nearest) : -EINVAL;
}

static int need_word(const struct json_cursor *c, const char *key, struct arena *a,
	enum sec_sched_words which, const char *what, uint32_t *out)
{
	struct json_cursor field;
	int64_t value;
	if (!json_field(c, key, &field))
		return json_err(c, -EINVAL, "\"%s\" is missing", key);
	int result = word_read(&field, a, which, what, &value);
	*out = result < 0 ? 0 : (uint32_t)value;
	return result;
}

static int flags_read(const struct json_cursor *c, struct arena *a, enum sec_sched_words which,
	const char *what, uint64_t *out)
{
	struct json_cursor flags;
	if (!json_field(c, "flags", &flags))
		return 0;
	int count = json_count(&flags), result = count < 0 ? count : 0;
	for (int i = 0; i < count && result == 0; i++) {
		struct json_cursor item = json_item(&flags, (size_t)i);
		int64_t value;
		result = word_read(&item, a, which, what, &value);
		if (result == 0)
			*out |= (uint64_t)value;
	}
	return result;
}

/* A value of one policy in the configuration of another policy would have no effect, so it is
 * refused. */
static int foreign_check(const struct json_cursor *c, const char *key, bool is_wanted,
	bool is_allowed, const char *of)
{
	struct json_cursor field;
	if (!is_wanted || is_allowed || !json_field(c, key, &field))
		return 0;
	return json_err(&field, -EINVAL, "only %s has it", of);
}

static int policy_check(const struct json_cursor *c, const struct oci_sched *s)
{
	bool is_plain = s->mode == SCHED_NORMAL || s->mode == SCHED_BATCH;
	bool is_real = s->mode == SCHED_FIFO || s->mode == SCHED_RR;
	bool is_deadline = s->mode == SCHED_DEADLINE;
	int r = foreign_check(c, "nice", s->nice != 0, is_plain, "SCHED_OTHER or SCHED_BATCH");
	if (r == 0)
		r = foreign_check(
			c, "priority", s->priority != 0, is_real, "SCHED_FIFO or SCHED_RR");
	if (r == 0)
		r = foreign_check(c, "runtime", s->runtime_ns != 0, is_deadline, "SCHED_DEADLINE");
	if (r == 0)
		r = foreign_check(
			c, "deadline", s->deadline_ns != 0, is_deadline, "SCHED_DEADLINE");
	if (r == 0)
		r = foreign_check(c, "period", s->period_ns != 0, is_deadline, "SCHED_DEADLINE");
	if (r == 0 && is_real && s->priority == 0)
		r = json_err(c, -EINVAL, "\"priority\" must be from 1 to %d", PRIORITY_MAX);
	if (r == 0 && is_deadline && (s->runtime_ns == 0 || s->runtime_ns > s->deadline_ns))
		r = json_err(
			c, -EINVAL, "\"runtime\" must be more than 0 and at most \"deadline\"");
	return r;
}

static int number_read(
	const struct json_cursor *c, const char *key, int64_t min, int64_t max, int32_t *out)
{
	struct json_cursor field;
	int64_t value;
	if (!json_field(c, key, &field))
		return 0;
	int result = json_i64(&field, min, max, &value);
	if (result == 0)
		*out = (int32_t)value;
	return result;
}

int bundle_scheduler_read(struct bundle_reader *r, const struct json_cursor *c)
{
	struct oci_sched s = {.kind = SEC_SCHED_POLICY};
	int result = need_word(
		c, "policy", r->a, SEC_SCHED_WORDS_POLICY, "scheduling policy", &s.mode);
	if (result == 0)
		result = flags_read(
			c, r->a, SEC_SCHED_WORDS_POLICY_FLAG, "scheduling flag", &s.flags);
	if (result == 0)
		result = number_read(c, "nice", NICE_MIN, NICE_MAX, &s.nice);
	if (result == 0)
		result = number_read(c, "priority", 0, PRIORITY_MAX, &s.priority);
	if (result == 0)
		result = json_opt_u64(c, "runtime", &s.runtime_ns);
	if (result >= 0)
		result = json_opt_u64(c, "deadline", &s.deadline_ns);
	if (result >= 0)
		result = json_opt_u64(c, "period", &s.period_ns);
	if (result >= 0)
		result = policy_check(c, &s);
	if (result == 0)
		sched_add(r, s);
	return result;
}

int bundle_io_priority_read(struct bundle_reader *r, const struct json_cursor *c)
{
	struct oci_sched s = {.kind = SEC_SCHED_IO};
	int result = need_word(
		c, "class", r->a, SEC_SCHED_WORDS_IO_CLASS, "class of I/O priority", &s.mode);
	if (result == 0)
		result = number_read(c, "priority", 0, IO_PRIORITY_MAX, &s.priority);
	if (result == 0)
		sched_add(r, s);
	return result;
}

/* Returns 1 if the mask is there and not empty. */
static int mask_read(
	struct bundle_reader *r, const struct json_cursor *c, const char *key, struct oci_sched *s)
{
	const char *text = NULL;
	struct json_cursor field;
	int result = json_opt_string(c, key, r->a, &text);
	if (result < 0 || !text || *text == '\0' || !json_field(c, key, &field))
		return result < 0 ? result : 0;
	uint64_t mask[SEC_SCHED_MASK_WORDS];
	result = sec_sched_mask_parse(text, mask, &s->mask_words);
	if (result == -ERANGE)
		return json_err(&field, result, "\"%s\": the last number is %d", text,
			SEC_SCHED_MASK_BITS - 1);
	if (result < 0)
		return json_err(&field, result, "\"%s\" is not a list as 0-3,7", text);
	uint64_t *copy = arena_new_array(r->a, uint64_t, s->mask_words);
	memcpy(copy, mask, s->mask_words * sizeof(mask[0]));
	s->mask = copy;
	return 1;
}

int bundle_cpu_affinity_read(struct bundle_reader *r, const struct json_cursor *c)
{
	static const struct {
		const char *key;
		enum sec_sched_kind kind;
	} fields[] = {{"initial", SEC_SCHED_CPUS_INITIAL}, {"final", SEC_SCHED_CPUS}};
	int result = json_need_object(c);
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]) && result >= 0; i++) {
		struct oci_sched s = {.kind = fields[i].kind};
		result = mask_read(r, c, fields[i].key, &s);
		if (result > 0)
			sched_add(r, s);
	}
	return result < 0 ? result : 0;
}

static int nodes_check(const struct json_cursor *c, const struct oci_sched *s)
{
	bool has_none = s->mode == MPOL_DEFAULT || s->mode == MPOL_LOCAL;
	bool is_whole = has_none || s->mode == MPOL_PREFERRED || s->mask_words > 0;
	struct json_cursor nodes;
	if (has_none && s->mask_words && json_field(c, "nodes", &nodes))
		return json_err(&nodes, -EINVAL, "this mode has no nodes");
	if (!is_whole)
		return json_err(c, -EINVAL, "\"nodes\" is missing");
	bool is_both = s->flags & MPOL_F_STATIC_NODES && s->flags & MPOL_F_RELATIVE_NODES;
	return is_both ? json_err(c, -EINVAL,
				 "MPOL_F_STATIC_NODES and MPOL_F_RELATIVE_NODES exclude each other")
		       : 0;
}

int bundle_memory_policy_read(struct bundle_reader *r, const struct json_cursor *c)
{
	struct oci_sched s = {.kind = SEC_SCHED_MEMORY};
	int result = need_word(
		c, "mode", r->a, SEC_SCHED_WORDS_MEMORY_MODE, "mode of memory policy", &s.mode);
	if (result == 0)
		result = flags_read(
			c, r->a, SEC_SCHED_WORDS_MEMORY_FLAG, "flag of memory policy", &s.flags);
	if (result == 0)
		result = mask_read(r, c, "nodes", &s);
	if (result >= 0)
		result = nodes_check(c, &s);
	if (result == 0)
		sched_add(r, s);
	return result;
}

int bundle_personality_read(struct bundle_reader *r, const struct json_cursor *c)
{
	struct oci_sched s = {.kind = SEC_SCHED_PERSONALITY};
	struct json_cursor flags;
	int result = need_word(
		c, "domain", r->a, SEC_SCHED_WORDS_PERSONALITY, "personality", &s.mode);
	if (result == 0 && json_field(c, "flags", &flags) && json_count(&flags) != 0)
		result = json_err(&flags, -EINVAL, "the specification knows no flags yet");
	if (result == 0)
		sched_add(r, s);
	return result;
}
