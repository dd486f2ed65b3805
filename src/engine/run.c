/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Running: a prepared container is created, planned and launched; in the foreground this process supervises it and
 * cleans up, detached a husk-monitor does. An exec is the same without the creating.
 */
#include "engine/internal.h"
#include "base/err.h"
#include "base/log.h"
#include "base/str.h"
#include "monitor/monitor.h"
#include "mount/mount.h"
#include "storage/storage.h"
#include "sys/calls.h"
#include "sys/lock.h"
#include "sys/term.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* More starts at once only wait for each other in the kernel, and spin there. */
enum { GATE_PLACES_PER_CPU = 2, GATE_PATIENCE_MS = 10000 };

/* 126: found but not executable; 127: not found; 125: husk's own failure. */
static int exit_code_of(int code, enum launch_phase phase)
{
	if (phase != LAUNCH_PHASE_EXEC)
		return 125;
	return code == -ENOENT || code == -ENOTDIR ? 127 : 126;
}

static size_t layer_count(const struct container *c)
{
	return c->rootfs ? 1 : c->layers.count;
}

static int layer_open(const struct engine *e, const struct container *c, size_t index)
{
	if (!c->rootfs)
		return storage_layer_open(e->root_fd, c->layers.items[index]);
	int fd = sys_open_at(AT_FDCWD, c->rootfs, O_PATH | O_DIRECTORY, 0);
	return fd < 0 ? err_new(fd, "open %s", c->rootfs) : fd;
}

int container_top_open(const struct engine *e, const struct container *c)
{
	size_t count = layer_count(c);
	return count ? layer_open(e, c, count - 1) : storage_mountpoints_open(e->root_fd);
}

/* The overlay of all layers: of an image, above that of the mount points where something will be mounted. A --rootfs may
 * be anything, "/" as well, and the kernel wants layers that do not contain each other. */
static int overlay_open(
	const struct engine *e, const struct container *c, const struct storage_snapshot *snapshot)
{
	int layers[1 + STORAGE_LAYERS_MAX];
	size_t count = layer_count(c), opened = 0;
	if (count > STORAGE_LAYERS_MAX)
		return err_say(-EINVAL, "an image of %zu layers cannot be run", count);
	int r = 0;
	if (snapshot->upper_fd >= 0 && !c->rootfs) {
		r = storage_mountpoints_open(e->root_fd);
		if (r >= 0)
			layers[opened++] = r;
	}
	for (size_t i = 0; i < count && r >= 0; i++) {
		r = layer_open(e, c, i);
		if (r >= 0)
			layers[opened++] = r;
	}
	struct mount_overlay overlay = {
		.layers = layers,
		.layer_count = opened,
		.upper_fd = snapshot->upper_fd,
		.work_fd = snapshot->work_fd,
		.is_volatile = c->is_auto_remove,
	};
	if (r >= 0)
		r = mount_overlay_open(&overlay);
	for (size_t i = 0; i < opened; i++)
		fd_close(layers[i]);
	return r < 0 ? err_wrap(r, "assemble the root of container %.12s", c->id) : r;
}

static int root_open(const struct engine *e, const struct container *c)
{
	auto_of(storage_snapshot) struct storage_snapshot snapshot = STORAGE_SNAPSHOT_INIT;
	int r = storage_snapshot_open(e->root_fd, c->id, &snapshot);
	return r < 0 ? r : overlay_open(e, c, &snapshot);
}

int container_image_root_open(const struct engine *e, const struct container *c)
{
	if (layer_count(c) <= 1)
		return container_top_open(e, c);
	struct storage_snapshot none = STORAGE_SNAPSHOT_INIT;
	return overlay_open(e, c, &none);
}

static int plan_of(struct engine *e, const struct container *c, int root_fd, struct buf *out)
{
	auto_arena struct arena a = ARENA_INIT;
	struct oci_spec spec;
	int r = compose_run(e, c, root_fd, &a, &spec);
	return r < 0 ? r : plan_build(&spec, PLAN_KIND_RUN, &e->cgroup, out);
}

int container_plan_write(struct engine *e, const struct container *c, struct buf *out)
{
	auto_close int root = container_image_root_open(e, c);
	auto_buf struct buf bytes = BUF_INIT;
	struct flat plan;
	int r = root < 0 ? root : network_find(e, c);
	if (r == 0)
		r = plan_of(e, c, root, &bytes);
	if (r == 0)
		r = plan_open(&plan, bytes.data, bytes.len);
	if (r == 0)
		plan_write(&plan, out);
	return r;
}

