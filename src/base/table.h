/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A table as Docker and runc print it: each column is as wide as its widest cell plus three blanks,
 * and at least ten. Cells come from images and users, so characters that could control a terminal
 * are escaped.
 */
#include "base/buf.h"

#include <stddef.h>
#include <stdio.h>

struct table {
	struct strvec cells;
	size_t columns;
};

/* The heads are added first, and their number is the number of columns. */
void table_head(struct table *t, const char *head);
void table_heads(struct table *t, const char *const *heads); /* NULL-terminated */
void table_add(struct table *t, const char *text);
void table_addf(struct table *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Writes the whole table at once. */
void table_print(const struct table *t, FILE *out);
void table_release(struct table *t);
AUTO_STRUCT(table, struct table, table_release)

/* Characters, not bytes: continuation bytes of UTF-8 take no room. */
size_t table_text_width(const char *s);
/* The width of a column, with the blanks that follow; not for the last column. */
size_t table_column_width(size_t widest);
