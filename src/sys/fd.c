/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Owning, moving, filling and emptying file descriptors. Apart from fd_read_all, which grows a
 * buffer, nothing here allocates.
 */
#include "sys/fd.h"

#include "base/str.h"
#include "sys/calls.h"
#include "sys/fault.h"
#include "sys/internal.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <poll.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
	DIR_ROOM = 4096,
	READ_FIRST = 4096, /* most files of the kernel and of the state directory fit */
	READ_MORE = 64 * 1024,
};

void fd_close(int fd)
{
	/* Linux releases the fd even when close(2) is interrupted: a second close could close
	 * another fd that has got the same number. */
	if (fd >= 0)
		close(fd);
}

void fd_replace(int *fd, int value)
{
	if (*fd != value)
		fd_close(*fd);
	*fd = value;
}

int fd_open_standard(void)
{
	for (int number = 0; number <= 2; number++) {
		int r = sys_fcntl(number, F_GETFD, 0);
		if (r >= 0)
			continue;
		if (r != -EBADF)
			return r;
		/* `number` is the lowest free number: all lower fds are open by now. */
		int fd = sys_open_at(AT_FDCWD, "/dev/null", O_RDWR, 0);
		if (fd < 0)
			return fd;
		r = fd_set_cloexec(fd, 0);
		if (r < 0)
			return r;
	}
	return 0;
}

int fd_dup(int fd)
{
	return sys_fcntl(fd, F_DUPFD_CLOEXEC, 3);
}

bool fd_is_unread(int fd)
{
	struct pollfd look = {.fd = fd, .events = POLLOUT};
	return sys_poll(&look, 1, 0) > 0 && (look.revents & POLLERR);
}

int fd_place(int fd, int number)
{
	if (fd == number)
		return fd_set_cloexec(fd, 0);

	int r = fault_hit("dup");
	if (r < 0)
		return r;
	/* EBUSY: another process that shares the fd table has reserved the number, but not opened
	 * it yet. */
	do
		r = sys_result(dup2(fd, number));
	while (r == -EINTR || r == -EBUSY);
	return r < 0 ? r : 0;
}

/* Sets or clears close-on-exec. */
int fd_set_cloexec(int fd, int is_cloexec)
{
	return sys_fcntl(fd, F_SETFD, is_cloexec ? FD_CLOEXEC : 0); /* the only fd flag */
}

int fd_set_nonblock(int fd, int is_nonblock)
{
	int old = sys_fcntl(fd, F_GETFL, 0);
	int now = is_nonblock ? old | O_NONBLOCK : old & ~O_NONBLOCK;
	return old < 0 || now == old ? (old < 0 ? old : 0) : sys_fcntl(fd, F_SETFL, now);
}

/* Calls `each` for every open fd >= first. The kernel lists /proc/self/fd in the order of the
 * numbers and remembers only the next number, so closing while reading is safe. */
static int fd_walk_open(unsigned first, int (*each)(int fd))
{
	auto_close int dir = sys_open_at(AT_FDCWD, "/proc/self/fd", O_RDONLY | O_DIRECTORY, 0);
	uint64_t magic;
	int found = dir < 0 ? dir : sys_fs_magic(dir, &magic);
	if (found < 0)
		return found;
	/* In a container /proc may be any directory. */
	if (magic != PROC_SUPER_MAGIC)
		return -ENOTDIR;

	_Alignas(struct dir_row) char rows[DIR_ROOM];
	int len;
	while ((len = sys_read_dir(dir, rows, sizeof(rows))) > 0) {
		const struct dir_row *row;
		for (int at = 0; at < len; at += row->length) {
			uint32_t number;
			row = (const struct dir_row *)(rows + at);
			if (parse_u32(row->name, &number) < 0 || number < first ||
				(int)number == dir)
				continue;
			int r = each((int)number);
			if (r < 0)
				return r;
		}
	}
	return len;
}

static int fd_walk_cloexec(int fd)
{
	return fd_set_cloexec(fd, 1);
}

static int fd_walk_close(int fd)
{
	fd_close(fd);
	return 0;
}

int fd_cloexec_from(unsigned first)
{
	/* The flag exists since 5.11, the call since 5.9. */
	int r = sys_close_range(first, ~0U, CLOSE_RANGE_CLOEXEC);
	return r == -ENOSYS || r == -EINVAL ? fd_walk_open(first, fd_walk_cloexec) : r;
}

int fd_close_from(unsigned first)
{
	int r = sys_close_range(first, ~0U, 0);
	return r == -ENOSYS ? fd_walk_open(first, fd_walk_close) : r;
}

