/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers over a netlink socket. The input: a byte with the question that is asked, then the
 * packets of the answer, each after its size in two bytes, high byte first. The socket is one end
 * of a pair, whose other end has sent everything.
 */
#include "sys/netlink.c"

#include "fuzz.h"
#include "net/internal.h"
#include "sys/socket.h"

#include <linux/rtnetlink.h>

enum { PACKETS_MAX = 8, MESSAGES = 3 };
enum question { ASK_SEND, ASK_COMMIT, ASK_DUMP, ASK_LINK, ASK_COUNT };

static int check_row(const struct nlmsghdr *message, void *data)
{
	uint32_t last = *(const uint32_t *)data;
	if ((uintptr_t)message % NLMSG_ALIGNTO != 0 || message->nlmsg_len < sizeof(*message) ||
		message->nlmsg_type < NLMSG_MIN_TYPE)
		BUG("a row of type %u, %u bytes", message->nlmsg_type, message->nlmsg_len);
	/* A dump is asked again with other numbers. */
	if (message->nlmsg_seq == 0 || message->nlmsg_seq > last * DUMP_TRIES)
		BUG("a row that answers question %u of %u", message->nlmsg_seq, last);
	/* In a block of its own, so that a sanitizer sees where it ends. */
	auto_free char *copy = mem_new(message->nlmsg_len);
	memcpy(copy, message, message->nlmsg_len);
	return 0;
}

static void answer_queue(int socket, const uint8_t *data, size_t size)
{
	for (int i = 0; i < PACKETS_MAX && size >= 2; i++) {
		size_t want = (size_t)data[0] << 8 | data[1];
		data += 2;
		size -= 2;
		size_t here = want < size ? want : size;
		if (send(socket, data, here, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
			BUG("the pair takes no packet of %zu bytes", here);
		data += here;
		size -= here;
	}
	shutdown(socket, SHUT_WR);
}

static int ask(struct netlink *n, enum question question)
{
	auto_of(netlink_batch) struct netlink_batch batch = NETLINK_BATCH_INIT;
	struct net_link link = {.index = 4242};
	uint32_t count = question == ASK_DUMP ? 1 : MESSAGES;
	if (question == ASK_LINK) {
		int r = net_link_find_on(n, "eth0", 0, &link);
		if (r < 0 ? link.index != 4242
			  : !memchr(link.name, '\0', sizeof(link.name)) ||
					!memchr(link.alias, '\0', sizeof(link.alias)))
			BUG("found with %d: link %d", r, link.index);
		return r;
	}
	struct ifinfomsg head = {0};
	for (uint32_t i = 0; i < count; i++)
		netlink_begin(&batch, RTM_GETLINK, 0, &head, sizeof(head));
	if (question == ASK_DUMP)
		return netlink_dump(n, &batch, check_row, &count);
	return question == ASK_SEND ? netlink_send(n, &batch, check_row, &count)
				    : netlink_commit(n, &batch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1)
		return 0;
	int pair[2];
	if (socket_pair(pair) < 0)
		BUG("no socket");
	struct netlink n = {.fd = pair[0]};
	answer_queue(pair[1], data + 1, size - 1);
	int r = ask(&n, data[0] % ASK_COUNT);
	if (r > 0 || r < -4095 || !memchr(n.text, '\0', sizeof(n.text)) || (r == 0 && n.text[0]))
		BUG("the result is %d, with the words \"%.*s\"", r, NETLINK_TEXT_MAX, n.text);
	if (r < 0 && n.failed >= MESSAGES * DUMP_TRIES)
		BUG("message %u of %d failed", n.failed, MESSAGES);
	fd_close(pair[1]);
	netlink_close(&n);
	return 0;
}
