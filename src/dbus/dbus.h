/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The part of D-Bus that is needed to ask systemd for something: one connection over a Unix
 * socket, calls and their replies, and the signals of one name. A static program cannot load
 * libsystemd, and libdbus would bring a main loop.
 *
 * Messages are written in little endian, and read in either byte order. The peer is not trusted:
 * each length is checked against what has arrived, and a message is bounded by DBUS_MESSAGE_MAX.
 * Functions of a struct dbus speak; the others are silent (-EBADMSG). Host.
 */
#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	DBUS_MESSAGE_MAX = 1 << 20,
	DBUS_HEAD_SIZE = 16, /* the start of a message, enough to know its length */
	DBUS_PATIENCE_MS = 30 * 1000, /* for the answer to a call, and for a signal */
};

/* The arguments of a call, in order; the signature of the call says their types. */
struct dbus_writer {
	struct buf bytes;
};
#define DBUS_WRITER_INIT \
	{ \
		.bytes = BUF_INIT \
	}
void dbus_writer_release(struct dbus_writer *w);
AUTO_STRUCT(dbus_writer, struct dbus_writer, dbus_writer_release)

void dbus_put_bool(struct dbus_writer *w, bool value); /* b */
void dbus_put_u32(struct dbus_writer *w, uint32_t value); /* u */
void dbus_put_u64(struct dbus_writer *w, uint64_t value); /* t */
void dbus_put_string(struct dbus_writer *w, const char *text); /* s, o */
/* Also begins a variant; its value follows. */
void dbus_put_signature(struct dbus_writer *w, const char *text); /* g */
void dbus_put_struct(struct dbus_writer *w); /* ( or {: its members follow */
void dbus_put_bytes(struct dbus_writer *w, const void *data, size_t len); /* ay */
/* a: the items are put between these two calls. `alignment` is that of an item: 8 for structs, x,
 * t and d, 2 for n and q, 1 for y, v and g, otherwise 4. */
size_t dbus_array_begin(struct dbus_writer *w, size_t alignment);
void dbus_array_end(struct dbus_writer *w, size_t begin);

/* The unread rest of a received message. Strings point into it and live as long as it does. */
struct dbus_reader {
	const char *data;
	size_t len, at;
	bool is_big_endian;
};
int dbus_get_u32(struct dbus_reader *r, uint32_t *out);
int dbus_get_string(struct dbus_reader *r, const char **out); /* s, o */
int dbus_get_signature(struct dbus_reader *r, const char **out);

enum dbus_type { DBUS_CALL = 1, DBUS_REPLY, DBUS_ERROR, DBUS_SIGNAL };

/* Strings are "" where the message has none. */
struct dbus_message {
	enum dbus_type type;
	uint32_t serial, reply_serial;
	const char *path, *interface, *member, *error, *sender, *signature;
	struct dbus_reader body;
};
/* Reads the length of a message from its first DBUS_HEAD_SIZE bytes. */
int dbus_message_length(const char *head, size_t *out_length);
/* Parses exactly one message. The body is not checked. */
int dbus_message_parse(const char *data, size_t len, struct dbus_message *out);

struct dbus_call {
	const char *destination, *path, *interface, *member;
	const char *signature; /* NULL: no arguments and no body */
	const struct dbus_writer *body;
};
/* Appends a whole message. -EMSGSIZE when it is longer than DBUS_MESSAGE_MAX. */
int dbus_call_write(const struct dbus_call *call, uint32_t serial, struct buf *out);

struct dbus;
/* Connects to the socket as the user of this process, and says hello if a bus is behind it. Fails
 * with the code of connect(2) when no process listens there. */
int dbus_open(const char *path, bool is_bus, struct dbus **out);
void dbus_close(struct dbus *d);
AUTO_TYPE(dbus, struct dbus *, dbus_close)
/* True if this process can see the socket's peer process: then a pid means the same to both.
 * Silent. */
bool dbus_shares_pids(const struct dbus *d);

/* From now on signals of this name are kept for dbus_wait; `member` must outlive d. */
int dbus_listen(struct dbus *d, const char *interface, const char *member);
/* Calls, and waits for the reply; *out (may be NULL) is valid until the next function is called.
 * When the peer refuses, the trail is the text of the peer, and the code is what the error's name
 * means here, or -EREMOTEIO. */
int dbus_ask(struct dbus *d, const struct dbus_call *call, struct dbus_message *out);
/* Waits for the next signal of that name that `accepts` takes (returning 1; 0: not this signal). */
int dbus_wait(struct dbus *d, int (*accepts)(void *context, const struct dbus_message *signal),
	void *context);
