/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The netlink conversation: batches, acknowledgements, the kernel's messages, and packets with
 * false lengths.
 */
#include "sys/netlink.c"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <linux/rtnetlink.h>

static int sort(
	struct netlink *n, const void *packet, size_t size, struct outcome *outcome, struct buf *in)
{
	return sort_packet(n, packet, size, in, outcome);
}

static void lengths_that_lie(void **state)
{
	static const uint32_t lengths[] = {0, 1, 15, 33, 0x7fffffff, 0xffffffff};

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		auto_buf struct buf in = BUF_INIT;
		struct netlink n = NETLINK_INIT;
		struct outcome outcome = {.first = 1, .awaited = 1};
		struct nlmsghdr packet[2] = {
			{.nlmsg_len = lengths[i], .nlmsg_type = RTM_NEWLINK, .nlmsg_seq = 1}};
		n.sequence = 1;
		assert_int_equal(sort(&n, packet, sizeof(packet), &outcome, &in), -EPROTO);
		assert_int_equal(in.len, 0);
	}
}

struct refusal {
	struct nlmsghdr head;
	struct nlmsgerr error;
	struct nlattr attribute;
	char text[8];
};

static struct refusal make_refusal(uint32_t sequence, int error, uint16_t text_size)
{
	return (struct refusal){.head = {.nlmsg_len = sizeof(struct refusal),
					.nlmsg_type = NLMSG_ERROR,
					.nlmsg_flags = NLM_F_CAPPED | NLM_F_ACK_TLVS,
					.nlmsg_seq = sequence},
		.error = {.error = error},
		.attribute = {.nla_len = text_size, .nla_type = NLMSGERR_ATTR_MSG},
		.text = "no such"};
}

static void refusals(void **state)
{
	auto_buf struct buf in = BUF_INIT;
	struct netlink n = {.fd = -1, .sequence = 12};
	struct outcome outcome = {.first = 10, .awaited = 12};
	struct refusal packets[] = {
		make_refusal(99, -EIO, 12), /* of another conversation */
		make_refusal(11, -ENODEV, sizeof(struct nlattr) + 8),
		make_refusal(12, -EPERM, sizeof(struct nlattr) + 8),
	};

	assert_int_equal(sort(&n, packets, sizeof(packets), &outcome, &in), 0);
	assert_int_equal(outcome.result, -ENODEV);
	assert_int_equal(n.failed, 1);
	assert_string_equal(n.text, "no such");
	assert_true(outcome.is_complete);
	assert_int_equal(in.len, 0);
}

static void words_that_lie(void **state)
{
	static const uint16_t sizes[] = {0, 3, 4, 13, 0xffff};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		auto_buf struct buf in = BUF_INIT;
		struct netlink n = {.fd = -1, .sequence = 1, .text = "old"};
		struct outcome outcome = {.first = 1, .awaited = 1};
		struct refusal packet = make_refusal(1, -EINVAL, sizes[i]);
		assert_int_equal(sort(&n, &packet, sizeof(packet), &outcome, &in), 0);
		assert_int_equal(outcome.result, -EINVAL);
		assert_string_equal(n.text, "");
	}
	/* Not capped, and the echoed message claims to be longer than the packet. */
	auto_buf struct buf in = BUF_INIT;
	struct netlink n = {.fd = -1, .sequence = 1};
	struct outcome outcome = {.first = 1, .awaited = 1};
	struct refusal packet = make_refusal(1, -EINVAL, 12);
	packet.head.nlmsg_flags = NLM_F_ACK_TLVS;
	packet.error.msg.nlmsg_len = 0xfffffff0;
	assert_int_equal(sort(&n, &packet, sizeof(packet), &outcome, &in), 0);
	assert_string_equal(n.text, "");
	/* Too short for an error code. */
	packet.head.nlmsg_len = sizeof(struct nlmsghdr) + 2;
	assert_int_equal(sort(&n, &packet, packet.head.nlmsg_len, &outcome, &in), -EPROTO);
}

