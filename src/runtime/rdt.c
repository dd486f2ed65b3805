/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/rdt.h"
#include "base/err.h"
#include "base/str.h"
#include "sys/calls.h"
#include "sys/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>

#define RDT_ROOT "/sys/fs/resctrl"
enum { RDT_BYTES_MAX = 64 << 10 };

/* A class of resctrl and where its files are; `root` is an fd of resctrl's root. */
struct rdt {
	int root;
	const char *name; /* directory below the root; "." for the root's own class */
	char group[PATH_MAX]; /* the monitoring group */
};

static int rdt_open(struct rdt *rdt, const struct runtime_state *state)
{
	uint64_t magic = 0;
	rdt->name = str_eq(state->rdt, "/") ? "." : state->rdt;
	int r = fmt(rdt->group, "%s/mon_groups/%s", rdt->name, state->id);
	if (r >= 0)
		r = rdt->root = sys_open_at(AT_FDCWD, RDT_ROOT, O_RDONLY | O_DIRECTORY, 0);
	if (r >= 0)
		r = sys_fs_magic(rdt->root, &magic);
	if (r == -ENOENT || (r >= 0 && magic != RDTGROUP_SUPER_MAGIC))
		return err_say(-EOPNOTSUPP,
			"config.json: linux.intelRdt: no resctrl is mounted at " RDT_ROOT);
	return r < 0 ? err_new(r, "open " RDT_ROOT) : 0;
}

static void rdt_close(struct rdt *rdt)
{
	fd_replace(&rdt->root, -EBADF);
}
AUTO_STRUCT(rdt, struct rdt, rdt_close)

/* The kernel writes the reason of a refusal to a file. */
static int rdt_write(const struct rdt *rdt, const char *dir, const char *file, const char *text)
{
	char path[PATH_MAX];
	int r = fmt(path, "%s/%s", dir, file);
	if (r >= 0)
		r = file_write_at(rdt->root, path, text);
	if (r >= 0)
		return 0;
	auto_buf struct buf reason = BUF_INIT;
	bool has_reason = file_read_at(rdt->root, "info/last_cmd_status", RDT_BYTES_MAX, &reason) ==
			0 &&
		reason.len && !str_eq(reason.data, "ok\n");
	if (has_reason)
		reason.data[strcspn(reason.data, "\n")] = '\0';
	return err_new(r, "write %s/%s of resctrl%s%s", dir, file, has_reason ? ": " : "",
		has_reason ? reason.data : "");
}

/* The file pads names with blanks and may have more lines. */
static bool has_line(const char *schemata, const char *line)
{
	size_t len = strlen(line);
	for (const char *at = schemata; at; at = strchr(at, '\n')) {
		at += strspn(at, " \t\n");
		if (strncmp(at, line, len) == 0 && (at[len] == '\n' || at[len] == '\0'))
			return true;
	}
	return false;
}

/* The class belongs to others as well, who would be affected by a change. So it must already have
 * what is asked for. */
static int schemata_compare(const struct rdt *rdt, const struct str_list *lines)
{
	auto_buf struct buf text = BUF_INIT;
	char path[PATH_MAX];
	int r = fmt(path, "%s/schemata", rdt->name);
	if (r >= 0)
		r = file_read_at(rdt->root, path, RDT_BYTES_MAX, &text);
	if (r < 0)
		return err_new(r, "read the schemata of class %s", rdt->name);
	for (size_t i = 0; i < lines->count; i++)
		if (!has_line(text.data, lines->items[i]))
			return err_say(-EINVAL,
				"config.json: linux.intelRdt: the class \"%s\" is there already, "
				"without \"%s\" in its schemata",
				rdt->name, lines->items[i]);
	return 0;
}

static int schemata_set(const struct rdt *rdt, const struct str_list *lines)
{
	auto_buf struct buf text = BUF_INIT;
	for (size_t i = 0; i < lines->count; i++)
		buf_addf(&text, "%s\n", lines->items[i]);
	return text.len ? rdt_write(rdt, rdt->name, "schemata", text.data) : 0;
}

