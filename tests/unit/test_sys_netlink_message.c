/* SPDX-License-Identifier: Apache-2.0 */
/* Netlink messages: every byte that is built, and readers that trust no length. */
#include "sys/netlink_message.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static void test_bytes(void **state)
{
	auto_of(netlink_batch) struct netlink_batch batch = NETLINK_BATCH_INIT;
	const uint8_t header[5] = {1, 2, 3, 4, 5};
	netlink_begin(&batch, 0x1234, 0x400, header, sizeof(header));
	netlink_put_string(&batch, 3, "lo");
	size_t nest = netlink_nest_begin(&batch, 7);
	netlink_put_u8(&batch, 1, 0xaa);
	netlink_put_header(&batch, header, 1);
	netlink_nest_end(&batch, nest);
	netlink_put(&batch, 9, NULL, 0);
	netlink_begin(&batch, 0x10, 0, NULL, 0);
	netlink_put_u16(&batch, 2, 0xbbcc);

	const uint8_t expected[] = {52, 0, 0, 0, 0x34, 0x12, 0x01, 0x04, 0, 0, 0, 0, 0, 0, 0,
		0, /* NLM_F_REQUEST */
		1, 2, 3, 4, 5, 0, 0, 0, /* header */
		7, 0, 3, 0, 'l', 'o', 0, 0, /* string */
		16, 0, 7, 0x80, 5, 0, 1, 0, 0xaa, 0, 0, 0, 1, 0, 0, 0, /* nest */
		4, 0, 9, 0, /* empty */
		24, 0, 0, 0, 0x10, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, /* the second */
		6, 0, 2, 0, 0xcc, 0xbb, 0, 0};
	static const uint16_t one = 1;
	if (*(const uint8_t *)&one != 1)
		skip(); /* the bytes above are little-endian */
	assert_int_equal(batch.data.len, sizeof(expected));
	assert_memory_equal(batch.data.data, expected, sizeof(expected));
	assert_int_equal(batch.count, 2);
	assert_int_equal(batch.before_last, 0);
	assert_int_equal(batch.last, 52);
}

static void test_round_trip(void **state)
{
	auto_of(netlink_batch) struct netlink_batch batch = NETLINK_BATCH_INIT;
	const uint64_t header = 5;
	netlink_begin(&batch, 1, 0, &header, sizeof(header));
	netlink_put_u32(&batch, 1, 0x01020304);
	netlink_put_u64(&batch, 2, 1ull << 40);
	size_t nest = netlink_nest_begin(&batch, 3);
	netlink_put_string(&batch, 4, "text");
	netlink_nest_end(&batch, nest);

	const struct nlmsghdr *message = last_message(&batch);
	assert_memory_equal(netlink_header(message, sizeof(header)), &header, sizeof(header));
	assert_null(netlink_header(message, 1000));
	struct netlink_reader reader = netlink_attributes(message, sizeof(header));
	struct netlink_attribute attribute;
	uint32_t u32 = 0;
	uint64_t u64 = 0;
	assert_true(netlink_next(&reader, &attribute) && netlink_get_u32(&attribute, &u32));
	assert_int_equal(u32, 0x01020304);
	assert_false(netlink_get_u64(&attribute, &u64));
	assert_null(netlink_get_string(&attribute));
	assert_true(netlink_next(&reader, &attribute) && netlink_get_u64(&attribute, &u64));
	assert_int_equal(u64, 1ull << 40);
	assert_false(netlink_get_u32(&attribute, &u32));
	assert_true(netlink_next(&reader, &attribute));
	assert_int_equal(attribute.type, 3);
	struct netlink_reader inner = netlink_nested(&attribute);
	assert_true(netlink_next(&inner, &attribute));
	assert_string_equal(netlink_get_string(&attribute), "text");
	assert_false(netlink_next(&inner, &attribute));
	assert_false(netlink_next(&reader, &attribute));
}

static unsigned count_attributes(const void *bytes, size_t size)
{
	struct netlink_reader reader = {.at = bytes, .left = size};
	struct netlink_attribute attribute;
	unsigned count = 0;
	while (netlink_next(&reader, &attribute))
		count++;
	return count;
}

static void test_lengths_that_lie(void **state)
{
	static const struct {
		uint16_t words[6];
		size_t size;
		unsigned count;
	} cases[] = {
		{{0, 1}, 4, 0},
		{{3, 1}, 4, 0},
		{{5, 1}, 4, 0},
		{{4, 1}, 4, 1},
		{{4, 1}, 3, 0},
		{{6, 1, 9}, 6, 1}, /* the last one without its padding */
		{{6, 1, 9, 0, 4, 1}, 12, 2},
		{{6, 1, 9, 0, 0xffff, 1}, 12, 1},
		{{0xffff, 1}, 4, 0},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(count_attributes(cases[i].words, cases[i].size), cases[i].count);
	struct nlmsghdr shorter = {.nlmsg_len = sizeof(shorter) + 1};
	struct netlink_reader reader = netlink_attributes(&shorter, 4);
	struct netlink_attribute attribute;
	assert_false(netlink_next(&reader, &attribute));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_lengths_that_lie),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
