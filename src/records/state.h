/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The life of a container: its states, the events between them, and the row that stores them. */
#include "records/container.h"

/* These numbers are on disk, except the last: neither summary nor record can be read. */
enum container_state {
	CONTAINER_CREATED,
	CONTAINER_RUNNING,
	CONTAINER_EXITED,
	CONTAINER_PAUSED,
	CONTAINER_RESTARTING, /* has ended, will be started again */
	CONTAINER_REMOVING,
	CONTAINER_DEAD, /* its removal has failed */
	CONTAINER_BROKEN
};
enum { CONTAINER_STATE_COUNT = CONTAINER_BROKEN + 1 };
/* Docker's words; CONTAINER_BROKEN is "dead". */
extern const char *const container_state_words[CONTAINER_STATE_COUNT];

/* Events that lead from one state to another: change.c has the table. */
enum container_event {
	CONTAINER_EVENT_START, /* the payload runs */
	CONTAINER_EVENT_START_FAILED, /* it could not be started */
	CONTAINER_EVENT_EXIT,
	CONTAINER_EVENT_ADOPT, /* it has a new monitor */
	CONTAINER_EVENT_PAUSE,
	CONTAINER_EVENT_UNPAUSE,
	CONTAINER_EVENT_RESTART, /* has ended, and is restarted by its policy */
	CONTAINER_EVENT_REMOVE,
	CONTAINER_EVENT_REMOVE_FAILED
};
enum { CONTAINER_EVENT_COUNT = CONTAINER_EVENT_REMOVE_FAILED + 1 };

/* The data of an event: START uses all up to `ports`, ADOPT the monitor, EXIT the rest. */
struct container_facts {
	struct process_id process, monitor;
	bool is_detached;
	char address[16], ports[120];
	int32_t exit_code; /* -1: not seen */
	uint64_t finished_ns; /* 0: now */
	bool is_oom_killed;
};

/* One row of fixed size per container, all that `ps` needs; see summary.c for the layout on
 * disk. */

struct summary {
	uint32_t magic, version;
	uint32_t state;
	int32_t exit_code; /* -1: not seen */
	uint64_t created_ns, started_ns, finished_ns;
	struct process_id process, monitor;
	uint32_t flags;
	char boot_id[40];
	char address[16];
	char name[CONTAINER_NAME_MAX + 1];
	char image[72];
	char command[48];
	char ports[120];
};
_Static_assert(sizeof(struct summary) <= 512, "ps reads at most 512 bytes per container");

enum summary_flags {
	SUMMARY_OOM_KILLED = 1,
	SUMMARY_AUTO_REMOVE = 2,
	SUMMARY_TTY = 4,
	SUMMARY_DETACHED = 8,
	SUMMARY_STAYS = 16, /* although it never ran: its create has finished */
	/* Never stored, only found: */
	SUMMARY_WATCHED = 1 << 29, /* its parent is its monitor, which lives */
	SUMMARY_UNCOLLECTED = 1 << 30, /* has ended, and was not given back yet */
};
