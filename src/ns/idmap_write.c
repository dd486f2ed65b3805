/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing id maps of a child's user namespace. The kernel takes a map once and in one write. It
 * refuses with EPERM what the writer may not map, and then nothing has changed. So the direct way
 * is tried first, and the set-uid helpers of shadow only if it fails.
 */
#include "ns/internal.h"

#include "base/err.h"
#include "base/str.h"
#include "sys/calls.h"
#include "sys/file.h"
#include "sys/process.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

struct map {
	const char *which; /* "uid" */
	const struct ns_idmap *lines;
	size_t count;
	uint32_t own_id;
};

/* Where shadow installs newuidmap and newgidmap. */
static const char *const helper_dirs[] = {
	"/usr/bin", "/bin", "/usr/local/bin", "/run/wrappers/bin"};

static const char *helper_find(struct buf *path, const char *which)
{
	for (size_t i = 0; i < sizeof(helper_dirs) / sizeof(*helper_dirs); i++) {
		buf_clear(path);
		buf_addf(path, "%s/new%smap", helper_dirs[i], which);
		if (sys_access_at(AT_FDCWD, path->data, X_OK, 0) >= 0)
			return path->data;
	}
	return NULL;
}

static void describe(const struct map *m, char separator, struct buf *out)
{
	for (size_t i = 0; i < m->count; i++)
		buf_addf(out, "%s%u%c%u%c%u", i ? ", " : "", m->lines[i].inner, separator,
			m->lines[i].outer, separator, m->lines[i].count);
}

static int write_helper(pid_t pid, const struct map *m)
{
	auto_buf struct buf path = BUF_INIT, output = BUF_INIT, lines = BUF_INIT;
	auto_strvec struct strvec argv = STRVEC_INIT;
	describe(m, ':', &lines);
	if (!helper_find(&path, m->which))
		return err_say(-EPERM,
			"%s map %s: only root may map other ids than its own, and new%smap "
			"(package uidmap) is not "
			"installed",
			m->which, lines.data, m->which);
	strvec_push(&argv, path.data);
	strvec_pushf(&argv, "%d", pid);
	for (size_t i = 0; i < m->count; i++) {
		strvec_pushf(&argv, "%u", m->lines[i].inner);
		strvec_pushf(&argv, "%u", m->lines[i].outer);
		strvec_pushf(&argv, "%u", m->lines[i].count);
	}
	int r = process_run((const char *const *)argv.items, &output);
	if (r < 0)
		return err_new(r, "run %s", path.data);
	char *rest = output.data;
	const char *first = str_cut(&rest, '\n');
	if (r > 0)
		return err_say(-EPERM, "%s map %s: %s", m->which, lines.data,
			*first ? first : "newuidmap refused it");
	return 0;
}

static bool is_own_id(const struct map *m)
{
	return m->count == 1 && m->lines[0].count == 1 && m->lines[0].outer == m->own_id;
}

static int write_direct(pid_t pid, const struct map *m)
{
	char path[64];
	auto_buf struct buf text = BUF_INIT;
	for (size_t i = 0; i < m->count; i++)
		buf_addf(&text, "%u %u %u\n", m->lines[i].inner, m->lines[i].outer,
			m->lines[i].count);
	/* The kernel takes less than one page, whatever the number of lines. */
	if (text.len >= (size_t)sysconf(_SC_PAGESIZE))
		return -E2BIG;
	fmt(path, "/proc/%d/%s_map", pid, m->which);
	return file_write_at(AT_FDCWD, path, text.data);
}

static int write_map(pid_t pid, const struct map *m)
{
	if (m->count == 0)
		return 0;
	int r = write_direct(pid, m);
	if (r == -EPERM && is_own_id(m) && str_eq(m->which, "gid")) {
		char path[64];
		/* Since 3.19 a process without privilege may map its own gid only if groups cannot
		 * be dropped afterwards. */
		fmt(path, "/proc/%d/setgroups", pid);
		file_write_at(AT_FDCWD, path, "deny");
		r = write_direct(pid, m);
	}
	if (r == -EPERM && !is_own_id(m))
		return write_helper(pid, m);
	if (r == 0)
		return 0;
	if (ns_sysctl("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == 1 &&
		geteuid() != 0)
		return err_say(r,
			"this system restricts user namespaces to root: "
			"kernel.apparmor_restrict_unprivileged_userns "
			"is 1");
	auto_buf struct buf lines = BUF_INIT;
	describe(m, ':', &lines);
	if (r == -EPERM)
		return err_say(r, "%s map %s: the ids outside are not the caller's to map",
			m->which, lines.data);
	return err_new(r, "%s map %s", m->which, lines.data);
}

int ns_idmap_write(pid_t pid, const struct ns_idmap *uids, size_t uid_count,
	const struct ns_idmap *gids, size_t gid_count)
{
	struct map uid_map = {"uid", uids, uid_count, geteuid()};
	struct map gid_map = {"gid", gids, gid_count, getegid()};
	int r = uid_count ? ns_idmap_check(uids, uid_count, "uid") : 0;
	if (r == 0 && gid_count)
		r = ns_idmap_check(gids, gid_count, "gid");
	if (r == 0)
		r = write_map(pid, &uid_map);
	return r < 0 ? r : write_map(pid, &gid_map);
}

/* The namespace is made by a child that lives until the namespace is open. */
int ns_user_make(const struct ns_idmap *uids, size_t uid_count, const struct ns_idmap *gids,
	size_t gid_count)
{
	auto_kill int pidfd = -EBADF;
	struct clone_args args = {
		.flags = CLONE_NEWUSER | CLONE_PIDFD,
		.pidfd = (uintptr_t)&pidfd,
		.exit_signal = SIGCHLD,
	};
	pid_t parent = getpid();
	int pid = sys_clone3(&args);
	if (pid == 0) {
		sys_prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		while (getppid() == parent)
			pause();
		_exit(0);
	}
	if (pid < 0)
		return err_new(pid, "make a user namespace");
	int r = ns_idmap_write(pid, uids, uid_count, gids, gid_count);
	return r < 0 ? r : ns_open(pid, NS_USER);
}
