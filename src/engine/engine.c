/* SPDX-License-Identifier: Apache-2.0 */
/* Opens the engine: opens the records, and sweeps what dead commands left. */
#include "engine/internal.h"
#include "net/net.h"

int engine_open(struct engine *e, const char *root_path, const char *state_path)
{
	int r = records_open(e, root_path, state_path);
	if (r == 0)
		pending_sweep(e);
	return r;
}

void engine_close(struct engine *e)
{
	network_close(e);
	records_close(e);
}
