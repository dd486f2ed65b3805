/* SPDX-License-Identifier: Apache-2.0 */
/* The exit record: one fixed row in the run directory, written once. */
#include "monitor/internal.h"
#include "base/err.h"
#include "sys/file.h"

#include <errno.h>

int monitor_exit_store(int run_directory_fd, const struct monitor_exit *record)
{
	int r = file_replace_at(run_directory_fd, "exit", record, sizeof(*record), 0600, false);
	return r < 0 ? err_new(r, "write the exit record") : 0;
}

int monitor_exit_load(int run_directory_fd, struct monitor_exit *out)
{
	auto_buf struct buf bytes = BUF_INIT;
	int r = file_read_at(run_directory_fd, "exit", sizeof(*out), &bytes);
	if (r < 0)
		return err_new(r, "read the exit record");
	if (bytes.len != sizeof(*out))
		return err_say(-EBADMSG, "the exit record is damaged");
	memcpy(out, bytes.data, sizeof(*out));
	return 0;
}
