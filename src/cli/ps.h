/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Shared by ps.c and ps_filter.c: the row of a container, and which rows -f lets through. */
#include "base/buf.h"
#include "engine/engine.h"

struct ps_row {
	char id[CONTAINER_ID_LEN + 1];
	struct summary summary;
};

/* The parsed arguments of -f. */
struct ps_filter {
	struct ps_condition *conditions;
	size_t count;
	bool has_status, needs_record;
};

/* Speaking: an unknown key, an unknown status, or a pattern with a mistake. */
int ps_filter_open(struct ps_filter *f, struct engine *e, const struct strvec *words);
/* As Docker: of several conditions with one key one must hold, but all of the conditions on
 * labels. */
bool ps_filter_passes(const struct ps_filter *f, struct engine *e, const struct ps_row *row);
void ps_filter_release(struct ps_filter *f);
AUTO_STRUCT(ps_filter, struct ps_filter, ps_filter_release)
