/* SPDX-License-Identifier: Apache-2.0 */
/* Every parser of words and numbers, on one text. */
#include "fuzz.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#include <errno.h>

/* After a refusal the result must be unchanged. There are only two kinds of refusal. */
static void check(int r, uint64_t value)
{
	if (r != 0 && r != -EINVAL && r != -ERANGE)
		BUG("parser returned %d", r);
	if (r < 0 && value != 4242)
		BUG("parser wrote %llu and refused", (unsigned long long)value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int (*const parsers[])(const char *, uint64_t *) = {
		parse_u64, parse_size, parse_nano};
	static int (*const small_parsers[])(const char *, uint32_t *) = {parse_u32, parse_id};
	static const char *const words[] = {"name", "network", "memory", ""};
	auto_of(buf) struct buf text = BUF_INIT;
	auto_of(buf) struct buf escaped = BUF_INIT;
	buf_add(&text, data, size);

	for (size_t i = 0; i < sizeof(parsers) / sizeof(parsers[0]); i++) {
		uint64_t value = 4242;
		int r = parsers[i](text.data, &value);
		check(r, value);
	}
	for (size_t i = 0; i < sizeof(small_parsers) / sizeof(small_parsers[0]); i++) {
		uint32_t value = 4242;
		int r = small_parsers[i](text.data, &value);
		check(r, value);
	}
	int64_t number = 4242;
	int r = parse_i64(text.data, &number);
	check(r, (uint64_t)number);
	check(parse_ranges(text.data, 1000), 4242);
	str_is_name(text.data);
	str_is_hex(text.data, 64);
	str_nearest(text.data, words, sizeof(words) / sizeof(words[0]));

	buf_add_escaped(&escaped, text.data);
	for (size_t i = 0; i < escaped.len; i++)
		if ((unsigned char)escaped.data[i] < ' ' || escaped.data[i] == 0x7f)
			BUG("byte 0x%02x was not escaped", (unsigned)escaped.data[i]);
	return 0;
}
