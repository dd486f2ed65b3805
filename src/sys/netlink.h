/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A netlink socket and the conversation on it: send some messages, then receive the answers. The
 * kernel answers rtnetlink and nfnetlink requests before sendmsg(2) returns, so several messages
 * cost one send and one receive. The caller decides what the messages say. Silent, -errno. When
 * the kernel refuses a message, its text (extended acknowledgement, 4.12) is kept beside the
 * code.
 */
#include "sys/netlink_message.h"

#include <stdint.h>

enum { NETLINK_TEXT_MAX = 160 };

struct netlink {
	int fd;
	uint32_t sequence; /* of the last message that was sent */
	uint32_t failed; /* after a failure: how many messages before it succeeded */
	char text[NETLINK_TEXT_MAX]; /* after a failure: the kernel's text, or "" */
};

#define NETLINK_INIT \
	{ \
		.fd = -9 \
	}

/* A socket of the caller's network namespace. `protocol`: NETLINK_ROUTE, NETLINK_NETFILTER. */
int netlink_open(struct netlink *out, int protocol);
/* A socket of another network namespace: the process enters it, opens the socket, and comes back.
 * Only for processes without threads. `inside` (may be NULL) runs in that namespace, and its
 * failure is returned. Aborts if the process cannot come back. */
int netlink_open_in(
	struct netlink *out, int protocol, int netns_fd, int (*inside)(void *data), void *data);
void netlink_close(struct netlink *n);
AUTO_STRUCT(netlink, struct netlink, netlink_close)

/* Called for each message of an answer; a negative return ends the walk and is returned. */
typedef int (*netlink_row)(const struct nlmsghdr *message, void *data);

/* Sends the batch and receives the answers; the first refusal decides the result. The last
 * message asks for an acknowledgement. `row` (may be NULL) is called for the rows after all have
 * arrived. */
int netlink_send(struct netlink *n, struct netlink_batch *batch, netlink_row row, void *data);
/* The same for a transaction of nfnetlink, whose last message (the end of the batch) is never
 * acknowledged. */
int netlink_commit(struct netlink *n, struct netlink_batch *batch);
/* One request with NLM_F_DUMP, repeated when the kernel says that the list changed during the
 * dump. */
int netlink_dump(struct netlink *n, struct netlink_batch *batch, netlink_row row, void *data);
