/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The states of a container, and the events that lead from one state to another. Each change reads
 * one row, looks up one place in the table, and writes one row.
 */
#include "records/internal.h"
#include "base/err.h"
#include "sys/process.h"

#include <errno.h>

const char *const container_state_words[CONTAINER_STATE_COUNT] = {
	[CONTAINER_CREATED] = "created",
	[CONTAINER_RUNNING] = "running",
	[CONTAINER_EXITED] = "exited",
	[CONTAINER_PAUSED] = "paused",
	[CONTAINER_RESTARTING] = "restarting",
	[CONTAINER_REMOVING] = "removing",
	[CONTAINER_DEAD] = "dead",
	[CONTAINER_BROKEN] = "dead",
};

/* The next state, plus one; 0: the event is not possible in this state. */
#define TO(state) (CONTAINER_##state + 1)
static const uint8_t transitions[CONTAINER_STATE_COUNT][CONTAINER_EVENT_COUNT] = {
	[CONTAINER_CREATED] =
		{
			[CONTAINER_EVENT_START] = TO(RUNNING),
			[CONTAINER_EVENT_START_FAILED] = TO(CREATED),
			[CONTAINER_EVENT_REMOVE] = TO(REMOVING),
		},
	[CONTAINER_RUNNING] =
		{
			[CONTAINER_EVENT_START_FAILED] = TO(EXITED), /* it ran for a moment */
			[CONTAINER_EVENT_EXIT] = TO(EXITED),
			[CONTAINER_EVENT_ADOPT] = TO(RUNNING),
			[CONTAINER_EVENT_PAUSE] = TO(PAUSED),
			[CONTAINER_EVENT_RESTART] = TO(RESTARTING),
		},
	[CONTAINER_EXITED] =
		{
			[CONTAINER_EVENT_START] = TO(RUNNING),
			[CONTAINER_EVENT_START_FAILED] = TO(EXITED),
			[CONTAINER_EVENT_EXIT] = TO(EXITED), /* the end is reported a second time */
			[CONTAINER_EVENT_REMOVE] = TO(REMOVING),
		},
	[CONTAINER_PAUSED] =
		{
			[CONTAINER_EVENT_EXIT] = TO(EXITED), /* killed */
			[CONTAINER_EVENT_ADOPT] = TO(PAUSED),
			[CONTAINER_EVENT_UNPAUSE] = TO(RUNNING),
		},
	[CONTAINER_RESTARTING] =
		{
			[CONTAINER_EVENT_START] = TO(RUNNING),
			[CONTAINER_EVENT_START_FAILED] = TO(EXITED),
			[CONTAINER_EVENT_EXIT] = TO(EXITED), /* stopped before the restart */
			[CONTAINER_EVENT_ADOPT] = TO(RESTARTING),
		},
	[CONTAINER_REMOVING] =
		{
			[CONTAINER_EVENT_EXIT] = TO(REMOVING),
			[CONTAINER_EVENT_REMOVE] = TO(REMOVING), /* the first attempt has died */
			[CONTAINER_EVENT_REMOVE_FAILED] = TO(DEAD),
		},
	[CONTAINER_DEAD] =
		{
			[CONTAINER_EVENT_EXIT] = TO(DEAD),
			[CONTAINER_EVENT_REMOVE] = TO(REMOVING),
		},
	[CONTAINER_BROKEN] =
		{
			[CONTAINER_EVENT_EXIT] = TO(
				EXITED), /* its parent saw the end, whatever became of the row */
		},
};

static void started_fill(struct summary *row, const struct container_facts *facts)
{
	row->flags &= ~(uint32_t)SUMMARY_OOM_KILLED;
	row->flags |= facts->is_detached ? SUMMARY_DETACHED : 0;
	row->started_ns = clock_real_ns();
	row->process = facts->process;
	row->monitor = facts->monitor;
	memcpy(row->address, facts->address, sizeof(row->address));
	memcpy(row->ports, facts->ports, sizeof(row->ports));
}

static void exited_fill(struct summary *row, const struct container_facts *facts)
{
	row->exit_code = facts->exit_code;
	row->finished_ns = facts->finished_ns ? facts->finished_ns : clock_real_ns();
	row->flags |= facts->is_oom_killed ? SUMMARY_OOM_KILLED : 0;
}

/* A container that ran for a moment has ended. Any other keeps its times, and stays although it
 * never ran. */
static void failed_fill(struct summary *row, const struct container_facts *facts)
{
	row->flags |= SUMMARY_STAYS;
	if (row->finished_ns < row->started_ns)
		exited_fill(row, facts);
}

static void adopted_fill(struct summary *row, const struct container_facts *facts)
{
	row->monitor = facts->monitor;
}

static void (*const fills[CONTAINER_EVENT_COUNT])(
	struct summary *row, const struct container_facts *facts) = {
	[CONTAINER_EVENT_START] = started_fill,
	[CONTAINER_EVENT_START_FAILED] = failed_fill,
	[CONTAINER_EVENT_EXIT] = exited_fill,
	[CONTAINER_EVENT_ADOPT] = adopted_fill,
};

int container_change(struct engine *e, const char *id, enum container_event event,
	const struct container_facts *facts)
{
	struct summary row;
	int r = summary_read(e, id, &row);
	if (r < 0)
		return err_new(r, "read the summary of container %.12s", id);
	uint8_t next = transitions[row.state][event];
	if (next == 0)
		return err_say(
			-EINVAL, "container %.12s is %s", id, container_state_words[row.state]);
	row.state = next - 1u;
	if (fills[event])
		fills[event](&row, facts);
	return summary_store(e, id, &row);
}
