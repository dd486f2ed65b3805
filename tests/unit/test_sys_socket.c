/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packets with fds, and path sockets.
 */
#include "sys/socket.c"

#include "test_sys_temp.h"

#include <signal.h>

static int pair[2];

static int pair_setup(void **state)
{
	return socket_pair(pair);
}

static int pair_teardown(void **state)
{
	close(pair[0]);
	close(pair[1]);
	return 0;
}

static void test_packets(void **state)
{
	char data[16];
	assert_int_equal(socket_send(pair[0], "one", 3, NULL, 0), 0);
	assert_int_equal(socket_send(pair[0], "second", 6, NULL, 0), 0);
	assert_int_equal(socket_receive(pair[1], data, sizeof(data), NULL, NULL), 3);
	assert_memory_equal(data, "one", 3);
	assert_int_equal(socket_receive(pair[1], data, 5, NULL, NULL), -EMSGSIZE);
	assert_int_equal(socket_send(pair[0], "third", 5, NULL, 0), 0);
	assert_int_equal(socket_receive(pair[1], data, 5, NULL, NULL), 5);
	assert_true(fcntl(pair[0], F_GETFD) & FD_CLOEXEC);
}

/* However the fd is closed, the other end of the pipe sees it. */
static void test_close_later(void **state)
{
	int ends[2];
	char byte;
	assert_int_equal(pipe(ends), 0);
	socket_close_later(ends[1]);
	assert_int_equal(fcntl(ends[1], F_GETFD), -1);
	assert_int_equal(read(ends[0], &byte, 1), 0);
	close(ends[0]);
	socket_close_later(-EBADF);
}

static void test_end(void **state)
{
	char data[4];
	int other[2];
	assert_int_equal(socket_pair(other), 0);
	close(other[0]);
	assert_int_equal(socket_receive(other[1], data, 4, NULL, NULL), 0);
	/* With the default action, SIGPIPE would end the test. */
	signal(SIGPIPE, SIG_DFL);
	assert_int_equal(socket_send(other[1], "x", 1, NULL, 0), -EPIPE);
	close(other[1]);
	assert_int_equal(socket_receive(other[1], data, 4, NULL, NULL), -EBADF);
}

static void test_fds(void **state)
{
	char data[4];
	int before = temp_count_fds(), sent[SOCKET_FDS_MAX], got[SOCKET_FDS_MAX];
	for (size_t i = 0; i < SOCKET_FDS_MAX; i++)
		sent[i] = temp_fd;
	size_t count = SOCKET_FDS_MAX;
	assert_int_equal(socket_send(pair[0], "x", 1, sent, SOCKET_FDS_MAX), 0);
	assert_int_equal(socket_receive(pair[1], data, 4, got, &count), 1);
	assert_int_equal(count, SOCKET_FDS_MAX);
	struct stat here, there;
	fstat(temp_fd, &here);
	for (size_t i = 0; i < count; i++) {
		fstat(got[i], &there);
		assert_int_equal(here.st_ino, there.st_ino);
		assert_int_equal(fcntl(got[i], F_GETFD), FD_CLOEXEC);
		close(got[i]);
	}
	assert_int_equal(socket_send(pair[0], "x", 1, NULL, 0), 0);
	assert_int_equal(socket_receive(pair[1], data, 4, got, &count), 1);
	assert_int_equal(count, 0);
	assert_int_equal(temp_count_fds(), before);
}

/* More fds than one packet holds, up to a full last packet. */
static void test_more_fds(void **state)
{
	enum { MANY = 4 * SOCKET_FDS_MAX };
	static const size_t counts[] = {
		0, 1, SOCKET_FDS_MAX, SOCKET_FDS_MAX + 1, 2 * SOCKET_FDS_MAX + 7, MANY};
	int before = temp_count_fds(), sent[MANY], got[MANY];
	char data[4];
	for (size_t i = 0; i < MANY; i++)
		sent[i] = i % 2 ? temp_fd : pair[0];
	for (size_t n = 0; n < sizeof(counts) / sizeof(counts[0]); n++) {
		size_t count = SOCKET_FDS_MAX;
		assert_int_equal(socket_send(pair[0], "xyz", 3, sent, counts[n]), 0);
		assert_int_equal(socket_receive(pair[1], data, 4, got, &count), 3);
		assert_int_equal(socket_receive_rest(pair[1], got, count, counts[n]), 0);
		for (size_t i = 0; i < counts[n]; i++) {
			struct stat here, there;
			fstat(sent[i], &here);
			fstat(got[i], &there);
			assert_int_equal(here.st_ino, there.st_ino);
			close(got[i]);
		}
		assert_int_equal(temp_count_fds(), before);
	}
	/* Another number of fds than announced, and a sender that closes its socket in between. */
	size_t count = SOCKET_FDS_MAX;
	assert_int_equal(socket_send(pair[0], "x", 1, sent, 3), 0);
	assert_int_equal(socket_receive(pair[1], data, 4, got, &count), 1);
	assert_int_equal(socket_receive_rest(pair[1], got, count, 4), -EPROTO);
	assert_int_equal(temp_count_fds(), before);
	count = SOCKET_FDS_MAX;
	assert_int_equal(socket_send(pair[0], "x", 1, sent, SOCKET_FDS_MAX), 0);
	assert_int_equal(socket_send(pair[0], "x", 1, sent, 2), 0);
	assert_int_equal(socket_receive(pair[1], data, 4, got, &count), 1);
	assert_int_equal(socket_receive_rest(pair[1], got, count, SOCKET_FDS_MAX + 3), -EPROTO);
	assert_int_equal(temp_count_fds(), before);
	int other[2];
	assert_int_equal(socket_pair(other), 0);
	count = SOCKET_FDS_MAX;
	assert_int_equal(socket_send(other[0], "x", 1, sent, SOCKET_FDS_MAX), 0);
	close(other[0]);
	assert_int_equal(socket_receive(other[1], data, 4, got, &count), 1);
	assert_int_equal(socket_receive_rest(other[1], got, count, SOCKET_FDS_MAX + 1), -EPROTO);
	close(other[1]);
	assert_int_equal(temp_count_fds(), before);
}

