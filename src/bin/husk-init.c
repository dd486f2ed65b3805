/* SPDX-License-Identifier: Apache-2.0 */
/*
 * husk-init: a container's first process until the payload begins, and nothing else. The build puts
 * it into husk, husk-monitor and husk-runtime, which execute it from a sealed copy in memory. The
 * installed file is for an init that stays as a reaper.
 */
#include "launch/launch.h"

int main(void)
{
	launch_init_main();
}
