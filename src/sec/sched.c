/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a process runs: scheduler, I/O priority, processors, memory nodes, personality. There is a
 * table of words for each, and a table of kinds with a setter and a sentence. The setters are
 * called by init, so they do not allocate.
 */
#include "sec/sec.h"

#include "base/err.h"
#include "base/str.h"
#include "sys/calls.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/ioprio.h>
#include <linux/mempolicy.h>
#include <linux/sched.h>
#include <linux/sched/types.h>
#include <string.h>
#include <sys/personality.h>

/* Since 5.15 and 6.9; headers may be older than the kernel. */
enum { MEMORY_PREFERRED_MANY = 5, MEMORY_WEIGHTED_INTERLEAVE = 6, MEMORY_BALANCING = 1 << 13 };

struct word {
	const char *name;
	int64_t value;
};

static const struct word policy_words[] = {
	{"SCHED_OTHER", SCHED_NORMAL},
	{"SCHED_FIFO", SCHED_FIFO},
	{"SCHED_RR", SCHED_RR},
	{"SCHED_BATCH", SCHED_BATCH},
	{"SCHED_IDLE", SCHED_IDLE},
	{"SCHED_DEADLINE", SCHED_DEADLINE},
};

static const struct word policy_flag_words[] = {
	{"SCHED_FLAG_RESET_ON_FORK", SCHED_FLAG_RESET_ON_FORK},
	{"SCHED_FLAG_RECLAIM", SCHED_FLAG_RECLAIM},
	{"SCHED_FLAG_DL_OVERRUN", SCHED_FLAG_DL_OVERRUN},
	{"SCHED_FLAG_KEEP_POLICY", SCHED_FLAG_KEEP_POLICY},
	{"SCHED_FLAG_KEEP_PARAMS", SCHED_FLAG_KEEP_PARAMS},
	{"SCHED_FLAG_UTIL_CLAMP_MIN", SCHED_FLAG_UTIL_CLAMP_MIN},
	{"SCHED_FLAG_UTIL_CLAMP_MAX", SCHED_FLAG_UTIL_CLAMP_MAX},
};

static const struct word io_class_words[] = {
	{"IOPRIO_CLASS_RT", IOPRIO_CLASS_RT},
	{"IOPRIO_CLASS_BE", IOPRIO_CLASS_BE},
	{"IOPRIO_CLASS_IDLE", IOPRIO_CLASS_IDLE},
};

static const struct word memory_mode_words[] = {
	{"MPOL_DEFAULT", MPOL_DEFAULT},
	{"MPOL_PREFERRED", MPOL_PREFERRED},
	{"MPOL_BIND", MPOL_BIND},
	{"MPOL_INTERLEAVE", MPOL_INTERLEAVE},
	{"MPOL_LOCAL", MPOL_LOCAL},
	{"MPOL_PREFERRED_MANY", MEMORY_PREFERRED_MANY},
	{"MPOL_WEIGHTED_INTERLEAVE", MEMORY_WEIGHTED_INTERLEAVE},
};

static const struct word memory_flag_words[] = {
	{"MPOL_F_NUMA_BALANCING", MEMORY_BALANCING},
	{"MPOL_F_RELATIVE_NODES", MPOL_F_RELATIVE_NODES},
	{"MPOL_F_STATIC_NODES", MPOL_F_STATIC_NODES},
};

static const struct word personality_words[] = {
	{"LINUX", PER_LINUX},
	{"LINUX32", PER_LINUX32},
};

#define TABLE(table) \
	{ \
		table, sizeof(table) / sizeof((table)[0]) \
	}

static const struct {
	const struct word *words;
	size_t count;
} tables[SEC_SCHED_WORDS_COUNT] = {
	[SEC_SCHED_WORDS_POLICY] = TABLE(policy_words),
	[SEC_SCHED_WORDS_POLICY_FLAG] = TABLE(policy_flag_words),
	[SEC_SCHED_WORDS_IO_CLASS] = TABLE(io_class_words),
	[SEC_SCHED_WORDS_MEMORY_MODE] = TABLE(memory_mode_words),
	[SEC_SCHED_WORDS_MEMORY_FLAG] = TABLE(memory_flag_words),
	[SEC_SCHED_WORDS_PERSONALITY] = TABLE(personality_words),
};

int64_t sec_sched_word_find(enum sec_sched_words which, const char *word)
{
	for (size_t i = 0; i < tables[which].count; i++)
		if (str_eq(tables[which].words[i].name, word))
			return tables[which].words[i].value;
	return -ENOENT;
}

void sec_sched_words(enum sec_sched_words which, struct strvec *out)
{
	for (size_t i = 0; i < tables[which].count; i++)
		strvec_push(out, tables[which].words[i].name);
}

static const char *word_name(enum sec_sched_words which, uint32_t value)
{
	for (size_t i = 0; i < tables[which].count; i++)
		if (tables[which].words[i].value == (int64_t)value)
			return tables[which].words[i].name;
	return "?";
}

/* Digits only: neither a sign nor a blank. */
static int number_cut(const char **text, uint32_t *out)
{
	char digits[12];
	size_t len = strspn(*text, "0123456789");
	if (len == 0 || len >= sizeof(digits))
		return -EINVAL;
	memcpy(digits, *text, len);
	digits[len] = '\0';
	*text += len;
	return parse_u32(digits, out);
}

