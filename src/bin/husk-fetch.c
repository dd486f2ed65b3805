/* SPDX-License-Identifier: Apache-2.0 */
/* husk-fetch: the worker that talks to registries in place of husk. Only husk runs it; it prints
 * nothing. */
#include "image/image.h"

#include <unistd.h>

int main(int argc, char **argv)
{
	_exit(image_fetch_main(argc, argv));
}
