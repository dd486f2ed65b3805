/* SPDX-License-Identifier: Apache-2.0 */
/* A connection to a server that answers as a script says: correctly, wrongly, late or never. */
#include "dbus/connection.c"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "test_sys_temp.h"

static const char welcome[] = "DATA\r\nOK 00112233445566778899aabbccddeeff\r\n";

enum { NO_ANSWER_MS = 100 };

static void put_byte(struct dbus_writer *w, uint8_t value)
{
	buf_addc(&w->bytes, (char)value);
}

/* A message with this serial, as the answer to `reply_to`. `field` is the name of an error or of a
 * signal. */
static void message_write(struct buf *out, enum dbus_type type, uint32_t reply_to,
	const char *field, const char *text)
{
	auto_of(dbus_writer) struct dbus_writer w = DBUS_WRITER_INIT, body = DBUS_WRITER_INIT;
	const uint8_t first[] = {'l', (uint8_t)type, 1, 1};
	dbus_put_string(&body, text);
	for (size_t i = 0; i < sizeof(first); i++)
		put_byte(&w, first[i]);
	dbus_put_u32(&w, (uint32_t)body.bytes.len);
	dbus_put_u32(&w, 77);
	size_t fields = dbus_array_begin(&w, 8);
	const struct {
		uint8_t number;
		const char *type, *value;
	} texts[] = {
		{1, "o", type == DBUS_SIGNAL ? "/" : NULL},
		{2, "s", type == DBUS_SIGNAL ? "a.b" : NULL},
		{3, "s", type == DBUS_SIGNAL ? field : NULL},
		{4, "s", type == DBUS_ERROR ? field : NULL},
	};
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (!texts[i].value)
			continue;
		dbus_put_struct(&w);
		put_byte(&w, texts[i].number);
		dbus_put_signature(&w, texts[i].type);
		dbus_put_string(&w, texts[i].value);
	}
	if (reply_to) {
		dbus_put_struct(&w);
		put_byte(&w, 5);
		dbus_put_signature(&w, "u");
		dbus_put_u32(&w, reply_to);
	}
	dbus_put_struct(&w);
	put_byte(&w, 8);
	dbus_put_signature(&w, "g");
	dbus_put_signature(&w, "s");
	dbus_array_end(&w, fields);
	dbus_put_struct(&w);
	buf_add(out, w.bytes.data, w.bytes.len);
	buf_add(out, body.bytes.data, body.bytes.len);
}

static pid_t server;

static void server_end(void)
{
	kill(server, SIGKILL);
	assert_int_equal(waitpid(server, NULL, 0), server);
}

/* Sends all data to the first client (byte by byte if it is slow), and then closes or waits. */
static const char *server_start(const void *data, size_t len, bool is_slow, bool closes)
{
	static char path[sizeof(temp_path) + 16];
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	snprintf(path, sizeof(path), "%s/socket", temp_path);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	unlink(path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 1), 0);
	server = fork();
	if (server == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL); /* an assertion may fail before server_end */
		int peer = accept(fd, NULL, NULL);
		for (size_t i = 0; i < len; i += is_slow ? 1 : len)
			send(peer, (const char *)data + i, is_slow ? 1 : len, MSG_NOSIGNAL);
		if (closes)
			shutdown(peer, SHUT_WR);
		pause();
	}
	close(fd);
	return path;
}

static int text_take(void *context, const struct dbus_message *signal)
{
	struct dbus_reader body = signal->body;
	const char *text;
	assert_int_equal(dbus_get_string(&body, &text), 0);
	return str_eq(text, context);
}

static const struct dbus_call call = {"a.b", "/", "a.b", "Do", NULL, NULL};

/* Signals arrive before the reply that they belong to, with other signals in between. */
static void conversation(bool is_slow)
{
	auto_buf struct buf said = BUF_INIT;
	auto_of(dbus) struct dbus *d = NULL;
	struct dbus_message reply;
	const char *text;
	char wanted[] = "second";
	buf_adds(&said, welcome);
	message_write(&said, DBUS_SIGNAL, 0, "Heard", "first");
	message_write(&said, DBUS_SIGNAL, 0, "Other", "second");
	message_write(&said, DBUS_REPLY, 9, NULL, "not ours");
	message_write(&said, DBUS_SIGNAL, 0, "Heard", "second");
	message_write(&said, DBUS_REPLY, 1, NULL, "ours");
	message_write(&said, DBUS_ERROR, 2, "org.freedesktop.systemd1.NoSuchUnit", "Not there.");
	message_write(&said, DBUS_SIGNAL, 0, "Heard", "third");
	message_write(&said, DBUS_SIGNAL, 0, "Other", "fourth");
	const char *path = server_start(said.data, said.len, is_slow, false);
	assert_int_equal(dbus_open(path, false, &d), 0);
	assert_true(dbus_shares_pids(d));
	assert_int_equal(dbus_listen(d, "a.b", "Heard"), 0);
	assert_int_equal(dbus_ask(d, &call, &reply), 0);
	assert_int_equal(dbus_get_string(&reply.body, &text), 0);
	assert_string_equal(text, "ours");
	assert_int_equal(dbus_wait(d, text_take, wanted), 0);
	assert_int_equal(dbus_ask(d, &call, NULL), -ENOENT);
	assert_string_equal(err_text(), "Do: Not there.");
	char third[] = "third", fourth[] = "fourth";
	assert_int_equal(dbus_wait(d, text_take, third), 0);
	d->patience_ms = NO_ANSWER_MS;
	assert_int_equal(dbus_wait(d, text_take, fourth), -ETIMEDOUT);
	assert_int_equal(dbus_ask(d, &call, NULL), -ETIMEDOUT);
	assert_string_equal(err_text(), "Do: no answer within 100 ms");
	server_end();
}

