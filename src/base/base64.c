/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base64.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_write(const char *data, size_t len, struct buf *out)
{
	for (size_t i = 0; i < len; i += 3) {
		uint32_t bits = 0;
		size_t count = len - i < 3 ? len - i : 3;
		for (size_t k = 0; k < 3; k++)
			bits = bits << 8 | (k < count ? (unsigned char)data[i + k] : 0);
		for (size_t k = 0; k < 4; k++)
			buf_addc(out, k <= count ? letters[bits >> (18 - 6 * k) & 63] : '=');
	}
}

/* Four letters, of which the last two may be padding. */
static int group_read(const char *text, struct buf *out)
{
	uint32_t bits = 0;
	size_t padding = text[2] == '=' ? 2 : text[3] == '=';
	for (size_t k = 0; k < 4; k++) {
		const char *at = k < 4 - padding ? strchr(letters, text[k]) : letters;
		if (!at || *at == '\0' || (k >= 4 - padding && text[k] != '='))
			return -EINVAL;
		bits = bits << 6 | (uint32_t)(at - letters);
	}
	for (size_t k = 0; k < 3 - padding; k++)
		buf_addc(out, (char)(bits >> (16 - 8 * k) & 255));
	return padding ? 0 : 1;
}

int base64_read(const char *text, struct buf *out)
{
	size_t len = strlen(text);
	if (len % 4)
		return -EINVAL;
	for (size_t i = 0; i < len; i += 4) {
		int r = group_read(text + i, out);
		if (r < 0 || (r == 0 && i + 4 < len))
			return -EINVAL;
	}
	return 0;
}
