/* SPDX-License-Identifier: Apache-2.0 */
/* What a group uses: one table, a column per cgroup version. */
#include "cgroup/cgroup.h"
#include "cgroup/internal.h"

#include "base/err.h"
#include "base/str.h"
#include "sys/calls.h"
#include "sys/fd.h"
#include "sys/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>

#define STAT_OF(controller, member) controller, offsetof(struct cgroup_stats, member)

static const struct cgroup_stat_info stat_infos[] = {
	{STAT_OF("memory", oom_kills), {"memory.oom_control", "oom_kill", 1},
		{"memory.events", "oom_kill", 1}},
	{STAT_OF("memory", memory_bytes), {"memory.usage_in_bytes", NULL, 1},
		{"memory.current", NULL, 1}},
	{STAT_OF("memory", memory_limit_bytes), {"memory.limit_in_bytes", NULL, 1},
		{"memory.max", NULL, 1}},
	{STAT_OF("cpuacct", cpu_ns), {"cpuacct.usage", NULL, 1}, {"cpu.stat", "usage_usec", 1000}},
	{STAT_OF("pids", pids), {"pids.current", NULL, 1}, {"pids.current", NULL, 1}},
	{STAT_OF("pids", pids_limit), {"pids.max", NULL, 1}, {"pids.max", NULL, 1}},
};

enum { STAT_OOM_KILLS, STAT_TEXT_MAX = 4096 };

/* The number in the file's text; "max" and v1's number for "no limit" become `none`. */
static int stat_parse(char *text, const char *key, uint64_t none, uint64_t *out)
{
	for (char *line; (line = str_cut(&text, '\n'));) {
		char *value = line;
		if (key && (!str_eq(str_cut(&value, ' '), key) || !value))
			continue;
		if (str_eq(value, "max")) {
			*out = none;
			return 0;
		}
		int r = parse_u64(value, out);
		if (r == 0 && *out >= CGROUP_UNLIMITED_V1)
			*out = none;
		return r < 0 ? -EBADMSG : 0;
	}
	return -ENODATA;
}

int cgroup_stat_read(
	const struct cgroup *g, const struct cgroup_stat_info *info, uint64_t none, void *out)
{
	const struct cgroup_stat_file *file = g->is_unified ? &info->v2 : &info->v1;
	auto_buf struct buf text = BUF_INIT;
	uint64_t value;

	int fd = cgroup_dir_find(g, info->controller);
	if (fd < 0 || !file->name)
		return 0;
	int r = file_read_at(fd, file->name, CGROUP_FILE_MAX, &text);
	/* No such controller in this tree, or (ENODATA) no such line before kernel 4.13. */
	if (r == -ENOENT)
		return 0;
	if (r == 0)
		r = stat_parse(text.data, file->key, none, &value);
	if (r == -ENODATA)
		return 0;
	if (r < 0)
		return err_new(r, "read %s of cgroup %s", file->name, g->path);
	*(uint64_t *)((char *)out + info->member) = value == none ? none : value * file->factor;
	return 0;
}

int cgroup_stats_load(const struct cgroup *g, struct cgroup_stats *out)
{
	struct cgroup_stats stats = {0};
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(stat_infos) / sizeof(stat_infos[0]); i++)
		r = cgroup_stat_read(g, &stat_infos[i], 0, &stats);
	if (r == 0)
		*out = stats;
	return r;
}

int cgroup_oom_open(const struct cgroup *g)
{
	const struct cgroup_stat_info *info = &stat_infos[STAT_OOM_KILLS];
	int fd = cgroup_dir_find(g, info->controller);

	fd = fd < 0 ? fd
		    : sys_open_at(fd, g->is_unified ? info->v2.name : info->v1.name, O_RDONLY, 0);
	return fd < 0 ? -EBADF : fd;
}

int cgroup_oom_kills(int fd, uint64_t *out_count)
{
	char text[STAT_TEXT_MAX];

	ssize_t len = fd < 0 ? -EBADF : fd_read_full(fd, text, sizeof(text) - 1);
	if (len < 0)
		return (int)len;
	text[len] = '\0';
	return stat_parse(text, "oom_kill", 0, out_count);
}
