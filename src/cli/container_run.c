/* SPDX-License-Identifier: Apache-2.0 */
/* `husk run` and `husk exec`: make a request from the options. The engine interprets it. */
#include "cli/internal.h"
#include "base/err.h"
#include "base/str.h"
#include "engine/engine.h"
#include "sys/file.h"
#include "sys/term.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { ENV_FILE_MAX = 1 << 20 };

/* Most options are stored in the container itself; the rest of the arguments is stored beside
 * it. */
struct run_args {
	struct container c;
	struct arena arena;
	bool prints_plan;
	const char *entrypoint, *pull;
	struct str_list env, env_files;
};

/* 0 also means that there is no limit. */
static int parse_pids_limit(const char *text, void *field)
{
	int64_t *value = field;
	int r = opt_parse_i64(text, value);
	if (r == 0 && *value == 0)
		*value = -1;
	return r;
}

#define RUN_ITEM(s, l, field, value, adder, text) \
	OPT_ITEM(s, l, struct run_args, field, arena, value, adder, text)

static const struct opt run_opts[] = {
	RUN_ITEM(0, "cap-add", c.security.cap_add, "CAP", opt_add_word,
		"add a capability; ALL for all"),
	RUN_ITEM(0, "cap-drop", c.security.cap_drop, "CAP", opt_add_word,
		"drop a capability; ALL for all"),
	OPT_VALUE(0, "cpus", struct run_args, c.limits.nano_cpus, "NUMBER", opt_parse_nano,
		"a number of processors such as 0.5 or 2", "limit to this many processors' time"),
	OPT_STRING(0, "cpuset-cpus", struct run_args, c.limits.cpuset_cpus, "LIST",
		"run on these processors only, such as 0-2,4"),
	OPT_FLAG('d', "detach", struct run_args, c.is_detached,
		"leave it running in the background, print its id"),
	OPT_STRING(0, "entrypoint", struct run_args, entrypoint, "COMMAND",
		"replace the image's entrypoint"),
	RUN_ITEM('e', "env", env, "KEY=VALUE", opt_add_word,
		"set an environment variable; KEY alone copies the caller's"),
	RUN_ITEM(0, "env-file", env_files, "FILE", opt_add_word,
		"read environment variables from a file"),
	OPT_STRING('h', "hostname", struct run_args, c.hostname, "NAME", "host name inside"),
	OPT_FLAG(0, "init", struct run_args, c.process.wants_init,
		"run a small init as PID 1 that reaps and forwards signals"),
	OPT_FLAG('i', "interactive", struct run_args, c.process.has_stdin,
		"keep standard input open"),
	RUN_ITEM('l', "label", c.labels, "KEY=VALUE", opt_add_word, "set a label"),
	OPT_VALUE('m', "memory", struct run_args, c.limits.memory_bytes, "SIZE", opt_parse_size,
		"a size such as 512k, 100m or 2g", "limit memory"),
	OPT_STRING(0, "name", struct run_args, c.name, "NAME", "name of the container"),
	OPT_STRING(0, "network", struct run_args, c.network, "NETWORK",
		"none, host, bridge, container:NAME, or a network's name"),
	OPT_STRING(0, "net", struct run_args, c.network, "NETWORK", "the same as --network"),
	OPT_FLAG(0, "no-pivot", struct run_args, c.no_pivot,
		"enter the root by moving it and chroot, for hosts on an initramfs"),
	OPT_VALUE(0, "pids-limit", struct run_args, c.limits.pids_limit, "NUMBER", parse_pids_limit,
		"a number, or -1 for no limit",
		"limit the number of processes (default 2048; 0 or -1: no limit)"),
	OPT_FLAG(0, "plan", struct run_args, prints_plan,
		"print step by step what would be done, and do nothing"),
	OPT_FLAG(0, "privileged", struct run_args, c.security.is_privileged,
		"all capabilities, no masks, no filter"),
	RUN_ITEM('p', "publish", c.ports, "PORT", port_add,
		"publish a port: [ADDRESS:]HOSTPORT:PORT[/PROTOCOL]"),
	OPT_STRING(0, "pull", struct run_args, pull, "POLICY",
		"get the image from its registry: always, missing (default) or never"),
	OPT_FLAG(0, "read-only", struct run_args, c.root_is_readonly, "make the root read-only"),
	OPT_FLAG(0, "rm", struct run_args, c.is_auto_remove,
		"remove the container when it has ended"),
	OPT_STRING(0, "rootfs", struct run_args, c.rootfs, "DIR",
		"use a directory in place of IMAGE, as a read-only layer"),
	RUN_ITEM(0, "security-opt", c.security.options, "OPTION", opt_add_word,
		"seccomp=unconfined, no-new-privileges"),
	OPT_VALUE(0, "shm-size", struct run_args, c.shm_bytes, "SIZE", opt_parse_size,
		"a size such as 512k, 100m or 2g", "size of /dev/shm (default 64m)"),
	OPT_STRING(0, "stop-signal", struct run_args, c.stop_signal, "SIGNAL",
		"signal that stops it (default SIGTERM)"),
	RUN_ITEM(0, "tmpfs", c.tmpfs, "DIR[:OPTIONS]", tmpfs_add, "mount a tmpfs"),
	OPT_FLAG('t', "tty", struct run_args, c.process.has_tty, "give it a terminal"),
	RUN_ITEM(0, "ulimit", c.limits.ulimits, "NAME=SOFT[:HARD]", ulimit_add,
		"set a resource limit"),
	OPT_STRING('u', "user", struct run_args, c.process.user, "USER[:GROUP]",
		"user by name or number"),
	RUN_ITEM('v', "volume", c.mounts, "SRC:DST[:OPTIONS]", mount_add,
		"mount a host directory or a named volume"),
	OPT_STRING(
		'w', "workdir", struct run_args, c.process.cwd, "DIR", "working directory inside"),
	OPT_END,
};

