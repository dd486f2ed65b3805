/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unpacks a layer into a directory. Checksums of tar headers are corrected first, or hardly any
 * input would get past them; the digests are correct as well. Whatever the layer contains, the
 * files beside its directory must not change.
 */
#include "heap.h"
#include "archive/archive.h"
#include "base/err.h"
#include "base/str.h"
#include "sys/fd.h"
#include "sys/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCK = 512, CHECKSUM_AT = 148, CHECKSUM_SIZE = 8, MAGIC_AT = 257, DIR_MODE = 0711 };

enum { BYTES_MAX = 1 << 20, MEMBERS_MAX = 200 };

/* The memory that a stream may require for reading (archive/inflate.c). */
enum { WINDOW_MAX = 130 << 20 };

struct place {
	char path[32];
	int fd;
};

/* Kept for all inputs of a run, and removed at its end. */
static struct place place = {.fd = -EBADF};

static void place_remove(void)
{
	file_remove_tree_at(AT_FDCWD, place.path);
}

static void place_make(void)
{
	umask(0);
	archive_begin();
	/* In memory, if possible: most of an input's time is spent in the file system. */
	bool has_memory = access("/dev/shm", W_OK) == 0;
	fmt(place.path, "%s/husk-fuzz-XXXXXX", has_memory ? "/dev/shm" : "/tmp");
	if (!mkdtemp(place.path) || (place.fd = open(place.path, O_PATH | O_CLOEXEC)) < 0)
		BUG("no directory %s", place.path);
	atexit(place_remove);
	int fd = openat(place.fd, "canary", O_WRONLY | O_CREAT | O_CLOEXEC, 0640);
	if (fd < 0 || write(fd, "alive", 5) != 5 || close(fd) < 0 ||
		chmod(place.path, DIR_MODE) < 0)
		BUG("no canary");
}

static void place_check(void)
{
	auto_buf struct buf text = BUF_INIT;
	auto_strvec struct strvec names = STRVEC_INIT;
	struct stat st, above;
	if (fstatat(place.fd, "canary", &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		st.st_mode != (S_IFREG | 0640) || st.st_nlink != 1 || st.st_uid != geteuid())
		BUG("the canary has changed");
	if (file_read_at(place.fd, "canary", 100, &text) < 0 || !str_eq(text.data, "alive"))
		BUG("the canary says %s", text.data);
	if (fstat(place.fd, &above) < 0 || (above.st_mode & 07777) != DIR_MODE ||
		above.st_uid != geteuid())
		BUG("the directory above has changed");
	if (file_list_at(place.fd, ".", &names) < 0 || names.count != 2)
		BUG("%zu names beside the layer", names.count);
}

static void checksums_fix(char *tar, size_t size)
{
	for (; size >= BLOCK; tar += BLOCK, size -= BLOCK) {
		unsigned sum = 0;
		char digits[CHECKSUM_SIZE];
		if (memcmp(tar + MAGIC_AT, "ustar", 5) != 0)
			continue;
		memset(tar + CHECKSUM_AT, ' ', CHECKSUM_SIZE);
		for (size_t i = 0; i < BLOCK; i++)
			sum += (unsigned char)tar[i];
		fmt(digits, "%06o", sum);
		memcpy(tar + CHECKSUM_AT, digits, CHECKSUM_SIZE - 1);
	}
}

static enum archive_compression compression_of(const uint8_t *data, size_t size)
{
	if (size > 2 && data[0] == 0x1f && data[1] == 0x8b)
		return ARCHIVE_GZIP;
	if (size > 6 && memcmp(data, "\xfd\x37zXZ", 6) == 0)
		return ARCHIVE_XZ;
	if (size > 3 && memcmp(data, "BZh", 3) == 0)
		return ARCHIVE_BZIP2;
	return size > 4 && memcmp(data, "\x28\xb5\x2f\xfd", 4) == 0 ? ARCHIVE_ZSTD : ARCHIVE_PLAIN;
}

static int opaque_take(void *context, int dir_fd)
{
	return 0;
}

static int rebuilt_take(void *context, const void *data, size_t size)
{
	buf_add(context, data, size);
	return ((struct buf *)context)->len > 4 * BYTES_MAX ? err_say(-EFBIG, "too much") : 0;
}

/* Rebuilding must give the same stream or an error with a sentence. It may fail for a layer that
 * put files through symlinks and then replaced them, or the like. */
static void rebuild(const struct buf *tar, const struct archive_target *target, bool is_plain)
{
	auto_buf struct buf again = BUF_INIT;
	struct stat shadows;
	bool is_simple = fstatat(target->side_fd, ARCHIVE_SHADOWS, &shadows, 0) < 0;
	const struct archive_rebuild told = {.tree_fd = target->dir_fd,
		.side_fd = target->side_fd,
		.write = rebuilt_take,
		.context = &again};
	int r = archive_rebuild_layer(&told);
	bool is_same = r == 0 && again.len == tar->len &&
		memcmp(again.data, tar->data, tar->len) == 0;
	if (is_plain && is_simple && !is_same && !memmem(tar->data, tar->len, "2", 1))
		BUG("the layer that was made again differs: %d %s", r, err_text());
}

static int unpack(const struct buf *tar, enum archive_compression compression)
{
	char hex[ARCHIVE_HEX_LEN + 1];
	archive_digest_of(tar->data, tar->len, hex);
	auto_close int fd = memfd_create("layer", MFD_CLOEXEC);
	if (fd < 0 || pwrite(fd, tar->data, tar->len, 0) != (ssize_t)tar->len)
		BUG("memfd");
	if (mkdirat(place.fd, "layer", 0755) < 0 || mkdirat(place.fd, "side", 0700) < 0)
		BUG("the directory of the last layer is still there");
	auto_close int dir = openat(
		place.fd, "layer", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	auto_close int side = openat(
		place.fd, "side", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct archive_budget budget = {.bytes = BYTES_MAX, .members = MEMBERS_MAX};
	const struct archive_target target = {
		.dir_fd = dir, .side_fd = side, .budget = &budget, .make_opaque = opaque_take};
	const struct archive_blob blob = {.fd = fd,
		.compression = compression,
		.size_bytes = tar->len,
		.digest_hex = hex,
		.diff_hex = hex};
	struct archive_sizes sizes;
	int r = archive_unpack_layer(&blob, &target, &sizes);
	if (r == 0)
		rebuild(tar, &target, compression == ARCHIVE_PLAIN);
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_buf struct buf tar = BUF_INIT;
	if (place.fd < 0)
		place_make();
	buf_add(&tar, data, size);
	enum archive_compression compression = compression_of(data, size);
	if (compression == ARCHIVE_PLAIN)
		checksums_fix(tar.data, tar.len);
	fuzz_heap_begin();
	int r = unpack(&tar, compression);
	fuzz_heap_check(compression == ARCHIVE_PLAIN || compression == ARCHIVE_GZIP
			? FUZZ_HEAP_MAX
			: FUZZ_HEAP_MAX + WINDOW_MAX);
	if (r < 0 && (err_code() != r || !*err_text()))
		BUG("%d without a sentence", r);
	if (file_remove_tree_at(place.fd, "side") < 0)
		BUG("what is beside a layer cannot be removed");
	place_check();
	if (file_remove_tree_at(place.fd, "layer") < 0)
		BUG("a layer cannot be removed");
	return 0;
}
