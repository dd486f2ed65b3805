/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The netlink transport. The kernel answers requests while sendmsg(2) runs, so a receive that
 * finds nothing means that there are no more answers. Only dumps are produced while they are
 * read.
 */
#include "sys/netlink.h"

#include "base/err.h"
#include "base/str.h"
#include "sys/calls.h"
#include "sys/fault.h"
#include "sys/fd.h"
#include "sys/process.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <sched.h>
#include <sys/socket.h>

enum {
	RECEIVE_ROOM = 32 * 1024, /* the largest packet of the kernel's dumps */
	ANSWER_MAX = 64 * 1024 * 1024, /* of one conversation */
	SEND_BUFFER_DEFAULT = 100 * 1024, /* below every distribution's net.core.wmem_default */
	SEND_BUFFER_MAX = 16 * 1024 * 1024, /* a batch larger than this is a bug of the caller */
	DUMP_TRIES = 8,
	ERROR_MAX = 4095, /* the kernel's MAX_ERRNO */
	RETURN_TRIES = 20,
	RETURN_STEP_MS = 10,
};

static const struct sockaddr_nl kernel_address = {.nl_family = AF_NETLINK};

int netlink_open(struct netlink *out, int protocol)
{
	int r = fault_hit("netlink_open");
	if (r < 0)
		return r;

	auto_close int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
	if (fd < 0)
		return -errno;
	if (fd <= 2)
		fd_replace(&fd, fd_dup(fd));
	if (fd < 0)
		return fd;
	/* Both options are 4.12 or older and only improve messages: a refusal changes nothing. */
	int on = 1;
	setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
	setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
	if (bind(fd, (const struct sockaddr *)&kernel_address, sizeof(kernel_address)) < 0)
		return -errno;
	*out = (struct netlink){.fd = take_fd(&fd)};
	return 0;
}

/* Tries several times, as memory may be short for a moment. This process may do nothing else
 * while it is in the other namespace. */
static int come_back(int home)
{
	int r = sys_setns(home, CLONE_NEWNET);
	for (int i = 0; r < 0 && i < RETURN_TRIES; i++) {
		clock_sleep_ms(RETURN_STEP_MS);
		r = sys_setns(home, CLONE_NEWNET);
	}
	return r;
}

int netlink_open_in(
	struct netlink *out, int protocol, int netns_fd, int (*inside)(void *data), void *data)
{
	auto_close int home = sys_open_at(AT_FDCWD, "/proc/self/ns/net", O_RDONLY, 0);
	if (home < 0)
		return home;
	int r = sys_setns(netns_fd, CLONE_NEWNET);
	if (r < 0)
		return r;

	auto_of(netlink) struct netlink opened = NETLINK_INIT;
	r = netlink_open(&opened, protocol);
	if (r >= 0 && inside)
		r = inside(data);
	if (come_back(home) < 0)
		BUG("cannot return to the network namespace of the host");
	if (r < 0)
		return r;
	*out = opened;
	opened.fd = -EBADF;
	return 0;
}

void netlink_close(struct netlink *n)
{
	if (n->fd >= 0)
		fd_close(n->fd);
	n->fd = -EBADF;
}

/* Gives every message the next sequence number. */
static void number_messages(struct netlink *n, struct netlink_batch *batch)
{
	struct nlmsghdr *message = (struct nlmsghdr *)batch->data.data;
	size_t left = batch->data.len;

	while (left >= sizeof(*message)) {
		size_t size = NLMSG_ALIGN(message->nlmsg_len);
		message->nlmsg_seq = ++n->sequence;
		left -= size;
		message = (struct nlmsghdr *)((char *)message + size);
	}
}

static int send_bytes(int fd, const struct buf *data)
{
	if (data->len > SEND_BUFFER_MAX)
		return -EMSGSIZE;
	if (data->len > SEND_BUFFER_DEFAULT) {
		int size = (int)data->len + SEND_BUFFER_DEFAULT;
		if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) < 0)
			return -errno;
	}
	for (;;) {
		ssize_t n = sendto(fd, data->data, data->len, 0,
			(const struct sockaddr *)&kernel_address, sizeof(kernel_address));
		if (n >= 0)
			return 0;
		if (errno != EINTR)
			return -errno;
	}
}

