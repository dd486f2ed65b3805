/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Layers of images as files. A blob is read once from an fd. On the way its size, its digest, the
 * digest of the tar stream in it (its diff id) and the bounds are checked. Its members are put
 * beneath one directory fd and nowhere else. A layer is not trusted: the parents of a member are
 * resolved with that directory as root, a hard link leads to a file in it, nothing that exists is
 * opened for writing, and metadata is set by fd or beside a pinned parent. Only the workers link
 * this (libcrypto, ISA-L, libzstd); they are locked in first. Everything speaks.
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
/* The digest of one piece. */
void archive_digest_of(const void *data, size_t size, char out[static ARCHIVE_HEX_LEN + 1]);

/* Loads what libcrypto would look for in the file system later. Called before a process locks
 * itself in. */
void archive_begin(void);

enum archive_compression {
	ARCHIVE_PLAIN,
	ARCHIVE_GZIP,
	ARCHIVE_ZSTD,
	/* Only for archives, never for a layer that a manifest names. */
	ARCHIVE_XZ,
	ARCHIVE_BZIP2,
};

/* What the manifest and the configuration say about a layer. All of it is checked. */
struct archive_blob {
	int fd; /* of a regular file */
	uint64_t offset; /* where the blob begins in the file */
	enum archive_compression compression;
	uint64_t size_bytes;
	const char *digest_hex; /* of the blob; NULL: not known */
	const char *diff_hex; /* of the tar stream */
	/* Called by the reading thread where the file ends too early. Waits a moment for more
	 * bytes; false: no more will come. NULL: the file is complete. */
	bool (*wait)(void *context, uint64_t have_bytes);
	void *wait_context;
};

/* What an import may still use, for all its layers together. Unpacking a layer lowers it. */
struct archive_budget {
	uint64_t bytes; /* of tar streams; no file is larger than this either */
	uint64_t members; /* and missing parent directories, made for a member */
};
extern const struct archive_budget archive_budget_default;

/* What is made in side_fd. */
#define ARCHIVE_RECIPE "recipe"
#define ARCHIVE_SHADOWS "shadows"

/* Where a layer is unpacked. The directory is empty, no other process writes there, and the umask
 * is 0. */
struct archive_target {
	int dir_fd;
	/* Beside the tree: gets the recipe of the tar stream, and what a later member replaces
	 * (recipe.h). -EBADF: neither is kept. */
	int side_fd;
	struct archive_budget *budget;
	/* The layers below, lowest first. A parent directory that the layer does not mention gets
	 * the metadata that it has there. */
	const int *lower_fds;
	size_t lower_count;
	/* Sets the mark of overlayfs that hides what the layers below have in a directory. It needs
	 * CAP_SYS_ADMIN, which the process that unpacks does not have. Speaking. */
	int (*make_opaque)(void *context, int dir_fd);
	void *context;
};

/*
 * Unpacks a layer. Whiteouts become what overlayfs understands: `.wh.NAME` a character device 0:0
 * called NAME, `.wh..wh..opq` the mark on its directory. A member that comes twice replaces the
 * first; a directory is replaced with everything in it, unless both are directories.
 *
 * Refused (-EINVAL): names with `..`, longer than ARCHIVE_NAME_MAX or empty, hard links without a
 * target, owners outside 0..4294967294, devices 0:0, whiteouts of `.` and `..`. -EBADMSG: not a tar
 * stream, or another digest or size. -EFBIG, -E2BIG: a limit. Extended attributes other than
 * security.capability and user.* are left out. After a failure the directory holds a part of the
 * layer, which its owner removes.
 */
struct archive_sizes {
	uint64_t tar_bytes; /* of the tar stream */
	uint64_t file_bytes; /* of all regular files, each once, including holes */
};
int archive_unpack_layer(const struct archive_blob *blob, const struct archive_target *target,
	struct archive_sizes *out);

/* Finds the compression of a file by its first bytes. */
int archive_compression_find(int fd, uint64_t offset, enum archive_compression *out);
/* Copies an archive, decompressed if it is compressed, from the beginning of a file or from a pipe.
 * -EBADMSG: it does not begin like a tar stream, which is checked before anything is written.
 * -EFBIG: more than `max` bytes. */
int archive_spool(int fd, bool is_file, int out_fd, uint64_t max);

/* Lists the members of a plain archive without their content: regular files with their places in
 * the archive, and links. */
struct archive_member {
	const char *path; /* cleaned */
	const char *link; /* the target of a link, as written; NULL: a regular file */
	uint64_t offset, size_bytes;
};
int archive_list(int fd, uint64_t entries_max,
	int (*member)(void *context, const struct archive_member *m), void *context);

/* A header for a tar stream that husk writes: a file, or a directory if the name ends with a slash;
 * the owner is root, the date 1970. The name has at most 100 bytes. */
enum { ARCHIVE_BLOCK = 512 };
void archive_tar_header(char out[static ARCHIVE_BLOCK], const char *name, uint64_t size);

/* Rebuilds the tar stream that a layer was unpacked from, byte for byte. The caller computes its
 * digest and compares. */
struct archive_rebuild {
	int tree_fd, side_fd; /* as they were in the archive_target */
	int (*write)(
		void *context, const void *data, size_t size); /* speaking; a failure ends all */
	void *context;
};
/* -EBADMSG: the recipe, or a file that it needs, is damaged; -ENOENT: one of them is missing. */
int archive_rebuild_layer(const struct archive_rebuild *told);
