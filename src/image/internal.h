/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Shared inside image/. What is on disk below the engine's root:
 *
 *	content/sha256/HEX   manifests and configurations, byte for byte, verified before they were stored
 *	images/HEX.json      the record of the image whose manifest is HEX: what would otherwise be computed from both
 *	refs/NAME            a reference, its bytes outside [A-Za-z0-9._-] as %XX; holds "sha256:HEX\n" of the manifest
 *
 * An import writes layers, content, record and reference in this order, so what is listed is whole.
 */
#include "archive/archive.h"
#include "base/buf.h"
#include "base/err.h"
#include "image/image.h"

enum {
	DIGEST_HEX_LEN = 64,
	DIGEST_TEXT_LEN = 7 + DIGEST_HEX_LEN,
	MANIFEST_BYTES_MAX = 4 << 20,
	CONFIG_BYTES_MAX = 4 << 20,
	RECORD_BYTES_MAX = 64 << 10,
	REFERENCE_NAME_MAX = 255,
	STORE_NAME_MAX = 250, /* of a file, with room for the suffix of its replacement */
};

/* The hex digits of "sha256:HEX", or NULL: the whole grammar of digests. Silent. */
const char *digest_hex(const char *digest);

/* An image reference in the grammar of the distribution specification, with Docker's defaults filled in. */
struct image_reference {
	const char *domain, *path;
	const char *tag; /* NULL only when there is a digest */
	const char *digest; /* "sha256:...", or NULL */
};

/* Speaking: -EINVAL. */
int reference_parse(const char *text, struct arena *a, struct image_reference *out);
/* "docker.io/library/busybox:latest", and as people write it: "busybox:latest". */
void reference_write(const struct image_reference *r, struct buf *out);
void reference_write_short(const struct image_reference *r, struct buf *out);
/* The name of its file ("refs/..."); -ENAMETOOLONG. Back: the text, -EINVAL for a file that is none. Silent. */
int reference_file(const struct image_reference *r, struct buf *out);
int reference_of_file(const char *file_name, struct buf *out);

/* The parts of a configuration that are taken over (security.md R10): env entries without a name and a value are left
 * out. Speaking. */
struct config_facts {
	struct image_config config;
	uint64_t created_ns;
	struct str_list diff_hex; /* lowest first */
};
int config_parse(const char *text, size_t len, struct arena *a, struct config_facts *out);
/* A date of a configuration; 0 for what is none. Silent. */
uint64_t config_time(const char *text);

/* Records: the id, digest, size and layers of the image; image_load also reads its configuration. Both speak. */
int record_load(int root_fd, const char *manifest_hex, struct arena *a, struct image *out);
int image_load(int root_fd, const char *manifest_hex, struct arena *a, struct image *out);
void record_write(const struct image *image, struct buf *out);
/* The manifest that a file of refs/ names, or a reference stands for (a digest: itself, whether it is there or not).
 * Silent; 0 or -ENOENT. */
int reference_read(int root_fd, const char *file_name, char out_hex[static DIGEST_HEX_LEN + 1]);
int reference_resolve(
	int root_fd, const struct image_reference *r, char out_hex[static DIGEST_HEX_LEN + 1]);
/* All names of an image, as people write them. */
int image_names(int root_fd, const char *manifest_hex, struct arena *a, struct str_list *out);
/* "HEX.json" */
bool record_name_take(const char *file_name, char out_hex[static DIGEST_HEX_LEN + 1]);
/* "no such image: WORD", with the nearest of what is there and of `others`; -ENOENT. */
int image_missing(int root_fd, const char *word, const struct strvec *others);

/* What is known of a layer in the store: layer.json beside its tree, written before it is put in its place. */
struct layer_facts {
	struct archive_sizes sizes;
};
int layer_facts_store(int side_fd, const struct layer_facts *facts);
int layer_facts_load(int store_fd, const char *chain_id, struct layer_facts *out);

/* What husk and its worker say to each other, one packet each (theory in worker.c). */
enum worker_word { WORKER_OPAQUE = 1, WORKER_RESULT = 2, WORKER_SAY = 3 };
struct worker_packet {
	uint32_t word;
	uint32_t reserved;
	struct err_packet trail;
};
enum { WORKER_FILE_FD = 3, WORKER_STORE_FD = 4, WORKER_SOCKET_FD = 5 };

/* Host: lets the worker do what argv says, with a layout to read or a file to write as file_fd. */
struct worker_call {
	const char *libexec_path;
	const char *const *argv; /* argv[0] is "husk-image"; NULL-terminated */
	int file_fd, root_fd;
	struct strvec *said; /* lines for the user, or NULL */
};
int worker_run(const struct worker_call *call);

/* Worker: shuts the process in with directories, which it replaces by clones nothing is above of. */
struct confinement {
	int *layout_fd; /* read-only; NULL: there is none */
	int *store_fd;
	bool store_is_readonly;
	uint64_t caps;
};
int worker_confine(const struct confinement *c);
/* Formats of `save`, by the words of image_save_formats. */
enum save_format { SAVE_DOCKER, SAVE_OCI };
int save_format_find(const char *word); /* -EINVAL, silent */
/* Worker: writes images as an archive; argv is what follows its verb (save.c). */
int save_images(int store_fd, int out_fd, int argc, char **argv);
/* Worker: imports the image that a layout calls by this canonical reference, or all that are there under the names that they
 * have. `make_opaque` as in archive.h; `say`, which may be NULL, is told what has been loaded, in Docker's words. */
struct layout;
struct import {
	const struct layout *layout;
	int store_fd;
	int (*make_opaque)(void *context, int dir_fd);
	int (*say)(void *context, const char *text);
	void *context;
};
int import_layout(const struct import *i, const char *reference);
int import_all(const struct import *i);
