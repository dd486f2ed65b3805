/* SPDX-License-Identifier: Apache-2.0 */
/* `husk run` and `husk exec`: options into a request. What an option means is the engine's affair. */
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

struct run_flags {
	bool is_detached, wants_stdin, wants_tty, removes, is_privileged, is_readonly, wants_init,
		no_pivot, prints_plan;
};

struct run_args {
	struct run_flags flags;
	const char *name, *workdir, *user, *hostname, *entrypoint, *network, *cpuset, *rootfs,
		*stop_signal, *pull;
	struct strvec env, env_files, volumes, tmpfs, ports, cap_add, cap_drop, security, ulimits,
		labels;
	uint64_t memory, nano_cpus;
	int64_t pids_limit;
	bool has_pids_limit;
};

static const struct opt run_opts[] = {
	OPT_LIST(0, "cap-add", struct run_args, cap_add, "CAP", "add a capability; ALL for all"),
	OPT_LIST(0, "cap-drop", struct run_args, cap_drop, "CAP", "drop a capability; ALL for all"),
	OPT_VALUE(0, "cpus", struct run_args, nano_cpus, "NUMBER", opt_parse_nano,
		"a number of processors such as 0.5 or 2", "limit to this many processors' time"),
	OPT_STRING(0, "cpuset-cpus", struct run_args, cpuset, "LIST",
		"run on these processors only, such as 0-2,4"),
	OPT_FLAG('d', "detach", struct run_args, flags.is_detached,
		"leave it running in the background, print its id"),
	OPT_STRING(0, "entrypoint", struct run_args, entrypoint, "COMMAND",
		"replace the image's entrypoint"),
	OPT_LIST('e', "env", struct run_args, env, "KEY=VALUE",
		"set an environment variable; KEY alone copies the caller's"),
	OPT_LIST(0, "env-file", struct run_args, env_files, "FILE",
		"read environment variables from a file"),
	OPT_STRING('h', "hostname", struct run_args, hostname, "NAME", "host name inside"),
	OPT_FLAG(0, "init", struct run_args, flags.wants_init,
		"run a small init as PID 1 that reaps and forwards signals"),
	OPT_FLAG(
		'i', "interactive", struct run_args, flags.wants_stdin, "keep standard input open"),
	OPT_LIST('l', "label", struct run_args, labels, "KEY=VALUE", "set a label"),
	OPT_VALUE('m', "memory", struct run_args, memory, "SIZE", opt_parse_size,
		"a size such as 512k, 100m or 2g", "limit memory"),
	OPT_STRING(0, "name", struct run_args, name, "NAME", "name of the container"),
	OPT_STRING(0, "network", struct run_args, network, "NETWORK",
		"none, host, bridge, container:NAME, or a network's name"),
	OPT_STRING(0, "net", struct run_args, network, "NETWORK", "the same as --network"),
	OPT_FLAG(0, "no-pivot", struct run_args, flags.no_pivot,
		"enter the root by moving it and chroot, for hosts on an initramfs"),
	OPT_VALUE_SEEN(0, "pids-limit", struct run_args, pids_limit, has_pids_limit, "NUMBER",
		opt_parse_i64, "a number, or -1 for no limit",
		"limit the number of processes (default 2048; 0 or -1: no limit)"),
	OPT_FLAG(0, "plan", struct run_args, flags.prints_plan,
		"print step by step what would be done, and do nothing"),
	OPT_FLAG(0, "privileged", struct run_args, flags.is_privileged,
		"all capabilities, no masks, no filter"),
	OPT_LIST('p', "publish", struct run_args, ports, "PORT",
		"publish a port: [ADDRESS:]HOSTPORT:PORT[/PROTOCOL]"),
	OPT_STRING(0, "pull", struct run_args, pull, "POLICY",
		"get the image from its registry: always, missing (default) or never"),
	OPT_FLAG(0, "read-only", struct run_args, flags.is_readonly, "make the root read-only"),
	OPT_FLAG(0, "rm", struct run_args, flags.removes, "remove the container when it has ended"),
	OPT_STRING(0, "rootfs", struct run_args, rootfs, "DIR",
		"use a directory in place of IMAGE, as a read-only layer"),
	OPT_LIST(0, "security-opt", struct run_args, security, "OPTION",
		"seccomp=unconfined, no-new-privileges"),
	OPT_STRING(0, "stop-signal", struct run_args, stop_signal, "SIGNAL",
		"signal that stops it (default SIGTERM)"),
	OPT_LIST(0, "tmpfs", struct run_args, tmpfs, "DIR[:OPTIONS]", "mount a tmpfs"),
	OPT_FLAG('t', "tty", struct run_args, flags.wants_tty, "give it a terminal"),
	OPT_LIST(0, "ulimit", struct run_args, ulimits, "NAME=SOFT[:HARD]", "set a resource limit"),
	OPT_STRING('u', "user", struct run_args, user, "USER[:GROUP]", "user by name or number"),
	OPT_LIST('v', "volume", struct run_args, volumes, "SRC:DST[:OPTIONS]",
		"mount a host directory or a named volume"),
	OPT_STRING('w', "workdir", struct run_args, workdir, "DIR", "working directory inside"),
	OPT_END,
};

