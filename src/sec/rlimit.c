/* SPDX-License-Identifier: Apache-2.0 */
/* Resource limits: names, the words of --ulimit, what the caller may grant, setting. */
#include "sec/sec.h"

#include "base/err.h"
#include "base/str.h"
#include "sys/calls.h"
#include "sys/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <strings.h>
#include <sys/resource.h>

static const char *const rlimit_names[] = {
	[RLIMIT_AS] = "as",
	[RLIMIT_CORE] = "core",
	[RLIMIT_CPU] = "cpu",
	[RLIMIT_DATA] = "data",
	[RLIMIT_FSIZE] = "fsize",
	[RLIMIT_LOCKS] = "locks",
	[RLIMIT_MEMLOCK] = "memlock",
	[RLIMIT_MSGQUEUE] = "msgqueue",
	[RLIMIT_NICE] = "nice",
	[RLIMIT_NOFILE] = "nofile",
	[RLIMIT_NPROC] = "nproc",
	[RLIMIT_RSS] = "rss",
	[RLIMIT_RTPRIO] = "rtprio",
	[RLIMIT_RTTIME] = "rttime",
	[RLIMIT_SIGPENDING] = "sigpending",
	[RLIMIT_STACK] = "stack",
};

enum { RLIMIT_NAME_COUNT = sizeof(rlimit_names) / sizeof(rlimit_names[0]) };
_Static_assert(RLIMIT_NAME_COUNT == (int)RLIMIT_NLIMITS, "a limit is missing");

int sec_rlimit_find(const char *name)
{
	if (strncasecmp(name, "RLIMIT_", strlen("RLIMIT_")) == 0)
		name += strlen("RLIMIT_");
	for (int i = 0; i < RLIMIT_NAME_COUNT; i++) {
		if (strcasecmp(name, rlimit_names[i]) == 0)
			return i;
	}
	return -EINVAL;
}

const char *sec_rlimit_name(uint32_t resource)
{
	return resource < RLIMIT_NAME_COUNT ? rlimit_names[resource] : NULL;
}

static int parse_limit(const char *text, uint64_t *out_value)
{
	if (str_eq(text, "-1") || str_eq(text, "unlimited")) {
		*out_value = UINT64_MAX;
		return 0;
	}
	return parse_u64(text, out_value);
}

static int parse_resource(const char *name, uint32_t *out_resource)
{
	int found = sec_rlimit_find(name);
	if (found >= 0) {
		*out_resource = (uint32_t)found;
		return 0;
	}
	err_say(-EINVAL, "no such limit: %s", name);
	const char *nearest = str_nearest(name, rlimit_names, RLIMIT_NAME_COUNT);
	return nearest ? err_hint(-EINVAL, "Did you mean %s?", nearest) : -EINVAL;
}

int sec_rlimit_parse(const char *text, struct sec_rlimit_row *out)
{
	struct sec_rlimit_row row = {.origin = 0};
	char copy[96];

	if (fmt(copy, "%s", text) < 0)
		return err_say(-EINVAL, "limit \"%.40s...\" is too long", text);
	char *value = strchr(copy, '=');
	if (!value)
		return err_say(-EINVAL, "limit \"%s\" is not NAME=SOFT[:HARD]", text);
	*value++ = '\0';
	int r = parse_resource(copy, &row.resource);
	if (r < 0)
		return r;

	const char *soft = str_cut(&value, ':');
	const char *hard = value ? value : soft;
	if (parse_limit(soft, &row.soft) < 0 || parse_limit(hard, &row.hard) < 0)
		return err_say(-EINVAL, "limit \"%s\": not a number, unlimited or -1", text);
	if (row.soft > row.hard)
		return err_say(-EINVAL, "limit \"%s\": soft is above hard", text);
	*out = row;
	return 0;
}

/* The greatest value that any process may set: fs.nr_open bounds the hard limit of open files even
 * for CAP_SYS_RESOURCE. */
static uint64_t ceiling_of(uint32_t resource)
{
	auto_buf struct buf text = BUF_INIT;
	uint64_t value;

	if (resource != RLIMIT_NOFILE ||
		file_read_at(AT_FDCWD, "/proc/sys/fs/nr_open", 64, &text) < 0)
		return UINT64_MAX;
	char *rest = text.data;
	return parse_u64(str_cut(&rest, '\n'), &value) < 0 ? UINT64_MAX : value;
}

int sec_rlimit_clamp(struct sec_rlimit_row *row)
{
	uint64_t soft, hard, most = ceiling_of(row->resource);

	int r = sys_getrlimit((int)row->resource, &soft, &hard);
	if (r < 0)
		return err_new(r, "read limit %" PRIu32, row->resource);
	if (hard < most && !sec_cap_is_effective(CAP_SYS_RESOURCE))
		most = hard;
	if (row->hard <= most)
		return 0;
	row->hard = most;
	if (row->soft > most)
		row->soft = most;
	return 1;
}

int sec_rlimit_set(const struct sec_rlimit_row *row)
{
	uint64_t soft, hard;

	int r = sys_setrlimit((int)row->resource, row->soft, row->hard);
	if (r < 0) {
		const char *name = sec_rlimit_name(row->resource);
		return err_new(r, "set limit %s", name ? name : "of an unknown resource");
	}
	r = sys_getrlimit((int)row->resource, &soft, &hard);
	if (r < 0)
		return err_new(r, "read limit %s back", sec_rlimit_name(row->resource));
	/* Except CPU time: since 2.6.17 the kernel turns 0 into 1. */
	if ((soft != row->soft || hard != row->hard) && row->resource != RLIMIT_CPU)
		return err_say(-EPERM, "limit %s did not stay set", sec_rlimit_name(row->resource));
	return 0;
}

static void add_limit(uint64_t value, struct buf *out)
{
	if (value == UINT64_MAX)
		buf_adds(out, "unlimited");
	else
		buf_addf(out, "%" PRIu64, value);
}

void sec_rlimit_describe(const struct flat *plan, const struct sec_rlimit_row *row, struct buf *out)
{
	const char *name = sec_rlimit_name(row->resource);

	buf_addf(out, "set rlimit %s to ", name ? name : "?");
	add_limit(row->soft, out);
	buf_addc(out, ':');
	add_limit(row->hard, out);
}
