/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What can be done to a container that exists. Its state is found, not believed: a summary that says "running" is only
 * right while that very process (pid, start time, boot) lives. Who finds a container ended that nobody collected does
 * what its monitor would have done.
 */
#include "engine/internal.h"
#include "base/err.h"
#include "base/log.h"
#include "base/str.h"
#include "monitor/monitor.h"
#include "sys/calls.h"
#include "sys/file.h"
#include "sys/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>

enum {
	KILL_PATIENCE_MS = 10000,
	COLLECT_PATIENCE_MS = 5000,
	WAITER_PATIENCE_MS = 1000,
	COLLECT_STEP_MS = 10
};

/* Is it running, as the row says? Otherwise the row is made right: its monitor may be about to write it down, and what
 * it has left is the truth. */
static void state_verify(struct engine *e, const char *id, struct summary *out)
{
	bool is_this_boot = str_eq(out->boot_id, e->boot_id);
	int parent = is_this_boot ? process_parent(&out->process) : -ESRCH;
	if (parent != -ESRCH) { /* who cannot be looked at (EMFILE) is not dead */
		out->flags |= parent > 0 && parent == out->monitor.pid ? SUMMARY_WATCHED : 0;
		return;
	}
	struct monitor_exit record = {.code = -1};
	auto_close int run_dir = container_run_dir_open(e, id);
	if (run_dir >= 0 && is_this_boot && monitor_exit_load(run_dir, &record) < 0)
		record = (struct monitor_exit){.code = -1};
	out->flags |= SUMMARY_UNCOLLECTED;
	out->state = CONTAINER_EXITED;
	out->exit_code = record.code;
	out->finished_ns = record.finished_ns;
	out->flags |= record.flags & MONITOR_EXIT_OOM ? SUMMARY_OOM_KILLED : 0;
}

int container_summary(struct engine *e, const char *id, struct summary *out)
{
	int r = summary_read(e, id, out);
	if (r < 0)
		return err_say(r, "no such container: %.12s", id);
	if (out->state == CONTAINER_RUNNING)
		state_verify(e, id, out);
	if (out->state != CONTAINER_RUNNING) /* what does not run has no address */
		out->address[0] = out->ports[0] = '\0';
	return 0;
}

void waiters_pass(struct engine *e, const char *id)
{
	auto_close int run_dir = container_run_dir_open(e, id);
	uint64_t deadline = clock_boot_ms() + WAITER_PATIENCE_MS;
	while (run_dir >= 0 && clock_boot_ms() < deadline) {
		auto_close int alone = lock_file_at(run_dir, "wait", false);
		if (alone != -EWOULDBLOCK)
			return;
		clock_sleep_ms(COLLECT_STEP_MS);
	}
}

/* Gives back what the kernel and the disk hold of an ended container. The caller has its lock. */
static int collect_locked(struct engine *e, const char *id, struct summary *summary)
{
	int r = network_detach(e, id);
	if (r == 0)
		r = container_release(e, id);
	if (r < 0)
		return r;
	if (summary->flags & SUMMARY_AUTO_REMOVE) {
		auto_close int pending = pending_try(e, id);
		waiters_pass(e, id);
		r = container_erase(e, id, summary->name);
		if (r == 0)
			pending_end(e, id, &pending);
		return r;
	}
	if (summary->finished_ns == 0)
		summary->finished_ns = clock_real_ns();
	return summary_store(e, id, summary);
}

/* 1 when there was something to collect. */
static int collect(struct engine *e, const char *id)
{
	auto_close int lock = container_lock(e, id);
	if (lock == -ENOENT)
		return 0; /* somebody else was faster */
	if (lock < 0)
		return lock;
	struct summary stored, now;
	if (summary_read(e, id, &stored) < 0 || container_summary(e, id, &now) < 0)
		return 0;
	if (stored.state != CONTAINER_RUNNING || now.state != CONTAINER_EXITED)
		return 0;
	int r = collect_locked(e, id, &now);
	return r < 0 ? r : 1;
}

int container_ended(struct engine *e, const char *id)
{
	int r = collect(e, id);
	return r < 0 ? r : instance_groups_remove(e); /* its monitor has just left them */
}

