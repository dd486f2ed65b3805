/* SPDX-License-Identifier: Apache-2.0 */
/* Commands that show containers, signal them and remove them. */
#include "runtime_cli/internal.h"
#include "base/err.h"
#include "base/json.h"
#include "base/log.h"
#include "base/str.h"
#include "base/table.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static const struct opt no_opts[] = {OPT_END};

static int start_main(void *context, void *raw, int argc, char **argv)
{
	auto_of(runtime) struct runtime rt;
	auto_of(runtime_child) struct runtime_child child = RUNTIME_CHILD_INIT;
	int r = runtime_cli_open(context, &rt);
	if (r == 0)
		r = runtime_start(&rt, argv[0], runtime_cli_manager(), &child);
	return r < 0 ? r : runtime_wait_ready(&child);
}

const struct command runtime_cmd_start = {
	.name = "start",
	.synopsis = "ID",
	.summary = "run the process of a created container",
	.min_args = 1,
	.max_args = 1,
	.opts = no_opts,
	.run = start_main,
};

static int state_main(void *context, void *raw, int argc, char **argv)
{
	auto_of(runtime) struct runtime rt;
	auto_arena struct arena a = ARENA_INIT;
	auto_buf struct buf text = BUF_INIT;
	struct runtime_state state;
	int r = runtime_cli_open(context, &rt);
	if (r == 0)
		r = runtime_state(&rt, argv[0], &a, &state);
	if (r < 0)
		return r;
	runtime_state_write(&state, false, &text);
	printf("%s\n", text.data);
	return 0;
}

const struct command runtime_cmd_state = {
	.name = "state",
	.synopsis = "ID",
	.summary = "print the state of a container, as JSON",
	.min_args = 1,
	.max_args = 1,
	.opts = no_opts,
	.run = state_main,
};

struct list_args {
	bool is_quiet;
	const char *format;
};

static const struct opt list_opts[] = {
	OPT_STRING(
		'f', "format", struct list_args, format, "FORMAT", "table or json (default table)"),
	OPT_FLAG('q', "quiet", struct list_args, is_quiet, "ids only"),
	OPT_END,
};

static int format_check(const char *format)
{
	if (!format || str_eq(format, "table") || str_eq(format, "json"))
		return 0;
	return err_say(-EINVAL, "--format: \"%s\" is neither table nor json", format);
}

static void list_table(const struct runtime_state *states, size_t count)
{
	static const char *const heads[] = {"ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"};
	auto_of(table) struct table table = {0};
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
		table_head(&table, heads[i]);
	for (size_t i = 0; i < count; i++) {
		const struct runtime_state *s = &states[i];
		bool has_process = s->status != RUNTIME_STOPPED && s->status != RUNTIME_CREATING;
		table_add(&table, s->id);
		table_addf(&table, "%d", has_process ? s->process.pid : 0);
		table_add(&table, runtime_status_words[s->status]);
		table_add(&table, s->bundle);
		table_add(&table, s->created);
		table_add(&table, s->owner);
	}
	table_print(&table, stdout);
}

static void list_json(const struct runtime_state *states, size_t count)
{
	auto_buf struct buf text = BUF_INIT;
	buf_adds(&text, count ? "[" : "null");
	for (size_t i = 0; i < count; i++) {
		buf_adds(&text, i ? "," : "");
		runtime_state_write(&states[i], true, &text);
	}
	buf_adds(&text, count ? "]" : "");
	printf("%s\n", text.data);
}

static int list_main(void *context, void *raw, int argc, char **argv)
{
	const struct list_args *args = raw;
	auto_of(runtime) struct runtime rt;
	auto_arena struct arena a = ARENA_INIT;
	auto_of(strvec) struct strvec ids = STRVEC_INIT;
	struct {
		struct runtime_state *items;
		size_t count;
	} states = {0};
	int r = format_check(args->format);
	if (r == 0)
		r = runtime_cli_open(context, &rt);
	else
		rt = (struct runtime){.root_fd = -EBADF};
	if (r == 0)
		r = runtime_list(&rt, &ids);
	if (r < 0)
		return r;
	strvec_each (id, &ids) {
		struct runtime_state state;
		if (args->is_quiet) {
			printf("%s\n", *id);
			continue;
		}
		r = runtime_state(&rt, *id, &a, &state);
		if (r == 0)
			*arena_push(&a, &states) = state;
		else if (r != -ENOENT) /* it was not deleted meanwhile */
			log_warn("%s", err_text());
	}
	if (args->is_quiet)
		return 0;
	if (args->format && str_eq(args->format, "json"))
		list_json(states.items, states.count);
	else
		list_table(states.items, states.count);
	return 0;
}

