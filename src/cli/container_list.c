/* SPDX-License-Identifier: Apache-2.0 */
/* Commands on containers that exist: ps, logs, stop, start, kill, rm, wait, diff. */
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

struct ps_args {
	bool shows_all, is_quiet, is_whole;
	const char *format;
};

static const struct opt ps_opts[] = {
	OPT_FLAG('a', "all", struct ps_args, shows_all, "also those that do not run"),
	OPT_FLAG(0, "no-trunc", struct ps_args, is_whole, "do not shorten"),
	OPT_FLAG('q', "quiet", struct ps_args, is_quiet, "ids only"),
	OPT_STRING(0, "format", struct ps_args, format, "TEMPLATE",
		"print by a Go template, \"table TEMPLATE\" or \"json\""),
	OPT_END,
};

struct ps_row {
	char id[CONTAINER_ID_LEN + 1];
	struct summary summary;
};

static int ps_row_newer_first(const void *a, const void *b)
{
	const struct ps_row *x = a, *y = b;
	return (x->summary.created_ns < y->summary.created_ns) -
		(x->summary.created_ns > y->summary.created_ns);
}

static uint64_t seconds_since(uint64_t ns)
{
	uint64_t now = clock_real_ns();
	return now > ns ? (now - ns) / 1000000000u : 0;
}

static void status_text(const struct summary *s, struct buf *out)
{
	char ago[32];
	switch ((enum container_state)s->state) {
	case CONTAINER_CREATED:
		buf_adds(out, "Created");
		break;
	case CONTAINER_RUNNING:
		format_ago(ago, seconds_since(s->started_ns));
		buf_addf(out, "Up %s", ago);
		break;
	case CONTAINER_EXITED:
		format_ago(ago, seconds_since(s->finished_ns));
		if (s->finished_ns == 0) /* nobody has collected it yet */
			buf_adds(out, "Exited (unknown)");
		else if (s->exit_code < 0)
			buf_addf(out, "Exited (unknown) %s ago", ago);
		else
			buf_addf(out, "Exited (%d) %s ago", s->exit_code, ago);
		break;
	case CONTAINER_BROKEN:
		buf_adds(out, "Broken (husk rm removes it)");
		break;
	}
}

static void add_command(const struct summary *s, bool is_whole, struct buf *out)
{
	bool is_long = strlen(s->command) > 20 && !is_whole;
	buf_addf(out, "\"%.*s%s\"", is_long ? 19 : (int)sizeof(s->command), s->command,
		is_long ? "…" : "");
}

static void ps_print(const struct ps_args *args, const struct ps_row *rows, size_t count)
{
	static const char *const heads[] = {
		"CONTAINER ID", "IMAGE", "COMMAND", "CREATED", "STATUS", "PORTS", "NAMES", NULL};
	auto_of(cli_table) struct cli_table table = {0};
	if (!args->is_quiet)
		cli_table_heads(&table, heads);
	for (size_t i = 0; i < count; i++) {
		const struct summary *s = &rows[i].summary;
		const char *id = rows[i].id;
		if (args->is_quiet) {
			printf("%.*s\n", args->is_whole ? CONTAINER_ID_LEN : CONTAINER_ID_SHORT,
				id);
			continue;
		}
		auto_buf struct buf status = BUF_INIT, command = BUF_INIT;
		char ago[32];
		status_text(s, &status);
		format_ago(ago, seconds_since(s->created_ns));
		add_command(s, args->is_whole, &command);
		cli_table_addf(
			&table, "%.*s", args->is_whole ? CONTAINER_ID_LEN : CONTAINER_ID_SHORT, id);
		cli_table_addf(&table, "%s", s->image);
		cli_table_addf(&table, "%s", command.data);
		cli_table_addf(&table, "%s ago", ago);
		cli_table_addf(&table, "%s", status.data);
		cli_table_addf(&table, "%s", s->ports);
		cli_table_addf(&table, "%s", s->name);
	}
	cli_table_print(&table, stdout);
}

