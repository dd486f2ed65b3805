/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The layer store and the writable layers of containers, below the engine's root directory.
 *
 *	layers/CHAIN/tree     an unpacked layer, made once, shared by every image, never changed. CHAIN is the chain
 *	                      id: 64 hex digits that stand for the layer and all below it
 *	layers/CHAIN/...      what the maker of a layer wants to know of it, beside the tree
 *	mountpoints           what every container mounts something on, as the lowest layer of all: an image that lacks
 *	                      it costs no copy of /etc and no file in each writable layer
 *	containers/ID/upper   what a container wrote, and the overlay's work directory beside it
 *	layers/making/NAME, .lock   a layer in the making, and the lock of the process that makes it
 *
 * A layer is made in layers/making, made durable, and renamed into its place: a part of one is never found, also not after a
 * crash or a power loss. All directories are 0700 except what containers see. Everything speaks except _find.
 */
#include "base/cleanup.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { STORAGE_CHAIN_LEN = 64, STORAGE_LAYERS_MAX = 127 };

/* 1 when the layer is there, else 0. */
int storage_layer_find(int root_fd, const char *chain_id);
/* An O_PATH fd of the layer's tree; -ENOENT. */
int storage_layer_open(int root_fd, const char *chain_id);

/* The directory of the layer, for what its maker keeps beside the tree; -ENOENT. */
int storage_layer_open_side(int root_fd, const char *chain_id);

/* Takes a layer that nobody has out of layers/, in no time whatever its size; storage_sweep deletes it. A missing one is
 * fine. */
int storage_layer_discard(int root_fd, const char *chain_id);

/* An O_PATH fd of the layer of mount points, which is made when it is missing. */
int storage_mountpoints_open(int root_fd);

/* A layer in the making. */
struct storage_stage {
	int root_fd; /* borrowed */
	int lock_fd;
	int tree_fd; /* where it is to be unpacked: empty, 0755, root's */
	int side_fd; /* the directory of the tree, for what is to be known of it */
	char name[17];
};

#define STORAGE_STAGE_INIT \
	{ \
		.root_fd = -9, .lock_fd = -9, .tree_fd = -9, .side_fd = -9 \
	}

int storage_stage_begin(int root_fd, struct storage_stage *out);
/* Makes it durable and puts it in its place; a layer that somebody put there first is as good. */
int storage_stage_commit(struct storage_stage *s, const char *chain_id);
/* Removes what was not committed. */
void storage_stage_release(struct storage_stage *s);
AUTO_STRUCT(storage_stage, struct storage_stage, storage_stage_release)

/* Deletes layers in the making whose process is gone, and discarded ones. It takes as long as the trees are large, so no lock
 * that others wait for may be held. */
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

/* Makes containers/ID/{upper,work}; the container's directory is there already. The root that a container sees is that
 * of its writable layer, so it gets owner and mode of `like_fd`, the directory it covers. -EEXIST. */
int storage_snapshot_create(int root_fd, const char *id, int like_fd, struct storage_snapshot *out);
int storage_snapshot_open(int root_fd, const char *id, struct storage_snapshot *out);
/* A missing one is fine. */
int storage_snapshot_remove(int root_fd, const char *id);
