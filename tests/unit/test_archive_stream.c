/* SPDX-License-Identifier: Apache-2.0 */
/* Blobs: compressions, lying manifests, and bombs. */
#include "archive/stream.c"

#include "test_sys_temp.h"
#include "test_archive_forge.h"

#include <bzlib.h>
#include <isa-l/igzip_lib.h>
#include <lzma.h>
#include <string.h>
#include <zstd.h>

static void compress(const struct buf *in, enum archive_compression how, struct buf *out)
{
	size_t room = in->len + 65536;
	if (how == ARCHIVE_ZSTD) {
		size_t size = ZSTD_compress(buf_reserve(out, room), room, in->data, in->len, 1);
		assert_false(ZSTD_isError(size));
		buf_grew(out, size);
		return;
	}
	if (how == ARCHIVE_XZ) {
		size_t size = 0;
		assert_int_equal(lzma_easy_buffer_encode(6, LZMA_CHECK_CRC64, NULL,
					 (const uint8_t *)in->data, in->len,
					 (uint8_t *)buf_reserve(out, room), &size, room),
			LZMA_OK);
		buf_grew(out, size);
		return;
	}
	if (how == ARCHIVE_BZIP2) {
		unsigned size = (unsigned)room;
		assert_int_equal(BZ2_bzBuffToBuffCompress(buf_reserve(out, room), &size, in->data,
					 (unsigned)in->len, 9, 0, 0),
			BZ_OK);
		buf_grew(out, size);
		return;
	}
	struct isal_zstream z;
	isal_deflate_stateless_init(&z);
	z.gzip_flag = IGZIP_GZIP;
	z.end_of_stream = 1;
	z.next_in = (uint8_t *)in->data;
	z.avail_in = (uint32_t)in->len;
	z.next_out = (uint8_t *)buf_reserve(out, room);
	z.avail_out = (uint32_t)room;
	assert_int_equal(isal_deflate_stateless(&z), COMP_OK);
	buf_grew(out, z.total_out);
}

struct layer {
	struct buf tar, blob;
	char digest[65], diff[65];
	struct archive_blob says;
};

static void layer_make(struct layer *l, enum archive_compression how, const char *content)
{
	*l = (struct layer){.tar = BUF_INIT, .blob = BUF_INIT};
	forge_add(&l->tar, &(struct forged){"file", '0', .content = content});
	forge_end(&l->tar);
	if (how == ARCHIVE_PLAIN)
		buf_add(&l->blob, l->tar.data, l->tar.len);
	else
		compress(&l->tar, how, &l->blob);
	archive_digest_of(l->tar.data, l->tar.len, l->diff);
	archive_digest_of(l->blob.data, l->blob.len, l->digest);
	l->says = (struct archive_blob){.compression = how,
		.size_bytes = l->blob.len,
		.digest_hex = l->digest,
		.diff_hex = l->diff};
}

static int layer_unpack(struct layer *l, uint64_t bytes)
{
	assert_int_equal(file_remove_tree_at(temp_fd, "t"), 0);
	assert_int_equal(mkdirat(temp_fd, "t", 0755), 0);
	auto_close int dir = openat(temp_fd, "t", O_PATH | O_DIRECTORY);
	auto_close int fd = forge_fd(l->blob.data, l->blob.len);
	struct archive_budget budget = {.bytes = bytes, .members = 100};
	const struct archive_target target = {
		.dir_fd = dir, .side_fd = -1, .budget = &budget, .make_opaque = forge_opaque};
	l->says.fd = fd;
	struct archive_sizes sizes;
	int r = archive_unpack_layer(&l->says, &target, &sizes);
	if (r < 0)
		assert_int_equal(err_code(), r);
	return r;
}

static void layer_end(struct layer *l)
{
	buf_release(&l->tar);
	buf_release(&l->blob);
}

static void test_compressions(void **state)
{
	for (int how = ARCHIVE_PLAIN; how <= ARCHIVE_BZIP2; how++) {
		struct layer l;
		auto_buf struct buf got = BUF_INIT;
		layer_make(&l, how, "content");
		assert_int_equal(layer_unpack(&l, 1 << 20), 0);
		assert_int_equal(file_read_at(temp_fd, "t/file", 100, &got), 0);
		assert_string_equal(got.data, "content");
		/* With another media type the blob is refused, and its compression not guessed. */
		l.says.compression = how == ARCHIVE_GZIP ? ARCHIVE_ZSTD : ARCHIVE_GZIP;
		assert_int_equal(layer_unpack(&l, 1 << 20), -EBADMSG);
		layer_end(&l);
	}
}

