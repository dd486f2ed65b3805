/* SPDX-License-Identifier: Apache-2.0 */
/* What every command begins with, and what it ends with when it fails. */
#include "cli/internal.h"
#include "base/err.h"
#include "base/str.h"

#include <sys/stat.h>

int cli_engine_open(void *context, struct engine *e)
{
	const struct cli_context *c = context;
	umask(022); /* what the engine makes is as readable as its modes say, whatever the caller's umask */
	return engine_open(e, c->root_path, c->state_path);
}

/* A usage error begins with the path of its command ("husk run: unknown flag"), any other is given the program's name. */
void cli_print_error(void)
{
	auto_buf struct buf line = BUF_INIT;
	buf_adds(&line, str_prefix(err_text(), "husk") ? "" : "husk: ");
	buf_add_escaped(&line, err_text());
	buf_addc(&line, '\n');
	fputs(line.data, stderr); /* one write: other commands may share the pipe or the file */
}
