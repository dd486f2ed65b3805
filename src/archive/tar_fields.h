/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Header blocks, pax records and maps of sparse files; for tar.c. Everything speaks. */
#include "archive/tar.h"

#include <sys/stat.h>

/* What the special members before a member say about it. */
struct tar_pending {
	unsigned count; /* of the special members */
	const char *path, *link; /* NULL: not said */
	bool has_size, has_uid, has_gid, has_time, has_group_mode;
	mode_t group_mode; /* the group's rights in an ACL as text; the mode has its mask there */
	uint64_t size;
	int64_t uid, gid;
	struct timespec modified;
	struct tar_pending_sparse {
		unsigned major, minor;
		bool has_version, has_size;
		uint64_t size;
		const char *name;
		typeof(((struct tar_entry *)0)->regions) map;
		bool has_map, has_offset; /* 0.0: an offset has been read, its length not yet */
	} sparse;
	typeof(((struct tar_entry *)0)->xattrs) xattrs;
};

enum tar_block_kind { TAR_BLOCK_ZERO, TAR_BLOCK_HEADER };
/* Reads a block: its kind, or -EBADMSG. The old kind of sparse file has its map in the header;
 * *out_is_extended: more of the map follows. Strings are copied into the arena; out->size is the
 * size in the stream. */
int tar_block_read(const unsigned char *block, struct arena *a, struct tar_entry *out,
	uint64_t *out_sparse_size, bool *out_is_extended);
/* Reads a further block of that map; *out_is_extended as above. */
int tar_block_map(
	const unsigned char *block, struct arena *a, struct tar_entry *out, bool *out_is_extended);

/* Reads a pax header of a member. `text` is overwritten; what is kept is copied into the arena. */
int tar_pax_read(char *text, size_t len, struct arena *a, struct tar_pending *out);
/* Reads a number of the map before the content of a sparse file (1.0), up to the newline: 1: it is
 * complete, 0: more bytes are needed. */
int tar_map_number(const char *text, size_t len, size_t *at, uint64_t *out);
int tar_region_add(struct arena *a, struct tar_entry *out, uint64_t offset, uint64_t length);
/* Are the regions sorted, not overlapping, within the file, and together as long as the content in
 * the stream? */
int tar_regions_check(const struct tar_entry *e, uint64_t stored);
