/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Go's text/template for --format, over a JSON document: fields, variables, if, with, range, break,
 * continue, pipelines and the functions that Docker adds. Not supported: define, template, block,
 * call, html, js, urlquery, complex numbers. JSON does not tell a struct from a map. So an object
 * counts as a struct when every key begins with a capital letter and its own name is not one that
 * holds a map (Labels, Networks, Ports, ...). As in Docker, a field that a struct lacks is an
 * error, and a key that a map lacks is "<no value>". Any object is printed as a map, keys sorted.
 */
#include "base/buf.h"
#include "base/json.h"

struct template;

enum {
	TEMPLATE_BYTES_MAX = 64 << 10,
	TEMPLATE_DEPTH_MAX = 64,
	TEMPLATE_STEPS_MAX = 1 << 20,
	TEMPLATE_OUTPUT_MAX = 16 << 20,
	TEMPLATE_MEMORY_MAX = 256 << 20, /* of all values of a run, the document included */
};

/* Speaking: -EINVAL with the line and column and what was expected there; -EFBIG above a
 * TEMPLATE_*_MAX. */
int template_parse(const char *text, struct template **out);
/* How values are written. The template's own text is never changed. */
enum template_escape {
	TEMPLATE_RAW,
	TEMPLATE_LINES, /* what could control a terminal is escaped */
	TEMPLATE_CELLS, /* also newlines and tabs, which would forge rows and cells */
};
/* Appends to out; what was written before a failure stays there. Speaking: -EINVAL, -EFBIG. */
int template_execute(const struct template *t, const struct json *document,
	enum template_escape escape, struct buf *out);
/* As template_execute, for the head of a table: as in Docker, functions that change a text return
 * it unchanged. */
int template_execute_heads(const struct template *t, const struct json *document, struct buf *out);
void template_free(struct template *t);
AUTO_TYPE(template, struct template *, template_free)
