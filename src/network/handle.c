/* SPDX-License-Identifier: Apache-2.0 */
/* The handle of the host's network. */
#include "network/internal.h"
#include "net/net.h"

int engine_net(struct engine *e, struct net **out)
{
	int r = e->net ? 0 : net_open(&e->net, e->instance);
	*out = e->net;
	return r;
}

void network_close(struct engine *e)
{
	net_close(e->net);
	e->net = NULL;
}
