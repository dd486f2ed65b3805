/* SPDX-License-Identifier: Apache-2.0 */
/* Facts about the first process of a container once it runs. */
#include "engine/internal.h"
#include "base/err.h"
#include "monitor/monitor.h"

#include <errno.h>

/* 126: found but not executable; 127: not found; 125: husk's own failure. */
int exit_code_of(int code, enum launch_phase phase)
{
	if (phase != LAUNCH_PHASE_EXEC)
		return 125;
	return code == -ENOENT || code == -ENOTDIR ? 127 : 126;
}

/* Only once the payload runs: a command that trusts the row (above all an exec) then finds the
 * container's root and its whole sandbox. */
int started_record(
	struct start *s, const struct process_id *monitor, const struct process_id *payload)
{
	struct container_facts facts = {
		.process = *payload, .monitor = *monitor, .is_detached = s->c->is_detached};
	network_describe(s->e, s->c, &facts);
	int r = container_change(s->e, s->c->id, CONTAINER_EVENT_START, &facts);
	fd_replace(&s->lock, -EBADF);
	fd_replace(&s->gate, -EBADF);
	return r;
}

int payload_identify(const struct launch *l, struct process_id *out)
{
	*out = (struct process_id){0};
	int r = process_identify(l->pid, out);
	if (r == -ESRCH) /* it has failed already: its release will report why */
		return 0;
	return r < 0 ? err_new(r, "look at the container's first process") : 0;
}
