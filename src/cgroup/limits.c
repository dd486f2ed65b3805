/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Limits: one table, a column per cgroup version. Everything about a limit stands in its row; what is left is the
 * order of writing, which matters for memory only: it comes last, so that setting up does not count against it, and v1
 * refuses a memory limit above the limit of memory and swap at any moment in between.
 */
#include "cgroup/cgroup.h"
#include "cgroup/internal.h"

#include "base/err.h"
#include "base/log.h"
#include "base/str.h"
#include "sys/file.h"

#include <errno.h>
#include <inttypes.h>

enum {
	SHARES_MIN = 2,
	SHARES_MAX = 262144,
	PERIOD_DEFAULT_US = 100000,
	FILES_MAX = 2,
};

/* A row with what else decides the text to write. */
struct limit_value {
	const struct cgroup_row *row;
	const char *text; /* of a cpuset */
	int64_t memory_bytes; /* of CGROUP_MEMORY_MAX, 0 when not given */
};

typedef int limit_write_fn(const struct limit_value *value, struct buf *out);

struct limit_file {
	const char *name;
	limit_write_fn *write;
};

struct limit_info {
	const char *controller;
	const char *option; /* to drop, in messages */
	struct limit_file v1[FILES_MAX], v2[FILES_MAX];
	bool is_swap; /* the files exist only where the kernel counts swap */
	int64_t min, max;
	void (*describe)(const struct cgroup_row *row, const char *text, struct buf *out);
};

static int write_number(const struct limit_value *value, struct buf *out)
{
	buf_addf(out, "%" PRId64, value->row->value);
	return 0;
}

static int write_number_or_max(const struct limit_value *value, struct buf *out)
{
	if (value->row->value >= 0)
		return write_number(value, out);
	buf_adds(out, "max");
	return 0;
}

static int write_text(const struct limit_value *value, struct buf *out)
{
	if (!value->text || !*value->text)
		return err_say(-EINVAL, "a list of numbers is missing");
	buf_adds(out, value->text);
	return 0;
}

/* Memory and swap together, as Docker and v1 count. */
static int swap_check(const struct limit_value *value)
{
	if (value->row->value < 0)
		return 0;
	if (value->memory_bytes <= 0)
		return err_say(-EINVAL, "a limit of memory and swap needs a limit of memory (-m)");
	if (value->row->value < value->memory_bytes)
		return err_say(
			-EINVAL, "memory and swap together cannot be limited below memory alone");
	return 0;
}

static int write_swap_v1(const struct limit_value *value, struct buf *out)
{
	int r = swap_check(value);
	return r < 0 ? r : write_number(value, out);
}

static int write_swap_v2(const struct limit_value *value, struct buf *out)
{
	int r = swap_check(value);
	if (r < 0 || value->row->value < 0)
		return r < 0 ? r : write_number_or_max(value, out);
	buf_addf(out, "%" PRId64, value->row->value - value->memory_bytes);
	return 0;
}

static int64_t period_us(const struct cgroup_row *row)
{
	return row->second > 0 ? row->second : PERIOD_DEFAULT_US;
}

static int write_period(const struct limit_value *value, struct buf *out)
{
	buf_addf(out, "%" PRId64, period_us(value->row));
	return 0;
}

static int write_cpu_max(const struct limit_value *value, struct buf *out)
{
	write_number_or_max(value, out);
	buf_addf(out, " %" PRId64, period_us(value->row));
	return 0;
}

static int64_t shares_of(const struct cgroup_row *row)
{
	int64_t shares = row->value < SHARES_MIN ? SHARES_MIN : row->value;
	return shares > SHARES_MAX ? SHARES_MAX : shares;
}

static int write_shares(const struct limit_value *value, struct buf *out)
{
	buf_addf(out, "%" PRId64, shares_of(value->row));
	return 0;
}

/* 2..262144 onto 1..10000, as every OCI runtime does. */
static int write_weight(const struct limit_value *value, struct buf *out)
{
	buf_addf(out, "%" PRId64, 1 + (shares_of(value->row) - 2) * 9999 / 262142);
	return 0;
}

static void add_size(int64_t bytes, struct buf *out)
{
	char size[16];

	format_size(size, (uint64_t)bytes);
	buf_addf(out, "%s (%" PRId64 " bytes)", size, bytes);
}

static void describe_memory(const struct cgroup_row *row, const char *text, struct buf *out)
{
	buf_adds(out, row->value < 0 ? "do not limit memory" : "limit memory to ");
	if (row->value >= 0)
		add_size(row->value, out);
}

static void describe_swap(const struct cgroup_row *row, const char *text, struct buf *out)
{
	buf_adds(out, row->value < 0 ? "do not limit swap" : "limit memory and swap together to ");
	if (row->value >= 0)
		add_size(row->value, out);
}

static void describe_reservation(const struct cgroup_row *row, const char *text, struct buf *out)
{
	buf_adds(out, row->value < 0 ? "reserve all memory" : "reserve memory of ");
	if (row->value >= 0)
		add_size(row->value, out);
}