/* Everything up to the clone: root, plan, cgroup, mounts. */
static int launch_make(struct engine *e, const struct container *c, struct launch *l)
{
	auto_close int root = root_open(e, c);
	if (root < 0)
		return root;
	auto_buf struct buf plan = BUF_INIT;
	int r = plan_of(e, c, root, &plan);
	if (r == 0)
		r = launch_set_plan(l, plan.data, plan.len);
	if (r < 0)
		return r;
	l->slots[SLOT_ROOT] = take_fd(&root);
	l->cgroup_host = &e->cgroup;
	l->init_path = INIT_PATH;
	return launch_prepare(l);
}

/* Pipes between the payload and this process; its ends are in l->stdio, ours in m. The payload never holds a terminal
 * of the host (security.md R23): without -t its output is a pipe, its input a pipe or /dev/null. */
static int pipes_make(struct launch *l, struct monitor *m, bool has_stdin)
{
	int pair[2];
	for (int i = 0; i < 2; i++) {
		int r = sys_pipe(pair);
		if (r < 0)
			return err_new(r, "make a pipe");
		m->output_fds[i] = pair[0];
		l->stdio[i + 1] = pair[1];
	}
	if (!has_stdin) {
		l->stdio[0] = sys_open_at(AT_FDCWD, "/dev/null", O_RDONLY, 0);
		return l->stdio[0] < 0 ? err_new(l->stdio[0], "open /dev/null") : 0;
	}
	int r = sys_pipe(pair);
	if (r < 0)
		return err_new(r, "make a pipe");
	l->stdio[0] = pair[0];
	m->input_fd = pair[1];
	return 0;
}

static void foreground_init(struct monitor *m, bool has_stdin)
{
	*m = (struct monitor){
		.pidfd = -EBADF,
		.console_fd = -EBADF,
		.output_fds = {-EBADF, -EBADF},
		.input_fd = -EBADF,
		.user_in = has_stdin ? 0 : -EBADF,
		.user_out = 1,
		.user_err = 2,
		.forwards_signals = true,
	};
}

static void foreground_close(struct monitor *m)
{
	fd_replace(&m->output_fds[0], -EBADF);
	fd_replace(&m->output_fds[1], -EBADF);
	fd_replace(&m->input_fd, -EBADF);
	monitor_log_close(m->log);
	m->log = NULL;
}

/* The user's terminal is the model of the container's. */
static void console_size_take(struct launch *l)
{
	if (term_get_size(0, &l->rows, &l->columns) < 0)
		term_get_size(1, &l->rows, &l->columns);
}

/* From here on a signal is the payload's: until the supervision takes them they wait. */
static int foreground_release(struct launch *l)
{
	monitor_signals_hold();
	console_size_take(l);
	return launch_release(l);
}

/* The payload runs: this process is its monitor until it ends. */
static int foreground_supervise(struct launch *l, struct monitor *m, int *out_code)
{
	m->pidfd = l->pidfd;
	m->console_fd = l->console_fd;
	int r = monitor_run(m, out_code);
	if (r == 0)
		fd_replace(&l->pidfd, -EBADF); /* waited for: nothing is left to kill */
	return r;
}

/* Only once the payload runs: who trusts the row (an exec above all) finds the container's root and all its walls. */
int summary_running(
	struct start *s, const struct process_id *monitor, const struct process_id *payload)
{
	const struct container *c = s->c;
	struct summary summary;
	int r = summary_read(s->e, c->id, &summary);
	if (r < 0)
		return err_new(r, "read the summary of container %.12s", c->id);
	summary.state = CONTAINER_RUNNING;
	summary.flags |= c->is_detached ? SUMMARY_DETACHED : 0;
	summary.started_ns = clock_real_ns();
	summary.process = *payload;
	summary.monitor = *monitor;
	network_describe(s->e, c, &summary);
	r = summary_store(s->e, c->id, &summary);
	fd_replace(&s->lock, -EBADF);
	fd_replace(&s->gate, -EBADF);
	return r;
}

int payload_identify(const struct launch *l, struct process_id *out)
{
	*out = (struct process_id){0};
	int r = process_identify(l->pid, out);
	if (r == -ESRCH) /* it has failed already: to release it will say why */
		return 0;
	return r < 0 ? err_new(r, "look at the container's first process") : 0;
}

