/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Unix sockets that carry fds: SOCK_SEQPACKET pairs and sockets with a path; one message is one
 * packet. Silent, -errno. No abstract sockets: their names are visible across mount namespaces.
 */
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
	/* Fds in one packet: the kernel takes 253 (SCM_MAX_FD), sendmsg of musl 1.2.3 one less. */
	SOCKET_FDS_MAX = 252
};

int socket_pair(int out_fds[2]);
/* Sends one packet with fds, which the caller still owns. Fds that do not fit into it follow in
 * further packets. -EPIPE, not SIGPIPE. */
int socket_send(int fd, const void *data, size_t size, const int *fds, size_t fd_count);
/* Receives one packet; 0 at the end. The fds arrive close-on-exec. *fd_count is the room on
 * entry, and the number of received fds on return. -EMSGSIZE, with all fds closed: the packet is
 * larger than `size`, has more fds than there is room for, or has only fds and no data. */
ssize_t socket_receive(int fd, void *data, size_t size, int *fds, size_t *fd_count);

/* Receives the packets that follow a packet which came with `have` of fd_count fds, into
 * fds[have...]. Receives nothing when these are all. On failure (-EPROTO: another number of fds)
 * all fds are closed. */
int socket_receive_rest(int fd, int *fds, size_t have, size_t fd_count);

/* Closes an fd whose close(2) would wait, without waiting: the fd is sent to a socket that no
 * process can reach, and the kernel's collector of such sockets closes it. Where the collector
 * has no worker of its own (older kernels), or the fd cannot be sent, this function waits as
 * close(2) does. */
void socket_close_later(int fd);

/* Binds and listens at dirfd/name (mode 0600), replacing a dead socket of that name. Connecting
 * waits when more connections are pending already than the listener accepts. */
int socket_listen_at(int dirfd, const char *name);
int socket_connect_at(int dirfd, const char *name);
int socket_accept(int fd);
/* Connects to a stream socket that a user named. */
int socket_stream_connect(const char *path);
/* Connects to such a socket, sends one fd with a word, and closes the connection. */
int socket_stream_give(const char *path, const char *word, int fd);

/* Datagrams, as sd_notify(3) sends them. Neither waits: -EAGAIN. */
/* Binds at dirfd/name, in a directory that nobody else may write; every user who reaches the name
 * may send (mode 0666). */
int socket_datagram_bind_at(int dirfd, const char *name);
/* Connects to a path, or to an abstract name that begins with @. */
int socket_datagram_connect(const char *address);
int socket_datagram_send(int fd, const void *data, size_t size);
/* Returns the datagram's length, of which at most `size` bytes are stored. Fds that come with it
 * are closed. */
ssize_t socket_datagram_receive(int fd, void *data, size_t size);

/* uid and pid of the peer, by SO_PEERCRED. */
int socket_peer(int fd, uid_t *out_uid, pid_t *out_pid);

/* Brings up a link of this network namespace that has no other settings, such as lo. */
int socket_link_up(const char *name);