/* The kernel says at the end of a dump that the list changed meanwhile. */
static void changed_dump(void **state)
{
	for (int changed = 0; changed < 2; changed++) {
		auto_buf struct buf in = BUF_INIT;
		struct netlink n = {.fd = -1, .sequence = 1};
		struct outcome outcome = {.first = 1};
		const struct {
			struct nlmsghdr head;
			int error;
		} end = {{.nlmsg_len = sizeof(end),
			.nlmsg_type = NLMSG_DONE,
			.nlmsg_flags = changed ? NLM_F_MULTI | NLM_F_DUMP_INTR : NLM_F_MULTI,
			.nlmsg_seq = 1}};
		assert_int_equal(sort(&n, &end, sizeof(end), &outcome, &in), 0);
		assert_true(outcome.is_complete);
		assert_int_equal(outcome.is_inconsistent, changed);
	}
}

static int count_links(const struct nlmsghdr *message, void *data)
{
	int *count = data;

	assert_int_equal(message->nlmsg_type, RTM_NEWLINK);
	++*count;
	return 0;
}

static int refuse_row(const struct nlmsghdr *message, void *data)
{
	return -ECANCELED;
}

static void ask_lo(struct netlink_batch *batch, int index)
{
	const struct ifinfomsg head = {.ifi_index = index};
	netlink_begin(batch, RTM_GETLINK, 0, &head, sizeof(head));
}

static void conversation(void **state)
{
	auto_of(netlink) struct netlink n = NETLINK_INIT;
	int count = 0;

	assert_int_equal(netlink_open(&n, NETLINK_ROUTE), 0);
	for (int round = 0; round < 3; round++) {
		auto_of(netlink_batch) struct netlink_batch batch = NETLINK_BATCH_INIT;
		for (int i = 0; i < 3; i++)
			ask_lo(&batch, 1);
		count = 0;
		assert_int_equal(netlink_send(&n, &batch, count_links, &count), 0);
		assert_int_equal(count, 3);
		assert_int_equal(netlink_send(&n, &batch, refuse_row, NULL), -ECANCELED);
	}

	auto_of(netlink_batch) struct netlink_batch bad = NETLINK_BATCH_INIT;
	ask_lo(&bad, 1);
	ask_lo(&bad, 0x7ffffff0);
	ask_lo(&bad, 1);
	assert_int_equal(netlink_send(&n, &bad, count_links, &count), -ENODEV);
	assert_int_equal(n.failed, 1);

	auto_of(netlink_batch) struct netlink_batch all = NETLINK_BATCH_INIT;
	ask_lo(&all, 0);
	count = 0;
	assert_int_equal(netlink_dump(&n, &all, count_links, &count), 0);
	assert_true(count >= 1);

	auto_of(netlink_batch) struct netlink_batch none = NETLINK_BATCH_INIT;
	assert_int_equal(netlink_send(&n, &none, NULL, NULL), 0);
}

/* More than the kernel's default send buffer. */
static void large_batch(void **state)
{
	auto_of(netlink) struct netlink n = NETLINK_INIT;
	auto_of(netlink_batch) struct netlink_batch batch = NETLINK_BATCH_INIT;

	assert_int_equal(netlink_open(&n, NETLINK_ROUTE), 0);
	for (int i = 0; i < 8; i++) {
		static const char zeros[64 * 1024];
		netlink_begin(&batch, NLMSG_NOOP, 0, zeros, sizeof(zeros));
	}
	ask_lo(&batch, 1);
	int count = 0, r = netlink_send(&n, &batch, count_links, &count);
	if (r == -EPERM) { /* only root may use SO_SNDBUFFORCE */
		print_message("unprivileged: %s\n", "large batches are refused");
		return;
	}
	assert_int_equal(r, 0);
	assert_int_equal(count, 1);
}

static void unknown_protocol(void **state)
{
	struct netlink n = NETLINK_INIT;

	assert_int_equal(netlink_open(&n, 31), -EPROTONOSUPPORT);
	assert_int_equal(n.fd, -EBADF);
	assert_true(netlink_open_in(&n, NETLINK_ROUTE, -EBADF, NULL, NULL) < 0);
	netlink_close(&n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lengths_that_lie),
		cmocka_unit_test(refusals),
		cmocka_unit_test(words_that_lie),
		cmocka_unit_test(changed_dump),
		cmocka_unit_test(conversation),
		cmocka_unit_test(large_batch),
		cmocka_unit_test(unknown_protocol),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
