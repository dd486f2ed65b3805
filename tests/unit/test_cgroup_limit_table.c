/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers of version 1 on the scales of version 2. */
#include "cgroup/limit_table.c"

#include "test_cgroup_temp.h"

/* The weights that runc 1.3.2 writes: the minimum, the default, the maximum, and values beyond
 * them. */
static void weights(void **state)
{
	static const struct {
		int64_t shares;
		const char *weight;
	} cases[] = {{0, "1"}, {1, "1"}, {2, "1"}, {3, "2"}, {512, "59"}, {1024, "100"},
		{2000, "170"}, {22000, "1204"}, {262143, "10000"}, {262144, "10000"},
		{9999999, "10000"}};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_buf struct buf out = BUF_INIT;
		struct cgroup_row row = {.limit = CGROUP_CPU_WEIGHT, .value = cases[i].shares};
		write_weight(&(struct cgroup_limit_value){.row = &row}, &out);
		assert_string_equal(out.data, cases[i].weight);
	}
}

/* More shares never give less weight. */
static void weights_rise(void **state)
{
	int64_t last = 0;

	for (int64_t shares = SHARES_MIN; shares <= SHARES_MAX; shares++) {
		int64_t weight = weight_of(shares);
		assert_true(weight >= last && weight >= WEIGHT_MIN && weight <= WEIGHT_MAX);
		last = weight;
	}
	assert_int_equal(last, WEIGHT_MAX);
}

static void disk_weights(void **state)
{
	static const struct {
		int64_t weight;
		const char *text, *out;
	} cases[] = {{10, NULL, "default 1"}, {100, NULL, "default 910"},
		{500, NULL, "default 4950"}, {750, NULL, "default 7475"},
		{1000, "8:0", "8:0 10000"}};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_buf struct buf out = BUF_INIT;
		struct cgroup_row row = {.limit = CGROUP_BLKIO_WEIGHT, .value = cases[i].weight};
		write_io_weight(
			&(struct cgroup_limit_value){.row = &row, .text = cases[i].text}, &out);
		assert_string_equal(out.data, cases[i].out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(weights),
		cmocka_unit_test(weights_rise),
		cmocka_unit_test(disk_weights),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
