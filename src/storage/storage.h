/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The layer store and the writable layers of containers, below the engine's root directory.
 *
 *	layers/CHAIN/tree     an unpacked layer: made once, shared by all images, never changed.
 *	                      CHAIN is the chain id: 64 hex digits for the layer and all below it
 *	layers/CHAIN/...      what the maker of a layer keeps about it, beside the tree
 *	mountpoints           the lowest layer of every container: the paths that every container
 *	                      mounts something on. So an image that lacks them costs no copy of
 *	                      /etc and no file in each writable layer
 *	containers/ID/upper   what a container wrote; the overlay's work directory is beside it
 *	layers/making/NAME, .lock   a layer in the making, and the lock of the process that makes it
 *
 * A layer is made in layers/making, made durable, and renamed into its place: a partial layer is
 * never found, not even after a crash or a power loss. All directories are 0700 except what
 * containers see. Everything speaks except _find.
 */
#include "base/cleanup.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { STORAGE_CHAIN_LEN = 64, STORAGE_LAYERS_MAX = 127 };

/* 1 when the layer exists, else 0. */
int storage_layer_find(int root_fd, const char *chain_id);
/* An O_PATH fd of the layer's tree; -ENOENT. */
int storage_layer_open(int root_fd, const char *chain_id);

/* The directory of the layer, for what its maker keeps beside the tree; -ENOENT. */
int storage_layer_open_side(int root_fd, const char *chain_id);

/* Takes a layer that no image has out of its place, in no time whatever its size; storage_sweep
 * deletes it later. A missing layer is fine. */
int storage_layer_discard(int root_fd, const char *chain_id);

/* An O_PATH fd of the layer of mount points, which is made when it is missing. */
int storage_mountpoints_open(int root_fd);

/* A layer in the making. */
struct storage_stage {
	int root_fd; /* borrowed */
	int lock_fd;
	int tree_fd; /* where the layer is to be unpacked: empty, 0755, root's */
	int side_fd; /* the directory that holds the tree, for what its maker keeps beside it */
	char name[17];
};

#define STORAGE_STAGE_INIT \
	{ \
		.root_fd = -9, .lock_fd = -9, .tree_fd = -9, .side_fd = -9 \
	}

int storage_stage_begin(int root_fd, struct storage_stage *out);
/* Makes the layer durable and puts it in its place. If another process has put the same layer
 * there first, that layer is kept, and this is a success. */
int storage_stage_commit(struct storage_stage *s, const char *chain_id);
/* Removes a layer that was not committed. */
void storage_stage_release(struct storage_stage *s);
AUTO_STRUCT(storage_stage, struct storage_stage, storage_stage_release)

/* Deletes layers in the making whose process has ended, and discarded layers. This takes as long
 * as the trees are large, so no lock may be held that other processes wait for. */
int storage_sweep(int root_fd);

/* The writable layer of a container, fds O_PATH. */
struct storage_snapshot {
	int upper_fd, work_fd;
};

#define STORAGE_SNAPSHOT_INIT \
	{ \
		.upper_fd = -9, .work_fd = -9 \
	}

void storage_snapshot_release(struct storage_snapshot *s);
AUTO_STRUCT(storage_snapshot, struct storage_snapshot, storage_snapshot_release)

/* Makes containers/ID/{upper,work}; the container's directory exists already. The root directory
 * that a container sees is that of its writable layer, so it gets owner and mode of `like_fd`,
 * the directory that it covers. -EEXIST. */
int storage_snapshot_create(int root_fd, const char *id, int like_fd, struct storage_snapshot *out);
int storage_snapshot_open(int root_fd, const char *id, struct storage_snapshot *out);
/* A missing layer is fine. */
int storage_snapshot_remove(int root_fd, const char *id);