/* "KEY=VALUE", or "KEY" for the caller's value. As by Docker, a KEY that the caller does not have
 * is left out. */
static int env_add(struct arena *a, struct str_list *out, const char *word)
{
	if (word[0] == '=' || word[0] == '\0')
		return err_say(-EINVAL, "invalid environment variable: %s", word);
	const char *value = strchr(word, '=') ? word : getenv(word);
	if (value)
		*arena_push(a, out) = value == word ? arena_str(a, word)
						    : arena_printf(a, "%s=%s", word, value);
	return 0;
}

/* One line of an env-file: as on the command line, but a name may not contain blanks. */
static int env_line_add(struct arena *a, struct str_list *out, char *line)
{
	line += strspn(line, " \t");
	if (*line == '\0' || *line == '#')
		return 0;
	int len = (int)strcspn(line, "=");
	if ((int)strcspn(line, " \t") < len)
		return err_say(-EINVAL, "the variable \"%.*s\" has a blank in its name", len, line);
	return env_add(a, out, line);
}

/* As Docker reads it: files from Windows begin with a byte order mark, and their lines end with
 * \r. */
static int env_file_add(struct arena *a, struct str_list *out, const char *path)
{
	auto_buf struct buf text = BUF_INIT;
	int r = file_read(path, ENV_FILE_MAX, &text);
	if (r < 0)
		return err_new(r, "--env-file %s", path);
	if (strlen(text.data) != text.len)
		return err_say(-EINVAL, "--env-file %s: it is not a text", path);
	char *rest = text.data + (str_prefix(text.data, "\xef\xbb\xbf") ? 3 : 0);
	char *line;
	while (r >= 0 && (line = str_cut(&rest, '\n'))) {
		if (str_suffix(line, "\r"))
			line[strlen(line) - 1] = '\0';
		r = env_line_add(a, out, line);
	}
	return r < 0 ? err_wrap(r, "--env-file %s", path) : 0;
}

/* Files first, then options: later values win. */
static int cli_env(struct arena *a, struct str_list *out, const struct str_list *files,
	const struct str_list *words)
{
	int r = 0;
	for (size_t i = 0; i < files->count && r == 0; i++)
		r = env_file_add(a, out, files->items[i]);
	for (size_t i = 0; i < words->count && r == 0; i++)
		r = env_add(a, out, words->items[i]);
	return r;
}

/* The arguments that are not options. */
static int words_take(struct run_args *args, int argc, char **argv)
{
	struct container *c = &args->c;
	if (!c->rootfs && argc == 0)
		return err_say(-EINVAL, "husk run requires an IMAGE, or --rootfs DIR");
	if (!c->rootfs) {
		c->image = *argv++;
		argc--;
	}
	for (int i = 0; i < argc; i++)
		*arena_push(&args->arena, &c->process.command) = argv[i];
	c->process.entrypoint_is_reset = args->entrypoint && !args->entrypoint[0];
	if (args->entrypoint && args->entrypoint[0])
		*arena_push(&args->arena, &c->process.entrypoint) = args->entrypoint;
	return cli_env(&args->arena, &c->process.env, &args->env_files, &args->env);
}