/* More fds than the kernel passes to a receiver at all. */
static void send_many(int fd, size_t fd_count)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(250 * sizeof(int))];
	} control = {0};
	struct iovec part = {.iov_base = (char[]){"x"}, .iov_len = 1};
	struct msghdr message = {.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = CMSG_SPACE(fd_count * sizeof(int))};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(fd_count * sizeof(int));
	for (size_t i = 0; i < fd_count; i++)
		memcpy(CMSG_DATA(header) + i * sizeof(int), &temp_fd, sizeof(int));
	assert_int_equal(sendmsg(fd, &message, 0), 1);
}

static void test_surplus_fds(void **state)
{
	char data[4];
	int before = temp_count_fds(), got[SOCKET_FDS_MAX], two[2] = {temp_fd, temp_fd};
	size_t count = 1;
	assert_int_equal(socket_send(pair[0], "x", 1, two, 2), 0);
	assert_int_equal(socket_receive(pair[1], data, 4, got, &count), -EMSGSIZE);
	assert_int_equal(count, 1);
	assert_int_equal(socket_send(pair[0], "x", 1, two, 2), 0);
	assert_int_equal(socket_receive(pair[1], data, 4, NULL, NULL), -EMSGSIZE);
	assert_int_equal(socket_send(pair[0], "12345", 5, two, 2), 0);
	count = 2;
	assert_int_equal(socket_receive(pair[1], data, 4, got, &count), -EMSGSIZE);
	send_many(pair[0], 250);
	count = 249;
	assert_int_equal(socket_receive(pair[1], data, 4, got, &count), -EMSGSIZE);
	assert_int_equal(temp_count_fds(), before);
}

/* The packet has no bytes, like the end of the stream: a caller who asks for bytes must not get
 * only fds. */
static void test_fds_alone(void **state)
{
	char data[4];
	int before = temp_count_fds(), got[1];
	size_t count = 1;
	assert_int_equal(socket_send(pair[0], "", 0, &temp_fd, 1), 0);
	assert_int_equal(socket_receive(pair[1], data, 4, got, &count), -EMSGSIZE);
	assert_int_equal(temp_count_fds(), before);
}

static void test_path(void **state)
{
	struct stat info;
	mode_t old = umask(0);
	int before = temp_count_fds(), server = socket_listen_at(temp_fd, "sock");
	umask(old);
	assert_true(server >= 0);
	assert_int_equal(fstatat(temp_fd, "sock", &info, 0), 0);
	assert_int_equal(info.st_mode & 0777, 0600);
	assert_int_equal(socket_listen_at(temp_fd, "sock"), -EADDRINUSE);
	int client = socket_connect_at(temp_fd, "sock"), peer = socket_accept(server);
	assert_true(client >= 0 && peer >= 0);
	/* The first connection only checked whether a process listens. */
	close(peer);
	peer = socket_accept(server);
	assert_true(peer >= 0);
	uid_t uid = 1;
	pid_t pid = 0;
	assert_int_equal(socket_peer(peer, &uid, &pid), 0);
	assert_int_equal(uid, getuid());
	assert_int_equal(pid, getpid());
	char data[4];
	assert_int_equal(socket_send(client, "hi", 2, NULL, 0), 0);
	assert_int_equal(socket_receive(peer, data, 4, NULL, NULL), 2);
	close(peer);
	close(client);
	close(server);

	/* No process listens now. */
	assert_int_equal(socket_connect_at(temp_fd, "sock"), -ECONNREFUSED);
	server = socket_listen_at(temp_fd, "sock");
	assert_true(server >= 0);
	close(server);
	assert_int_equal(temp_count_fds(), before);
}

