/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing limits. limit_table.c says what goes where; here is the order, which matters in two ways.
 * Memory comes last, so that setting up does not count against it. Only what the user writes by
 * file name comes later, and may override anything. And the kernel keeps some pairs in relation at
 * every moment (v1's memory with memory and swap, burst with quota): the order that lets one pair
 * shrink does not let another grow, so the second order is tried when the first is refused.
 */
#include "cgroup/cgroup.h"
#include "cgroup/internal.h"

#include "base/err.h"
#include "base/log.h"
#include "base/str.h"
#include "sys/file.h"

#include <errno.h>
#include <inttypes.h>

/* The first of a pair is written first; after -EINVAL the second, and then the first again. */
static const struct {
	enum cgroup_limit first, second;
} limit_order[] = {
	{CGROUP_CPUSET_MEMS, 0},
	{CGROUP_CPUSET_CPUS, 0},
	{CGROUP_CPU_WEIGHT, CGROUP_CPU_IDLE}, /* an idle group has no weight to write */
	{CGROUP_CPU_PERIOD, 0},
	{CGROUP_CPU_MAX, CGROUP_CPU_BURST}, /* burst <= quota */
	{CGROUP_CPU_RT_PERIOD, CGROUP_CPU_RT_RUNTIME}, /* runtime <= period */
	{CGROUP_PIDS_MAX, 0},
	{CGROUP_BLKIO_WEIGHT, 0},
	{CGROUP_BLKIO_LEAF_WEIGHT, 0},
	{CGROUP_BLKIO_WEIGHT_DEVICE, 0},
	{CGROUP_BLKIO_LEAF_WEIGHT_DEVICE, 0},
	{CGROUP_BLKIO_READ_BPS, 0},
	{CGROUP_BLKIO_WRITE_BPS, 0},
	{CGROUP_BLKIO_READ_IOPS, 0},
	{CGROUP_BLKIO_WRITE_IOPS, 0},
	{CGROUP_HUGETLB, 0},
	{CGROUP_RDMA, 0},
	{CGROUP_NET_CLASS, 0},
	{CGROUP_NET_PRIORITY, 0},
	{CGROUP_MEMORY_SWAPPINESS, 0},
	{CGROUP_MEMORY_OOM_DISABLE, 0},
	{CGROUP_MEMORY_KERNEL_TCP, 0},
	{CGROUP_MEMORY_LOW, 0},
	{CGROUP_MEMORY_MAX, CGROUP_MEMORY_SWAP}, /* on v1 memory <= memory and swap */
	{CGROUP_UNIFIED, 0},
};

/* The rows of one call, and the last one of each limit. */
struct limits {
	struct cgroup *g;
	const struct flat *plan;
	const struct cgroup_row *rows;
	size_t count;
	const struct cgroup_row *last[CGROUP_LIMIT_COUNT];
};

/* One row to write, and all that is known of it. */
struct writing {
	const struct limits *limits;
	const struct cgroup_limit_side *side;
	struct cgroup_limit_value value;
	char limit_name[CGROUP_NAME_MAX];
};

/* Writes a file of the group; again if what was missing could be had from the groups above. */
static int write_repaired(const struct writing *w, const char *name, const char *text)
{
	const struct cgroup *g = w->limits->g;
	size_t levels = cgroup_levels(g->path);
	int fd = w->value.fd, r = file_write_at(fd, name, text);

	if (r == -ENOENT && g->is_unified) {
		r = cgroup_enable_controllers(fd, levels);
		if (r < 0)
			return r;
		r = file_write_at(fd, name, text);
	}
	if (r == -EACCES && !g->is_unified && str_eq(w->side->controller, "cpuset")) {
		r = cgroup_cpuset_inherit(fd, levels);
		if (r < 0)
			return r;
		r = file_write_at(fd, name, text);
	}
	return r < 0 ? err_new(r, "write \"%s\" to %s", text, name) : 0;
}

/* Adds a hint that says which values are possible. */
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

static int explain(const struct writing *w, const char *name, int r)
{
	const struct cgroup_row *row = w->value.row;
	const char *origin = flat_str(w->limits->plan, row->origin);
	bool is_default = origin && str_eq(origin, "default");

	/* The files of this limit exist only if the kernel counts swap. */
	if (r == -ENOENT && row->limit == CGROUP_MEMORY_SWAP) {
		if (!is_default && row->value >= 0)
			return err_say(-EOPNOTSUPP,
				"the kernel does not count swap (boot with swapaccount=1), drop %s",
				w->limit_name);
		log_debug("the kernel does not count swap: %s is left out", name);
		return 0;
	}
	if (r == -ENOENT)
		return err_say(
			-EOPNOTSUPP, "the kernel has no %s here; drop %s", name, w->limit_name);
	if (r == -EBUSY && str_eq(w->side->controller, "memory") && !w->value.is_unified)
		return err_hint(r, "More is in use than that and cannot be reclaimed");
	if (r < 0 && str_eq(w->side->controller, "cpuset"))
		return cpuset_hint(r, w->value.fd, name);
	return r;
}

/* The name of a file of the group. A name that leads out of the group is refused. */
static int file_name(const struct writing *w, const char *pattern, char out[static CGROUP_NAME_MAX])
{
	size_t before = strcspn(pattern, "*");
	const char *text = pattern[before] ? w->value.text : "";

	int len = fmt_n(out, CGROUP_NAME_MAX, "%.*s%s%s", (int)before, pattern, text ? text : "",
		pattern[before] ? pattern + before + 1 : "");
	if (len <= 0 || strchr(out, '/') || out[0] == '.')
		return err_say(-EINVAL, "%s is not for a file of a cgroup", w->limit_name);
	return 0;
}

/* If the kernel lacks the file: -ENOENT and its name, with a trail that explain() replaces. */
static int write_file(const struct writing *w, const struct cgroup_limit_file *file,
	char out_name[static CGROUP_NAME_MAX])
{
	auto_buf struct buf text = BUF_INIT;

	int r = file_name(w, file->name, out_name);
	if (r == 0)
		r = file->write(&w->value, &text);
	if (r < 0 || text.len == 0)
		return r;
	r = write_repaired(w, out_name, text.data);
	if (r == -ENOENT && file->is_optional) {
		log_debug("the kernel has no %s here: it is left out", out_name);
		return 0;
	}
	return r;
}

static int write_side(const struct writing *w)
{
	const struct cgroup_limit_file *files = w->side->files;
	char name[CGROUP_NAME_MAX];

	int r = write_file(w, &files[0], name);
	bool is_next = w->side->is_choice ? r == -ENOENT : r == 0;
	if (files[1].name && is_next)
		r = write_file(w, &files[1], name);
	/* v1 checks quota and period against the parent's ratio after each write: try the other
	 * order. */
	if (r == -EINVAL && files[1].name && !w->side->is_choice) {
		r = write_file(w, &files[1], name);
		if (r == 0)
			r = write_file(w, &files[0], name);
	}
	return r < 0 ? explain(w, name, r) : r;
}

/* Writes "FILE=TEXT" a line at a time, for files that take one device or key with each write. */
static int write_unified(const struct writing *w)
{
	auto_free char *copy = mem_strdup(w->value.text);
	char *rest = copy;
	const char *name = str_cut(&rest, '=');
	bool is_written = false;
	int r = 0;

	if (!rest || !cgroup_unified_is_setting(name))
		return err_say(-EINVAL,
			"linux.resources.unified: \"%s\" is not a file of settings of a group",
			name);
	for (char *line; r == 0 && (line = str_cut(&rest, '\n'));) {
		if (!*line && (rest || is_written))
			continue;
		r = write_repaired(w, name, *line ? line : "\n");
		is_written = true;
	}
	return r < 0 ? explain(w, name, r) : 0;
}

static int write_row(const struct limits *l, const struct cgroup_row *row)
{
	const struct cgroup_limit_info *info = cgroup_limit_info(row->limit);
	const struct cgroup_row *memory = l->last[CGROUP_MEMORY_MAX];
	const char *text = flat_str(l->plan, row->text);
	struct writing w = {
		.limits = l,
		.side = l->g->is_unified ? &info->v2 : &info->v1,
		.value = {.row = row, .text = text, .memory_bytes = memory ? memory->value : 0},
	};

	w.value.is_unified = l->g->is_unified;
	cgroup_limit_name(info, flat_str(l->plan, row->origin), w.limit_name);
	if (!w.side->controller)
		return err_say(-EOPNOTSUPP, "cgroup version %d has no %s; drop it",
			l->g->is_unified ? 2 : 1, w.limit_name);
	if (info->is_keyed && (!text || !*text))
		return err_say(-EINVAL, "%s: it is not said for what", w.limit_name);
	w.value.fd = cgroup_dir_find(l->g, w.side->controller);
	if (w.value.fd < 0)
		return err_say(-EOPNOTSUPP,
			"the group is in no hierarchy with the controller \"%s\"",
			w.side->controller);
	return row->limit == CGROUP_UNIFIED ? write_unified(&w) : write_side(&w);
}

static int write_described(const struct limits *l, const struct cgroup_row *row)
{
	auto_buf struct buf words = BUF_INIT;

	int r = write_row(l, row);
	if (r == 0)
		return 0;
	cgroup_row_describe(l->plan, row, &words);
	return err_wrap(r, "%s", words.data);
}

/* Writes the last row of the limit, or each row if the limit has keys. */
static int write_limit(const struct limits *l, enum cgroup_limit limit)
{
	int r = 0;

	if (!l->last[limit])
		return 0;
	if (!cgroup_limit_info(limit)->is_keyed)
		return write_described(l, l->last[limit]);
	for (size_t i = 0; r == 0 && i < l->count; i++) {
		if (l->rows[i].limit == limit)
			r = write_described(l, &l->rows[i]);
	}
	return r;
}

static int write_pair(const struct limits *l, enum cgroup_limit first, enum cgroup_limit second)
{
	int r = write_limit(l, first);
	if (r == -EINVAL && second && l->last[second]) {
		r = write_limit(l, second);
		return r < 0 ? r : write_limit(l, first);
	}
	return r < 0 || !second ? r : write_limit(l, second);
}

/* Finds the last row of each limit. */
static int limits_sort(struct limits *l)
{
	for (size_t i = 0; i < l->count; i++) {
		if (!cgroup_limit_info(l->rows[i].limit))
			return err_say(
				-EINVAL, "there is no cgroup limit %" PRIu32, l->rows[i].limit);
		l->last[l->rows[i].limit] = &l->rows[i];
	}
	return 0;
}

int cgroup_apply(struct cgroup *g, const struct flat *plan, const struct cgroup_row *rows,
	size_t row_count, const struct cgroup_device_row *devices, size_t device_count)
{
	struct limits l = {.g = g, .plan = plan, .rows = rows, .count = row_count};

	int r = limits_sort(&l);
	for (size_t i = 0; r == 0 && i < sizeof(limit_order) / sizeof(limit_order[0]); i++)
		r = write_pair(&l, limit_order[i].first, limit_order[i].second);
	return r < 0 || device_count == 0 ? r : cgroup_devices_apply(g, devices, device_count);
}

struct texts {
	int (*each)(void *context, const char *file, const char *text);
	void *context;
};

static int unified_text(const char *setting, const struct texts *texts)
{
	auto_free char *copy = mem_strdup(setting);
	char *rest = copy;
	const char *name = str_cut(&rest, '=');
	return rest ? texts->each(texts->context, name, rest) : 0;
}

static int row_text(const struct limits *l, const struct cgroup_row *row, const struct texts *texts)
{
	auto_buf struct buf text = BUF_INIT;
	const struct cgroup_row *memory = l->last[CGROUP_MEMORY_MAX];
	const char *setting = flat_str(l->plan, row->text);
	const struct cgroup_limit_file *file = &cgroup_limit_info(row->limit)->v2.files[0];
	const struct cgroup_limit_value value = {.row = row,
		.text = setting,
		.memory_bytes = memory ? memory->value : 0,
		.fd = l->g ? cgroup_dir_find(l->g, NULL) : -EBADF,
		.is_unified = true};
	if (row->limit == CGROUP_UNIFIED)
		return setting ? unified_text(setting, texts) : 0;
	int r = file->name ? file->write(&value, &text) : 0;
	return r < 0 || text.len == 0 ? r : texts->each(texts->context, file->name, text.data);
}

static int limit_texts(const struct limits *l, enum cgroup_limit limit, const struct texts *texts)
{
	int r = 0;
	for (size_t i = 0; limit && r == 0 && i < l->count; i++)
		if (l->rows[i].limit == limit &&
			(cgroup_limit_info(limit)->is_keyed || l->last[limit] == &l->rows[i]))
			r = row_text(l, &l->rows[i], texts);
	return r;
}

int cgroup_texts_each(const struct cgroup *g, const struct flat *plan,
	const struct cgroup_row *rows, size_t row_count,
	int (*each)(void *context, const char *file, const char *text), void *context)
{
	struct limits l = {.g = (struct cgroup *)g, .plan = plan, .rows = rows, .count = row_count};
	const struct texts texts = {each, context};
	int r = limits_sort(&l);
	for (size_t i = 0; r == 0 && i < sizeof(limit_order) / sizeof(limit_order[0]); i++) {
		r = limit_texts(&l, limit_order[i].first, &texts);
		if (r == 0)
			r = limit_texts(&l, limit_order[i].second, &texts);
	}
	return r;
}
