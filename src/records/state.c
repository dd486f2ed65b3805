/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state of a container is checked, not trusted: a summary that says "running" is right only
 * while exactly that process (pid, start time, boot) lives.
 */
#include "records/internal.h"
#include "base/err.h"
#include "base/log.h"
#include "base/str.h"
#include "monitor/monitor.h"

#include <errno.h>

/* Is the container running, as the row says? If not, the row is corrected from the monitor's exit
 * record. The monitor may not have updated the row yet. */
static void state_verify(struct engine *e, const char *id, struct summary *out)
{
	bool is_this_boot = str_eq(out->boot_id, e->boot_id);
	int parent = is_this_boot ? process_parent(&out->process) : -ESRCH;
	if (parent != -ESRCH) { /* a failed look-up (EMFILE) does not mean that it is dead */
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
	if (r == -ENOENT)
		return err_say(r, "no such container: %.12s", id);
	if (r < 0)
		return err_new(r, "read the summary of container %.12s", id);
	if (out->state == CONTAINER_RUNNING)
		state_verify(e, id, out);
	if (out->state != CONTAINER_RUNNING) /* without a running process there is no address */
		out->address[0] = out->ports[0] = '\0';
	return 0;
}

int container_process_open(const char *id, const struct summary *summary)
{
	int pidfd = process_open(&summary->process);
	if (pidfd == -ESRCH)
		return err_say(pidfd, "container %.12s is not running", id);
	return pidfd < 0 ? err_new(pidfd, "open the first process of container %.12s", id) : pidfd;
}