static void describe_cpu(const struct cgroup_row *row, const char *text, struct buf *out)
{
	if (row->value < 0)
		buf_adds(out, "do not limit cpu");
	else
		buf_addf(out, "limit cpu to %" PRId64 " of every %" PRId64 " us", row->value,
			period_us(row));
}

static void describe_weight(const struct cgroup_row *row, const char *text, struct buf *out)
{
	buf_addf(out, "weigh cpu with %" PRId64 " shares", row->value);
}

static void describe_cpus(const struct cgroup_row *row, const char *text, struct buf *out)
{
	buf_addf(out, "run on cpus %s", text ? text : "?");
}

static void describe_mems(const struct cgroup_row *row, const char *text, struct buf *out)
{
	buf_addf(out, "use memory of nodes %s", text ? text : "?");
}

static void describe_pids(const struct cgroup_row *row, const char *text, struct buf *out)
{
	if (row->value < 0)
		buf_adds(out, "do not limit processes");
	else
		buf_addf(out, "allow at most %" PRId64 " processes", row->value);
}

static const struct limit_info limit_infos[CGROUP_LIMIT_COUNT] = {
	[CGROUP_MEMORY_MAX] = {"memory", "--memory", {{"memory.limit_in_bytes", write_number}},
		{{"memory.max", write_number_or_max}}, false, -1, INT64_MAX, describe_memory},
	[CGROUP_MEMORY_SWAP] = {"memory", "--memory-swap",
		{{"memory.memsw.limit_in_bytes", write_swap_v1}},
		{{"memory.swap.max", write_swap_v2}}, true, -1, INT64_MAX, describe_swap},
	[CGROUP_MEMORY_LOW] = {"memory", "--memory-reservation",
		{{"memory.soft_limit_in_bytes", write_number}},
		{{"memory.low", write_number_or_max}}, false, -1, INT64_MAX, describe_reservation},
	[CGROUP_CPU_MAX] = {"cpu", "--cpus",
		{{"cpu.cfs_period_us", write_period}, {"cpu.cfs_quota_us", write_number}},
		{{"cpu.max", write_cpu_max}}, false, -1, INT64_MAX, describe_cpu},
	[CGROUP_CPU_WEIGHT] = {"cpu", "--cpu-shares", {{"cpu.shares", write_shares}},
		{{"cpu.weight", write_weight}}, false, 0, INT64_MAX, describe_weight},
	[CGROUP_CPUSET_CPUS] = {"cpuset", "--cpuset-cpus", {{"cpuset.cpus", write_text}},
		{{"cpuset.cpus", write_text}}, false, INT64_MIN, INT64_MAX, describe_cpus},
	[CGROUP_CPUSET_MEMS] = {"cpuset", "--cpuset-mems", {{"cpuset.mems", write_text}},
		{{"cpuset.mems", write_text}}, false, INT64_MIN, INT64_MAX, describe_mems},
	[CGROUP_PIDS_MAX] = {"pids", "--pids-limit", {{"pids.max", write_number_or_max}},
		{{"pids.max", write_number_or_max}}, false, -1, INT64_MAX, describe_pids},
};

static const enum cgroup_limit limit_order[] = {CGROUP_CPUSET_MEMS, CGROUP_CPUSET_CPUS,
	CGROUP_CPU_WEIGHT, CGROUP_CPU_MAX, CGROUP_PIDS_MAX, CGROUP_MEMORY_LOW};
_Static_assert(sizeof(limit_order) / sizeof(limit_order[0]) == CGROUP_LIMIT_COUNT - 3,
	"all but the two of memory, which write_memory orders");

static const struct limit_info *limit_info(uint32_t limit)
{
	return limit > 0 && limit < CGROUP_LIMIT_COUNT ? &limit_infos[limit] : NULL;
}

int cgroup_limit_check(const struct cgroup_host *host, const struct cgroup_row *row)
{
	const struct limit_info *info = limit_info(row->limit);

	if (!info)
		return err_say(-EINVAL, "there is no cgroup limit %" PRIu32, row->limit);
	if (row->value < info->min || row->value > info->max)
		return err_say(
			-EINVAL, "%s: %" PRId64 " is out of range", info->option, row->value);
	if (!cgroup_has_controller(host, info->controller))
		return err_say(-EOPNOTSUPP,
			"the kernel has no cgroup controller \"%s\" here; mount it or drop %s",
			info->controller, info->option);
	return 0;
}

void cgroup_row_describe(const struct flat *plan, const struct cgroup_row *row, struct buf *out)
{
	const struct limit_info *info = limit_info(row->limit);

	if (info)
		info->describe(row, flat_str(plan, row->text), out);
	else
		buf_adds(out, "an unknown limit");
}

/* The rows of one call by limit; a later row replaces an earlier one. */
struct limits {
	struct cgroup *g;
	const struct flat *plan;
	const struct cgroup_row *rows[CGROUP_LIMIT_COUNT];
};