/* The process that should collect has a moment to do it; then it is done here. */
static int wait_collected(struct engine *e, const char *id, const struct summary *summary)
{
	uint64_t deadline = clock_boot_ms() + COLLECT_PATIENCE_MS;
	while (process_is_alive(&summary->monitor) && clock_boot_ms() < deadline) {
		struct summary stored;
		if (summary_read(e, id, &stored) < 0 || stored.state != CONTAINER_RUNNING)
			return 0;
		clock_sleep_ms(COLLECT_STEP_MS);
	}
	int r = collect(e, id);
	return r < 0 ? r : 0;
}

/* Lets whoever starts it, removes it or collects its end have done. */
static void busy_await(struct engine *e, const char *id)
{
	auto_close int run_dir = container_run_dir_open(e, id);
	if (run_dir >= 0)
		fd_close(lock_shared_at(run_dir, "lock"));
}

int container_process_open(const char *id, const struct summary *summary)
{
	int pidfd = process_open(&summary->process);
	if (pidfd == -ESRCH)
		return err_say(pidfd, "container %.12s is not running", id);
	return pidfd < 0 ? err_new(pidfd, "open the first process of container %.12s", id) : pidfd;
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
	/* Docker's promise: after KILL it is not running. */
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

/* How its record wants it stopped. One that cannot be read, or says nonsense, keeps nobody from ending it. */
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
		return 0; /* stopping what is stopped is success, as with Docker */
	if (pidfd < 0)
		return pidfd;
	int r = sys_pidfd_send_signal(pidfd, stop_signal_load(e, id, &own_timeout_ms));
	if (r < 0 && r != -ESRCH) /* it may not wait for what it was not sent */
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

/* It does not run any more, or 1 when it was started meanwhile. The caller has its lock. */
static int remove_locked(struct engine *e, const char *id, bool volumes_too)
{
	struct summary summary;
	bool has_row = container_summary(e, id, &summary) == 0 && summary.state != CONTAINER_BROKEN;
	if (has_row && summary.state == CONTAINER_RUNNING)
		return 1;
	int r = network_detach(e, id);
	if (r == 0)
		r = container_release(e, id);
	if (r == 0 && (volumes_too || (has_row && summary.flags & SUMMARY_AUTO_REMOVE)))
		r = anonymous_remove(e, id);
	return r < 0 ? r : container_forget(e, id, has_row ? summary.name : NULL);
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

/* The exit record of a container whose process has gone, as soon as its monitor has written it. */
static int exit_await(
	struct engine *e, const char *id, int run_dir, const struct summary *summary, int *out_code)
{
	uint64_t deadline = clock_boot_ms() + COLLECT_PATIENCE_MS;
	for (;;) {
		bool was_last = !process_is_alive(&summary->monitor) || clock_boot_ms() > deadline;
		struct monitor_exit record;
		struct summary stored;
		if (run_dir >= 0 && monitor_exit_load(run_dir, &record) == 0) {
			*out_code = record.code;
			return 0;
		}
		if (summary_read(e, id, &stored) == 0 && stored.state == CONTAINER_EXITED) {
			*out_code = stored.exit_code;
			return 0;
		}
		if (was_last)
			break;
		clock_sleep_ms(COLLECT_STEP_MS);
	}
	*out_code = -1;
	return 0;
}

int container_wait(struct engine *e, const char *id, int *out_code)
{
	struct summary summary;
	auto_close int run_dir = container_run_dir_open(e, id);
	auto_close int waiting = run_dir < 0 ? -EBADF : lock_shared_at(run_dir, "wait");
	int r = container_summary(e, id, &summary);
	if (r == 0)
		r = container_settle(e, id, &summary);
	if (r < 0)
		return r;
	if (summary.state == CONTAINER_CREATED)
		return err_say(-EINVAL, "container %.12s was never started", id);
	if (summary.state == CONTAINER_EXITED && !process_is_alive(&summary.monitor)) {
		*out_code = summary.exit_code;
		return 0;
	}
	auto_close int pidfd = container_process_open(id, &summary);
	if (pidfd < 0 && pidfd != -ESRCH)
		return pidfd;
	r = pidfd < 0 ? 0 : process_wait_gone(pidfd, UINT64_MAX);
	if (r < 0)
		return err_new(r, "wait for container %.12s", id);
	return exit_await(e, id, run_dir, &summary, out_code);
}
