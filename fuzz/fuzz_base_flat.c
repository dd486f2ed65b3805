/* SPDX-License-Identifier: Apache-2.0 */
/* Flat files: after flat_open every row, string and blob can be read. */
#include "fuzz.h"
#include "base/flat.h"

#include <string.h>

struct row {
	uint32_t name;
	uint32_t note;
	struct flat_blob data;
};

static const struct flat_section_schema sections[] = {
	{"first", sizeof(struct row), 2, {0, 4}, 1, {8}},
	{"second", 4, 1, {0}, 0, {0}},
};
static const struct flat_schema schema = {"HUSKFUZ", 1 << 16, 2, sections};

static size_t read_row(const struct flat *f, const struct row *row)
{
	const char *name = flat_str(f, row->name);
	const char *note = flat_str(f, row->note);
	size_t sum = (name ? strlen(name) : 0) + (note ? strlen(note) : 0);
	const unsigned char *bytes = flat_bytes(f, row->data);
	for (uint32_t i = 0; bytes && i < row->data.size; i++)
		sum += bytes[i];
	return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* The file's memory must be aligned; the fuzzer's memory may not be. */
	auto_free void *copy = mem_new(size);
	if (size)
		memcpy(copy, data, size);
	struct flat f;
	if (flat_open(&f, &schema, copy, size) < 0)
		return 0;
	static volatile size_t sum;
	for (uint32_t i = 0; i < flat_count(&f, 0); i++)
		sum += read_row(&f, flat_row(&f, 0, i));
	for (uint32_t i = 0; i < flat_count(&f, 1); i++) {
		const char *text = flat_str(&f, *(const uint32_t *)flat_row(&f, 1, i));
		sum += text ? strlen(text) : 0;
	}
	return 0;
}