/* As a monitor would write it, for those who wait. */
static void exit_tell(struct engine *e, const char *id, int code, bool is_oom)
{
	struct monitor_exit record = {.code = code,
		.flags = is_oom ? MONITOR_EXIT_OOM : 0,
		.finished_ns = clock_real_ns()};
	auto_close int run_dir = container_run_dir_open(e, id);
	if (run_dir >= 0 && monitor_exit_store(run_dir, &record) < 0)
		log_warn("%s", err_text());
}

/* The end as this process saw it. */
static int foreground_ended(
	struct engine *e, const struct container *c, const struct launch *l, int code)
{
	auto_close int lock = container_lock(e, c->id);
	if (lock == -ENOENT)
		return 0; /* removed by another command meanwhile */
	if (lock < 0)
		return lock;
	auto_close int oom = cgroup_oom_open(l->cgroup);
	uint64_t oom_kills = 0;
	bool is_oom = cgroup_oom_kills(oom, &oom_kills) == 0 && oom_kills > 0;
	exit_tell(e, c->id, code, is_oom);
	int r = network_detach(e, c->id);
	if (r == 0)
		r = container_release(e, c->id);
	if (r < 0)
		return r;
	if (c->is_auto_remove) {
		waiters_pass(e, c->id);
		return container_erase(e, c->id, c->name);
	}
	struct summary summary;
	r = summary_read(e, c->id, &summary);
	if (r < 0)
		return err_new(r, "read the summary of container %.12s", c->id);
	summary.state = CONTAINER_EXITED;
	summary.exit_code = code;
	summary.finished_ns = clock_real_ns();
	summary.flags |= is_oom ? SUMMARY_OOM_KILLED : 0;
	return summary_store(e, c->id, &summary);
}

/* The code is the payload's whatever comes of this; the next command tidies up. */
static void on_ended(void *context, int code)
{
	struct start *s = context;
	s->has_ended = true;
	s->left = foreground_ended(s->e, s->c, &s->launch, code);
	if (s->left < 0)
		log_warn("%s", err_text());
}

static int foreground_run(struct start *s, int *out_code)
{
	struct launch *l = &s->launch;
	bool has_stdin = s->c->process.has_stdin;
	struct monitor m;
	struct process_id self, payload;
	foreground_init(&m, has_stdin);
	m.ended = on_ended;
	m.context = s;
	auto_close int dir = container_dir_open(s->e, s->c->id);
	int r = s->c->process.has_tty ? 0 : pipes_make(l, &m, has_stdin);
	if (r == 0)
		r = monitor_log_open(dir, MONITOR_LOG_BYTES, MONITOR_LOG_FILES, &m.log);
	if (r == 0)
		r = launch_start(l);
	if (r == 0)
		r = network_attach(s->e, s->c, l->pid);
	if (r == 0)
		r = process_identify(getpid(), &self);
	if (r == 0)
		r = payload_identify(l, &payload);
	if (r == 0)
		r = foreground_release(l);
	if (r == 0)
		r = summary_running(s, &self, &payload);
	if (r == 0)
		r = foreground_supervise(l, &m, out_code);
	foreground_close(&m);
	return r;
}

/* A mistake leaves nothing. A command that is missing or not executable is the container's own affair: without --rm it
 * stays, created and never started, as with Docker. The trail is kept; an error means that something is left. */
static int failed(struct engine *e, const struct container *c, enum launch_phase phase)
{
	struct err_packet trail;
	err_pack(&trail);
	int r = network_abandon(e, c->id);
	if (r == 0)
		r = container_release(e, c->id);
	struct summary summary;
	bool stays = phase == LAUNCH_PHASE_EXEC && !c->is_auto_remove;
	if (r == 0 && stays)
		r = summary_read(e, c->id, &summary);
	if (r == 0 && stays) {
		summary.state = CONTAINER_CREATED;
		summary.flags |= SUMMARY_STAYS;
		r = summary_store(e, c->id, &summary);
	} else if (r == 0) {
		r = container_erase(e, c->id, c->name);
	}
	if (r == 0 && trail.code == -ECONNRESET) /* the monitor has died */
		r = instance_groups_sweep(e);
	if (r < 0)
		log_warn("after a failure: %s", err_text());
	err_unpack(&trail);
	return r;
}

/* The place is a courtesy to the others, not a right: with one that hangs in each the starts go on, only slowly. */
static void start_init(struct start *s, struct engine *e, struct container *c)
{
	*s = (struct start){.e = e, .c = c, .lock = -EBADF};
	launch_init(&s->launch);
	s->gate = lock_gate_at(
		e->state_fd, "lock", GATE_PLACES_PER_CPU * process_cpus(), GATE_PATIENCE_MS);
	if (s->gate == -ETIMEDOUT)
		log_warn("other containers have been starting for %d seconds",
			GATE_PATIENCE_MS / 1000);
}

