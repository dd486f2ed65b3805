/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A message from a bus, or from a program that claims to be one. An accepted message is complete,
 * its texts end within it, and its values can be walked through in bounded time, whatever its
 * signature is.
 */
#include "dbus/read.c"

#include "base/err.h"
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

static void text_check(const char *text, const char *data, size_t size)
{
	if (*text &&
		(text < data || text >= data + size ||
			!memchr(text, 0, (size_t)(data + size - text))))
		BUG("a text that is not in the message");
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct dbus_message m;
	size_t length;
	const char *data = (const char *)bytes;
	if (size < DBUS_HEAD_SIZE)
		return 0;
	int r = dbus_message_length(data, &length);
	if (r == 0 && (length < DBUS_HEAD_SIZE || length > DBUS_MESSAGE_MAX))
		BUG("a message of %zu bytes", length);
	if (dbus_message_parse(data, size, &m) < 0)
		return 0;
	if (r < 0 || length != size)
		BUG("%zu bytes are a message of %zu", size, length);
	const char *const texts[] = {m.path, m.interface, m.member, m.error, m.sender, m.signature};
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		text_check(texts[i], data, size);
	const char *signature = m.signature;
	while (r == 0 && *signature) {
		size_t at = m.body.at;
		r = skip_value(&m.body, &signature, 0);
		if (m.body.at > m.body.len || (r == 0 && m.body.at == at))
			BUG("a value that ends at %zu of %zu", m.body.at, m.body.len);
	}
	return 0;
}
