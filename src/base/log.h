/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The log: four levels, one sink that bin/ sets. Library folders log only debug lines (they return
 * errors instead) and warnings, which are for problems that do not stop the work. A failure is
 * printed once, by the function that does not pass it on.
 */
#include <stdbool.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* Receives one line without its newline, and the context of log_set. */
typedef void (*log_sink)(void *context, enum log_level level, const char *line);

/* Lines above `level` are not formatted at all. `role` names the process in debug lines: host,
 * init, monitor. */
void log_set(log_sink sink, void *context, enum log_level level, const char *role);

/* For callers that would have to spend time on the text. */
bool log_is_wanted(enum log_level level);
void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_debug(...) log_line(LOG_DEBUG, __VA_ARGS__)
#define log_warn(...) log_line(LOG_WARN, __VA_ARGS__)
