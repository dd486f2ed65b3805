/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the host's clone to init's execve. The child runs on a copy of the host's memory and may
 * only take its ids, place its fds and execute init. All other fds that the host, or its caller,
 * has open end at the execve (SECURITY.md, rule 4).
 *
 * In a user namespace a process must have mapped ids before it executes anything, or it loses its
 * capabilities there: the child waits until its ids are mapped. A user namespace that is joined is
 * joined first of all, because it has to own the other new namespaces. Namespaces that are joined
 * beside a user namespace may belong to the host: they are joined before it, while the child still
 * has the caller's capabilities. In both cases the child only makes init, as a sibling, and tells
 * the host.
 */
#include "launch/sync.h"
#include "sys/calls.h"
#include "sys/fd.h"
#include "sys/process.h"
#include "sys/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

/* Above 0, 1, 2 and the sync socket on 3, so that placing one never closes another. */
enum { SYNC_FD = 3, SAFE_FD = 10 };

enum { CPU_WORDS = 128 }; /* 8192 processors, the kernel's most */

/* What the child keeps of the host's fds. */
struct birth_fds {
	int exe;
	int sync;
	int null; /* stands in for missing stdio: init never holds the host's 0, 1 and 2 */
};

static void birth_fds_close(struct birth_fds *fds)
{
	fd_close(fds->exe);
	fd_close(fds->sync);
	fd_close(fds->null);
}
AUTO_STRUCT(birth_fds, struct birth_fds, birth_fds_close)

/* Moves the fd to SAFE_FD or above, where placing 0 to 3 does not close it. */
static int safe_fd_take(int fd)
{
	if (fd < 0 || fd >= SAFE_FD)
		return fd;
	auto_close int old = fd;
	return sys_fcntl(old, F_DUPFD_CLOEXEC, SAFE_FD);
}

static int birth_fds_open(struct launch *l, struct birth_fds *out)
{
	/* Clock offsets are written to a file in /proc, which a hidden init would not own. */
	bool is_hidden = flat_count(&l->plan, PLAN_CLOCK) == 0;
	bool stays = plan_head(&l->plan)->flags & PLAN_REAPER;
	int exe = launch_sealed_exe(stays ? l->init_path : NULL, is_hidden);
	if (exe < 0)
		return exe;
	out->exe = safe_fd_take(exe);
	out->null = safe_fd_take(sys_open_at(AT_FDCWD, "/dev/null", O_RDWR | O_NOCTTY, 0));
	if (out->exe < 0 || out->null < 0)
		return err_new(out->exe < 0 ? out->exe : out->null, "open /dev/null for init");
	int pair[2];
	int r = socket_pair(pair);
	if (r < 0)
		return err_new(r, "make the sync socket");
	l->sync_fd = pair[0];
	out->sync = safe_fd_take(pair[1]);
	return out->sync < 0 ? err_new(out->sync, "place the sync socket") : 0;
}

static _Noreturn void child_fail(const struct birth_fds *fds)
{
	struct sync_message message = {.type = SYNC_FAILED, .phase = LAUNCH_PHASE_SETUP};
	err_pack(&message.error);
	sync_send(fds->sync, &message, NULL, 0);
	_exit(1);
}

/* Id 0 of the user namespace or, if 0 is not mapped, the first id that is mapped. */
static uint32_t first_id(const struct flat *plan, bool is_gid)
{
	uint32_t first = 0;
	bool has_first = false;
	for (uint32_t i = 0; i < flat_count(plan, PLAN_IDMAP); i++) {
		const struct ns_idmap_row *row = flat_row(plan, PLAN_IDMAP, i);
		if ((row->is_gid != 0) != is_gid)
			continue;
		if (!has_first || row->inner == 0)
			first = row->inner;
		has_first = true;
	}
	return first;
}

/* A process that is not root there keeps its capabilities over the execve. */
static int ids_take(const struct launch *l, const struct birth_fds *fds)
{
	struct sync_message message;
	int r = sync_expect(fds->sync, SYNC_MAPPED, &message, NULL, NULL);
	uint64_t all = sec_caps_of_caller();
	struct sec_caps caps = {all, all, all, all, all};
	if (r == 0)
		r = sec_caps_bound(&caps);
	if (r == 0)
		r = sec_ids_set_mapped(
			first_id(&l->plan, false), first_id(&l->plan, true), NULL, 0);
	return r < 0 ? r : sec_caps_set(&caps, -EBADF);
}

