/* SPDX-License-Identifier: Apache-2.0 */
/* husk: the engine and its command line. Prints the error of a failed command, once. */
#include "base/err.h"
#include "base/log.h"
#include "base/str.h"
#include "cli/cli.h"
#include "sys/fd.h"
#include "sys/signal.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { EXIT_HUSK = 125 };

static void log_to_stderr(void *context, enum log_level level, const char *line)
{
	static const char *const words[] = {"error", "warning", "info", "debug"};
	auto_buf struct buf text = BUF_INIT;
	buf_addf(&text, "husk: %s: %s\n", words[level], line);
	fputs(text.data, stderr); /* one write */
}

int main(int argc, char **argv)
{
	int r = fd_open_standard();
	if (r < 0) {
		err_new(r, "open /dev/null in place of what the caller closed");
		cli_print_error();
		return EXIT_HUSK;
	}
	signal_begin();
	signal_ignore_writes();
	const char *level = getenv("HUSK_LOG");
	log_set(log_to_stderr, NULL, level && str_eq(level, "debug") ? LOG_DEBUG : LOG_WARN,
		"host");

	struct cli_context context = {0};
	auto_buf struct buf help = BUF_INIT;
	int code = EXIT_HUSK;
	r = command_main(&command_root, &context, argc, argv, &help, &code);
	fputs(help.data, stdout);
	if (r < 0)
		cli_print_error();
	bool is_written = fflush(stdout) == 0 && !ferror(stdout);
	if (!is_written && r >= 0 && !fd_is_unread(STDOUT_FILENO)) {
		fprintf(stderr, "husk: write the output: it did not take all of it\n");
		return EXIT_HUSK;
	}
	return r < 0 ? code : r;
}
