/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packets with fds over Unix sockets. Sockets with a path are reached through /proc/self/fd: an
 * address has room for 107 bytes only, and the path must not be resolved against a directory that
 * another process renames.
 */
#include "sys/socket.h"

#include "base/str.h"
#include "sys/calls.h"
#include "sys/fault.h"
#include "sys/fd.h"
#include "sys/internal.h"

#include <fcntl.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>

enum { BACKLOG = 64 };

union socket_control {
	struct cmsghdr header; /* for its alignment */
	char room[CMSG_SPACE(SOCKET_FDS_MAX * sizeof(int))];
};

int socket_pair(int out_fds[2])
{
	int fault = fault_hit("socketpair");
	return fault ? fault
		     : sys_result(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, out_fds));
}

static int packet_send(int fd, const void *data, size_t size, const int *fds, size_t fd_count)
{
	int r = fault_hit("sendmsg");
	if (r < 0)
		return r;

	union socket_control control = {0};
	struct iovec part = {.iov_base = (void *)data, .iov_len = size};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
	if (fd_count > 0) {
		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
		struct cmsghdr *header = CMSG_FIRSTHDR(&message);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(fd_count * sizeof(int));
		memcpy(CMSG_DATA(header), fds, fd_count * sizeof(int));
	}
	r = SYS_RETRIED(sendmsg(fd, &message, MSG_NOSIGNAL));
	if (r < 0)
		return r;
	return (size_t)r == size ? 0 : -EMSGSIZE;
}

static size_t packet_room(size_t fd_count)
{
	return fd_count < SOCKET_FDS_MAX ? fd_count : SOCKET_FDS_MAX;
}

int socket_send(int fd, const void *data, size_t size, const int *fds, size_t fd_count)
{
	size_t sent = packet_room(fd_count);
	int r = packet_send(fd, data, size, fds, sent);
	while (r == 0 && sent < fd_count) {
		size_t more = packet_room(fd_count - sent);
		r = packet_send(fd, "", 1, fds + sent, more);
		sent += more;
	}
	return r;
}

void socket_close_later(int fd)
{
	int pair[2] = {-EBADF, -EBADF};
	/* The receiving end is sent to itself. When all fds are closed here, only the message
	 * holds that end, and fd. */
	if (socket_pair(pair) == 0)
		socket_send(pair[1], "", 1, (const int[]){pair[0], fd}, 2);
	fd_close(fd);
	fd_close(pair[0]);
	fd_close(pair[1]);
}

/* Collects the fds of all control messages and returns their number. out_fds has room for as many
 * fds as `control` can carry. */
static size_t socket_take_fds(struct msghdr *message, int out_fds[static SOCKET_FDS_MAX])
{
	size_t count = 0;
	for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header;
		header = CMSG_NXTHDR(message, header)) {
		if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
			continue;
		size_t here = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(out_fds + count, CMSG_DATA(header), here * sizeof(int));
		count += here;
	}
	return count;
}

ssize_t socket_receive(int fd, void *data, size_t size, int *fds, size_t *fd_count)
{
	int r = fault_hit("recvmsg");
	if (r < 0)
		return r;

	int taken[SOCKET_FDS_MAX];
	union socket_control control = {0};
	struct iovec part = {.iov_base = data, .iov_len = size};
	struct msghdr message = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	r = SYS_RETRIED(recvmsg(fd, &message, MSG_CMSG_CLOEXEC));
	if (r < 0)
		return r;

	/* More fds than `control` can carry are not installed and set MSG_CTRUNC. */
	size_t count = socket_take_fds(&message, taken), room = fd_count ? *fd_count : 0;
	if (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC) || count > room || (r == 0 && count > 0)) {
		for (size_t i = 0; i < count; i++)
			fd_close(taken[i]);
		return -EMSGSIZE;
	}
	if (count > 0)
		memcpy(fds, taken, count * sizeof(int));
	if (fd_count)
		*fd_count = count;
	return r;
}

int socket_receive_rest(int fd, int *fds, size_t have, size_t fd_count)
{
	size_t first = packet_room(fd_count);
	int r = have == first ? 0 : -EPROTO;
	while (r == 0 && have < fd_count) {
		char byte;
		size_t more = packet_room(fd_count - have), count = more;
		ssize_t size = socket_receive(fd, &byte, 1, fds + have, &count);
		r = size < 0 ? (int)size : 0;
		if (r == 0)
			have += count;
		if (r == 0 && (size == 0 || count != more))
			r = -EPROTO;
	}
	for (size_t i = 0; r < 0 && i < have; i++)
		fd_replace(&fds[i], -EBADF);
	return r;
}

/* The address of dirfd/name. */
static int socket_address(int dirfd, const char *name, struct sockaddr_un *out)
{
	*out = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (!*name)
		return -EINVAL;
	if (dirfd == AT_FDCWD)
		return fmt(out->sun_path, "%s", name);
	return fmt(out->sun_path, "%s/%s", PROC_FD_PATH(dirfd), name);
}

