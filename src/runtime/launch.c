/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host's half of a launch: what must exist before init (cgroup, root, detached mounts), the clone, and the
 * conversation until the payload runs. Used by husk in the foreground and by the monitor; neither becomes init: the
 * child of the clone only places its fds and executes the sealed program.
 */
#include "runtime/sync.h"
#include "base/log.h"
#include "base/str.h"
#include "sys/calls.h"
#include "sys/file.h"
#include "sys/process.h"
#include "sys/socket.h"
#include "sys/term.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <unistd.h>

/* Above 0, 1, 2 and the sync socket on 3, so that placing one never closes another. */
enum { SYNC_FD = 3, SAFE_FD = 10, LAYERS_MAX = 128 };
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
		.phase = LAUNCH_PHASE_SETUP,
	};
	for (size_t i = 0; i < SLOT_MAX; i++)
		l->slots[i] = -EBADF;
}

static void slots_close(struct launch *l)
{
	for (size_t i = 0; i < SLOT_MAX; i++)
		fd_replace(&l->slots[i], -EBADF);
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
	int r = cgroup_create(l->cgroup_host, path, &l->cgroup);
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
		return 0;
	const char *path = flat_str(&l->plan, head->cgroup_path);
	int r = head->kind == PLAN_KIND_RUN ? make_cgroup(l, path) : 0;
	auto_of(cgroup_entry) struct cgroup_entry entry = CGROUP_ENTRY_INIT;
	if (r == 0)
		r = cgroup_entry_open(l->cgroup_host, path, &entry);
	if (r < 0)
		return r;
	l->slots[SLOT_CGROUP_TREE] = take_fd(&entry.tree_fd);
	for (size_t i = 0; i < entry.count; i++)
		l->slots[SLOT_CGROUP_FIRST + i] = take_fd(&entry.fds[i]);
	return 0;
}

static int directory_open(const char *path)
{
	int fd = sys_open_at(AT_FDCWD, path, O_PATH | O_DIRECTORY, 0);
	return fd < 0 ? err_new(fd, "open %s", path) : fd;
}

static int overlay_of_plan(const struct launch *l, const int *layers, size_t count)
{
	const struct plan_head_row *head = plan_head(&l->plan);
	auto_close int upper = directory_open(flat_str(&l->plan, head->upper));
	if (upper < 0)
		return upper;
	auto_close int work = directory_open(flat_str(&l->plan, head->work));
	if (work < 0)
		return work;
	struct mount_overlay overlay = {
		.layers = layers,
		.layer_count = count,
		.upper_fd = upper,
		.work_fd = work,
		.is_volatile = head->flags & PLAN_ROOT_VOLATILE,
	};
	return mount_overlay_open(&overlay);
}

/* One directory without a writable layer is the root itself; anything else is an overlay. */
static int root_of_layers(const struct launch *l, const int *layers, size_t count)
{
	if (plan_head(&l->plan)->upper)
		return overlay_of_plan(l, layers, count);
	struct mount_row row = {.flags = MOUNT_RECURSIVE, .propagation = MS_PRIVATE};
	return mount_clone_fd(layers[0], &row);
}

static int prepare_root(struct launch *l)
{
	uint32_t count = flat_count(&l->plan, PLAN_LAYER);
	if (l->slots[SLOT_ROOT] >= 0 || plan_head(&l->plan)->kind != PLAN_KIND_RUN)
		return 0;
	if (count == 0 || count > LAYERS_MAX)
		return err_say(-EINVAL, "a root of %u layers", count);

	int layers[LAYERS_MAX];
	int root = -EBADF;
	uint32_t opened = 0;
	for (; opened < count; opened++) {
		const struct plan_text_row *row = flat_row(&l->plan, PLAN_LAYER, opened);
		layers[opened] = directory_open(flat_str(&l->plan, row->text));
		if (layers[opened] < 0)
			break;
	}
	if (opened == count)
		root = root_of_layers(l, layers, count);
	for (uint32_t i = 0; i < opened; i++)
		fd_close(layers[i]);
	if (opened < count)
		return layers[opened];
	l->slots[SLOT_ROOT] = root;
	return root < 0 ? err_wrap(root, "assemble the root") : 0;
}