/* Enters the directory that the root will be attached over. The caller tries first, then, after the
 * change of ids, root of the namespace: one of them may be unable to reach the directory. */
static int identity_take(const struct launch *l, const struct birth_fds *fds)
{
	const char *point = flat_str(&l->plan, plan_head(&l->plan)->root_point);
	int entered = point ? sys_chdir(point) : 0;
	int r = ids_take(l, fds);
	if (r == 0 && entered == -EACCES)
		entered = sys_chdir(point);
	return r < 0 || entered == 0 ? r : err_new(entered, "enter %s", point);
}

/* The processors of the caller are not the container's. That all are allowed is only a wish: an
 * outer container may forbid the call. */
static void cpus_take(const struct launch *l)
{
	static const uint64_t all[CPU_WORDS] = {[0 ... CPU_WORDS - 1] = UINT64_MAX};
	if (!l->keeps_cpus)
		sys_sched_setaffinity(all, sizeof(all));
}

/* Runs on a copy of the host's memory. */
static _Noreturn void child_main(const struct launch *l, const struct birth_fds *fds)
{
	char name[] = "husk-init";
	char *const args[] = {name, NULL};
	char *const env[] = {NULL};
	cpus_take(l);
	if (plan_user_mode(&l->plan) && identity_take(l, fds) < 0)
		child_fail(fds);
	int r = 0;
	for (int i = 0; i < 3 && r >= 0; i++)
		r = fd_place(l->stdio[i] >= 0 ? l->stdio[i] : fds->null, i);
	if (r >= 0)
		r = fd_place(fds->sync, SYNC_FD);
	if (r >= 0)
		r = fd_cloexec_from(SYNC_FD + 1);
	if (r >= 0)
		r = sys_execve_at(fds->exe, "", args, env, AT_EMPTY_PATH);
	err_new(r, "execute init");
	child_fail(fds);
}

/* Explains errors whose usual text says something else. */
static int clone_error(int r, uint64_t flags)
{
	if (r == -ENOSPC)
		return err_say(r,
			"a limit on the number of namespaces is reached (see sysctl "
			"user.max_*_namespaces)");
	if (r == -EINVAL)
		return err_say(r, "this kernel lacks a kind of namespace that was asked for");
	if (r == -EPERM && flags & CLONE_NEWUSER)
		return err_say(r,
			"user namespaces are not allowed here (sysctl "
			"kernel.unprivileged_userns_clone, "
			"user.max_user_namespaces)");
	if (r == -EACCES)
		return err_say(r,
			"this user may not begin a process in the container's cgroup: the group "
			"above "
			"both has not been delegated");
	if (r == -EPERM)
		return err_say(
			r, "not allowed to make namespaces: root or a user namespace is needed");
	return err_new(r, "start init");
}

/* Without capabilities the joining is left to init, which has them in the user namespace. */
static bool joins_early(const struct launch *l)
{
	bool joins_others = false;
	for (uint32_t i = 0; i < flat_count(&l->plan, PLAN_NAMESPACE); i++) {
		const struct ns_row *row = flat_row(&l->plan, PLAN_NAMESPACE, i);
		joins_others |= row->mode == NS_MODE_JOIN && row->kind != NS_USER;
	}
	return joins_others && plan_user_mode(&l->plan) && sec_cap_is_effective(CAP_SYS_ADMIN);
}

bool birth_makes_sibling(const struct launch *l)
{
	return plan_user_mode(&l->plan) == NS_MODE_JOIN || joins_early(l);
}

static int others_join(const struct launch *l)
{
	for (uint32_t i = 0; i < flat_count(&l->plan, PLAN_NAMESPACE); i++) {
		const struct ns_row *row = flat_row(&l->plan, PLAN_NAMESPACE, i);
		if (row->mode != NS_MODE_JOIN || row->kind == NS_USER)
			continue;
		int r = sys_setns(l->slots[row->slot], (int)ns_info[row->kind].clone_flag);
		if (r < 0)
			return err_new(r, "join %s namespace %s", ns_info[row->kind].oci_name,
				flat_str(&l->plan, row->path));
	}
	return 0;
}