static void test_conversation(void **state)
{
	conversation(false);
	conversation(true);
}

/* The kernel says pid 0 for a peer outside this pid namespace, and also, as here, for no peer. */
static void test_peer_without_pid(void **state)
{
	uid_t uid;
	pid_t pid = -1;
	auto_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const struct dbus alone = {.fd = fd};
	assert_int_equal(socket_peer(fd, &uid, &pid), 0);
	assert_int_equal(pid, 0);
	assert_false(dbus_shares_pids(&alone));
}

static void test_bus(void **state)
{
	auto_buf struct buf said = BUF_INIT;
	auto_of(dbus) struct dbus *d = NULL;
	buf_adds(&said, welcome);
	message_write(&said, DBUS_REPLY, 1, NULL, ":1.7");
	message_write(&said, DBUS_ERROR, 2, "a.b.No", "");
	const char *path = server_start(said.data, said.len, false, false);
	assert_int_equal(dbus_open(path, true, &d), 0);
	assert_int_equal(dbus_listen(d, "a.b", "Heard"), -EREMOTEIO);
	assert_string_equal(err_text(), "AddMatch: a.b.No");
	server_end();
}

static void test_not_let_in(void **state)
{
	static const struct {
		const char *says;
		int code;
	} rows[] = {
		{"REJECTED EXTERNAL\r\n", -EACCES},
		{"DATA\r\nREJECTED\r\n", -EACCES},
		{"\n\n", -EACCES},
		{"", -ECONNRESET},
		{"DATA\r\nOK ", -ECONNRESET},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		auto_of(dbus) struct dbus *d = NULL;
		const char *path = server_start(rows[i].says, strlen(rows[i].says), false, true);
		assert_int_equal(dbus_open(path, false, &d), rows[i].code);
		assert_null(d);
		server_end();
	}
	auto_free char *endless = mem_new(AUTH_ROOM * 16);
	memset(endless, 'D', AUTH_ROOM * 16);
	auto_of(dbus) struct dbus *d = NULL;
	assert_int_equal(
		dbus_open(server_start(endless, AUTH_ROOM * 16, false, true), false, &d), -EPROTO);
	server_end();
	assert_int_equal(dbus_open("/nowhere/socket", false, &d), -ENOENT);
	assert_string_equal(err_text(), "connect to /nowhere/socket: No such file or directory");
}

/* Bytes that are not a message end the conversation. A message that would be refused is not waited
 * for. */
static void test_liars(void **state)
{
	static const struct {
		char bytes[DBUS_HEAD_SIZE + 1];
		int code;
	} rows[] = {
		{"x\2\1\1\0\0\0\0\1\0\0\0\0\0\0", -EBADMSG},
		{"l\2\1\2\0\0\0\0\1\0\0\0\0\0\0", -EBADMSG},
		{"l\2\1\1\xff\xff\xff\xff\1\0\0\0\0\0\0", -EBADMSG},
		{"l\2\1\1\0\0\0\0\1\0\0\0\xff\xff\xff\xff", -EBADMSG},
		{"l\2\1\1\0\0\x0f\0\1\0\0\0\0\0\x0f\0", -EBADMSG},
		{"l\2\1\1\1\0\0\0\1\0\0\0\0\0\0", -ECONNRESET}, /* a body that is never sent */
		{"l\2\1\1\0\0\0\0\1\0\0\0\0\0\0", -EBADMSG}, /* a reply to no call */
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		auto_buf struct buf said = BUF_INIT;
		auto_of(dbus) struct dbus *d = NULL;
		buf_adds(&said, welcome);
		buf_add(&said, rows[i].bytes, DBUS_HEAD_SIZE);
		const char *path = server_start(said.data, said.len, false, true);
		assert_int_equal(dbus_open(path, false, &d), 0);
		assert_int_equal(dbus_ask(d, &call, NULL), rows[i].code);
		server_end();
	}
}

/* Only a bounded number of unread signals is kept. */
static void test_flood(void **state)
{
	auto_buf struct buf said = BUF_INIT;
	auto_of(dbus) struct dbus *d = NULL;
	char last[] = "last";
	buf_adds(&said, welcome);
	while (said.len < 3 * KEPT_MAX)
		message_write(&said, DBUS_SIGNAL, 0, "Heard", "again and again and again");
	message_write(&said, DBUS_SIGNAL, 0, "Heard", last);
	message_write(&said, DBUS_REPLY, 1, NULL, "");
	const char *path = server_start(said.data, said.len, false, false);
	assert_int_equal(dbus_open(path, false, &d), 0);
	assert_int_equal(dbus_listen(d, "a.b", "Heard"), 0);
	assert_int_equal(dbus_ask(d, &call, NULL), 0);
	assert_true(d->kept.len <= KEPT_MAX && d->kept.len > 0);
	assert_int_equal(dbus_wait(d, text_take, last), 0);
	server_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_conversation),
		cmocka_unit_test(test_peer_without_pid),
		cmocka_unit_test(test_bus),
		cmocka_unit_test(test_not_let_in),
		cmocka_unit_test(test_liars),
		cmocka_unit_test(test_flood),
	};
	return cmocka_run_group_tests(tests, temp_setup, temp_teardown);
}
