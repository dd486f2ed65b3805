/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Joining namespaces, as nsenter(1).
 *
 * Everything that is looked up on the caller's side (pidfd, namespace files, root, working
 * directory, environment) is opened first. Joining a user namespace gives privileges over the
 * namespaces that it owns and takes them away over all others. So the files are joined first as far
 * as the kernel allows, then the user namespace, then the files that were refused before.
 */
#include "ns/internal.h"

#include "base/err.h"
#include "base/str.h"
#include "sys/calls.h"
#include "sys/fd.h"
#include "sys/file.h"
#include "sys/process.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <linux/sched.h>
#include <unistd.h>

enum { EXIT_HUSK = 125, ENVIRONMENT_MAX = 4 << 20 };

/* pidfs exists since [6.9]; before that, all pidfds have the same inode. */
static const uint64_t pidfs_magic = 0x50494446;

struct enter {
	const struct ns_enter_request *request;
	int pidfd, root_fd, wd_fd, cgroup_fd;
	int files[NS_COUNT];
	uint32_t kinds; /* of the process, once `all` is resolved */
	struct ns_command command;
	struct buf environment;
	char **env;
};

static void enter_init(struct enter *e, const struct ns_enter_request *request)
{
	*e = (struct enter){.request = request,
		.pidfd = -EBADF,
		.root_fd = -EBADF,
		.wd_fd = -EBADF,
		.cgroup_fd = -EBADF,
		.kinds = request->kinds,
		.command = request->command,
		.environment = BUF_INIT,
		.env = NULL};
	for (int kind = 0; kind < NS_COUNT; kind++)
		e->files[kind] = -EBADF;
}

static void enter_release(struct enter *e)
{
	fd_close(e->pidfd);
	fd_close(e->root_fd);
	fd_close(e->wd_fd);
	fd_close(e->cgroup_fd);
	for (int kind = 0; kind < NS_COUNT; kind++)
		fd_close(e->files[kind]);
	buf_release(&e->environment);
	free(e->env);
}
AUTO_STRUCT(enter, struct enter, enter_release)

/* The pid may belong to another process by now. The inode of a pidfd is never used again. */
static int check_inode(const struct enter *e)
{
	struct stat st;
	uint64_t magic = 0;
	const struct ns_enter_request *q = e->request;
	int r = sys_fs_magic(e->pidfd, &magic);
	if (r == 0 && magic != pidfs_magic)
		return err_say(-EOPNOTSUPP,
			"%d:%llu: this kernel gives processes no inode (Linux 6.9 does): leave it "
			"out",
			q->pid, (unsigned long long)q->pid_inode);
	if (r == 0)
		r = sys_stat_fd(e->pidfd, &st);
	if (r < 0)
		return err_new(r, "look at process %d", q->pid);
	if (st.st_ino != q->pid_inode)
		return err_say(-ESRCH,
			"process %d is another one by now: its inode is %llu, not %llu", q->pid,
			(unsigned long long)st.st_ino, (unsigned long long)q->pid_inode);
	return 0;
}

static int open_target(struct enter *e)
{
	pid_t pid = e->request->pid;
	if (pid == 0)
		return 0;
	struct process_id id = {.pid = pid, .start_ticks = e->request->start_ticks};
	e->pidfd = id.start_ticks ? process_open(&id) : sys_pidfd_open(pid, 0);
	if (e->pidfd == -ESRCH || e->pidfd == -EINVAL)
		return err_say(e->pidfd, "no such process: %d", pid);
	if (e->pidfd < 0)
		return err_new(e->pidfd, "open process %d", pid);
	return e->request->pid_inode ? check_inode(e) : 0;
}

/* Chooses the namespaces in which the process differs from the caller. The kernel refuses to
 * join the caller's own user namespace, and joining its own mount namespace would still change
 * the root. */
