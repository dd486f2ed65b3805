/* SPDX-License-Identifier: Apache-2.0 */
/* How init says that it failed. */
#include "launch/init.h"
#include "launch/sync.h"

void init_failed(const struct init *init)
{
	struct sync_message message = {
		.type = SYNC_FAILED,
		.step = init->step,
		.phase = init->is_about_payload ? LAUNCH_PHASE_EXEC : LAUNCH_PHASE_SETUP,
	};
	err_pack(&message.error);
	if (init->report)
		sync_report_write(init->report, &message);
	else
		sync_send(init->sync_fd, &message, NULL, 0);
}
