/* SPDX-License-Identifier: Apache-2.0 */
/* `events`: one line of JSON for each event, flushed at once, so that a program can read the lines
 * from a pipe. */
#include "runtime_cli/internal.h"
#include "base/err.h"

#include <errno.h>
#include <stdio.h>

enum { NS_OF_MS = 1000000 };

struct events_args {
	uint64_t interval_ns;
	bool has_interval, is_once;
};

static const struct opt events_opts[] = {
	OPT_VALUE_SEEN(0, "interval", struct events_args, interval_ns, has_interval, "DURATION",
		opt_parse_duration, "a span of time such as 500ms, 5s or 1m30s",
		"how often the numbers are printed (default 5s)"),
	OPT_FLAG(0, "stats", struct events_args, is_once, "print the numbers once and end"),
	OPT_END,
};

static int line_print(void *context, const char *line)
{
	printf("%s\n", line);
	bool is_written = fflush(stdout) == 0 &&
		!ferror(stdout); /* after an earlier failure fflush has nothing to do */
	return is_written ? 0 : err_say(-EIO, "standard output cannot be written");
}

static int events_main(void *context, void *raw, int argc, char **argv)
{
	const struct events_args *args = raw;
	auto_of(runtime) struct runtime rt = {.root_fd = -EBADF};
	struct runtime_events request = {
		.id = argv[0],
		.interval_ms = args->has_interval ? args->interval_ns / NS_OF_MS : 5000,
		.is_once = args->is_once,
		.tell = line_print,
	};
	if (request.interval_ms == 0)
		return err_say(-EINVAL, "--interval: at least 1ms is needed");
	int r = runtime_cli_open(context, &rt);
	return r < 0 ? r : runtime_events(&rt, &request);
}

const struct command runtime_cmd_events = {
	.name = "events",
	.synopsis = "ID",
	.summary = "print what a container uses, and when it runs out of memory, as JSON",
	.flags = COMMAND_OPTIONS_MIXED,
	.min_args = 1,
	.max_args = 1,
	.opts = events_opts,
	.args_size = sizeof(struct events_args),
	.run = events_main,
};
