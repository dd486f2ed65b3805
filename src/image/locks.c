/* SPDX-License-Identifier: Apache-2.0 */
/* The two locks of the store: for the set of images and names, and for the images that containers
 * use. */
#include "image/internal.h"
#include "sys/lock.h"

#define USES_LOCK "images.use"

int image_uses_lock(int root_fd, bool is_alone)
{
	int fd = is_alone ? lock_file_at(root_fd, USES_LOCK, true)
			  : lock_shared_at(root_fd, USES_LOCK);
	return fd < 0 ? err_new(fd, "lock the images that are in use") : fd;
}

int images_lock(int root_fd)
{
	int lock = lock_file_at(root_fd, IMAGES_LOCK, true);
	return lock < 0 ? err_new(lock, "lock the images") : lock;
}
