/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Tar streams as images have them: v7, ustar, GNU and pax, with the extensions that Docker reads
 * (long names, sparse files of all four kinds, extended attributes), member by member from a
 * source's pieces. Every byte is content of a file or goes to the recipe (recipe.h). Ignored as by
 * Docker: global pax headers, owners' names, times but the last change. No header decides about
 * memory: a special member has at most TAR_SPECIAL_MAX bytes, TAR_SPECIALS_MAX precede a member,
 * TAR_HEADERS_MAX bytes of them are kept, at most TAR_REGIONS_MAX regions. Everything speaks.
 */
#include "base/arena.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

enum {
	TAR_BLOCK = 512,
	TAR_SPECIAL_MAX = 1 << 20,
	TAR_SPECIALS_MAX =
		64, /* writers need three: a long name, a long link and a global header */
	TAR_HEADERS_MAX = 8 << 20,
	TAR_REGIONS_MAX = 1 << 16,
};

/* The next piece of a stream, valid until the next call; its length, 0 at the end, -errno
 * (spoken). */
struct tar_source {
	ssize_t (*read)(void *context, const void **out_data);
	void *context;
};

struct tar_xattr {
	const char *name;
	const char *value;
	size_t size;
};

/* A part of a file that is in the stream. The rest of the file is holes. */
struct tar_region {
	uint64_t offset, length;
};

struct tar_entry {
	char type; /* as in ustar, '0' for every kind of regular file */
	const char *path, *link; /* as written; "" when there is none */
	uint64_t size; /* of the file: with its holes */
	int64_t uid, gid;
	uint32_t mode, major, minor;
	struct timespec modified;
	struct {
		struct tar_xattr *items;
		size_t count;
	} xattrs;
	struct {
		struct tar_region *items;
		size_t count;
	} regions; /* sorted, not overlapping, within size */
};

struct recipe;
struct tar;
/* `recipe` may be NULL; both are borrowed. */
struct tar *tar_new(const struct tar_source *source, struct recipe *recipe);
void tar_free(struct tar *t);
AUTO_TYPE(tar, struct tar *, tar_free)

/* Does a stream that begins with these bytes look like a tar stream? -EBADMSG: no. */
int tar_begins(const void *first, size_t size);
/* 1 and the next member, valid until the next call; 0 at the end. With a recipe, the rest of the
 * stream has then been read. */
int tar_next(struct tar *t, struct tar_entry *out);
/* Where in the stream the content of this member begins. Only valid before content is read. */
uint64_t tar_place(const struct tar *t);
/* Says that all content of this member will be found in the file `path`. Called before the content
 * is read. */
int tar_keep(struct tar *t, const char *path);
/* The next piece of the content and its place in the file; 0 after the last. Unread content is
 * skipped. */
ssize_t tar_content(struct tar *t, const void **out_data, uint64_t *out_offset);
