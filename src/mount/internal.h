/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Shared inside mount/: how a detached tree gets its settings and its place. */
#include "mount/mount.h"

/* The name of a row's node in the file system of mount/devices.h. */
enum { DEVICE_NAME_ROOM = 12 };
void mount_device_name(const struct mount_node_row *row, char out[static DEVICE_NAME_ROOM]);

/* Detaches all mounts that lie below "/" of this process, in its own mount namespace, and covers
 * what it may not detach; proc_fd is a procfs that shows this process. Init. */
int mount_host_leave(int proc_fd);

/* Sets attributes and propagation of a detached tree that no process can see yet. Speaking. */
int mount_tree_set(int tree_fd, const struct mount_row *row);
/* The attributes alone, of a tree or of what is mounted. Speaking. */
int mount_attributes_set(int fd, const struct mount_row *row);
/* A detached tmpfs with these options ("mode=0711"), an SELinux context or NULL, and attributes.
 * Speaking. */
int mount_tmpfs_open(const char *options, const char *label, unsigned attr);
/* The same, empty and read-only. */
int mount_empty_open(void);
/* Attaches a detached tree to a pinned mount point. Silent. */
int mount_tree_attach(int tree_fd, int target_fd);
/* For -ENOSPC of a mount call: says that the limit of mounts is reached, not a disk full. */
int mount_limit_explain(int code);
