/* SPDX-License-Identifier: Apache-2.0 */
/* The caller's side of `load`. */
#include "image/internal.h"
#include "image/worker.h"

#include <errno.h>

int image_load_archive(int root_fd, int fd, const char *libexec_path, struct strvec *said)
{
	return worker_run(&(struct worker_call){.libexec_path = libexec_path,
		.argv = (const char *const[]){"husk-image", "load", NULL},
		.file_fd = fd,
		.root_fd = root_fd,
		.board_fd = -EBADF,
		.said = said});
}