/* The container's own group, or where init will be if it has none. */
static int cgroup_tree_open(const struct launch *l, const struct mount_row *row)
{
	const char *controllers = flat_str(&l->plan, row->source);
	auto_close int group = cgroup_dir_open(l->cgroup_host,
		flat_str(&l->plan, plan_head(&l->plan)->cgroup_path),
		controllers ? controllers : "");
	return group < 0 ? group : mount_clone_fd(group, row);
}

static int bind_open(const struct launch *l, const struct mount_row *row)
{
	const char *source = flat_str(&l->plan, row->source);
	if (row->fstype)
		return cgroup_tree_open(l, row);
	return source ? mount_bind_open(source, row) : err_say(-EINVAL, "nothing to bind there");
}

static int prepare_binds(struct launch *l)
{
	for (uint32_t i = 0; i < flat_count(&l->plan, PLAN_MOUNT); i++) {
		const struct mount_row *row = flat_row(&l->plan, PLAN_MOUNT, i);
		if (row->kind != MOUNT_KIND_BIND || l->slots[row->slot] >= 0)
			continue;
		int tree = bind_open(l, row);
		if (tree < 0)
			return err_wrap(tree, "mount on %s", flat_str(&l->plan, row->target));
		l->slots[row->slot] = tree;
	}
	return 0;
}

/* Sysctls of a namespace that is joined may be set, unless that is the host's own (security.md 1-H). */
static int host_sysctls_check(const struct launch *l, const struct ns_row *row)
{
	struct stat joined;
	uint64_t own;
	if (flat_count(&l->plan, PLAN_SYSCTL) == 0)
		return 0;
	int r = sys_stat_fd(l->slots[row->slot], &joined);
	if (r < 0)
		return err_new(r, "look at namespace %s", flat_str(&l->plan, row->path));
	r = ns_inode(getpid(), row->kind, &own);
	if (r == 0 && own == joined.st_ino)
		return err_say(-EPERM,
			"sysctls are given, and the %s namespace that is joined is the host's",
			ns_info[row->kind].oci_name);
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
		l->slots[row->slot] = sys_open_at(AT_FDCWD, path, O_RDONLY, 0);
		if (l->slots[row->slot] < 0)
			return err_new(l->slots[row->slot], "open namespace %s", path);
		int r = host_sysctls_check(l, row);
		if (r < 0)
			return r;
	}
	return 0;
}

int launch_prepare(struct launch *l)
{
	int r = prepare_cgroup(l);
	if (r == 0)
		r = prepare_root(l);
	if (r == 0)
		r = prepare_binds(l);
	return r < 0 ? r : prepare_namespaces(l);
}

static int start_packet_send(struct launch *l)
{
	struct sync_message message = {.type = SYNC_BEGIN};
	int fds[SLOT_MAX + 1] = {l->plan_fd};
	size_t count = 1;
	for (size_t i = 0; i < SLOT_MAX; i++) {
		if (l->slots[i] < 0)
			continue;
		message.slots[i / 64] |= 1ull << (i % 64);
		fds[count++] = l->slots[i];
	}
	int r = sync_send(l->sync_fd, &message, fds, count);
	slots_close(l);
	return r;
}

/* What the child keeps of the host's fds. */
struct child_fds {
	int exe;
	int sync;
	int null; /* where there is no stdio: init never holds what the host has at 0, 1 and 2 */
};

static void child_fds_close(struct child_fds *fds)
{
	fd_close(fds->exe);
	fd_close(fds->sync);
	fd_close(fds->null);
}
AUTO_STRUCT(child_fds, struct child_fds, child_fds_close)

/* The child, on a copy of the host's memory: it may only place its fds and leave. Whatever the host, or its caller, has
 * open besides goes no further than the execve (security.md R5). */
static _Noreturn void child_main(const struct launch *l, const struct child_fds *fds)
{
	char name[] = "husk-init";
	char *const args[] = {name, NULL};
	char *const env[] = {NULL};
	int r = 0;
	for (int i = 0; i < 3 && r >= 0; i++)
		r = fd_place(l->stdio[i] >= 0 ? l->stdio[i] : fds->null, i);
	if (r >= 0)
		r = fd_place(fds->sync, SYNC_FD);
	if (r >= 0)
		r = fd_cloexec_from(SYNC_FD + 1);
	if (r >= 0)
		r = sys_execve_at(fds->exe, "", args, env, AT_EMPTY_PATH);

	struct sync_message message = {.type = SYNC_FAILED, .phase = LAUNCH_PHASE_SETUP};
	err_new(r, "execute init");
	err_pack(&message.error);
	sync_send(fds->sync, &message, NULL, 0);
	_exit(1);
}