static int resolve_all(struct enter *e)
{
	for (int kind = 0; e->request->wants_all && kind < NS_COUNT; kind++) {
		uint64_t own = 0, theirs = 0;
		int r = ns_inode(0, (enum ns_kind)kind, &own);
		if (r == 0)
			r = ns_inode(e->request->pid, (enum ns_kind)kind, &theirs);
		if (r < 0)
			return r;
		if (theirs != 0 && own != theirs)
			e->kinds |= 1u << kind;
	}
	return 0;
}

static int open_file(struct enter *e, int kind, const char *path)
{
	int found = ns_file_kind_find(path);
	if (found == -EINVAL || found == -ENOTTY)
		return err_say(-EINVAL, "%s is not a namespace file", path);
	if (found < 0)
		return err_new(found, "open %s", path);
	if (found != kind)
		return err_say(-EINVAL, "%s is a %s namespace, not a %s namespace", path,
			ns_info[found].option, ns_info[kind].option);
	e->files[kind] = sys_open_at(AT_FDCWD, path, O_RDONLY | O_NOCTTY, 0);
	return e->files[kind] < 0 ? err_new(e->files[kind], "open %s", path) : 0;
}

/* A kind of namespace for which a file is given is not taken from the process. */
static int open_files(struct enter *e)
{
	for (int kind = 0; kind < NS_COUNT; kind++) {
		const char *path = e->request->files[kind];
		if (!path)
			continue;
		int r = open_file(e, kind, path);
		if (r < 0)
			return r;
		e->kinds &= ~(1u << kind);
	}
	return 0;
}

/* "" means the target's own directory, /proc/PID/NAME. */
static int open_dir(const struct enter *e, const char *path, const char *name, int *out_fd)
{
	char own[64];
	if (!path)
		return 0;
	if (*path == '\0' && e->request->pid == 0)
		return err_say(-EINVAL, "--%s without a directory needs a process",
			str_eq(name, "root") ? "root" : "wd");
	if (*path == '\0')
		fmt(own, "/proc/%d/%s", e->request->pid, name);
	const char *dir = *path ? path : own;
	int fd = sys_open_at(AT_FDCWD, dir, O_RDONLY | O_DIRECTORY, 0);
	if (fd < 0)
		return err_new(fd, "open %s", dir);
	*out_fd = fd;
	return 0;
}

static int load_environment(struct enter *e)
{
	char path[64];
	if (!e->request->takes_env)
		return 0;
	if (e->request->pid == 0)
		return err_say(-EINVAL, "--env needs a process");
	fmt(path, "/proc/%d/environ", e->request->pid);
	int r = file_read_at(AT_FDCWD, path, ENVIRONMENT_MAX, &e->environment);
	if (r < 0)
		return err_new(r, "read the environment of process %d", e->request->pid);
	size_t count = 0;
	for (size_t i = 0; i < e->environment.len; i++)
		count += e->environment.data[i] == '\0';
	e->env = mem_new((count + 2) * sizeof(*e->env));
	count = 0;
	for (char *at = e->environment.data; at < e->environment.data + e->environment.len;
		at += strlen(at) + 1)
		e->env[count++] = at;
	return 0;
}

/* Opens cgroup.procs of the target's cgroup in the unified hierarchy, as newer nsenter(1) does. */
static int open_cgroup(struct enter *e)
{
	char path[64];
	auto_buf struct buf groups = BUF_INIT, file = BUF_INIT;
	if (!e->request->joins_cgroup)
		return 0;
	if (e->request->pid == 0)
		return err_say(-EINVAL, "--join-cgroup needs a process");
	fmt(path, "/proc/%d/cgroup", e->request->pid);
	int r = file_read_at(AT_FDCWD, path, 65536, &groups);
	if (r < 0)
		return err_new(r, "read the cgroup of process %d", e->request->pid);
	char *rest = groups.data;
	const char *group = NULL;
	for (char *line = str_cut(&rest, '\n'); line && !group; line = str_cut(&rest, '\n'))
		group = str_after(line, "0::");
	bool is_hybrid = sys_access_at(AT_FDCWD, "/sys/fs/cgroup/unified/cgroup.procs", F_OK, 0) >=
		0;
	buf_addf(&file, "/sys/fs/cgroup%s%s/cgroup.procs", is_hybrid ? "/unified" : "",
		group ? group : "");
	e->cgroup_fd = group ? sys_open_at(AT_FDCWD, file.data, O_WRONLY | O_NOCTTY, 0)
			     : -EOPNOTSUPP;
	return e->cgroup_fd < 0
		? err_new(e->cgroup_fd, "join the cgroup of process %d", e->request->pid)
		: 0;
}

