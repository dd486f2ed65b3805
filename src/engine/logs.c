/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `logs`: the stored lines of a container; with follow also the new ones until the container has
 * ended.
 */
#include "engine/internal.h"
#include "base/err.h"
#include "monitor/monitor.h"

struct following {
	struct engine *e;
	const char *id;
	const struct log_request *request;
};

static int line_write(void *context, const struct monitor_log_line *line)
{
	const struct log_request *request = ((struct following *)context)->request;
	bool is_stderr = line->stream == MONITOR_STDERR;
	int r = 0;
	if (request->wants_time && line->is_begin) {
		auto_buf struct buf prefix = BUF_INIT;
		buf_addf(&prefix, "%s ", line->time);
		r = request->write(request->context, is_stderr, prefix.data, prefix.len);
	}
	if (r >= 0)
		r = request->write(request->context, is_stderr, line->text, line->size);
	if (r >= 0 && line->has_newline)
		r = request->write(request->context, is_stderr, "\n", 1);
	return r < 0 ? err_new(r, "write the log") : 0;
}

/* Not before the monitor has ended: it may write for a moment after the payload has ended. */
static bool has_ended(void *context)
{
	struct following *f = context;
	struct summary stored;
	int r = summary_read(f->e, f->id, &stored);
	if (r < 0 || stored.state != CONTAINER_RUNNING)
		return r == 0 || r == -ENOENT;
	return !process_is_alive(&stored.process) && !process_is_alive(&stored.monitor);
}

int container_logs(struct engine *e, const char *id, const struct log_request *request)
{
	auto_close int dir = container_dir_open(e, id);
	if (dir < 0)
		return err_say(dir, "no such container: %.12s", id);
	struct summary summary;
	int r = container_summary(e, id, &summary);
	if (r == 0)
		r = container_settle(e, id, &summary);
	if (r < 0)
		return r;
	struct following f = {e, id, request};
	return monitor_log_read(dir, request->tail, request->follows, line_write, has_ended, &f);
}