static void list_copy(struct arena *a, struct str_list *out, const struct strvec *v)
{
	strvec_each (item, v)
		*arena_push(a, out) = arena_str(a, *item);
}

/* "KEY=VALUE", or "KEY" for the caller's value; a KEY that the caller does not have is left out, as by Docker. */
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

/* One line of an env-file: as on the command line, but what is before the "=" may have no blanks. */
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

/* As Docker reads it: files of Windows have a mark before the text and a \r before each line's end. */
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

/* Files first, then words: later ones win. */
static int cli_env(struct arena *a, struct str_list *out, const struct strvec *files,
	const struct strvec *words)
{
	strvec_each (path, files) {
		int r = env_file_add(a, out, *path);
		if (r < 0)
			return r;
	}
	strvec_each (word, words) {
		int r = env_add(a, out, *word);
		if (r < 0)
			return r;
	}
	return 0;
}

static int container_of_args(
	struct arena *a, const struct run_args *args, int argc, char **argv, struct container *out)
{
	*out = (struct container){
		.name = args->name,
		.hostname = args->hostname,
		.network = args->network,
		.stop_signal = args->stop_signal,
		.rootfs = args->rootfs,
		.process =
			{
				.cwd = args->workdir,
				.user = args->user,
				.entrypoint_is_reset = args->entrypoint && !args->entrypoint[0],
				.has_tty = args->flags.wants_tty,
				.has_stdin = args->flags.wants_stdin,
				.wants_init = args->flags.wants_init,
			},
		.limits =
			{
				.memory_bytes = args->memory,
				.nano_cpus = args->nano_cpus,
				/* 0 given is no limit, as of -m and --cpus; 0 in the record is the default. */
				.pids_limit = args->has_pids_limit && args->pids_limit == 0
					? -1
					: args->pids_limit,
				.cpuset_cpus = args->cpuset,
			},
		.security.is_privileged = args->flags.is_privileged,
		.is_auto_remove = args->flags.removes,
		.is_detached = args->flags.is_detached,
		.root_is_readonly = args->flags.is_readonly,
		.no_pivot = args->flags.no_pivot,
	};
	if (!args->rootfs && argc == 0)
		return err_say(-EINVAL, "husk run requires an IMAGE, or --rootfs DIR");
	if (!args->rootfs) {
		out->image = *argv++;
		argc--;
	}
	for (int i = 0; i < argc; i++)
		*arena_push(a, &out->process.command) = argv[i];
	if (args->entrypoint && args->entrypoint[0])
		*arena_push(a, &out->process.entrypoint) = args->entrypoint;
	list_copy(a, &out->labels, &args->labels);
	list_copy(a, &out->volumes, &args->volumes);
	list_copy(a, &out->tmpfs, &args->tmpfs);
	list_copy(a, &out->ports, &args->ports);
	list_copy(a, &out->security.cap_add, &args->cap_add);
	list_copy(a, &out->security.cap_drop, &args->cap_drop);
	list_copy(a, &out->security.options, &args->security);
	list_copy(a, &out->limits.ulimits, &args->ulimits);
	return cli_env(a, &out->process.env, &args->env_files, &args->env);
}