/* Files that were opened by the pid belong to this process if it has not been reaped yet. */
static int still_there(const struct enter *e)
{
	int r = e->pidfd < 0 ? 0 : sys_pidfd_send_signal(e->pidfd, 0);
	if (r == -ESRCH)
		return err_say(r, "process %d has just ended", e->request->pid);
	return 0; /* a process that may not be signalled exists */
}

static int say_not_joined(int code, int kind)
{
	const char *name = ns_info[kind].option;
	if (code == -EPERM)
		return err_say(code,
			"join the %s namespace: not permitted: it needs root, or its user "
			"namespace joined with it "
			"(--user)",
			name);
	if (code == -EINVAL && kind == NS_USER)
		return err_say(code,
			"join the user namespace: the caller is in it already, or it is not a "
			"child's");
	return err_new(code, "join the %s namespace", name);
}

static bool is_in_user_already(const struct enter *e)
{
	uint64_t own = 0, theirs = 1;
	return ns_inode(0, NS_USER, &own) == 0 &&
		ns_inode(e->request->pid, NS_USER, &theirs) == 0 && own == theirs;
}

/* setns(2) does not say which of several namespaces was refused. */
static int say_target_refused(int code, const struct enter *e)
{
	auto_buf struct buf names = BUF_INIT;
	if (code == -EINVAL && e->kinds & 1u << NS_USER && is_in_user_already(e))
		return err_say(code,
			"join the user namespace of process %d: the caller is in it already",
			e->request->pid);
	for (int kind = 0; kind < NS_COUNT; kind++) {
		if (e->kinds & 1u << kind)
			buf_addf(&names, "%s%s", names.len ? ", " : "", ns_info[kind].option);
	}
	if (code == -EPERM)
		return err_say(code,
			"join the namespaces of process %d (%s): not permitted: it needs root, or "
			"their user "
			"namespace joined with them (--user, --all)",
			e->request->pid, names.data);
	if (code == -ESRCH)
		return err_say(code, "no such process: %d", e->request->pid);
	return err_new(code, "join the namespaces of process %d (%s)", e->request->pid, names.data);
}

static uint32_t flags_of(uint32_t kinds)
{
	uint32_t flags = 0;
	for (int kind = 0; kind < NS_COUNT; kind++)
		flags |= kinds & 1u << kind ? ns_info[kind].clone_flag : 0;
	return flags;
}

/* Joins the namespaces whose files are open, the user namespace only if asked for. A refusal is an
 * error only with is_strict; otherwise the file stays open. */
static int join_files(struct enter *e, bool with_user, bool is_strict)
{
	for (int kind = with_user ? 0 : NS_USER + 1; kind < NS_COUNT; kind++) {
		if (e->files[kind] < 0)
			continue;
		int r = sys_setns(e->files[kind], (int)ns_info[kind].clone_flag);
		if (r < 0 && is_strict)
			return say_not_joined(r, kind);
		if (r >= 0)
			fd_close(take_fd(&e->files[kind]));
	}
	return 0;
}

/* For kernels before 5.8: the namespaces are joined one after the other, by their files. */
static int open_target_files(struct enter *e)
{
	for (int kind = 0; kind < NS_COUNT; kind++) {
		if (!(e->kinds & 1u << kind))
			continue;
		e->files[kind] = ns_open(e->request->pid, (enum ns_kind)kind);
		if (e->files[kind] < 0)
			return e->files[kind];
	}
	e->kinds = 0;
	return 0;
}