int sec_sched_mask_parse(
	const char *text, uint64_t out[static SEC_SCHED_MASK_WORDS], size_t *out_words)
{
	memset(out, 0, SEC_SCHED_MASK_WORDS * sizeof(*out));
	*out_words = 0;
	do {
		uint32_t first, last;
		int r = number_cut(&text, &first);
		last = first;
		if (r == 0 && *text == '-') {
			text++;
			r = number_cut(&text, &last);
		}
		if (r < 0 || last < first || (*text && *text != ','))
			return -EINVAL;
		if (last >= SEC_SCHED_MASK_BITS)
			return -ERANGE;
		for (uint32_t bit = first; bit <= last; bit++)
			out[bit / 64] |= UINT64_C(1) << bit % 64;
		if (*out_words < last / 64 + 1)
			*out_words = last / 64 + 1;
	} while (*text++ == ',');
	return 0;
}

static const uint64_t *mask_of(const struct flat *plan, const struct sec_sched_row *row)
{
	return row->mask.size ? flat_bytes(plan, row->mask) : NULL;
}

static int policy_set(const struct flat *plan, const struct sec_sched_row *row)
{
	struct sched_attr attr = {
		.size = sizeof(attr),
		.sched_policy = row->mode,
		.sched_flags = row->flags,
		.sched_nice = row->nice,
		.sched_priority = (uint32_t)row->priority,
		.sched_runtime = row->runtime_ns,
		.sched_deadline = row->deadline_ns,
		.sched_period = row->period_ns,
	};
	return sys_sched_setattr(&attr);
}

static int io_set(const struct flat *plan, const struct sec_sched_row *row)
{
	return sys_ioprio_set((int)(row->mode << IOPRIO_CLASS_SHIFT | (uint32_t)row->priority));
}

static int cpus_set(const struct flat *plan, const struct sec_sched_row *row)
{
	return sys_sched_setaffinity(mask_of(plan, row), row->mask.size);
}

static int memory_set(const struct flat *plan, const struct sec_sched_row *row)
{
	return sys_set_mempolicy((int)(row->mode | (uint32_t)row->flags), mask_of(plan, row),
		row->mask.size ? row->mask.size * 8 + 1 : 0);
}

static int personality_set(const struct flat *plan, const struct sec_sched_row *row)
{
	return sys_personality(row->mode);
}

static void mask_describe(const struct flat *plan, const struct sec_sched_row *row, struct buf *out)
{
	const uint64_t *mask = mask_of(plan, row);
	uint32_t bits = row->mask.size * 8;
	const char *separator = " ";
	for (uint32_t bit = 0; bit < bits; bit++) {
		if (!(mask[bit / 64] >> bit % 64 & 1))
			continue;
		uint32_t last = bit;
		while (last + 1 < bits && mask[(last + 1) / 64] >> (last + 1) % 64 & 1)
			last++;
		buf_addf(out, "%s%u", separator, bit);
		if (last > bit)
			buf_addf(out, "-%u", last);
		separator = ",";
		bit = last;
	}
}

static void policy_describe(
	const struct flat *plan, const struct sec_sched_row *row, struct buf *out)
{
	buf_addf(out, "scheduler %s", word_name(SEC_SCHED_WORDS_POLICY, row->mode));
	if (row->mode == SCHED_DEADLINE)
		buf_addf(out, " %" PRIu64 " of %" PRIu64 " ns", row->runtime_ns, row->period_ns);
	else if (row->mode == SCHED_FIFO || row->mode == SCHED_RR)
		buf_addf(out, " priority %d", row->priority);
	else
		buf_addf(out, " nice %d", row->nice);
}

static void io_describe(const struct flat *plan, const struct sec_sched_row *row, struct buf *out)
{
	buf_addf(out, "I/O priority %s %d", word_name(SEC_SCHED_WORDS_IO_CLASS, row->mode),
		row->priority);
}

static void cpus_describe(const struct flat *plan, const struct sec_sched_row *row, struct buf *out)
{
	buf_adds(out, "run on processors");
	mask_describe(plan, row, out);
}

static void memory_describe(
	const struct flat *plan, const struct sec_sched_row *row, struct buf *out)
{
	buf_addf(out, "memory policy %s", word_name(SEC_SCHED_WORDS_MEMORY_MODE, row->mode));
	mask_describe(plan, row, out);
}

static void personality_describe(
	const struct flat *plan, const struct sec_sched_row *row, struct buf *out)
{
	buf_addf(out, "personality %s", word_name(SEC_SCHED_WORDS_PERSONALITY, row->mode));
}

static const struct {
	const char *words;
	int (*set)(const struct flat *plan, const struct sec_sched_row *row);
	void (*describe)(const struct flat *plan, const struct sec_sched_row *row, struct buf *out);
} kinds[SEC_SCHED_KIND_COUNT] = {
	[SEC_SCHED_POLICY] = {"set the scheduler", policy_set, policy_describe},
	[SEC_SCHED_IO] = {"set the I/O priority", io_set, io_describe},
	[SEC_SCHED_CPUS_INITIAL] = {"choose processors", cpus_set, cpus_describe},
	[SEC_SCHED_CPUS] = {"choose processors", cpus_set, cpus_describe},
	[SEC_SCHED_MEMORY] = {"set the memory policy", memory_set, memory_describe},
	[SEC_SCHED_PERSONALITY] = {"set the personality", personality_set, personality_describe},
};

void sec_sched_describe(const struct flat *plan, const struct sec_sched_row *row, struct buf *out)
{
	kinds[row->kind].describe(plan, row, out);
}

int sec_sched_set(const struct flat *plan, const struct sec_sched_row *row)
{
	int r = kinds[row->kind].set(plan, row);
	return r < 0 ? err_new(r, "%s", kinds[row->kind].words) : 0;
}

int sec_sched_cpus_set(const uint64_t *mask, size_t words)
{
	int r = sys_sched_setaffinity(mask, words * sizeof(*mask));
	return r < 0 ? err_new(r, "choose processors") : 0;
}