static void test_lies(void **state)
{
	for (int how = ARCHIVE_PLAIN; how <= ARCHIVE_BZIP2; how++) {
		struct layer l;
		layer_make(&l, how, "content");
		l.digest[0] ^= 1;
		assert_int_equal(layer_unpack(&l, 1 << 20), -EBADMSG);
		l.digest[0] ^= 1;
		l.diff[63] ^= 1;
		assert_int_equal(layer_unpack(&l, 1 << 20), -EBADMSG);
		l.diff[63] ^= 1;
		l.says.size_bytes--;
		assert_int_equal(layer_unpack(&l, 1 << 20), -EBADMSG);
		l.says.size_bytes += 2;
		assert_int_equal(layer_unpack(&l, 1 << 20), -EBADMSG);
		l.says.size_bytes--;
		assert_int_equal(layer_unpack(&l, 1 << 20), 0);
		layer_end(&l);
	}
}

static void test_garbage_behind(void **state)
{
	struct layer l;
	layer_make(&l, ARCHIVE_GZIP, "content");
	buf_adds(&l.blob, "garbage");
	l.says.size_bytes = l.blob.len;
	assert_int_equal(layer_unpack(&l, 1 << 20), -EBADMSG); /* the digest excludes the garbage */
	layer_end(&l);

	layer_make(&l, ARCHIVE_PLAIN, "content");
	buf_adds(&l.blob, "garbage");
	l.says.size_bytes = l.blob.len;
	archive_digest_of(l.blob.data, l.blob.len, l.digest);
	assert_int_equal(layer_unpack(&l, 1 << 20), -EBADMSG); /* part of the tar stream here */
	layer_end(&l);
}

static void test_cut(void **state)
{
	for (int how = ARCHIVE_PLAIN; how <= ARCHIVE_BZIP2; how++) {
		struct layer l;
		layer_make(&l, how, "content");
		l.blob.len -= 20;
		l.says.size_bytes = l.blob.len;
		archive_digest_of(l.blob.data, l.blob.len, l.digest);
		assert_int_equal(layer_unpack(&l, 1 << 20), -EBADMSG);
		layer_end(&l);
	}
}

static void test_bomb(void **state)
{
	auto_free char *zeros = mem_new((8 << 20) + 1);
	memset(zeros, '0', 8 << 20);
	for (int how = ARCHIVE_GZIP; how <= ARCHIVE_BZIP2; how++) {
		struct layer l;
		layer_make(&l, how, zeros);
		assert_true(l.blob.len < 100000);
		assert_int_equal(layer_unpack(&l, 1 << 20), -EFBIG);
		layer_end(&l);
	}
}

/* 300 MiB of zeros in a few kilobytes. The limit for bytes alone would allow them. */
static void test_ratio(void **state)
{
	enum { STEP = 1 << 20, STEPS = 300 };
	auto_buf struct buf tar = BUF_INIT, zeros = BUF_INIT, frame = BUF_INIT, blob = BUF_INIT;
	forge_header(&tar, &(struct forged){"file", '0'}, 0);
	compress(&tar, ARCHIVE_ZSTD, &blob);
	memset(buf_reserve(&zeros, STEP), 0, STEP);
	buf_grew(&zeros, STEP);
	compress(&zeros, ARCHIVE_ZSTD, &frame);
	for (int i = 0; i < STEPS; i++)
		buf_add(&blob, frame.data, frame.len);
	auto_close int fd = forge_fd(blob.data, blob.len);
	auto_close int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
	assert_int_equal(archive_spool(fd, true, nowhere, UINT64_MAX), -EFBIG);
	assert_non_null(strstr(err_text(), "it grows to more than"));
}

static void test_unreadable(void **state)
{
	struct layer l;
	layer_make(&l, ARCHIVE_GZIP, "content");
	struct archive_budget budget = archive_budget_default;
	const struct archive_target target = {.dir_fd = temp_fd, .side_fd = -1, .budget = &budget};
	struct archive_sizes sizes;
	l.says.fd = temp_fd; /* a directory */
	assert_int_equal(archive_unpack_layer(&l.says, &target, &sizes), -EISDIR);
	assert_non_null(strstr(err_text(), "read the blob"));
	layer_end(&l);
}

int main(void)
{
	archive_begin();
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_compressions),
		cmocka_unit_test(test_lies),
		cmocka_unit_test(test_garbage_behind),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_bomb),
		cmocka_unit_test(test_ratio),
		cmocka_unit_test(test_unreadable),
	};
	return cmocka_run_group_tests(tests, temp_setup, temp_teardown);
}
