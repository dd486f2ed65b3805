/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 by libcrypto. It fails only by a programmer error or without memory: both abort. */
#include "archive/archive.h"
#include "base/buf.h"
#include "base/err.h"

#include <openssl/evp.h>

struct archive_digest {
	EVP_MD_CTX *context;
};

static void begin(struct archive_digest *d)
{
	if (EVP_DigestInit_ex(d->context, EVP_sha256(), NULL) != 1)
		BUG("sha256: init");
}

struct archive_digest *archive_digest_new(void)
{
	struct archive_digest *d = mem_new(sizeof(*d));
	d->context = EVP_MD_CTX_new();
	if (!d->context)
		BUG("sha256: no memory");
	begin(d);
	return d;
}

void archive_digest_free(struct archive_digest *d)
{
	if (!d)
		return;
	EVP_MD_CTX_free(d->context);
	free(d);
}

void archive_digest_add(struct archive_digest *d, const void *data, size_t size)
{
	if (EVP_DigestUpdate(d->context, data, size) != 1)
		BUG("sha256: update");
}

void archive_digest_hex(struct archive_digest *d, char out[static ARCHIVE_HEX_LEN + 1])
{
	static const char digits[] = "0123456789abcdef";
	unsigned char bytes[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	if (EVP_DigestFinal_ex(d->context, bytes, &len) != 1 || len != ARCHIVE_HEX_LEN / 2)
		BUG("sha256: final");
	for (unsigned i = 0; i < len; i++) {
		out[2 * i] = digits[bytes[i] >> 4];
		out[2 * i + 1] = digits[bytes[i] & 15];
	}
	out[ARCHIVE_HEX_LEN] = '\0';
	begin(d);
}

void archive_digest_of(const void *data, size_t size, char out[static ARCHIVE_HEX_LEN + 1])
{
	auto_of(archive_digest) struct archive_digest *d = archive_digest_new();
	archive_digest_add(d, data, size);
	archive_digest_hex(d, out);
}

void archive_begin(void)
{
	char hex[ARCHIVE_HEX_LEN + 1];
	archive_digest_of("", 0, hex);
}