/* Receives one packet of the kernel; 0 when there is none. */
static ssize_t receive_packet(int fd, char place[static RECEIVE_ROOM], int flags)
{
	struct sockaddr_nl from = {0};

	for (;;) {
		socklen_t from_size = sizeof(from);
		ssize_t n = recvfrom(fd, place, RECEIVE_ROOM, flags | MSG_TRUNC,
			(struct sockaddr *)&from, &from_size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? 0 : -errno;
		if (n > RECEIVE_ROOM)
			return -EMSGSIZE;
		if (from.nl_pid != 0) /* not from the kernel: ignored */
			continue;
		return n;
	}
}

/* Keeps the kernel's text, an attribute that follows an acknowledgement. */
static void keep_text(struct netlink *n, const struct nlmsghdr *message)
{
	const struct nlmsgerr *error = NLMSG_DATA(message);
	size_t header_size = sizeof(*error);
	struct netlink_attribute attribute;

	n->text[0] = '\0';
	if (!(message->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	/* The acknowledgement contains the whole refused message unless it is capped. */
	if (!(message->nlmsg_flags & NLM_F_CAPPED))
		header_size += NLMSG_ALIGN(error->msg.nlmsg_len) - sizeof(error->msg);
	struct netlink_reader reader = netlink_attributes(message, header_size);
	while (netlink_next(&reader, &attribute))
		if (attribute.type == NLMSGERR_ATTR_MSG)
			fmt(n->text, "%.*s", (int)attribute.size, (const char *)attribute.data);
}

/* What the messages of one packet mean for the conversation as a whole. */
struct outcome {
	uint32_t first; /* sequence number of the first message that was sent */
	uint32_t awaited; /* of the message whose acknowledgement ends the conversation */
	int result; /* the first refusal */
	bool is_complete; /* acknowledged, or the end of a dump */
	bool is_inconsistent; /* the list changed while it was dumped */
};

static int read_acknowledgement(
	struct netlink *n, const struct nlmsghdr *message, struct outcome *outcome)
{
	const struct nlmsgerr *error = NLMSG_DATA(message);

	if (message->nlmsg_len < NLMSG_LENGTH(sizeof(error->error)) || error->error < -ERROR_MAX)
		return -EPROTO;
	if (error->error < 0 && outcome->result == 0) {
		outcome->result = error->error;
		n->failed = message->nlmsg_seq - outcome->first;
		if (message->nlmsg_type == NLMSG_ERROR &&
			message->nlmsg_len >= NLMSG_LENGTH(sizeof(*error)))
			keep_text(n, message);
	}
	if (message->nlmsg_type == NLMSG_DONE || message->nlmsg_seq == outcome->awaited)
		outcome->is_complete = true;
	return 0;
}

/* Reads the acknowledgements of a packet, and keeps its rows in `in`. */
static int sort_packet(
	struct netlink *n, const char *from, size_t size, struct buf *in, struct outcome *outcome)
{
	while (size >= sizeof(struct nlmsghdr)) {
		const struct nlmsghdr *message = (const struct nlmsghdr *)from;
		if (message->nlmsg_len < sizeof(*message) || message->nlmsg_len > size)
			return -EPROTO;
		size_t step = NLMSG_ALIGN(message->nlmsg_len);
		if (step > size)
			step = size;
		bool is_ours = message->nlmsg_seq - outcome->first <= n->sequence - outcome->first;
		if (message->nlmsg_flags & NLM_F_DUMP_INTR)
			outcome->is_inconsistent = true;
		if (is_ours && message->nlmsg_type >= NLMSG_MIN_TYPE) {
			/* The last message of a packet may lack its padding; the next row would
			 * not be aligned. */
			if (step % NLMSG_ALIGNTO != 0)
				return -EPROTO;
			if (in->len + step > ANSWER_MAX)
				return -EMSGSIZE;
			buf_add(in, from, step);
		} else if (is_ours &&
			(message->nlmsg_type == NLMSG_ERROR || message->nlmsg_type == NLMSG_DONE)) {
			int r = read_acknowledgement(n, message, outcome);
			if (r < 0)
				return r;
		}
		from += step;
		size -= step;
	}
	return 0;
}

static int walk_rows(const struct buf *in, netlink_row row, void *data)
{
	size_t offset = 0;

	while (row && offset + sizeof(struct nlmsghdr) <= in->len) {
		const struct nlmsghdr *message = (const struct nlmsghdr *)(in->data + offset);
		int r = row(message, data);
		if (r < 0)
			return r;
		offset += NLMSG_ALIGN(message->nlmsg_len);
	}
	return 0;
}

/* Sends the batch, receives all answers, and leaves the rows in `in`. */
static int converse(struct netlink *n, struct netlink_batch *batch, struct outcome *outcome,
	struct buf *in, bool is_dump)
{
	int r = fault_hit("netlink_send");

	n->failed = 0;
	n->text[0] = '\0';
	outcome->first = n->sequence + 1;
	number_messages(n, batch);
	if (r >= 0)
		r = send_bytes(n->fd, &batch->data);
	if (r < 0)
		return r;
	for (;;) {
		_Alignas(struct nlmsghdr) char packet[RECEIVE_ROOM];
		ssize_t size = receive_packet(n->fd, packet, is_dump ? 0 : MSG_DONTWAIT);
		if (size < 0)
			return (int)size;
		if (size == 0)
			break;
		r = sort_packet(n, packet, (size_t)size, in, outcome);
		if (r < 0)
			return r;
		if (is_dump && (outcome->is_complete || outcome->result < 0))
			break;
	}
	if (outcome->result < 0)
		return outcome->result;
	return outcome->is_complete ? 0 : -EPROTO;
}

static int exchange(
	struct netlink *n, struct netlink_batch *batch, size_t awaited, netlink_row row, void *data)
{
	auto_buf struct buf in = BUF_INIT;
	struct outcome outcome = {0};
	struct nlmsghdr *last = (struct nlmsghdr *)(batch->data.data + awaited);

	if (batch->count == 0)
		return 0;
	last->nlmsg_flags |= NLM_F_ACK;
	outcome.awaited = n->sequence + batch->count - (awaited == batch->last ? 0 : 1);
	int r = converse(n, batch, &outcome, &in, false);
	return r < 0 ? r : walk_rows(&in, row, data);
}

int netlink_send(struct netlink *n, struct netlink_batch *batch, netlink_row row, void *data)
{
	return exchange(n, batch, batch->last, row, data);
}

int netlink_commit(struct netlink *n, struct netlink_batch *batch)
{
	return exchange(n, batch, batch->before_last, NULL, NULL);
}

int netlink_dump(struct netlink *n, struct netlink_batch *batch, netlink_row row, void *data)
{
	struct nlmsghdr *message = (struct nlmsghdr *)batch->data.data;

	message->nlmsg_flags |= NLM_F_DUMP;
	for (int i = 0; i < DUMP_TRIES; i++) {
		auto_buf struct buf in = BUF_INIT;
		struct outcome outcome = {0};
		int r = converse(n, batch, &outcome, &in, true);
		if (r < 0)
			return r;
		if (!outcome.is_inconsistent)
			return walk_rows(&in, row, data);
	}
	return -EAGAIN;
}
