/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `husk ns` asks the engine: which process a container's name means. The namespace tools are
 * for every user, so for a user who may not use the engine there are no containers. Opening the
 * engine makes its directories, so it is opened only if its directory of containers exists.
 */
#include "cli/internal.h"
#include "cli/ns.h"
#include "base/err.h"
#include "sys/calls.h"
#include "sys/path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static bool has_containers(const struct cli_context *context)
{
	auto_buf struct buf path = BUF_INIT;
	const char *root = context->root_path ? context->root_path : getenv("HUSK_ROOT");
	path_join(&path, root && *root ? root : "/var/lib/husk", "containers");
	return sys_access_at(AT_FDCWD, path.data, R_OK | W_OK, AT_EACCESS) >= 0;
}

int ns_container_process(struct cli_context *context, const char *name, struct process_id *out)
{
	if (!has_containers(context))
		return -ENOENT;
	auto_of(engine) struct engine e;
	char id[CONTAINER_ID_LEN + 1];
	struct summary summary;
	int r = cli_engine_open(context, &e);
	if (r < 0)
		return r;
	r = container_find(&e, name, id);
	if (r == 0)
		r = container_summary(&e, id, &summary);
	if (r < 0)
		return r;
	if (summary.state != CONTAINER_RUNNING)
		return err_say(-ESRCH, "container %s is not running", name);
	*out = summary.process;
	return 0;
}

void ns_container_each(struct cli_context *context,
	void (*each)(const char *name, pid_t pid, void *data), void *data)
{
	if (!has_containers(context))
		return;
	auto_of(engine) struct engine e;
	auto_of(container_list) struct container_list list = {0};
	struct summary summary;
	if (cli_engine_open(context, &e) < 0 || container_list(&e, &list) < 0)
		return;
	for (size_t i = 0; i < list.count; i++) {
		if (container_summary(&e, list.ids[i], &summary) == 0 &&
			summary.state == CONTAINER_RUNNING)
			each(summary.name, summary.process.pid, data);
	}
}
