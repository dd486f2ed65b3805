/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Shared inside archive/. */
#include "archive/archive.h"
#include "archive/recipe.h"
#include "archive/tar.h"
#include "base/arena.h"
#include "base/buf.h"
#include "sys/fd.h"

#include <stdbool.h>
#include <sys/stat.h>

/* A buffer to fill. */
struct piece_out {
	char *data;
	size_t size, room;
};

/* Decompresses what a source has; not for ARCHIVE_PLAIN. `what` names the source in messages.
 * inflater_fill fills the room completely, except at the end of the stream. -EBADMSG: it is no such
 * stream, or is cut short. */
struct inflater;
struct inflater *inflater_new(
	enum archive_compression compression, const struct tar_source *source, const char *what);
void inflater_free(struct inflater *f);
AUTO_TYPE(inflater, struct inflater *, inflater_free)
int inflater_fill(struct inflater *f, struct piece_out *out);

/* The blob of a layer: compressed bytes in, tar stream out. Both are counted and digested; `blob`
 * is borrowed. */
struct layer_stream;
int layer_stream_open(
	const struct archive_blob *blob, uint64_t tar_bytes_max, struct layer_stream **out);
void layer_stream_free(struct layer_stream *s);
AUTO_TYPE(layer_stream, struct layer_stream *, layer_stream_free)
/* The next piece of the tar stream, valid until the next call; 0 at its end. */
ssize_t layer_stream_read(struct layer_stream *s, const void **out_data);
/* Reads what the tar reader left, then compares sizes and digests. */
int layer_stream_finish(struct layer_stream *s, uint64_t *out_tar_bytes);

/* One member, cleaned: paths are relative, without `.`, `..` or empty components; "" is the root
 * itself. */
struct member {
	char path[ARCHIVE_NAME_MAX + 1];
	char link_path[ARCHIVE_NAME_MAX + 1]; /* of a hard link */
	bool is_hard_link;
	const char *symlink; /* the target, as written */
	mode_t type, mode;
	uid_t uid;
	gid_t gid;
	dev_t device;
	uint64_t size_bytes;
	struct timespec modified;
	const struct tar_entry *entry;
};

int member_read(const struct tar_entry *entry, uint64_t bytes_max, struct member *out);

struct directories {
	char *chunk; /* the rows that are not stored yet; NULL before the first */
	size_t used_bytes;
	int fd; /* -EBADF before the first stored chunk */
	uint64_t stored_chunks;
};

struct unpack {
	const struct archive_target *target;
	struct tar *tar;
	struct recipe *recipe; /* NULL: none is kept */
	int shadows_fd; /* the directory of what was replaced, once there is one */
	uint64_t shadows, file_bytes;
	bool has_root;
	/* The parent used last, because most members follow their siblings. */
	struct buf parent_path;
	int parent_fd;
	struct directories directories;
};

/* Takes from the budget so many members, or directories that are made for a member: -E2BIG. */
int unpack_count(struct unpack *u, uint64_t members);

/* Puts one member in its place. */
int unpack_member(struct unpack *u, const struct member *m);
/* The O_PATH fd (borrowed) of a member's parent, made if missing; *out_name is its last
 * component. */
int unpack_parent(struct unpack *u, const char *path, const char **out_name);
void unpack_forget_parent(struct unpack *u);
/* Gives the directory behind fd the owner, mode and attributes of the same directory in the layers
 * below: 1, or 0: they do not have it. */
int unpack_dress(struct unpack *u, const char *path, int dir_fd);
/* Processes whiteouts and other names that begin with `.wh.`: 1 when the member was one. */
int unpack_whiteout(struct unpack *u, const struct member *m);
/* Remembers the times and the default ACL of a directory. They are set after the last member. */
int unpack_directory_remember(struct unpack *u, const char *path, struct timespec modified,
	const void *acl, size_t acl_bytes);
int unpack_directories_finish(struct unpack *u);
void unpack_directories_release(struct directories *d);
