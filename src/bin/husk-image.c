/* SPDX-License-Identifier: Apache-2.0 */
/* husk-image: the worker that reads archives so that husk need not. Run by husk only; it prints nothing. */
#include "image/image.h"

#include <unistd.h>

int main(int argc, char **argv)
{
	_exit(image_worker_main(argc, argv));
}
