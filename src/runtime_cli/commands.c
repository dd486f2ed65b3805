/* SPDX-License-Identifier: Apache-2.0 */
/* The table of commands, the options that stand before them, and how failures are reported. */
#include "runtime_cli/internal.h"
#include "base/err.h"
#include "base/json.h"
#include "base/str.h"
#include "bundle/bundle.h"
#include "sys/calls.h"

#include <fcntl.h>
#include <stdio.h>
#include <time.h>

static const struct opt root_opts[] = {
	OPT_STRING(0, "root", struct runtime_cli_context, root_path, "DIR",
		"where the state of containers is kept (default /run/husk-runtime)"),
	OPT_STRING(0, "log", struct runtime_cli_context, log_path, "FILE",
		"append failures and warnings to a file"),
	OPT_STRING(0, "log-format", struct runtime_cli_context, log_format, "FORMAT",
		"text or json (default text)"),
	OPT_FLAG(0, "debug", struct runtime_cli_context, is_debug, "log more"),
	OPT_FLAG(0, "systemd-cgroup", struct runtime_cli_context, wants_systemd,
		"make cgroups by asking systemd: the same as --cgroup-manager systemd"),
	OPT_STRING(0, "cgroup-manager", struct runtime_cli_context, cgroup_manager, "MANAGER",
		"who makes cgroups: cgroupfs (default), systemd or disabled"),
	OPT_STRING(0, "rootless", struct runtime_cli_context, rootless, "BOOL",
		"true, false or auto; it is found out in any case"),
	OPT_HIDDEN(0, "criu", struct runtime_cli_context, criu),
	OPT_FLAG('v', "version", struct runtime_cli_context, wants_version, "show the version"),
	OPT_END,
};

static void line_make(const struct runtime_cli_context *context, const char *level,
	const char *message, struct buf *out)
{
	time_t now = time(NULL);
	struct tm parts;
	char date[32];
	gmtime_r(&now, &parts);
	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%SZ", &parts);
	if (context->log_format && str_eq(context->log_format, "json")) {
		struct json_writer w = {.out = out};
		json_open_object(&w, NULL);
		json_put_string(&w, "level", level);
		json_put_string(&w, "msg", message);
		json_put_string(&w, "time", date);
		json_close_object(&w);
	} else {
		buf_addf(out, "time=\"%s\" level=%s msg=\"", date, level);
		buf_add_escaped(out, message);
		buf_adds(out, "\"");
	}
	buf_adds(out, "\n");
}

static void stderr_print(const char *text)
{
	auto_buf struct buf line = BUF_INIT;
	buf_add_escaped(&line, text);
	fprintf(stderr, "%s\n", line.data);
}

static void file_append(
	const struct runtime_cli_context *context, const char *level, const char *message)
{
	auto_buf struct buf line = BUF_INIT;
	line_make(context, level, message, &line);
	if (fd_write_full(context->log_fd, line.data, line.len) < 0)
		fprintf(stderr, "%s: cannot be written\n", context->log_path);
}

void runtime_cli_report(const struct runtime_cli_context *context, const char *message)
{
	stderr_print(message);
	if (context->log_fd >= 0)
		file_append(context, "error", message);
}

void runtime_cli_log(
	const struct runtime_cli_context *context, const char *level, const char *message)
{
	if (context->log_fd >= 0)
		file_append(context, level, message);
	else
		stderr_print(message);
}

/* Engines look for the lines that runc prints for --version, and for the file of --log. */
static int runtime_begin(void *data)
{
	struct runtime_cli_context *context = data;
	if (context->wants_version) {
		printf("husk-runtime version %s\nspec: %s\n", HUSK_VERSION, BUNDLE_OCI_VERSION);
		return 1;
	}
	if (!context->log_path || !*context->log_path)
		return 0;
	context->log_fd = sys_open_at(
		AT_FDCWD, context->log_path, O_WRONLY | O_APPEND | O_CREAT | O_NOCTTY, 0644);
	return context->log_fd < 0 ? err_new(context->log_fd, "open the log %s", context->log_path)
				   : 0;
}

static int options_main(void *context, void *args, int argc, char **argv)
{
	auto_buf struct buf out = BUF_INIT;
	command_list(&runtime_command_root, &out);
	fputs(out.data, stdout);
	return 0;
}

static const struct opt no_opts[] = {OPT_END};

static const struct command runtime_cmd_options = {
	.name = "_options",
	.summary = "list commands and options for checks",
	.flags = COMMAND_HIDDEN,
	.opts = no_opts,
	.run = options_main,
};

static int completion_main(void *context, void *args, int argc, char **argv)
{
	auto_buf struct buf out = BUF_INIT;
	int r = command_completion(&runtime_command_root, argv[0], &out);
	if (r == 0)
		fputs(out.data, stdout);
	return r;
}

static const struct command runtime_cmd_completion = {
	.name = "completion",
	.synopsis = "bash|zsh|fish",
	.summary = "print the completion script for a shell",
	.min_args = 1,
	.max_args = 1,
	.opts = no_opts,
	.run = completion_main,
};

static const struct command *const commands[] = {&runtime_cmd_create, &runtime_cmd_start,
	&runtime_cmd_run, &runtime_cmd_exec, &runtime_cmd_state, &runtime_cmd_list, &runtime_cmd_ps,
	&runtime_cmd_kill, &runtime_cmd_delete, &runtime_cmd_pause, &runtime_cmd_resume,
	&runtime_cmd_update, &runtime_cmd_events, &runtime_cmd_spec, &runtime_cmd_features,
	&runtime_cmd_plan, &runtime_cmd_completion, &runtime_cmd_checkpoint, &runtime_cmd_restore,
	&runtime_cmd_options, NULL};

const struct command runtime_command_root = {
	.name = "husk-runtime",
	.summary = "An OCI runtime for Linux, with runc's command line",
	.opts = root_opts,
	.sub = commands,
	.begin = runtime_begin,
};