/* The exit code is the payload's, or 125, 126 or 127. The engine sets it; this function prints the
 * error. */
static int finish(int r, int code)
{
	if (r < 0)
		cli_print_error();
	return code;
}

/* As Docker: with -i, -t needs a terminal as standard input. Without -i there is no input, and -t
 * works anywhere. */
static bool is_no_terminal(bool wants_stdin, bool wants_tty)
{
	return wants_stdin && wants_tty && !term_is(0);
}

static int say_no_terminal(void)
{
	return err_say(
		-ENOTTY, "the input device is not a TTY: leave out -t, or run this in a terminal");
}

static int plan_print(struct engine *e, const struct container *c)
{
	auto_buf struct buf text = BUF_INIT;
	int r = container_plan_write(e, c, &text);
	if (r == 0)
		fputs(text.data, stdout);
	return r;
}

static int run_main(void *context, void *raw, int argc, char **argv)
{
	struct run_args *args = raw;
	struct container *c = &args->c;
	if (!c->is_detached && !args->prints_plan &&
		is_no_terminal(c->process.has_stdin, c->process.has_tty))
		return say_no_terminal();
	auto_of(engine) struct engine e;
	int r = cli_engine_open(context, &e);
	if (r == 0)
		r = words_take(args, argc, argv);
	if (r == 0 && !args->prints_plan)
		r = cli_pull_policy(&e, args->pull, c->image);
	if (r == 0)
		r = container_prepare(&e, &args->arena, c);
	if (r < 0)
		return r;
	if (args->prints_plan)
		return plan_print(&e, c);
	int code = COMMAND_MISUSED;
	r = container_run(&e, c, &code);
	if (r == 0 && c->is_detached)
		printf("%s\n", c->id);
	return finish(r, code);
}

const struct command cmd_run = {
	.name = "run",
	.synopsis = "IMAGE [COMMAND [ARG...]]",
	.summary = "create and start a container",
	.flags = COMMAND_RUNS_PROGRAM,
	.opts = run_opts,
	.args_size = sizeof(struct run_args),
	.run = run_main,
};

struct exec_args {
	struct exec_request request;
	struct arena arena;
	struct str_list env, env_files;
};

static const struct opt exec_opts[] = {
	OPT_FLAG('d', "detach", struct exec_args, request.is_detached,
		"run it in the background; its output goes nowhere"),
	OPT_ITEM('e', "env", struct exec_args, env, arena, "KEY=VALUE", opt_add_word,
		"set an environment variable; KEY alone copies the caller's"),
	OPT_ITEM(0, "env-file", struct exec_args, env_files, arena, "FILE", opt_add_word,
		"read environment variables from a file"),
	OPT_FLAG('i', "interactive", struct exec_args, request.has_stdin,
		"keep standard input open"),
	OPT_FLAG(0, "privileged", struct exec_args, request.is_privileged,
		"all capabilities, no filter"),
	OPT_FLAG('t', "tty", struct exec_args, request.has_tty, "give it a terminal"),
	OPT_STRING('u', "user", struct exec_args, request.user, "USER[:GROUP]",
		"user by name or number"),
	OPT_STRING(
		'w', "workdir", struct exec_args, request.cwd, "DIR", "working directory inside"),
	OPT_END,
};

static int exec_main(void *context, void *raw, int argc, char **argv)
{
	struct exec_args *args = raw;
	struct exec_request *request = &args->request;
	if (!request->is_detached && is_no_terminal(request->has_stdin, request->has_tty))
		return say_no_terminal();
	auto_of(engine) struct engine e;
	char id[CONTAINER_ID_LEN + 1];
	int r = cli_engine_open(context, &e);
	if (r == 0)
		r = container_find(&e, argv[0], id);
	if (r == 0)
		r = cli_env(&args->arena, &request->env, &args->env_files, &args->env);
	if (r < 0)
		return r;
	for (int i = 1; i < argc; i++)
		*arena_push(&args->arena, &request->command) = argv[i];
	request->has_stdin &= !request->is_detached;
	int code = COMMAND_FAILED;
	r = container_exec(&e, id, request, &code);
	if (r < 0 && code == COMMAND_MISUSED) /* only for `run` may 125 mean husk's own failure */
		code = COMMAND_FAILED;
	return finish(r, code);
}

const struct command cmd_exec = {
	.name = "exec",
	.synopsis = "CONTAINER COMMAND [ARG...]",
	.summary = "run one more process in a running container",
	.min_args = 2,
	.opts = exec_opts,
	.args_size = sizeof(struct exec_args),
	.run = exec_main,
};
