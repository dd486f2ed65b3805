/* SPDX-License-Identifier: Apache-2.0 */
/* The log: a level, a sink and the role of this process; silent until bin/ sets it. */
#include "base/log.h"
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>

static struct {
	log_sink sink;
	void *context;
	enum log_level level;
	const char *role;
} log_state = {.level = LOG_WARN, .role = "host"};

void log_set(log_sink sink, void *context, enum log_level level, const char *role)
{
	log_state.sink = sink;
	log_state.context = context;
	log_state.level = level;
	log_state.role = role;
}

bool log_is_wanted(enum log_level level)
{
	return log_state.sink && level <= log_state.level;
}

void log_line(enum log_level level, const char *format, ...)
{
	if (!log_is_wanted(level))
		return;

	char line[ERR_TEXT_MAX];
	int used = level == LOG_DEBUG ? snprintf(line, sizeof(line), "%.32s: ", log_state.role) : 0;
	va_list args;
	va_start(args, format);
	vsnprintf(line + used, sizeof(line) - (size_t)used, format, args);
	va_end(args);
	log_state.sink(log_state.context, level, line);
}
