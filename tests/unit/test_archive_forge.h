/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Forged layers: tar headers written by hand, so that they can contain what no archiver would
 * write. Owned by the user of the test, unless a row says otherwise. Include after test_sys_temp.h.
 */
#include "archive/archive.h"
#include "base/buf.h"

#include <errno.h>
#include <sys/mman.h>

struct forged {
	const char *name;
	/* of ustar: '0' file, '1' hard link, '2' symlink, '3' char, '4' block, '5' directory, '6'
	 * fifo */
	char type;
	const char *link;
	const char *content;
	unsigned mode;
	unsigned major, minor;
	const char *size; /* octal, in place of the content's size */
	const char *owner;
};

static inline void forge_field(char *field, size_t size, unsigned long long value)
{
	char digits[32];
	snprintf(digits, sizeof(digits), "%0*llo", (int)size - 1, value);
	memcpy(field, digits, size - 1);
}

static inline void forge_pad(struct buf *out)
{
	static const char zeros[512];
	buf_add(out, zeros, (512 - out->len % 512) % 512);
}

static inline void forge_bytes(char *field, size_t size, const char *text)
{
	size_t len = strlen(text);
	memcpy(field, text, len < size ? len : size);
}

static inline void forge_header(struct buf *out, const struct forged *f, size_t size)
{
	char h[512] = {0};
	forge_bytes(h, 100, f->name);
	forge_field(h + 100, 8, f->mode ? f->mode : 0644);
	forge_field(h + 108, 8, getuid());
	forge_field(h + 116, 8, getgid());
	forge_field(h + 124, 12, size);
	forge_field(h + 136, 12, 1000000000);
	if (f->size)
		forge_bytes(h + 124, 12, f->size);
	if (f->owner)
		forge_bytes(h + 108, 8, f->owner);
	h[156] = f->type;
	if (f->link)
		forge_bytes(h + 157, 100, f->link);
	memcpy(h + 257, "ustar\00000", 8);
	forge_field(h + 329, 8, f->major);
	forge_field(h + 337, 8, f->minor);
	memset(h + 148, ' ', 8);
	unsigned sum = 0;
	for (size_t i = 0; i < sizeof(h); i++)
		sum += (unsigned char)h[i];
	snprintf(h + 148, 8, "%06o", sum);
	buf_add(out, h, sizeof(h));
}

static inline void forge_add(struct buf *out, const struct forged *f)
{
	size_t size = f->content ? strlen(f->content) : 0;
	forge_header(out, f, size);
	buf_add(out, f->content ? f->content : "", size);
	forge_pad(out);
}

/* "LEN key=value\n"; LEN includes itself. */
static inline void forge_pax_bytes(struct buf *out, const char *key, const void *value, size_t size)
{
	size_t rest = strlen(key) + size + 3, len = rest + 1;
	char digits[24];
	while (rest + (size_t)snprintf(digits, sizeof(digits), "%zu", len) != len)
		len++;
	buf_addf(out, "%zu %s=", len, key);
	buf_add(out, value, size);
	buf_addc(out, '\n');
}

static inline void forge_pax_record(struct buf *out, const char *key, const char *value)
{
	forge_pax_bytes(out, key, value, strlen(value));
}

/* Adds an extended header for the next member. */
static inline void forge_pax(struct buf *out, const char *key, const char *value)
{
	auto_buf struct buf record = BUF_INIT;
	forge_pax_record(&record, key, value);
	forge_add(out, &(struct forged){.name = "pax", .type = 'x', .content = record.data});
}

/* The same with a value of any bytes. */
static inline void forge_xattr(struct buf *out, const char *name, const void *value, size_t size)
{
	auto_buf struct buf record = BUF_INIT, key = BUF_INIT;
	buf_addf(&key, "SCHILY.xattr.%s", name);
	forge_pax_bytes(&record, key.data, value, size);
	forge_header(out, &(struct forged){.name = "pax", .type = 'x'}, record.len);
	buf_add(out, record.data, record.len);
	forge_pad(out);
}

static inline void forge_end(struct buf *out)
{
	static const char zeros[1024];
	buf_add(out, zeros, sizeof(zeros));
}

static inline int forge_fd(const void *data, size_t size)
{
	int fd = memfd_create("layer", MFD_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, size), size);
	lseek(fd, 0, SEEK_SET);
	return fd;
}

static int opaque_calls;
static char opaque_last[300];

static inline int forge_opaque(void *context, int dir_fd)
{
	char link[64];
	snprintf(link, sizeof(link), "/proc/self/fd/%d", dir_fd);
	ssize_t len = readlink(link, opaque_last, sizeof(opaque_last) - 1);
	opaque_last[len < 0 ? 0 : len] = '\0';
	opaque_calls++;
	return 0;
}
