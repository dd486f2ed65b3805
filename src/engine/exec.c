/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exec: a further process in a running container. The steps are those of running a container,
 * without creating it.
 */
#include "engine/internal.h"
#include "base/err.h"
#include "base/str.h"
#include "monitor/monitor.h"
#include "sys/calls.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static int exec_plan(struct engine *e, const struct container *c,
	const struct exec_request *request, int root_fd, struct buf *out)
{
	auto_arena struct arena a = ARENA_INIT;
	struct oci_spec spec;
	int r = compose_exec(e, c, request, root_fd, &a, &spec);
	return r < 0 ? r : plan_build(&spec, PLAN_KIND_EXEC, NULL, out);
}

/* Opens the container's root as its first process sees it. The pidfd proves that the pid still
 * belongs to that process. */
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
		return err_say(-ESRCH, "container %.12s is not running", id);
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

/* While the command runs, its terminal needs a process at the other end: a child that outlives this
 * process. */
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
		fd_replace(&l->pidfd, -EBADF); /* the process lives on */
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
	int r = streams_make(l, &m, request->has_tty, request->has_stdin);
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
	if ((r == -ECONNRESET || r == -ECONNABORTED) && container_summary(e, id, &now) == 0 &&
		now.state != CONTAINER_RUNNING)
		r = err_say(-ESRCH, "container %.12s ended before the command could begin", id);
	if (r < 0)
		*out_code = exit_code_of(r, l.phase);
	launch_close(&l);
	return r;
}
