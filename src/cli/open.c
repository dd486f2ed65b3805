/* SPDX-License-Identifier: Apache-2.0 */
/* How every command opens the engine, and how it reports a failure. */
#include "cli/internal.h"
#include "base/err.h"
#include "base/str.h"

#include <sys/stat.h>

int cli_engine_open(void *context, struct engine *e)
{
	const struct cli_context *c = context;
	/* The caller's umask must not change the modes of files that the engine makes. */
	umask(022);
	return engine_open(e, c->root_path, c->state_path);
}

/* A usage error begins with the path of its command ("husk run: unknown flag"). Other errors get
 * the prefix "husk: ". */
void cli_print_error(void)
{
	auto_buf struct buf line = BUF_INIT;
	buf_adds(&line, str_prefix(err_text(), "husk") ? "" : "husk: ");
	buf_add_escaped(&line, err_text());
	buf_addc(&line, '\n');
	fputs(line.data, stderr); /* one write: others may share the pipe or the file */
}
