/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Strict reading of an OCI image layout, or of another form that holds images, and of the documents
 * in it. Only for the worker. Everything speaks.
 */
#include "archive/archive.h"
#include "image/internal.h"

/* What a document says about a blob. The form of the hex digits is checked; nothing else is
 * trusted. */
struct descriptor {
	const char *media_type, *hex;
	uint64_t size_bytes;
};

struct layer_descriptor {
	struct descriptor blob;
	enum archive_compression compression;
};

struct manifest {
	struct descriptor config;
	struct layer_descriptor *items; /* layers, lowest first */
	size_t count;
};

/* What is imported: the directory of a layout, or a plain tar archive with a layout or with images
 * in the form that `docker save` wrote before it wrote layouts. */
struct layout {
	int fd; /* borrowed: a directory or a regular file */
	const char *architecture; /* that the image is wanted for; NULL: this machine's */
	bool is_archive;
	bool is_flat; /* skopeo's dir: its manifest.json is the image's; blobs lie beside it */
	struct arena arena;
	struct {
		struct archive_member *items; /* by path */
		size_t count;
	} members;
};
int layout_open(struct layout *l, int fd);
void layout_close(struct layout *l);
AUTO_STRUCT(layout, struct layout, layout_close)

/* A part of a file. */
struct layout_file {
	int fd; /* owned */
	uint64_t offset, size_bytes;
};
/* Opens a regular file of the layout, never through a symlink; -ENOENT. With follows_link, a member
 * of an archive may be a link to a file in the archive, which is then opened. */
int layout_file_open(
	const struct layout *l, const char *path, bool follows_link, struct layout_file *out);
/* The bytes of a small file; -EFBIG: it is larger than 4 MiB. */
int layout_document_read(const struct layout *l, const char *path, struct buf *out);
/* Is there such a file? */
bool layout_has(const struct layout *l, const char *path);

/* An image that the index of a layout lists, and its name there. */
struct layout_image {
	struct descriptor manifest;
	const char *listed_hex; /* of the manifest, or of the index that it was chosen from */
	const char *name; /* canonical, or NULL */
};
struct layout_images {
	struct layout_image *items;
	size_t count;
};
/* Is it a layout, or a directory that skopeo wrote? Otherwise it may be in Docker's old form.
 * Silent. */
bool layout_is_there(const struct layout *l);
/* Lists all images; of an index within the index, only the image for the wanted machine. */
int layout_list(const struct layout *l, struct arena *a, struct layout_images *out);
/* Is this the media type of an image, or of an index of images? Silent. */
bool layout_media_is_image(const char *media_type);
/* The image that the index calls by this canonical reference; -ENODATA: there is none. */
int layout_find(
	const struct layout *l, const char *reference, struct arena *a, struct layout_image *out);
/* The bytes of a manifest or configuration (at most 4 MiB). -EBADMSG: not the bytes that the
 * descriptor names. */
int layout_blob_read(const struct layout *l, const struct descriptor *d, struct buf *out);
/* Opens a layer; only its size is checked. A file that is still growing gets the size that it will
 * have. */
int layout_blob_open(const struct layout *l, const struct descriptor *d, bool is_growing,
	struct layout_file *out);
int manifest_parse(const struct buf *text, struct arena *a, struct manifest *out);

/* Docker's manifest.json: for each image its names, and the files of its configuration and layers,
 * as they are written there. */
struct docker_image {
	const char *config;
	struct str_list names, layers;
};
struct docker_images {
	struct docker_image *items;
	size_t count;
};
int docker_list(const struct layout *l, struct arena *a, struct docker_images *out);

/* Writes the manifest of an image in the store, with layers that are not compressed. */
struct plain_manifest {
	int store_fd;
	const char *config_hex;
	uint64_t config_size;
	const struct str_list *chain_ids, *diff_hex;
};
int plain_manifest_write(const struct plain_manifest *m, struct buf *out);
#define MEDIA_MANIFEST "application/vnd.oci.image.manifest.v1+json"
