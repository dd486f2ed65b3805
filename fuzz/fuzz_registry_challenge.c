/* SPDX-License-Identifier: Apache-2.0 */
/* The header WWW-Authenticate, and whether a login may be sent to the realm that it names. */
#include "registry/challenge.c"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_arena struct arena a = ARENA_INIT;
	auto_buf struct buf text = BUF_INIT;
	struct challenge c;
	buf_add(&text, data, size);
	int r = challenge_parse(text.data, &a, &c);
	if (r != 0 && r != -EINVAL)
		BUG("%d", r);
	if (r < 0)
		return 0;
	if (!c.is_basic && !c.realm)
		BUG("a token of nobody");
	const char *values[] = {c.realm, c.service, c.scope};
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		if (values[i] && strlen(values[i]) > VALUE_MAX)
			BUG("a value of %zu bytes", strlen(values[i]));
	if (c.realm && origin_trusts_realm("r.example.com", "https://r.example.com/", c.realm) &&
		!str_prefix(c.realm, "https://"))
		BUG("a login would go to %s", c.realm);
	return 0;
}
