/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Shared inside image/. What is on disk below the engine's root:
 *
 *	content/sha256/HEX   manifests and configurations, byte for byte; verified before storing
 *	images/HEX.json      the record of the image with the manifest HEX: facts computed from both
 *	refs/NAME            a reference, bytes outside [A-Za-z0-9._-] as %XX;
 *	                     holds "sha256:HEX\n" of the manifest
 *
 * An import writes layers, content, record and reference in this order, so an image that is listed
 * is complete.
 *
 *	downloads/KEY        an OCI layout that a pull fills; KEY is the reference as in refs/
 *	downloads/KEY+lock   held by the process that pulls it
 *	images.lock          held to change the set of images and names, never for long
 *	images.making        shared by imports: removals keep layers that no record names yet
 *	images.use           image_uses_lock
 */
#include "archive/archive.h"
#include "base/buf.h"
#include "base/err.h"
#include "image/image.h"

#define IMAGES_LOCK "images.lock"
#define IMAGES_MAKING_LOCK "images.making"
/* The fd is the lock. */
int images_lock(int root_fd);

enum {
	DIGEST_HEX_LEN = 64,
	DIGEST_TEXT_LEN = 7 + DIGEST_HEX_LEN,
	MANIFEST_BYTES_MAX = 4 << 20,
	CONFIG_BYTES_MAX = 4 << 20,
	RECORD_BYTES_MAX = 64 << 10,
	REFERENCE_NAME_MAX = 255,
	STORE_NAME_MAX = 250, /* of a file, with room for the suffix of its replacement */
};

/* The hex digits of "sha256:HEX", the only accepted form of a digest, or NULL. Silent. */
const char *digest_hex(const char *digest);

/* An image reference in the grammar of the distribution specification, with Docker's defaults
 * filled in. */
struct image_reference {
	const char *domain, *path;
	const char *tag; /* NULL only when there is a digest */
	const char *digest; /* "sha256:...", or NULL */
};

/* Speaking: -EINVAL. */
int reference_parse(const char *text, struct arena *a, struct image_reference *out);
/* host[:port]. Silent. */
bool reference_domain_is_valid(const char *domain);
/* "docker.io/library/busybox:latest", and as people write it: "busybox:latest". */
void reference_write(const struct image_reference *r, struct buf *out);
void reference_write_short(const struct image_reference *r, struct buf *out);
/* The file name of a reference below "refs/"; -ENAMETOOLONG. And the reference of such a file name;
 * -EINVAL: it is not one. Silent. */
int reference_file(const struct image_reference *r, struct buf *out);
int reference_of_file(const char *file_name, struct buf *out);

/* The parts of a configuration that husk uses (SECURITY.md, rule 7). Env entries without a name or
 * a "=" are left out. Speaking. */
struct config_facts {
	struct image_config config;
	uint64_t created_ns;
	struct str_list diff_hex; /* lowest first */
};
int config_parse(const char *text, size_t len, struct arena *a, struct config_facts *out);
/* A date of a configuration; 0: it cannot be read. Silent. */
uint64_t config_time(const char *text);

/* Reads a record: id, digest, size and layers of the image. image_load also reads its
 * configuration. Both speak. */
int record_load(int root_fd, const char *manifest_hex, struct arena *a, struct image *out);
int image_load(int root_fd, const char *manifest_hex, struct arena *a, struct image *out);
void record_write(const struct image *image, struct buf *out);
/* The manifest that a file of refs/ names, or that a reference stands for. A digest is that of a
 * manifest, or of the index that the image was chosen from; a digest without a file stands for
 * itself. Silent. */
int reference_read(int root_fd, const char *file_name, char out_hex[static DIGEST_HEX_LEN + 1]);
int reference_resolve(
	int root_fd, const struct image_reference *r, char out_hex[static DIGEST_HEX_LEN + 1]);
/* The hex digits of all manifests of an image, sorted. An image that was saved and the same image
 * pulled may differ in how their layers are compressed, and so in their manifests. Manifests that
 * cannot be read are left out. Speaks. */
int image_manifests(int root_fd, const char *id, struct arena *a, struct str_list *out);
/* Fills in all names of an image (references, digests) as people write them, from all its
 * manifests. */
int image_names(int root_fd, struct arena *a, struct image *image);
/* Takes the hex digits from "HEX.json". */
bool record_name_take(const char *file_name, char out_hex[static DIGEST_HEX_LEN + 1]);
/* "no such image: WORD", with the most similar name in the store or in `others`; -ENOENT. */
int image_missing(int root_fd, const char *word, const struct strvec *others);

/* Where a reference is downloaded to. download_open waits for another download of it. Speaks. */
struct download_place {
	int lock_fd, dir_fd; /* owned */
};
int download_open(int root_fd, const char *key, struct download_place *out);
/* The caller holds the lock of the download. Speaks. */
int download_remove(int root_fd, const char *key);
/* Removes downloads that no process holds and that were not begun in the last `age_s` seconds.
 * Speaks. */
int downloads_sweep(int root_fd, uint64_t age_s);

/* What is known of a layer in the store: layer.json beside its tree. It is written before the layer
 * is put in its place. */
struct layer_facts {
	struct archive_sizes sizes;
};
int layer_facts_store(int side_fd, const struct layer_facts *facts);
int layer_facts_load(int store_fd, const char *chain_id, struct layer_facts *out);

/* Formats of `save`, by the words of image_save_formats. */
enum save_format { SAVE_DOCKER, SAVE_OCI };
int save_format_find(const char *word); /* -EINVAL, silent */
/* Worker: writes images as an archive; argv is what follows its verb (save.c). */
int save_images(int store_fd, int out_fd, int argc, char **argv);
/* Worker: import_layout imports the image that a layout calls by this canonical reference;
 * import_all imports all images under the names that they have there. `make_opaque` as in
 * archive.h. `say`, which may be NULL, is told what has been loaded, in Docker's words. */
struct layout;
struct board;
struct archive_budget;
struct import {
	const struct layout *layout;
	struct archive_budget *budget; /* for all images together */
	struct board *board; /* of a pull, whose layers are still arriving; or NULL */
	bool is_short; /* so small that others may wait until it is done */
	int store_fd;
	int (*make_opaque)(void *context, int dir_fd);
	int (*say)(void *context, const char *text);
	void *context;
};
int import_layout(const struct import *i, const char *reference);
int import_all(const struct import *i);
