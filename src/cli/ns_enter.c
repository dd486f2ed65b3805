/* SPDX-License-Identifier: Apache-2.0 */
/* husk ns enter: makes a request from nsenter(1)'s options. */
#include "cli/ns.h"

#include "base/err.h"
#include "base/str.h"

#include <errno.h>

struct enter_args {
	const char *target;
	const char *files[NS_COUNT];
	bool wants_all, keeps_credentials, never_forks, takes_env, joins_cgroup;
	const char *root, *wd, *wdns;
	struct ns_command command;
};

#define JOIN(kind, letter, name) \
	OPT_OPTIONAL(letter, name, struct enter_args, files[kind], "FILE", \
		"join the " name " namespace of the target, or that of FILE")

static const struct opt enter_opts[] = {
	OPT_STRING('t', "target", struct enter_args, target, "TARGET",
		"the target, instead of the first argument"),
	OPT_FLAG('a', "all", struct enter_args, wants_all,
		"join all; so does a process or container without such an option"),
	JOIN(NS_MNT, 'm', "mount"),
	JOIN(NS_UTS, 'u', "uts"),
	JOIN(NS_IPC, 'i', "ipc"),
	JOIN(NS_NET, 'n', "net"),
	JOIN(NS_PID, 'p', "pid"),
	JOIN(NS_USER, 'U', "user"),
	JOIN(NS_CGROUP, 'C', "cgroup"),
	JOIN(NS_TIME, 'T', "time"),
	OPT_VALUE_SEEN('S', "setuid", struct enter_args, command.uid, command.has_uid, "USER",
		ns_opt_user, "a user's name or number", "user of the command"),
	OPT_VALUE_SEEN('G', "setgid", struct enter_args, command.gid, command.has_gid, "GROUP",
		ns_opt_group, "a group's name or number",
		"group of the command; others are dropped"),
	OPT_FLAG(0, "preserve-credentials", struct enter_args, keeps_credentials,
		"do not become root of a user namespace"),
	OPT_FLAG(0, "keep-caps", struct enter_args, command.keeps_caps,
		"keep the capabilities of the user namespace"),
	OPT_OPTIONAL('r', "root", struct enter_args, root, "DIR",
		"root directory: the target's, or DIR of the caller"),
	OPT_OPTIONAL('w', "wd", struct enter_args, wd, "DIR",
		"working directory: the target's, or DIR of the caller"),
	OPT_OPTIONAL('W', "wdns", struct enter_args, wdns, "DIR",
		"working directory: DIR in the namespaces"),
	OPT_FLAG('e', "env", struct enter_args, takes_env, "take the environment of the target"),
	OPT_FLAG(0, "join-cgroup", struct enter_args, joins_cgroup,
		"join the cgroup (version 2) of the target"),
	OPT_FLAG('F', "no-fork", struct enter_args, never_forks,
		"do not fork when joining a pid namespace"),
	OPT_END,
};

/* If all namespaces come from files, there is no target, and the arguments are the command. */
static bool is_files_only(const struct enter_args *args)
{
	size_t with_file = 0, without = args->wants_all;
	for (int kind = 0; kind < NS_COUNT; kind++) {
		const char *file = args->files[kind];
		with_file += file && *file;
		without += file && !*file;
	}
	return with_file > 0 && without == 0;
}

static int apply_target(const struct ns_target *target, struct ns_enter_request *out)
{
	out->pid = target->pid;
	out->pid_inode = target->inode;
	out->start_ticks = target->start_ticks;
	if (!target->file)
		return 0;
	int kind = ns_file_kind_find(target->file);
	if (kind < 0)
		return err_new(kind, "open %s", target->file);
	if (out->files[kind])
		return err_say(-EINVAL, "two %s namespaces to join: %s and %s",
			ns_info[kind].option, out->files[kind], target->file);
	out->kinds &= ~(1u << kind);
	out->files[kind] = target->file;
	return 0;
}

static int check_sources(const struct ns_enter_request *request)
{
	if (request->pid != 0)
		return 0;
	if (request->wants_all)
		return err_say(-EINVAL, "--all needs a process or a container");
	for (int kind = 0; kind < NS_COUNT; kind++) {
		if (request->kinds & 1u << kind)
			return err_say(-EINVAL, "--%s needs a process, or --%s=FILE",
				ns_info[kind].option, ns_info[kind].option);
	}
	return 0;
}

static int enter_request(
	const struct enter_args *args, const struct ns_target *target, struct ns_enter_request *out)
{
	*out = (struct ns_enter_request){
		.wants_all = args->wants_all,
		.root = args->root,
		.wd = args->wd,
		.wd_inside = args->wdns,
		.never_forks = args->never_forks,
		.keeps_credentials = args->keeps_credentials,
		.takes_env = args->takes_env,
		.joins_cgroup = args->joins_cgroup,
		.command = args->command,
	};
	bool has_any = args->wants_all;
	for (int kind = 0; kind < NS_COUNT; kind++) {
		const char *file = args->files[kind];
		has_any |= file != NULL;
		if (file && *file)
			out->files[kind] = file;
		else if (file)
			out->kinds |= 1u << kind;
	}
	if (out->wd && out->wd_inside)
		return err_say(-EINVAL, "--wd and --wdns exclude each other");
	int r = apply_target(target, out);
	out->wants_all |= out->pid && !has_any;
	return r < 0 ? r : check_sources(out);
}

/* The first argument is the target, unless options name the target. More options may follow it; the
 * command begins after them. */
static int take_target(struct enter_args *args, int argc, char ***argv)
{
	if (args->target || is_files_only(args))
		return 0;
	if (argc == 0)
		return err_say(-EINVAL, "requires a target: %s", cmd_ns_enter.synopsis);
	int first;
	const char *word = **argv;
	int r = opt_parse_args(&cmd_ns_enter, argc - 1, *argv + 1, args, &first);
	*argv += 1 + (r < 0 ? 0 : first);
	args->target = args->target ? args->target : word;
	return r;
}

static int enter_main(void *context, void *raw, int argc, char **argv)
{
	static const char words[] = "husk ns enter";
	struct enter_args *args = raw;
	struct ns_target target = {0};
	struct ns_enter_request request;
	int r = take_target(args, argc, &argv);
	if (r == 0 && args->target)
		r = ns_target_parse(context, args->target, true, &target);
	if (r == 0)
		r = enter_request(args, &target, &request);
	if (r < 0)
		return err_wrap(r, "%s", words);
	request.command.argv = argv;
	int code = 0;
	r = ns_enter(&request, &code);
	return ns_finish(r, code, words);
}

const struct command cmd_ns_enter = {
	.name = "enter",
	.synopsis = "TARGET [--] [COMMAND [ARG...]]",
	.summary = "run a command in the namespaces of a process, a container or a file",
	.flags = COMMAND_RUNS_PROGRAM | COMMAND_TAKES_PREFIXES,
	.opts = enter_opts,
	.args_size = sizeof(struct enter_args),
	.run = enter_main,
};