/* A process that listens for another kind of connection refuses ours, but it lives. */
static void test_path_of_another_kind(void **state)
{
	struct sockaddr_un address;
	auto_close int alien = socket_new(SOCK_STREAM);
	assert_true(socket_address(temp_fd, "alien", &address) >= 0);
	assert_int_equal(socket_bind(alien, &address), 0);
	assert_int_equal(listen(alien, 1), 0);
	assert_int_equal(socket_connect_at(temp_fd, "alien"), -EPROTOTYPE);
	assert_int_equal(socket_listen_at(temp_fd, "alien"), -EADDRINUSE);
	assert_true(temp_exists("alien"));
}

static void test_path_failures(void **state)
{
	int before = temp_count_fds();
	char name[120];
	memset(name, 'n', sizeof(name));
	name[119] = '\0';
	temp_write("plain", "text");
	assert_int_equal(socket_listen_at(temp_fd, "plain"), -EADDRINUSE);
	assert_true(temp_exists("plain"));
	assert_int_equal(symlinkat("plain", temp_fd, "link"), 0);
	assert_int_equal(socket_listen_at(temp_fd, "link"), -EADDRINUSE);
	assert_int_equal(socket_listen_at(temp_fd, name), -ENAMETOOLONG);
	assert_int_equal(socket_listen_at(temp_fd, ""), -EINVAL);
	assert_int_equal(socket_connect_at(temp_fd, "missing"), -ENOENT);
	assert_int_equal(temp_count_fds(), before);
}

static void test_datagrams(void **state)
{
	int before = temp_count_fds();
	char data[8], path[64];
	struct stat info;
	mode_t mask = umask(077);
	auto_close int server = socket_datagram_bind_at(temp_fd, "datagrams");
	umask(mask);
	assert_true(server >= 0);
	assert_int_equal(fstatat(temp_fd, "datagrams", &info, 0), 0);
	assert_int_equal(info.st_mode, S_IFSOCK | 0666);
	assert_int_equal(socket_datagram_bind_at(temp_fd, "datagrams"), -EADDRINUSE);
	snprintf(path, sizeof(path), "/proc/self/fd/%d/datagrams", temp_fd);
	auto_close int client = socket_datagram_connect(path);
	assert_true(client >= 0);
	assert_int_equal(socket_datagram_receive(server, data, sizeof(data)), -EAGAIN);
	assert_int_equal(socket_datagram_send(client, "more than 8", 11), 0);
	assert_int_equal(socket_datagram_receive(server, data, sizeof(data)), 11);
	assert_memory_equal(data, "more tha", 8);
	/* Fds that come along are closed. */
	assert_int_equal(socket_send(client, "fd", 2, &client, 1), 0);
	int open_fds = temp_count_fds();
	assert_int_equal(socket_datagram_receive(server, data, sizeof(data)), 2);
	assert_int_equal(temp_count_fds(), open_fds);
	int r = 0;
	for (int i = 0; r == 0 && i < 100000; i++)
		r = socket_datagram_send(client, "full", 4);
	assert_int_equal(r, -EAGAIN);
	fd_replace(&server, -EBADF);
	assert_int_equal(socket_datagram_send(client, "gone", 4), -ECONNREFUSED);
	/* A socket that no process holds any more is replaced. */
	server = socket_datagram_bind_at(temp_fd, "datagrams");
	assert_true(server >= 0);
	fd_replace(&server, -EBADF);
	fd_replace(&client, -EBADF);

	auto_close int abstract = socket_new(SOCK_DGRAM);
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "\0husk-unit-test"};
	assert_int_equal(bind(abstract, (struct sockaddr *)&address,
				 offsetof(struct sockaddr_un, sun_path) + 15),
		0);
	client = socket_datagram_connect("@husk-unit-test");
	assert_true(client >= 0);
	assert_int_equal(socket_datagram_send(client, "hi", 2), 0);
	assert_int_equal(socket_datagram_receive(abstract, data, sizeof(data)), 2);
	fd_replace(&client, -EBADF);
	fd_replace(&abstract, -EBADF);
	assert_int_equal(socket_datagram_connect("@husk-unit-test"), -ECONNREFUSED);
	assert_int_equal(socket_datagram_connect("/nothing"), -ENOENT);
	char name[130] = "@";
	memset(name + 1, 'n', sizeof(name) - 2);
	assert_int_equal(socket_datagram_connect(name), -ENAMETOOLONG);
	assert_int_equal(temp_count_fds(), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_packets, pair_setup, pair_teardown),
		cmocka_unit_test(test_close_later),
		cmocka_unit_test(test_end),
		cmocka_unit_test_setup_teardown(test_fds, pair_setup, pair_teardown),
		cmocka_unit_test_setup_teardown(test_more_fds, pair_setup, pair_teardown),
		cmocka_unit_test_setup_teardown(test_surplus_fds, pair_setup, pair_teardown),
		cmocka_unit_test_setup_teardown(test_fds_alone, pair_setup, pair_teardown),
		cmocka_unit_test(test_path),
		cmocka_unit_test(test_path_of_another_kind),
		cmocka_unit_test(test_path_failures),
		cmocka_unit_test(test_datagrams),
	};
	return cmocka_run_group_tests(tests, temp_setup, temp_teardown);
}
