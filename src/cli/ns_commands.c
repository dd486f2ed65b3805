/* SPDX-License-Identifier: Apache-2.0 */
/* The command group `husk ns`. */
#include "cli/internal.h"
#include "cli/ns.h"

static const struct command *const ns_commands[] = {
	&cmd_ns_run,
	&cmd_ns_enter,
	&cmd_ns_ls,
	&cmd_ns_show,
	&cmd_ns_tree,
	NULL,
};

const struct command cmd_ns = {
	.name = "ns",
	.summary = "make, join, list and compare namespaces",
	.sub = ns_commands,
};
