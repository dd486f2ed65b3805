/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Shared inside records/. */
#include "records/records.h"
#include "sys/fd.h"

/* The largest record.json that can be read again. */
enum { RECORD_BYTES_MAX = 8 << 20 };

int summary_store(const struct engine *e, const char *id, const struct summary *s);

/* Reads a record of an earlier version. */
struct json_cursor;
int version1_take(const struct engine *e, const struct json_cursor *root, struct arena *a,
	struct container *out);

/* Ties root and state to each other; -EBUSY if one of them is in use with another partner. */
int records_pair(const struct engine *e);