/* In the child: enters the namespaces that are joined, and makes init there. */
static _Noreturn void join_main(const struct launch *l, const struct birth_fds *fds)
{
	const struct ns_row *row = plan_user_row(&l->plan);
	bool joins_user = plan_user_mode(&l->plan) == NS_MODE_JOIN;
	struct sync_message message = {.type = SYNC_CHILD};
	int pidfd = -EBADF;
	uint64_t flags = plan_head(&l->plan)->clone_flags;
	struct clone_args args = {
		.flags = flags | CLONE_PIDFD | CLONE_PARENT, .pidfd = (uintptr_t)&pidfd};
	/* Root of that namespace, or of a pid namespace that is joined, could trace this process,
	 * which has a copy of the host's memory and its fds. For an ordinary user it stays
	 * dumpable: the process needs its files in /proc, and shows that user nothing new. */
	bool is_seen = joins_user || plan_joined_row(&l->plan, NS_PID);
	if (is_seen && sec_cap_is_effective(CAP_SYS_ADMIN))
		sys_prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	if (joins_early(l) && others_join(l) < 0)
		child_fail(fds);
	int r = joins_user ? sys_setns(l->slots[row->slot], CLONE_NEWUSER) : 0;
	if (r < 0) {
		err_new(r, "join user namespace %s", flat_str(&l->plan, row->path));
		child_fail(fds);
	}
	r = sys_clone3(&args);
	if (r == 0)
		child_main(l, fds);
	if (r < 0) {
		clone_error(r, flags);
		child_fail(fds);
	}
	message.step = (uint32_t)r;
	r = sync_send(fds->sync, &message, &pidfd, 1);
	_exit(r < 0);
}

static int clone_into(struct launch *l, const struct birth_fds *fds, int cgroup_fd)
{
	bool joins = birth_makes_sibling(l);
	struct clone_args args = {
		.flags = (joins ? 0 : plan_head(&l->plan)->clone_flags) | CLONE_PIDFD |
			(cgroup_fd >= 0 ? CLONE_INTO_CGROUP : 0),
		.pidfd = (uintptr_t)&l->pidfd,
		.exit_signal = SIGCHLD,
		.cgroup = cgroup_fd >= 0 ? (uint64_t)cgroup_fd : 0,
	};
	int pid = sys_clone3(&args);
	if (pid == 0 && joins)
		join_main(l, fds);
	if (pid == 0)
		child_main(l, fds);
	return pid;
}

/* The container's processes have made groups in its group, so no process can be in the group
 * itself: an exec goes into the group of the container's first process. */
static int clone_beside_target(struct launch *l, const struct birth_fds *fds, int cgroup_fd)
{
	int target = process_pid(l->slots[SLOT_TARGET]);
	if (target < 0)
		return err_new(target, "look at the container's first process");
	auto_close int inner = cgroup_entry_below(
		cgroup_fd, flat_str(&l->plan, plan_head(&l->plan)->cgroup_path), target);
	int pid = inner < 0 ? inner : clone_into(l, fds, inner);
	return inner >= 0 && pid < 0 ? clone_error(pid, plan_head(&l->plan)->clone_flags) : pid;
}

int birth_begin(struct launch *l)
{
	auto_of(birth_fds) struct birth_fds fds = {-EBADF, -EBADF, -EBADF};
	int r = birth_fds_open(l, &fds);
	if (r < 0)
		return r;
	auto_close int cgroup_fd = take_fd(&l->slots[SLOT_CGROUP_TREE]);
	int pid = clone_into(l, &fds, cgroup_fd);
	if (pid == -EBUSY && l->subgroup_count > 0)
		err_say(pid,
			"this cgroup has controllers for groups below it, and takes no process");
	else if (pid == -EBUSY && l->slots[SLOT_TARGET] >= 0)
		pid = clone_beside_target(l, &fds, cgroup_fd);
	else if (pid < 0)
		clone_error(pid, plan_head(&l->plan)->clone_flags);
	if (pid < 0)
		return pid;
	l->pid = pid;
	/* What has been joined is no slot of init's any more. */
	for (uint32_t i = 0; joins_early(l) && i < flat_count(&l->plan, PLAN_NAMESPACE); i++) {
		const struct ns_row *row = flat_row(&l->plan, PLAN_NAMESPACE, i);
		if (row->mode == NS_MODE_JOIN)
			fd_replace(&l->slots[row->slot], -EBADF);
	}
	return 0;
}