void fd_close_all(int *fds, size_t count)
{
	for (size_t i = 0; i < count;) {
		int first = fds[i];
		size_t next = i + 1;
		while (first >= 0 && next < count && fds[next] == fds[next - 1] + 1)
			next++;
		bool is_closed = next > i + 1 &&
			sys_close_range((unsigned)first, (unsigned)fds[next - 1], 0) == 0;
		for (; i < next; i++) {
			if (!is_closed)
				fd_close(fds[i]);
			fds[i] = -EBADF;
		}
	}
}

ssize_t fd_read_full(int fd, void *data, size_t size)
{
	size_t got = 0;
	while (got < size) {
		ssize_t count = sys_read(fd, (char *)data + got, size - got);
		if (count < 0)
			return count;
		if (count == 0)
			break;
		got += (size_t)count;
	}
	return (ssize_t)got;
}

int fd_write_full(int fd, const void *data, size_t size)
{
	for (size_t put = 0; put < size;) {
		ssize_t count = sys_write(fd, (const char *)data + put, size - put);
		if (count < 0)
			return (int)count;
		if (count == 0)
			return -EIO;
		put += (size_t)count;
	}
	return 0;
}

/* Removes what was added to the buffer. */
static int fd_read_undo(struct buf *out, size_t len, int code)
{
	out->len = len;
	if (out->room)
		out->data[len] = '\0';
	return code;
}

int fd_read_all(int fd, size_t max, struct buf *out)
{
	size_t before = out->len;
	char first[READ_FIRST];
	for (;;) {
		size_t done = out->len - before, left = max - done;
		/* The content of a small file costs no more memory in the buffer than its own
		 * size. */
		bool is_small = done < sizeof(first);
		size_t chunk = is_small ? sizeof(first) : READ_MORE;
		/* One byte beyond the limit shows whether a file just fits or is too large. */
		size_t want = left < chunk ? left + 1 : chunk;
		ssize_t count = sys_read(fd, is_small ? first : buf_reserve(out, want), want);
		if (count < 0)
			return fd_read_undo(out, before, (int)count);
		if (count == 0)
			return 0;
		if ((size_t)count > left)
			return fd_read_undo(out, before, -EFBIG);
		if (is_small)
			buf_add(out, first, (size_t)count);
		else
			buf_grew(out, (size_t)count);
	}
}

/* Not executable where the kernel has the flag for it (6.3), as hosts with vm.memfd_noexec=2
 * demand. */
static int memfd_new(const char *name)
{
	int fd = sys_memfd_create(name, MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
	return fd == -EINVAL ? sys_memfd_create(name, MFD_ALLOW_SEALING) : fd;
}

int fd_memfd(const char *name, size_t size)
{
	auto_close int fd = memfd_new(name);
	if (fd < 0)
		return fd;
	int r = sys_truncate_fd(fd, size);
	return r < 0 ? r : take_fd(&fd);
}

int fd_memfd_sealed(const char *name, const void *data, size_t size)
{
	const int seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;

	auto_close int fd = memfd_new(name);
	if (fd < 0)
		return fd;
	int r = fd_write_full(fd, data, size);
	if (r < 0)
		return r;
	if (lseek(fd, 0, SEEK_SET) < 0)
		return -errno;
	r = sys_fcntl(fd, F_ADD_SEALS, seals);
	return r < 0 ? r : take_fd(&fd);
}

int fd_map(int fd, const void **out_data, size_t *out_size)
{
	struct stat info;
	int r = sys_stat_fd(fd, &info);
	if (r < 0)
		return r;
	if (info.st_size <= 0)
		return -EINVAL;
	r = fault_hit("mmap");
	if (r < 0)
		return r;
	void *data = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (data == MAP_FAILED)
		return -errno;
	*out_data = data;
	*out_size = (size_t)info.st_size;
	return 0;
}

int fd_map_shared(int fd, size_t size, bool is_writable, void **out_data)
{
	int r = fault_hit("mmap");
	if (r < 0)
		return r;
	void *data = mmap(
		NULL, size, PROT_READ | (is_writable ? PROT_WRITE : 0), MAP_SHARED, fd, 0);
	if (data == MAP_FAILED)
		return -errno;
	*out_data = data;
	return 0;
}

void fd_unmap(const void *data, size_t size)
{
	if (data)
		munmap((void *)data, size);
}

const char *fd_proc_path(char out[static 32], int fd)
{
	snprintf(out, 32, "/proc/self/fd/%d", fd);
	return out;
}
