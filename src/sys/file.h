/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Whole files, relative to a dirfd: reading up to a size limit, atomic replacement, and directory
 * trees. For husk's own state directories and for kernel files; paths of images go through
 * path.h. Silent, -errno.
 */
#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* True for an extended attribute of the programs that use a file. False for trusted.* and
 * user.overlay.*, which are meant for overlayfs, and for the other security.* attributes, which
 * are meant for the host's security module. Such attributes never leave or enter an image or a
 * volume. */
bool file_xattr_is_kept(const char *name);
#define FILE_ACL_ACCESS "system.posix_acl_access"
#define FILE_ACL_DEFAULT "system.posix_acl_default"
/* Copies these attributes, except `except` (NULL: all). An attribute that the file system or the
 * user namespace does not accept is left out. */
int file_xattrs_copy(int from, int to, const char *except);

/* Appends the file's content, at most max bytes (-EFBIG). Uses O_NOFOLLOW. A FIFO without a
 * writer reads as empty. */
int file_read_at(int dirfd, const char *path, size_t max, struct buf *out);
/* The same for a file that a user named, or of the host's configuration. Symlinks are followed,
 * for example to a pipe of the shell, or from /etc/resolv.conf. */
int file_read(const char *path, size_t max, struct buf *out);
/* Writes to an existing file in one write(2), as kernel files need it; no O_CREAT. */
int file_write_at(int dirfd, const char *path, const char *text);
/* Creates or replaces a file: writes a temporary file beside it, then renames that. With
 * is_durable, fsync of file and directory too. */
int file_replace_at(
	int dirfd, const char *path, const void *data, size_t size, mode_t mode, bool is_durable);
/* Creates with O_EXCL: -EEXIST when the file exists. */
int file_create_at(int dirfd, const char *path, const void *data, size_t size, mode_t mode);

/* Makes renames and unlinks in this directory ("": dirfd itself) survive a crash. */
int file_sync_dir_at(int dirfd, const char *path);
/* mkdir -p of a trusted path; an existing directory is fine. */
int file_make_dirs_at(int dirfd, const char *path, mode_t mode);
/* Opens a directory, O_DIRECTORY | O_NOFOLLOW. */
int file_open_dir_at(int dirfd, const char *path);
/* Whether the content of this directory can be trusted. -EPERM: the directory belongs to another
 * user, who is not root; -EACCES: everybody may write to it. *out_owner is set in all three
 * cases. */
int file_check_private(int dir_fd, uid_t *out_owner);
/* mkdir (an existing directory is fine), then open. */
int file_make_dir_open_at(int dirfd, const char *path, mode_t mode);

/* rm -rf without following symlinks or crossing into another file system. A missing path is
 * success. */
int file_remove_tree_at(int dirfd, const char *path);
/* The names in a directory, without . and .., unsorted. */
int file_list_at(int dirfd, const char *path, struct strvec *out);
