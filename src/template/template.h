/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Go's text/template for --format, over a JSON document: fields, variables, if, with, range, break, continue, pipelines
 * and the functions Docker adds. Not here: define, template, block, call, html, js, urlquery, complex numbers.
 *
 * JSON does not tell a struct from a map, so an object counts as a struct when every key begins with a capital letter and
 * its own name is none of those that hold maps (Labels, Networks, Ports, ...). A field that a struct lacks is an error,
 * a key that a map lacks is "<no value>", both as by Docker. Any object prints as a map, keys sorted.
 */
#include "base/buf.h"
#include "base/json.h"

struct template;

enum {
	TEMPLATE_BYTES_MAX = 64 << 10,
	TEMPLATE_DEPTH_MAX = 64,
	TEMPLATE_STEPS_MAX = 1 << 20,
	TEMPLATE_OUTPUT_MAX = 16 << 20,
	TEMPLATE_MEMORY_MAX = 256 << 20, /* of the values a run makes, the document's included */
};

/* Speaking: -EINVAL with the line and column and what was expected there; -EFBIG above a TEMPLATE_*_MAX. */
int template_parse(const char *text, struct template **out);
/* How values are written. The template's own text always is as it stands. */
enum template_escape {
	TEMPLATE_RAW,
	TEMPLATE_LINES, /* without what could drive a terminal */
	TEMPLATE_CELLS, /* nor newlines and tabs, which would forge rows and cells */
};
/* Appends to out; what was written before a failure stays there. Speaking: -EINVAL, -EFBIG. */
int template_execute(const struct template *t, const struct json *document,
	enum template_escape escape, struct buf *out);
/* As template_execute for the head of a table, as by Docker: functions that change a text return it unchanged. */
int template_execute_heads(const struct template *t, const struct json *document, struct buf *out);
void template_free(struct template *t);
AUTO_TYPE(template, struct template *, template_free)
