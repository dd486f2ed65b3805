/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A setting of a container is one row: where it is in Docker's create body, its kind, its field in struct container, the
 * option of `husk run` that it comes from, its default. From the rows come the record on disk, `inspect`, the reading of
 * a create body, and the origins that --plan shows.
 */
#include "base/json.h"
#include "records/container.h"

/* Config is the body itself, where the body is read or recorded; husk's own section is not Docker's, and not shown. */
enum setting_section { SETTING_CONFIG, SETTING_HOST_CONFIG, SETTING_HUSK };

struct setting_kind {
	void (*put)(struct json_writer *w, const char *key, const void *field);
	int (*take)(const struct json_cursor *v, struct arena *a, void *field);
};

enum setting_flags {
	SETTING_FOREIGN =
		1, /* another row of the record has the same, exactly: shown, and read of others */
	SETTING_UPDATE = 2, /* it may be changed of a container that is there */
};

struct setting {
	enum setting_section section;
	const char *key;
	const struct setting_kind *kind;
	size_t offset;
	unsigned flags;
	const char *option; /* "-m", or NULL */
	int64_t number; /* the default, 0: none */
	const char *text;
};

/* Which document is read or written. */
enum settings_document {
	SETTINGS_RECORD, /* husk's own */
	SETTINGS_BODY, /* a create body; inspect */
	SETTINGS_CHANGE, /* of update: another setting than those that may change is refused */
};

/* The fields of one section, into an object that is open. */
void settings_put(struct json_writer *w, enum setting_section section,
	enum settings_document document, const struct container *c);
/* A whole body. `unknown` gets the names of fields that no row has, as "HostConfig.Foo"; NULL: nobody asks. */
int settings_take(const struct json_cursor *root, enum settings_document document, struct arena *a,
	struct container *c, struct strvec *unknown);
/* Gives what is not set its default, and remembers that nobody asked for it. */
void settings_default(struct container *c);
/* "default", or the option that a field comes from. */
const char *setting_origin(const struct container *c, size_t offset);
#define SETTING_ORIGIN(c, field) setting_origin((c), offsetof(struct container, field))
