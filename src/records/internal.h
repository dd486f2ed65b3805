/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Shared inside records/. */
#include "records/records.h"
#include "sys/fd.h"

/* Of a record.json: the largest that can be read again. */
enum { RECORD_BYTES_MAX = 8 << 20 };

int summary_store(const struct engine *e, const char *id, const struct summary *s);

/* A record as the versions before had it. */
struct json_cursor;
int version1_take(const struct engine *e, const struct json_cursor *root, struct arena *a,
	struct container *out);

/* Ties root and state to each other; -EBUSY when one of them is in use with another. */
int records_pair(const struct engine *e);
