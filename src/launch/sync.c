/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The conversation of host and init over one SOCK_SEQPACKET pair.
 *
 *  host                       init
 *                       <----  CHILD (pidfd)   a user namespace is joined: the joiner has made init
 *  MAPPED               ---->                  only with a user namespace; then init is executed
 *  BEGIN (plan, slots)  ---->
 *                       <----  CHILD (pidfd)   a container is born in a pid namespace that it joins
 *  BORN                 ---->                  the host knows the child, which may go on
 *                       <----  CONSOLE (pty)   only with a terminal
 *                       <----  HOOKS           only with hooks of the host's
 *  HOOKED (state)       ---->                  the state for hooks of init's
 *                       <----  READY
 *  START (report)       ---->                  with SLOT_STARTER: init awaits a connection there;
 *                                              the rest is said on it, from START again
 *                       <----  LISTENER (fd)   only with a filter that notifies
 *  LISTENING            ---->                  from here on the listener is served
 *                       <----  CHILD (pidfd)   an exec: it is born in the pid namespace, confined
 *  BORN                 ---->                  as above; the agent of a listener has it
 *                       <----  end of file: the payload runs (the socket is close-on-exec)
 *
 * FAILED may come from init at any moment and ends the conversation: before START as a message,
 * later in the report, since a filter may refuse the sending. Both sides check messages by the
 * table below: one that breaks its rule is an error.
 */
#include "launch/sync.h"
#include "sys/calls.h"
#include "sys/fd.h"
#include "sys/socket.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

struct sync_rule {
	const char *name;
	uint32_t fd_limit;
	bool has_error;
};

static const struct sync_rule sync_rules[] = {
	[SYNC_NONE] = {"nothing", 0, false},
	[SYNC_BEGIN] = {"begin", SOCKET_FDS_MAX, false},
	[SYNC_MAPPED] = {"ids mapped", 0, false},
	[SYNC_CHILD] = {"child", 1, false},
	[SYNC_BORN] = {"born", 0, false},
	[SYNC_CONSOLE] = {"console", 1, false},
	[SYNC_HOOKS] = {"hooks", 0, false},
	[SYNC_HOOKED] = {"hooks have run", 1, false},
	[SYNC_READY] = {"ready", 0, false},
	[SYNC_START] = {"start", 1, false},
	[SYNC_LISTENER] = {"listener", 1, false},
	[SYNC_LISTENING] = {"listening", 0, false},
	[SYNC_FAILED] = {"failed", 0, true},
};
_Static_assert(
	sizeof(sync_rules) / sizeof(sync_rules[0]) == SYNC_COUNT, "one rule for each message");

/* Messages without an error are sent without the room for one. */
static size_t message_size(enum sync_type type)
{
	return sync_rules[type].has_error ? sizeof(struct sync_message)
					  : offsetof(struct sync_message, error);
}

int sync_send(int fd, const struct sync_message *message, const int *fds, size_t fd_count)
{
	int r = socket_send(fd, message, message_size(message->type), fds, fd_count);
	return r < 0 ? err_new(r, "send \"%s\"", sync_rules[message->type].name) : 0;
}

size_t slots_count(const uint64_t words[static SLOT_WORDS])
{
	size_t count = 0;
	for (size_t i = 0; i < SLOT_WORDS; i++)
		count += (size_t)__builtin_popcountll(words[i]);
	return count;
}

size_t slots_pack(const int slots[static SLOT_MAX], uint64_t words[static SLOT_WORDS], int *fds)
{
	size_t count = 0;
	for (size_t i = 0; i < SLOT_MAX; i++) {
		if (slots[i] < 0)
			continue;
		words[i / 64] |= 1ull << (i % 64);
		fds[count++] = slots[i];
	}
	return count;
}