/* The exit code is the payload's, or 125, 126, 127: the engine knows which, this prints why. */
static int finish(int r, int code)
{
	if (r < 0)
		cli_print_error();
	return code;
}

/* As Docker: a terminal inside can be given input only from one. Without -i it has none, and works anywhere. */
static bool is_no_terminal(bool wants_stdin, bool wants_tty)
{
	return wants_stdin && wants_tty && !term_is(0);
}

static int say_no_terminal(void)
{
	return err_say(
		-ENOTTY, "the input device is not a TTY: leave out -t, or run this in a terminal");
}

static int run_main(void *context, void *raw, int argc, char **argv)
{
	const struct run_args *args = raw;
	if (!args->flags.is_detached && !args->flags.prints_plan &&
		is_no_terminal(args->flags.wants_stdin, args->flags.wants_tty))
		return say_no_terminal();
	auto_of(engine) struct engine e;
	auto_arena struct arena a = ARENA_INIT;
	struct container c;
	int r = cli_engine_open(context, &e);
	if (r == 0)
		r = container_of_args(&a, args, argc, argv, &c);
	if (r == 0 && !args->flags.prints_plan)
		r = cli_pull_policy(&e, args->pull, c.image);
	if (r == 0)
		r = container_prepare(&e, &a, &c);
	if (r < 0)
		return r;

	if (args->flags.prints_plan) {
		auto_buf struct buf text = BUF_INIT;
		r = container_plan_write(&e, &c, &text);
		if (r == 0)
			fputs(text.data, stdout);
		return r;
	}
	int code = COMMAND_MISUSED;
	r = container_run(&e, &c, &code);
	if (r == 0 && c.is_detached)
		printf("%s\n", c.id);
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
	bool is_detached, wants_stdin, wants_tty, is_privileged;
	const char *workdir, *user;
	struct strvec env, env_files;
};

static const struct opt exec_opts[] = {
	OPT_FLAG('d', "detach", struct exec_args, is_detached,
		"run it in the background; its output goes nowhere"),
	OPT_LIST('e', "env", struct exec_args, env, "KEY=VALUE",
		"set an environment variable; KEY alone copies the caller's"),
	OPT_LIST(0, "env-file", struct exec_args, env_files, "FILE",
		"read environment variables from a file"),
	OPT_FLAG('i', "interactive", struct exec_args, wants_stdin, "keep standard input open"),
	OPT_FLAG(0, "privileged", struct exec_args, is_privileged, "all capabilities, no filter"),
	OPT_FLAG('t', "tty", struct exec_args, wants_tty, "give it a terminal"),
	OPT_STRING('u', "user", struct exec_args, user, "USER[:GROUP]", "user by name or number"),
	OPT_STRING('w', "workdir", struct exec_args, workdir, "DIR", "working directory inside"),
	OPT_END,
};

static int exec_main(void *context, void *raw, int argc, char **argv)
{
	const struct exec_args *args = raw;
	if (!args->is_detached && is_no_terminal(args->wants_stdin, args->wants_tty))
		return say_no_terminal();
	auto_of(engine) struct engine e;
	auto_arena struct arena a = ARENA_INIT;
	char id[CONTAINER_ID_LEN + 1];
	struct exec_request request = {
		.cwd = args->workdir,
		.user = args->user,
		.has_tty = args->wants_tty,
		.has_stdin = args->wants_stdin && !args->is_detached,
		.is_privileged = args->is_privileged,
		.is_detached = args->is_detached,
	};
	int r = cli_engine_open(context, &e);
	if (r == 0)
		r = container_find(&e, argv[0], id);
	if (r == 0)
		r = cli_env(&a, &request.env, &args->env_files, &args->env);
	if (r < 0)
		return r;
	for (int i = 1; i < argc; i++)
		*arena_push(&a, &request.command) = argv[i];
	int code = COMMAND_FAILED;
	r = container_exec(&e, id, &request, &code);
	if (r < 0 && code == COMMAND_MISUSED) /* only of `run` may 125 be husk's own */
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
