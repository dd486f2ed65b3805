/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Unix sockets with fds: SOCK_SEQPACKET pairs and path sockets, one message one packet. Silent, -errno. No abstract
 * sockets: their names cross mount namespaces.
 */
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
	SOCKET_FDS_MAX =
		252 /* in one packet: the kernel takes 253 (SCM_MAX_FD), sendmsg of musl 1.2.3 one less */
};

int socket_pair(int out_fds[2]);
/* Sends one packet with fds (they stay the caller's); more than it can carry follow it. -EPIPE, not SIGPIPE. */
int socket_send(int fd, const void *data, size_t size, const int *fds, size_t fd_count);
/* Receives one packet; 0 at end. Fds arrive close-on-exec, *fd_count is in: room, out: received. A packet larger than
 * `size`, with more fds than there is room for, or with fds alone is -EMSGSIZE, and its fds are closed. */
ssize_t socket_receive(int fd, void *data, size_t size, int *fds, size_t *fd_count);

/* Receives what follows a packet that came with `have` of fd_count fds into fds[have...]: nothing when these are all. On
 * failure (-EPROTO: another number) all of them are closed. */
int socket_receive_rest(int fd, int *fds, size_t have, size_t fd_count);

/* Closes an fd whose close(2) would wait, without waiting: it travels to a socket that nobody can reach, and the kernel's
 * collector of such sockets closes it. Where the collector has no worker of its own (older kernels), or the fd cannot
 * travel, this waits as close does. */
void socket_close_later(int fd);

/* Binds and listens at dirfd/name (mode 0600), replacing a dead socket of that name. Connecting does not wait: -EAGAIN
 * when more wait already than the listener has taken. */
int socket_listen_at(int dirfd, const char *name);
int socket_connect_at(int dirfd, const char *name);
int socket_accept(int fd);
/* A connection to a stream socket that a user named. */
int socket_stream_connect(const char *path);
/* Connects to one, gives it one fd with a word, and closes. */
int socket_stream_give(const char *path, const char *word, int fd);
/* uid and pid of the peer, by SO_PEERCRED. */
int socket_peer(int fd, uid_t *out_uid, pid_t *out_pid);
