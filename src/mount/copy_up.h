/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* A part of mount/mount.h. Speaking; nothing here allocates. */

/* Copies what is in one directory into another. */
int mount_copy_up(int from_fd, int to_fd);
/* Owner, mode, attributes and times of the directory itself. */
int mount_copy_attributes(int from_fd, int to_fd);
