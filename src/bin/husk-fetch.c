/* SPDX-License-Identifier: Apache-2.0 */
/* husk-fetch: the worker that talks to registries so that husk need not. Run by husk only; it prints nothing. */
#include "image/image.h"

#include <unistd.h>

int main(int argc, char **argv)
{
	_exit(image_fetch_main(argc, argv));
}
