/* SPDX-License-Identifier: Apache-2.0 */
/* create, run and exec: the commands that start a process. */
#include "runtime_cli/internal.h"
#include "base/err.h"
#include "base/str.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct create_args {
	const char *bundle, *console_socket, *pidfd_socket, *pid_file;
	uint64_t kept_fds;
	bool no_mount_fallback;
	bool is_detached, no_pivot, no_new_keyring, keeps, no_subreaper;
};

#define CREATE_OPTS \
	OPT_STRING('b', "bundle", struct create_args, bundle, "DIR", \
		"where config.json is (default: here)"), \
		OPT_STRING(0, "console-socket", struct create_args, console_socket, "SOCKET", \
			"who gets the terminal"), \
		OPT_STRING(0, "pidfd-socket", struct create_args, pidfd_socket, "SOCKET", \
			"who gets a pidfd of the first process"), \
		OPT_STRING(0, "pid-file", struct create_args, pid_file, "FILE", \
			"write the first process's number to a file"), \
		OPT_FLAG(0, "no-pivot", struct create_args, no_pivot, \
			"chroot instead of pivot_root, for roots on an initramfs"), \
		OPT_FLAG(0, "no-new-keyring", struct create_args, no_new_keyring, \
			"keep the caller's session keyring"), \
		OPT_VALUE(0, "preserve-fds", struct create_args, kept_fds, "N", opt_parse_u64, \
			"a number", \
			"give the process this many further file descriptors, from 3 on"), \
		OPT_FLAG(0, "no-subreaper", struct create_args, no_subreaper, \
			"accepted: husk-runtime is never one"), \
		OPT_FLAG(0, "no-mount-fallback", struct create_args, no_mount_fallback, \
			"accepted: a mount that fails is never tried with other flags")

static const struct opt create_opts[] = {
	CREATE_OPTS,
	OPT_END,
};

static const struct opt run_opts[] = {
	CREATE_OPTS,
	OPT_FLAG('d', "detach", struct create_args, is_detached, "leave it running and return"),
	OPT_FLAG(0, "keep", struct create_args, keeps, "do not delete the container at its end"),
	OPT_END,
};

static uint32_t kept_count(uint64_t count)
{
	return count > UINT32_MAX ? UINT32_MAX : (uint32_t)count;
}

/* The sockets that a service manager has passed to this process, and to no other: sd_listen_fds(3).
 * They are the container's. */
static uint32_t listen_count(void)
{
	const char *count_text = getenv("LISTEN_FDS"), *pid_text = getenv("LISTEN_PID");
	uint32_t count, pid;
	bool is_ours = count_text && pid_text && parse_u32(count_text, &count) == 0 &&
		parse_u32(pid_text, &pid) == 0 && pid == (uint32_t)getpid();
	return is_ours ? kept_count(count) : 0;
}

const char *runtime_cli_manager(void)
{
	const char *manager = getenv("NOTIFY_SOCKET");
	return manager && *manager ? manager : NULL;
}

static struct runtime_create request_of(const struct create_args *args, const char *id)
{
	uint32_t listen_fds = listen_count();
	uint64_t kept_fds = (uint64_t)kept_count(args->kept_fds) + listen_fds;
	return (struct runtime_create){
		.id = id,
		.bundle = args->bundle,
		.stdio = {args->console_socket, args->pid_file, args->pidfd_socket,
			kept_count(kept_fds), args->is_detached},
		.listen_fds = listen_fds,
		.notifies = runtime_cli_manager(),
		.no_pivot = args->no_pivot,
		.no_new_keyring = args->no_new_keyring,
	};
}

static int create_main(void *context, void *raw, int argc, char **argv)
{
	auto_of(runtime) struct runtime rt;
	auto_of(runtime_child) struct runtime_child child = RUNTIME_CHILD_INIT;
	struct runtime_create request = request_of(raw, argv[0]);
	request.stdio.is_detached = true;
	int r = runtime_cli_open(context, &rt);
	return r < 0 ? r : runtime_create(&rt, &request, &child);
}

const struct command runtime_cmd_create = {
	.name = "create",
	.synopsis = "ID",
	.summary = "make a container of a bundle; its process waits for start",
	.flags = COMMAND_OPTIONS_MIXED,
	.min_args = 1,
	.max_args = 1,
	.opts = create_opts,
	.args_size = sizeof(struct create_args),
	.run = create_main,
};

/* Deletes the container; the error trail is kept. */
static void undo(struct runtime *rt, const char *id)
{
	struct err_packet trail;
	err_pack(&trail);
	runtime_delete(rt, id, true);
	err_unpack(&trail);
}

static int run_main(void *context, void *raw, int argc, char **argv)
{
	const struct create_args *args = raw;
	auto_of(runtime) struct runtime rt;
	auto_of(runtime_child) struct runtime_child child = RUNTIME_CHILD_INIT;
	struct runtime_create request = request_of(args, argv[0]);
	int code = 0, r = runtime_cli_open(context, &rt);
	if (r == 0)
		r = runtime_create(&rt, &request, &child);
	if (r < 0)
		return r;
	if (!args->is_detached)
		runtime_hold_signals();
	r = runtime_start(&rt, argv[0], runtime_cli_manager(), &child);
	if (r == 0)
		r = args->is_detached ? runtime_wait_ready(&child) : runtime_wait(&child, &code);
	if (r < 0)
		undo(&rt, argv[0]);
	else if (!args->is_detached && !args->keeps)
		r = runtime_delete(&rt, argv[0], true);
	return r < 0 ? r : code;
}

