/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `husk ns` asks the engine: which process a container's name means. The namespace tools are for everybody, so an
 * engine that cannot be opened (another user's, a read-only disk) has no containers here.
 */
#include "cli/internal.h"
#include "cli/ns.h"
#include "base/err.h"

#include <errno.h>

int ns_container_pid(struct cli_context *context, const char *name, pid_t *out)
{
	auto_of(engine) struct engine e;
	char id[CONTAINER_ID_LEN + 1];
	struct summary summary;
	if (cli_engine_open(context, &e) < 0)
		return -ENOENT;
	int r = container_find(&e, name, id);
	if (r == 0)
		r = container_summary(&e, id, &summary);
	if (r < 0)
		return r;
	if (summary.state != CONTAINER_RUNNING)
		return err_say(-ESRCH, "container %s is not running", name);
	*out = summary.process.pid;
	return 0;
}

void ns_container_each(struct cli_context *context,
	void (*each)(const char *name, pid_t pid, void *data), void *data)
{
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
