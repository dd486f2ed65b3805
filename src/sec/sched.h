/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* How a process runs: part of sec/sec.h. Names are those of linux/sched.h, linux/ioprio.h and
 * linux/mempolicy.h. */
#include "base/arena.h"
#include "base/buf.h"
#include "base/flat.h"

#include <stdbool.h>
#include <stdint.h>

enum sec_sched_kind {
	SEC_SCHED_POLICY =
		1, /* scheduler: mode SCHED_*, nice, priority, flags, three times of a deadline */
	SEC_SCHED_IO, /* I/O priority: mode IOPRIO_CLASS_*, priority */
	SEC_SCHED_CPUS_INITIAL, /* mask: processors of an exec until it joins the container; host */
	SEC_SCHED_CPUS, /* mask: processors of an exec from then on */
	SEC_SCHED_MEMORY, /* memory policy: mode MPOL_*, flags MPOL_F_*, mask: nodes */
	SEC_SCHED_PERSONALITY, /* mode PER_* */
	SEC_SCHED_KIND_COUNT
};

struct sec_sched_row {
	uint32_t origin;
	uint32_t kind;
	uint32_t mode;
	int32_t priority, nice;
	uint32_t reserved;
	uint64_t flags;
	uint64_t runtime_ns, deadline_ns, period_ns;
	struct flat_blob mask; /* words of 64 bits, lowest first */
};

/* Names in configurations, and their values. */
enum sec_sched_words {
	SEC_SCHED_WORDS_POLICY,
	SEC_SCHED_WORDS_POLICY_FLAG,
	SEC_SCHED_WORDS_IO_CLASS,
	SEC_SCHED_WORDS_MEMORY_MODE,
	SEC_SCHED_WORDS_MEMORY_FLAG,
	SEC_SCHED_WORDS_PERSONALITY,
	SEC_SCHED_WORDS_COUNT
};
/* -ENOENT. Silent. Any process. */
int64_t sec_sched_word_find(enum sec_sched_words which, const char *word);
/* All of them, for messages and `features`. */
void sec_sched_words(enum sec_sched_words which, struct strvec *out);

/* Processors or memory nodes. */
enum { SEC_SCHED_MASK_BITS = 8192, SEC_SCHED_MASK_WORDS = SEC_SCHED_MASK_BITS / 64 };
/* "0-3,7" as a mask, of which *out_words words are used. -EINVAL, or -ERANGE beyond the last bit.
 * Silent. Any process. */
int sec_sched_mask_parse(
	const char *text, uint64_t out[static SEC_SCHED_MASK_WORDS], size_t *out_words);

/* Both are for the calling process. Speaking. sec_sched_set: init. sec_sched_cpus_set: host, in the
 * process that makes an exec. */
int sec_sched_set(const struct flat *plan, const struct sec_sched_row *row);
int sec_sched_cpus_set(const uint64_t *mask, size_t words);
void sec_sched_describe(const struct flat *plan, const struct sec_sched_row *row, struct buf *out);
