/* SPDX-License-Identifier: Apache-2.0 */
/* Waits for the end of a container, and until it is recorded. */
#include "engine/internal.h"
#include "base/err.h"
#include "monitor/monitor.h"
#include "sys/lock.h"

#include <errno.h>

enum { COLLECT_PATIENCE_MS = 5000, COLLECT_STEP_MS = 10 };

/* Waits for the exit record of a container whose process is gone, until its monitor has written
 * it. */
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

/* The process that should collect the end gets some time for it. Then the end is collected here. */
int wait_collected(struct engine *e, const char *id, const struct summary *summary)
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
