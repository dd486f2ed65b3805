/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Shared inside mount/: how a detached tree reaches its place. */
#include "mount/mount.h"

/* Sets all attributes and the propagation of a detached tree while nobody can see it. Speaking. */
int mount_tree_set(int tree_fd, const struct mount_row *row);
/* The attributes alone, of a tree or of what is mounted. Speaking. */
int mount_attributes_set(int fd, const struct mount_row *row);
/* Attaches a detached tree to a pinned mount point. Silent. */
int mount_tree_attach(int tree_fd, int target_fd);
/* Adds to a sentence about ENOSPC of a mount call what is full: no disk. */
int mount_limit_explain(int code);
