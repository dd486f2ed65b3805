/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Reading an OCI image layout and the documents in it, strictly. Only the worker. Everything speaks.
 */
#include "archive/archive.h"
#include "image/internal.h"

/* What a document says about a blob; the hex digits are grammatical, nothing else is believed. */
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

/* What is known of a layer in the store: layer.json beside its tree, written before it is put in its place. */
struct layer_facts {
	struct archive_sizes sizes;
};
int layer_facts_store(int side_fd, const struct layer_facts *facts);
int layer_facts_load(int store_fd, const char *chain_id, struct layer_facts *out);

/* The manifest that the index calls by this canonical reference; -ENODATA when it calls none so. */
int layout_find(int layout_fd, const char *reference, struct arena *a, struct descriptor *out);
/* The bytes of a manifest or configuration (at most 4 MiB), which are those of the descriptor: -EBADMSG. */
int layout_blob_read(int layout_fd, const struct descriptor *d, struct buf *out);
/* A layer, unread and unchecked. */
int layout_blob_open(int layout_fd, const struct descriptor *d);
int manifest_parse(const struct buf *text, struct arena *a, struct manifest *out);