/* A row in Docker's words. What is not in the summary comes from the record. */
static int put_row(
	struct engine *e, const struct ps_args *args, const struct ps_row *row, struct buf *out)
{
	static const char *const states[] = {"created", "running", "exited", "dead"};
	auto_arena struct arena a = ARENA_INIT;
	auto_buf struct buf status = BUF_INIT, command = BUF_INIT, labels = BUF_INIT;
	const struct summary *s = &row->summary;
	struct container c;
	int r = container_load(e, row->id, &a, &c);
	if (r < 0)
		return r;
	char ago[32], created[32];
	time_t seconds = (time_t)(s->created_ns / 1000000000u);
	struct tm tm;
	gmtime_r(&seconds, &tm);
	strftime(created, sizeof(created), "%Y-%m-%d %H:%M:%S +0000 UTC", &tm);
	format_ago(ago, seconds_since(s->created_ns));
	status_text(s, &status);
	add_command(s, args->is_whole, &command);
	for (size_t i = 0; i < c.labels.count; i++)
		buf_addf(&labels, "%s%s", i > 0 ? "," : "", c.labels.items[i]);
	struct json_writer w = {.out = out};
	json_open_object(&w, NULL);
	json_put_string(&w, "Command", command.data);
	json_put_string(&w, "CreatedAt", created);
	json_put_string(&w, "ID",
		arena_printf(&a, "%.*s", args->is_whole ? CONTAINER_ID_LEN : CONTAINER_ID_SHORT,
			row->id));
	json_put_string(&w, "Image", s->image);
	json_put_string(&w, "Labels", labels.data);
	json_put_string(&w, "Names", s->name);
	json_put_string(&w, "Networks", c.network);
	json_put_string(&w, "Ports", s->ports);
	json_put_string(&w, "RunningFor", arena_printf(&a, "%s ago", ago));
	json_put_string(&w, "Size", "");
	json_put_string(&w, "State", states[s->state]);
	json_put_string(&w, "Status", status.data);
	json_close_object(&w);
	return 0;
}

static int ps_print_format(
	struct engine *e, const struct ps_args *args, const struct ps_row *rows, size_t count)
{
	static const char *const heads[][2] = {{"Command", "COMMAND"}, {"CreatedAt", "CREATED AT"},
		{"ID", "CONTAINER ID"}, {"Image", "IMAGE"}, {"Labels", "LABELS"},
		{"Names", "NAMES"}, {"Networks", "NETWORKS"}, {"Ports", "PORTS"},
		{"RunningFor", "CREATED"}, {"Size", "SIZE"}, {"State", "STATE"},
		{"Status", "STATUS"}, {NULL}};
	auto_of(cli_format) struct cli_format format = {.lines = BUF_INIT};
	int r = cli_format_open(&format, args->format, heads);
	for (size_t i = 0; i < count && r == 0; i++) {
		auto_buf struct buf row = BUF_INIT;
		if (put_row(e, args, &rows[i], &row) < 0)
			continue; /* removed meanwhile */
		r = cli_format_add(&format, &row);
	}
	if (r == 0)
		cli_format_print(&format, stdout);
	return r;
}

static int ps_main(void *context, void *raw, int argc, char **argv)
{
	const struct ps_args *args = raw;
	auto_of(engine) struct engine e;
	auto_of(container_list) struct container_list list = {0};
	int r = cli_engine_open(context, &e);
	if (r == 0)
		r = container_list(&e, &list);
	if (r < 0)
		return r;
	auto_free struct ps_row *rows = mem_new(list.count * sizeof(*rows));
	size_t count = 0;
	for (size_t i = 0; i < list.count; i++) {
		struct ps_row *row = &rows[count];
		if (container_summary(&e, list.ids[i], &row->summary) < 0)
			continue; /* removed meanwhile */
		if (container_adopt(&e, list.ids[i], &row->summary) < 0)
			log_warn("%s", err_text());
		memcpy(row->id, list.ids[i], sizeof(row->id));
		if (args->shows_all || row->summary.state == CONTAINER_RUNNING)
			count++;
	}
	qsort(rows, count, sizeof(*rows), ps_row_newer_first);
	if (args->format && !args->is_quiet && !str_eq(args->format, "table"))
		return ps_print_format(&e, args, rows, count);
	ps_print(args, rows, count);
	return 0;
}

const struct command cmd_ps = {
	.name = "ps",
	.summary = "list containers",
	.opts = ps_opts,
	.args_size = sizeof(struct ps_args),
	.run = ps_main,
};

/* Does one thing to each named container; the others are done even if one fails. Prints the names as they were typed. */
static int for_each(void *context, int argc, char **argv,
	int (*action)(struct engine *, const char *, void *), void *data)
{
	auto_of(engine) struct engine e;
	int r = cli_engine_open(context, &e);
	if (r < 0)
		return r;
	int worst = 0;
	for (int i = 0; i < argc; i++) {
		char id[CONTAINER_ID_LEN + 1];
		r = container_find(&e, argv[i], id);
		if (r == 0)
			r = action(&e, id, data);
		if (r < 0) {
			cli_print_error();
			worst = 1;
		} else if (r == 0) {
			printf("%s\n", argv[i]);
		}
	}
	return worst;
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
	/* One below what means "its own": longer than any machine runs. */
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

static int rm_main(void *context, void *args, int argc, char **argv)
{
	return for_each(context, argc, argv, rm_one, args);
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

/* 1 tells for_each not to print the name. */
static int wait_one(struct engine *e, const char *id, void *data)
{
	int code;
	int r = container_wait(e, id, &code);
	if (r == 0)
		printf("%d\n", code);
	return r < 0 ? r : 1;
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
	strvec_each (line, &lines)
		printf("%s\n", *line);
	return r < 0 ? r : 1;
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
