/* SPDX-License-Identifier: Apache-2.0 */
/* Undoes what dead commands left: every pending file whose lock is free. */
#include "engine/internal.h"
#include "base/err.h"
#include "base/log.h"
#include "base/str.h"
#include "sys/file.h"
#include "sys/process.h"

#include <errno.h>

enum { SETTLE_TRIES = 200, SETTLE_STEP_MS = 5 };

/* Does a container whose command died stay? Not if it never ran, or is to be removed. One that has
 * no readable row stays if it was complete: the record is written after the row. */
static bool stays(struct engine *e, const char *id, const struct summary *s)
{
	if (s->state == CONTAINER_BROKEN)
		return container_has_record(e, id);
	if (s->state == CONTAINER_CREATED && !(s->flags & SUMMARY_STAYS))
		return false;
	return !(s->flags & SUMMARY_AUTO_REMOVE);
}

/* The command of this container died: everything that only the command held is ended. Then the
 * container is removed, or becomes "exited". A container that runs in the background is complete
 * already. */
static int container_abandoned(struct engine *e, const char *id)
{
	struct summary summary = {.state = CONTAINER_BROKEN};
	int r = summary_read(e, id, &summary);
	if (r < 0 && r != -ENOENT)
		return err_new(r, "read its summary");
	if (summary.state == CONTAINER_RUNNING && summary.flags & SUMMARY_DETACHED &&
		process_is_alive(&summary.process))
		return 0;
	const struct container_facts unseen = {.exit_code = -1};
	const struct end end = {.kind = END_SWEEP,
		.id = id,
		.name = summary.state != CONTAINER_BROKEN ? summary.name : NULL,
		.stays = stays(e, id, &summary),
		.facts = summary.state == CONTAINER_RUNNING ? &unseen : NULL};
	return container_end(e, &end);
}

/* Returns 1 when nothing is pending for this container any more, 0 when its command lives. A
 * container that cannot be swept is left to the next command, and does not stop this one. */
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
