/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Device nodes for a container in a user namespace, where no process may make any. The host makes
 * them in a file system of their own. Init attaches that over the /dev of its old root, where they
 * can be cloned from until the old root goes. Speaking; host.
 */
#include "mount/mount.h"

/* The file system, detached, with an SELinux context or NULL. */
int mount_devices_open(const char *label);
/* Makes a row's node there. The ids are the host's. -EPERM, silent: this process may make none. */
int mount_device_make(int devices_fd, const struct mount_node_row *row, uid_t uid, gid_t gid);
