/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Init's steps up to the new root: namespaces, root, mounts, terminal, names, working directory.
 * See init.c for what init may and may not do.
 */
#include "launch/init.h"
#include "launch/sync.h"
#include "base/str.h"
#include "sys/calls.h"
#include "sys/fd.h"
#include "sys/file.h"
#include "sys/path.h"
#include "sys/socket.h"
#include "sys/term.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <sys/ioctl.h>

enum { DEVPTS_MAGIC = 0x1cd1 };

static uint64_t joined_flags(const struct flat *plan)
{
	uint64_t flags = 0;
	for (uint32_t i = 0; i < flat_count(plan, PLAN_NAMESPACE); i++) {
		const struct ns_row *row = flat_row(plan, PLAN_NAMESPACE, i);
		if (row->mode == NS_MODE_JOIN)
			flags |= ns_info[row->kind].clone_flag;
	}
	return flags;
}

/* An exec is root of the user namespace, if there is one, until it becomes its user. So what it
 * makes, such as a terminal, has an owner that the container knows, and the host's root opens
 * nothing in the container's name. */
static int namespace_root_become(void)
{
	int r = sys_setresgid(0);
	if (r == 0 || r == -EINVAL)
		r = sys_setresuid(0);
	return r == -EINVAL ? 0 : r;
}

/* An exec joins all namespaces at once through the container's pidfd [5.8], and is born in its pid
 * namespace at the very end. A new container joins one by one the namespaces that it shares. It is
 * born in a shared pid namespace here, because it mounts its own procfs. */
int step_namespaces(struct init *init, const void *row)
{
	const struct plan_head_row *head = row;
	uint64_t flags = joined_flags(&init->plan);
	int r;

	if (head->kind == PLAN_KIND_EXEC) {
		r = sys_setns(init->slots[SLOT_TARGET], (int)flags);
		if (r < 0)
			return err_new(r, "join the container's namespaces");
		r = flags & CLONE_NEWUSER ? namespace_root_become() : 0;
		if (r < 0)
			return err_new(r, "become root of the user namespace");
		fd_close(take_fd(&init->slots[SLOT_TARGET]));
		init->mount.root_fd = sys_open_at(AT_FDCWD, "/", O_PATH | O_DIRECTORY, 0);
		if (init->mount.root_fd < 0)
			return err_new(init->mount.root_fd, "open the container's root");
		return 0;
	}

	bool has_joined_pid = false;
	for (uint32_t i = 0; i < flat_count(&init->plan, PLAN_NAMESPACE); i++) {
		const struct ns_row *ns = flat_row(&init->plan, PLAN_NAMESPACE, i);
		if (ns->mode != NS_MODE_JOIN || ns->kind == NS_USER || init->slots[ns->slot] < 0)
			continue; /* joined before init was made, see birth.c */
		r = sys_setns(init->slots[ns->slot], (int)ns_info[ns->kind].clone_flag);
		if (r < 0)
			return err_new(r, "join %s namespace %s", ns_info[ns->kind].oci_name,
				flat_str(&init->plan, ns->path));
		fd_close(take_fd(&init->slots[ns->slot]));
		has_joined_pid |= ns->kind == NS_PID;
	}
	return has_joined_pid ? hand_over(init) : 0;
}

int step_root(struct init *init, const void *row)
{
	const struct plan_head_row *head = row;
	int r = head->flags & PLAN_OPENS_INSIDE
		? prepare_trees(&init->plan, NULL, NULL, init->slots)
		: 0;
	if (r < 0)
		return r;
	int root = init->slots[SLOT_ROOT];
	if (root < 0)
		return err_say(-EBADF, "no root was handed over");
	umask(0); /* modes of nodes and mount points are exactly the plan's */
	const char *point = flat_str(&init->plan, head->root_point);
	/* Root of a user namespace may be unable to reach the path, but was born in it. */
	if (point && plan_user_row(&init->plan))
		point = ".";
	return mount_root_attach(&init->mount, root, point);
}

/* Moves into the groups of v1 hierarchies. In the v2 tree this process was cloned into its
 * group. */
int step_cgroup_join(struct init *init, const void *row)
{
	int r = 0;
	for (uint32_t i = SLOT_CGROUP_FIRST; r == 0 && i < SLOT_KEEP_FIRST; i++)
		r = init->slots[i] < 0 ? 0 : cgroup_entry_move(init->slots[i]);
	fd_close_all(init->slots + SLOT_CGROUP_FIRST, SLOT_KEEP_FIRST - SLOT_CGROUP_FIRST);
	return r < 0 ? err_new(r, "move into the container's cgroup") : 0;
}

