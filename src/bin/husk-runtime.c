/* SPDX-License-Identifier: Apache-2.0 */
/* husk-runtime: an OCI runtime with the command line of runc. */
#include "base/err.h"
#include "base/log.h"
#include "runtime_cli/runtime_cli.h"
#include "sys/fd.h"
#include "sys/signal.h"

#include <errno.h>
#include <stdio.h>

enum { EXIT_FAILED = 1 };

static void log_to_report(void *context, enum log_level level, const char *line)
{
	static const char *const words[] = {"error", "warning", "info", "debug"};
	runtime_cli_log(context, words[level], line);
}

int main(int argc, char **argv)
{
	int r = fd_open_standard();
	if (r < 0)
		return EXIT_FAILED;
	signal_begin();
	signal_ignore_writes();
	struct runtime_cli_context context = {.log_fd = -EBADF};
	log_set(log_to_report, &context, LOG_WARN, "host");
	auto_buf struct buf help = BUF_INIT;
	int code = EXIT_FAILED;
	r = command_main(&runtime_command_root, &context, argc, argv, &help, &code);
	fputs(help.data, stdout);
	if (r < 0)
		runtime_cli_report(&context, err_text());
	fd_replace(&context.log_fd, -EBADF);
	bool is_written = fflush(stdout) == 0 && !ferror(stdout);
	return r < 0 || !is_written ? EXIT_FAILED : r;
}
