/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Unpacks forged layers, and rebuilds them from the result. Include after test_archive_forge.h. */
#include "archive/archive.h"
#include "base/buf.h"

static inline int forge_take(void *context, const void *data, size_t size)
{
	buf_add(context, data, size);
	return 0;
}

/* Rebuilds the unpacked layer, which must be the same. */
static inline void forge_rebuild(const struct buf *tar, const struct archive_target *target)
{
	auto_buf struct buf again = BUF_INIT;
	const struct archive_rebuild told = {.tree_fd = target->dir_fd,
		.side_fd = target->side_fd,
		.write = forge_take,
		.context = &again};
	assert_int_equal(archive_rebuild_layer(&told), 0);
	assert_int_equal(again.len, tar->len);
	assert_memory_equal(again.data, tar->data, tar->len);
}

/* Unpacks a tar stream, with correct digests, into temp/NAME, and rebuilds it. */
static inline int forge_unpack(
	const struct buf *tar, const char *name, const struct archive_target *like)
{
	char hex[ARCHIVE_HEX_LEN + 1];
	archive_digest_of(tar->data, tar->len, hex);
	auto_close int fd = forge_fd(tar->data, tar->len);
	auto_close int dir = openat(temp_fd, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_true(dir >= 0);
	assert_int_equal(file_remove_tree_at(temp_fd, "side"), 0);
	assert_int_equal(mkdirat(temp_fd, "side", 0700), 0);
	auto_close int side = openat(temp_fd, "side", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct archive_budget budget = archive_budget_default;
	struct archive_target target = {.budget = &budget};
	if (like)
		target = *like;
	target.dir_fd = dir;
	target.side_fd = side;
	target.make_opaque = forge_opaque;
	const struct archive_blob blob = {
		.fd = fd, .size_bytes = tar->len, .digest_hex = hex, .diff_hex = hex};
	struct archive_sizes sizes;
	int r = archive_unpack_layer(&blob, &target, &sizes);
	if (r == 0)
		forge_rebuild(tar, &target);
	return r;
}