/* The group that this process is in becomes the root of its view. */
int step_cgroup_namespace(struct init *init, const void *row)
{
	int r = sys_unshare(CLONE_NEWCGROUP);
	return r < 0 ? err_new(r, "make the cgroup namespace") : 0;
}

int step_mount(struct init *init, const void *row)
{
	return mount_row_apply(&init->mount, row);
}

int step_node(struct init *init, const void *row)
{
	return mount_node_apply(&init->mount, row);
}

int step_guard(struct init *init, const void *row)
{
	return mount_guard_apply(&init->mount, row);
}

/* The master of a new pair from the container's own devpts. The file system is checked, because the
 * image may have made /dev (SECURITY.md, rule 3). */
static int master_open(const struct init *init)
{
	auto_close int master = path_open(
		init->mount.root_fd, "/dev/pts/ptmx", O_RDWR | O_NOCTTY, PATH_STRICT);
	if (master < 0)
		return err_new(master, "open /dev/pts/ptmx");
	uint64_t magic;
	int r = sys_fs_magic(master, &magic);
	if (r < 0)
		return err_new(r, "look at /dev/pts/ptmx");
	if (magic != DEVPTS_MAGIC)
		return err_say(-ENOTTY, "/dev/pts/ptmx is not a terminal multiplexer");
	int unlocked = 0;
	r = sys_ioctl(master, TIOCSPTLCK, &unlocked);
	return r < 0 ? err_new(r, "unlock the terminal") : take_fd(&master);
}

static int console_mount(const struct init *init)
{
	auto_close int target = path_make_file(init->mount.root_fd, "/dev/console", PATH_STRICT);
	if (target < 0)
		return err_new(target, "mount point /dev/console");
	int r = mount_clone_onto(init->console_fd, target);
	return r < 0 ? err_wrap(r, "/dev/console") : 0;
}

int step_terminal(struct init *init, const void *row)
{
	const struct plan_head_row *head = row;
	auto_close int master = master_open(init);
	if (master < 0)
		return master;
	init->console_fd = term_open_slave(master);
	if (init->console_fd < 0)
		return err_new(init->console_fd, "open the terminal's other side");
	int r = sys_chown_at(
		init->console_fd, "", plan_process(&init->plan)->uid, (gid_t)-1, AT_EMPTY_PATH);
	if (r < 0)
		return err_new(r, "give the terminal to its user");
	if (head->kind == PLAN_KIND_RUN) {
		r = console_mount(init);
		if (r < 0)
			return r;
	}
	struct sync_message message = {.type = SYNC_CONSOLE};
	return sync_send(init->sync_fd, &message, &master, 1);
}

int step_loopback(struct init *init, const void *row)
{
	int r = socket_link_up("lo");
	return r < 0 ? err_new(r, "bring up lo") : 0;
}

int step_hostname(struct init *init, const void *row)
{
	const struct plan_head_row *head = row;
	const char *hostname = flat_str(&init->plan, head->hostname);
	const char *domainname = flat_str(&init->plan, head->domainname);

	int r = hostname ? sys_sethostname(hostname) : 0;
	if (r < 0)
		return err_new(r, "set hostname %s", hostname);
	r = domainname ? sys_setdomainname(domainname) : 0;
	return r < 0 ? err_new(r, "set domain name %s", domainname) : 0;
}

/* A procfs that no other process has changed. It is used until the root is entered. */
static int proc_open(struct init *init)
{
	if (init->proc_fd < 0)
		init->proc_fd = mount_proc_private();
	return init->proc_fd;
}

/* Before 6.3 the process that made the namespace stays outside, even if it executes something else,
 * until it calls setns(2). */
static int clocks_enter(struct init *init)
{
	auto_close int ns = sys_open_at(init->proc_fd, "self/ns/time_for_children", O_RDONLY, 0);
	int r = ns < 0 ? ns : sys_setns(ns, CLONE_NEWTIME);
	return r < 0 ? err_new(r, "enter the time namespace") : 0;
}

int step_clocks(struct init *init, const void *row)
{
	int r = proc_open(init);
	if (r < 0)
		return r;
	r = sys_unshare(CLONE_NEWTIME);
	if (r < 0)
		return err_new(r, "make the time namespace");
	for (uint32_t i = 0; i < flat_count(&init->plan, PLAN_CLOCK); i++) {
		const struct plan_clock_row *clock = flat_row(&init->plan, PLAN_CLOCK, i);
		char text[64];
		fmt(text, "%s %" PRId64 " %u", flat_str(&init->plan, clock->name), clock->seconds,
			clock->nanoseconds);
		r = file_write_at(init->proc_fd, "self/timens_offsets", text);
		if (r < 0)
			return err_new(r, "set the clock %s", text);
	}
	return clocks_enter(init);
}

