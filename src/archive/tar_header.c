/* SPDX-License-Identifier: Apache-2.0 */
/* The only header that husk writes into its own archives: ustar. A larger size than ustar can
 * express is written as GNU does, which every reader understands. */
#include "archive/archive.h"
#include "base/err.h"
#include "base/str.h"

#include <string.h>

enum {
	NAME_SIZE = 100,
	MODE_AT = 100,
	UID_AT = 108,
	GID_AT = 116,
	SIZE_AT = 124,
	TIME_AT = 136,
	SUM_AT = 148,
	TYPE_AT = 156,
	MAGIC_AT = 257,
	SHORT_SIZE = 8,
	LONG_SIZE = 12,
	OCTAL_DIGITS = 11
};

static void octal_put(char *field, size_t size, uint64_t value)
{
	char digits[32];
	fmt(digits, "%0*llo", (int)size - 1, (unsigned long long)value);
	memcpy(field, digits, size);
}

static void size_put(char *field, uint64_t size)
{
	if (size >> (3 * OCTAL_DIGITS) == 0) {
		octal_put(field, LONG_SIZE, size);
		return;
	}
	field[0] = (char)0x80;
	for (int i = LONG_SIZE - 1; i > LONG_SIZE - 9; i--, size >>= 8)
		field[i] = (char)(size & 0xff);
}

void archive_tar_header(char out[static ARCHIVE_BLOCK], const char *name, uint64_t size)
{
	size_t len = strlen(name);
	bool is_directory = len > 0 && name[len - 1] == '/';
	unsigned sum = 0;
	if (len > NAME_SIZE)
		BUG("a name of %zu bytes in a tar header", len);
	memset(out, 0, ARCHIVE_BLOCK);
	memcpy(out, name, len);
	octal_put(out + MODE_AT, SHORT_SIZE, is_directory ? 0755 : 0644);
	octal_put(out + UID_AT, SHORT_SIZE, 0);
	octal_put(out + GID_AT, SHORT_SIZE, 0);
	size_put(out + SIZE_AT, size);
	octal_put(out + TIME_AT, LONG_SIZE, 0);
	out[TYPE_AT] = is_directory ? '5' : '0';
	memcpy(out + MAGIC_AT, "ustar\00000", 8);
	memset(out + SUM_AT, ' ', SHORT_SIZE);
	for (int i = 0; i < ARCHIVE_BLOCK; i++)
		sum += (unsigned char)out[i];
	octal_put(out + SUM_AT, SHORT_SIZE - 1, sum);
}