const struct command runtime_cmd_run = {
	.name = "run",
	.synopsis = "ID",
	.summary = "create and start a container, and wait for its end",
	.flags = COMMAND_OPTIONS_MIXED,
	.min_args = 1,
	.max_args = 1,
	.opts = run_opts,
	.args_size = sizeof(struct create_args),
	.run = run_main,
};

struct exec_args {
	const char *process_file, *cwd, *user, *console_socket, *pidfd_socket, *pid_file, *apparmor,
		*label;
	struct strvec env, caps, groups, cgroups;
	uint64_t kept_fds;
	bool is_detached, has_tty, no_new_privileges, ignores_pause;
};

static const struct opt exec_opts[] = {
	OPT_STRING('p', "process", struct exec_args, process_file, "FILE",
		"a process of the specification, as JSON"),
	OPT_STRING(0, "console-socket", struct exec_args, console_socket, "SOCKET",
		"who gets the terminal"),
	OPT_STRING(0, "pidfd-socket", struct exec_args, pidfd_socket, "SOCKET",
		"who gets a pidfd of the process"),
	OPT_STRING(0, "pid-file", struct exec_args, pid_file, "FILE",
		"write the process's number to a file"),
	OPT_STRING(0, "cwd", struct exec_args, cwd, "DIR", "working directory in the container"),
	OPT_LIST('e', "env", struct exec_args, env, "KEY=VALUE", "set a variable"),
	OPT_FLAG('t', "tty", struct exec_args, has_tty, "give it a terminal"),
	OPT_STRING('u', "user", struct exec_args, user, "UID[:GID]", "run as this user"),
	OPT_LIST('g', "additional-gids", struct exec_args, groups, "GID", "one more group"),
	OPT_FLAG('d', "detach", struct exec_args, is_detached, "leave it running and return"),
	OPT_STRING(0, "apparmor", struct exec_args, apparmor, "PROFILE", "a profile of AppArmor"),
	OPT_STRING(0, "process-label", struct exec_args, label, "LABEL", "a context of SELinux"),
	OPT_LIST(0, "cgroup", struct exec_args, cgroups, "[CONTROLLER:]PATH",
		"in this cgroup below the container's, which exists"),
	OPT_FLAG(0, "no-new-privs", struct exec_args, no_new_privileges, "set no_new_privs"),
	OPT_LIST('c', "cap", struct exec_args, caps, "CAP", "one more capability"),
	OPT_FLAG(0, "ignore-paused", struct exec_args, ignores_pause,
		"also in a paused container; it begins when that is resumed"),
	OPT_VALUE(0, "preserve-fds", struct exec_args, kept_fds, "N", opt_parse_u64, "a number",
		"give the process this many further file descriptors, from 3 on"),
	OPT_END,
};

static int exec_check(const struct exec_args *args, int argc)
{
	if (!args->process_file && argc < 2)
		return err_say(-EINVAL, "exec: a command, or --process, is needed");
	if (args->process_file && argc > 1)
		return err_say(-EINVAL, "exec: a command and --process exclude each other");
	return 0;
}

static int exec_main(void *context, void *raw, int argc, char **argv)
{
	const struct exec_args *args = raw;
	auto_of(runtime) struct runtime rt = {.root_fd = -EBADF};
	auto_of(runtime_child) struct runtime_child child = RUNTIME_CHILD_INIT;
	auto_of(strvec) struct strvec words = STRVEC_INIT;
	for (int i = 1; i < argc; i++)
		strvec_push(&words, argv[i]);
	struct runtime_exec request = {
		.id = argv[0],
		.process_file = args->process_file,
		.args = &words,
		.env = &args->env,
		.caps = &args->caps,
		.groups = &args->groups,
		.cgroups = &args->cgroups,
		.cwd = args->cwd,
		.user = args->user,
		.apparmor = args->apparmor,
		.selinux = args->label,
		.has_tty = args->has_tty,
		.no_new_privileges = args->no_new_privileges,
		.ignores_pause = args->ignores_pause,
		.stdio = {args->console_socket, args->pid_file, args->pidfd_socket,
			kept_count(args->kept_fds), args->is_detached},
	};
	int code = 0, r = exec_check(args, argc);
	if (r == 0)
		r = runtime_cli_open(context, &rt);
	if (r == 0 && !args->is_detached)
		runtime_hold_signals();
	if (r == 0)
		r = runtime_exec(&rt, &request, &child);
	if (r == 0 && !args->is_detached)
		r = runtime_wait(&child, &code);
	return r < 0 ? r : code;
}

const struct command runtime_cmd_exec = {
	.name = "exec",
	.synopsis = "ID [COMMAND [ARG...]]",
	.summary = "run one more process in a container",
	.min_args = 1,
	.opts = exec_opts,
	.args_size = sizeof(struct exec_args),
	.run = exec_main,
};

struct plan_args {
	const char *bundle;
};

static const struct opt plan_opts[] = {
	OPT_STRING('b', "bundle", struct plan_args, bundle, "DIR",
		"where config.json is (default: here)"),
	OPT_END,
};

static int plan_main(void *context, void *raw, int argc, char **argv)
{
	const struct plan_args *args = raw;
	auto_of(runtime) struct runtime rt;
	auto_buf struct buf text = BUF_INIT;
	int r = runtime_cli_open(context, &rt);
	if (r == 0)
		r = runtime_plan(&rt, args->bundle, &text);
	if (r == 0)
		fputs(text.data, stdout);
	return r;
}

const struct command runtime_cmd_plan = {
	.name = "plan",
	.summary = "show step by step what create and start would do, and do nothing",
	.opts = plan_opts,
	.args_size = sizeof(struct plan_args),
	.run = plan_main,
};
