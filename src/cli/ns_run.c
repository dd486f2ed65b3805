/* SPDX-License-Identifier: Apache-2.0 */
/* husk ns run: makes a request from unshare(1)'s options. */
#include "cli/ns.h"

#include "base/err.h"
#include "base/str.h"
#include "sys/process.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

struct run_args {
	const char *files[NS_COUNT];
	bool maps_root, maps_current, maps_auto, maps_subids, has_map_user, has_map_group;
	uint32_t map_user, map_group;
	struct strvec map_users, map_groups;
	const char *setgroups, *propagation, *mount_proc, *kill_child;
	bool forks, has_monotonic, has_boottime;
	int64_t monotonic_s, boottime_s;
	struct ns_command command;
};

#define NEW(kind, letter, name) \
	OPT_OPTIONAL(letter, name, struct run_args, files[kind], "FILE", \
		"a new " name " namespace, kept at FILE when its processes have ended")

/* Seconds with an optional sign. */
static int opt_offset(const char *text, void *field)
{
	return parse_i64(*text == '+' && text[1] != '-' ? text + 1 : text, field);
}

static const struct opt run_opts[] = {
	NEW(NS_MNT, 'm', "mount"),
	NEW(NS_UTS, 'u', "uts"),
	NEW(NS_IPC, 'i', "ipc"),
	NEW(NS_NET, 'n', "net"),
	NEW(NS_PID, 'p', "pid"),
	NEW(NS_USER, 'U', "user"),
	NEW(NS_CGROUP, 'C', "cgroup"),
	NEW(NS_TIME, 'T', "time"),
	OPT_FLAG('r', "map-root-user", struct run_args, maps_root,
		"be root in a new user namespace"),
	OPT_FLAG('c', "map-current-user", struct run_args, maps_current,
		"keep the own ids in a new user namespace"),
	OPT_FLAG(0, "map-auto", struct run_args, maps_auto,
		"map the ranges of /etc/subuid and /etc/subgid, from 0 on"),
	OPT_FLAG(0, "map-subids", struct run_args, maps_subids,
		"map the ranges of /etc/subuid and /etc/subgid as they are"),
	OPT_VALUE_SEEN(0, "map-user", struct run_args, map_user, has_map_user, "USER", ns_opt_user,
		"a user's name or number", "map the own user to this one"),
	OPT_VALUE_SEEN(0, "map-group", struct run_args, map_group, has_map_group, "GROUP",
		ns_opt_group, "a group's name or number", "map the own group to this one"),
	OPT_LIST(0, "map-users", struct run_args, map_users, "INNER:OUTER:COUNT",
		"map a range of users; or auto, subids, all"),
	OPT_LIST(0, "map-groups", struct run_args, map_groups, "INNER:OUTER:COUNT",
		"map a range of groups; or auto, subids, all"),
	OPT_STRING(0, "setgroups", struct run_args, setgroups, "allow|deny",
		"whether setgroups(2) may be used in the namespace"),
	OPT_STRING(0, "propagation", struct run_args, propagation, "MODE",
		"of mounts: private (as it is without this option), slave, shared, unchanged"),
	OPT_OPTIONAL(0, "mount-proc", struct run_args, mount_proc, "DIR",
		"mount proc on DIR (/proc) in a new mount namespace"),
	OPT_FLAG('f', "fork", struct run_args, forks,
		"run the command as a child; --pid and --time do so anyway"),
	OPT_OPTIONAL(0, "kill-child", struct run_args, kill_child, "SIGNAL",
		"send SIGNAL (KILL) to the child when husk ends"),
	OPT_FLAG(0, "forward-signals", struct run_args, command.forwards_signals,
		"pass SIGINT and SIGTERM on to the child"),
	OPT_STRING(
		'R', "root", struct run_args, command.root, "DIR", "root directory of the command"),
	OPT_STRING(
		'w', "wd", struct run_args, command.cwd, "DIR", "working directory of the command"),
	OPT_VALUE_SEEN('S', "setuid", struct run_args, command.uid, command.has_uid, "USER",
		ns_opt_user, "a user's name or number", "user of the command"),
	OPT_VALUE_SEEN('G', "setgid", struct run_args, command.gid, command.has_gid, "GROUP",
		ns_opt_group, "a group's name or number",
		"group of the command; others are dropped"),
	OPT_FLAG(0, "keep-caps", struct run_args, command.keeps_caps,
		"keep the capabilities of the new user namespace"),
	OPT_VALUE_SEEN(0, "monotonic", struct run_args, monotonic_s, has_monotonic, "SECONDS",
		opt_offset, "a number of seconds, as 86400 or -60",
		"offset of CLOCK_MONOTONIC in a new time namespace"),
	OPT_VALUE_SEEN(0, "boottime", struct run_args, boottime_s, has_boottime, "SECONDS",
		opt_offset, "a number of seconds, as 86400 or -60",
		"offset of CLOCK_BOOTTIME in a new time namespace"),
	OPT_END,
};