/* What the kernel refuses with a number that says something else. */
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
	if (r == -EPERM)
		return err_say(
			r, "not allowed to make namespaces: root or a user namespace is needed");
	return err_new(r, "start init");
}

static int clone_into(struct launch *l, const struct child_fds *fds, int cgroup_fd)
{
	struct clone_args args = {
		.flags = plan_head(&l->plan)->clone_flags | CLONE_PIDFD |
			(cgroup_fd >= 0 ? CLONE_INTO_CGROUP : 0),
		.pidfd = (uintptr_t)&l->pidfd,
		.exit_signal = SIGCHLD,
		.cgroup = cgroup_fd >= 0 ? (uint64_t)cgroup_fd : 0,
	};
	int pid = sys_clone3(&args);
	if (pid == 0)
		child_main(l, fds);
	return pid;
}

/* The container's own processes have made groups in its group: an exec goes where its first process is. */
static int clone_beside_target(struct launch *l, const struct child_fds *fds, int cgroup_fd)
{
	int target = process_pid(l->slots[SLOT_TARGET]);
	if (target < 0)
		return err_new(target, "look at the container's first process");
	auto_close int inner = cgroup_entry_below(
		cgroup_fd, flat_str(&l->plan, plan_head(&l->plan)->cgroup_path), target);
	int pid = inner < 0 ? inner : clone_into(l, fds, inner);
	return inner >= 0 && pid < 0 ? clone_error(pid, plan_head(&l->plan)->clone_flags) : pid;
}

static int init_clone(struct launch *l, const struct child_fds *fds)
{
	auto_close int cgroup_fd = take_fd(&l->slots[SLOT_CGROUP_TREE]);
	int pid = clone_into(l, fds, cgroup_fd);
	if (pid == -EBUSY && l->slots[SLOT_TARGET] >= 0)
		pid = clone_beside_target(l, fds, cgroup_fd);
	else if (pid < 0)
		clone_error(pid, plan_head(&l->plan)->clone_flags);
	if (pid < 0)
		return pid;
	l->pid = pid;
	return 0;
}

/* Puts the step's own sentence behind init's. */
static int failure(struct launch *l, int r, const struct sync_message *message)
{
	if (message->type != SYNC_FAILED)
		return err_wrap(r, "init");
	l->phase = message->phase;
	if (message->phase == LAUNCH_PHASE_EXEC)
		return r;
	auto_buf struct buf sentence = BUF_INIT;
	buf_addf(&sentence, "%s (", err_text());
	plan_step_describe(&l->plan, message->step, &sentence);
	return err_say(r, "%s)", sentence.data);
}

