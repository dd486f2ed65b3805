/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host's half of a launch: what must exist before init (cgroup, root, detached mounts), the
 * clone, and the conversation until the payload runs. husk in the foreground and the monitor use
 * it. Neither becomes init: the child of the clone only places its fds and executes the sealed
 * program.
 */
#include "launch/launch.h"
#include "launch/sync.h"
#include "base/log.h"
#include "base/str.h"
#include "net/net.h"
#include "sys/calls.h"
#include "sys/file.h"
#include "sys/process.h"
#include "sys/socket.h"
#include "sys/term.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <unistd.h>

_Static_assert(
	SLOT_KEEP_FIRST - SLOT_CGROUP_FIRST == CGROUP_HIERARCHIES_MAX, "a slot for each hierarchy");

void launch_init(struct launch *l)
{
	*l = (struct launch){
		.plan_fd = -EBADF,
		.stdio = {-EBADF, -EBADF, -EBADF},
		.console_fd = -EBADF,
		.pidfd = -EBADF,
		.sync_fd = -EBADF,
		.report_fd = -EBADF,
		.phase = LAUNCH_PHASE_SETUP,
	};
	for (size_t i = 0; i < SLOT_MAX; i++)
		l->slots[i] = -EBADF;
}

static void slots_close(struct launch *l)
{
	fd_close_all(l->slots, SLOT_MAX);
}

void launch_close(struct launch *l)
{
	if (l->pidfd >= 0)
		process_kill(take_fd(&l->pidfd));
	slots_close(l);
	for (size_t i = 0; i < 3; i++)
		fd_replace(&l->stdio[i], -EBADF);
	fd_replace(&l->console_fd, -EBADF);
	fd_replace(&l->sync_fd, -EBADF);
	fd_replace(&l->report_fd, -EBADF);
	fd_replace(&l->plan_fd, -EBADF);
	cgroup_close(l->cgroup);
	l->cgroup = NULL;
}

int launch_set_plan(struct launch *l, const void *data, size_t size)
{
	int fd = fd_memfd_sealed("husk-plan", data, size);
	if (fd < 0)
		return err_new(fd, "seal the plan");
	fd_replace(&l->plan_fd, fd);

	const void *mapped;
	size_t mapped_size;
	int r = fd_map(l->plan_fd, &mapped, &mapped_size);
	if (r < 0)
		return err_new(r, "map the plan");
	return plan_open(&l->plan, mapped, mapped_size);
}

static int make_cgroup(struct launch *l, const char *path)
{
	int r = l->cgroup ? 0 : cgroup_create(l->cgroup_host, path, &l->cgroup);
	if (r < 0)
		return r;
	uint32_t limits = flat_count(&l->plan, PLAN_CGROUP),
		 devices = flat_count(&l->plan, PLAN_CGROUP_DEVICE);
	return cgroup_apply(l->cgroup, &l->plan, limits ? flat_row(&l->plan, PLAN_CGROUP, 0) : NULL,
		limits, devices ? flat_row(&l->plan, PLAN_CGROUP_DEVICE, 0) : NULL, devices);
}

static int prepare_cgroup(struct launch *l)
{
	const struct plan_head_row *head = plan_head(&l->plan);
	if (!(head->flags & PLAN_JOINS_CGROUP))
		return l->subgroup_count == 0
			? 0
			: err_say(-EINVAL, "the container has no cgroup, and so none below it");
	const char *path = flat_str(&l->plan, head->cgroup_path);
	int r = head->kind == PLAN_KIND_RUN ? make_cgroup(l, path) : 0;
	auto_of(cgroup_entry) struct cgroup_entry entry = CGROUP_ENTRY_INIT;
	if (r == 0)
		r = cgroup_entry_open_sub(
			l->cgroup_host, path, l->subgroups, l->subgroup_count, &entry);
	if (r < 0)
		return r;
	l->slots[SLOT_CGROUP_TREE] = take_fd(&entry.tree_fd);
	for (size_t i = 0; i < entry.count; i++)
		l->slots[SLOT_CGROUP_FIRST + i] = take_fd(&entry.fds[i]);
	return 0;
}

/* Is the joined namespace that of process `pid`? */
static int joins_that_of(const struct launch *l, const struct ns_row *row, pid_t pid, bool *out)
{
	struct stat joined;
	uint64_t inode;
	int r = sys_stat_fd(l->slots[row->slot], &joined);
	if (r < 0)
		return err_new(r, "look at namespace %s", flat_str(&l->plan, row->path));
	r = ns_inode(pid, row->kind, &inode);
	*out = r == 0 && inode == joined.st_ino;
	return r;
}

