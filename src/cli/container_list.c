/* SPDX-License-Identifier: Apache-2.0 */
/* Commands on containers that exist: stop, start, kill, rm, wait, diff. */
#include "cli/internal.h"
#include "base/err.h"
#include "base/json.h"
#include "base/log.h"
#include "base/str.h"
#include "engine/engine.h"
#include "sys/fd.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* Does one thing for each named container. A missing container is always reported; the command
 * decides whether that is a failure. */
struct job {
	int (*action)(struct engine *e, const char *id, void *data);
	void *data;
	bool is_absence_fine;
};

static int job_do(struct engine *e, const char *word, void *data)
{
	const struct job *job = data;
	char id[CONTAINER_ID_LEN + 1];
	int r = container_find(e, word, id);
	if (r == -ENOENT && job->is_absence_fine) {
		cli_print_error();
		return CLI_SAY_NOTHING;
	}
	return r < 0 ? r : job->action(e, id, job->data);
}

static int for_each(void *context, int argc, char **argv,
	int (*action)(struct engine *, const char *, void *), void *data)
{
	struct job job = {action, data, false};
	return cli_each(context, argc, argv, job_do, &job);
}

struct stop_args {
	uint64_t timeout_s;
	bool has_timeout;
};

static const struct opt stop_opts[] = {
	OPT_VALUE_SEEN('t', "time", struct stop_args, timeout_s, has_timeout, "SECONDS",
		opt_parse_u64, "a number of seconds", "wait this long before killing (default 10)"),
	OPT_END,
};

static int stop_one(struct engine *e, const char *id, void *data)
{
	const struct stop_args *args = data;
	/* One below the value for "the container's own timeout"; longer than any machine runs. */
	uint64_t seconds_max = (UINT64_MAX - 1) / 1000;
	uint64_t seconds = args->timeout_s < seconds_max ? args->timeout_s : seconds_max;
	return container_stop(e, id, args->has_timeout ? seconds * 1000 : UINT64_MAX);
}

static int stop_main(void *context, void *args, int argc, char **argv)
{
	return for_each(context, argc, argv, stop_one, args);
}

const struct command cmd_stop = {
	.name = "stop",
	.synopsis = "CONTAINER...",
	.summary = "stop containers: the stop signal, then after a while a kill",
	.flags = COMMAND_OPTIONS_MIXED,
	.min_args = 1,
	.opts = stop_opts,
	.args_size = sizeof(struct stop_args),
	.run = stop_main,
};

static int start_one(struct engine *e, const char *id, void *data)
{
	return container_start(e, id);
}

static int start_main(void *context, void *args, int argc, char **argv)
{
	return for_each(context, argc, argv, start_one, NULL);
}

static const struct opt no_opts[] = {OPT_END};

const struct command cmd_start = {
	.name = "start",
	.synopsis = "CONTAINER...",
	.summary = "start stopped containers, in the background",
	.min_args = 1,
	.opts = no_opts,
	.run = start_main,
};

struct kill_args {
	const char *signal;
};

static const struct opt kill_opts[] = {
	OPT_STRING(
		's', "signal", struct kill_args, signal, "SIGNAL", "signal to send (default KILL)"),
	OPT_END,
};

static int kill_one(struct engine *e, const char *id, void *data)
{
	return container_kill(e, id, *(const int *)data);
}

static int kill_main(void *context, void *raw, int argc, char **argv)
{
	const struct kill_args *args = raw;
	int signal = signal_parse(args->signal ? args->signal : "KILL");
	if (signal < 0)
		return err_say(-EINVAL, "--signal: \"%s\" is not a signal", args->signal);
	return for_each(context, argc, argv, kill_one, &signal);
}

const struct command cmd_kill = {
	.name = "kill",
	.synopsis = "CONTAINER...",
	.summary = "send a signal to the first process of containers",
	.flags = COMMAND_OPTIONS_MIXED,
	.min_args = 1,
	.opts = kill_opts,
	.args_size = sizeof(struct kill_args),
	.run = kill_main,
};

struct rm_args {
	bool is_forced, volumes_too;
};

static const struct opt rm_opts[] = {
	OPT_FLAG('f', "force", struct rm_args, is_forced, "kill it first when it runs"),
	OPT_FLAG('v', "volumes", struct rm_args, volumes_too, "also its anonymous volumes"),
	OPT_END,
};

static int rm_one(struct engine *e, const char *id, void *data)
{
	const struct rm_args *args = data;
	return container_remove(e, id, args->is_forced, args->volumes_too);
}

/* As Docker: with -f a missing container is no failure. */
static int rm_main(void *context, void *raw, int argc, char **argv)
{
	const struct rm_args *args = raw;
	struct job job = {rm_one, raw, args->is_forced};
	return cli_each(context, argc, argv, job_do, &job);
}

const struct command cmd_rm = {
	.name = "rm",
	.synopsis = "CONTAINER...",
	.summary = "remove containers",
	.flags = COMMAND_OPTIONS_MIXED,
	.min_args = 1,
	.opts = rm_opts,
	.args_size = sizeof(struct rm_args),
	.run = rm_main,
};

static int wait_one(struct engine *e, const char *id, void *data)
{
	int code;
	int r = container_wait(e, id, &code);
	if (r == 0)
		printf("%d\n", code);
	return r < 0 ? r : CLI_SAY_NOTHING;
}

static int wait_main(void *context, void *args, int argc, char **argv)
{
	return for_each(context, argc, argv, wait_one, NULL);
}

const struct command cmd_wait = {
	.name = "wait",
	.synopsis = "CONTAINER...",
	.summary = "wait until containers have ended and print their exit codes",
	.min_args = 1,
	.opts = no_opts,
	.run = wait_main,
};

static int diff_one(struct engine *e, const char *id, void *data)
{
	auto_strvec struct strvec lines = STRVEC_INIT;
	int r = container_diff(e, id, &lines);
	cli_print_lines(&lines);
	return r < 0 ? r : CLI_SAY_NOTHING;
}

static int diff_main(void *context, void *args, int argc, char **argv)
{
	return for_each(context, argc, argv, diff_one, NULL);
}

const struct command cmd_diff = {
	.name = "diff",
	.synopsis = "CONTAINER",
	.summary = "list what a container changed against its image",
	.min_args = 1,
	.max_args = 1,
	.opts = no_opts,
	.run = diff_main,
};

static int ended_main(void *context, void *args, int argc, char **argv)
{
	auto_of(engine) struct engine e;
	int r = cli_engine_open(context, &e);
	return r < 0 ? r : container_ended(&e, argv[0]);
}

const struct command cmd_ended = {
	.name = "_ended",
	.synopsis = "ID",
	.summary = "what a monitor runs at the end of its container",
	.flags = COMMAND_HIDDEN,
	.min_args = 1,
	.max_args = 1,
	.opts = no_opts,
	.run = ended_main,
};
