/* SPDX-License-Identifier: Apache-2.0 */
/* `update`: limits by options, or as the specification's resources. */
#include "runtime_cli/internal.h"
#include "base/err.h"

#include <errno.h>

struct update_args {
	const char *resources, *memory, *reservation, *swap, *quota, *period, *shares, *cpus, *mems,
		*pids;
};

#define LIMIT(name, field, value_name, text) \
	OPT_STRING(0, name, struct update_args, field, value_name, text)

static const struct opt update_opts[] = {
	OPT_STRING('r', "resources", struct update_args, resources, "FILE",
		"limits as the specification's resources, as JSON; - is standard input"),
	LIMIT("memory", memory, "BYTES", "memory"),
	LIMIT("memory-reservation", reservation, "BYTES",
		"memory that is kept when it gets scarce"),
	LIMIT("memory-swap", swap, "BYTES", "memory and swap together"),
	LIMIT("cpu-quota", quota, "US", "processor time in each period"),
	LIMIT("cpu-period", period, "US", "the period of --cpu-quota"),
	LIMIT("cpu-share", shares, "SHARES", "weight against other containers"),
	LIMIT("cpuset-cpus", cpus, "CPUS", "processors it may run on"),
	LIMIT("cpuset-mems", mems, "NODES", "memory nodes it may use"),
	LIMIT("pids-limit", pids, "N", "processes"),
	OPT_END,
};

static int update_main(void *context, void *raw, int argc, char **argv)
{
	const struct update_args *args = raw;
	const struct lifecycle_limit limits[] = {
		{"memory", args->memory, CGROUP_MEMORY_MAX, .is_size = true},
		{"memory-reservation", args->reservation, CGROUP_MEMORY_LOW, .is_size = true},
		{"memory-swap", args->swap, CGROUP_MEMORY_SWAP, .is_size = true},
		{"cpu-quota", args->quota, CGROUP_CPU_MAX},
		{"cpu-period", args->period, CGROUP_CPU_MAX, .is_second = true},
		{"cpu-share", args->shares, CGROUP_CPU_WEIGHT},
		{"cpuset-cpus", args->cpus, CGROUP_CPUSET_CPUS, .is_text = true},
		{"cpuset-mems", args->mems, CGROUP_CPUSET_MEMS, .is_text = true},
		{"pids-limit", args->pids, CGROUP_PIDS_MAX},
	};
	auto_of(lifecycle) struct lifecycle l;
	int r = runtime_cli_open(context, &l);
	return r < 0 ? r
		     : lifecycle_update(&l, argv[0], args->resources, limits,
			       sizeof(limits) / sizeof(limits[0]));
}

const struct command runtime_cmd_update = {
	.name = "update",
	.synopsis = "ID",
	.summary = "change limits of a container",
	.flags = COMMAND_OPTIONS_MIXED,
	.min_args = 1,
	.max_args = 1,
	.opts = update_opts,
	.args_size = sizeof(struct update_args),
	.run = update_main,
};
