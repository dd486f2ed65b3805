/* SPDX-License-Identifier: Apache-2.0 */
/* Flat files: the content survives, and with no flipped byte can an accessor leave the file. */
#include "base/flat.c"
#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

struct point {
	uint32_t name;
	uint32_t note;
	struct flat_blob data;
	uint32_t number; /* so the row is not a multiple of the alignment */
};

struct edge {
	uint64_t weight;
	uint32_t label;
	uint32_t unused;
};

static const struct flat_section_schema sections[] = {
	{"points", sizeof(struct point), 2,
		{offsetof(struct point, name), offsetof(struct point, note)}, 1,
		{offsetof(struct point, data)}},
	{"edges", sizeof(struct edge), 1, {offsetof(struct edge, label)}, 0, {0}},
};
static const struct flat_schema schema = {"HUSKTST", 1 << 16 | 2, 2, sections};

static void build(struct buf *out)
{
	auto_of(flat_builder) struct flat_builder b;
	flat_builder_init(&b, &schema);
	for (unsigned i = 0; i < 3; i++) {
		char name[16];
		fmt_n(name, sizeof(name), "p%u", i);
		struct point *p = flat_add(&b, 0);
		assert_int_equal(p->name, 0);
		p->name = flat_string(&b, name);
		p->note = i == 1 ? flat_string(&b, "") : flat_string(&b, NULL);
		p->data = flat_blob(&b, "12345", i);
		p->number = i;
	}
	struct edge *e = flat_add(&b, 1);
	e->label = flat_string(&b, "p1");
	e->weight = 77;
	assert_int_equal(flat_count_built(&b, 0), 3);
	flat_finish(&b, out);
}

static void test_round_trip(void **state)
{
	auto_buf struct buf file = BUF_INIT;
	build(&file);
	struct flat f;
	assert_int_equal(flat_open(&f, &schema, file.data, file.len), 0);
	assert_int_equal(flat_count(&f, 0), 3);
	const struct point *p = flat_row(&f, 0, 1);
	assert_string_equal(flat_str(&f, p->name), "p1");
	assert_string_equal(flat_str(&f, p->note), "");
	assert_memory_equal(flat_bytes(&f, p->data), "1", 1);
	const struct point *p0 = flat_row(&f, 0, 0);
	assert_null(flat_str(&f, p0->note));
	assert_null(flat_bytes(&f, p0->data));
	const struct edge *e = flat_row(&f, 1, 0);
	assert_int_equal(e->label, p->name);
	assert_int_equal(e->weight, 77);

	auto_buf struct buf again = BUF_INIT;
	build(&again);
	assert_int_equal(again.len, file.len);
	assert_memory_equal(again.data, file.data, file.len);
}

static void test_empty(void **state)
{
	auto_of(flat_builder) struct flat_builder b;
	auto_buf struct buf file = BUF_INIT;
	flat_builder_init(&b, &schema);
	flat_finish(&b, &file);
	struct flat f;
	assert_int_equal(flat_open(&f, &schema, file.data, file.len), 0);
	assert_int_equal(flat_count(&f, 0) + flat_count(&f, 1), 0);
}

static void test_many_strings(void **state)
{
	auto_of(flat_builder) struct flat_builder b;
	flat_builder_init(&b, &schema);
	uint32_t offsets[2000];
	for (unsigned i = 0; i < 2000; i++) {
		char name[16];
		fmt_n(name, sizeof(name), "name-%u", i);
		offsets[i] = flat_string(&b, name);
	}
	for (unsigned i = 0; i < 2000; i++) {
		char name[16];
		fmt_n(name, sizeof(name), "name-%u", i);
		assert_int_equal(flat_string(&b, name), offsets[i]);
	}
}

/* Reads everything that rows refer to. A file that flat_open accepted must not lead outside its
 * memory. */
static size_t read_all(const struct flat *f)
{
	size_t sum = 0;
	for (uint32_t i = 0; i < flat_count(f, 0); i++) {
		const struct point *p = flat_row(f, 0, i);
		const char *strings[] = {flat_str(f, p->name), flat_str(f, p->note)};
		for (size_t s = 0; s < 2; s++)
			sum += strings[s] ? strlen(strings[s]) : 0;
		const unsigned char *bytes = flat_bytes(f, p->data);
		for (uint32_t at = 0; bytes && at < p->data.size; at++)
			sum += bytes[at];
	}
	for (uint32_t i = 0; i < flat_count(f, 1); i++) {
		const struct edge *e = flat_row(f, 1, i);
		const char *label = flat_str(f, e->label);
		sum += (size_t)e->weight + (label ? strlen(label) : 0);
	}
	return sum;
}

static void test_every_byte(void **state)
{
	auto_buf struct buf file = BUF_INIT;
	build(&file);
	size_t refused = 0;
	size_t taken = 0;
	size_t sum = 0;
	for (size_t at = 0; at < file.len; at++) {
		for (unsigned change = 1; change < 256; change <<= 1) {
			/* A block of its own size, so that a sanitizer sees the end. */
			auto_free char *copy = mem_new(file.len);
			memcpy(copy, file.data, file.len);
			copy[at] = (char)(copy[at] ^ (char)change);
			struct flat f;
			int r = flat_open(&f, &schema, copy, file.len);
			if (r < 0) {
				assert_int_equal(r, -EBADMSG);
				refused++;
			} else {
				sum += read_all(&f);
				taken++;
			}
		}
	}
	assert_true(refused > 300);
	assert_true(taken > 100);
	assert_true(sum > 0);
}

static void test_every_length(void **state)
{
	auto_buf struct buf file = BUF_INIT;
	build(&file);
	struct flat f;
	for (size_t len = 0; len < file.len; len++) {
		auto_free char *copy = mem_new(len);
		memcpy(copy, file.data, len);
		assert_int_equal(flat_open(&f, &schema, copy, len), -EBADMSG);
	}
	buf_addc(&file, '\0');
	assert_int_equal(flat_open(&f, &schema, file.data, file.len), -EBADMSG);
}

/* The size of so many rows does not fit into 32 bits; cut to them, it would be inside the file. */
static void test_too_many_rows(void **state)
{
	auto_buf struct buf file = BUF_INIT;
	build(&file);
	struct flat f;
	((struct flat_header *)file.data)->sections[0].count |= 1u << 31;
	assert_int_equal(flat_open(&f, &schema, file.data, file.len), -EBADMSG);
	assert_non_null(strstr(err_text(), "section points has 2147483651 rows of"));
}

static void test_versions(void **state)
{
	auto_buf struct buf file = BUF_INIT;
	build(&file);
	struct flat f;
	struct flat_schema other = schema;
	other.version = 1 << 16 | 1;
	assert_int_equal(flat_open(&f, &other, file.data, file.len), 0);
	other.version = 2 << 16;
	assert_int_equal(flat_open(&f, &other, file.data, file.len), -EBADMSG);
	assert_string_equal(err_text(), "HUSKTST file of version 1, this program reads version 2");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_many_strings),
		cmocka_unit_test(test_every_byte),
		cmocka_unit_test(test_every_length),
		cmocka_unit_test(test_too_many_rows),
		cmocka_unit_test(test_versions),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