static int join_target(struct enter *e)
{
	uint32_t flags = flags_of(e->kinds);
	if (flags == 0)
		return 0;
	int r = sys_setns(e->pidfd, (int)flags);
	bool is_old = r == -EBADF ||
		(r == -EINVAL && !(e->kinds & 1u << NS_USER && is_in_user_already(e)));
	if (is_old)
		return open_target_files(e);
	return r < 0 ? say_target_refused(r, e) : 0;
}

static int join(struct enter *e)
{
	int r = join_files(e, false, false);
	if (r == 0)
		r = join_target(e);
	if (r == 0)
		r = join_files(e, false, false);
	return r < 0 ? r : join_files(e, true, true);
}

static int enter_root(struct enter *e)
{
	int r = 0;
	/* Only a working directory that the caller asked for may be outside of the new root. */
	if (e->root_fd >= 0) {
		r = sys_fchdir(e->root_fd);
		if (r == 0)
			r = sys_chroot(".");
		if (r < 0)
			return err_new(r, "change the root");
	}
	if (e->request->wd_inside) {
		r = sys_chdir(*e->request->wd_inside ? e->request->wd_inside : "/");
		if (r < 0)
			return err_new(
				r, "change the working directory to %s", e->request->wd_inside);
	}
	r = e->wd_fd >= 0 ? sys_fchdir(e->wd_fd) : 0;
	return r < 0 ? err_new(r, "change the working directory") : 0;
}

/* The caller's ids mean nothing in another user namespace: the command runs as its root, unless
 * other ids are asked for. */
static void choose_credentials(struct enter *e, bool enters_user)
{
	if (!enters_user || e->request->keeps_credentials)
		return;
	e->command.has_uid = e->command.has_gid = true;
}

static int enter_open(struct enter *e)
{
	const struct ns_enter_request *q = e->request;
	int r = open_target(e);
	if (r == 0 && q->pid)
		r = resolve_all(e);
	if (r == 0)
		r = open_files(e);
	if (r == 0)
		r = open_dir(e, q->root, "root", &e->root_fd);
	if (r == 0)
		r = open_dir(e, q->wd, "cwd", &e->wd_fd);
	if (r == 0)
		r = load_environment(e);
	if (r == 0)
		r = open_cgroup(e);
	return r < 0 ? r : still_there(e);
}

static int become(struct enter *e, const struct ns_child *child, int *out_code)
{
	int r = ns_command_credentials(&e->command);
	return r < 0 ? r : ns_command_exec(&e->command, child, e->env ? e->env : environ, out_code);
}

static int enter_forked(struct enter *e, int *out_code)
{
	struct ns_child child = {.pidfd = -EBADF, .fd = -EBADF};
	int r = ns_child_fork(&child);
	if (r < 0)
		return r;
	if (r == 0) {
		int code = EXIT_HUSK;
		r = ns_child_await(&child);
		if (r == 0)
			become(e, &child, &code);
		ns_child_fail(&child, code);
	}
	auto_close int fd = child.fd;
	auto_kill int pidfd = child.pidfd;
	r = ns_child_release(&child, out_code);
	if (r < 0)
		return r;
	child.pidfd = take_fd(&pidfd);
	return ns_child_wait(&child, &e->command, out_code);
}

int ns_enter(const struct ns_enter_request *request, int *out_code)
{
	auto_of(enter) struct enter e;
	enter_init(&e, request);
	*out_code = EXIT_HUSK;
	int r = enter_open(&e);
	if (r < 0)
		return r;
	bool enters_user = e.kinds & 1u << NS_USER || e.files[NS_USER] >= 0;
	bool enters_pid = e.kinds & 1u << NS_PID || e.files[NS_PID] >= 0;
	choose_credentials(&e, enters_user);
	r = e.cgroup_fd >= 0 ? (int)sys_write(e.cgroup_fd, "0", 1) : 0;
	if (r < 0)
		return err_new(r, "join the cgroup of process %d", request->pid);
	r = join(&e);
	if (r == 0)
		r = enter_root(&e);
	if (r < 0)
		return r;
	return enters_pid && !request->never_forks ? enter_forked(&e, out_code)
						   : become(&e, NULL, out_code);
}