static int add_words(
	struct arena *a, const struct strvec *words, const char *which, struct ns_idmap_list *out)
{
	int r = 0;
	for (size_t i = 0; r == 0 && i < words->count; i++)
		r = ns_idmap_add(a, words->items[i], which, out);
	return r < 0 ? err_wrap(r, "--map-%s", str_eq(which, "uid") ? "users" : "groups") : 0;
}

/* Ranges come first, because single ids are cut out of them. */
static int collect_maps(struct arena *a, struct run_args *args, struct ns_run_request *out)
{
	if (args->maps_root && args->maps_current)
		return err_say(
			-EINVAL, "--map-root-user and --map-current-user exclude each other");
	const char *word = args->maps_auto ? "auto" : "subids";
	bool wants_range = args->maps_auto || args->maps_subids;
	int r = wants_range ? ns_idmap_add(a, word, "uid", &out->uids) : 0;
	if (r == 0 && wants_range)
		r = ns_idmap_add(a, word, "gid", &out->gids);
	if (r < 0)
		return err_wrap(r, "--map-%s", word);
	r = add_words(a, &args->map_users, "uid", &out->uids);
	if (r == 0)
		r = add_words(a, &args->map_groups, "gid", &out->gids);
	if (r < 0)
		return r;

	bool has_group_range = out->gids.count > 0;
	bool is_single = args->maps_root || args->maps_current;
	uint32_t uid = args->has_map_user ? args->map_user : args->maps_root ? 0 : geteuid();
	uint32_t gid = args->has_map_group ? args->map_group : args->maps_root ? 0 : getegid();
	if (is_single || args->has_map_user)
		ns_idmap_add_one(a, &out->uids, uid, geteuid());
	if (!is_single && !args->has_map_group)
		return 0;
	ns_idmap_add_one(a, &out->gids, gid, getegid());
	if (has_group_range)
		return 0;
	if (out->setgroups == NS_SETGROUPS_ALLOW)
		return err_say(-EINVAL,
			"--setgroups allow and mapping the own group alone exclude each other");
	out->setgroups = NS_SETGROUPS_DENY;
	return 0;
}

static int parse_setgroups(const char *word, enum ns_setgroups *out)
{
	if (!word)
		return 0;
	if (!str_eq(word, "allow") && !str_eq(word, "deny"))
		return err_say(-EINVAL, "--setgroups: \"%s\" is not allow or deny", word);
	*out = str_eq(word, "allow") ? NS_SETGROUPS_ALLOW : NS_SETGROUPS_DENY;
	return 0;
}

static int parse_kill_child(const char *word, int *out)
{
	if (!word)
		return 0;
	int number = *word ? signal_parse(word) : SIGKILL;
	if (number < 0)
		return err_say(-EINVAL, "--kill-child: \"%s\" is not a signal", word);
	*out = number;
	return 0;
}

static int run_request(struct arena *a, struct run_args *args, struct ns_run_request *out)
{
	*out = (struct ns_run_request){
		.propagation = args->propagation,
		.forks = args->forks || args->kill_child || args->command.forwards_signals ||
			args->files[NS_PID] || args->files[NS_TIME],
		.has_monotonic = args->has_monotonic,
		.has_boottime = args->has_boottime,
		.monotonic_s = args->monotonic_s,
		.boottime_s = args->boottime_s,
		.command = args->command,
	};
	memcpy(out->files, args->files, sizeof(out->files));
	int r = parse_setgroups(args->setgroups, &out->setgroups);
	if (r == 0)
		r = parse_kill_child(args->kill_child, &out->command.kill_signal);
	if (r == 0)
		r = collect_maps(a, args, out);
	if ((out->uids.count || out->gids.count) && !out->files[NS_USER])
		out->files[NS_USER] = "";
	if (args->mount_proc) {
		out->proc_path = *args->mount_proc ? args->mount_proc : "/proc";
		out->files[NS_MNT] = out->files[NS_MNT] ? out->files[NS_MNT] : "";
	}
	return r;
}

static int run_main(void *context, void *args, int argc, char **argv)
{
	auto_arena struct arena a = ARENA_INIT;
	struct ns_run_request request;
	int code = 0;
	int r = run_request(&a, args, &request);
	if (r < 0)
		return err_wrap(r, "husk ns run");
	request.command.argv = argv;
	r = ns_run(&request, &code);
	return ns_finish(r, code, "husk ns run");
}

const struct command cmd_ns_run = {
	.name = "run",
	.synopsis = "[COMMAND [ARG...]]",
	.summary = "run a command in new namespaces",
	.alias = "unshare",
	.flags = COMMAND_RUNS_PROGRAM | COMMAND_TAKES_PREFIXES,
	.opts = run_opts,
	.args_size = sizeof(struct run_args),
	.run = run_main,
};
