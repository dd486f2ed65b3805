/* SPDX-License-Identifier: Apache-2.0 */
/* husk-image: the worker that reads archives in place of husk. Only husk runs it; it prints
 * nothing. */
#include "image/image.h"

#include <unistd.h>

int main(int argc, char **argv)
{
	_exit(image_worker_main(argc, argv));
}
