/* SPDX-License-Identifier: Apache-2.0 */
/* The exit record: one fixed row in the run directory. It appears whole or not at all. */
#include "monitor/monitor.h"
#include "monitor/internal.h"
#include "sys/file.h"

#include <errno.h>
#include <string.h>

int monitor_exit_store(int run_directory_fd, const struct monitor_exit *record)
{
	int r = file_replace_at(run_directory_fd, "exit", record, sizeof(*record), 0600, false);
	return r < 0 ? err_new(r, "write the exit record") : 0;
}

int monitor_exit_load(int run_directory_fd, struct monitor_exit *out)
{
	auto_buf struct buf bytes = BUF_INIT;
	struct monitor_exit record;
	int r = file_read_at(run_directory_fd, "exit", sizeof(record), &bytes);
	if (r < 0 && r != -EFBIG)
		return err_new(r, "read the exit record");
	if (bytes.len != sizeof(record))
		return err_say(-EBADMSG, "the exit record is damaged");
	memcpy(&record, bytes.data, sizeof(record));
	if (r < 0 || record.code < -1 || record.code > 255 || record.flags & ~MONITOR_EXIT_FLAGS)
		return err_say(-EBADMSG, "the exit record is damaged");
	*out = record;
	return 0;
}
