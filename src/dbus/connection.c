/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection. The socket tells the peer which user this process is (EXTERNAL without a name: a
 * number would be that of the user in this user namespace, which the peer would misunderstand).
 * Every wait has a time limit. A peer that sends what it should not causes an error, and is not
 * waited for again.
 */
#include "dbus/dbus.h"

#include "base/err.h"
#include "base/str.h"
#include "sys/calls.h"
#include "sys/fd.h"
#include "sys/process.h"
#include "sys/socket.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>

enum {
	AUTH_ROOM = 4096, /* bytes that the peer may send before it accepts this process */
	READ_ROOM = 16 * 1024,
	KEPT_MAX = DBUS_MESSAGE_MAX, /* bytes of signals that dbus_wait has not asked for yet */
};

struct dbus {
	int fd;
	bool is_bus;
	uint64_t patience_ms;
	uint32_t serial;
	struct buf in; /* the bytes that have arrived */
	size_t taken; /* of `in`: the size of the message that is being read */
	struct buf kept; /* signals, one after the other */
	const char *member; /* the name of the signals that are kept */
};

void dbus_close(struct dbus *d)
{
	if (!d)
		return;
	fd_close(d->fd);
	buf_release(&d->in);
	buf_release(&d->kept);
	free(d);
}

/* The code for the name of an error. */
static int error_code(const char *name)
{
	static const struct {
		const char *name;
		int code;
	} codes[] = {
		{"org.freedesktop.systemd1.NoSuchUnit", -ENOENT},
		{"org.freedesktop.systemd1.UnitExists", -EEXIST},
		{"org.freedesktop.systemd1.AlreadySubscribed", -EALREADY},
		{"org.freedesktop.DBus.Error.AccessDenied", -EACCES},
		{"org.freedesktop.DBus.Error.InteractiveAuthorizationRequired", -EACCES},
	};
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (str_eq(codes[i].name, name))
			return codes[i].code;
	return -EREMOTEIO;
}

bool dbus_shares_pids(const struct dbus *d)
{
	uid_t uid;
	pid_t pid;
	return socket_peer(d->fd, &uid, &pid) == 0 && pid > 0;
}

static int ready_wait(struct dbus *d, short events, uint64_t end_ms)
{
	for (;;) {
		uint64_t now = clock_boot_ms();
		struct pollfd ready = {.fd = d->fd, .events = events};
		int r = now < end_ms ? sys_poll(&ready, 1, (int)(end_ms - now)) : 0;
		if (r == 0)
			return err_say(
				-ETIMEDOUT, "no answer within %" PRIu64 " ms", d->patience_ms);
		if (r != -EINTR)
			return r < 0 ? err_new(r, "wait for an answer") : 0;
	}
}

static int bytes_send(struct dbus *d, const char *data, size_t len, uint64_t end_ms)
{
	while (len > 0) {
		ssize_t done = sys_write(d->fd, data, len);
		if (done == -EAGAIN) {
			int r = ready_wait(d, POLLOUT, end_ms);
			if (r < 0)
				return r;
			continue;
		}
		if (done < 0)
			return err_new((int)done, "send a call");
		data += done;
		len -= (size_t)done;
	}
	return 0;
}

static int bytes_receive(struct dbus *d, uint64_t end_ms)
{
	for (;;) {
		ssize_t len = sys_read(d->fd, buf_reserve(&d->in, READ_ROOM), READ_ROOM);
		if (len > 0) {
			buf_grew(&d->in, (size_t)len);
			return 0;
		}
		if (len == 0)
			return err_say(-ECONNRESET, "the connection was closed");
		if (len != -EAGAIN)
			return err_new((int)len, "receive an answer");
		int r = ready_wait(d, POLLIN, end_ms);
		if (r < 0)
			return r;
	}
}

static void consume(struct dbus *d, size_t len)
{
	memmove(d->in.data, d->in.data + len, d->in.len - len + 1);
	d->in.len -= len;
}

/* Takes one line of the authentication, which comes before the messages. */
static int line_expect(struct dbus *d, const char *word, uint64_t end_ms)
{
	char *end;
	while (!(end = memchr(d->in.data, '\n', d->in.len))) {
		int r = d->in.len < AUTH_ROOM ? bytes_receive(d, end_ms)
					      : err_say(-EPROTO, "this is no D-Bus");
		if (r < 0)
			return r;
	}
	*end = '\0';
	if (!str_prefix(d->in.data, word))
		return err_say(-EACCES, "this user is not let in");
	consume(d, (size_t)(end - d->in.data) + 1);
	return 0;
}

static int authenticate(struct dbus *d)
{
	static const char words[] = "\0AUTH EXTERNAL\r\nDATA\r\nBEGIN\r\n";
	uint64_t end_ms = clock_boot_ms() + d->patience_ms;
	int r = bytes_send(d, words, sizeof(words) - 1, end_ms);
	if (r == 0)
		r = line_expect(d, "DATA", end_ms);
	return r < 0 ? r : line_expect(d, "OK ", end_ms);
}