static void start_close(struct start *s)
{
	launch_close(&s->launch);
	fd_replace(&s->lock, -EBADF);
	fd_replace(&s->gate, -EBADF);
}

/* A container that is there, from its network to its first process. */
static int start_run(struct start *s, int *out_code)
{
	int r = network_prepare(s->e, s->c);
	if (r == 0)
		r = launch_make(s->e, s->c, &s->launch);
	if (r < 0)
		return r;
	if (!s->c->is_detached)
		return foreground_run(s, out_code);
	*out_code = 0;
	r = detached_run(s);
	if (r == 0)
		fd_replace(&s->launch.pidfd, -EBADF); /* the monitor's child lives on */
	return r;
}

static int create_and_run(struct start *s, int *out_code)
{
	int r = container_create(s->e, s->c);
	if (r == 0)
		r = s->lock = container_lock(s->e, s->c->id);
	return r < 0 ? r : start_run(s, out_code);
}

int container_run(struct engine *e, struct container *c, int *out_code)
{
	*out_code = 125;
	struct start s;
	start_init(&s, e, c);
	auto_close int pending = pending_begin(e, c->id);
	if (pending < 0) {
		start_close(&s);
		return pending;
	}
	int left = 0, r = create_and_run(&s, out_code);
	if (r < 0 && !s.has_ended) {
		space_explain(e, r);
		*out_code = exit_code_of(r, s.launch.phase);
		launch_close(&s.launch);
		left = failed(e, c, s.launch.phase);
	} else {
		left = s.left;
	}
	start_close(&s);
	if (left < 0)
		pending_keep(&pending);
	else
		pending_end(e, c->id, &pending);
	return r;
}

/* As it was before. The trail is kept; an error means that something is left. */
static int start_failed(struct engine *e, const char *id, const struct summary *before)
{
	struct err_packet trail;
	err_pack(&trail);
	int r = network_abandon(e, id);
	if (r == 0)
		r = container_release(e, id);
	if (r == 0)
		r = summary_store(e, id, before);
	if (r == 0 && trail.code == -ECONNRESET)
		r = instance_groups_sweep(e);
	if (r < 0)
		log_warn("after a failure: %s", err_text());
	err_unpack(&trail);
	return r;
}

/* From a created or ended container to a running one, in the background. Who asks is after whoever starts or removes it
 * already. */
static int start_again(struct start *s, int *out_left)
{
	struct summary before;
	int none, r = s->lock = container_lock(s->e, s->c->id);
	if (r >= 0)
		r = container_summary(s->e, s->c->id, &before);
	if (r < 0 || before.state == CONTAINER_RUNNING)
		return r;
	r = container_run_dir_begin(s->e, s->c);
	if (r == 0)
		r = start_run(s, &none);
	if (r == 0)
		return 0;
	space_explain(s->e, r);
	launch_close(&s->launch);
	*out_left = start_failed(s->e, s->c->id, &before);
	return r;
}

/* The caller holds its pending lock, and keeps it where *out_left says so. */
static int start_locked(struct engine *e, const char *id, int *out_left)
{
	auto_arena struct arena a = ARENA_INIT;
	struct container c;
	int r = container_load(e, id, &a, &c);
	if (r == 0)
		r = container_ended(e, id);
	if (r < 0)
		return r;
	c.is_detached = true;
	struct start s;
	start_init(&s, e, &c);
	r = start_again(&s, out_left);
	start_close(&s);
	return r;
}

int container_start(struct engine *e, const char *id)
{
	struct summary summary;
	int r = container_summary(e, id, &summary);
	if (r < 0 || summary.state == CONTAINER_RUNNING)
		return r;
	if (summary.state == CONTAINER_BROKEN)
		return err_say(-EBADMSG,
			"the summary of container %.12s is damaged; husk rm -f removes it", id);
	auto_close int pending = pending_begin(e, id);
	if (pending < 0)
		return pending;
	int left = 0;
	r = start_locked(e, id, &left);
	if (left < 0)
		pending_keep(&pending);
	else
		pending_end(e, id, &pending);
	return r;
}