/* Writes a file of the group, and once more when what it lacked could be had from the groups above. */
static int write_repaired(const struct limits *l, const struct limit_info *info, int fd,
	const char *name, const char *text)
{
	size_t levels = cgroup_levels(l->g->path);
	int r = file_write_at(fd, name, text);

	if (r == -ENOENT && l->g->is_unified) {
		r = cgroup_enable_controllers(fd, levels);
		if (r < 0)
			return r;
		r = file_write_at(fd, name, text);
	}
	if (r == -EACCES && !l->g->is_unified && str_eq(info->controller, "cpuset")) {
		r = cgroup_cpuset_inherit(fd, levels);
		if (r < 0)
			return r;
		r = file_write_at(fd, name, text);
	}
	return r < 0 ? err_new(r, "write \"%s\" to %s", text, name) : 0;
}

/* Says what would have been possible. */
static int cpuset_hint(int r, int fd, const char *name)
{
	auto_buf struct buf possible = BUF_INIT;
	char file[32];

	fmt(file, "../%s", name);
	if (file_read_at(fd, file, CGROUP_FILE_MAX, &possible) < 0 || possible.len < 2)
		return r;
	possible.data[possible.len - 1] = '\0';
	return err_hint(r, "There are %s", possible.data);
}

static int write_file(const struct limits *l, const struct limit_info *info,
	const struct limit_file *file, const struct limit_value *value)
{
	auto_buf struct buf text = BUF_INIT;
	const char *origin = flat_str(l->plan, value->row->origin);
	bool is_default = origin && str_eq(origin, "default");

	int fd = cgroup_dir_find(l->g, info->controller);
	if (fd < 0)
		return err_say(-EOPNOTSUPP,
			"the group is in no hierarchy with the controller \"%s\"",
			info->controller);
	int r = file->write(value, &text);
	if (r < 0)
		return r;
	r = write_repaired(l, info, fd, file->name, text.data);
	if (r == -ENOENT && info->is_swap && (is_default || value->row->value < 0)) {
		log_debug("the kernel does not count swap: %s is left out", file->name);
		return 0;
	}
	if (r == -ENOENT && info->is_swap)
		return err_say(-EOPNOTSUPP,
			"the kernel does not count swap (boot with swapaccount=1), drop %s",
			info->option);
	if (r == -ENOENT)
		return err_say(-EOPNOTSUPP, "the kernel has no %s here; drop %s", file->name,
			info->option);
	if (r == -EBUSY && str_eq(info->controller, "memory"))
		return err_hint(r, "More is in use than that and cannot be reclaimed");
	if (r < 0 && str_eq(info->controller, "cpuset"))
		return cpuset_hint(r, fd, file->name);
	return r;
}

static int write_limit(const struct limits *l, enum cgroup_limit limit)
{
	const struct limit_info *info = &limit_infos[limit];
	const struct cgroup_row *row = l->rows[limit], *memory = l->rows[CGROUP_MEMORY_MAX];
	auto_buf struct buf words = BUF_INIT;
	int r = 0;

	if (!row)
		return 0;
	struct limit_value value = {row, flat_str(l->plan, row->text), memory ? memory->value : 0};
	const struct limit_file *files = l->g->is_unified ? info->v2 : info->v1;
	for (size_t i = 0; r == 0 && i < FILES_MAX && files[i].name; i++)
		r = write_file(l, info, &files[i], &value);
	/* On v1 quota and period are checked against the parent's ratio after each write: the other order may do. */
	if (r == -EINVAL && files[1].name) {
		r = write_file(l, info, &files[1], &value);
		if (r == 0)
			r = write_file(l, info, &files[0], &value);
	}
	if (r == 0)
		return 0;
	cgroup_row_describe(l->plan, row, &words);
	return err_wrap(r, "%s", words.data);
}

/* v1 holds memory <= memory and swap at any moment: from "no limit" and downwards memory goes first; when that is
 * refused the pair is being raised, and the upper one goes first. */
static int write_memory(const struct limits *l)
{
	int r = write_limit(l, CGROUP_MEMORY_MAX);
	if (r == -EINVAL && !l->g->is_unified && l->rows[CGROUP_MEMORY_SWAP]) {
		r = write_limit(l, CGROUP_MEMORY_SWAP);
		return r < 0 ? r : write_limit(l, CGROUP_MEMORY_MAX);
	}
	return r < 0 ? r : write_limit(l, CGROUP_MEMORY_SWAP);
}

int cgroup_apply(struct cgroup *g, const struct flat *plan, const struct cgroup_row *rows,
	size_t row_count, const struct cgroup_device_row *devices, size_t device_count)
{
	struct limits l = {.g = g, .plan = plan};
	int r = 0;

	for (size_t i = 0; i < row_count; i++) {
		if (!limit_info(rows[i].limit))
			return err_say(-EINVAL, "there is no cgroup limit %" PRIu32, rows[i].limit);
		l.rows[rows[i].limit] = &rows[i];
	}
	for (size_t i = 0; r == 0 && i < sizeof(limit_order) / sizeof(limit_order[0]); i++)
		r = write_limit(&l, limit_order[i]);
	if (r == 0)
		r = write_memory(&l);
	return r < 0 || device_count == 0 ? r : cgroup_devices_apply(g, devices, device_count);
}