/* Receives the next message. It stays in d->in until the next one is received. */
static int message_receive(struct dbus *d, uint64_t end_ms, struct dbus_message *out)
{
	size_t length = DBUS_HEAD_SIZE;
	consume(d, d->taken);
	d->taken = 0;
	while (d->in.len < length) {
		int r = bytes_receive(d, end_ms);
		if (r < 0)
			return r;
	}
	int r = dbus_message_length(d->in.data, &length);
	while (r == 0 && d->in.len < length) {
		r = bytes_receive(d, end_ms);
		if (r < 0)
			return r;
	}
	if (r == 0)
		r = dbus_message_parse(d->in.data, length, out);
	d->taken = length;
	return r < 0 ? err_say(r, "what was received is no message of D-Bus") : 0;
}

/* Keeps a signal for dbus_wait. When the kept signals leave no room for it, all of them are
 * dropped. */
static void signal_keep(struct dbus *d, const struct dbus_message *m)
{
	if (!d->member || m->type != DBUS_SIGNAL || !str_eq(m->member, d->member))
		return;
	if (d->kept.len + d->taken > KEPT_MAX)
		buf_clear(&d->kept);
	buf_add(&d->kept, d->in.data, d->taken);
}

/* The text of an error for humans is its first argument, if this is a string. */
static int refusal(const struct dbus_message *m)
{
	const char *text = "";
	struct dbus_reader body = m->body;
	if (m->signature[0] == 's')
		dbus_get_string(&body, &text);
	return err_say(error_code(m->error), "%s", *text ? text : m->error);
}

static int reply_wait(struct dbus *d, uint32_t serial, uint64_t end_ms, struct dbus_message *out)
{
	for (;;) {
		int r = message_receive(d, end_ms, out);
		if (r < 0)
			return r;
		bool is_answer = out->type == DBUS_REPLY || out->type == DBUS_ERROR;
		if (is_answer && out->reply_serial == serial)
			return out->type == DBUS_ERROR ? refusal(out) : 0;
		signal_keep(d, out);
	}
}

int dbus_ask(struct dbus *d, const struct dbus_call *call, struct dbus_message *out)
{
	auto_buf struct buf bytes = BUF_INIT;
	struct dbus_message reply;
	uint64_t end_ms = clock_boot_ms() + d->patience_ms;
	uint32_t serial = ++d->serial;
	int r = dbus_call_write(call, serial, &bytes);
	r = r < 0 ? err_new(r, "write the call") : bytes_send(d, bytes.data, bytes.len, end_ms);
	if (r == 0)
		r = reply_wait(d, serial, end_ms, out ? out : &reply);
	return r < 0 ? err_wrap(r, "%s", call->member) : 0;
}

static int bus_ask(struct dbus *d, const char *member, const char *text)
{
	auto_of(dbus_writer) struct dbus_writer body = DBUS_WRITER_INIT;
	const struct dbus_call call = {"org.freedesktop.DBus", "/org/freedesktop/DBus",
		"org.freedesktop.DBus", member, text ? "s" : NULL, &body};
	if (text)
		dbus_put_string(&body, text);
	return dbus_ask(d, &call, NULL);
}

int dbus_open(const char *path, bool is_bus, struct dbus **out)
{
	auto_close int fd = socket_stream_connect(path);
	int r = fd < 0 ? fd : fd_set_nonblock(fd, true);
	if (r < 0)
		return err_new(r, "connect to %s", path);
	auto_of(dbus) struct dbus *d = mem_new(sizeof(*d));
	*d = (struct dbus){.fd = take_fd(&fd),
		.is_bus = is_bus,
		.patience_ms = DBUS_PATIENCE_MS,
		.in = BUF_INIT,
		.kept = BUF_INIT};
	r = authenticate(d);
	if (r == 0 && is_bus)
		r = bus_ask(d, "Hello", NULL);
	if (r < 0)
		return err_wrap(r, "%s", path);
	*out = take_ptr(&d);
	return 0;
}

/* Without a bus in between, the peer sends all signals unasked. */
int dbus_listen(struct dbus *d, const char *interface, const char *member)
{
	char rule[256];
	d->member = member;
	int r = fmt(rule, "type='signal',interface='%s',member='%s'", interface, member);
	if (r < 0)
		return err_new(r, "listen for %s", member);
	return d->is_bus ? bus_ask(d, "AddMatch", rule) : 0;
}

/* 1 when `accepts` takes one of the kept signals. */
static int kept_look(struct dbus *d,
	int (*accepts)(void *context, const struct dbus_message *signal), void *context)
{
	size_t at = 0;
	int r = 0;
	while (r == 0 && at < d->kept.len) {
		struct dbus_message m;
		size_t length;
		if (dbus_message_length(d->kept.data + at, &length) < 0 ||
			dbus_message_parse(d->kept.data + at, length, &m) < 0)
			BUG("a signal that was kept has changed");
		r = accepts(context, &m);
		at += length;
	}
	buf_clear(&d->kept);
	return r;
}

int dbus_wait(struct dbus *d, int (*accepts)(void *context, const struct dbus_message *signal),
	void *context)
{
	uint64_t end_ms = clock_boot_ms() + d->patience_ms;
	int r = kept_look(d, accepts, context);
	while (r == 0) {
		struct dbus_message m;
		r = message_receive(d, end_ms, &m);
		if (r < 0)
			return r;
		if (m.type == DBUS_SIGNAL && d->member && str_eq(m.member, d->member))
			r = accepts(context, &m);
	}
	return r < 0 ? r : 0;
}
