/* SPDX-License-Identifier: Apache-2.0 */
/* What commands that died have left: each pending file whose lock is free is undone. */
#include "engine/internal.h"
#include "base/err.h"
#include "base/log.h"
#include "base/str.h"
#include "sys/file.h"
#include "sys/process.h"

enum { SETTLE_TRIES = 200, SETTLE_STEP_MS = 5 };

/* Its command died: what only that command held is ended; a container that never ran, or is to be removed, goes; another
 * is exited. One that runs in the background is whole already. */
static int container_abandoned(struct engine *e, const char *id)
{
	struct summary summary = {.state = CONTAINER_BROKEN};
	bool has_summary = summary_read(e, id, &summary) == 0 && summary.state != CONTAINER_BROKEN;
	if (summary.state == CONTAINER_RUNNING && summary.flags & SUMMARY_DETACHED &&
		process_is_alive(&summary.process))
		return 0;
	const struct container_facts unseen = {.exit_code = -1};
	const struct end end = {.kind = END_SWEEP,
		.id = id,
		.name = has_summary ? summary.name : NULL,
		.stays = has_summary && !(summary.flags & SUMMARY_AUTO_REMOVE) &&
			(summary.state != CONTAINER_CREATED || summary.flags & SUMMARY_STAYS),
		.facts = summary.state == CONTAINER_RUNNING ? &unseen : NULL};
	return container_end(e, &end);
}

/* 1 when there is nothing pending of this container any more, 0 when its command lives. One that cannot be swept stays
 * for the next command and does not keep this one from its work. */
static int pending_sweep_one(struct engine *e, const char *id)
{
	auto_close int lock = pending_try(e, id);
	if (lock < 0)
		return 0;
	log_debug("sweeping container %.12s of a command that died", id);
	int r = container_abandoned(e, id);
	if (r == 0)
		r = instance_groups_sweep(e);
	if (r < 0)
		log_warn("sweep container %.12s: %s", id, err_text());
	else
		pending_end(e, id, &lock);
	return 1;
}

void pending_settle(struct engine *e, const char *id)
{
	struct summary summary;
	for (int i = 0; i < SETTLE_TRIES; i++) {
		if (!pending_exists(e, id) || summary_read(e, id, &summary) < 0 ||
			summary.state == CONTAINER_RUNNING || pending_sweep_one(e, id))
			return;
		clock_sleep_ms(SETTLE_STEP_MS);
	}
}

void pending_sweep(struct engine *e)
{
	auto_strvec struct strvec names = STRVEC_INIT;
	int r = file_list_at(e->state_fd, "pending", &names);
	if (r < 0)
		log_warn("list %s/pending: error %d", e->state_path, -r);
	strvec_each (name, &names) {
		if (str_is_hex(*name, CONTAINER_ID_LEN))
			pending_sweep_one(e, *name);
	}
}
