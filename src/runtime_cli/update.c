/* SPDX-License-Identifier: Apache-2.0 */
/* `update`: changes limits, by options or as the specification's resources. */
#include "runtime_cli/internal.h"
#include "base/err.h"

#include <errno.h>

struct update_args {
	const char *resources, *memory, *reservation, *swap, *kernel_tcp, *quota, *period, *burst,
		*idle, *rt_period, *rt_runtime, *shares, *cpus, *mems, *pids, *weight;
	const char *l3_cache, *memory_bandwidth;
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
	LIMIT("kernel-memory-tcp", kernel_tcp, "BYTES", "memory of TCP buffers, cgroup version 1"),
	LIMIT("cpu-quota", quota, "US", "processor time in each period"),
	LIMIT("cpu-period", period, "US", "the period of --cpu-quota"),
	LIMIT("cpu-burst", burst, "US", "time that may be saved up for later periods"),
	LIMIT("cpu-idle", idle, "0|1", "only when nothing else wants to run"),
	LIMIT("cpu-rt-period", rt_period, "US", "the period of --cpu-rt-runtime, cgroup version 1"),
	LIMIT("cpu-rt-runtime", rt_runtime, "US", "real-time in each period, cgroup version 1"),
	LIMIT("cpu-share", shares, "SHARES", "weight against other containers"),
	LIMIT("cpuset-cpus", cpus, "CPUS", "processors it may run on"),
	LIMIT("cpuset-mems", mems, "NODES", "memory nodes it may use"),
	LIMIT("pids-limit", pids, "N", "processes"),
	LIMIT("blkio-weight", weight, "WEIGHT", "share of the disks' time, 10 to 1000"),
	OPT_STRING(0, "l3-cache-schema", struct update_args, l3_cache, "SCHEMA",
		"share of the cache, as L3:0=f;1=f"),
	OPT_STRING(0, "mem-bw-schema", struct update_args, memory_bandwidth, "SCHEMA",
		"share of memory bandwidth, as MB:0=50"),
	OPT_END,
};

static int update_main(void *context, void *raw, int argc, char **argv)
{
	const struct update_args *args = raw;
	const struct runtime_limit limits[] = {
		{"memory", args->memory, CGROUP_MEMORY_MAX, .is_size = true},
		{"memory-reservation", args->reservation, CGROUP_MEMORY_LOW, .is_size = true},
		{"memory-swap", args->swap, CGROUP_MEMORY_SWAP, .is_size = true},
		{"kernel-memory-tcp", args->kernel_tcp, CGROUP_MEMORY_KERNEL_TCP, .is_size = true},
		{"cpu-quota", args->quota, CGROUP_CPU_MAX},
		{"cpu-period", args->period, CGROUP_CPU_MAX, .is_second = true},
		{"cpu-burst", args->burst, CGROUP_CPU_BURST},
		{"cpu-idle", args->idle, CGROUP_CPU_IDLE},
		{"cpu-rt-period", args->rt_period, CGROUP_CPU_RT_PERIOD},
		{"cpu-rt-runtime", args->rt_runtime, CGROUP_CPU_RT_RUNTIME},
		{"cpu-share", args->shares, CGROUP_CPU_WEIGHT},
		{"cpuset-cpus", args->cpus, CGROUP_CPUSET_CPUS, .is_text = true},
		{"cpuset-mems", args->mems, CGROUP_CPUSET_MEMS, .is_text = true},
		{"pids-limit", args->pids, CGROUP_PIDS_MAX},
		{"blkio-weight", args->weight, CGROUP_BLKIO_WEIGHT},
	};
	auto_of(runtime) struct runtime rt = {.root_fd = -EBADF};
	auto_buf struct buf schemata = BUF_INIT;
	buf_addf(&schemata, args->l3_cache ? "%s\n" : "", args->l3_cache);
	buf_addf(&schemata, args->memory_bandwidth ? "%s\n" : "", args->memory_bandwidth);
	int r = runtime_cli_open(context, &rt);
	return r < 0 ? r
		     : runtime_update(&rt, argv[0], args->resources, schemata.data, limits,
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
