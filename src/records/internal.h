/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Shared inside records/. */
#include "records/records.h"
#include "sys/fd.h"

/* Of a record.json: the largest that can be read again. */
enum { RECORD_BYTES_MAX = 8 << 20 };

int summary_store(const struct engine *e, const char *id, const struct summary *s);

/* Ties root and state to each other; -EBUSY when one of them is in use with another. */
int records_pair(const struct engine *e);