/* Returns 1 if the class was made now. */
static int class_make(const struct rdt *rdt, const struct oci_rdt *told)
{
	bool is_there_to_be = told->class_name && told->schemata.count == 0;
	int r = is_there_to_be ? sys_access_at(rdt->root, rdt->name, F_OK, 0)
			       : sys_mkdir_at(rdt->root, rdt->name, 0755);
	if (r == -ENOENT && is_there_to_be)
		return err_say(r,
			"config.json: linux.intelRdt: there is no class \"%s\", and nothing of "
			"what it should be",
			rdt->name);
	if (r == -ENOSPC)
		return err_say(r, "the processor has no more classes of resctrl");
	if (r == -EEXIST || is_there_to_be)
		return r == -EEXIST ? 0 : r;
	return r < 0 ? err_new(r, "make class %s of resctrl", rdt->name) : 1;
}

static int class_fill(const struct rdt *rdt, const struct oci_rdt *told, bool is_new)
{
	bool is_own = is_new || !told->class_name;
	return is_own ? schemata_set(rdt, &told->schemata) : schemata_compare(rdt, &told->schemata);
}

static int pid_put(const struct rdt *rdt, const char *dir, pid_t pid)
{
	char text[16];
	fmt(text, "%d", pid);
	return rdt_write(rdt, dir, "tasks", text);
}

/* A monitoring group counts only processes of its own class. */
static int pid_enter(const struct rdt *rdt, pid_t pid)
{
	int r = pid_put(rdt, rdt->name, pid);
	bool is_monitored = r == 0 && sys_access_at(rdt->root, rdt->group, F_OK, 0) == 0;
	return is_monitored ? pid_put(rdt, rdt->group, pid) : r;
}

static int group_make(const struct rdt *rdt)
{
	int r = sys_mkdir_at(rdt->root, rdt->group, 0755);
	return r < 0 && r != -EEXIST ? err_new(r, "make %s of resctrl", rdt->group) : 0;
}

static int class_remove(const struct rdt *rdt, bool is_own)
{
	int r = sys_unlink_at(rdt->root, rdt->group, AT_REMOVEDIR);
	if ((r == 0 || r == -ENOENT) && is_own)
		r = sys_unlink_at(rdt->root, rdt->name, AT_REMOVEDIR);
	return r < 0 && r != -ENOENT ? err_new(r, "remove class %s of resctrl", rdt->name) : 0;
}

int runtime_rdt_place(const struct oci_spec *spec, struct runtime_state *state)
{
	auto_of(rdt) struct rdt rdt = {.root = -EBADF};
	state->rdt = !spec->rdt ? "" : spec->rdt->class_name ? spec->rdt->class_name : state->id;
	state->rdt_is_own = spec->rdt && !spec->rdt->class_name;
	return *state->rdt ? rdt_open(&rdt, state) : 0;
}

int runtime_rdt_enter(const struct oci_spec *spec, const struct runtime_state *state, pid_t pid)
{
	auto_of(rdt) struct rdt rdt = {.root = -EBADF};
	if (!*state->rdt)
		return 0;
	int r = rdt_open(&rdt, state);
	if (r == 0)
		r = class_make(&rdt, spec->rdt);
	if (r >= 0)
		r = class_fill(&rdt, spec->rdt, r == 1);
	if (r == 0 && spec->rdt->is_monitored)
		r = group_make(&rdt);
	return r < 0 ? r : pid_enter(&rdt, pid);
}

int runtime_rdt_join(const struct runtime_state *state, pid_t pid)
{
	auto_of(rdt) struct rdt rdt = {.root = -EBADF};
	int r = *state->rdt ? rdt_open(&rdt, state) : 0;
	return r < 0 || !*state->rdt ? r : pid_enter(&rdt, pid);
}

int runtime_rdt_update(const struct runtime_state *state, const char *schemata)
{
	auto_of(rdt) struct rdt rdt = {.root = -EBADF};
	if (!*state->rdt)
		return err_say(-EINVAL,
			"container \"%s\" has no class of resctrl: its "
			"configuration has no linux.intelRdt",
			state->id);
	int r = rdt_open(&rdt, state);
	return r < 0 ? r : rdt_write(&rdt, rdt.name, "schemata", schemata);
}

int runtime_rdt_remove(const struct runtime_state *state)
{
	auto_of(rdt) struct rdt rdt = {.root = -EBADF};
	int r = *state->rdt ? rdt_open(&rdt, state) : 0;
	return r < 0 || !*state->rdt ? r : class_remove(&rdt, state->rdt_is_own);
}