static int socket_new(int type)
{
	int fault = fault_hit("socket");
	return fault ? fault : sys_result(socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
}

static int address_connect(int fd, const struct sockaddr_un *address, size_t size)
{
	int fault = fault_hit("connect");
	return fault ? fault
		     : SYS_RETRIED(connect(fd, (const struct sockaddr *)address, (socklen_t)size));
}

static int socket_connect(int fd, const struct sockaddr_un *address)
{
	return address_connect(fd, address, sizeof(*address));
}

static int socket_bind(int fd, const struct sockaddr_un *address)
{
	int fault = fault_hit("bind");
	return fault ? fault
		     : sys_result(bind(fd, (const struct sockaddr *)address, sizeof(*address)));
}

/* Removes a socket that no process listens on any more. */
static int socket_bury(int dirfd, const char *name)
{
	struct stat info;
	int r = sys_stat_at(dirfd, name, AT_SYMLINK_NOFOLLOW, &info);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	if (!S_ISSOCK(info.st_mode))
		return -EADDRINUSE;
	auto_close int other = socket_connect_at(dirfd, name);
	if (other != -ECONNREFUSED)
		return other == -ENOENT ? 0 : -EADDRINUSE;
	r = sys_unlink_at(dirfd, name, 0);
	return r == -ENOENT ? 0 : r;
}

/* The file gets the mode of the socket from the beginning, so other users can never connect. */
static int socket_bound_at(int dirfd, const char *name, int type)
{
	struct sockaddr_un address;
	int r = socket_address(dirfd, name, &address);
	if (r < 0)
		return r;
	auto_close int fd = socket_new(type);
	if (fd < 0)
		return fd;
	r = sys_chmod_fd(fd, 0600);
	if (r == 0)
		r = socket_bind(fd, &address);
	if (r == -EADDRINUSE) {
		r = socket_bury(dirfd, name);
		if (r == 0)
			r = socket_bind(fd, &address);
	}
	return r < 0 ? r : take_fd(&fd);
}

int socket_listen_at(int dirfd, const char *name)
{
	auto_close int fd = socket_bound_at(dirfd, name, SOCK_SEQPACKET);
	if (fd < 0)
		return fd;
	int r = fault_hit("listen");
	if (r == 0)
		r = sys_result(listen(fd, BACKLOG));
	if (r < 0) {
		sys_unlink_at(dirfd, name, 0);
		return r;
	}
	return take_fd(&fd);
}

int socket_connect_at(int dirfd, const char *name)
{
	struct sockaddr_un address;
	int r = socket_address(dirfd, name, &address);
	if (r < 0)
		return r;
	auto_close int fd = socket_new(SOCK_SEQPACKET);
	if (fd < 0)
		return fd;
	r = socket_connect(fd, &address);
	return r < 0 ? r : take_fd(&fd);
}

/* The address of a socket that a user named: through an fd, because the path may be longer than an
 * address. *out_file must be open while the address is used. */
static int path_address(const char *path, struct sockaddr_un *out, int *out_file)
{
	*out = (struct sockaddr_un){.sun_family = AF_UNIX};
	*out_file = sys_open_at(AT_FDCWD, path, O_PATH, 0);
	return *out_file < 0 ? *out_file : fmt(out->sun_path, "%s", PROC_FD_PATH(*out_file));
}

int socket_stream_connect(const char *path)
{
	struct sockaddr_un address;
	auto_close int file = -EBADF;
	int r = path_address(path, &address, &file);
	if (r < 0)
		return r;
	auto_close int stream = socket_new(SOCK_STREAM);
	r = stream < 0 ? stream : socket_connect(stream, &address);
	return r < 0 ? r : take_fd(&stream);
}

int socket_datagram_bind_at(int dirfd, const char *name)
{
	auto_close int fd = socket_bound_at(dirfd, name, SOCK_DGRAM);
	/* The umask has no part in this. */
	int r = fd < 0 ? fd : sys_chmod_at(dirfd, name, 0666);
	return r < 0 ? r : take_fd(&fd);
}

int socket_datagram_connect(const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	auto_close int file = -EBADF;
	size_t size = sizeof(address);
	int r;
	if (name[0] == '@') {
		r = fmt(address.sun_path, "%s", name);
		address.sun_path[0] = 0;
		size = offsetof(struct sockaddr_un, sun_path) + strlen(name);
	} else {
		r = path_address(name, &address, &file);
	}
	if (r < 0)
		return r;
	auto_close int fd = socket_new(SOCK_DGRAM);
	r = fd < 0 ? fd : address_connect(fd, &address, size);
	return r < 0 ? r : take_fd(&fd);
}

int socket_datagram_send(int fd, const void *data, size_t size)
{
	int fault = fault_hit("send");
	int r = fault ? fault : SYS_RETRIED(send(fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL));
	return r < 0 ? r : 0;
}

ssize_t socket_datagram_receive(int fd, void *data, size_t size)
{
	int fault = fault_hit("recv");
	return fault ? fault : SYS_RETRIED(recv(fd, data, size, MSG_DONTWAIT | MSG_TRUNC));
}

int socket_stream_give(const char *path, const char *word, int fd)
{
	auto_close int stream = socket_stream_connect(path);
	return stream < 0 ? stream : socket_send(stream, word, strlen(word), &fd, 1);
}

int socket_accept(int fd)
{
	int fault = fault_hit("accept");
	return fault ? fault : SYS_RETRIED(accept4(fd, NULL, NULL, SOCK_CLOEXEC));
}

int socket_peer(int fd, uid_t *out_uid, pid_t *out_pid)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);
	int r = fault_hit("getsockopt");
	if (r == 0)
		r = sys_result(getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size));
	if (r < 0)
		return r;
	*out_uid = peer.uid;
	*out_pid = peer.pid;
	return 0;
}

int socket_link_up(const char *name)
{
	struct ifreq request = {.ifr_flags = IFF_UP};
	int r = fmt(request.ifr_name, "%s", name);
	auto_close int fd = r < 0 ? r : socket_new(SOCK_DGRAM);
	if (fd < 0)
		return fd;
	r = sys_ioctl(fd, SIOCSIFFLAGS, &request);
	return r < 0 ? r : 0;
}
