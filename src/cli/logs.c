/* SPDX-License-Identifier: Apache-2.0 */
/* `husk logs`: writes standard output and standard error of a container, each to the same stream of
 * husk. */
#include "cli/internal.h"
#include "base/err.h"
#include "base/str.h"
#include "sys/fd.h"

#include <errno.h>

struct logs_args {
	bool follows, wants_time;
	const char *tail;
};

static const struct opt logs_opts[] = {
	OPT_FLAG('f', "follow", struct logs_args, follows,
		"go on with what comes, until the container ends"),
	OPT_STRING('n', "tail", struct logs_args, tail, "LINES",
		"only this many lines from the end (default all)"),
	OPT_FLAG('t', "timestamps", struct logs_args, wants_time, "put the time before each line"),
	OPT_END,
};

static int logs_write(void *context, bool is_stderr, const void *data, size_t size)
{
	return fd_write_full(is_stderr ? 2 : 1, data, size);
}

static int logs_main(void *context, void *raw, int argc, char **argv)
{
	const struct logs_args *args = raw;
	struct log_request request = {.tail = UINT64_MAX,
		.follows = args->follows,
		.wants_time = args->wants_time,
		.write = logs_write};
	if (args->tail && !str_eq(args->tail, "all") && parse_u64(args->tail, &request.tail) < 0)
		return err_say(
			-EINVAL, "--tail: \"%s\" is not a number of lines, or all", args->tail);
	auto_of(engine) struct engine e;
	char id[CONTAINER_ID_LEN + 1];
	int r = cli_engine_open(context, &e);
	if (r == 0)
		r = container_find(&e, argv[0], id);
	if (r == 0)
		r = container_logs(&e, id, &request);
	return r == -EPIPE ? 0 : r; /* the reader of our output has closed it */
}

const struct command cmd_logs = {
	.name = "logs",
	.synopsis = "CONTAINER",
	.summary = "show the output of a container",
	.flags = COMMAND_OPTIONS_MIXED,
	.min_args = 1,
	.max_args = 1,
	.opts = logs_opts,
	.args_size = sizeof(struct logs_args),
	.run = logs_main,
};
