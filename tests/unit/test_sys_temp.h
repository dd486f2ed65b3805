/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Shared by the tests of sys/: cmocka with its includes, and a directory that is removed. Include
 * it last.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "sys/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static char temp_path[64];
static int temp_fd = -1;

static inline int temp_setup(void **state)
{
	(void)state;
	snprintf(temp_path, sizeof(temp_path), "/tmp/husk-unit-XXXXXX");
	if (!mkdtemp(temp_path))
		return -1;
	temp_fd = open(temp_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return temp_fd < 0 ? -1 : 0;
}

static inline int temp_teardown(void **state)
{
	(void)state;
	close(temp_fd);
	return file_remove_tree_at(AT_FDCWD, temp_path);
}

/* Writes a file with this text beneath the directory. */
static inline void temp_write(const char *path, const char *text)
{
	int fd = openat(temp_fd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static inline int temp_exists(const char *path)
{
	struct stat info;
	return fstatat(temp_fd, path, &info, AT_SYMLINK_NOFOLLOW) == 0;
}

/* The number of open fds, to check that none is left open. */
static inline int temp_count_fds(void)
{
	int count = 0;
	for (int fd = 0; fd < 1024; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}
