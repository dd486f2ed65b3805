/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A setting of a container is one row: its place in Docker's create body, its kind, its field in
 * struct container, its option of `husk run`, and its default. The rows are used for the record on
 * disk, `inspect`, reading a create body, and the origins that --plan shows.
 */
#include "base/json.h"
#include "records/container.h"

/* Config is the body itself. Husk's own section is not part of Docker's format, and not shown. */
enum setting_section { SETTING_CONFIG, SETTING_HOST_CONFIG, SETTING_HUSK };

struct setting_kind {
	void (*put)(struct json_writer *w, const char *key, const void *field);
	int (*take)(const struct json_cursor *v, struct arena *a, void *field);
};

enum setting_flags {
	SETTING_FOREIGN = 1, /* another row records the value; shown, and read from others */
	SETTING_UPDATE = 2, /* may be changed for an existing container */
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
	SETTINGS_CHANGE, /* an update: refuses settings that may not change */
};

/* Writes the fields of one section into an open object. */
void settings_put(struct json_writer *w, enum setting_section section,
	enum settings_document document, const struct container *c);
/* Reads a whole body. `unknown` (may be NULL) gets the names of fields without a row, as
 * "HostConfig.Foo". */
int settings_take(const struct json_cursor *root, enum settings_document document, struct arena *a,
	struct container *c, struct strvec *unknown);
/* Sets unset fields to their defaults, and remembers that these are defaults. */
void settings_default(struct container *c);
/* "default", or the option that set the field. */
const char *setting_origin(const struct container *c, size_t offset);
#define SETTING_ORIGIN(c, field) setting_origin((c), offsetof(struct container, field))
