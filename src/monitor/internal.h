/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Shared inside monitor/. */
#include "base/err.h"
#include "monitor/monitor.h"

/* The file name of a log by age: "log", "log.1", "log.2". */
void monitor_log_name(char out[static 16], unsigned number);

/* One packet between husk and husk-monitor, except BEGIN, which is a struct monitor_begin. */
struct monitor_message {
	uint32_t type; /* enum monitor_message_type */
	uint32_t phase;
	int32_t pid;
	uint32_t reserved;
	struct err_packet error;
};
