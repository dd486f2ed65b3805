/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * File descriptors: ownership, whole reads and writes, memfds. Every fd that husk opens is
 * O_CLOEXEC. All functions here are silent (-errno).
 */
#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Closes fd if it is >= 0. Never fails: nothing here relies on close(2) to report a write error. */
void fd_close(int fd);
static inline void cleanup_fd(int *fd)
{
	if (*fd >= 0)
		fd_close(*fd);
}
/* `auto_close int fd = -EBADF;` */
#define auto_close __attribute__((cleanup(cleanup_fd)))

/* Moves an fd out of its variable, which becomes -EBADF. */
static inline int take_fd(int *fd)
{
	int value = *fd;
	*fd = -9; /* -EBADF; this header does not include <errno.h> */
	return value;
}

/* Closes the fd that *fd holds, and sets *fd to value. */
void fd_replace(int *fd, int value);

/* Opens /dev/null for each of the fds 0, 1 and 2 that is closed. Every main() does this first. */
int fd_open_standard(void);
/* Returns a duplicate above 2, close-on-exec. */
int fd_dup(int fd);
/* True for a pipe or a socket whose reader has closed its end: the reader wants no more data,
 * which is no error. */
bool fd_is_unread(int fd);
/* Duplicates `fd` to `number`, without close-on-exec; the two may be equal. */
int fd_place(int fd, int number);
int fd_set_cloexec(int fd, int is_cloexec);
int fd_set_nonblock(int fd, int is_nonblock);
/* Closes the open fds of an array and sets every item to -EBADF. Neighbours with consecutive
 * numbers are closed by one call. */
void fd_close_all(int *fds, size_t count);
/* Marks every fd >= first close-on-exec (by close_range, or by reading /proc/self/fd). */
int fd_cloexec_from(unsigned first);
/* Closes every fd >= first. */
int fd_close_from(unsigned first);

/* Reads until `size` bytes or end of file; returns the count. */
ssize_t fd_read_full(int fd, void *data, size_t size);
int fd_write_full(int fd, const void *data, size_t size);
/* Appends everything up to the end of file, at most max bytes: -EFBIG when there is more. */
int fd_read_all(int fd, size_t max, struct buf *out);

/* A memfd of `size` bytes of zeros. */
int fd_memfd(const char *name, size_t size);
/* A sealed (no write, no grow, no shrink, no more seals) memfd with this content. */
int fd_memfd_sealed(const char *name, const void *data, size_t size);
/* Maps a whole file read-only; -EINVAL when it is empty. */
int fd_map(int fd, const void **out_data, size_t *out_size);
/* Unmaps such a file; data may be NULL. */
void fd_unmap(const void *data, size_t size);
/* Maps `size` bytes of an fd, shared: all processes that map the fd see what any of them writes. */
int fd_map_shared(int fd, size_t size, bool is_writable, void **out_data);

/* "/proc/self/fd/N" in a buffer that lives as long as the enclosing block. */
#define PROC_FD_PATH(fd) fd_proc_path((char[32]){0}, (fd))
const char *fd_proc_path(char out[static 32], int fd);