static int exec_plan(struct engine *e, const struct container *c,
	const struct exec_request *request, int root_fd, struct buf *out)
{
	auto_arena struct arena a = ARENA_INIT;
	struct oci_spec spec;
	int r = compose_exec(e, c, request, root_fd, &a, &spec);
	return r < 0 ? r : plan_build(&spec, PLAN_KIND_EXEC, NULL, out);
}

/* The container's root as its first process sees it; the pidfd says that the pid is still that process. */
static int running_root_open(const struct summary *summary, int pidfd)
{
	char path[64];
	fmt(path, "/proc/%d/root", summary->process.pid);
	auto_close int root = sys_open_at(AT_FDCWD, path, O_PATH | O_DIRECTORY, 0);
	if (sys_pidfd_send_signal(pidfd, 0) < 0)
		return err_say(-ESRCH, "the container has just ended");
	return root < 0 ? err_new(root, "open the container's root") : take_fd(&root);
}

static int exec_prepare(
	struct engine *e, const char *id, const struct exec_request *request, struct launch *l)
{
	struct summary summary;
	int r = container_summary(e, id, &summary);
	if (r < 0)
		return r;
	if (summary.state != CONTAINER_RUNNING)
		return err_say(-EINVAL, "container %.12s is not running", id);
	r = container_settle(e, id, &summary);
	if (r < 0)
		return r;
	auto_arena struct arena a = ARENA_INIT;
	struct container c;
	r = container_load(e, id, &a, &c);
	if (r < 0)
		return r;
	l->slots[SLOT_TARGET] = container_process_open(id, &summary);
	if (l->slots[SLOT_TARGET] < 0)
		return l->slots[SLOT_TARGET];
	auto_close int root = running_root_open(&summary, l->slots[SLOT_TARGET]);
	if (root < 0)
		return root;

	auto_buf struct buf plan = BUF_INIT;
	r = exec_plan(e, &c, request, root, &plan);
	if (r == 0)
		r = launch_set_plan(l, plan.data, plan.len);
	if (r < 0)
		return r;
	l->cgroup_host = &e->cgroup;
	l->init_path = INIT_PATH;
	return launch_prepare(l);
}

/* A terminal needs somebody at its other end for as long as the command runs: a child that outlives this process. */
static int console_hold(struct launch *l)
{
	struct clone_args args = {0};
	int pid = sys_clone3(&args);
	if (pid != 0)
		return pid < 0 ? err_new(pid, "start the holder of the terminal") : 0;
	struct monitor m;
	int code, r = sys_setsid();
	auto_close int null_fd = sys_open_at(AT_FDCWD, "/dev/null", O_RDWR | O_NOCTTY, 0);
	for (int i = 0; i < 3 && r >= 0; i++)
		r = fd_place(null_fd, i);
	foreground_init(&m, false);
	m.user_out = m.user_err = -EBADF;
	m.forwards_signals = false;
	m.is_adopted = true;
	m.pidfd = l->pidfd;
	m.console_fd = l->console_fd;
	if (r >= 0)
		r = monitor_run(&m, &code);
	_exit(r < 0);
}

static int exec_detached(struct launch *l)
{
	int r = launch_start(l);
	if (r == 0)
		r = launch_release(l);
	if (r == 0 && l->console_fd >= 0)
		r = console_hold(l);
	if (r == 0)
		fd_replace(&l->pidfd, -EBADF); /* it lives on */
	return r;
}

static int exec_run(struct launch *l, const struct exec_request *request, int *out_code)
{
	if (request->is_detached) {
		*out_code = 0;
		return exec_detached(l);
	}
	struct monitor m;
	foreground_init(&m, request->has_stdin);
	int r = request->has_tty ? 0 : pipes_make(l, &m, request->has_stdin);
	if (r == 0)
		r = launch_start(l);
	if (r == 0)
		r = foreground_release(l);
	if (r == 0)
		r = foreground_supervise(l, &m, out_code);
	foreground_close(&m);
	return r;
}

int container_exec(
	struct engine *e, const char *id, const struct exec_request *request, int *out_code)
{
	struct launch l;
	launch_init(&l);
	int r = exec_prepare(e, id, request, &l);
	if (r == 0)
		r = exec_run(&l, request, out_code);
	struct summary now;
	if (r == -ECONNRESET && container_summary(e, id, &now) == 0 &&
		now.state != CONTAINER_RUNNING)
		r = err_say(-ESRCH, "container %.12s ended before the command could begin", id);
	if (r < 0)
		*out_code = exit_code_of(r, l.phase);
	launch_close(&l);
	return r;
}
