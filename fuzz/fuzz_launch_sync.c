/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packets between host and init, as a process may send them that the workload has taken over. The
 * input: a byte with the number of fds that are sent with the packet, a byte with the awaited
 * message, then the packet.
 */
#include "launch/sync.c"

#include "fuzz.h"
#include "base/cleanup.h"

#include <unistd.h>

enum { ROOM = 3, SENT_MAX = 5 };

/* The lowest free fd number: it is the same before and after if no fd was kept. */
static int free_number(void)
{
	int fd = dup(0);
	if (fd < 0)
		BUG("no fd to be had");
	fd_close(fd);
	return fd;
}

static void text_check(int r)
{
	const char *text = err_text();
	if (r != err_code() || r < -4095 || !memchr(text, '\0', ERR_TEXT_MAX))
		BUG("refused with %d", r);
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			BUG("the terminal is told byte %d", *text);
}

/* A refused packet must leave no fd open. An accepted one has no more fds than there is room for,
 * and as many as it says. */
static void receive(int socket, enum sync_type type, const struct sync_message *sent, size_t size)
{
	struct sync_message message = {.type = SYNC_COUNT};
	int fds[ROOM] = {-EBADF, -EBADF, -EBADF};
	size_t count = type == SYNC_MAPPED ? 0 : ROOM;
	int before = free_number();
	int r = type == SYNC_NONE
		? sync_receive(socket, &message, fds, &count)
		: sync_expect(socket, type, &message, count ? fds : NULL, count ? &count : NULL);
	if (r < 0) {
		text_check(r);
		if (free_number() != before || fds[0] >= 0)
			BUG("refused with %d, and fd %d is kept", r, fds[0]);
		return;
	}
	if (message.type != sent->type || message.step != sent->step ||
		size != message_size(sent->type))
		BUG("another message than was sent");
	if (message.type == SYNC_NONE || message.type >= SYNC_FAILED ||
		(type != SYNC_NONE && message.type != type))
		BUG("a message of type %u", message.type);
	if (count > ROOM || count > sync_rules[message.type].fd_limit)
		BUG("%zu fds", count);
	close_all(fds, count);
	if (free_number() != before)
		BUG("an fd that nobody was told of");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;
	size_t fd_count = data[0] % (SENT_MAX + 1);
	enum sync_type type = data[1] % SYNC_COUNT;
	int pair[2];
	static const int fds[SENT_MAX];
	struct sync_message sent = {0};
	data += 2;
	size -= 2;
	memcpy(&sent, data, size < sizeof(sent) ? size : sizeof(sent));
	if (socket_pair(pair) < 0 || socket_send(pair[0], data, size, fds, fd_count) < 0)
		BUG("no socket");
	fd_close(pair[0]);
	receive(pair[1], type, &sent, size);
	fd_close(pair[1]);
	return 0;
}