size_t slots_unpack(
	const uint64_t words[static SLOT_WORDS], const int *fds, int slots[static SLOT_MAX])
{
	size_t count = 0;
	for (size_t i = 0; i < SLOT_MAX; i++)
		slots[i] = words[i / 64] >> (i % 64) & 1 ? fds[count++] : -EBADF;
	return count;
}

/* Sets each fd to -EBADF, because the caller may close what it finds there. */
static void close_all(int *fds, size_t count)
{
	for (size_t i = 0; i < count; i++)
		fd_replace(&fds[i], -EBADF);
}

int sync_receive(int fd, struct sync_message *out, int *fds, size_t *fd_count)
{
	struct sync_message message = {0};
	size_t count = fd_count ? *fd_count : 0;
	ssize_t size = socket_receive(fd, &message, sizeof(message), fds, &count);
	if (size == 0)
		return err_say(-ECONNRESET, "the process on the other side has ended");
	if (size < 0)
		return err_new((int)size, "receive");
	if ((size_t)size < sizeof(message.type) || message.type == SYNC_NONE ||
		message.type >= SYNC_COUNT || (size_t)size != message_size(message.type) ||
		count > sync_rules[message.type].fd_limit) {
		close_all(fds, count);
		return err_say(-EPROTO, "a message that nobody sends (type %u, %zd bytes)",
			message.type, size);
	}
	*out = message;
	if (fd_count)
		*fd_count = count;
	return message.type == SYNC_FAILED ? err_unpack(&message.error) : 0;
}

int sync_expect(int fd, enum sync_type type, struct sync_message *out, int *fds, size_t *fd_count)
{
	size_t count = fd_count ? *fd_count : 0;
	int r = sync_receive(fd, out, fds, fd_count ? fd_count : NULL);
	if (r < 0)
		return r;
	if (out->type == type)
		return 0;
	if (fd_count && *fd_count <= count)
		close_all(fds, *fd_count);
	return err_say(-EPROTO, "\"%s\" instead of \"%s\"", sync_rules[out->type].name,
		sync_rules[type].name);
}

int sync_await(int fd, enum sync_type type)
{
	struct sync_message message;
	ssize_t size = sys_read(fd, &message, sizeof(message));
	if (size < 0)
		return err_new((int)size, "wait for \"%s\"", sync_rules[type].name);
	return (size_t)size == message_size(type) && message.type == type
		? 0
		: err_say(size == 0 ? -ECONNRESET : -EPROTO, "the host has not said \"%s\"",
			  sync_rules[type].name);
}

int sync_report_make(void)
{
	int fd = fd_memfd("husk-report", sizeof(struct sync_message));
	return fd < 0 ? err_new(fd, "make the report") : fd;
}

int sync_report_map(int fd, struct sync_message **out)
{
	void *data;
	int r = fd_map_shared(fd, sizeof(struct sync_message), true, &data);
	if (r < 0)
		return err_new(r, "map the report");
	*out = data;
	return 0;
}

/* The type comes last: the process may be killed at any moment. */
void sync_report_write(struct sync_message *report, const struct sync_message *message)
{
	struct sync_message copy = *message;
	copy.type = report->type;
	*report = copy;
	__atomic_store_n(&report->type, message->type, __ATOMIC_SEQ_CST);
}

int sync_report_read(int fd, struct sync_message *out)
{
	struct sync_message report;
	ssize_t size = sys_read_at(fd, &report, sizeof(report), 0);
	if (size < 0)
		return err_new((int)size, "read the report");
	if (size == sizeof(report) && report.type == SYNC_EXECUTES)
		return 0;
	if (size != sizeof(report) || report.type != SYNC_FAILED)
		return err_say(-ECONNABORTED, "init ended before it executed the command");
	*out = report;
	int r = err_unpack(&report.error);
	if (r != -ECONNRESET) /* that code is the end of the conversation */
		return r;
	auto_buf struct buf text = BUF_INIT;
	buf_adds(&text, err_text());
	return err_say(-EIO, "%s", text.data);
}
