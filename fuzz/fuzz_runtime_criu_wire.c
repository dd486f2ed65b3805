/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An answer from criu, or from a program that claims to be criu: every field ends within it and
 * uses some of it, and a field that is written again reads the same.
 */
#include "runtime/criu_wire.c"

#include "base/err.h"
#include "fuzz.h"

static void field_check(const struct wire_field *f)
{
	auto_buf struct buf again = BUF_INIT;
	struct wire_field other;
	if (f->data)
		wire_put_bytes(&again, f->field, f->data, f->len);
	else
		wire_put_number(&again, f->field, f->value);
	const char *data = again.data;
	size_t len = again.len;
	if (wire_next(&data, &len, &other) != 1 || len != 0 || other.field != f->field ||
		other.value != f->value || other.len != f->len ||
		(f->len && memcmp(other.data, f->data, f->len) != 0))
		BUG("field %u is another when it is written again", f->field);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	const char *data = (const char *)bytes, *end = data + size;
	size_t len = size;
	struct wire_field f;
	for (;;) {
		const char *before = data;
		int r = wire_next(&data, &len, &f);
		if (r <= 0)
			return 0;
		if (data <= before || data + len != end)
			BUG("%zu bytes are left", len);
		if (f.data && (f.data < before || f.data + f.len > data))
			BUG("bytes that are not in the message");
		field_check(&f);
	}
}