const struct command runtime_cmd_list = {
	.name = "list",
	.summary = "list the containers",
	.opts = list_opts,
	.args_size = sizeof(struct list_args),
	.run = list_main,
};

struct ps_args {
	const char *format;
};

static const struct opt ps_opts[] = {
	OPT_STRING(
		'f', "format", struct ps_args, format, "FORMAT", "table or json (default table)"),
	OPT_END,
};

/* The most that process_run keeps. */
enum { PS_BYTES_MAX = 64 * 1024 };

/* Finds a word of a line, counted from 0. Returns its length; 0: there are fewer words. */
static size_t word_find(const char *line, size_t index, const char **out)
{
	const char *word = line + strspn(line, " ");
	for (; index > 0 && *word; index--) {
		word += strcspn(word, " ");
		word += strspn(word, " ");
	}
	*out = word;
	return strcspn(word, " ");
}

static int pid_column(const char *head)
{
	const char *word;
	size_t len;
	for (int i = 0; (len = word_find(head, (size_t)i, &word)) > 0; i++)
		if (len == 3 && strncmp(word, "PID", len) == 0)
			return i;
	return err_say(-EINVAL, "ps: these options show no column PID");
}

static bool has_pid(const pid_t *pids, size_t count, const char *line, int column)
{
	const char *word;
	size_t len = word_find(line, (size_t)column, &word);
	for (size_t i = 0; i < count; i++) {
		char text[16];
		int wanted = fmt(text, "%d", pids[i]);
		if (wanted > 0 && len == (size_t)wanted && strncmp(word, text, len) == 0)
			return true;
	}
	return false;
}

/* Prints the lines of the host's ps(1) that are about these processes. */
static int ps_print(char *text, const pid_t *pids, size_t count)
{
	char *rest = text;
	const char *head = str_cut(&rest, '\n');
	int column = pid_column(head);
	if (column < 0)
		return column;
	printf("%s\n", head);
	for (char *line = str_cut(&rest, '\n'); line; line = str_cut(&rest, '\n'))
		if (has_pid(pids, count, line, column))
			printf("%s\n", line);
	return 0;
}

/* Without options from the user, ps is asked only for the container's processes, because a machine
 * may have very many. */
static int ps_table(const pid_t *pids, size_t count, char *const *options)
{
	auto_of(strvec) struct strvec words = STRVEC_INIT;
	auto_buf struct buf list = BUF_INIT, text = BUF_INIT;
	strvec_push(&words, "/bin/ps");
	for (; *options; options++)
		strvec_push(&words, *options);
	if (words.count == 1) {
		for (size_t i = 0; i < count; i++)
			buf_addf(&list, "%s%d", i ? "," : "", pids[i]);
		strvec_push(&words, "-fp");
		strvec_push(&words, count ? list.data : "1");
	}
	int r = process_run((const char *const *)words.items, &text);
	if (r < 0)
		return err_new(r, "run /bin/ps");
	buf_adds(&text, "");
	/* ps also exits with 1 when it has nothing to show. */
	if (r != 0 && !strstr(text.data, "PID"))
		return err_say(-EIO, "/bin/ps failed with exit code %d: %.*s", r,
			(int)strcspn(text.data, "\n"), text.data);
	if (text.len >= PS_BYTES_MAX)
		return err_say(
			-EFBIG, "ps says more than %d bytes about this machine", PS_BYTES_MAX);
	return ps_print(text.data, pids, count);
}

