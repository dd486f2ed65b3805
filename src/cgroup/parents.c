/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the directories above a group need before the group can be used. Controllers are enabled
 * from the top down (v2). A new v1 cpuset has no cpus and no memory nodes, and no process may join
 * it. Both are done once per instance directory; after that new groups have what they need without
 * a further system call.
 */
#include "cgroup/internal.h"

#include "base/err.h"
#include "base/log.h"
#include "base/str.h"
#include "sys/file.h"

#include <errno.h>

enum { FILE_NAME_MAX = 3 * (CGROUP_LEVELS_MAX + 1) + 64, CPUSET_TEXT_MAX = 4096 };

/* "../../NAME": a file of the directory `level` above. */
static void climb(char out[static FILE_NAME_MAX], size_t level, const char *name)
{
	size_t len = 0;

	if (level > CGROUP_LEVELS_MAX + 1)
		BUG("climbing %zu levels", level);
	for (; len < 3 * level; len += 3)
		memcpy(out + len, "../", 3);
	fmt_n(out + len, FILE_NAME_MAX - len, "%s", name);
}

static int enable_error(int r, size_t level, size_t levels)
{
	err_new(r, "enable controllers in the cgroup %zu above", level);
	if (r != -EBUSY)
		return r;
	if (level < levels)
		return err_hint(r,
			"It has processes of its own, which cgroup v2 does not allow beside "
			"groups");
	return err_hint(r,
		"The group that husk runs in has processes of its own: move them into a group "
		"below "
		"it (mkdir init; write their pids to init/cgroup.procs), or start husk with "
		"systemd-run --scope -p Delegate=yes");
}

/* Enables controllers in one directory. A controller is left out if the kernel has none of that
 * name here (ENOENT), if it cannot be enabled now (EINVAL: cpu beside realtime processes), or if
 * another user decides about it: a limit that needs it fails later. */
static int enable_at(int fd, size_t level, size_t levels)
{
	static const char *const names[] = {"+cpuset", "+cpu", "+io", "+memory", "+pids"};
	char file[FILE_NAME_MAX];

	climb(file, level, "cgroup.subtree_control");
	/* Mostly one write enables all of them. */
	if (file_write_at(fd, file, "+cpuset +cpu +io +memory +pids") == 0)
		return 0;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		int r = file_write_at(fd, file, names[i]);
		if (r == -ENOENT || r == -EINVAL || r == -EACCES || r == -EPERM)
			log_debug("cgroup controller %s cannot be enabled", names[i]);
		else if (r < 0)
			return enable_error(r, level, levels);
	}
	return 0;
}

int cgroup_enable_controllers(int fd, size_t levels)
{
	for (size_t level = levels; level > 0; level--) {
		int r = enable_at(fd, level, levels);
		if (r < 0)
			return r;
	}
	return 0;
}

static int cpuset_read(int fd, size_t level, const char *name, struct buf *out)
{
	char file[FILE_NAME_MAX];

	climb(file, level, name);
	buf_clear(out);
	int r = file_read_at(fd, file, CPUSET_TEXT_MAX, out);
	return r < 0 ? err_new(r, "read %s", file) : 0;
}

/* Gives the directory `level` above the value of its parent, if it has none. */
static int cpuset_fill(int fd, size_t level, const char *name)
{
	auto_buf struct buf value = BUF_INIT;
	char file[FILE_NAME_MAX];

	int r = cpuset_read(fd, level, name, &value);
	if (r < 0 || (value.len && value.data[0] != '\n'))
		return r;
	r = cpuset_read(fd, level + 1, name, &value);
	if (r < 0)
		return r;
	climb(file, level, name);
	r = file_write_at(fd, file, value.data);
	return r < 0 ? err_new(r, "write %s", file) : 0;
}

bool cgroup_cpuset_is_empty(int fd)
{
	auto_buf struct buf value = BUF_INIT;

	return file_read_at(fd, "cpuset.cpus", CPUSET_TEXT_MAX, &value) == 0 &&
		(value.len == 0 || value.data[0] == '\n');
}

int cgroup_cpuset_inherit(int fd, size_t levels)
{
	char file[FILE_NAME_MAX];

	for (size_t level = levels; level-- > 0;) {
		int r = cpuset_fill(fd, level, "cpuset.cpus");
		if (r == 0)
			r = cpuset_fill(fd, level, "cpuset.mems");
		if (r < 0)
			return r;
		if (level == 0)
			break;
		/* From now on the kernel fills new groups in this directory. If it is another
		 * user's, husk fills them. */
		climb(file, level, "cgroup.clone_children");
		r = file_write_at(fd, file, "1");
		if (r < 0 && r != -EACCES && r != -EPERM)
			return err_new(r, "write %s", file);
	}
	return 0;
}
