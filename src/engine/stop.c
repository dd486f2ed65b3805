/* SPDX-License-Identifier: Apache-2.0 */
/* Signals, stopping and removing. */
#include "engine/internal.h"
#include "base/err.h"
#include "base/log.h"
#include "monitor/monitor.h"
#include "sys/calls.h"
#include "sys/lock.h"

#include <errno.h>
#include <signal.h>

enum { KILL_PATIENCE_MS = 10000 };

/* Waits until a start, a removal or an end of the container that is in progress has finished. */
static void busy_await(struct engine *e, const char *id)
{
	auto_close int run_dir = container_run_dir_open(e, id);
	if (run_dir >= 0)
		fd_close(lock_shared_at(run_dir, "lock"));
}

static int running_open(struct engine *e, const char *id, struct summary *out)
{
	busy_await(e, id);
	int r = container_summary(e, id, out);
	if (r < 0)
		return r;
	if (out->state == CONTAINER_EXITED)
		wait_collected(e, id, out);
	if (out->state != CONTAINER_RUNNING)
		return err_say(-ESRCH, "container %.12s is not running", id);
	r = container_settle(e, id, out);
	return r < 0 ? r : container_process_open(id, out);
}

int container_kill(struct engine *e, const char *id, int signal)
{
	struct summary summary;
	auto_close int pidfd = running_open(e, id, &summary);
	if (pidfd < 0)
		return pidfd;
	int r = sys_pidfd_send_signal(pidfd, signal);
	if (r < 0)
		return err_new(r, "send signal %d to container %.12s", signal, id);
	/* As Docker promises: after KILL the container does not run. */
	if (signal != SIGKILL)
		return 0;
	r = process_wait_gone(pidfd, KILL_PATIENCE_MS);
	if (r < 0)
		return err_new(r, "container %.12s does not end", id);
	return wait_collected(e, id, &summary);
}

static int kill_group(struct engine *e, const char *id)
{
	auto_buf struct buf path = BUF_INIT;
	container_cgroup_path(e, id, &path);
	auto_of(cgroup) struct cgroup *group = NULL;
	int r = cgroup_open(&e->cgroup, path.data, &group);
	if (r == -ENOENT)
		return 0;
	return r < 0 ? r : cgroup_kill_all(group);
}

/* The signal and the timeout of the container's record. If the record cannot be read, or its signal
 * is unknown, the container must still be stoppable: then SIGTERM and ten seconds. */
static int stop_signal_load(struct engine *e, const char *id, uint64_t *out_timeout_ms)
{
	auto_arena struct arena a = ARENA_INIT;
	struct container c;
	int r = container_load(e, id, &a, &c);
	if (r < 0)
		log_warn("%s: SIGTERM, and %d seconds", err_text(), STOP_TIMEOUT_MS / 1000);
	*out_timeout_ms = r < 0 ? STOP_TIMEOUT_MS : c.stop_timeout_ms;
	int signal = r < 0 || !c.stop_signal ? SIGTERM : signal_parse(c.stop_signal);
	return signal < 0 ? SIGTERM : signal;
}

int container_stop(struct engine *e, const char *id, uint64_t timeout_ms)
{
	struct summary summary;
	uint64_t own_timeout_ms;
	auto_close int pidfd = running_open(e, id, &summary);
	if (pidfd == -ESRCH)
		return 0; /* stopping a stopped container is success, as with Docker */
	if (pidfd < 0)
		return pidfd;
	int r = sys_pidfd_send_signal(pidfd, stop_signal_load(e, id, &own_timeout_ms));
	if (r < 0 && r != -ESRCH) /* the signal was not sent, so there is nothing to wait for */
		timeout_ms = 0;
	r = process_wait_gone(pidfd, timeout_ms == UINT64_MAX ? own_timeout_ms : timeout_ms);
	if (r == -ETIMEDOUT) {
		r = kill_group(e, id);
		if (r == 0)
			r = process_wait_gone(pidfd, KILL_PATIENCE_MS);
	}
	if (r < 0)
		return err_new(r, "container %.12s does not end", id);
	return wait_collected(e, id, &summary);
}

/* Removes a container that does not run. Returns 1 if it was started meanwhile. The caller holds
 * its lock. */
static int remove_locked(struct engine *e, const char *id, bool volumes_too)
{
	struct summary summary;
	int r = container_summary(e, id, &summary);
	if (r < 0 && r != -ENOENT)
		return r;
	bool has_row = r == 0 && summary.state != CONTAINER_BROKEN;
	if (has_row && summary.state == CONTAINER_RUNNING)
		return 1;
	bool is_auto_remove = has_row && summary.flags & SUMMARY_AUTO_REMOVE;
	const struct end end = {.kind = END_REMOVAL,
		.id = id,
		.name = has_row ? summary.name : NULL,
		.keeps_volumes = !volumes_too && !is_auto_remove};
	return container_end(e, &end);
}

int container_remove(struct engine *e, const char *id, bool is_forced, bool volumes_too)
{
	int r = 1;
	while (r == 1) {
		struct summary summary;
		auto_close int pidfd = running_open(e, id, &summary);
		if (pidfd < 0 && pidfd != -ESRCH)
			return pidfd;
		if (pidfd >= 0 && !is_forced)
			return err_say(-EBUSY,
				"container %.12s is running: stop the container before removing "
				"it, or use rm -f",
				id);
		r = pidfd < 0 ? 0 : container_kill(e, id, SIGKILL);
		if (r < 0 && r != -ESRCH)
			return r;
		auto_close int pending = pending_try(e, id);
		auto_close int lock = container_lock(e, id);
		r = lock == -ENOENT ? 0 /* with --rm its monitor was faster */
			: lock < 0  ? lock
				    : remove_locked(e, id, volumes_too);
		if (r == 0)
			pending_end(e, id, &pending);
	}
	return r;
}
