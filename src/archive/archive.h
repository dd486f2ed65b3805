/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Layers of images as files: a blob is read once from an fd and on the way its size and digest, the digest of the tar
 * stream in it (its diff id), and the bounds are checked; its members are put beneath one directory fd and nowhere
 * else. Nothing is believed of a layer: a member's parents are resolved in the directory as in a root, hard links lead
 * to what is in it, nothing that exists is ever opened for writing, metadata is set by fd or beside a pinned parent.
 *
 * Only the workers link this (libcrypto, ISA-L, libzstd), and they are locked in first. Everything speaks.
 */
#include "base/cleanup.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ARCHIVE_HEX_LEN = 64, ARCHIVE_NAME_MAX = 4096 };

/* SHA-256 over pieces. */
struct archive_digest;
struct archive_digest *archive_digest_new(void);
void archive_digest_free(struct archive_digest *d);
AUTO_TYPE(archive_digest, struct archive_digest *, archive_digest_free)
void archive_digest_add(struct archive_digest *d, const void *data, size_t size);
/* The 64 lower-case hex digits; the digest begins anew. */
void archive_digest_hex(struct archive_digest *d, char out[static ARCHIVE_HEX_LEN + 1]);
/* The same for one piece. */
void archive_digest_of(const void *data, size_t size, char out[static ARCHIVE_HEX_LEN + 1]);

/* Loads now what libcrypto would look for in the file system later. Before a process locks itself in. */
void archive_begin(void);

enum archive_compression {
	ARCHIVE_PLAIN,
	ARCHIVE_GZIP,
	ARCHIVE_ZSTD,
	/* Of archives, never of a layer that a manifest names. */
	ARCHIVE_XZ,
	ARCHIVE_BZIP2,
};

/* What the manifest and the configuration say about a layer, all of which is checked. */
struct archive_blob {
	int fd; /* of a regular file */
	uint64_t offset; /* where it begins there */
	enum archive_compression compression;
	uint64_t size_bytes;
	const char *digest_hex; /* of the blob; NULL: nobody says */
	const char *diff_hex; /* of the tar stream */
	/* Called, by a thread of its own, where the file ends too early: waits a moment for more; false when no more comes.
	 * NULL: it is all there. */
	bool (*wait)(void *context, uint64_t have_bytes);
	void *wait_context;
};

/* What an import may still take, all its layers together; unpacking a layer lowers it. */
struct archive_budget {
	uint64_t bytes; /* of tar streams; no file is larger than this either */
	uint64_t
		members; /* and directories that are made for one whose parents the layer leaves out */
};
extern const struct archive_budget archive_budget_default;

/* What is made in side_fd. */
#define ARCHIVE_RECIPE "recipe"
#define ARCHIVE_SHADOWS "shadows"

/* Where a layer goes. The directory is empty, nobody else writes there, and the umask is 0. */
struct archive_target {
	int dir_fd;
	/* Beside it: where the recipe of the tar stream goes, and what a later member replaces (recipe.h); -EBADF: neither is
	 * kept. */
	int side_fd;
	struct archive_budget *budget;
	/* The layers below, lowest first: a parent directory that the layer does not mention looks as it does there. */
	const int *lower_fds;
	size_t lower_count;
	/* Sets the mark of overlayfs that hides what is below a directory; it needs CAP_SYS_ADMIN, which the process that
	 * unpacks does not have. Speaking. */
	int (*make_opaque)(void *context, int dir_fd);
	void *context;
};

/*
 * Unpacks a layer. Whiteouts become what overlayfs understands: `.wh.NAME` a character device 0:0 called NAME,
 * `.wh..wh..opq` the mark on its directory. A member that comes twice replaces the first, a directory with everything
 * in it unless both are directories.
 *
 * Refused (-EINVAL): names with `..`, longer than ARCHIVE_NAME_MAX or empty, hard links to what is not there, owners
 * outside 0..4294967294, devices 0:0, whiteouts of `.` and `..`. -EBADMSG: not a tar stream, or another digest or size.
 * -EFBIG, -E2BIG: a limit. Extended attributes other than security.capability and user.* are left out. After a failure
 * the directory holds a part: its owner throws it away.
 */
struct archive_sizes {
	uint64_t tar_bytes; /* of the tar stream */
	uint64_t file_bytes; /* of all regular files, each once, with their holes */
};
int archive_unpack_layer(const struct archive_blob *blob, const struct archive_target *target,
	struct archive_sizes *out);

/* Which compression a file has, by its first bytes. */
int archive_compression_find(int fd, uint64_t offset, enum archive_compression *out);
/* Copies an archive, decompressed if it is compressed, from the beginning of a file, or else what a pipe brings. -EBADMSG:
 * it does not begin as a tar stream does, which is seen before anything is written. -EFBIG: more than `max` bytes. */
int archive_spool(int fd, bool is_file, int out_fd, uint64_t max);

/* Lists the members of a plain archive, without their content: regular files with their places in it, and links. */
struct archive_member {
	const char *path; /* cleaned */
	const char
		*link; /* of a symlink or a hard link, as it stands there; NULL: a regular file */
	uint64_t offset, size_bytes;
};
int archive_list(int fd, uint64_t entries_max,
	int (*member)(void *context, const struct archive_member *m), void *context);

/* A header for a tar stream of one's own: a file, or a directory when the name ends with a slash, root's, of 1970. The name
 * has at most 100 bytes. */
enum { ARCHIVE_BLOCK = 512 };
void archive_tar_header(char out[static ARCHIVE_BLOCK], const char *name, uint64_t size);

/* The tar stream that a layer was unpacked from, byte for byte; the writer computes its digest and compares. */
struct archive_rebuild {
	int tree_fd, side_fd; /* as they were in the archive_target */
	int (*write)(
		void *context, const void *data, size_t size); /* speaking; what fails it ends it */
	void *context;
};
/* -EBADMSG: the recipe, or what it needs of the tree, is damaged; -ENOENT: there is none. */
int archive_rebuild_layer(const struct archive_rebuild *told);
