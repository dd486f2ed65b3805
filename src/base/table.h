/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A table as Docker and runc print it: columns as wide as their widest cell and three blanks, ten at least. Cells come from images and
 * users, so what could drive a terminal is escaped.
 */
#include "base/buf.h"

#include <stddef.h>
#include <stdio.h>

struct table {
	struct strvec cells;
	size_t columns;
};

/* The heads come first, and say how many columns there are. */
void table_head(struct table *t, const char *head);
void table_heads(struct table *t, const char *const *heads); /* NULL-terminated */
void table_add(struct table *t, const char *text);
void table_addf(struct table *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* One write for all of it. */
void table_print(const struct table *t, FILE *out);
void table_release(struct table *t);
AUTO_STRUCT(table, struct table, table_release)

/* Characters, not bytes: continuation bytes of UTF-8 take no room. */
size_t table_text_width(const char *s);
/* Of a column that is not the last, with the blanks that follow. */
size_t table_column_width(size_t widest);