/* Sysctls of a joined namespace may be set, unless it is the host's own (SECURITY.md, rule 12). */
static int host_sysctls_check(const struct launch *l, const struct ns_row *row)
{
	if (flat_count(&l->plan, PLAN_SYSCTL) == 0)
		return 0;
	bool is_own;
	int r = joins_that_of(l, row, getpid(), &is_own);
	if (r == 0 && is_own)
		return err_say(-EPERM,
			"sysctls are given, and the %s namespace that is joined is the host's",
			ns_info[row->kind].oci_name);
	return r;
}

/* The root of every process in the joined namespace becomes the container's, and its other mounts
 * go. */
static int host_mounts_check(const struct launch *l, const struct ns_row *row)
{
	const pid_t hosts[] = {getpid(), 1};
	bool is_hosts = false;
	if (row->kind != NS_MNT)
		return 0;
	int r = joins_that_of(l, row, hosts[0], &is_hosts);
	/* A user who may not look at process 1 cannot join its namespaces either. */
	if (r == 0 && !is_hosts)
		joins_that_of(l, row, hosts[1], &is_hosts);
	if (is_hosts)
		return err_say(-EPERM, "the mount namespace %s is the host's, not one to be joined",
			flat_str(&l->plan, row->path));
	return r;
}

static int prepare_namespaces(struct launch *l)
{
	for (uint32_t i = 0; i < flat_count(&l->plan, PLAN_NAMESPACE); i++) {
		const struct ns_row *row = flat_row(&l->plan, PLAN_NAMESPACE, i);
		if (row->mode != NS_MODE_JOIN || l->slots[row->slot] >= 0)
			continue;
		const char *path = flat_str(&l->plan, row->path);
		if (!path)
			return err_say(-EINVAL, "nothing to join for the %s namespace",
				ns_info[row->kind].oci_name);
		/* The path may be a FIFO, whose open would block. setns(2) reports that it is no
		 * namespace. */
		l->slots[row->slot] = sys_open_at(
			AT_FDCWD, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
		if (l->slots[row->slot] < 0)
			return err_new(l->slots[row->slot], "open namespace %s", path);
		int r = host_sysctls_check(l, row);
		if (r == 0)
			r = host_mounts_check(l, row);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Logs the numbered steps: failures name a step by its number. */
static void plan_log(const struct flat *plan)
{
	auto_buf struct buf text = BUF_INIT;
	if (!log_is_wanted(LOG_DEBUG))
		return;
	plan_write(plan, &text);
	char *rest = text.data;
	for (char *line = str_cut(&rest, '\n'); line; line = str_cut(&rest, '\n'))
		if (*line)
			log_debug("step %s", line);
}

int launch_prepare(struct launch *l)
{
	plan_log(&l->plan);
	bool opens_inside = plan_head(&l->plan)->flags & PLAN_OPENS_INSIDE;
	int r = opens_inside ? 0 : prepare_root(&l->plan, l->slots);
	/* Before the binds: one may be the cgroup itself, or have the ids of a user namespace. */
	if (r == 0)
		r = prepare_cgroup(l);
	if (r == 0)
		r = prepare_namespaces(l);
	return r < 0 || opens_inside ? r
				     : prepare_trees(&l->plan, l->cgroup_host, l->cgroup, l->slots);
}

static int start_packet_send(struct launch *l)
{
	struct sync_message message = {.type = SYNC_BEGIN};
	int fds[SLOT_MAX + 1] = {l->plan_fd};
	size_t count = 1 + slots_pack(l->slots, message.slots, fds + 1);
	int r = sync_send(l->sync_fd, &message, fds, count);
	slots_close(l);
	return r;
}

/* Adds the sentence of the failed step to init's error. */
static int failure(struct launch *l, int r, const struct sync_message *message)
{
	if (message->type != SYNC_FAILED)
		return err_wrap(r, "init");
	l->phase = message->phase;
	if (message->phase == LAUNCH_PHASE_EXEC || message->step == 0)
		return r;
	auto_buf struct buf sentence = BUF_INIT;
	buf_addf(&sentence, "%s (", err_text());
	plan_step_describe(&l->plan, message->step, &sentence);
	return err_say(r, "%s)", sentence.data);
}

/* What init has written in memory, because it could not send it. 0: it executes the command. */
static int report_hear(struct launch *l, struct sync_message *message)
{
	*message = (struct sync_message){.type = SYNC_NONE};
	int r = sync_report_read(l->report_fd, message);
	if (r < 0 && plan_head(&l->plan)->kind == PLAN_KIND_EXEC)
		l->phase = LAUNCH_PHASE_EXEC; /* the container itself is well */
	return r < 0 ? failure(l, r, message) : 0;
}

/* Receives one message. When init failed, or just died, the trail says why and where. -ECONNRESET
 * after START: the payload runs. */
static int hear(struct launch *l, struct sync_message *message, int *out_fd)
{
	size_t count = 1;
	*message = (struct sync_message){.type = SYNC_NONE};
	*out_fd = -EBADF;
	int r = sync_receive(l->sync_fd, message, out_fd, &count);
	/* A peer that closes a socket with unread messages resets it. The reset is reported first,
	 * and the messages that the peer sent before come after it. */
	if (r == -ECONNRESET && message->type == SYNC_NONE) {
		count = 1;
		r = sync_receive(l->sync_fd, message, out_fd, &count);
	}
	if (r == -ECONNRESET && message->type == SYNC_NONE && l->report_fd >= 0) {
		r = report_hear(l, message);
		return r == 0 ? -ECONNRESET : r;
	}
	return r < 0 ? failure(l, r, message) : 0;
}

static int out_of_turn(const struct sync_message *message, int *fd)
{
	fd_replace(fd, -EBADF);
	return err_say(-EPROTO, "init said something out of turn (%u)", message->type);
}

static int hear_only(
	struct launch *l, enum sync_type type, struct sync_message *message, int *out_fd)
{
	int r = hear(l, message, out_fd);
	if (r < 0)
		return r;
	return message->type == type ? 0 : out_of_turn(message, out_fd);
}

static int maps_write(struct launch *l)
{
	struct ns_idmap uids[NS_IDMAP_MAX], gids[NS_IDMAP_MAX];
	size_t uid_count = 0, gid_count = 0;
	for (uint32_t i = 0; i < flat_count(&l->plan, PLAN_IDMAP); i++) {
		const struct ns_idmap_row *row = flat_row(&l->plan, PLAN_IDMAP, i);
		struct ns_idmap map = {row->inner, row->outer, row->count};
		size_t *used = row->is_gid ? &gid_count : &uid_count;
		if (*used == NS_IDMAP_MAX)
			return err_say(-E2BIG, "more than %d lines in an id map", NS_IDMAP_MAX);
		(row->is_gid ? gids : uids)[(*used)++] = map;
	}
	return ns_idmap_write(l->pid, uids, uid_count, gids, gid_count);
}

/* By pid, which cannot be another process's: it is a child that was not waited for yet. */
static int oom_score_write(const struct launch *l)
{
	if (!(plan_head(&l->plan)->flags & PLAN_OOM_SCORE))
		return 0;
	char path[64], text[16];
	fmt(path, "/proc/%d/oom_score_adj", l->pid);
	fmt(text, "%d", plan_process(&l->plan)->oom_score_adj);
	int r = file_write_at(AT_FDCWD, path, text);
	if (r == -EACCES || r == -EPERM) {
		log_warn("oom_score_adj %s is lower than this user may set; left as it is", text);
		return 0;
	}
	return r < 0 ? err_new(r, "set oom_score_adj %s", text) : 0;
}

/* Hears of the process that goes on, and returns its pidfd. The process that makes it may die
 * before it says so; then the other one waits as well, and keeps the socket open. */
static int child_hear(struct launch *l, pid_t *out_pid)
{
	struct sync_message message;
	struct pollfd fds[] = {
		{.fd = l->sync_fd, .events = POLLIN}, {.fd = l->pidfd, .events = POLLIN}};
	int fd, r = sys_poll(fds, 2, -1);
	if (r < 0)
		return err_new(r, "wait for init");
	if (!fds[0].revents && l->report_fd >= 0)
		r = report_hear(l, &message);
	if (!fds[0].revents)
		return r < 0 ? r : err_say(-ECONNABORTED, "the process that makes init has ended");
	r = hear_only(l, SYNC_CHILD, &message, &fd);
	if (r < 0)
		return r;
	*out_pid = (pid_t)message.step;
	return fd < 0 ? err_say(-EPROTO, "a child without its pidfd") : fd;
}

static int born_say(struct launch *l)
{
	struct sync_message message = {.type = SYNC_BORN};
	return sync_send(l->sync_fd, &message, NULL, 0);
}

/* Waits for the process that has made this one. */
static void child_adopt(struct launch *l, pid_t pid, int pidfd)
{
	process_wait(l->pidfd);
	fd_replace(&l->pidfd, pidfd);
	l->pid = pid;
}

static int child_await(struct launch *l)
{
	pid_t pid;
	int pidfd = child_hear(l, &pid);
	if (pidfd < 0)
		return pidfd;
	child_adopt(l, pid, pidfd);
	return 0;
}

/* The child may go on before this process has waited for the other one. */
static int child_release(struct launch *l)
{
	pid_t pid;
	int pidfd = child_hear(l, &pid);
	if (pidfd < 0)
		return pidfd;
	int r = born_say(l);
	child_adopt(l, pid, pidfd);
	return r;
}

/* For a user namespace: the process that joined it has made init there, and init waits until its
 * ids are mapped. Before that init's files in /proc still belong to the caller, who may not be
 * root. */
static int identity_give(struct launch *l)
{
	enum ns_mode mode = plan_user_mode(&l->plan);
	int r = birth_makes_sibling(l) ? child_await(l) : 0;
	if (r == 0)
		r = oom_score_write(l);
	if (r == 0 && mode == NS_MODE_NEW)
		r = maps_write(l);
	struct sync_message message = {.type = SYNC_MAPPED};
	return r < 0 || !mode ? r : sync_send(l->sync_fd, &message, NULL, 0);
}

/* The network namespace exists with the container's init, or has been joined by a path. */
static int net_devices_move(struct launch *l)
{
	if (flat_count(&l->plan, PLAN_NET_DEVICE) == 0)
		return 0;
	auto_close int netns = ns_open(l->pid, NS_NET);
	const struct ns_row *joined = plan_joined_row(&l->plan, NS_NET);
	if (joined && l->slots[joined->slot] >= 0)
		fd_replace(&netns, fd_dup(l->slots[joined->slot]));
	int r = netns < 0 ? netns : 0;
	for (uint32_t i = 0; i < flat_count(&l->plan, PLAN_NET_DEVICE) && r == 0; i++) {
		const struct plan_text_row *row = flat_row(&l->plan, PLAN_NET_DEVICE, i);
		r = net_link_move(
			flat_str(&l->plan, row->text), netns, flat_str(&l->plan, row->value));
	}
	return r;
}

/* A host that may make no devices, because it is a container itself, has them at their paths. */
static int devices_give(struct launch *l)
{
	if (!plan_user_mode(&l->plan) || plan_head(&l->plan)->flags & PLAN_OPENS_INSIDE ||
		flat_count(&l->plan, PLAN_NODE) == 0)
		return 0;
	int devices = devices_make(&l->plan, l->pid);
	if (devices >= 0)
		l->slots[SLOT_DEVICES] = devices;
	return devices < 0 && devices != -EPERM ? devices : 0;
}

static int conversation(struct launch *l)
{
	const struct ns_row *pid = plan_joined_row(&l->plan, NS_PID);
	bool init_joins_pid = plan_head(&l->plan)->kind == PLAN_KIND_RUN && pid &&
		l->slots[pid->slot] >= 0;
	int r = identity_give(l);
	if (r == 0)
		r = net_devices_move(l);
	if (r == 0)
		r = devices_give(l);
	if (r == 0)
		r = start_packet_send(l);
	/* It is born there before it mounts. An exec is born at its very end, see launch_go. */
	return r == 0 && init_joins_pid ? child_release(l) : r;
}

int launch_start(struct launch *l)
{
	int r = birth_begin(l);
	if (r < 0)
		return r;
	for (size_t i = 0; i < 3; i++)
		fd_replace(&l->stdio[i], -EBADF);
	r = conversation(l);
	if (r == 0)
		log_debug("init is process %d", (int)l->pid);
	if (r != -EPIPE)
		return r;
	struct sync_message
		last; /* init died before it read the message: its own last message is unread */
	int none;
	return hear_only(l, SYNC_FAILED, &last, &none);
}

/* The terminal gets its size before a process in the container reads it. */
static void console_take(struct launch *l, int fd)
{
	fd_replace(&l->console_fd, fd);
	if (fd >= 0 && l->rows && l->columns)
		term_set_size(fd, l->rows, l->columns);
}

static int hooks_run(struct launch *l)
{
	auto_close int state = -EBADF;
	int r = l->hooks ? l->hooks(l, l->hooks_context, &state) : 0;
	struct sync_message message = {.type = SYNC_HOOKED};
	return r < 0 ? r : sync_send(l->sync_fd, &message, &state, state >= 0);
}

int launch_ready(struct launch *l)
{
	for (;;) {
		struct sync_message message;
		int fd, r = hear(l, &message, &fd);
		if (r < 0)
			return r;
		if (message.type == SYNC_READY)
			return 0;
		if (message.type == SYNC_CONSOLE)
			console_take(l, fd);
		else
			r = message.type == SYNC_HOOKS ? hooks_run(l) : out_of_turn(&message, &fd);
		if (r < 0)
			return r;
	}
}

int launch_leave(struct launch *l)
{
	struct sync_message start = {.type = SYNC_START};
	int r = sync_send(l->sync_fd, &start, NULL, 0);
	if (r == 0)
		fd_replace(&l->pidfd, -EBADF);
	return r;
}

static int listener_hear(struct launch *l, int *out_fd)
{
	struct sync_message message;
	int r = hear_only(l, SYNC_LISTENER, &message, out_fd);
	return r == 0 && *out_fd < 0 ? err_say(-EPROTO, "a listener without its fd") : r;
}

static int listening_say(struct launch *l)
{
	struct sync_message message = {.type = SYNC_LISTENING};
	return sync_send(l->sync_fd, &message, NULL, 0);
}

static int listener_give(struct launch *l, int fd)
{
	return l->listener ? l->listener(l, l->listener_context, fd)
			   : err_say(-EINVAL, "a filter that notifies, and nobody to be told");
}

/* Allows init's own calls of which its filter notifies, until init has ended. The child that it has
 * made waits for SYNC_BORN: no call of the payload's is answered here. */
static int stand_in(struct launch *l, int listener)
{
	for (;;) {
		struct pollfd fds[] = {
			{.fd = l->pidfd, .events = POLLIN}, {.fd = listener, .events = POLLIN}};
		int r = sys_poll(fds, 2, -1);
		if (r < 0)
			return err_new(r, "wait for init");
		if (fds[0].revents)
			return 0;
		r = sys_seccomp_continue(listener);
		if (r < 0 && r != -ENOENT) /* the process is gone */
			return err_new(r, "answer for init");
	}
}

/* The agent that listens is told of the process that becomes the payload. When an exec joins a pid
 * namespace, its process is another one, which ends when the payload is born. Until then this
 * process answers that other process's calls. */
static int listener_serve(struct launch *l, bool is_born_late)
{
	auto_close int fd = -EBADF;
	int r = listener_hear(l, &fd);
	if (r == 0 && !is_born_late)
		r = listener_give(l, fd);
	if (r == 0)
		r = listening_say(l);
	if (r < 0 || !is_born_late)
		return r;
	r = stand_in(l, fd);
	if (r == 0)
		r = child_await(l);
	if (r == 0)
		r = listener_give(l, fd);
	return r < 0 ? r : born_say(l);
}

static int start_say(struct launch *l)
{
	struct sync_message start = {.type = SYNC_START};
	l->report_fd = sync_report_make();
	return l->report_fd < 0 ? l->report_fd : sync_send(l->sync_fd, &start, &l->report_fd, 1);
}

int launch_go(struct launch *l)
{
	struct sync_message message;
	bool is_born_late = plan_is_born_late(&l->plan);
	int fd, r = start_say(l);
	if (r == 0 && plan_has_listener(&l->plan))
		r = listener_serve(l, is_born_late);
	else if (r == 0 && is_born_late)
		r = child_release(l);
	if (r == 0 || r == -EPIPE) /* init has ended before it read a message: it says why */
		r = hear(l, &message, &fd);
	if (r != -ECONNRESET) /* the conversation ends when the payload begins */
		return r < 0 ? r : out_of_turn(&message, &fd);
	fd_replace(&l->sync_fd, -EBADF);
	fd_replace(&l->report_fd, -EBADF);
	log_debug("process %d executes the command", (int)l->pid);
	return 0;
}

int launch_release(struct launch *l)
{
	int r = launch_ready(l);
	return r < 0 ? r : launch_go(l);
}