int step_sysctl(struct init *init, const void *row)
{
	int r = proc_open(init);
	return r < 0 ? r : sec_sysctl_set(init->proc_fd, &init->plan, row);
}

/* Opened beneath the root and through no magic link, so it cannot be a directory of the host
 * (CVE-2024-21626). As with Docker, a missing directory is made. */
int step_cwd(struct init *init, const void *row)
{
	const struct plan_process_row *process = row;
	const char *cwd = flat_str(&init->plan, process->cwd);

	init->is_about_payload = true;
	init->cwd_fd = path_open(init->mount.root_fd, cwd, O_PATH | O_DIRECTORY, PATH_DIR);
	if (init->cwd_fd == -ENOENT && plan_head(&init->plan)->kind == PLAN_KIND_RUN)
		init->cwd_fd = path_make_dir(init->mount.root_fd, cwd, 0755, PATH_DIR);
	if (init->cwd_fd == -ELOOP)
		return err_say(init->cwd_fd,
			"working directory %s leads through a link of /proc, or through too many",
			cwd);
	if (init->cwd_fd < 0)
		return err_new(init->cwd_fd, "working directory %s", cwd);
	init->is_about_payload = false;
	return 0;
}

int step_enter_root(struct init *init, const void *row)
{
	const struct plan_head_row *head = row;
	int r = head->flags & PLAN_ROOT_READONLY ? mount_root_readonly(&init->mount) : 0;
	if (r < 0)
		return r;
	bool is_pivoted = !(head->flags & PLAN_NO_PIVOT);
	int proc = is_pivoted ? -EBADF : proc_open(init);
	/* A user namespace may not mount a procfs for every pid namespace: the host's will do. */
	if (proc < 0 && !is_pivoted)
		proc = init->proc_fd = sys_open_at(AT_FDCWD, "/proc", O_PATH | O_DIRECTORY, 0);
	if (proc < 0 && !is_pivoted)
		return err_new(proc, "open /proc of the host");
	return mount_root_enter(&init->mount, proc, head->root_propagation);
}

/* Closes the fds of the host and of the whole root, which only the setup needed. The payload does
 * not run while they are open. */
static void fds_settle(struct init *init)
{
	fd_replace(&init->proc_fd, -EBADF);
	fd_replace(&init->mount.root_fd, -EBADF);
	fd_replace(&init->mount.null_fd, -EBADF);
	fd_replace(&init->mount.empty_fd, -EBADF);
	fd_replace(&init->mount.node_dir_fd, -EBADF);
	fd_close_all(init->slots, SLOT_KEEP_FIRST);
	fd_close_all(init->slots + SLOT_FIRST_FREE, SLOT_MAX - SLOT_FIRST_FREE);
}

int step_hooks(struct init *init, const void *row)
{
	struct sync_message message = {.type = SYNC_HOOKS};
	size_t count = 1;
	int r = sync_send(init->sync_fd, &message, NULL, 0);
	return r < 0 ? r
		     : sync_expect(init->sync_fd, SYNC_HOOKED, &message, &init->state_fd, &count);
}

/* START (report). The fd is closed: a process of the container may look at those of an exec. */
static int start_hear(int fd, struct sync_message **out_report)
{
	struct sync_message message;
	int report_fd = -EBADF;
	size_t count = 1;
	int r = sync_expect(fd, SYNC_START, &message, &report_fd, &count);
	auto_close int report = r < 0 ? -EBADF : report_fd;
	if (r == 0 && report < 0)
		r = err_say(-EPROTO, "a start without a report");
	return r < 0 ? r : sync_report_map(report, out_report);
}

/* A process that connects may only ask whether init waits here, or may die before it sends START.
 * Then init waits for the next one. */
static int starter_await(struct init *init, int listener)
{
	for (;;) {
		auto_close int starter = socket_accept(listener);
		if (starter < 0)
			return err_new(starter, "wait for who starts the container");
		if (start_hear(starter, &init->report) < 0)
			continue;
		fd_replace(&init->sync_fd, take_fd(&starter));
		return 0;
	}
}

int step_wait_start(struct init *init, const void *row)
{
	auto_close int listener = take_fd(&init->slots[SLOT_STARTER]);
	fds_settle(init);
	struct sync_message message = {.type = SYNC_READY};
	init->is_about_payload = true;
	int r = listener >= 0 ? exec_check(init) : 0;
	init->is_about_payload = r < 0;
	if (r == 0)
		r = sync_send(init->sync_fd, &message, NULL, 0);
	if (r < 0)
		return r;
	if (listener < 0)
		return start_hear(init->sync_fd, &init->report);
	r = sync_expect(init->sync_fd, SYNC_START, &message, NULL, NULL);
	return r < 0 ? r : starter_await(init, listener);
}
