/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Shared inside monitor/. */
#include "base/err.h"
#include "monitor/monitor.h"
#include "sys/loop.h"

/* The file name of a log by age: "log", "log.1", "log.2". */
void monitor_log_name(char out[static 16], unsigned number);

/* One packet between husk and husk-monitor. Only BEGIN is another one: a struct monitor_begin with
 * at most MONITOR_FDS_MAX fds. */
enum { MONITOR_FDS_MAX = MONITOR_FD_SLOTS + SLOT_MAX + 2 + CGROUP_HIERARCHIES_MAX };
struct monitor_message {
	uint32_t type; /* enum monitor_message_type */
	uint32_t phase;
	int32_t pid;
	uint32_t reserved;
	struct err_packet error;
};

/* The relays move bytes between the payload's side and the user's side; see relay.c. */
enum { RELAY_BYTES = 16384 };
enum relay_kind { RELAY_STDOUT, RELAY_STDERR, RELAY_STDIN, RELAY_COUNT };

/* An fd that a relay reads or writes; a console is one end of two relays. */
struct relay_end {
	int fd;
	unsigned events; /* the events for which the loop watches it */
	bool is_plain; /* a file: epoll refuses it, and it never blocks */
};

struct relay {
	struct relay_end *source, *sink; /* NULL: ended, or there is none */
	uint64_t left; /* bytes that may still be read */
	size_t begin, end; /* what is in data and not yet written */
	char *data;
};

struct relays {
	struct monitor *monitor;
	struct loop *loop;
	int (*drained)(void *context);
	void *context;
	bool has_flush_timer;
	struct relay_end ends[2 * RELAY_COUNT];
	struct relay rows[RELAY_COUNT];
	char data[RELAY_COUNT][RELAY_BYTES]; /* not in rows: an unused buffer takes no memory */
};

/* Begins. `drained` is called when no output is left, perhaps more than once. */
int relays_begin(struct relays *r);
/* The payload's output has ended, and the user's side has all of it. */
bool relays_are_drained(const struct relays *r);
/* Reads no more input: the payload has ended. */
int relays_stop_input(struct relays *r);
/* Reads only the output that is there at this moment. */
int relays_limit_output(struct relays *r);
