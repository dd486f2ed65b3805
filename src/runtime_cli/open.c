/* SPDX-License-Identifier: Apache-2.0 */
/* Checks the options that stand before every command, and chooses the directory for the state of
 * containers. */
#include "runtime_cli/internal.h"
#include "base/err.h"
#include "base/str.h"
#include "ns/ns.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

enum { ROOT_PATH_MAX = 4096 };

/* Engines of ordinary users call husk-runtime as root of a user namespace that they have made. */
static const char *default_root(char path[static ROOT_PATH_MAX])
{
	const char *runtime_dir = getenv("XDG_RUNTIME_DIR");
	if ((geteuid() == 0 && ns_user_is_initial()) || !runtime_dir || runtime_dir[0] != '/' ||
		fmt_n(path, ROOT_PATH_MAX, "%s/husk-runtime", runtime_dir) < 0)
		return "/run/husk-runtime";
	return path;
}

int runtime_cli_open(const struct runtime_cli_context *context, struct runtime *out)
{
	char path[ROOT_PATH_MAX];
	enum runtime_manager manager = RUNTIME_CGROUPFS;
	*out = (struct runtime){.root_fd = -EBADF};
	if (context->cgroup_manager && runtime_manager_find(context->cgroup_manager, &manager) < 0)
		return err_say(-EINVAL,
			"--cgroup-manager: \"%s\" is neither cgroupfs, systemd nor disabled",
			context->cgroup_manager);
	if (context->wants_systemd && context->cgroup_manager && manager != RUNTIME_SYSTEMD)
		return err_say(-EINVAL,
			"--systemd-cgroup and --cgroup-manager %s contradict each other",
			context->cgroup_manager);
	if (context->log_format && !str_eq(context->log_format, "json") &&
		!str_eq(context->log_format, "text"))
		return err_say(-EINVAL, "--log-format: \"%s\" is neither text nor json",
			context->log_format);
	bool ignored;
	if (context->rootless && !str_eq(context->rootless, "auto") &&
		parse_bool(context->rootless, &ignored) < 0)
		return err_say(-EINVAL, "--rootless: \"%s\" is neither true, false nor auto",
			context->rootless);
	int r = runtime_open(out, context->root_path ? context->root_path : default_root(path));
	out->manager = context->wants_systemd ? RUNTIME_SYSTEMD : manager;
	return r;
}