static int ps_main(void *context, void *raw, int argc, char **argv)
{
	const struct ps_args *args = raw;
	auto_of(runtime) struct runtime rt = {.root_fd = -EBADF};
	auto_free pid_t *pids = NULL;
	size_t count = 0;
	int r = format_check(args->format);
	if (r == 0)
		r = runtime_cli_open(context, &rt);
	if (r == 0)
		r = runtime_pids(&rt, argv[0], &pids, &count);
	if (r < 0)
		return r;
	if (!args->format || str_eq(args->format, "table"))
		return ps_table(pids, count, argv + 1);
	printf("[");
	for (size_t i = 0; i < count; i++)
		printf("%s%d", i ? "," : "", pids[i]);
	printf("]\n");
	return 0;
}

const struct command runtime_cmd_ps = {
	.name = "ps",
	.synopsis = "ID [PS-OPTION...]",
	.summary = "list the processes of a container",
	.min_args = 1,
	.opts = ps_opts,
	.args_size = sizeof(struct ps_args),
	.run = ps_main,
};

struct kill_args {
	bool is_for_all;
};

static const struct opt kill_opts[] = {
	OPT_FLAG('a', "all", struct kill_args, is_for_all, "every process of the container"),
	OPT_END,
};

static int kill_main(void *context, void *raw, int argc, char **argv)
{
	const struct kill_args *args = raw;
	auto_of(runtime) struct runtime rt = {.root_fd = -EBADF};
	const char *word = argc > 1 ? argv[1] : "TERM";
	int number = str_eq(word, "0") ? 0 : signal_parse(word); /* 0: is it alive? */
	if (number < 0)
		return err_say(-EINVAL, "unknown signal \"%s\"", word);
	int r = runtime_cli_open(context, &rt);
	return r < 0 ? r : runtime_kill(&rt, argv[0], number, args->is_for_all);
}

const struct command runtime_cmd_kill = {
	.name = "kill",
	.synopsis = "ID [SIGNAL]",
	.summary = "send a signal, TERM unless said otherwise",
	.flags = COMMAND_OPTIONS_MIXED,
	.min_args = 1,
	.max_args = 2,
	.opts = kill_opts,
	.args_size = sizeof(struct kill_args),
	.run = kill_main,
};

struct delete_args {
	bool is_forced;
};

static const struct opt delete_opts[] = {
	OPT_FLAG('f', "force", struct delete_args, is_forced,
		"end what still runs; a container that is not there is fine"),
	OPT_END,
};

static int delete_main(void *context, void *raw, int argc, char **argv)
{
	const struct delete_args *args = raw;
	auto_of(runtime) struct runtime rt;
	int r = runtime_cli_open(context, &rt);
	return r < 0 ? r : runtime_delete(&rt, argv[0], args->is_forced);
}

const struct command runtime_cmd_delete = {
	.name = "delete",
	.synopsis = "ID",
	.summary = "remove a container that has stopped",
	.flags = COMMAND_OPTIONS_MIXED,
	.min_args = 1,
	.max_args = 1,
	.opts = delete_opts,
	.args_size = sizeof(struct delete_args),
	.run = delete_main,
};

static int pause_main(void *context, void *raw, int argc, char **argv)
{
	auto_of(runtime) struct runtime rt;
	int r = runtime_cli_open(context, &rt);
	return r < 0 ? r : runtime_pause(&rt, argv[0]);
}

const struct command runtime_cmd_pause = {
	.name = "pause",
	.synopsis = "ID",
	.summary = "suspend all processes of a container",
	.min_args = 1,
	.max_args = 1,
	.opts = no_opts,
	.run = pause_main,
};

static int resume_main(void *context, void *raw, int argc, char **argv)
{
	auto_of(runtime) struct runtime rt;
	int r = runtime_cli_open(context, &rt);
	return r < 0 ? r : runtime_resume(&rt, argv[0]);
}

const struct command runtime_cmd_resume = {
	.name = "resume",
	.synopsis = "ID",
	.summary = "let suspended processes go on",
	.min_args = 1,
	.max_args = 1,
	.opts = no_opts,
	.run = resume_main,
};