/* Receives one message. When init failed, or just died, the trail says why and where. */
static int hear(struct launch *l, struct sync_message *message, int *out_fd)
{
	size_t count = 1;
	*message = (struct sync_message){.type = SYNC_NONE};
	*out_fd = -EBADF;
	int r = sync_receive(l->sync_fd, message, out_fd, &count);
	/* Who closes a socket with something unread in it resets it: that is told first, what was said before it after. */
	if (r == -ECONNRESET && message->type == SYNC_NONE) {
		count = 1;
		r = sync_receive(l->sync_fd, message, out_fd, &count);
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
	uint32_t count = flat_count(&l->plan, PLAN_IDMAP);
	if (count == 0)
		return 0;
	struct ns_idmap uids[NS_IDMAP_MAX], gids[NS_IDMAP_MAX];
	size_t uid_count = 0, gid_count = 0;
	for (uint32_t i = 0; i < count; i++) {
		const struct ns_idmap_row *row = flat_row(&l->plan, PLAN_IDMAP, i);
		struct ns_idmap map = {row->inner, row->outer, row->count};
		size_t *used = row->is_gid ? &gid_count : &uid_count;
		if (*used == NS_IDMAP_MAX)
			return err_say(-E2BIG, "more than %d lines in an id map", NS_IDMAP_MAX);
		(row->is_gid ? gids : uids)[(*used)++] = map;
	}
	struct sync_message message;
	int none;
	int r = hear_only(l, SYNC_MAP_IDS, &message, &none);
	if (r == 0)
		r = ns_idmap_write(l->pid, uids, uid_count, gids, gid_count);
	message = (struct sync_message){.type = SYNC_MAPPED};
	return r < 0 ? r : sync_send(l->sync_fd, &message, NULL, 0);
}

/* By pid, which cannot be another's: it is our child and not waited for yet. */
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

/* Who joins a pid namespace ends as the child of the process that joined, which is ours by CLONE_PARENT. */
static bool hands_over(const struct launch *l)
{
	for (uint32_t i = 0; i < flat_count(&l->plan, PLAN_NAMESPACE); i++) {
		const struct ns_row *row = flat_row(&l->plan, PLAN_NAMESPACE, i);
		if (row->kind == NS_PID && row->mode == NS_MODE_JOIN)
			return true;
	}
	return false;
}

static int child_adopt(struct launch *l, const struct sync_message *message, int fd)
{
	if (fd < 0)
		return err_say(-EPROTO, "a child without its pidfd");
	process_wait(l->pidfd);
	fd_replace(&l->pidfd, fd);
	l->pid = (pid_t)message->step;
	return 0;
}

/* A container that joins a pid namespace is born there before it mounts; an exec at its very end, see launch_release. */
static int child_await(struct launch *l)
{
	struct sync_message message;
	int fd;
	int r = hear_only(l, SYNC_CHILD, &message, &fd);
	return r < 0 ? r : child_adopt(l, &message, fd);
}

static int conversation(struct launch *l)
{
	int r = start_packet_send(l);
	if (r == 0)
		r = oom_score_write(l);
	if (r == 0)
		r = maps_write(l);
	if (r == 0 && plan_head(&l->plan)->kind == PLAN_KIND_RUN && hands_over(l))
		r = child_await(l);
	return r;
}

/* An fd that placing 0 to 3 does not close. */
static int safe_fd_take(int fd)
{
	auto_close int old = fd;
	return old < 0 ? old : sys_fcntl(old, F_DUPFD_CLOEXEC, SAFE_FD);
}

static int child_fds_open(struct launch *l, struct child_fds *out)
{
	int exe = runtime_sealed_exe(l->init_path, plan_head(&l->plan)->flags & PLAN_REAPER);
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

int launch_start(struct launch *l)
{
	auto_of(child_fds) struct child_fds fds = {-EBADF, -EBADF, -EBADF};
	int r = child_fds_open(l, &fds);
	if (r == 0)
		r = init_clone(l, &fds);
	if (r < 0)
		return r;
	for (size_t i = 0; i < 3; i++)
		fd_replace(&l->stdio[i], -EBADF);
	fd_replace(&fds.sync, -EBADF);
	r = conversation(l);
	if (r != -EPIPE)
		return r;
	struct sync_message
		last; /* init died before it heard us: what it said is still to be read */
	int none;
	return hear_only(l, SYNC_FAILED, &last, &none);
}

/* Sized before anybody in the container looks. */
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

static int start_say(struct launch *l)
{
	struct sync_message start = {.type = SYNC_START};
	return sync_send(l->sync_fd, &start, NULL, 0);
}

int launch_leave(struct launch *l)
{
	int r = start_say(l);
	if (r == 0)
		fd_replace(&l->pidfd, -EBADF);
	return r;
}

int launch_go(struct launch *l)
{
	struct sync_message message;
	int fd, r = start_say(l);
	if (r == 0 && plan_head(&l->plan)->kind == PLAN_KIND_EXEC && hands_over(l))
		r = child_await(l);
	if (r == 0)
		r = hear(l, &message, &fd);
	if (r != -ECONNRESET) /* the end of the conversation is the payload's begin */
		return r < 0 ? r : out_of_turn(&message, &fd);
	fd_replace(&l->sync_fd, -EBADF);
	return 0;
}

int launch_release(struct launch *l)
{
	int r = launch_ready(l);
	return r < 0 ? r : launch_go(l);
}
